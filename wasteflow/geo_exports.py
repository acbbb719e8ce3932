"""Joins services and geodata out: outlines alone, or parks, enterprises and links of a scope."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shapely.geometry import LineString, Point, shape
from shapely.geometry.base import BaseGeometry

from wasteflow.core.flow_filter import FlowFilter, edge_key, worst_evidence
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.exports import Export, span_of
from wasteflow.services.flow_scope import flows_of_scope
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import flows_report, overview
from wasteflow_maps.geo_writing import GeoDocument, GeoLayer, write_geo

Features = list[tuple[dict[str, Any], BaseGeometry]]


def write_geodata(*, db: Any, asked: Export, path: Path) -> int:
    """Write `boundaries` (outlines of parks, to be imported again) or `geodata`; how many features.

    Links and rates are those of the period asked for, else of all the books.
    """
    seen = overview(db=db)
    notes = {"scope": asked.scope, "synthetic": "true" if seen.synthetic else "false"}
    if asked.kind == "boundaries":
        layers = [GeoLayer("parks", "园区", _outlines(seen.registry))]
    else:
        span = span_of(db, asked.period)
        notes["period"] = span.text
        notes |= {"material": asked.material or "all", "level": asked.level}
        wanted = FlowFilter(**json.loads(asked.wanted)) if asked.wanted else FlowFilter()
        links, gone = _links(db, asked, seen.registry, wanted)
        if not wanted.blank:
            notes["filter"] = " / ".join(wanted.words)
            notes |= {"links_left_out": str(gone[0]), "tonnes_left_out": tonnes_text(gone[1])}
        layers = [
            GeoLayer("parks", "园区", _parks(db, asked, seen.registry)),
            GeoLayer("enterprises", "企业", _enterprises(seen.registry, asked.scope)),
            GeoLayer("links", "物流", links),
        ]
    title = "wasteflow 合成数据 synthetic" if seen.synthetic else "wasteflow"
    return write_geo(GeoDocument(title, layers, notes), asked.ending, asked.crs, path)


def _outlines(registry: Registry) -> Features:
    return [
        (_named(park), shape(json.loads(park.boundary)))
        for _, park in sorted(registry.parks.items())
        if park.boundary
    ]


def _named(item: Any) -> dict[str, Any]:
    return {
        "code": item.code,
        "label": item.name_zh or item.name_en,
        "name_zh": item.name_zh,
        "name_en": item.name_en,
    }


def _parks(db: Any, asked: Export, registry: Registry) -> Features:
    """Parks with a firm in scope, as outline or point, with their rate."""
    held = {registry.enterprises[firm].park for firm in registry.in_scope(asked.scope)}
    held = {up for park in held if park for up in registry.parks_up(park)}
    if asked.scope.startswith("enterprise:"):
        held = set()  # the rate of a park is the park's business
    rates = rates_report(
        db=db,
        scope=asked.scope,
        period=span_of(db, asked.period),
        material=asked.material,
        by="park",
    )
    values = {row["park"]: row["value"] for row in rates["rows"]}
    found: Features = []
    for code, park in sorted(registry.parks.items()):
        if code not in held and asked.scope != "all":
            continue
        geometry = _place(park) if not park.boundary else shape(json.loads(park.boundary))
        if geometry is not None:
            cells = _named(park) | {"region": park.region, "level": park.level}
            found.append((cells | {"utilisation_rate": values.get(code)}, geometry))
    return found


def _place(item: Any) -> BaseGeometry | None:
    if item.lon is None or item.lat is None:
        return None
    return Point(float(item.lon), float(item.lat))


def _enterprises(registry: Registry, scope: str) -> Features:
    wanted = registry.in_scope(scope)
    found: Features = []
    for code, firm in sorted(registry.enterprises.items()):
        point = _place(firm)
        if code in wanted and point is not None:
            radius = firm.precision_km
            cells = _named(firm) | {"park": firm.park or None}
            found.append((cells | {"precision_km": float(radius) if radius else None}, point))
    return found


def _links(
    db: Any, asked: Export, registry: Registry, wanted: FlowFilter
) -> tuple[Features, tuple[int, int]]:
    """Links with both ends located, an arc apart would be a drawing: they are straight lines.

    And how many of them `wanted` leaves out, with their kilograms.
    """
    span = span_of(db, asked.period)
    report = flows_report(db=db, period=span, level=asked.level, material=asked.material)
    report = flows_of_scope(registry, report, asked.scope, asked.level)
    nodes = {node["id"]: node for node in report["nodes"]}
    kept = {edge_key(edge) for edge in wanted.of_report(registry, report)["edges"]}
    found: Features = []
    gone, gone_kg = 0, 0
    for edge in report["edges"]:
        ends = [nodes[edge[end]] for end in ("source", "target")]
        if any(end.get("lon") is None or end.get("lat") is None for end in ends):
            continue
        line = LineString([(float(end["lon"]), float(end["lat"])) for end in ends])
        if line.length == 0:
            continue
        if edge_key(edge) not in kept:
            gone, gone_kg = gone + 1, gone_kg + edge["kg"]
            continue
        material = registry.materials.get(edge["material"])
        what = material.name_zh if material else edge["material"]
        label = f"{ends[0].get('name_zh')} → {ends[1].get('name_zh')} {what} {edge['tonnes']} 吨"
        cells = {
            "label": label,
            "source": edge["source"],
            "source_name_en": ends[0].get("name_en"),
            "target": edge["target"],
            "target_name_en": ends[1].get("name_en"),
            "material": edge["material"],
            "route": edge.get("route"),
            "tonnes": edge["kg"] / 1000,
            "loads": edge.get("loads"),
            "distance_km": edge.get("distance_km"),
            "evidence": worst_evidence(edge["evidence"]) or None,
            "period": span.text,
        }
        found.append((cells, line))
    return found, (gone, gone_kg)
