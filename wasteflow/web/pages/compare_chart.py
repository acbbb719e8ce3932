"""The chart of `/compare`: one line of dots per park, region or firm, a dot a year; no SVG here."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from msgspec import Struct

from wasteflow.core.periods import Period
from wasteflow.web.pages.tables import Row

MOST: Final = 12
"""Lines drawn at most, those that generate most; the table holds all."""


class Dot(Struct, frozen=True):
    """One year of a line: where it lies on the scale (0 … 1), its figure in words, newest last."""

    at: float
    shown: str
    year: str
    newest: bool
    age: int


class Line(Struct, frozen=True):
    """One park, region or firm: its name, where it leads, its dots and the words of the newest."""

    name: str
    address: str
    dots: tuple[Dot, ...]
    shown: str

    @property
    def ends(self) -> tuple[float, float]:
        """Leftmost and rightmost dot."""
        places = [dot.at for dot in self.dots]
        return min(places), max(places)


class Chart(Struct, frozen=True):
    """Lines in the order of generation, the ticks of their one scale in per cent, what is left."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, int], ...]
    left: int


def chart_of(rows: Sequence[Row], by: str, periods: Sequence[Period]) -> Chart | None:
    """The chart of a table's rows; None without a figure to draw.

    The scale begins at 0 and ends at 100 %, or above where a rate does.
    """
    order = sorted(rows, key=lambda row: (-_number(row["generated"].value), row[by].shown))
    known = [row for row in order if any(_known(row, period) for period in periods)]
    if not known:
        return None
    shown = known[:MOST]
    values = [_number(row[p.text].value) for row in shown for p in periods if _known(row, p)]
    top = max(100, 50 * ceil(max(values) / 50))
    lines = tuple(_line(row, by, periods, top) for row in shown)
    step = 25 if top <= 100 else top // 4
    ticks = tuple((value / top, value) for value in range(0, top + 1, step))
    return Chart(lines, ticks, len(rows) - len(shown))


def _line(row: Row, by: str, periods: Sequence[Period], top: int) -> Line:
    there = [period for period in periods if _known(row, period)]
    dots = tuple(
        Dot(
            round(max(0.0, _number(row[period.text].value)) / top, 4),
            row[period.text].shown,
            period.text[:4],
            period == periods[-1],
            len(periods) - 1 - periods.index(period),
        )
        for period in there
    )
    return Line(row[by].shown, row[by].address, dots, dots[-1].shown)


def _known(row: Row, period: Period) -> bool:
    return isinstance(row[period.text].value, int | float)


def _number(value: str | int | float | None) -> float:
    return float(value or 0)
