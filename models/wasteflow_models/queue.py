"""A fair queue for the writers of one SQLite file, and proof that an import is still alive.

SQLite's busy handler polls: a writer that commits and begins again at once takes the lock from
under all that sleep.  Here a writer passes a turnstile first and holds it until the lock is its
own, so whoever waited goes before whoever comes again.  Files beside the database carry the locks;
the operating system drops them when a process dies.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from wasteflow.core.errors import WasteflowError

if sys.platform != "win32":
    import fcntl

_POLLS_S = (0.0005, 0.0005, 0.001)
"""Waits between looks at a lock another process holds; the last one again and again."""


_LOOKS = 3
"""So often a mark is looked at: its file may be removed between opening and locking."""


class Turnstile:
    """Turns of writers on the SQLite file `path`; waits at most `timeout_s`."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._gate, self._lock = (_Shared(f"{path}-{word}.lock") for word in ("turn", "write"))
        self._timeout_s = timeout_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn; WasteflowError `database_busy` when it does not come in time."""
        end = time.monotonic() + self._timeout_s
        held = False
        if self._gate.take(end):
            try:
                held = self._lock.take(end)
            finally:
                self._gate.give()
        if not held:
            raise WasteflowError("database_busy", seconds=int(self._timeout_s))
        try:
            yield
        finally:
            self._lock.give()

    @property
    def awaited(self) -> bool:
        """Whether another thread or process waits; asked by whoever has the turn."""
        return self._gate.taken


class _Shared:
    """A lock among the threads of this process first, then among processes, by a file.

    Threads wait without looking; one thread at most looks at the file again and again.
    """

    def __init__(self, name: str) -> None:
        self._threads = Lock()
        self._name = name
        self._give: Callable[[], None] | None = None

    def take(self, end: float) -> bool:
        """Take the lock; False if it does not come before `end` of the monotonic clock."""
        if not self._threads.acquire(timeout=max(0.0, end - time.monotonic())):
            return False
        taken = False
        try:
            taken = self._file_taken(end)
        finally:
            if not taken:
                self._threads.release()
        return taken

    @property
    def taken(self) -> bool:
        """Whether anybody has the lock now."""
        if not self._threads.acquire(blocking=False):
            return True
        try:
            give = _locked(self._name)
            if give is not None:
                give()
            return give is None
        finally:
            self._threads.release()

    def _file_taken(self, end: float) -> bool:
        looks = 0
        while True:
            self._give = _locked(self._name)
            if self._give is not None:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(_POLLS_S[min(looks, len(_POLLS_S) - 1)])
            looks += 1

    def give(self) -> None:
        """Give it up."""
        give, self._give = self._give, None
        assert give is not None
        try:
            give()
        finally:
            self._threads.release()


def _locked(name: str) -> Callable[[], None] | None:
    """Lock a file now; what gives it back, None if another has it or has just removed it.

    The system's call where there is one: an object of `filelock` costs many times as much.
    """
    if sys.platform == "win32":
        lock = _lock(Path(name))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock.release
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return None
    if not _stands_at(file, name):
        os.close(file)
        return None
    return partial(os.close, file)


def _stands_at(file: int, name: str) -> bool:
    """Whether an open file still has its name: another can lock a new one of that name."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(name))
    except FileNotFoundError:
        return False


def _lock(name: Path) -> FileLock:
    """A lock of its own for every caller, so that threads exclude each other as processes do."""
    return FileLock(str(name), thread_local=False, is_singleton=False)


class Alive:
    """The mark that whoever works on `name` beside the SQLite file `path` is still alive."""

    def __init__(self, path: Path, name: str) -> None:
        self._file = Path(f"{path}-{name}.lock")
        self._give: Callable[[], None] | None = None

    def take(self) -> bool:
        """Take the mark; False if a living process (or thread) holds it."""
        for _ in range(_LOOKS):
            self._give = _locked(str(self._file))
            if self._give is not None:
                return True
        return False

    def drop(self) -> None:
        """Remove the file of the mark and give it up, in this order: nobody locks it in between."""
        give, self._give = self._give, None
        assert give is not None
        if sys.platform != "win32":
            self._file.unlink(missing_ok=True)
        give()
        if sys.platform == "win32":  # where a file that is open cannot be removed
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
