"""`read_table`: a file in any accepted format and encoding to a table of text, or a refusal."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.csv_tables import parse_csv
from wasteflow.importing.encodings import check_magic, decode
from wasteflow.importing.json_tables import parse_json
from wasteflow.schemas.cells import Table

MAX_BYTES: Final = 512 * 1024 * 1024
_DELIMITED: Final = frozenset({".csv", ".tsv", ".tab", ".txt"})


def read_table(
    source: Path | bytes,
    filename: str = "",
    encoding: str | None = None,
    *,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """The table in a CSV (, ; or tab), TSV or JSON file.

    filename: names the file in messages and by its ending the format (default: that of the path);
    encoding: name of the encoding, otherwise mark, strict UTF-8, strict GB18030 in this order.
    Raises UnusableFile for everything that keeps the table from being read; rows that cannot be
    read alone are issues of the table.
    """
    name = filename or (source.name if isinstance(source, Path) else "data")
    data = source if isinstance(source, bytes) else _read(source, name, max_bytes)
    if len(data) > max_bytes:
        raise _too_large(name, len(data), max_bytes)
    if not data.strip():
        raise UnusableFile("empty_file", file=name)
    check_magic(data, name)
    text, used = decode(data, name, encoding)
    ending = PurePath(name).suffix.lower()
    if ending == ".json" or (ending not in _DELIMITED and text.lstrip()[:1] in ("[", "{")):
        return parse_json(text, name)
    return parse_csv(text, name, used, tab=ending in (".tsv", ".tab"))


def _read(path: Path, name: str, max_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise _too_large(name, size, max_bytes)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnusableFile("file_missing", file=str(path)) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UnusableFile("file_unreadable", file=str(path), why=why) from error


def _too_large(name: str, size: int, max_bytes: int) -> UnusableFile:
    megabyte = 1024 * 1024
    return UnusableFile(
        "file_too_large", file=name, size=-(-size // megabyte), limit=max_bytes // megabyte
    )
