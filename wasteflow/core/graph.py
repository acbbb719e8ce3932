"""The flow graph: who gave what to whom in a period, as a NetworkX MultiDiGraph.

Nodes are enterprises (or parks, or regions), their yards, and the explicit boundaries; parallel
edges are keyed "material/route".  With transit places contracted a road is part of its holder, so
an edge between two firms carries accepted kilograms; kept, it is a node of its own.  For every
node in - out = closing - opening, to the kilogram.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx

from wasteflow.core.books import FlowSum, PeriodBooks
from wasteflow.core.geodesy import geodesic_distance_km
from wasteflow.core.places import OUTSIDE, Place, PlaceKind, site
from wasteflow.core.registry import NO_PARK, NO_REGION, Registry
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Fate

LEVELS = ("enterprise", "park", "region")

_BOUNDARY_NAMES = {
    PlaceKind.GENERATION: ("产生", "generation"),
    PlaceKind.RECIRCULATED: ("利用中再产生", "recirculated"),
    PlaceKind.OPENING: ("期初库存", "opening stock"),
    PlaceKind.DUMPING: ("倾倒丢弃", "dumping"),
    PlaceKind.OUTSIDE: ("系统外", "outside"),
    PlaceKind.WEIGHING: ("称量差", "weighing difference"),
    PlaceKind.LOST: ("运输损失", "lost"),
    PlaceKind.STOCKTAKE: ("盘点差", "stocktake difference"),
}


def build_graph(
    books: PeriodBooks,
    registry: Registry,
    *,
    level: str = "enterprise",
    material: str = "",
    keep_transit: bool = False,
) -> nx.MultiDiGraph[str]:
    """The flow graph of `books`.

    Node attributes: kind, name_zh, name_en, park, region, lon, lat (degrees or None), opening_kg,
    closing_kg ({material: kg}).  Edge attributes: material, route, kg, loads, dispatched_kg,
    accepted_kg, evidence {grade: kg}, distance_km (geodesic, None if an end has no position).
    Memo rows (treatment) are left out; moves inside one node are left out unless they join two
    different enterprises of it.
    """
    name = _Names(registry, level, keep_transit)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    edges: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for flow in books.flows:
        if (material and flow.material != material) or flow.source == flow.target:
            continue
        source, target = name(flow.source), name(flow.target)
        if source == target and not _between_firms(flow):
            continue
        _add_flow(edges, source, target, flow)
    _add_dispatched(edges, books, name, material, keep_transit)
    stocks = _node_stocks(books, name, material)
    nodes = {node for key in edges for node in key[:2]} | set(stocks)
    for node in sorted(nodes):
        opening, closing = stocks.get(node, ({}, {}))
        graph.add_node(
            node,
            **_describe(node, registry, level, name.marks.get(node)),
            opening_kg=opening,
            closing_kg=closing,
        )
    for source, target, stuff, route in sorted(edges):
        attributes = edges[source, target, stuff, route]
        attributes["distance_km"] = _distance(graph.nodes[source], graph.nodes[target])
        graph.add_edge(source, target, key=f"{stuff}/{route}", **attributes)
    return graph


def _add_flow(
    edges: dict[tuple[str, str, str, str], dict[str, Any]],
    source: str,
    target: str,
    flow: FlowSum,
) -> None:
    edge = edges.setdefault(
        (source, target, flow.material, flow.route), _edge(flow.material, flow.route)
    )
    edge["kg"] += flow.kg
    edge["loads"] += flow.n
    grade = flow.evidence.word
    edge["evidence"][grade] = edge["evidence"].get(grade, 0) + flow.kg
    if flow.source.kind is PlaceKind.TRANSIT and flow.target.kind in (
        PlaceKind.SITE,
        PlaceKind.OUTSIDE,
    ):
        edge["accepted_kg"] += flow.kg
    if flow.target.kind is PlaceKind.TRANSIT and flow.source.kind is not PlaceKind.WEIGHING:
        edge["dispatched_kg"] += flow.kg


def _add_dispatched(
    edges: dict[tuple[str, str, str, str], dict[str, Any]],
    books: PeriodBooks,
    name: Callable[[Place], str],
    material: str,
    keep_transit: bool,
) -> None:
    """On contracted edges between firms, and to outside, note what was dispatched that way.

    A return is no edge between firms: it leaves and reaches the same holder.
    """
    if keep_transit:
        return
    leaving = {flow.source for flow in books.flows if flow.target.kind is PlaceKind.OUTSIDE}
    for flow in books.flows:
        if flow.target.kind is not PlaceKind.TRANSIT or (material and flow.material != material):
            continue
        if flow.source.kind is PlaceKind.WEIGHING or flow.target.a == flow.target.b:
            continue
        goal = OUTSIDE if flow.target in leaving else site(flow.target.b)
        key = name(flow.target), name(goal), flow.material, flow.route
        if key in edges:
            edges[key]["dispatched_kg"] += flow.kg


def _edge(material: str, route: str) -> dict[str, Any]:
    return {
        "material": material,
        "route": route,
        "kg": 0,
        "loads": 0,
        "dispatched_kg": 0,
        "accepted_kg": 0,
        "evidence": {},
    }


def _between_firms(flow: FlowSum) -> bool:
    """True for an acceptance by another enterprise than the holder."""
    if flow.source.kind is not PlaceKind.TRANSIT or flow.target.kind is not PlaceKind.SITE:
        return False
    return flow.source.a != flow.target.a


class _Names:
    """Place → node id at a level; remembers whose stock a node is for its description."""

    def __init__(self, registry: Registry, level: str, keep_transit: bool) -> None:
        self._registry, self._level, self._keep = registry, level, keep_transit
        self._nodes: dict[Place, str] = {}
        self._groups: dict[str, str] = {}
        self.marks: dict[str, tuple[str, str, str]] = {}

    def __call__(self, place: Place) -> str:
        if place not in self._nodes:
            self._nodes[place] = self._node(place)
        return self._nodes[place]

    def _group(self, firm: str) -> str:
        if firm not in self._groups:
            self._groups[firm] = self._group_of(firm)
        return self._groups[firm]

    def _group_of(self, firm: str) -> str:
        if self._level == "enterprise":
            return firm
        if self._level == "park":
            return self._registry.park_of(firm) or NO_PARK
        region = self._registry.region_of(firm)
        return f"region:{region}" if region else NO_REGION

    def _node(self, place: Place) -> str:
        match place.kind:
            case PlaceKind.SITE:
                return self._group(place.a)
            case PlaceKind.YARD:
                owner = self._group(place.a)
                self.marks[f"yard:{owner}"] = ("yard", owner, "")
                return f"yard:{owner}"
            case PlaceKind.TRANSIT:
                owner = self._group(place.a)
                if not self._keep:
                    return owner
                goal = self._group(place.b)
                self.marks[f"transit:{owner}:{goal}"] = ("transit", owner, goal)
                return f"transit:{owner}:{goal}"
            case PlaceKind.OPENING:
                return "opening"
            case _:
                return place.key


def _node_stocks(
    books: PeriodBooks, name: Callable[[Place], str], material: str
) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Node id → (opening, closing), each {material: kg}, of every holding node."""
    stocks: dict[str, tuple[dict[str, int], dict[str, int]]] = {}
    for index, stock in enumerate((books.opening, books.closing())):
        for (place, stuff), kg in sorted(stock.items()):
            if kg and (not material or stuff == material):
                part = stocks.setdefault(name(place), ({}, {}))[index]
                part[stuff] = part.get(stuff, 0) + kg
    return stocks


