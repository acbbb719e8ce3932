"""Work that one process at a time does: a named turn, given back by the system when it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from wasteflow_models.engine import Database
from wasteflow_models.queue import Alive

_TURNS = 7706


@contextmanager
def turn_of(db: Database, name: str) -> Iterator[bool]:
    """True if the turn `name` is ours until the end of the block, False if another has it."""
    if db.path is not None:
        mark = Alive(db.path, name)
        taken = mark.take()
        try:
            yield taken
        finally:
            if taken:
                mark.drop()
        return
    number = crc32(name.encode()) & 0x7FFFFFFF
    with db.connection() as connection:
        lock = f"SELECT pg_try_advisory_lock({_TURNS}, {number})"
        taken = bool(connection.exec_driver_sql(lock).scalar())
        connection.commit()
        try:
            yield taken
        finally:
            if taken:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_TURNS}, {number})")
                connection.commit()
