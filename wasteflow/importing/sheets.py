"""Spreadsheets (XLSX, XLS, ODS) to rows of plain values; no meaning of columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.package import USUAL, Limits, Package, look_over

Value = Any
"""A cell: text, number, truth, day, moment or "" (blank)."""
Row = tuple[int, list[Value]]
"""Row of the sheet as Excel counts it, and its cells from column A on."""
_EPOCH_1900: Final = datetime(1899, 12, 30)
_EPOCH_1904: Final = datetime(1904, 1, 1)


class SheetInfo(Struct, frozen=True):
    """A sheet of a workbook; hidden ones are read only when they are asked for."""

    name: str
    hidden: bool


class Workbook:
    """An opened spreadsheet file."""

    def __init__(self, path: Path, name: str = "", limits: Limits = USUAL) -> None:
        """Raises UnusableFile as `look_over` does."""
        self.name = name or path.name
        self.limits = limits
        self.package: Package = look_over(path, self.name, limits)
        with _readable(self.name):
            self._book = CalamineWorkbook.from_path(str(path))

    @property
    def sheets(self) -> list[SheetInfo]:
        """The sheets that hold cells, in their order."""
        return [
            SheetInfo(item.name, item.visible is not SheetVisibleEnum.Visible)
            for item in self._book.sheets_metadata
            if item.typ in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet)
        ]

    def rows(self, sheet: str) -> Iterator[Row]:
        """Rows of a sheet that are not blank, merged cells filled down and to the right.

        Raises UnusableFile `sheet_unknown`, `sheet_too_large`, `spreadsheet_damaged`.
        """
        known = [item.name for item in self.sheets]
        if sheet not in known:
            raise UnusableFile(
                "sheet_unknown", file=self.name, sheet=sheet, known=", ".join(known) or "-"
            )
        with _readable(self.name):
            read = self._book.get_sheet_by_name(sheet)
            start, end = read.start, read.end
        if start is None or end is None:
            return
        self._hold(end[0] + 1, end[1] + 1)
        with _readable(self.name):
            merged = _Merged(read.merged_cell_ranges or [])
            found = iter(read.iter_rows())
        number, pad = 0, [""] * start[1]
        while True:
            try:
                cells = next(found, None)
            except BaseException as error:
                _tell(error, self.name)
                raise
            if cells is None:
                return
            number += 1
            row = merged.fill(number - 1, pad + cells) if merged.any else pad + cells
            if any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in row):
                yield number, row

    def _hold(self, rows: int, columns: int) -> None:
        limits = self.limits
        if rows > limits.rows or rows * columns > limits.cells:
            raise UnusableFile(
                "sheet_too_large",
                file=self.name,
                rows=rows,
                columns=columns,
                limit_rows=limits.rows,
                limit_columns=limits.columns,
            )


class _Merged:
    """Values of merged cells, written to every text cell they cover."""

    def __init__(self, ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        self._at: dict[int, list[tuple[int, int, int]]] = {}
        for (top, left), (bottom, right) in ranges:
            if bottom > top and bottom - top < 10_000:
                for row in range(top, bottom + 1):
                    self._at.setdefault(row, []).append((top, left, right))
        self.any = bool(self._at)
        self._held: dict[tuple[int, int], Value] = {}

    def fill(self, row: int, cells: list[Value]) -> list[Value]:
        """The row with what stands in the first row of its merged cells; masses stay alone."""
        for top, left, _ in self._at.get(row, ()):
            if left >= len(cells):
                continue
            if row == top:
                self._held[top, left] = cells[left]
            elif cells[left] == "":
                value = self._held.get((top, left), "")
                if not isinstance(value, int | float) or isinstance(value, bool):
                    cells[left] = value
        return cells


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what the reader says, also its panics, into UnusableFile."""
    try:
        yield
    except BaseException as error:
        _tell(error, name)
        raise


def _tell(error: BaseException, name: str) -> None:
    """Raise the refusal that an error of the reader means; a panic of it is no Exception."""
    if isinstance(error, PasswordError):
        raise UnusableFile("spreadsheet_locked", file=name) from error
    broken = (CalamineError, OSError, ValueError, OverflowError, MemoryError)
    if isinstance(error, broken) or type(error).__name__ == "PanicException":
        raise UnusableFile("spreadsheet_damaged", file=name) from error


def plain_text(value: Value) -> str:
    """A cell as text: whole numbers without `.0`, others with the digits a spreadsheet shows.

    A number has at most 15 significant digits there; what a binary float has more is noise of a
    formula (0.1 + 0.2), not a measurement.

    >>> plain_text(123.0), plain_text(0.1 + 0.2), plain_text("00123"), plain_text(True)
    ('123', '0.3', '00123', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (
            value.isoformat(" ", "seconds") if value.time() != time() else value.date().isoformat()
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number_text(value: float) -> str:
    if not isfinite(value):  # some programs write them; no field takes them for a number
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    digits = text.replace("-", "").replace(".", "").lstrip("0").partition("e")[0]
    if len(digits) > 15:
        text = format(value, ".15g")
    if "e" in text:
        text = format(float(text), "f").rstrip("0").rstrip(".")
    return text


def moment_of_serial(number: float, *, days_1904: bool = False) -> datetime | None:
    """The moment a serial number means, to the second; None for what is no date of our time.

    >>> moment_of_serial(46024), moment_of_serial(44562.5, days_1904=True)
    (datetime.datetime(2026, 1, 2, 0, 0), datetime.datetime(2026, 1, 2, 12, 0))
    """
    if not 10_000 <= number <= 90_000:
        return None
    epoch = _EPOCH_1904 if days_1904 else _EPOCH_1900
    return epoch + timedelta(seconds=round(number * 86_400))