def _describe(
    node: str, registry: Registry, level: str, mark: tuple[str, str, str] | None = None
) -> dict[str, Any]:
    """Attributes of a node from the registry; `mark` = (yard or transit, owner, goal)."""
    plain: dict[str, Any] = {
        "kind": level,
        "name_zh": node,
        "name_en": node,
        "park": None,
        "region": None,
        "lon": None,
        "lat": None,
    }
    if mark:
        base = _describe(mark[1], registry, level)
        zh, en = base["name_zh"], base["name_en"]
        if mark[2]:
            goal = _describe(mark[2], registry, level)
            zh, en = f"{zh} → {goal['name_zh']}", f"{en} → {goal['name_en']}"
        words = (f"{zh}(堆场)", f"{en} (yard)")
        if mark[0] == "transit":
            words = (f"在途 {zh}", f"in transit {en}")
        return {**base, "kind": mark[0], "name_zh": words[0], "name_en": words[1]}
    head, _, tail = node.partition(":")
    if node in registry.enterprises and level == "enterprise":
        firm = registry.enterprises[node]
        names = {"name_zh": firm.name_zh, "name_en": firm.name_en or firm.name_zh}
        home = {"park": firm.park or None, "region": registry.region_of(node) or None}
        return {**plain, **names, **home, "lon": firm.lon, "lat": firm.lat}
    if level == "park" and (node in registry.parks or node == NO_PARK):
        return {**plain, **_park_attributes(node, registry)}
    if level == "region" and head == "region":
        region = registry.regions.get(tail)
        if region is None:
            return {**plain, "name_zh": "未填地区", "name_en": "no region"}
        return {**plain, "name_zh": region.name_zh, "name_en": region.name_en, "region": tail}
    return {**plain, **_boundary_attributes(node, registry)}


def _park_attributes(node: str, registry: Registry) -> dict[str, Any]:
    park = registry.parks.get(node)
    if park is None:
        return {"name_zh": "未入园", "name_en": "no park"}
    region = next(
        (registry.parks[up].region for up in registry.parks_up(node) if registry.parks[up].region),
        None,
    )
    return {
        "name_zh": park.name_zh,
        "name_en": park.name_en or park.name_zh,
        "park": park.parent or None,
        "region": region,
        "lon": park.lon,
        "lat": park.lat,
    }


def _boundary_attributes(node: str, registry: Registry) -> dict[str, Any]:
    place = Place.parse("opening::" if node == "opening" else node)
    if place.a and place.kind in (PlaceKind.USE, PlaceKind.DISPOSAL):
        route = registry.routes[place.a]
        kind = Fate.USE if place.kind is PlaceKind.USE else Fate.DISPOSAL
        return {"kind": kind.value, "name_zh": route.name_zh, "name_en": route.name_en}
    zh, en = _BOUNDARY_NAMES[place.kind]
    return {"kind": place.word, "name_zh": zh, "name_en": en}


def _distance(source: dict[str, Any], target: dict[str, Any]) -> float | None:
    """Geodesic kilometres between two nodes, 1 decimal; None without both positions."""
    ends = (source["lon"], source["lat"], target["lon"], target["lat"])
    if any(value is None for value in ends):
        return None
    return round(geodesic_distance_km(*ends), 1)


def node_link(graph: nx.MultiDiGraph[str], period: str, level: str) -> dict[str, Any]:
    """NetworkX node-link dict of the contract (4-contract 4.3 `flows`), tonnes added as strings."""
    data: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    for edge in data["edges"]:
        edge["tonnes"] = tonnes_text(edge["kg"])
    return {
        "period": period,
        "level": level,
        "directed": True,
        "multigraph": True,
        "graph": data["graph"],
        "nodes": data["nodes"],
        "edges": data["edges"],
    }
