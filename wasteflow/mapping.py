"""The map of a period: joins the flow report, park rates and registry with `wasteflow_maps`.

The page, the file it offers and `wasteflow map` all draw what is made here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from wasteflow.core.collecting import no_collecting
from wasteflow.core.flow_filter import FlowFilter, edge_key
from wasteflow.core.periods import Period, month_text
from wasteflow.core.registry import Registry
from wasteflow.services.flow_months import MonthEdges, flows_by_month
from wasteflow.services.flow_scope import flows_of_scope
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import flows_report, overview

if TYPE_CHECKING:
    from wasteflow_maps.layers import MapData

LEVELS = ("enterprise", "park")
LINKS = (300, 1000, 5000)
"""How many links a map may be asked to draw at most; the first unless asked."""
MONTHS_PLAYED = 60
"""A longer period is a map that does not play."""


_LOCATED = ("code", "name_zh", "name_en", "park", "parent", "lon", "lat")


@no_collecting()
def map_of(
    *,
    db: Any,
    period: Period,
    scope: str = "all",
    material: str = "",
    level: str = "enterprise",
    basemap: dict[str, str] | None = None,
    links: int = LINKS[0],
    wanted: FlowFilter | None = None,
    months: bool = False,
    month_word: Callable[[int], str] = month_text,
    period_word: Callable[[Period], str] = attrgetter("text"),
) -> MapData:
    """What the map shows: links with an end in scope, parks with their official declared rate.

    links: how many links are drawn at most.
    wanted: only links that pass it are drawn; what it leaves out is told on the map.
    months: with what moved in each month, so that the map can play (up to `MONTHS_PLAYED`).
    month_word: how the last month of the evidence is written; period_word: how the period is.
    Raises InvalidValue `bad_scope`, `bad_level`; NotFound.
    """
    from wasteflow_maps.layers import map_data, with_months

    seen = overview(db=db)
    registry = seen.registry
    flows = flows_report(db=db, period=period, level=level, material=material)
    firms = registry.in_scope(scope)
    if scope != "all":
        flows = flows_of_scope(registry, flows, scope, level)
    told = None
    if wanted is not None and not wanted.blank:
        told, flows = _left_out(registry, flows, wanted), wanted.of_report(registry, flows)
    rates = rates_report(db=db, scope=scope, period=period, material=material, by="park")
    ends = {end for edge in flows["edges"] for end in (edge["source"], edge["target"])}
    still = map_data(
        flows,
        [_park(park) for park in registry.parks.values()],
        [_located(firm) for code, firm in registry.enterprises.items() if code in firms | ends],
        period=period_word(period),
        materials=[asdict(item) for item in registry.materials.values()],
        routes=[asdict(route) for route in registry.routes.values()],
        rates={row["park"]: row for row in rates["rows"] if row["park"]},
        synthetic=seen.synthetic,
        basemap=basemap,
        evidence_date=month_word(min(period.last, seen.last)) if seen.last else "-",
        max_links=links,
        left_out=told,
    )
    return (
        with_months(still, flows, _months(db, period, level, material, flows)) if months else still
    )


def _months(
    db: Any, period: Period, level: str, material: str, flows: dict[str, Any]
) -> list[MonthEdges]:
    """The edges of a report by month; none for a period too long to play."""
    if not 1 < len(list(period.months())) <= MONTHS_PLAYED:
        return []
    shown = {edge_key(edge) for edge in flows["edges"]}
    return [
        (month, {key: part for key, part in edges.items() if key in shown})
        for month, edges in flows_by_month(db=db, period=period, level=level, material=material)
    ]


def _left_out(registry: Registry, flows: dict[str, Any], wanted: FlowFilter) -> dict[str, Any]:
    """What a filter leaves out of the links between places, and its words in both languages."""
    places = {node["id"] for node in flows["nodes"] if node["kind"] in LEVELS}
    kept = {edge_key(edge) for edge in wanted.of_report(registry, flows)["edges"]}
    gone = [
        edge["kg"]
        for edge in flows["edges"]
        if {edge["source"], edge["target"]} <= places and edge_key(edge) not in kept
    ]
    zh, en = wanted.words
    return {"zh": zh, "en": en, "count": len(gone), "kg": sum(gone)}


def _located(item: Any) -> dict[str, Any]:
    """What the map wants of a park or enterprise, its radius as a number."""
    radius = item.precision_km
    row = {name: getattr(item, name, None) for name in _LOCATED}
    return {**row, "precision_km": float(radius) if radius else None}


def _park(park: Any) -> dict[str, Any]:
    from wasteflow_maps.geo_repair import simplified

    outline = simplified(json.loads(park.boundary)) if park.boundary else None
    return {**_located(park), "boundary": outline}
