"""Park outlines: read GeoJSON polygons, repair them, and ask which park a point lies in.

Plain JSON and shapely, no GDAL: a GeoJSON text is parsed here and nothing it says opens a file.
Positions are degrees (lon, lat), stored as WGS 84 / CGCS2000.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from wasteflow.core.geodesy import PositionError, geodesic_distance_km, to_wgs84
from wasteflow_maps import MapError

MAX_BYTES: Final = 20_000_000
MAX_FEATURES: Final = 5_000
MAX_POSITIONS: Final = 500_000
_CODE: Final = re.compile(r"[^\s:,;]{1,80}")
_SAME_AS_WGS84: Final = re.compile(r"(CRS84|EPSG:+(4326|4490))$")

GeoJson = dict[str, Any]


def _bad(code: str, zh: str, en: str) -> MapError:
    return MapError(code, zh=zh, en=en)


def read_boundaries(
    data: str | bytes, *, crs: str = "WGS84", max_bytes: int = MAX_BYTES
) -> dict[str, GeoJson]:
    """Park code -> GeoJSON feature (properties `code`, `repaired`), sorted by code.

    `data` is a FeatureCollection of Polygon or MultiPolygon features in UTF-8, each with a
    property `code`; `crs` is one of `geodesy.CRS_NAMES` and every corner is shifted to WGS 84.
    A self-crossing outline is repaired and says so.  Raises MapError naming the feature for:
    too large, no JSON, wrong kind, no or double code, positions off the globe, no area.
    """
    features = _parse(data, max_bytes)
    budget = [MAX_POSITIONS]
    found: dict[str, GeoJson] = {}
    for number, feature in enumerate(features, start=1):
        code, polygon, repaired = _read_feature(feature, number, crs, budget)
        if code in found:
            raise _bad(
                "boundary_code_twice",
                f"第 {number} 个要素：代码 {code!r} 重复；一个园区的几块请合并为 MultiPolygon",
                f"feature {number}: code {code!r} occurs twice; join the parts of one park in a "
                "MultiPolygon",
            )
        found[code] = {
            "type": "Feature",
            "properties": {"code": code, "repaired": repaired},
            "geometry": _plain(polygon),
        }
    return dict(sorted(found.items()))


def _parse(data: str | bytes, max_bytes: int) -> list[Any]:
    if len(data) > max_bytes:
        raise _bad(
            "boundary_too_large",
            f"边界文件超过 {max_bytes // 1_000_000} MB；请先简化",
            f"the boundary file is larger than {max_bytes // 1_000_000} MB; simplify it first",
        )
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        content = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad(
            "boundary_not_json",
            "边界文件不是 UTF-8 编码的 GeoJSON",
            "the boundary file is not GeoJSON in UTF-8",
        ) from error
    kind = content.get("type") if isinstance(content, dict) else None
    features = content.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list) or not features:
        raise _bad(
            "boundary_no_features",
            "边界文件须为至少含一个要素的 GeoJSON FeatureCollection",
            "a boundary file is a GeoJSON FeatureCollection with at least one feature",
        )
    if len(features) > MAX_FEATURES:
        raise _bad(
            "boundary_too_many",
            f"边界要素多于 {MAX_FEATURES} 个",
            f"more than {MAX_FEATURES} boundary features",
        )
    stated = content.get("crs")
    name = json.dumps(stated, ensure_ascii=True) if stated is not None else ""
    if name and not _SAME_AS_WGS84.search(name.rstrip('"} ')):
        raise _bad(
            "boundary_foreign_crs",
            "边界文件自带其他坐标系；请转换为经纬度（WGS 84 或 CGCS2000）",
            "the file states a coordinate system of its own; convert it to lon, lat (WGS 84)",
        )
    return features


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _read_feature(
    feature: Any, number: int, crs: str, budget: list[int]
) -> tuple[str, BaseGeometry, bool]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise _bad(
            "boundary_no_code",
            f"第 {number} 个要素缺少属性 code（园区代码）",
            f"feature {number} has no property `code` with the code of its park",
        )
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise _bad(
            "boundary_not_polygon",
            f"{code}：边界须为 Polygon 或 MultiPolygon",
            f"{code}: a boundary is a Polygon or MultiPolygon",
        )
    try:
        rings = geometry["coordinates"]
        parts = [rings] if kind == "Polygon" else rings
        moved = [[[_move(xy, crs, budget) for xy in ring] for ring in part] for part in parts]
        raw = shape({"type": "MultiPolygon", "coordinates": moved})
        valid = bool(raw.is_valid)
        polygon = raw if valid else _polygons_of(shapely.make_valid(raw))
    except (KeyError, TypeError, ValueError, IndexError, shapely.errors.ShapelyError) as error:
        raise _bad(
            "boundary_bad_position",
            f"{code}：坐标有误（{error}）",
            f"{code}: bad coordinates ({error})",
        ) from error
    if polygon.is_empty or polygon.area <= 0:
        raise _bad("boundary_no_area", f"{code}：边界没有面积", f"{code}: the boundary has no area")
    return code, polygon, not valid


def _move(position: Any, crs: str, budget: list[int]) -> tuple[float, float]:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError(f"more than {MAX_POSITIONS} positions in the file")
    lon, lat = position[0], position[1]
    if isinstance(lon, bool) or not isinstance(lon, int | float):
        raise TypeError(f"{lon!r} is not a number")
    if isinstance(lat, bool) or not isinstance(lat, int | float):
        raise TypeError(f"{lat!r} is not a number")
    return to_wgs84(float(lon), float(lat), crs)


def _polygons_of(geometry: BaseGeometry) -> BaseGeometry:
    """Only the areas of a repaired outline; loose lines and points of the repair go."""
    parts = shapely.get_parts(geometry)
    areas = [part for part in parts if isinstance(part, Polygon)]
    for part in parts:
        if isinstance(part, MultiPolygon):
            areas.extend(part.geoms)
    return MultiPolygon(areas)


def _plain(polygon: BaseGeometry) -> GeoJson:
    """GeoJSON of lists with six decimals (0.1 m), rings as RFC 7946 wants them turned."""
    parts = [shapely.geometry.polygon.orient(part) for part in shapely.get_parts(polygon)]
    joined = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    coded = mapping(joined)
    return {"type": coded["type"], "coordinates": _rounded(coded["coordinates"])}


def _rounded(value: Any) -> Any:
    if isinstance(value, float | int):
        return round(float(value), 6)
    return [_rounded(item) for item in value]


def parks_containing(
    points: Sequence[tuple[float, float]], boundaries: Mapping[str, GeoJson]
) -> list[list[str]]:
    """For each point (lon, lat) the codes of the parks it lies in or on, smallest park first.

    >>> square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    >>> parks_containing([(0.5, 0.5), (2, 2)], {"p": {"type": "Feature", "geometry": square}})
    [['p'], []]
    """
    codes = sorted(boundaries)
    shapes = [shape(boundaries[code]["geometry"]) for code in codes]
    if not points or not shapes:
        return [[] for _ in points]
    pairs = shapely.STRtree(shapes).query(
        [Point(lon, lat) for lon, lat in points], predicate="intersects"
    )
    found: list[list[int]] = [[] for _ in points]
    for point_index, shape_index in zip(*pairs.tolist(), strict=True):
        found[point_index].append(shape_index)
    return [
        [codes[index] for index in sorted(inside, key=lambda i: (shapes[i].area, codes[i]))]
        for inside in found
    ]


def enterprises_outside_park(
    enterprises: Iterable[Mapping[str, Any]], boundaries: Mapping[str, GeoJson]
) -> list[dict[str, Any]]:
    """Firms whose stated position lies outside the outline of their own park, by code.

    `enterprises` have `code`, `park`, `lon`, `lat`, `precision_km` (None where unknown); without
    position or outline there is no statement.  Each answer has `enterprise`, `park`, `outside_km`
    (to the nearest edge) and `within_precision`: True means the stated precision explains it.
    """
    answers = []
    for firm in sorted(enterprises, key=lambda item: str(item["code"])):
        lon, lat, feature = firm.get("lon"), firm.get("lat"), boundaries.get(firm.get("park") or "")
        if lon is None or lat is None or feature is None:
            continue
        outline, point = shape(feature["geometry"]), Point(lon, lat)
        if outline.intersects(point):
            continue
        edge = nearest_points(outline, point)[0]
        try:
            outside_km = geodesic_distance_km(lon, lat, edge.x, edge.y)
        except PositionError:
            continue
        precision_km = firm.get("precision_km") or 0.0
        answers.append(
            {
                "enterprise": firm["code"],
                "park": firm["park"],
                "outside_km": math.ceil(outside_km * 1000) / 1000,
                "within_precision": outside_km <= precision_km,
            }
        )
    return answers
