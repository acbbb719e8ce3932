"""SQLite's log on the disk: commits become durable here, after the lock of writers is given back.

With `synchronous=NORMAL` SQLite writes a commit into its log and leaves it to the system when that
reaches the disk; order and checksums in the log see to it that a power cut takes the last commits
whole or not at all.  The writer then waits here, while the next one works: several commits reach
the disk together, where `FULL` makes all others wait for each.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_MODE: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


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
