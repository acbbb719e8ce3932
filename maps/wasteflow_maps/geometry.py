"""Shapes of what is drawn: arcs between places, spreading of shared positions; no folium, no text.

Positions are degrees in the order (lon, lat).  The browser builds the arcs itself from the two
ends (static/arcs.js, the same formula; a test holds both equal), which keeps a page of 5,000
links below one megabyte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

LonLat = tuple[float, float]

ARC_POINTS: Final = 40
ARC_DECIMALS: Final = 5
FIRST_BEND: Final = 0.16
BEND_STEP: Final = 0.05
BEND_CLASSES: Final = 6

WIDEST_PX: Final = 12.0
THINNEST_PX: Final = 1.2

BIGGEST_RADIUS_PX: Final = 30.0
SMALLEST_RADIUS_PX: Final = 2.5

_KM_PER_DEGREE: Final = 111.32
_DEFAULT_PRECISION_KM: Final = 2.0
_GOLDEN_ANGLE: Final = math.pi * (3 - math.sqrt(5))


def bend_of(material_index: int) -> float:
    """Bend of a material's arcs as a share of their length; differs so that arcs do not cover.

    >>> [round(bend_of(index), 2) for index in range(3)]
    [0.16, 0.21, 0.26]
    """
    return FIRST_BEND + BEND_STEP * (material_index % BEND_CLASSES)


def arc(start: LonLat, end: LonLat, bend: float) -> list[LonLat]:
    """`ARC_POINTS` points of a quadratic Bezier curve from `start` to `end`.

    The plane is degrees with the longitude shrunk by the cosine of the middle latitude.  The
    control point lies right of the direction of travel, `bend` times the length off the middle,
    so the way there and the way back are two lines.

    >>> points = arc((102.0, 25.0), (102.0, 26.0), 0.2)
    >>> len(points), points[0], points[-1], points[20][0] > 102.0
    (40, (102.0, 25.0), (102.0, 26.0), True)
    """
    shrink = math.cos(math.radians((start[1] + end[1]) / 2))
    ax, ay, bx, by = start[0] * shrink, start[1], end[0] * shrink, end[1]
    control_x = (ax + bx) / 2 + bend * (by - ay)
    control_y = (ay + by) / 2 - bend * (bx - ax)
    points = []
    for step in range(ARC_POINTS):
        t = step / (ARC_POINTS - 1)
        s = 1 - t
        x = s * s * ax + 2 * s * t * control_x + t * t * bx
        y = s * s * ay + 2 * s * t * control_y + t * t * by
        points.append((round(x / shrink, ARC_DECIMALS), round(y, ARC_DECIMALS)))
    return points


def line_width_px(kg: int, largest_kg: int) -> float:
    """Width of a link in pixels, proportional to the root of its mass, never below `THINNEST_PX`.

    >>> line_width_px(25, 100), line_width_px(0, 100)
    (6.0, 1.2)
    """
    if largest_kg <= 0:
        return THINNEST_PX
    return max(THINNEST_PX, WIDEST_PX * math.sqrt(kg / largest_kg))


def bubble_radius_px(kg: int, largest_kg: int) -> float:
    """Radius of a bubble in pixels: its area is proportional to the mass, but never invisible.

    >>> bubble_radius_px(25, 100), bubble_radius_px(0, 100)
    (15.0, 2.5)
    """
    if largest_kg <= 0:
        return SMALLEST_RADIUS_PX
    return max(SMALLEST_RADIUS_PX, BIGGEST_RADIUS_PX * math.sqrt(kg / largest_kg))


def scale_steps_kg(largest_kg: int) -> list[int]:
    """Up to three round masses (1, 2 or 5 times a power of ten, kg) for the scale of widths.

    >>> scale_steps_kg(87_000_000)
    [50000000, 10000000, 2000000]
    """
    steps: list[int] = []
    limit = float(largest_kg)
    while len(steps) < 3 and limit >= 1:
        power = 10 ** math.floor(math.log10(limit))
        factor = next(factor for factor in (5, 2, 1) if factor * power <= limit)
        steps.append(factor * power)
        limit = factor * power / 5
    return steps


def spread_shared(
    positions: Mapping[str, LonLat], precision_km: Mapping[str, float | None]
) -> dict[str, LonLat]:
    """Where to draw each place: places of one stated position are fanned out around it.

    Town-level positions are shared by many firms.  They are put on a ring (more than eight: a
    spiral) of at most half the stated precision and 3 km, so no mark leaves the circle inside
    which the place is known to be.  A position of its own is returned unchanged.

    >>> spread_shared({"a": (102.0, 25.0)}, {})
    {'a': (102.0, 25.0)}
    """
    shared: dict[LonLat, list[str]] = {}
    for key in sorted(positions):
        lon, lat = positions[key]
        shared.setdefault((round(lon, 5), round(lat, 5)), []).append(key)
    drawn: dict[str, LonLat] = {}
    for (lon, lat), keys in shared.items():
        if len(keys) == 1:
            drawn[keys[0]] = positions[keys[0]]
            continue
        known = [precision_km.get(key) or _DEFAULT_PRECISION_KM for key in keys]
        radius_km = min(3.0, 0.5 * min(known))
        for index, (east, north) in enumerate(_fan(len(keys))):
            drawn[keys[index]] = (
                round(lon + radius_km * east / (_KM_PER_DEGREE * math.cos(math.radians(lat))), 5),
                round(lat + radius_km * north / _KM_PER_DEGREE, 5),
            )
    return drawn


def _fan(count: int) -> list[tuple[float, float]]:
    """`count` places (east, north) within the unit circle, well apart and in a fixed order."""
    if count <= 8:
        turns = [2 * math.pi * index / count for index in range(count)]
        return [(math.sin(turn), math.cos(turn)) for turn in turns]
    spiral = [(math.sqrt((index + 0.5) / count), index * _GOLDEN_ANGLE) for index in range(count)]
    return [(radius * math.sin(turn), radius * math.cos(turn)) for radius, turn in spiral]


def bounds_of(points: Iterable[LonLat]) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) of the points in degrees, or None without any."""
    found = list(points)
    if not found:
        return None
    lons, lats = [lon for lon, _ in found], [lat for _, lat in found]
    return min(lons), min(lats), max(lons), max(lats)
