"""The small chart of one target: its year to date, projection and goal; positions, no SVG.

One chart holds one metric of one target, so no two metrics ever share an axis (2-domain 1.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wasteflow.services.target_series import Series

LEFT, RIGHT, TOP, FOOT = 8, 250, 12, 82
FAR: Final = 4.0
Spot = tuple[float, float]


class Curve(Struct, frozen=True):
    """A chart: polylines as text, spots as (x, y); None where there is nothing."""

    declared: str
    verified: str
    now: Spot | None
    projected: Spot | None
    goal: float | None
    milestone: float | None
    ticks: tuple[tuple[float, int], ...]
    base: float
    foot: float
    far: bool = False


def curve(
    series: Series | None,
    goal: float | None,
    milestone: float | None,
    projected: float | None,
) -> Curve | None:
    """The chart of a target; None without any point to draw.

    A goal far beyond what the books hold is left out (`far`), so that the books can be seen.
    """
    points = series.points.get("declared", ()) if series else ()
    if not points or series is None:
        return None
    verified = series.points.get("verified", ())
    mine = [value for _, value in (*points, *verified)]
    if projected is not None:
        mine.append(projected)
    largest = max(abs(value) for value in mine)
    far = goal is not None and largest > 0 and abs(goal) > FAR * largest
    lines = [] if far else [value for value in (goal, milestone) if value is not None]
    low, high = min([0.0, *mine, *lines]), max([*mine, *lines, 0.0])
    room = (high - low) or 1.0
    high += room * 0.08
    room = high - low

    def at(month: float, value: float) -> Spot:
        x = LEFT + (RIGHT - LEFT) * (month - 1) / 11
        return round(x, 1), round(FOOT - (FOOT - TOP) * (value - low) / room, 1)

    def line(found: Sequence[tuple[int, float]]) -> str:
        return " ".join(f"{x},{y}" for x, y in (at(month, value) for month, value in found))

    return Curve(
        line(points),
        line(verified),
        at(*points[-1]),
        at(12, projected) if projected is not None and points[-1][0] < 12 else None,
        at(1, goal)[1] if goal is not None and not far else None,
        at(1, milestone)[1] if milestone is not None and not far else None,
        tuple((at(month, 0)[0], month) for month in (1, 4, 7, 10, 12)),
        at(1, 0)[1],
        FOOT,
        far,
    )
