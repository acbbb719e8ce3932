"""A small map of a scenario's changed links as SVG: graticule, scale, park outlines, arcs; made
on the server.

Positions are degrees (lon, lat), drawn in an equirectangular projection about the middle latitude.
A green arc carries more than today, a dashed red one less; width grows with the root of the tonnes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import cos, hypot, radians, sqrt
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

WIDTH, HEIGHT, MARGIN = 640, 400, 34
ARCS: Final = 40
LABELS: Final = 10
NEAR, LONGEST = 16.0, 18
KM_PER_DEGREE: Final = 111.195
_STEPS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SCALES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
LEAST_SPAN: Final = 0.12


class Arc(Struct, frozen=True):
    """A link: path, width in px, whether it carries less than today, words."""

    path: str
    width: float
    less: bool
    words: str


class Dot(Struct, frozen=True):
    """A place: position, names of all that is there, whether a producer is, and its label."""

    x: float
    y: float
    words: str
    giver: bool
    label: str = ""
    label_x: float = 0.0
    label_y: float = 0.0
    end: bool = False


class Outline(Struct, frozen=True):
    """A park: path of its outline, its name."""

    path: str
    words: str


class Drawing(Struct, frozen=True):
    """What the template draws; lengths in px of the viewBox."""

    arcs: tuple[Arc, ...]
    dots: tuple[Dot, ...]
    meridians: tuple[tuple[float, str], ...]
    parallels: tuple[tuple[float, str], ...]
    scale_px: float
    scale_km: int
    left_out: int
    parks: tuple[Outline, ...] = ()


def drawing(
    found: Mapping[str, Any],
    names: Mapping[str, str],
    outlines: Iterable[Mapping[str, Any]] = (),
) -> Drawing | None:
    """The map of a result; None where no changed link has both positions.

    names: words for the codes of firms and facilities; outlines: name and GeoJSON of parks, of
    which those within the map are drawn.
    """
    places: Mapping[str, Sequence[float]] = found["places"]
    rows = [
        (row, row["from"], row["facility"] or row["to"])
        for row in found["flows"]
        if row["from"] in places and (row["facility"] or row["to"]) in places
    ]
    if not rows:
        return None
    shown = rows[:ARCS]
    codes = list(dict.fromkeys(code for _, giver, taker in shown for code in (giver, taker)))
    view = _Projection([(places[code][0], places[code][1]) for code in codes])
    most = max(abs(float(row["change_t"])) for row, _, _ in shown) or 1.0
    arcs = []
    for row, giver, taker in reversed(shown):
        start, end = view.at(places[giver]), view.at(places[taker])
        change = float(row["change_t"])
        width = 1.4 + 5.6 * sqrt(abs(change) / most)
        words = f"{names.get(giver, giver)} → {names.get(taker, taker)}: {change:+,.0f} t"
        arcs.append(Arc(_curve(start, end), round(width, 1), change < 0, words))
    givers = {giver for _, giver, _ in shown}
    spots: list[tuple[float, float, list[str]]] = []
    for code in codes:
        x, y = view.at(places[code])
        near = next((spot for spot in spots if hypot(spot[0] - x, spot[1] - y) < NEAR), None)
        if near is None:
            spots.append((x, y, [code]))
        else:
            near[2].append(code)
    dots = _labelled(
        [
            Dot(
                x,
                y,
                "; ".join(names.get(code, code) for code in here),
                not givers.isdisjoint(here),
                _label(here, names),
            )
            for x, y, here in spots
        ]
    )
    km, px = view.scale()
    meridians, parallels = view.lines()
    parks = tuple(park for item in outlines for park in _outline(view, item))
    left = len(rows) - len(shown)
    return Drawing(tuple(arcs), tuple(dots), meridians, parallels, px, km, left, parks)


def _outline(view: _Projection, item: Mapping[str, Any]) -> Iterator[Outline]:
    """The outline of a park as one path; nothing of a park outside the map."""
    shape = item["outline"]
    areas = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    rings = [[view.at(point) for point in ring] for area in areas for ring in area]
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    if xs and max(xs) > 0 and min(xs) < WIDTH and max(ys) > 0 and min(ys) < HEIGHT:
        paths = ("M" + "L".join(f"{x} {y}" for x, y in ring) + "Z" for ring in rings)
        yield Outline("".join(paths), item["name"])


def _label(codes: Sequence[str], names: Mapping[str, str]) -> str:
    """The first of the names at a spot, and how many others there are."""
    first = names.get(codes[0], codes[0])
    first = first if len(first) <= LONGEST else f"{first[: LONGEST - 1]}…"
    return first if len(codes) == 1 else f"{first} +{len(codes) - 1}"


def _labelled(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """Dots with labels where they cover no other label, the first dots first."""
    taken: list[tuple[float, float, float]] = []
    found = []
    for number, dot in enumerate(dots):
        placed = replace(dot, label="")
        wide = sum(13.0 if ord(letter) > 0x2E7F else 7.0 for letter in dot.label)
        end = dot.x > WIDTH * 0.66
        x = dot.x - 8 if end else dot.x + 8
        left = x - wide if end else x
        for y in (dot.y + 4, dot.y + 20, dot.y - 12) if number < LABELS else ():
            free = all(abs(y - b) > 15 or left + wide < a or left > c for a, b, c in taken)
            if free:
                taken.append((left, y, left + wide))
                placed = replace(dot, label_x=round(x, 1), label_y=round(y, 1), end=end)
                break
        found.append(placed)
    return tuple(found)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A quadratic curve that bends right of travel; a loop where both ends are one."""
    (x1, y1), (x2, y2) = start, end
    length = hypot(x2 - x1, y2 - y1)
    if length < 2:
        return f"M{x1:.1f} {y1:.1f}c-16 -26 16 -26 0 0"
    bend = 0.16
    x = (x1 + x2) / 2 - bend * (y2 - y1)
    y = (y1 + y2) / 2 + bend * (x2 - x1)
    return f"M{x1:.1f} {y1:.1f}Q{x:.1f} {y:.1f} {x2:.1f} {y2:.1f}"


