"""Datum shifts between WGS 84, GCJ-02 and BD-09, and distance on the ellipsoid; no projections.

Every function takes and gives degrees in the order (lon, lat).  WGS 84 and CGCS2000 (EPSG:4490)
differ by about 0.1 m and are one system here.  GCJ-02 has no published definition; the series is
the one used by coordtransform and eviltransform (both MIT), with the radius of Krasovsky 1940.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

WGS84: Final = "WGS84"
CGCS2000: Final = "CGCS2000"
GCJ02: Final = "GCJ-02"
BD09: Final = "BD-09"
CRS_NAMES: Final = (WGS84, CGCS2000, GCJ02, BD09)

CHINA_BOX: Final = (73.66, 3.86, 135.05, 53.55)
"""(west, south, east, north) in degrees: where GCJ-02 is shifted, neighbours included."""

_A: Final = 6378245.0
_EE: Final = 0.00669342162296594323
_ORIGIN_LON: Final = 105.0
_ORIGIN_LAT: Final = 35.0
_X_PI: Final = math.pi * 3000.0 / 180.0

_INVERSE_STEPS: Final = 30
_INVERSE_TOLERANCE_DEG: Final = 1e-12

WGS84_SEMI_MAJOR_M: Final = 6378137.0
WGS84_FLATTENING: Final = 1 / 298.257223563

LonLat = tuple[float, float]


class PositionError(ValueError):
    """A coordinate outside the globe, not a number, or in a system that is not known."""


def check_position(lon: float, lat: float) -> None:
    """Raise PositionError unless -180 <= lon <= 180 and -90 <= lat <= 90 (degrees).

    >>> try:
    ...     check_position(24.94, 102.42)
    ... except PositionError as error:
    ...     print(error)
    latitude 102.42 is not within -90..90; lon and lat swapped?
    """
    for name, value, limit in (("longitude", lon, 180.0), ("latitude", lat, 90.0)):
        if not math.isfinite(value) or abs(value) > limit:
            hint = "; lon and lat swapped?" if name == "latitude" and abs(value) <= 180 else ""
            raise PositionError(f"{name} {value} is not within -{limit:.0f}..{limit:.0f}{hint}")


def in_china_box(lon: float, lat: float) -> bool:
    """Whether GCJ-02 shifts this point.  A box, not a border: it contains neighbouring countries.

    >>> in_china_box(102.42, 24.94), in_china_box(2.3522, 48.8566)
    (True, False)
    """
    west, south, east, north = CHINA_BOX
    return west < lon < east and south < lat < north


def _series(x: float, first: float, wide: tuple[float, float, float, float]) -> float:
    """What both shift series share; `first` is y or x, `wide` = (scale, divisor) twice."""
    short = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    middle = 20.0 * math.sin(first * math.pi) + 40.0 * math.sin(first / 3.0 * math.pi)
    scale_a, divisor_a, scale_b, divisor_b = wide
    tail = scale_a * math.sin(first / divisor_a * math.pi)
    tail += scale_b * math.sin(first * math.pi / divisor_b)
    return (short + middle + tail) * 2.0 / 3.0


def _gcj_offset(lon: float, lat: float) -> LonLat:
    """(d_lon, d_lat) in degrees that GCJ-02 adds to a WGS 84 position, without the box test."""
    x, y = lon - _ORIGIN_LON, lat - _ORIGIN_LAT
    root = math.sqrt(abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += _series(x, y, (160.0, 12.0, 320.0, 30.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += _series(x, x, (150.0, 12.0, 300.0, 30.0))
    rad_lat = lat / 180.0 * math.pi
    sine = math.sin(rad_lat)
    magic = 1 - _EE * sine * sine
    root_magic = math.sqrt(magic)
    d_lat = (north * 180.0) / ((_A * (1 - _EE)) / (magic * root_magic) * math.pi)
    d_lon = (east * 180.0) / (_A / root_magic * math.cos(rad_lat) * math.pi)
    return d_lon, d_lat


def wgs84_to_gcj02(lon: float, lat: float) -> LonLat:
    """GCJ-02 (Amap, Tencent) of a WGS 84 position; unchanged outside `CHINA_BOX`.

    >>> wgs84_to_gcj02(2.3522, 48.8566)
    (2.3522, 48.8566)
    """
    check_position(lon, lat)
    if not in_china_box(lon, lat):
        return lon, lat
    d_lon, d_lat = _gcj_offset(lon, lat)
    return lon + d_lon, lat + d_lat


def gcj02_to_wgs84_one_step(lon: float, lat: float) -> LonLat:
    """The common approximate inverse (2p - f(p)), good to about 0.2-2 m; for comparison only."""
    check_position(lon, lat)
    if not in_china_box(lon, lat):
        return lon, lat
    d_lon, d_lat = _gcj_offset(lon, lat)
    return lon - d_lon, lat - d_lat


def _solve(forward: Callable[[float, float], LonLat], target: LonLat, start: LonLat) -> LonLat:
    """Fixed-point inverse of a smooth small shift: p <- p + (target - forward(p))."""
    lon, lat = start
    for _ in range(_INVERSE_STEPS):
        got_lon, got_lat = forward(lon, lat)
        miss_lon, miss_lat = target[0] - got_lon, target[1] - got_lat
        lon, lat = lon + miss_lon, lat + miss_lat
        if max(abs(miss_lon), abs(miss_lat)) < _INVERSE_TOLERANCE_DEG:
            break
    return lon, lat


def _shift_always(lon: float, lat: float) -> LonLat:
    d_lon, d_lat = _gcj_offset(lon, lat)
    return lon + d_lon, lat + d_lat


def gcj02_to_wgs84(lon: float, lat: float) -> LonLat:
    """WGS 84 of a GCJ-02 position, iterated to below 1 mm; unchanged outside `CHINA_BOX`.

    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(102.3354, 24.98669))
    >>> round(lon, 9), round(lat, 9)
    (102.3354, 24.98669)
    """
    check_position(lon, lat)
    west, south, east, north = CHINA_BOX
    if not (west - 0.1 < lon < east + 0.1 and south - 0.1 < lat < north + 0.1):
        return lon, lat
    # The box is tested on the answer: a point just inside is shifted out of the box.
    found = _solve(_shift_always, (lon, lat), (lon, lat))
    return found if in_china_box(*found) else (lon, lat)


def gcj02_to_bd09(lon: float, lat: float) -> LonLat:
    """BD-09 (Baidu) of a GCJ-02 position; a second shift on top, everywhere."""
    check_position(lon, lat)
    radius = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * _X_PI)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _X_PI)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def bd09_to_gcj02_one_step(lon: float, lat: float) -> LonLat:
    """The common approximate inverse of `gcj02_to_bd09` (about 1 m); for comparison only."""
    check_position(lon, lat)
    x, y = lon - 0.0065, lat - 0.006
    radius = math.sqrt(x * x + y * y) - 0.00002 * math.sin(y * _X_PI)
    angle = math.atan2(y, x) - 0.000003 * math.cos(x * _X_PI)
    return radius * math.cos(angle), radius * math.sin(angle)


def bd09_to_gcj02(lon: float, lat: float) -> LonLat:
    """GCJ-02 of a BD-09 position, iterated to below 1 mm."""
    start = bd09_to_gcj02_one_step(lon, lat)
    return _solve(gcj02_to_bd09, (lon, lat), start)


def wgs84_to_bd09(lon: float, lat: float) -> LonLat:
    """BD-09 of a WGS 84 position; unchanged outside `CHINA_BOX`."""
    check_position(lon, lat)
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat)) if in_china_box(lon, lat) else (lon, lat)


def bd09_to_wgs84(lon: float, lat: float) -> LonLat:
    """WGS 84 of a BD-09 position, iterated to below 1 mm; unchanged outside `CHINA_BOX`."""
    check_position(lon, lat)
    west, south, east, north = CHINA_BOX
    if not (west - 0.1 < lon < east + 0.1 and south - 0.1 < lat < north + 0.1):
        return lon, lat
    gcj = bd09_to_gcj02(lon, lat)
    found = _solve(_shift_always, gcj, gcj)
    return found if in_china_box(*found) else (lon, lat)


def to_wgs84(lon: float, lat: float, crs: str) -> LonLat:
    """WGS 84 / CGCS2000 (lon, lat) of a position given in `crs`, one of `CRS_NAMES`.

    Raises PositionError for an unknown system (it is never guessed) or a position off the globe.

    >>> to_wgs84(102.42, 24.94, "CGCS2000")
    (102.42, 24.94)
    """
    check_position(lon, lat)
    if crs in (WGS84, CGCS2000):
        return lon, lat
    if crs == GCJ02:
        return gcj02_to_wgs84(lon, lat)
    if crs == BD09:
        return bd09_to_wgs84(lon, lat)
    raise PositionError(f"unknown coordinate system {crs!r}; use one of {', '.join(CRS_NAMES)}")


def _vincenty_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float | None:
    """Vincenty (1975) inverse in metres, or None where it does not converge (near-antipodal)."""
    f = WGS84_FLATTENING
    b = WGS84_SEMI_MAJOR_M * (1 - f)
    lon_gap = math.radians((lon2 - lon1 + 180.0) % 360.0 - 180.0)
    u1 = math.atan((1 - f) * math.tan(math.radians(lat1)))
    u2 = math.atan((1 - f) * math.tan(math.radians(lat2)))
    sin1, cos1, sin2, cos2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    lam = lon_gap
    for _ in range(200):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        sin_sigma = math.hypot(cos2 * sin_lam, cos1 * sin2 - sin1 * cos2 * cos_lam)
        if sin_sigma == 0.0:
            return 0.0 if cos_lam > 0 else None
        cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_lam
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos1 * cos2 * sin_lam / sin_sigma
        cos_sq = 1 - sin_alpha * sin_alpha
        cos_2m = cos_sigma - 2 * sin1 * sin2 / cos_sq if cos_sq > 1e-15 else 0.0
        c = f / 16 * cos_sq * (4 + f * (4 - 3 * cos_sq))
        bend = cos_2m + c * cos_sigma * (-1 + 2 * cos_2m**2)
        last, lam = lam, lon_gap + (1 - c) * f * sin_alpha * (sigma + c * sin_sigma * bend)
        if abs(lam) > math.pi:
            return None
        if abs(lam - last) < 1e-13:
            return b * _vincenty_arc(cos_sq, sigma, sin_sigma, cos_sigma, cos_2m)
    return None


def _vincenty_arc(
    cos_sq: float, sigma: float, sin_sigma: float, cos_sigma: float, cos_2m: float
) -> float:
    """Length of the solved arc in units of the semi-minor axis (Vincenty 1975, eq. 3, 4, 6)."""
    b = WGS84_SEMI_MAJOR_M * (1 - WGS84_FLATTENING)
    u_sq = cos_sq * (WGS84_SEMI_MAJOR_M**2 - b**2) / b**2
    big_a = 1 + u_sq / 16384 * (4096 + u_sq * (-768 + u_sq * (320 - 175 * u_sq)))
    big_b = u_sq / 1024 * (256 + u_sq * (-128 + u_sq * (74 - 47 * u_sq)))
    inner = cos_sigma * (-1 + 2 * cos_2m**2)
    inner -= big_b / 6 * cos_2m * (-3 + 4 * sin_sigma**2) * (-3 + 4 * cos_2m**2)
    return big_a * (sigma - big_b * sin_sigma * (cos_2m + big_b / 4 * inner))


def _antipodal_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Shortest way through one waypoint, in metres, for pairs that Vincenty leaves open.

    Every part of a shortest path is a shortest path, so the best waypoint lies on it and each
    half (about 90 degrees) is within Vincenty's reach.
    """
    from scipy.optimize import minimize  # a second to import, needed about never

    def through(waypoint: tuple[float, float]) -> float:
        lat = max(-90.0, min(90.0, float(waypoint[1])))
        first = _vincenty_m(lon1, lat1, float(waypoint[0]), lat)
        second = _vincenty_m(float(waypoint[0]), lat, lon2, lat2)
        return math.inf if first is None or second is None else first + second

    options = {"xatol": 1e-5, "fatol": 1e-4, "maxiter": 500}
    starts = [(lon1 + side, lat) for side in (90.0, -90.0) for lat in (60.0, -60.0)]
    found = [minimize(through, start, method="Nelder-Mead", options=options) for start in starts]
    return min(float(best.fun) for best in found)


