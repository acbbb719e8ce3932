"""A file that appears under its name whole or not at all, and stays there after a power cut."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FOLDER: Final = getattr(os, "O_DIRECTORY", None)
"""None where the system opens no folders (Windows): there the name follows the file by itself."""


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """A file beside `path` to be filled; it takes that name when the block ends without an error.

    mode: its permissions, less those the process withholds.  Raises OSError if the disk fails.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    part.touch(mode=mode, exist_ok=False)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _bring_names_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _bring_names_to_disk(folder: Path) -> None:
    if _FOLDER is None:
        return
    opened = os.open(folder, os.O_RDONLY | _FOLDER)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
