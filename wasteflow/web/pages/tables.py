"""Tables that sort, filter and page on the server, and the same rows as XLSX or CSV.

A page gives columns and rows of cells; sort, q, limit and offset stand in the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from flask import Response, g, request
from msgspec import Struct

from wasteflow.exporting.sheets import (
    NUMBER,
    TEXT,
    TONNES,
    Head,
    Sheet,
)
from wasteflow.web.report_files import FORMATS, sheet_response
from wasteflow.web.texts import unit_of

LIMIT, MAX_LIMIT = 50, 200
DECIMALS: Final = 3


class Cell(Struct, frozen=True):
    """A cell: what is shown, what sorts and is exported, where it leads, a tooltip, a mark.

    line: points of a small chart that is drawn instead of the words, which it is read as.
    """

    shown: str
    value: str | int | float | None = None
    address: str = ""
    title: str = ""
    mark: str = ""
    muted: bool = False
    line: str = ""


class Column(Struct, frozen=True):
    """A column: key in the address, key of its heading, unit beside it, numeric or text."""

    key: str
    heading: str
    unit: str = ""
    numeric: bool = False
    export: str = ""


Row = Mapping[str, Cell]


class Later(Mapping[str, Cell]):
    """A row whose cells are made when they are asked for: a page shows few of many rows.

    order: what a column sorts by, where its cell is dear to make.
    """

    __slots__ = ("_found", "_makers", "order")

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Cell]],
        order: Mapping[str, str | int | float | None] | None = None,
    ) -> None:
        self._makers = makers
        self._found: dict[str, Cell] = {}
        self.order = order or {}

    def __getitem__(self, key: str) -> Cell:
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._makers[key]()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class Page(Struct, frozen=True):
    """The rows of one page of a table, and what its controls need.

    sums: column → whole numbers of the rows shown and of all others the search left.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int
    all_rows: int
    sort: str
    descending: bool
    limit: int
    offset: int
    query: str
    sums: Mapping[str, tuple[int, int]]

    @property
    def others(self) -> int:
        """How many rows the search left that stand on other pages."""
        return self.total - len(self.rows)

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1."""
        return self.offset + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return self.offset + len(self.rows)

    @property
    def previous(self) -> int | None:
        """Offset of the page before."""
        return max(0, self.offset - self.limit) if self.offset else None

    @property
    def next(self) -> int | None:
        """Offset of the page after."""
        return self.offset + self.limit if self.last < self.total else None

    def sort_word(self, column: Column) -> str:
        """What `sort` becomes when the heading of `column` is followed."""
        if self.sort == column.key:
            return column.key if self.descending else f"-{column.key}"
        return f"-{column.key}" if column.numeric else column.key

    def aria_sort(self, column: Column) -> str:
        """State of a heading for screen readers."""
        if self.sort != column.key:
            return "none"
        return "descending" if self.descending else "ascending"


def page_of(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    sort: str,
    limit: int = LIMIT,
    add: Sequence[str] = (),
) -> Page:
    """The page of a table the request asks for; a word that is no column falls back to `sort`.

    add: columns of whole numbers in `Later.order` that are added up under the table.
    """
    keys = {column.key for column in columns}
    wanted = request.args.get("sort", "")
    chosen = wanted if wanted.lstrip("-") in keys else sort
    key, descending = chosen.lstrip("-"), chosen.startswith("-")
    query, found = _query(), matching(rows)
    known = [(_sort_value(row, key), row) for row in found]
    blank = [row for value, row in known if value is None]
    keyed = [(_order(value), row) for value, row in known if value is not None]
    keyed.sort(key=lambda item: item[0], reverse=descending)
    found = [row for _, row in keyed] + blank
    size = _number("limit", limit, 1, MAX_LIMIT)
    offset = _number("offset", 0, 0, max(0, len(found) - 1))
    shown = found if wants_file() else found[offset : offset + size]
    sums = {}
    for column in add:
        here = _added(shown, column)
        sums[column] = here, _added(found, column) - here
    return Page(
        tuple(columns),
        tuple(shown),
        len(found),
        len(rows),
        key,
        descending,
        size,
        offset,
        query,
        sums,
    )


def _added(rows: Sequence[Row], column: str) -> int:
    return sum(int(row.order[column] or 0) for row in rows if isinstance(row, Later))


def matching(rows: Sequence[Row]) -> list[Row]:
    """The rows the search of the address leaves, on every page of the table."""
    query = _query()
    return [row for row in rows if _matches(row, query)] if query else list(rows)


def _query() -> str:
    return request.args.get("q", "").strip()


def wants_file() -> bool:
    """True if the address asks for the table as a file."""
    return request.args.get("format") in FORMATS


def file_response(
    page: Page, name: str, heading: Callable[[str], str], synthetic: bool
) -> Response:
    """Every row of a table as XLSX or CSV (UTF-8 with BOM, GB18030 if `encoding` asks for it)."""
    heads = [
        Head(
            column.export or heading(column.heading) + _unit(column),
            _kind(column),
            total=column.numeric and column.unit == "t",
        )
        for column in page.columns
    ]
    mark = "true" if synthetic else "false"
    rows = ([*(_plain(row[column.key]) for column in page.columns), mark] for row in page.rows)
    sheet = Sheet(
        name.removeprefix("wasteflow-"),
        [*heads, Head("synthetic")],
        rows,
        _notes(name, heading, synthetic),
        heading("export.total"),
    )
    gb = request.args.get("encoding", "").lower() in ("gb18030", "gbk")
    return sheet_response(sheet, request.args["format"], name, "gb18030" if gb else "utf-8-sig")


def _unit(column: Column) -> str:
    """Of the head of a file; tonnes stay "t", which those who read the files look for."""
    unit = column.unit if column.unit == "t" else unit_of(column.unit)
    return f" ({unit})" if unit else ""


def _kind(column: Column) -> str:
    if not column.numeric:
        return TEXT
    return {"t": TONNES, "%": NUMBER}.get(column.unit, NUMBER)


def _notes(name: str, heading: Callable[[str], str], synthetic: bool) -> list[tuple[str, str]]:
    """What the table is of: the address it was asked for with, data version, synthetic mark."""
    asked = [
        (key, value)
        for key, value in request.args.items()
        if value and key not in ("format", "offset", "limit", "lang", "theme")
    ]
    notes = [(heading("export.what"), name), (heading("export.page"), request.path), *asked]
    if "data_version" in g:
        notes.append((heading("export.version"), str(g.data_version)))
    notes.append((heading("export.units"), heading("export.units_words")))
    if synthetic:
        notes.append((heading("synthetic.mark"), heading("synthetic.words")))
    return notes


def _plain(cell: Cell) -> str:
    if cell.value is None:
        return "" if cell.muted else cell.shown
    return str(cell.value)


def _sort_value(row: Row, key: str) -> Any:
    if isinstance(row, Later) and key in row.order:
        return row.order[key]
    cell = row[key]
    return cell.shown if cell.value is None and not cell.muted else cell.value


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    try:
        return 0, float(str(value)), ""
    except ValueError:
        return 1, 0.0, str(value)


def _matches(row: Row, query: str) -> bool:
    """True if every word of `query` stands in the row."""
    whole = " ".join(f"{cell.shown} {cell.title}" for cell in row.values()).casefold()
    return all(word in whole for word in query.casefold().split())


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return default
    return min(max(int(text), least), most)
