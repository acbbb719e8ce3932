"""Coordinate systems of outlines: what a file says, what its user says, and the way to degrees.

Known: the four datums of `core.geodesy`, the Gauss-Krueger zones of CGCS2000 (EPSG 4491-4554), and
whatever a file states on WGS 84 or CGCS2000.  Beijing 1954 and Xi'an 1980 need local parameters and
are refused.  Degrees are (lon, lat).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct

from wasteflow.core.errors import UnusableFile
from wasteflow.core.geodesy import (
    CGCS2000,
    CHINA_BOX,
    CRS_NAMES,
    WGS84,
    PositionError,
    geodesic_distance_km,
    to_wgs84,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_GOOD_DATUM: Final = re.compile(
    r"WGS.?(19)?84|World Geodetic System 1984|CGCS.?2000|China.?2000"
    r"|China.Geodetic.Coordinate.System.2000",
    re.IGNORECASE,
)
_EPSG: Final = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:+(?:[\d.]*:)?(\d{4,6})$", re.IGNORECASE)
_DATUM_NAME: Final = re.compile(r'^GEOG(?:CS|CRS)\["([^"]+)".*$', re.DOTALL)
"""GCJ-02 and BD-09 have no code; files we write name them."""
_CRS84: Final = re.compile(r"CRS:?84$", re.IGNORECASE)


class Zone(Struct, frozen=True):
    """A Gauss-Krueger zone: EPSG code, width and central meridian in degrees, number in easting."""

    epsg: int
    width: int
    meridian: int
    number: int

    @property
    def name(self) -> str:
        """ "EPSG:4522"."""
        return f"EPSG:{self.epsg}"

    @property
    def prefixed(self) -> bool:
        """Whether eastings begin with the number of the zone."""
        return self.number > 0


def _zones() -> dict[str, Zone]:
    found = []
    for step in range(11):  # 6 degrees: 13 to 23
        meridian = 75 + 6 * step
        found += [Zone(4491 + step, 6, meridian, 13 + step), Zone(4502 + step, 6, meridian, 0)]
    for step in range(21):  # 3 degrees: 25 to 45
        meridian = 75 + 3 * step
        found += [Zone(4513 + step, 3, meridian, 25 + step), Zone(4534 + step, 3, meridian, 0)]
    return {zone.name: zone for zone in sorted(found, key=lambda zone: zone.epsg)}


ZONES: Final = _zones()
"""Name → zone, EPSG 4491 to 4554."""
SYSTEMS: Final = (*CRS_NAMES, *ZONES)
"""Every system a user may name."""


def stated_system(crs: str) -> str:
    """One of SYSTEMS, or the name of another system on a known datum; "" if nothing is stated.

    Raises UnusableFile `geo_foreign_datum` for a datum that cannot be shifted without parameters,
    `geo_crs_unreadable`.
    """
    if not crs.strip():
        return ""
    if _CRS84.search(crs.strip()):
        return WGS84
    named = next(
        (name for name in CRS_NAMES if name in (crs, _DATUM_NAME.sub(r"\1", crs[:80]))), ""
    )
    if named:
        return named
    found = _parsed(crs)
    _check_datum(found)
    if not found.is_projected:
        base = str(found.geodetic_crs.name)
        return WGS84 if "84" in base else CGCS2000
    epsg = found.to_epsg(min_confidence=60)
    name = f"EPSG:{epsg}" if epsg else ""
    return name if name in ZONES else (_same_zone(found) or name or str(found.name))


def _same_zone(found: Any) -> str:
    """The zone with the same meridian, width of easting and scale; "" for another projection."""
    values = {item.name: item.value for item in found.coordinate_operation.params}
    meridian = values.get("Longitude of natural origin")
    easting = values.get("False easting")
    scale = values.get("Scale factor at natural origin", 1)
    datum = f"{found.geodetic_crs.name} {found.geodetic_crs.datum.name}"
    if meridian is None or easting is None or scale != 1 or "2000" not in datum:
        return ""
    number = int(easting // 1_000_000)
    for zone in ZONES.values():
        if zone.meridian == meridian and zone.number == number and easting % 1_000_000 == 500_000:
            return zone.name
    return ""


def _check_datum(found: Any) -> None:
    base = found.geodetic_crs
    if base is None or (not found.is_geographic and not found.is_projected):
        raise UnusableFile("geo_crs_unreadable", crs=str(found.name)[:120])
    if not _GOOD_DATUM.search(f"{base.datum.name} {base.name}"):
        raise UnusableFile("geo_foreign_datum", crs=str(found.name)[:120], datum=base.datum.name)


@cache
def _parsed(crs: str) -> Any:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    match = _EPSG.search(crs.strip())
    try:
        return CRS.from_epsg(int(match.group(1))) if match else CRS.from_wkt(crs)
    except CRSError as error:
        raise UnusableFile("geo_crs_unreadable", crs=crs[:120]) from error


def to_degrees(geometry: BaseGeometry, system: str, crs: str = "") -> BaseGeometry:
    """`geometry` in degrees WGS 84 / CGCS2000, two-dimensional.

    system: one of SYSTEMS, or the name of another system that the file states as `crs`.
    Raises UnusableFile `geo_outside_china` if a position does not fall in China, with a hint.
    """
    import shapely

    flat = shapely.force_2d(geometry)
    numbers = shapely.get_coordinates(flat)
    if not np.isfinite(numbers).all():
        raise UnusableFile("geo_position", value="NaN / inf")
    if system in ZONES and int(numbers[0, 0] // 1_000_000) != ZONES[system].number:
        raise outside(flat, system)  # another zone stands in the easting
    try:
        moved: BaseGeometry = shapely.transform(flat, _mover(system, crs))
    except PositionError as error:
        raise outside(flat, system) from error
    west, south, east, north = CHINA_BOX
    found = shapely.get_coordinates(moved)
    inside = np.isfinite(found).all() and (
        (found[:, 0] > west) & (found[:, 0] < east) & (found[:, 1] > south) & (found[:, 1] < north)
    )
    if not np.all(inside):
        raise outside(flat, system)
    return moved


def _mover(system: str, crs: str) -> Callable[[Any], Any]:
    if system in (WGS84, CGCS2000):
        return lambda positions: positions
    if system in CRS_NAMES:
        return lambda positions: np.array(
            [to_wgs84(float(lon), float(lat), system) for lon, lat in positions]
        ).reshape(-1, 2)
    transformer = _unprojector(system if system in ZONES else crs)
    return lambda positions: np.column_stack(
        transformer.transform(positions[:, 0], positions[:, 1], errcheck=False)
    )


@cache
def _unprojector(crs: str) -> Any:
    """From the plane of a system to the degrees of its own datum: no datum is shifted."""
    from pyproj import Transformer

    plane = _parsed(crs)
    return Transformer.from_crs(plane, plane.geodetic_crs, always_xy=True)


def outside(geometry: BaseGeometry, system: str) -> UnusableFile:
    """Why positions do not fall in China, and what is likely meant."""
    import shapely

    x, y = (float(value) for value in shapely.get_coordinates(geometry)[0][:2])
    west, south, east, north = CHINA_BOX
    wrong = system not in ZONES or int(x // 1_000_000) != ZONES[system].number
    if wrong and (abs(x) > 360 or abs(y) > 360):
        likely = " ".join(zone.name for zone in zones_for(x, y)[:3])
        swapped = "" if likely else " ".join(zone.name for zone in zones_for(y, x)[:3])
        code = "geo_metres_swapped" if swapped else "geo_metres"
        words = (
            {"x": f"{x:.7g}", "y": f"{y:.7g}"}
            if abs(x) > 1e9
            else {"x": f"{x:.1f}", "y": f"{y:.1f}"}
        )
        return UnusableFile(code, **words, system=system, likely=likely or swapped or "–")
    if west < y < east and south < x < north:
        return UnusableFile("geo_swapped", x=f"{x:.6f}", y=f"{y:.6f}")
    return UnusableFile("geo_outside_china", x=f"{x:.6f}", y=f"{y:.6f}", system=system)


def zones_for(x: float, y: float, near: tuple[float, float] | None = None) -> list[Zone]:
    """Zones in which the easting `x` and northing `y` (metres) can lie, the likeliest first.

    A zone number in the easting decides.  Without one every meridian fits: `near` (lon, lat of the
    park) puts the nearest first, without it the order is that of the codes.

    >>> [zone.epsg for zone in zones_for(34_432_000.0, 2_765_000.0)]
    [4522]
    """
    if not 400_000 < y < 6_000_000:
        return []
    number = int(x // 1_000_000)
    easting = x - number * 1_000_000
    if not 100_000 <= easting <= 900_000:
        return []
    fits = [zone for zone in ZONES.values() if zone.number == number]
    if near is None or number:
        return fits

    def away(zone: Zone) -> float:
        lon, lat = _unprojector(zone.name).transform(x, y)
        return geodesic_distance_km(lon, lat, *near)

    return sorted(fits, key=lambda zone: (away(zone), zone.width))
