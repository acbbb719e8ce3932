"""A file of any accepted format as rows with their numbers, and a guess how to read it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.csv_tables import records, sniff_delimiter
from wasteflow.importing.encodings import check_magic, decode
from wasteflow.importing.layout import (
    HEADER_WITHIN,
    Layout,
    find_header,
    layout_of,
    titles_of,
    unit_above,
)
from wasteflow.importing.package import USUAL, Limits, is_spreadsheet
from wasteflow.importing.sheets import Row, SheetInfo, Workbook
from wasteflow.importing.text_chunks import usable_encoding
from wasteflow.schemas.cells import unguard

MAX_TEXT_BYTES: Final = 4 * 1024**3
"""Largest delimited file: it is read line by line."""
WHOLE_BYTES: Final = 512 * 1024 * 1024
_MB: Final = 1024 * 1024


class Asked(Struct, frozen=True):
    """What the user said of how a file is to be read; blank: found."""

    sheet: str = ""
    header_row: int = 0
    encoding: str = ""
    chosen: Mapping[str, str] | None = None
    fixed: Mapping[str, str] | None = None


class Source:
    """An opened file: its sheets (one without a name if it is text) and their rows."""

    def __init__(self, path: Path, name: str, encoding: str = "", limits: Limits = USUAL) -> None:
        """Raises UnusableFile."""
        self.name = name
        self.ragged = not is_spreadsheet(name)
        self.days_1904 = False
        self.inflated = 0
        self.encoding = ""
        if self.ragged:
            self._text = _Text(path, name, encoding)
            self.encoding = self._text.encoding
            self.sheets = [SheetInfo("", False)]
        else:
            self._book = Workbook(path, name, limits)
            self.days_1904 = self._book.package.days_1904
            self.inflated = self._book.package.inflated
            self.sheets = self._book.sheets

    def rows(self, sheet: str) -> Iterator[Row]:
        """Rows that are not blank, with the number the user's program shows."""
        return self._text.rows() if self.ragged else self._book.rows(sheet)

    def first_rows(self, sheet: str, count: int = HEADER_WITHIN) -> list[Row]:
        """The first rows."""
        return list(islice(self.rows(sheet), count))

    def guess(self, kind: str, asked: Asked) -> Layout:
        """How the file is to be read for `kind`; Layout with header row 0 if no header was found.

        Without a sheet asked for: of those that are not hidden the one whose header is known best.
        Raises UnusableFile `sheet_unknown`, `header_row_blank`, `no_rows` and those of `layout_of`.
        """
        names = [asked.sheet] if asked.sheet else [s.name for s in self.sheets if not s.hidden]
        found: list[tuple[int, Layout]] = []
        for name in names:
            rows = self.first_rows(name)
            if not rows:
                continue
            number = asked.header_row or find_header(kind, rows)
            cells = dict(rows).get(number)
            if asked.header_row and cells is None:
                raise UnusableFile("header_row_blank", file=self.name, row=number)
            layout = layout_of(
                kind,
                number,
                titles_of(cells or []),
                sheet=name,
                encoding=self.encoding,
                chosen=asked.chosen,
                fixed=asked.fixed,
                unit=unit_above(rows, number),
            )
            found.append((sum(bool(column) for column in layout.columns), layout))
        if not found:
            raise UnusableFile("no_rows", file=self.name)
        return max(found, key=lambda item: item[0])[1]


class _Text:
    """A delimited text file."""

    def __init__(self, path: Path, name: str, encoding: str) -> None:
        size = path.stat().st_size
        if size > MAX_TEXT_BYTES:
            raise UnusableFile(
                "file_too_large", file=name, size=size // _MB, limit=MAX_TEXT_BYTES // _MB
            )
        with path.open("rb") as file:
            head = file.read(4096)
        if not head.strip():
            raise UnusableFile("empty_file", file=name)
        check_magic(head, name)
        self._path, self._name = path, name
        self._whole: str | None = None
        found = usable_encoding(path, name, encoding or None)
        if found is None:  # unusual: the strict reader says what is wrong with it
            if size > WHOLE_BYTES:
                raise UnusableFile(
                    "file_too_large", file=name, size=size // _MB, limit=WHOLE_BYTES // _MB
                )
            self._whole, self.encoding = decode(path.read_bytes(), name, encoding or None)
        else:
            self.encoding = found
        with self._open() as text:
            lines = [line for line in islice(text, HEADER_WITHIN) if line.strip()]
        best = max(lines, key=lambda line: line.count(sniff_delimiter(line)), default="")
        tab = PurePath(name).suffix.lower() in (".tsv", ".tab")
        self.delimiter = "\t" if tab else sniff_delimiter(best)

    def _open(self) -> io.TextIOBase:
        if self._whole is not None:
            return io.StringIO(self._whole, newline="")
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        return self._path.open(encoding=encoding, newline="")

    def rows(self) -> Iterator[Row]:
        with self._open() as text:
            for number, cells in records(text, self.delimiter, self._name):
                yield number, [unguard(cell) if cell[:1] == "'" else cell for cell in cells]
