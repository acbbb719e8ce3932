"""Tables as files of any length: typed XLSX and CSV, row by row; the rows come from elsewhere.

A cell arrives as a number, a day, a moment, truth, None or text.  In XLSX text is always written as
text and never run; text a spreadsheet would run when it is typed again carries the quote mark that
Excel itself sets, which is no part of the value.  In CSV such text gets the apostrophe of
`schemas.cells.guard`, which our reader takes off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.errors import InvalidValue, UnusableFile
from wasteflow.core.periods import SHANGHAI
from wasteflow.exporting.tables import CSV_ENCODINGS
from wasteflow.schemas.cells import csv_lines, guard

TEXT, NUMBER, TONNES, COUNT, YEAR = "text", "number", "tonnes", "count", "year"
PERCENT, DAY, MOMENT = "percent", "day", "moment"
MOST_ROWS: Final = 1_048_574
"""Rows of a sheet besides its header and its sums."""
_FORMATS: Final[dict[str, str]] = {
    TONNES: "#,##0.000",
    COUNT: "#,##0",
    YEAR: "0",
    PERCENT: "0.00",
    DAY: "yyyy-mm-dd",
    MOMENT: "yyyy-mm-dd hh:mm:ss",
}
_NUMERIC: Final = frozenset({NUMBER, TONNES, COUNT, YEAR, PERCENT})
_SEEN: Final = 200
_DIGITS: Final = 15
_WIDEST, _NARROWEST = 48, 8


class Head(Struct, frozen=True):
    """A column: its heading, what its cells are (TEXT … MOMENT), whether its sum means anything."""

    name: str
    kind: str = TEXT
    total: bool = False


class Sheet(Struct, frozen=True):
    """A table to be written once: rows are made as they are written.

    notes: (what, words) of the second sheet: scope, period, formula, data version, synthetic mark.
    """

    title: str
    heads: Sequence[Head]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[tuple[str, str]] = ()
    total_word: str = "合计"
    properties: Mapping[str, Any] = field(default_factory=dict)


def csv_pieces(sheet: Sheet, encoding: str = "utf-8-sig") -> Iterator[bytes]:
    """The CSV of a table, piece by piece; InvalidValue `unknown_encoding`."""
    codec = CSV_ENCODINGS.get(encoding.lower())
    if codec is None:
        raise InvalidValue("unknown_encoding", encoding=encoding, known=", ".join(CSV_ENCODINGS))
    if codec == "utf-8-sig":
        yield b"\xef\xbb\xbf"
    plain = "utf-8" if codec == "utf-8-sig" else codec
    kinds = [head.kind for head in sheet.heads]
    rows = ([_csv_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)]
            for row in sheet.rows)  # fmt: skip
    for line in csv_lines([head.name for head in sheet.heads], rows):
        yield line.encode(plain)


def _csv_cell(cell: Any, kind: str) -> Any:
    if isinstance(cell, datetime):
        return cell.astimezone(SHANGHAI).isoformat() if cell.tzinfo else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return cell


def write_xlsx(sheet: Sheet, path: Path) -> int:
    """Write a table as XLSX with bounded memory; the number of rows.

    Numbers are numbers, days are dates, codes and plates text; the header stands fixed and filters;
    sums are formulas over what the filter leaves, with their value.  Raises UnusableFile
    `xlsx_too_many_rows`, `xlsx_cell_too_long`.
    """
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": _FORMATS[DAY],
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": sheet.title, **sheet.properties})
        writer = _Writer(book, sheet)
        count = writer.rows()
        writer.close(count)
        if sheet.notes:
            _write_notes(book, sheet)
    return count


class _Writer:
    """The table on its sheet, row by row."""

    def __init__(self, book: Any, sheet: Sheet) -> None:
        self.sheet = sheet
        self.page = book.add_worksheet(_sheet_name(sheet.title))
        self.formats = {
            kind: book.add_format({"num_format": shape, "align": "right"})
            for kind, shape in _FORMATS.items()
        }
        self.formats |= {TEXT: book.add_format({"num_format": "@"}), NUMBER: None}
        self.quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        self.sums = {
            kind: book.add_format({"num_format": shape, "bold": True, "top": 1})
            for kind, shape in _FORMATS.items()
            if kind in _NUMERIC
        }
        self.bold = book.add_format({"bold": True, "top": 1})
        self.head = book.add_format(
            {"bold": True, "bg_color": "#E8EEF2", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self.totals = [Decimal(0)] * len(sheet.heads)

    def rows(self) -> int:
        """Write header and rows; widths are those of the first rows."""
        rows = iter(self.sheet.rows)
        first = list(islice(rows, _SEEN))
        for index, head in enumerate(self.sheet.heads):
            seen = [head.name, *(_shown(row[index], head.kind) for row in first)]
            width = max(map(_width, seen)) + 2.5  # room for the arrow of the filter
            self.page.set_column(index, index, min(max(width, _NARROWEST), _WIDEST))
            self.page.write_string(0, index, head.name, self.head)
        self.page.freeze_panes(1, 1)
        count = 0
        for row in chain(first, rows):
            count += 1
            if count > MOST_ROWS:
                raise UnusableFile("xlsx_too_many_rows", limit=f"{MOST_ROWS:,}")
            for index, cell in enumerate(row):
                self._cell(count, index, cell, self.sheet.heads[index])
        return count

    def _cell(self, row: int, column: int, cell: Any, head: Head) -> None:
        if cell is None or cell == "":
            return
        if isinstance(cell, datetime):
            local = cell.astimezone(SHANGHAI).replace(tzinfo=None) if cell.tzinfo else cell
            self.page.write_datetime(row, column, local, self.formats[MOMENT])
            return
        if isinstance(cell, date):
            self.page.write_datetime(row, column, cell, self.formats[DAY])
            return
        number = _number(cell) if head.kind in _NUMERIC else None
        if number is not None and head.kind == NUMBER and isinstance(cell, str):
            number = number if _same(cell, number) else None
        if number is not None:
            self.page.write_number(row, column, float(number), self.formats[head.kind])
            if head.total:
                self.totals[column] += number
            return
        text = str(cell).lower() if isinstance(cell, bool) else str(cell)
        shape = self.quoted if guard(text) != text else self.formats[TEXT]
        if self.page.write_string(row, column, text, shape) < 0:
            raise UnusableFile("xlsx_cell_too_long", column=head.name, row=row + 1)

    def close(self, count: int) -> None:
        """Filter, sums, print layout."""
        last = len(self.sheet.heads) - 1
        self.page.autofilter(0, 0, max(count, 1), last)
        self.page.repeat_rows(0)
        self.page.set_landscape()
        self.page.fit_to_pages(1, 0)
        self.page.set_paper(9)
        if not count or not any(head.total for head in self.sheet.heads):
            return
        for index, head in enumerate(self.sheet.heads):
            if head.total:
                letter = _letter(index)
                formula = f"=SUBTOTAL(109,{letter}2:{letter}{count + 1})"
                value = float(self.totals[index])
                self.page.write_formula(count + 1, index, formula, self.sums[head.kind], value)
            elif index == 0:
                self.page.write_string(count + 1, 0, self.sheet.total_word, self.bold)


def _write_notes(book: Any, sheet: Sheet) -> None:
    page = book.add_worksheet("说明 Notes")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 26)
    page.set_column(1, 1, 90)
    for row, (what, words) in enumerate(sheet.notes):
        page.write_string(row, 0, what, bold)
        page.write_string(row, 1, words, wrap)


def _number(cell: Any) -> Decimal | None:
    """The number of a cell a spreadsheet can hold exactly enough; None: it stays text."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, float):
        return Decimal(repr(cell)) if cell == cell and abs(cell) < 1e300 else None
    if isinstance(cell, int):
        return Decimal(cell) if abs(cell) < 10**_DIGITS else None
    try:
        number = Decimal(cell)
    except (ArithmeticError, TypeError, ValueError):
        return None
    if not number.is_finite() or len(number.as_tuple().digits) > _DIGITS:
        return None
    return number


def _same(text: str, number: Decimal) -> bool:
    """Whether a spreadsheet gives the very text back: "0.650" and "1e5" would come back changed."""
    value = float(number)
    return text == (str(int(value)) if value.is_integer() else repr(value))


def _shown(cell: Any, kind: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return "0000-00-00 00:00:00"
    number = _number(cell) if kind in (TONNES, COUNT) else None
    if number is not None:
        return f"{number:,.3f}" if kind == TONNES else f"{number:,.0f}"
    return str(cell)


def _width(text: str) -> int:
    """Columns a text takes: Chinese characters are two wide."""
    return max((sum(2 if ord(c) > 0x2E7F else 1 for c in line) for line in text.split("\n")),
               default=0)  # fmt: skip


def _letter(index: int) -> str:
    """Name of a column by its index.

    >>> _letter(0), _letter(25), _letter(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _sheet_name(title: str) -> str:
    """A name Excel allows: 31 characters, none of []:*?/\\, no apostrophe at the ends."""
    plain = "".join(" " if c in "[]:*?/\\" else c for c in title).strip(" '")[:31].strip(" '")
    return plain or "Sheet1"
