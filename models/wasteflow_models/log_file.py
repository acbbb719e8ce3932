"""SQLite's log on the disk: commits become durable here, after the lock of writers is given back.

With `synchronous=NORMAL` SQLite writes a commit into its log and leaves it to the system when that
reaches the disk; order and checksums in the log see to it that a power cut takes the last commits
whole or not at all.  The writer then waits here, while the next one works: several commits reach
the disk together, where `FULL` makes all others wait for each.

A system that fails to write tells it once: the next flush says that all is well, whatever was lost.
So after a failure nobody is answered until the whole log has been moved into the file and that is
on the disk (`DiskLog.prove`).  A file beside the database tells the other processes.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from wasteflow.core.errors import WasteflowError

_MODE: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
PROVING_S: Final = 5
"""So long a proof waits for readers who hold the log."""


class DiskLog:
    """The log of the SQLite file `path`, and whether it may have lost something."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = Path(f"{path}-unsure")
        self._unsure = False

    @property
    def unsure(self) -> bool:
        """Whether a flush failed, here or in another process, and nothing has been proved since."""
        return self._unsure or self._mark.exists()

    def bring(self) -> None:
        """Return when every commit so far is on the disk; WasteflowError `not_on_disk`."""
        if not self.unsure:
            try:
                bring_to_disk(self._path)
            except OSError as error:
                self._unsure = True
                with suppress(OSError):
                    self._mark.touch()
                raise WasteflowError("not_on_disk") from error
        self.prove()

    def prove(self) -> None:
        """After a failed flush: move the log into the file, on the disk; `not_on_disk` if it fails.

        A connection of its own, flushing everything: what is written anew fails anew.
        """
        if not self.unsure:
            return
        try:
            with closing(_connected(self._path)) as fresh:
                fresh.execute("PRAGMA synchronous=FULL")
                (busy, *_) = fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise WasteflowError("not_on_disk")
            self._mark.unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            raise WasteflowError("not_on_disk") from error
        self._unsure = False


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PROVING_S)


def bring_to_disk(path: Path) -> None:
    """Return when every commit in the log of the SQLite file `path` is on the disk.

    Without a log there is nothing to do: whoever removes it has moved all of it into the file and
    flushed that, and so has whoever begins it anew.  Raises OSError if the disk fails: then what
    was committed stands, but may be lost with the power.
    """
    try:
        log = os.open(f"{path}-wal", _MODE)  # SQLite locks no byte of it, so closing drops no lock
    except FileNotFoundError:
        return
    try:
        getattr(os, "fdatasync", os.fsync)(log)
    finally:
        os.close(log)
