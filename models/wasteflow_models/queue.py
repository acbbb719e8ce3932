"""A fair queue for the writers of one SQLite file, and proof that an import is still alive.

SQLite's busy handler polls: a writer that commits and begins again at once takes the lock from
under all that sleep.  Here a writer passes a turnstile first and holds it until the lock is its
own, so whoever waited goes before whoever comes again.  Files beside the database carry the locks;
the operating system drops them when a process dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wasteflow.core.errors import WasteflowError

_POLL_S = 0.002


class Turnstile:
    """Turns of writers on the SQLite file `path`; waits at most `timeout_s`."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._names = [Path(f"{path}-{word}.lock") for word in ("turn", "write")]
        self._timeout_s = timeout_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn; WasteflowError `database_busy` when it does not come in time."""
        gate, lock = (_lock(name) for name in self._names)
        try:
            with gate.acquire(timeout=self._timeout_s, poll_interval=_POLL_S):
                held = lock.acquire(timeout=self._timeout_s, poll_interval=_POLL_S)
        except Timeout as error:
            raise WasteflowError("database_busy", seconds=int(self._timeout_s)) from error
        with held:
            yield


def _lock(name: Path) -> FileLock:
    """A lock of its own for every caller, so that threads exclude each other as processes do."""
    return FileLock(str(name), thread_local=False, is_singleton=False)


class Alive:
    """The mark that whoever works on `name` beside the SQLite file `path` is still alive."""

    def __init__(self, path: Path, name: str) -> None:
        self._file = Path(f"{path}-{name}.lock")
        self._lock = _lock(self._file)

    def take(self) -> bool:
        """Take the mark; False if a living process (or thread) holds it."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def drop(self) -> None:
        """Give the mark up and remove its file."""
        self._lock.release()
        self._file.unlink(missing_ok=True)
