"""`/map`: the flow map in a frame of our own origin, and the same map as one offline file."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, make_response, render_template, request

from wasteflow.core.registry import Registry
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import flows_report
from wasteflow.web.access import books
from wasteflow.web.assets import themed_url
from wasteflow.web.formats import month_words
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.security import nonce
from wasteflow.web.texts import lang, theme
from wasteflow_maps.layers import MapData, map_data
from wasteflow_maps.page import render_map

LEVELS = ("enterprise", "park")


def show() -> str:
    """The map inside the frame of the site, its filters in the address."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    return render_template("map.html", view=view, level=_level())


def frame() -> str:
    """The map page itself, with the nonce of this response."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    return render_map(
        data_of(view, _level()),
        lang=lang(),
        single_file=False,
        asset_url=lambda name: themed_url(name, theme()),
        nonce=nonce(),
    )


def file() -> Response | str:
    """The map as one HTML file that works from disk without internet."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    page = render_map(
        data_of(view, _level()), lang=lang(), single_file=True, asset_url=None, nonce=None
    )
    response = make_response(page)
    name = f"wasteflow-map-{view.span.text}.html"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _level() -> str:
    word = request.args.get("level", "")
    return word if word in LEVELS else LEVELS[0]


def data_of(view: View, level: str) -> MapData:
    """What the map of a view shows; links with an end in scope."""
    db, registry = books().db, view.registry
    flows = flows_report(db=db, period=view.span, level=level, material=view.material)
    if view.scope != "all":
        flows = {**flows, "edges": _edges_in_scope(view, flows, level)}
    rates = rates_report(
        db=db, scope=view.scope, period=view.span, material=view.material, by="park"
    )
    basemap = books().config.basemap
    return map_data(
        flows,
        [_park(registry, code) for code in registry.parks],
        [_firm(registry, code) for code in registry.enterprises if code in _shown(view, flows)],
        period=view.span.text,
        materials=[
            {"code": item.code, "name_zh": item.name_zh, "name_en": item.name_en}
            for item in registry.materials.values()
        ],
        routes=[
            {"code": item.code, "name_zh": item.name_zh, "name_en": item.name_en}
            for item in registry.routes.values()
        ],
        rates={row["park"]: row for row in rates["rows"] if row["park"]},
        synthetic=bool(flows["synthetic"]),
        basemap=basemap.as_dict() if basemap else None,
        evidence_date=_evidence_date(view),
    )


def _edges_in_scope(view: View, flows: dict[str, Any], level: str) -> list[dict[str, Any]]:
    """Edges that touch a node of the scope."""
    registry = view.registry
    inside = set(view.firms)
    if level == "park":
        inside = {registry.park_of(code) or "park:none" for code in view.firms}
    inside |= {f"yard:{node}" for node in inside}
    return [edge for edge in flows["edges"] if edge["source"] in inside or edge["target"] in inside]


def _shown(view: View, flows: dict[str, Any]) -> set[str]:
    """Firms of the scope and those their links lead to."""
    ends = {end for edge in flows["edges"] for end in (edge["source"], edge["target"])}
    return set(view.firms) | ends


def _park(registry: Registry, code: str) -> dict[str, Any]:
    park = registry.parks[code]
    return {
        "code": code,
        "name_zh": park.name_zh,
        "name_en": park.name_en,
        "parent": park.parent,
        "lon": park.lon,
        "lat": park.lat,
        "precision_km": _km(park.precision_km),
        "boundary": json.loads(park.boundary) if park.boundary else None,
    }


def _firm(registry: Registry, code: str) -> dict[str, Any]:
    firm = registry.enterprises[code]
    return {
        "code": code,
        "name_zh": firm.name_zh,
        "name_en": firm.name_en,
        "park": firm.park,
        "lon": firm.lon,
        "lat": firm.lat,
        "precision_km": _km(firm.precision_km),
    }


def _km(text: str) -> float | None:
    return float(text) if text else None


def _evidence_date(view: View) -> str:
    """The last month whose records the map rests on."""
    last = min(view.span.last, view.books.last or view.span.last)
    return month_words(last, lang())
