"""From features of a layer to outlines of parks: whose each is, in degrees, mended, and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import shapely
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from wasteflow.core.errors import UnusableFile
from wasteflow.core.geodesy import WGS84, geodesic_distance_km
from wasteflow_maps.geo_crs import SYSTEMS, stated_system, to_degrees, zones_for
from wasteflow_maps.geo_places import Found, Outline, Place, Wanted
from wasteflow_maps.geo_reading import Feature, Layer
from wasteflow_maps.geo_repair import Mended, geojson_of, mend, polygons_of

FAR_KM: Final = 50.0
"""An outline farther from the stated position of its park than this (plus precision) is refused."""
CODE_COLUMNS: Final = ("code", "park", "park_code", "园区代码", "代码", "编码", "园区编码")
NAME_COLUMNS: Final = ("name", "name_zh", "园区名称", "名称", "园区", "name_en")
_SHOWN: Final = 8


def outlines_of(layers: Sequence[Layer], wanted: Wanted, parks: Sequence[Place]) -> Found:
    """The outlines of a file.

    Raises UnusableFile: `geo_which_layer`, `geo_which_column`, `geo_which_park`, `geo_crs_needed`,
    `geo_crs_unknown`, `geo_crs_conflict`, `geo_no_match`, those of `to_degrees` and `mend`,
    `geo_far` for an outline far from where its park is registered.
    """
    layer = pick_layer(layers, wanted.layer)
    system = system_of(layer, wanted.system)
    column, mine, unmatched = assigned(layer, wanted, parks)
    if not mine:
        values = ", ".join(value for _, value in unmatched[:_SHOWN])
        raise UnusableFile("geo_no_match", column=column or "–", values=values or "–")
    places = {place.code: place for place in parks}
    outlines = tuple(_outline(places[code], mine[code], system, layer.crs) for code in sorted(mine))
    return Found(layer.name, column, system, outlines, tuple(unmatched))


def pick_layer(layers: Sequence[Layer], name: str) -> Layer:
    """The layer of that name; without one the only layer that has areas."""
    if name:
        found = [layer for layer in layers if layer.name == name]
    else:
        found = [layer for layer in layers if any(_areas(item) for item in layer.features)]
        if not found and len(layers) == 1:
            found = list(layers)
    if len(found) == 1:
        return found[0]
    known = ", ".join(layer.name for layer in layers)
    raise UnusableFile("geo_which_layer", known=known, value=name or "–")


def _areas(feature: Feature) -> bool:
    return bool(polygons_of(feature.geometry)[0])


def system_of(layer: Layer, asked: str) -> str:
    """The system to read a layer in: what the file says if that is sure, else what was asked for.

    A user may say that degrees are GCJ-02 or BD-09: files of map services claim WGS 84.
    """
    stated = stated_system(layer.crs)
    if asked and asked not in SYSTEMS:
        raise UnusableFile("geo_crs_unknown", value=asked)
    if not asked:
        if stated and (layer.sure or stated != WGS84):
            return stated
        raise _system_needed(layer)
    plane = bool(stated) and stated not in SYSTEMS[:4]
    if (plane and asked != stated) or (stated and not plane and asked not in SYSTEMS[:4]):
        raise UnusableFile("geo_crs_conflict", stated=stated, value=asked)
    return asked


def _system_needed(layer: Layer) -> UnusableFile:
    """Ask for the system; positions in metres name the zones they can lie in."""
    first = next((item.geometry for item in layer.features if item.geometry is not None), None)
    zones = []
    if first is not None and not first.is_empty:
        x, y = shapely.get_coordinates(first)[0]
        zones = zones_for(float(x), float(y))
    likely = " ".join(zone.name for zone in zones[:_SHOWN])
    return UnusableFile("geo_crs_needed", **({"likely": likely} if likely else {}))


def assigned(
    layer: Layer, wanted: Wanted, parks: Sequence[Place]
) -> tuple[str, dict[str, list[Feature]], list[tuple[int, str]]]:
    """(column used, features by park, features of no park with their value)."""
    if wanted.park:
        if wanted.park not in {place.code for place in parks}:
            raise UnusableFile("geo_which_park", value=wanted.park)
        return "", {wanted.park: list(layer.features)}, []
    known = _by_word(parks)
    column = wanted.column or _best_column(layer, known)
    if column not in layer.columns:
        columns = ", ".join(layer.columns) or "–"
        raise UnusableFile("geo_which_column", value=wanted.column or "–", known=columns)
    mine: dict[str, list[Feature]] = {}
    unmatched: list[tuple[int, str]] = []
    for feature in layer.features:
        value = feature.cells.get(column, "").strip()
        code = known.get(_word(value))
        if code:
            mine.setdefault(code, []).append(feature)
        else:
            unmatched.append((feature.number, value))
    return column, mine, unmatched


def _word(text: str) -> str:
    return "".join(text.split()).casefold()


def _by_word(parks: Sequence[Place]) -> dict[str, str]:
    """Code or name → code; a name two parks share names none of them."""
    found: dict[str, str] = {}
    for place in parks:
        for name in place.names:
            word = _word(name)
            found[word] = "" if found.get(word, place.code) != place.code else place.code
    found |= {_word(place.code): place.code for place in parks}
    return {word: code for word, code in found.items() if word and code}


def _best_column(layer: Layer, known: Mapping[str, str]) -> str:
    """The column that names most parks; the usual headings first where several do."""
    order = {name: index for index, name in enumerate((*CODE_COLUMNS, *NAME_COLUMNS))}

    def rank(column: str) -> tuple[int, int, str]:
        values = [_word(item.cells.get(column, "")) for item in layer.features]
        return -sum(value in known for value in values), order.get(column.casefold(), 99), column

    best = min(layer.columns, key=rank, default="")
    return best if best and rank(best)[0] < 0 else ""


def _outline(place: Place, features: Sequence[Feature], system: str, crs: str) -> Outline:
    polygons, notes = [], set()
    for feature in features:
        areas, more = polygons_of(feature.geometry)
        notes |= more
        if feature.geometry is not None and feature.geometry.has_z:
            notes.add("flat")
        polygons += [shapely.force_2d(area) for area in areas]
    moved = [to_degrees(area, system, crs) for area in polygons]
    mended: Mended = mend([part for area in moved for part in polygons_of(area)[0]], place.code)
    away = _away_km(place, mended.geometry)
    if away is not None and away > FAR_KM + place.precision_km:
        raise UnusableFile(
            "geo_far", park=place.code, km=f"{away:.0f}", system=system, limit=f"{FAR_KM:.0f}"
        )
    changed, shift = _against(place, mended.geometry)
    return Outline(
        park=place.code,
        geometry=geojson_of(mended.geometry),
        area_m2=mended.area_m2,
        corners=int(shapely.get_num_coordinates(mended.geometry)),
        features=tuple(feature.number for feature in features),
        notes=tuple(sorted({*notes, *mended.notes})),
        away_km=away,
        changed=changed,
        shift_m=shift,
    )


def _away_km(place: Place, outline: BaseGeometry) -> float | None:
    if place.lon is None or place.lat is None:
        return None
    point = Point(place.lon, place.lat)
    if outline.intersects(point):
        return 0.0
    edge = nearest_points(outline, point)[0]
    return geodesic_distance_km(place.lon, place.lat, edge.x, edge.y)


def _against(place: Place, new: BaseGeometry) -> tuple[float | None, float | None]:
    """(share of the area that differs, metres between the middles) of old and new outline."""
    if place.outline is None:
        return None, None
    old = shape(dict(place.outline))
    if not old.is_valid:
        old = shapely.make_valid(old)
    both = old.union(new).area
    share = old.symmetric_difference(new).area / both if both else 0.0
    a, b = old.centroid, new.centroid
    metres = geodesic_distance_km(a.x, a.y, b.x, b.y) * 1000
    return min(1.0, share), metres if math.isfinite(metres) else None