class _Projection:
    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
        self.lon, self.lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
        self.shrink = max(0.05, cos(radians(self.lat)))
        across = max((max(lons) - min(lons)) * self.shrink, LEAST_SPAN)
        up = max(max(lats) - min(lats), LEAST_SPAN)
        self.px = min((WIDTH - 2 * MARGIN - 60) / across, (HEIGHT - 2 * MARGIN - 30) / up)

    def at(self, place: Sequence[float]) -> tuple[float, float]:
        """(x, y) in px of (lon, lat)."""
        x = WIDTH / 2 + (place[0] - self.lon) * self.shrink * self.px
        return round(x, 1), round(HEIGHT / 2 - (place[1] - self.lat) * self.px, 1)

    def scale(self) -> tuple[int, float]:
        """(kilometres, px) of a round length of about a fifth of the width."""
        per_km = self.px / KM_PER_DEGREE
        fits = [km for km in _SCALES if km * per_km <= WIDTH / 4]
        km = fits[-1] if fits else _SCALES[0]
        return km, round(km * per_km, 1)

    def lines(self) -> tuple[tuple[tuple[float, str], ...], tuple[tuple[float, str], ...]]:
        """Meridians (x, words) and parallels (y, words) at round degrees."""
        span = HEIGHT / self.px
        step = next((step for step in _STEPS if span / step <= 4), _STEPS[-1])
        digits = 2 if step < 0.1 else 1 if step < 1 else 0
        half = WIDTH / 2 / self.px / self.shrink
        meridians = tuple(
            (self.at((lon, self.lat))[0], f"{lon:.{digits}f}°E")
            for lon in _rounds(self.lon - half, self.lon + half, step)
        )
        parallels = tuple(
            (self.at((self.lon, lat))[1], f"{lat:.{digits}f}°N")
            for lat in _rounds(self.lat - span / 2, self.lat + span / 2, step)
        )
        return meridians, parallels


def _rounds(low: float, high: float, step: float) -> list[float]:
    first = int(low // step) + 1
    return [number * step for number in range(first, int(high // step) + 1)]
