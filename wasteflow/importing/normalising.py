"""Rows as people write them to the text columns of the contract; the same for every format.

A spreadsheet becomes the CSV that its user could have written: the schemas then judge both alike.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.errors import RowIssue
from wasteflow.importing.layout import Layout, role_of
from wasteflow.importing.sheets import Row, moment_of_serial, plain_text
from wasteflow.schemas.cells import guard
from wasteflow.schemas.dictionary import columns_of

Words = Mapping[str, Mapping[str, str]]
"""Column → what people write → the code it means."""
SHOWN_ROWS: Final = 10
SHOWN_SKIPPED: Final = 50
MOST_KNOWN: Final = 20_000
"""Cells of a column that are remembered with what they mean."""
_SERIAL: Final = re.compile(r"\d{5}(\.\d+)?\Z")
_PACKED_DAY: Final = re.compile(r"(20\d\d|19\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_TIME: Final = re.compile(r"(?:[ T]+|(?<=日))(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2}))?[分秒]?\Z")
_MIDNIGHT: Final = re.compile(r"[ T]+0{1,2}:00(:00)?\Z")


class Normalised(Struct):
    """What became of a table: rows written, and the row of the sheet each came from.

    lines: row or line in the user's file, by line of the normalised file (the first is line 2);
    skipped: (row, role, text) of the first rows that are no data; sums: tonnes by column.
    """

    lines: array[int] = field(default_factory=lambda: array("q"))
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    skipped_count: int = 0
    shown: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    sums: dict[str, Decimal] = field(default_factory=dict)
    issues: list[RowIssue] = field(default_factory=list)

    def line(self, number: int) -> int:
        """The row of the user's file behind a line of the normalised one."""
        place = number - 2
        return self.lines[place] if 0 <= place < len(self.lines) else number


def normalise(
    rows: Iterable[Row],
    layout: Layout,
    out: Path,
    *,
    words: Words,
    days_1904: bool = False,
    ragged: bool = False,
    tick: Callable[[int], None] | None = None,
) -> Normalised:
    """Write the rows below the header as CSV of the contract to `out`; returns what became of them.

    ragged: rows whose number of cells differs from the header's are refused (delimited text).
    """
    done = Normalised()
    cells_of = _Cells(layout, words, days_1904)
    masses = [item.name for item in columns_of(layout.kind) if item.type == "tonnes"]
    sums = [(place, _Sum()) for _, place in cells_of.places_of(masses)]
    width = len(layout.header)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(cells_of.names)
        for number, cells in rows:
            if number <= layout.header_row:
                continue
            role = role_of(cells, layout.header)
            if role != "data":
                _skip(done, number, role, cells)
                continue
            if ragged and len(cells) != width and (wrong := _ragged(number, cells, width)):
                done.issues.append(wrong)
                continue
            values = cells_of.guarded(cells)
            writer.writerow(values)
            done.lines.append(number)
            if len(done.shown) < SHOWN_ROWS:
                shown = cells_of.of(cells)
                done.shown.append((number, dict(zip(cells_of.names, shown, strict=True))))
            for place, total in sums:
                total.add(values[place])
            if tick and len(done.lines) % 1000 == 0:
                tick(len(done.lines))
    for place, total in sums:
        if (whole := total.whole()) is not None:
            done.sums[cells_of.names[place]] = whole
    return done


def _skip(done: Normalised, number: int, role: str, cells: Sequence[Any]) -> None:
    done.skipped_count += 1
    if len(done.skipped) < SHOWN_SKIPPED:
        text = " ".join(plain_text(cell) for cell in cells if cell != "")
        done.skipped.append((number, role, text[:120]))


def _ragged(number: int, cells: Sequence[Any], width: int) -> RowIssue | None:
    extra = any(plain_text(cell).strip() for cell in cells[width:])
    if len(cells) >= width and not extra:
        return None
    params = {"expected": str(width), "found": str(len(cells))}
    shown = ",".join(plain_text(cell) for cell in cells)[:200]
    return RowIssue(number, "", shown, "wrong_field_count", params)


