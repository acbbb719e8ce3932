"""Layers of the map of links: lines by kind, circles of the break-even distance, firms; plain data.

Texts are those of users: whoever draws them sets them as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from wasteflow_maps.geometry import LonLat, arc, bend_of, line_width_px
from wasteflow_maps.style import colour_of

KINDS: Final = ("realised", "potential", "infeasible")
"""Solid, dashed, dotted."""
CIRCLE_POINTS: Final = 72
DECIMALS: Final = 5


class Line(Struct, frozen=True):
    """A link to draw: kind, ends (lon, lat) in degrees, kilograms, and what its tooltip says."""

    kind: str
    start: LonLat
    end: LonLat
    material: str
    kg: int
    words: tuple[str, ...]


class Circle(Struct, frozen=True):
    """Everything within `km` (geodesic) of a firm, and what its tooltip says."""

    centre: LonLat
    km: float
    material: str
    words: tuple[str, ...]


def geodesic_circle(lon: float, lat: float, km: float) -> list[LonLat]:
    """Points (lon, lat) at `km` from a position on the GRS 80 ellipsoid, closed.

    >>> ring = geodesic_circle(102.0, 25.0, 100.0)
    >>> len(ring), ring[0] == ring[-1], round(ring[0][1], 2)
    (73, True, 25.9)
    """
    from pyproj import Geod

    bearings = [360 * number / CIRCLE_POINTS for number in range(CIRCLE_POINTS)]
    size = len(bearings)
    lons, lats, _ = Geod(ellps="GRS80").fwd(
        [lon] * size, [lat] * size, bearings, [km * 1000] * size
    )
    ring = [
        (round(x, DECIMALS), round(y, DECIMALS)) for x, y in zip(lons, lats, strict=True)
    ]  # fmt: skip
    return [*ring, ring[0]]


def layers(
    lines: Sequence[Line],
    circles: Iterable[Circle],
    firms: Mapping[str, tuple[LonLat, str]],
    parks: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """What the page draws: lines by kind, the thinnest first; circles, firms, park outlines.

    An arc bends right of its travel, so that two ways between two firms lie apart; one that could
    be made bends left, beside the one that exists.
    """
    largest = max((line.kg for line in lines), default=1)
    order = sorted({line.material for line in lines})
    drawn = [
        {
            "kind": line.kind,
            "points": arc(line.start, line.end, _bend(line, order)),
            "colour": colour_of(line.material),
            "width": round(line_width_px(line.kg, largest), 1),
            "words": line.words,
        }
        for line in sorted(lines, key=lambda line: (KINDS.index(line.kind), line.kg, line.words))
        if line.start != line.end
    ]
    return {
        "lines": drawn,
        "circles": [
            {
                "points": geodesic_circle(*circle.centre, circle.km),
                "colour": colour_of(circle.material),
                "words": circle.words,
            }
            for circle in circles
        ],
        "firms": [{"at": at, "name": name} for _, (at, name) in sorted(firms.items())],
        "parks": list(parks),
    }


def _bend(line: Line, order: Sequence[str]) -> float:
    bend = bend_of(order.index(line.material))
    return bend if line.kind == KINDS[0] else -bend
