"""Work that one process at a time does: a named turn, given back by the system when it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from filelock import FileLock, Timeout

from wasteflow_models.engine import Database

_TURNS = 7706


@contextmanager
def turn_of(db: Database, name: str) -> Iterator[bool]:
    """True if the turn `name` is ours until the end of the block, False if another has it."""
    if db.path is not None:
        lock = FileLock(f"{db.path}-{name}.lock", thread_local=False, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()
        return
    number = crc32(name.encode()) & 0x7FFFFFFF
    with db.connection() as connection:
        asked = f"SELECT pg_try_advisory_lock({_TURNS}, {number})"
        taken = bool(connection.exec_driver_sql(asked).scalar())
        connection.commit()
        try:
            yield taken
        finally:
            if taken:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_TURNS}, {number})")
                connection.commit()
