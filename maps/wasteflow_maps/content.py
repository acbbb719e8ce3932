"""The data of a map page: rows of numbers for the browser, and what the panel beside it says.

No HTML is made here; names of users stay plain text until the page escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wasteflow_maps import geometry, style
from wasteflow_maps.geometry import LonLat
from wasteflow_maps.layers import NOT_DRAWN, Link, MapData

LARGEST_LISTED: Final = 10
ROWS_LISTED: Final = 100
MAIN_SHARE: Final = 0.9

_JS_TEXTS: Final = (
    "distance",
    "evidence",
    "from",
    "in",
    "loads",
    "mass",
    "not_computable",
    "other_route",
    "out",
    "parks",
    "precision",
    "rate_scale",
    "route",
    "to",
    "zoom_in",
    "zoom_out",
)


def payload(data: MapData, lang: str) -> dict[str, Any]:
    """What flowmap.js draws: names once, links as rows of numbers pointing at them."""
    words = style.texts(lang)
    order = {key: index for index, key in enumerate(data.positions)}
    materials = {material["code"]: index for index, material in enumerate(data.materials)}
    codes = sorted({route for link in data.links for route in link.routes if route})
    routes = {code: index for index, code in enumerate(codes)}
    grades = {grade: index for index, grade in enumerate(style.EVIDENCE_ORDER)}
    for grade in sorted({grade for link in data.links for grade in link.evidence} - set(grades)):
        grades[grade] = len(grades)
    drawn = [data.positions[key] for key in data.positions]
    corners = [corner for park in data.parks for corner in _corners(park)]
    return {
        "lang": "en" if lang == "en" else "zh",
        "texts": {key: words[key] for key in _JS_TEXTS},
        "materials": [
            {
                "name": style.name_of(material, lang),
                "colour": material["colour"],
                "bend": round(geometry.bend_of(index), 2),
            }
            for index, material in enumerate(data.materials)
        ],
        "routes": [style.name_of(data.routes.get(code, {"code": code}), lang) for code in codes],
        "grades": [words.get(f"ev_{grade}", grade) for grade in grades],
        "nodes": [_node_row(data, key, lang) for key in data.positions],
        "links": [_link_row(link, order, materials, routes, grades) for link in data.links],
        "parks": _park_rows(data, lang),
        "largest": data.largest_kg,
        "widest": geometry.WIDEST_PX,
        "thinnest": geometry.THINNEST_PX,
        "views": _views(data, [*drawn, *corners]),
    }


def _views(data: MapData, everything: list[LonLat]) -> dict[str, Any]:
    """(west, south, east, north) of the whole map and of where most of the mass moves.

    One load to a distant province must not shrink a park to a dot: the opening view holds the
    largest links that together carry `MAIN_SHARE`.
    """
    whole = geometry.bounds_of(everything)
    total, carried, ends = sum(link.kg for link in data.links), 0, []
    for link in data.links:
        if carried >= MAIN_SHARE * total:
            break
        carried += link.kg
        ends += [data.positions[link.source], data.positions[link.target]]
    main = geometry.bounds_of(ends)
    if main is None or whole is None:
        return {"main": whole, "whole": whole}
    margin_deg = 0.06
    main = (main[0] - margin_deg, main[1] - margin_deg, main[2] + margin_deg, main[3] + margin_deg)
    return {"main": main, "whole": whole}


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
    for link in data.links:
        for end in (link.source, link.target):
            place = data.places[end]
            park = end if place["kind"] == "park" else str(place["park"] or "")
            moved[park] = moved.get(park, 0) + link.kg
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


def panel(data: MapData, lang: str, parks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the panel beside the map says, ready for the template; `parks` as in `payload`."""
    words = style.texts(lang)
    materials = {material["code"]: index for index, material in enumerate(data.materials)}
    share = 100 // len(style.RATE_COLOURS)
    notes = [words["note_precision"]] if any(p["boundary"] is None for p in data.parks) else []
    if data.fanned:
        notes.append(words["note_fanned"].replace("{count}", str(data.fanned)))
    if data.by_park:
        notes.append(words["note_by_park"].replace("{limit}", str(data.max_links)))
    notes.append(words["note_no_border"])
    steps = geometry.scale_steps_kg(data.largest_kg)
    return {
        "steps": [
            (
                kg,
                round(geometry.line_width_px(kg, data.largest_kg), 2),
                style.mass_text(kg, lang).replace(".00 ", " ").replace(".0 ", " "),
            )
            for kg in steps
        ],
        "classes": [(share * index, share * (index + 1)) for index in range(100 // share)],
        "parks": parks,
        "formula": words.get(f"formula_{data.formula}", data.formula),
        "basis": words.get(f"basis_{data.basis}", data.basis),
        "largest": [
            {
                "source": _end(data, link.source, lang),
                "target": _end(data, link.target, lang),
                "material": materials[link.material],
                "mass": style.mass_text(link.kg, lang),
            }
            for link in data.links[:LARGEST_LISTED]
        ],
        "not_drawn": [
            _omitted(data, why, materials, lang) for why in NOT_DRAWN if data.not_drawn[why]
        ],
        "notes": notes,
    }


def _omitted(data: MapData, why: str, materials: Mapping[str, int], lang: str) -> dict[str, Any]:
    links, words = data.not_drawn[why], style.texts(lang)
    rest = links[ROWS_LISTED:]
    return {
        "why": why,
        "title": f"{words[f'why_{why}']} ({len(links)})",
        "mass": style.mass_text(sum(link.kg for link in links), lang),
        "rows": [
            (_way(data, link, why, lang), style.mass_text(link.kg, lang), materials[link.material])
            for link in links[:ROWS_LISTED]
        ],
        "more": words["and_more"].replace("{count}", str(len(rest))) if rest else "",
        "more_mass": style.mass_text(sum(link.kg for link in rest), lang),
    }


def _way(data: MapData, link: Link, why: str, lang: str) -> str:
    if why == "boundary":
        words = style.texts(lang)
        return f"{words[f'word_{link.source}']} → {words[f'word_{link.target}']}"
    if why == "within":
        return _end(data, link.source, lang)
    return f"{_end(data, link.source, lang)} → {_end(data, link.target, lang)}"


def _end(data: MapData, key: str, lang: str) -> str:
    place = data.places.get(key)
    return (style.name_of(place, lang) if place else "") or key
