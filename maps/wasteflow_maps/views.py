"""The opening view: the smallest part of the map where most of the mass moves; no drawing here.

One load to a distant province must not shrink a park to a dot, so far and light flows are cut
off from the sides as long as the view gains much for little mass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from wasteflow_maps.geometry import LonLat

Box = tuple[float, float, float, float]
Item = tuple[int, Box]
"""Mass in kilograms of a flow and the box around its ends."""

LEAST_SHARE: Final = 0.8
LEAST_GAIN: Final = 3.0
"""Log of the span won per share of mass given up: 5 % must make the view 14 % narrower."""
MOST_ITEMS: Final = 200
MARGIN_DEG: Final = 0.02
_SCREEN_RATIO: Final = 1.3


def box_of(one: LonLat, other: LonLat) -> Box:
    """(west, south, east, north) of two points."""
    (lon1, lat1), (lon2, lat2) = one, other
    return min(lon1, lon2), min(lat1, lat2), max(lon1, lon2), max(lat1, lat2)


def opening_view(items: Sequence[Item]) -> tuple[Box | None, float]:
    """The box to open with and the share of the mass that moves inside it.

    `items` are taken largest first, at most `MOST_ITEMS`.  Sides are cut off while
    `LEAST_SHARE` of the mass stays; without items there is no box.

    >>> near, far = (102.3, 24.9, 102.5, 25.0), (102.4, 24.9, 106.0, 29.0)
    >>> opening_view([(95, near), (5, far)])
    ((102.3, 24.9, 102.5, 25.0), 0.95)
    >>> opening_view([(60, near), (40, far)])
    ((102.3, 24.9, 106.0, 29.0), 1.0)
    """
    total = sum(kg for kg, _ in items)
    kept = sorted(items, key=lambda item: (-item[0], item[1]))[:MOST_ITEMS]
    if not kept or total <= 0:
        return None, 0.0
    while True:
        rest = _cut(kept, total)
        if rest is None:
            break
        kept = rest
    west, south, east, north = hull = _hull(kept)
    inside = (
        kg
        for kg, box in items
        if west <= box[0] and south <= box[1] and box[2] <= east and box[3] <= north
    )
    return hull, sum(inside) / total


def _cut(kept: Sequence[Item], total: int) -> list[Item] | None:
    """What stays after the best cut from one side; None if no cut is worth its mass."""
    span = _span(_hull(kept))
    best: tuple[float, list[Item]] | None = None
    for side in range(4):
        sign = 1 if side < 2 else -1
        ordered = sorted(kept, key=lambda item: (sign * item[1][side], item[0], item[1]))
        inside = sum(kg for kg, _ in ordered)
        # Boxes of what stays, from the innermost item outwards.
        hulls = [ordered[-1][1]]
        for _, box in reversed(ordered[:-1]):
            hulls.append(_join(hulls[-1], box))
        lost = 0
        for count in range(1, len(ordered)):
            lost += ordered[count - 1][0]
            if inside - lost < LEAST_SHARE * total:
                break
            narrower = math.log(span / _span(hulls[len(ordered) - 1 - count]))
            gain = narrower / max(lost / total, 1e-6)
            if gain >= LEAST_GAIN and (best is None or gain > best[0]):
                best = gain, ordered[count:]
    return best[1] if best else None


def _hull(items: Sequence[Item]) -> Box:
    box = items[0][1]
    for _, other in items:
        box = _join(box, other)
    return box


def _join(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _span(box: Box) -> float:
    """Degrees that decide the zoom, with the margin no view goes below."""
    west, south, east, north = box
    wide = (east - west) * math.cos(math.radians((south + north) / 2))
    return max(wide, (north - south) * _SCREEN_RATIO) + 2 * MARGIN_DEG
