"""Outlines mended: rings closed, crossings resolved, slivers dropped, holes and parts kept; pure.

Degrees (lon, lat); areas are in square metres on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import shapely
from msgspec import Struct
from shapely.geometry import LineString, MultiPolygon, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry

from wasteflow.core.errors import UnusableFile

DECIMALS: Final = 11
"""Places of stored degrees: a micrometre, so that what goes out comes in again the same."""
SLIVER_M2: Final = 1.0
SLIVER_SHARE: Final = 1e-6
MAP_TOLERANCE_DEG: Final = 5e-5
"""About 5 m: what a map of parks may leave out."""


class Mended(Struct, frozen=True):
    """A usable outline, its area, and what was done to it (keys of page texts)."""

    geometry: BaseGeometry
    area_m2: float
    notes: tuple[str, ...]


def polygons_of(geometry: BaseGeometry | None) -> tuple[list[Polygon], set[str]]:
    """The areas in a feature and what was noticed: closed lines count, others are left out."""
    if geometry is None or geometry.is_empty:
        return [], set()
    if isinstance(geometry, Polygon):
        return [geometry], set()
    if isinstance(geometry, LineString):
        if geometry.is_closed and len(geometry.coords) >= 4:
            return [Polygon(geometry.coords)], {"closed_line"}
        return [], {"no_area"}
    if hasattr(geometry, "geoms"):
        found: list[Polygon] = []
        notes: set[str] = set()
        for part in geometry.geoms:
            areas, more = polygons_of(part)
            found += areas
            notes |= more
        return found, notes
    return [], {"no_area"}


def mend(polygons: list[Polygon], what: str) -> Mended:
    """One outline of polygons in degrees; UnusableFile `geo_no_area` (of `what`) if none."""
    notes: set[str] = set()
    areas: list[Polygon] = []
    for polygon in polygons:
        if not polygon.is_valid:
            notes.add("crossing")
        areas += _areas(shapely.make_valid(polygon) if not polygon.is_valid else polygon)
    if len(areas) > 1:
        joined = MultiPolygon(areas)
        if not joined.is_valid:
            notes.add("overlap")
            areas = _areas(shapely.union_all(areas))
    sizes = [area_m2(area) for area in areas]
    least = max(SLIVER_M2, SLIVER_SHARE * max(sizes, default=0.0))
    kept = [area for area, size in zip(areas, sizes, strict=True) if size >= least]
    if len(kept) < len(areas):
        notes.add("slivers")
    if not kept:
        raise UnusableFile("geo_no_area", what=what)
    kept = [_without_pinholes(area, notes) for area in kept]
    parts = sorted(
        (shapely.geometry.polygon.orient(area) for area in kept),
        key=lambda area: (-area.area, area.bounds),
    )
    geometry = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    return Mended(geometry, sum(area_m2(part) for part in parts), tuple(sorted(notes)))


def _areas(geometry: BaseGeometry) -> list[Polygon]:
    return [part for part in polygons_of(geometry)[0] if not part.is_empty and part.area > 0]


def _without_pinholes(area: Polygon, notes: set[str]) -> Polygon:
    holes = [ring for ring in area.interiors if area_m2(Polygon(ring)) >= SLIVER_M2]
    if len(holes) == len(area.interiors):
        return area
    notes.add("slivers")
    return Polygon(area.exterior, holes)


def area_m2(geometry: BaseGeometry) -> float:
    """Area on the ellipsoid of GRS 80 in square metres, holes taken off."""
    from pyproj import Geod

    if isinstance(geometry, MultiPolygon):
        return sum(area_m2(part) for part in geometry.geoms)
    ellipsoid = Geod(ellps="GRS80")
    assert isinstance(geometry, Polygon)
    area, _ = ellipsoid.geometry_area_perimeter(shapely.geometry.polygon.orient(geometry))
    return abs(float(area))


def geojson_of(geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON geometry of lists, degrees to `DECIMALS` places."""
    coded = mapping(geometry)
    return {"type": coded["type"], "coordinates": _rounded(coded["coordinates"])}


def _rounded(value: Any) -> Any:
    if isinstance(value, float | int):
        return round(float(value), DECIMALS)
    return [_rounded(item) for item in value]


def simplified(outline: Mapping[str, Any]) -> dict[str, Any]:
    """A GeoJSON outline as a map draws it: corners left out that nobody sees, topology kept."""
    return geojson_of(shape(dict(outline)).simplify(MAP_TOLERANCE_DEG, preserve_topology=True))