def geodesic_distance_km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Length in kilometres of the shortest line on the WGS 84 ellipsoid between two positions.

    Vincenty's inverse (Survey Review 23, 1975), to about 0.1 mm; near-antipodal pairs, where it
    does not converge, go through a waypoint and are good to about 1 m.  This is the direct line:
    a road in the Yunnan mountains is 1.3 to 1.5 times as long.  Raises PositionError.

    Known values: Flinders Peak to Buninyong (the worked line of the Australian datum manual,
    54972.271 m) and Anning phosphogypsum park to Yongchuan (602 km on a sphere):

    >>> round(geodesic_distance_km(144.42486789, -37.95103342, 143.92649553, -37.65282114), 4)
    54.9723
    >>> round(geodesic_distance_km(102.3354, 24.98669, 105.927, 29.356), 1)
    600.8
    """
    check_position(lon1, lat1)
    check_position(lon2, lat2)
    metres = _vincenty_m(lon1, lat1, lon2, lat2)
    if metres is None:
        metres = _antipodal_m(lon1, lat1, lon2, lat2)
    return metres / 1000.0


@lru_cache(maxsize=200_000)
def kept_distance_km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """`geodesic_distance_km`, kept: firms stay where they are from one question to the next."""
    return geodesic_distance_km(lon1, lat1, lon2, lat2)
