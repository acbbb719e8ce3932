"""The data of a map page: rows of numbers that flowmap.js draws; no HTML, no colour of its own.

Names of users stay plain text: the scripts set them as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wasteflow_maps import geometry, style
from wasteflow_maps.geometry import LonLat
from wasteflow_maps.layers import OTHER, MapData
from wasteflow_maps.links import Bubble, Link, Series, largest_first
from wasteflow_maps.views import MARGIN_DEG, box_of, opening_view

PARTNERS_NAMED: Final = 5
MATERIALS_NAMED: Final = 4

_JS_TEXTS: Final = (
    "close",
    "distance",
    "evidence",
    "from",
    "in",
    "in_period",
    "links_unit",
    "loads",
    "mass",
    "material",
    "more_of",
    "not_computable",
    "other_route",
    "out",
    "parks",
    "precision",
    "partner_in",
    "partner_out",
    "partners",
    "pause",
    "picture_colon",
    "picture_grid",
    "picture_made",
    "picture_materials",
    "picture_missing",
    "picture_no_tiles",
    "picture_stop",
    "play",
    "rate_scale",
    "route",
    "see_loads",
    "to",
    "whole_period",
    "zoom_in",
    "zoom_out",
)


def payload(data: MapData, lang: str) -> dict[str, Any]:
    """What flowmap.js draws: names once, links and bubbles as rows of numbers pointing at them."""
    words = style.texts(lang)
    order = {key: index for index, key in enumerate(data.positions)}
    shown = _shown_materials(data)
    materials = {code: index for index, code in enumerate(shown)}
    codes = sorted({route for link in data.links for route in link.routes if route})
    routes = {code: index for index, code in enumerate(codes)}
    grades = {grade: index for index, grade in enumerate(style.EVIDENCE_ORDER)}
    for grade in sorted({grade for link in data.links for grade in link.evidence} - set(grades)):
        grades[grade] = len(grades)
    partners = sorted({key for one in data.bubbles for key, _ in _named_partners(one)})
    named = {key: index for index, key in enumerate(partners)}
    return {
        "lang": "en" if lang == "en" else "zh",
        "texts": {key: words[key] for key in _JS_TEXTS},
        "groups": [
            {
                "name": group_name(group, lang),
                "code": group["code"] or "other",
                "colour": group["colour"],
                "bend": round(geometry.bend_of(index), 2),
            }
            for index, group in enumerate(data.groups)
        ],
        "materials": [
            (style.name_of(data.materials[code], lang), data.group_of[code]) for code in shown
        ],
        "material_codes": shown,
        "routes": [style.name_of(data.routes.get(code, {"code": code}), lang) for code in codes],
        "grades": [words.get(f"ev_{grade}", grade) for grade in grades],
        "nodes": [_node_row(data, key, lang) for key in data.positions],
        "links": [_link_row(link, order, materials, routes, grades) for link in data.links],
        "partners": [place_name(data, key, lang) for key in partners],
        "bubbles": [_bubble_row(data, one, order, materials, named) for one in data.bubbles],
        "parks": _park_rows(data, lang),
        "largest": data.largest_kg,
        "largest_bubble": data.largest_bubble_kg,
        "widest": geometry.WIDEST_PX,
        "thinnest": geometry.THINNEST_PX,
        "biggest": geometry.BIGGEST_RADIUS_PX,
        "smallest": geometry.SMALLEST_RADIUS_PX,
        "views": _views(data),
        "codes": [scope_of(data, key) for key in data.positions],
        "months": list(data.played.months),
        "series": [_flat(series) for series in data.played.links],
        "bubble_series": [_flat(series) for series in data.played.bubbles],
    }


def scope_of(data: MapData, key: str) -> str:
    """A place as pages ask for it: `park:code`, `enterprise:code`; "" where it is neither."""
    kind = str(data.places[key]["kind"]) if key in data.places else ""
    if kind not in ("park", "enterprise") or ":" in key:
        return ""
    return f"{kind}:{key}"


def _flat(series: Series) -> list[int]:
    """Month position, kilograms, loads, again and again: a third of the brackets."""
    return [number for part in series for number in part]


def group_name(group: Mapping[str, Any], lang: str) -> str:
    """Name of a material with a layer of its own, or of all the others together."""
    if group["code"] == OTHER:
        return style.texts(lang)["other_materials"]
    return style.name_of(group, lang)


def place_name(data: MapData, key: str, lang: str) -> str:
    """Name of a place, its key where it has none."""
    place = data.places.get(key)
    return (style.name_of(place, lang) if place else "") or key


def bubble_group(data: MapData, bubble: Bubble) -> int:
    """The group whose colour a bubble has: its main material's, else that of the mixed."""
    code = bubble.main_material
    return data.group_of[code] if code else len(data.groups) - 1


def _shown_materials(data: MapData) -> list[str]:
    """Materials that a tooltip names, in the order of the registry."""
    used = {link.material for link in data.links}
    used |= {code for one in data.bubbles for code, _ in _named_materials(one)}
    return [code for code in data.materials if code in used]


