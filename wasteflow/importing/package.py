"""Looking at a spreadsheet file before anything opens it: what it is, how large it would become.

XLSX and ODS are zip archives.  What the directory claims is held against limits, and then every
part is really inflated, counted and thrown away: an archive that lies about itself is refused too.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from wasteflow.core.errors import UnusableFile

SPREADSHEETS: Final = (".xlsx", ".xlsm", ".xls", ".ods")
"""Endings of files that are read as spreadsheets."""
_MB: Final = 1024 * 1024
_PIECE: Final = 256 * 1024
_LOCAL: Final = 30
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ROW: Final = re.compile(rb'<(?:\w+:)?row [^>]*?\br="(\d{1,9})"')
_WIDE: Final = re.compile(rb'\br="([A-Z]{2,3})\d')
_REPEAT: Final = re.compile(rb'number-(rows|columns)-repeated="(\d{1,10})"([^>]*)>')


class Limits(Struct, frozen=True):
    """What a spreadsheet may be at most: bytes given, bytes inflated, their ratio, its cells."""

    bytes: int = 128 * _MB
    inflated: int = 1024 * _MB
    ratio: int = 200
    parts: int = 2000
    rows: int = 1_048_576
    columns: int = 200
    cells: int = 30_000_000


USUAL: Final = Limits()


class Package(Struct, frozen=True):
    """What a spreadsheet file is: its format (xlsx, ods, xls), whether its days are of 1904, and
    the bytes it holds when it is inflated (0 of an XLS).
    """

    format: str
    days_1904: bool = False
    inflated: int = 0


def is_spreadsheet(name: str) -> bool:
    """Whether a file of this name is read as a spreadsheet."""
    return name.lower().endswith(SPREADSHEETS)


def look_over(path: Path, name: str, limits: Limits = USUAL) -> Package:
    """What the file is; nothing of it is opened yet.

    Raises UnusableFile: `file_missing`, `empty_file`, `file_too_large`, `not_a_spreadsheet`,
    `spreadsheet_locked`, `spreadsheet_damaged`, `spreadsheet_bomb`, `sheet_too_large`.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise UnusableFile("file_missing", file=str(path)) from error
    if size > limits.bytes:
        raise UnusableFile(
            "file_too_large", file=name, size=-(-size // _MB), limit=limits.bytes // _MB
        )
    with path.open("rb") as file:
        head = file.read(8)
        if not head:
            raise UnusableFile("empty_file", file=name)
        if head == _OLE:
            return _old(file, name)
        if head[:4] != b"PK\x03\x04":
            raise UnusableFile("not_a_spreadsheet", file=name)
        return _archive(file, size, name, limits)


def _old(file: BinaryIO, name: str) -> Package:
    """An OLE file: XLS, or an encrypted XLSX."""
    file.seek(0)
    data = file.read(4 * _MB)
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise UnusableFile("spreadsheet_locked", file=name)
    return Package("xls")


def _archive(file: BinaryIO, size: int, name: str, limits: Limits) -> Package:
    try:
        with zipfile.ZipFile(file) as archive:
            items = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UnusableFile("spreadsheet_damaged", file=name) from error
    told = sum(item.file_size for item in items)
    most = min(limits.inflated, max(size * limits.ratio, 16 * _MB))
    if told > most or len(items) > limits.parts:
        raise _bomb(name, told, size, limits)
    names = {item.filename for item in items}
    ods = "content.xml" in names
    if not ods and "xl/workbook.xml" not in names and "xl/workbook.bin" not in names:
        raise UnusableFile("not_a_spreadsheet", file=name)
    inflated, of_1904 = 0, False
    for item in items:
        measure = _Measure(name, limits)
        sheet = item.filename.startswith("xl/worksheets/") and item.filename.endswith(".xml")
        for piece in _inflate(file, item, name):
            inflated += len(piece)
            if inflated > most:
                raise _bomb(name, inflated, size, limits)
            if sheet:
                measure.rows_of(piece)
            elif item.filename == "content.xml":
                measure.repeats_of(piece)
            elif item.filename == "xl/workbook.xml":
                of_1904 |= bool(re.search(rb'date1904="(1|true)"', piece))
    return Package("ods" if ods else "xlsx", of_1904, inflated)


def _inflate(file: BinaryIO, item: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """The bytes of a part as they really are, whatever the directory says of their number."""
    if item.header_offset < 0:
        raise UnusableFile("spreadsheet_damaged", file=name)
    file.seek(item.header_offset)
    header = file.read(_LOCAL)
    if len(header) < _LOCAL or header[:4] != b"PK\x03\x04" or item.flag_bits & 1:
        code = "spreadsheet_locked" if item.flag_bits & 1 else "spreadsheet_damaged"
        raise UnusableFile(code, file=name)
    skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(skip, 1)
    left = item.compress_size
    if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnusableFile("spreadsheet_damaged", file=name)
    stored = item.compress_type == zipfile.ZIP_STORED
    inflater = zlib.decompressobj(-15)
    produced = 0
    try:
        while left > 0 and (data := file.read(min(_PIECE, left))):
            left -= len(data)
            while data:
                piece = data if stored else inflater.decompress(data, _PIECE)
                data = b"" if stored else inflater.unconsumed_tail
                produced += len(piece)
                yield piece
    except zlib.error as error:
        raise UnusableFile("spreadsheet_damaged", file=name) from error
    if left or produced != item.file_size:
        raise UnusableFile("spreadsheet_damaged", file=name)


class _Measure:
    """Counts how far the cells of a sheet reach, piece by piece."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._rows, self._columns, self._tail = 0, 26, b""

    def rows_of(self, piece: bytes) -> None:
        """Look for the last row and the widest column of an XLSX sheet."""
        data = self._tail + piece
        self._tail = data[-200:]
        last = 0
        for found in _ROW.finditer(data):
            last = max(last, int(found.group(1)))
        self._rows = max(self._rows, last)
        for found in _WIDE.finditer(data):
            self._columns = max(self._columns, _number(found.group(1)))
        self._hold()

    def repeats_of(self, piece: bytes) -> None:
        """Look for cells or rows of an ODS that are written once and mean many."""
        data = self._tail + piece
        self._tail = data[-300:]
        for found in _REPEAT.finditer(data):
            many = int(found.group(2))
            full = b"office:value" in found.group(3)
            if found.group(1) == b"columns" and full and many > self._limits.columns:
                raise self._too_large(self._rows, many)
            if many > 1_048_576:
                raise self._too_large(many, self._columns)

    def _hold(self) -> None:
        limits = self._limits
        cells = self._rows * self._columns
        if self._rows > limits.rows or self._columns > 16_384 or cells > limits.cells:
            raise self._too_large(self._rows, self._columns)

    def _too_large(self, rows: int, columns: int) -> UnusableFile:
        return UnusableFile(
            "sheet_too_large",
            file=self._name,
            rows=rows,
            columns=columns,
            limit_rows=self._limits.rows,
            limit_columns=self._limits.columns,
        )


def _number(letters: bytes) -> int:
    """Number of a column: A is 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _bomb(name: str, inflated: int, size: int, limits: Limits) -> UnusableFile:
    return UnusableFile(
        "spreadsheet_bomb",
        file=name,
        inflated=-(-inflated // _MB),
        ratio=max(1, inflated // max(size, 1)),
        limit=limits.inflated // _MB,
        limit_ratio=limits.ratio,
    )
