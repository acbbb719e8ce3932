"""Links between enterprises of a period in a scope, as rows of a table; no figure is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from wasteflow.core.flow_filter import FlowFilter, worst_evidence
from wasteflow.services.reports import flows_report
from wasteflow.web.access import books
from wasteflow.web.pages.view import View


class LinkRow(Struct, frozen=True):
    """What one enterprise gave another of a material under a route: accepted kilograms."""

    source: str
    target: str
    material: str
    route: str
    kg: int
    loads: int
    disputed_kg: int
    distance_km: float | None
    worst: str


def flows_of(view: View, level: str = "enterprise") -> dict[str, Any]:
    """The flow graph of a view as node-link dict (all scopes; filter with `in_scope`)."""
    return flows_report(db=books().db, period=view.span, level=level, material=view.material)


def links_of(
    view: View, flows: Mapping[str, Any], wanted: FlowFilter | None = None
) -> list[LinkRow]:
    """Links with an end in scope out of the graph at level enterprise, largest first.

    wanted: only those that pass it.
    """
    wanted = wanted or FlowFilter()
    firms = view.registry.enterprises
    rows = [
        LinkRow(
            edge["source"],
            edge["target"],
            edge["material"],
            edge["route"],
            edge["kg"],
            edge["loads"],
            edge["evidence"].get("disputed", 0),
            edge["distance_km"],
            worst_evidence(edge["evidence"]),
        )
        for edge in flows["edges"]
        if edge["source"] in firms
        and edge["target"] in firms
        and edge["source"] != edge["target"]
        and (edge["source"] in view.firms or edge["target"] in view.firms)
        and wanted.passes(view.registry, edge["material"], edge["kg"], edge["evidence"])
    ]
    return sorted(rows, key=lambda row: (-row.kg, row.source, row.target, row.material, row.route))