def _named_materials(bubble: Bubble) -> list[tuple[str, int]]:
    return largest_first(bubble.materials)[:MATERIALS_NAMED]


def _named_partners(bubble: Bubble) -> list[tuple[str, int]]:
    return largest_first(bubble.partners)[:PARTNERS_NAMED]


def _bubble_row(
    data: MapData,
    bubble: Bubble,
    order: Mapping[str, int],
    materials: Mapping[str, int],
    named: Mapping[str, int],
) -> tuple[Any, ...]:
    return (
        order[bubble.place],
        int(bubble.way == "out"),
        bubble.kg,
        bubble.loads,
        bubble_group(data, bubble),
        len(bubble.partners),
        tuple((named[key], kg) for key, kg in _named_partners(bubble)),
        len(bubble.materials),
        tuple((materials[code], kg) for code, kg in _named_materials(bubble)),
    )


def _views(data: MapData) -> dict[str, Any]:
    """(west, south, east, north) of where most of the mass moves and of the whole map."""
    at = data.positions
    corners = [corner for park in data.parks for corner in _corners(park)]
    whole = geometry.bounds_of([*at.values(), *corners])
    items = [(link.kg, box_of(at[link.source], at[link.target])) for link in data.links]
    items += [(one.kg, box_of(at[one.place], at[one.place])) for one in data.bubbles]
    main, share = opening_view(items)
    if main is None:
        return {"main": whole, "whole": whole, "share": None}
    west, south, east, north = main
    main = (west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
    return {"main": main, "whole": whole, "share": int(100 * share)}


def _node_row(data: MapData, key: str, lang: str) -> list[Any]:
    place, (lon, lat) = data.places[key], data.positions[key]
    park = data.places.get(str(place["park"] or ""))
    return [
        style.name_of(place, lang) or key,
        lon,
        lat,
        int(place["kind"] in ("park", "region")),
        style.name_of(park, lang) if park else "",
        place["precision_km"] or 0,
    ]


def _link_row(
    link: Link,
    order: Mapping[str, int],
    materials: Mapping[str, int],
    routes: Mapping[str, int],
    grades: Mapping[str, int],
) -> tuple[Any, ...]:
    known = sum(link.evidence.values())
    parts = tuple(
        (routes.get(code, -1), kg, loads) for code, (kg, loads) in sorted(link.routes.items())
    )
    grading = tuple(
        (grades[grade], round(100 * link.evidence[grade] / known))
        for grade in sorted(link.evidence, key=grades.__getitem__)
        if link.evidence[grade]
    )
    return (
        order[link.source],
        order[link.target],
        materials[link.material],
        link.kg,
        link.loads,
        link.distance_km,
        parts,
        grading,
    )


def _park_rows(data: MapData, lang: str) -> list[dict[str, Any]]:
    """Park areas by name and rate; `top` is the latitude of the label."""
    moved: dict[str, int] = {}
    ends = [(end, link.kg) for link in data.links for end in (link.source, link.target)]
    for end, kg in [*ends, *((one.place, one.kg) for one in data.bubbles)]:
        place = data.places[end]
        park = end if place["kind"] == "park" else str(place["park"] or "")
        moved[park] = moved.get(park, 0) + kg
    rows = []
    for area in data.parks:
        codes = [area["code"], *(member["code"] for member in area["members"])]
        west, south, east, north = geometry.bounds_of(_corners(area)) or (0.0, 0.0, 0.0, 0.0)
        rows.append(
            {
                **_park_words(area, lang),
                "lon": area["lon"] if area["boundary"] is None else round((west + east) / 2, 5),
                "lat": area["lat"] if area["boundary"] is None else round((south + north) / 2, 5),
                "top": round(north, 5),
                "bottom": round(south, 5),
                "km": area["precision_km"] or 2,
                "shape": area["boundary"],
                "weight": sum(moved.get(code, 0) for code in codes),
                "members": [_park_words(member, lang) for member in area["members"]],
            }
        )
    return rows


def _park_words(park: Mapping[str, Any], lang: str) -> dict[str, Any]:
    return {
        "name": style.name_of(park, lang),
        "rate": style.rate_text(park["value"]),
        "cls": style.rate_class(park["value"]),
        "reason": "" if park["value"] is not None else _reason(park, lang),
    }


def _reason(park: Mapping[str, Any], lang: str) -> str:
    return style.reason_text(park["not_computable"], lang)


def _corners(park: Mapping[str, Any]) -> list[LonLat]:
    """Positions that span the area of a park: its outline, or its circle."""
    if park["boundary"] is None:
        lon, lat, radius = park["lon"], park["lat"], (park["precision_km"] or 2) / 111.32
        return [(lon, lat - radius), (lon, lat + radius)]
    shape = park["boundary"].get("geometry") or park["boundary"]
    found: list[LonLat] = []
    stack = [shape["coordinates"]]
    while stack:
        item = stack.pop()
        if item and isinstance(item[0], int | float):
            found.append((float(item[0]), float(item[1])))
        else:
            stack.extend(item)
    return found