class _Sum:
    """The sum of a column of texts, each read as a number once for all its repetitions."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._whole: Decimal | None = None

    def add(self, text: str) -> None:
        """One more cell; texts that are no number, guarded ones too, add nothing."""
        counts = self._counts
        counts[text] = counts.get(text, 0) + 1
        if len(counts) >= MOST_KNOWN:
            self._fold()

    def whole(self) -> Decimal | None:
        """The sum so far; None if no cell was a number."""
        self._fold()
        return self._whole

    def _fold(self) -> None:
        for text, count in self._counts.items():
            number = _decimal(text)
            if number is not None:
                self._whole = (self._whole or Decimal(0)) + number * count
        self._counts.clear()


class _Cells:
    """Turns the cells of a row into the texts of the columns that are read."""

    def __init__(self, layout: Layout, words: Words, days_1904: bool) -> None:
        types = {item.name: item.type for item in columns_of(layout.kind)}
        order = {name: place for place, name in enumerate(types)}
        read = sorted(
            (place for place, name in enumerate(layout.columns) if name),
            key=lambda place: order[layout.columns[place]],
        )
        have = {layout.columns[place] for place in read}
        self._fixed = {n: v for n, v in sorted(layout.fixed.items()) if n not in have}
        self.names = [layout.columns[place] for place in read] + list(self._fixed)
        self._tail = [words.get(n, {}).get(v.strip(), v) for n, v in self._fixed.items()]
        self._guarded_tail = [guard(text) for text in self._tail]
        factors = layout.factors
        self._read = [
            (place, _reader(types[layout.columns[place]], factors[place], days_1904),
             words.get(layout.columns[place], {}))
            for place in read
        ]  # fmt: skip
        self._places = read
        self._need = max(read, default=-1) + 1
        self._known: list[dict[str, str]] = [{} for _ in read]

    def places_of(self, names: Sequence[str]) -> Iterator[tuple[str, int]]:
        """(name, position) of those of `names` that are read."""
        for place, name in enumerate(self.names):
            if name in names:
                yield name, place

    def guarded(self, cells: Sequence[Any]) -> list[str]:
        """The texts of one row as they are written; a text a column held before is known."""
        if len(cells) < self._need:
            cells = [*cells, *[""] * (self._need - len(cells))]
        given = [cells[place] for place in self._places]
        found: list[str | None] = list(map(dict.get, self._known, given))
        while None in found:
            at = found.index(None)
            found[at] = self._learn(at, given[at])
        return [*found, *self._guarded_tail]  # type: ignore[list-item]

    def _learn(self, at: int, cell: Any) -> str:
        """What a cell means; remembered if it is text."""
        _, read, words = self._read[at]
        text = read(cell)
        if "\n" in text or "\r" in text:  # a row is a line, so that faults stand at their rows
            text = " ".join(text.split())
        text = guard(words.get(text, text) if words else text)
        if isinstance(cell, str):
            known = self._known[at]
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[cell] = text
        return text

    def of(self, cells: Sequence[Any]) -> list[str]:
        """The texts of one row, in the order of `names`."""
        width = len(cells)
        found = []
        for place, read, words in self._read:
            text = read(cells[place]) if place < width else ""
            found.append(words.get(text, text) if words else text)
        return [*found, *self._tail]


def _reader(type_: str, factor: tuple[int, int], days_1904: bool) -> Callable[[Any], str]:
    if type_ == "tonnes":
        return lambda value: _mass(value, factor)
    if type_ in ("day", "moment"):
        return lambda value: _time(value, type_ == "day", days_1904)
    if type_ in ("text", "name", "aliases"):
        return lambda value: " ".join(plain_text(value).split())
    return lambda value: unicodedata.normalize("NFKC", plain_text(value)).strip()


def _mass(value: Any, factor: tuple[int, int]) -> str:
    text = plain_text(value).strip()
    times, divided = factor
    if not text or times == divided:
        return text
    number = _decimal(text)
    return text if number is None else format((number * times / divided).normalize(), "f")


def _decimal(text: str) -> Decimal | None:
    """The number a cell holds; None for none, and for what is no finite number."""
    try:
        number = Decimal(unicodedata.normalize("NFKC", text).replace(",", "").strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None


def _time(value: Any, day_only: bool, days_1904: bool) -> str:
    """A day or moment as ISO text: real dates, serial numbers, what people write; else as it is."""
    if isinstance(value, datetime):
        return value.date().isoformat() if day_only else plain_text(value)
    if isinstance(value, date):
        return value.isoformat()
    text = unicodedata.normalize("NFKC", plain_text(value)).strip()
    if _SERIAL.match(text):
        moment = moment_of_serial(float(text), days_1904=days_1904)
        return text if moment is None else _time(moment, day_only, days_1904)
    if packed := _PACKED_DAY.match(text):
        return "-".join(packed.groups())
    if day_only:
        return _MIDNIGHT.sub("", text)
    found = _TIME.search(text)
    if found is None or found.start() < 6:
        return text
    hour, minute, second = (int(part or 0) for part in found.groups())
    return f"{text[: found.start()].strip()} {hour:02d}:{minute:02d}:{second:02d}"
