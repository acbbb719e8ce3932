"""The flows of the year as columns: generated beside used, stacked by material; no SVG is made.

Positions are percentages of the drawing, so that the labels keep their size on every screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from wasteflow.core.periods import Period
from wasteflow.web.formats import month_short, period_words
from wasteflow.web.pages.rates import RateRow, rate_rows
from wasteflow.web.pages.view import View
from wasteflow_maps.style import colour_of

STEPS: Final = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
PARTS: Final = 4
MAX_MONTHS, MAX_QUARTERS = 12, 16
MAX_MATERIALS: Final = 6
OTHERS, OTHERS_COLOUR = "", "#8a97a0"
WIDEST: Final = 7.0
TOP, FOOT = 4.0, 100.0


class Block(Struct, frozen=True):
    """One material in a column: vertical position and height in percent, and its kilograms."""

    material: str
    colour: str
    y: float
    height: float
    kg: int


class Column(Struct, frozen=True):
    """One month (quarter, year): generated and used beside each other; x and width in percent."""

    label: str
    words: str
    inside: bool
    x: float
    middle: float
    width: float
    generated: tuple[Block, ...]
    used: tuple[Block, ...]
    generated_kg: int
    used_kg: int


class Chart(Struct, frozen=True):
    """Columns, grid lines (percent from the top, number in `unit`), materials drawn, left open."""

    period: Period
    words: str
    time: str
    columns: tuple[Column, ...]
    unit: str
    lines: tuple[tuple[float, str], ...]
    materials: tuple[tuple[str, str], ...]
    open_materials: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """True if there is nothing to draw."""
        return not any(column.generated_kg or column.used_kg for column in self.columns)


def window(view: View) -> Period:
    """The year of the period as far as the books go, or the period if it spans several years."""
    period, held = view.span, view.books
    first, last = period.first, period.last
    if first // 100 == last // 100:
        first, last = first // 100 * 100 + 1, first // 100 * 100 + 12
    assert held.first is not None and held.last is not None
    clipped = max(first, held.first), min(last, held.last)
    return Period.of(*clipped) if clipped[0] <= clipped[1] else period


def chart(view: View, lang: str) -> Chart:
    """Columns of the view's year, from the rates report by time and material."""
    period = window(view)
    months = len(list(period.months()))
    time = "month"
    if months > MAX_MONTHS:
        time = "quarter" if months <= 3 * MAX_QUARTERS else "year"
    return draw(rate_rows(view, f"{time},material", period)[0], period, view.span, time, lang)


def draw(rows: Sequence[RateRow], period: Period, inside: Period, time: str, lang: str) -> Chart:
    """Place the columns of `rows`, grouped by `time` and material, over `period`."""
    generated: dict[str, dict[str, int]] = {}
    used: dict[str, dict[str, int]] = {}
    open_: set[str] = set()
    for row in rows:
        part, code = row.keys[time], row.keys["material"]
        for table, kg in ((generated, row.generated_kg), (used, row.utilised_kg or 0)):
            cells = table.setdefault(part, {})
            cells[code] = cells.get(code, 0) + kg
        if row.utilised_kg is None:
            open_.add(code)
    parts = _parts(period, time)
    cells_of = [(generated.get(part.text, {}), used.get(part.text, {})) for part in parts]
    stuff = _drawn(cells_of)
    top = scale_top(max((sum(table.values()) for cells in cells_of for table in cells), default=0))
    step = 100 / max(len(parts), 1)
    width = min(step * 0.38, WIDEST)
    columns = tuple(
        Column(
            _label(part, time, lang),
            period_words(part, lang),
            part.first >= inside.first and part.last <= inside.last,
            round(step * (index + 0.5) - width, 3),
            round(step * (index + 0.5), 3),
            round(width * 0.94, 3),
            _stack(((code, cells[0].get(code, 0)) for code in stuff), top),
            _stack(((code, cells[1].get(code, 0)) for code in stuff), top),
            sum(cells[0].values()),
            sum(cells[1].values()),
        )
        for index, (part, cells) in enumerate(zip(parts, cells_of, strict=True))
    )
    return Chart(
        period,
        period_words(period, lang),
        time,
        columns,
        *_axis(top, lang),
        tuple((code, _colour(code)) for code in stuff),
        tuple(code for code in stuff if code in open_),
    )


def _drawn(cells_of: Sequence[tuple[dict[str, int], dict[str, int]]]) -> list[str]:
    """Materials to draw, by code; beyond the largest the rest is summed as OTHERS in place."""
    sums: dict[str, int] = {}
    for cells in cells_of:
        for table in cells:
            for code, kg in table.items():
                sums[code] = sums.get(code, 0) + kg
    moved = sorted((code for code, kg in sums.items() if kg), key=lambda c: (-sums[c], c))
    rest = moved[MAX_MATERIALS:]
    for cells in cells_of if len(rest) > 1 else ():
        for table in cells:
            table[OTHERS] = sum(table.pop(code, 0) for code in rest)
    return [*sorted(moved[:MAX_MATERIALS]), OTHERS] if len(rest) > 1 else sorted(moved)


def _axis(top: int, lang: str) -> tuple[str, tuple[tuple[float, str], ...]]:
    """(unit, grid lines as percent from the top and number) of an axis."""
    if top >= 10_000_000:
        size, unit = (10_000_000, "万吨") if lang == "zh" else (1_000_000, "kt")
    else:
        size, unit = 1000, "吨" if lang == "zh" else "t"
    lines = tuple(
        (FOOT - (FOOT - TOP) * part / PARTS, f"{Decimal(top) * part / PARTS / size:,f}")
        for part in range(PARTS + 1)
    )
    plain = tuple((y, text.rstrip("0").rstrip(".") if "." in text else text) for y, text in lines)
    return unit, plain


def _stack(parts: Iterable[tuple[str, int]], top: int) -> tuple[Block, ...]:
    """Blocks on top of each other from the foot of the drawing."""
    blocks, foot = [], FOOT
    for code, kg in parts:
        if kg > 0:
            height = (FOOT - TOP) * kg / top
            foot -= height
            blocks.append(Block(code, _colour(code), round(foot, 3), round(height, 3), kg))
    return tuple(blocks)


def _colour(code: str) -> str:
    return colour_of(code) if code else OTHERS_COLOUR


def scale_top(largest_kg: int) -> int:
    """The smallest top of an axis of `PARTS` round steps that holds `largest_kg`.

    >>> scale_top(579_550_000), scale_top(0)
    (600000000, 4)
    """
    unit = 1
    while True:
        for step in STEPS:
            top = step * unit * PARTS
            if top >= max(largest_kg, 1) and top % PARTS == 0:
                return int(top)
        unit *= 10


def _parts(period: Period, time: str) -> list[Period]:
    """The parts of a period as the rates report names them."""
    if time == "month":
        return [Period.of(month, month) for month in period.months()]
    size = 3 if time == "quarter" else 12
    parts: dict[int, list[int]] = {}
    for month in period.months():
        parts.setdefault(month // 100 * 12 + (month % 100 - 1) // size, []).append(month)
    return [Period.of(months[0], months[-1]) for months in parts.values()]


def _label(part: Period, time: str, lang: str) -> str:
    if time == "month":
        return month_short(part.first, lang)
    if time == "quarter" and "Q" in part.text:
        return f"{part.first // 100 % 100}Q{part.text[-1]}"
    if time == "year" and part.text == str(part.first // 100):
        return part.text
    # A quarter or year of which the period holds only a part.
    first, last = part.first % 100, part.last % 100
    months = str(first) if first == last else f"{first}–{last}"
    return f"{part.first // 100 % 100}/{months}"


__all__ = ["Block", "Chart", "Column", "chart", "draw", "scale_top", "window"]
