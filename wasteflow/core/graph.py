"""The flow graph: who gave what to whom in a period, as a NetworkX MultiDiGraph.

Nodes are enterprises (or parks, or regions), their yards, and the explicit boundaries; parallel
edges are keyed "material/route".  With transit places contracted a road is part of its holder, so
an edge between two firms carries accepted kilograms; kept, it is a node of its own.  For every
node in - out = closing - opening, to the kilogram.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.books import FlowSums, Names, PeriodBooks, StockSums, closing_of
from wasteflow.core.collecting import no_collecting
from wasteflow.core.columns import Ints, groups_of, positions_in, positions_in_sorted, sums_by_part
from wasteflow.core.geodesy import geodesic_distance_km
from wasteflow.core.graph_nodes import describe
from wasteflow.core.later import nx
from wasteflow.core.places import OUTSIDE, Place, PlaceKind, site
from wasteflow.core.registry import NO_PARK, NO_REGION, Registry
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence

LEVELS = ("enterprise", "park", "region")
DISTANCES_KEPT = 500_000
"""Distances between two positions remembered; they depend on nothing else."""


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
    flows, opening = books.columns()
    nodes = _nodes_of(flows.names, registry, level, keep_transit)
    stocks = [opening, closing_of(flows, opening)]
    edges = _Edges.of(flows.of_material(material), nodes)
    if not keep_transit:
        edges.add_dispatched(flows, nodes, material)
    held = _node_stocks(stocks, nodes, material)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    with no_collecting():
        _fill(graph, nodes, edges, held)
    return graph


def edge_sums(
    flows: FlowSums, registry: Registry, level: str, material: str = ""
) -> Iterator[tuple[str, str, str, str, int, int]]:
    """(source, target, material, route, kilograms, loads) of the edges `build_graph` would make."""
    nodes = _nodes_of(flows.names, registry, level, False)
    edges, names, labels = _Edges.of(flows.of_material(material), nodes), flows.names, nodes.labels
    columns = edges.source, edges.target, edges.material, edges.route, edges.kg, edges.loads
    for source, target, stuff, way, kg, loads in zip(*(c.tolist() for c in columns), strict=True):
        yield labels[source], labels[target], names.materials[stuff], names.routes[way], kg, loads


def _fill(
    graph: nx.MultiDiGraph[str],
    nodes: _Nodes,
    edges: _Edges,
    held: Mapping[int, tuple[dict[str, int], dict[str, int]]],
) -> None:
    """Put nodes and edges into an empty graph."""
    ends = np.flatnonzero(np.bincount(np.concatenate([edges.source, edges.target]))).tolist()
    none: tuple[dict[str, int], dict[str, int]] = ({}, {})
    graph.add_nodes_from(
        (
            nodes.labels[number],
            {
                **nodes.described(number),
                "opening_kg": held.get(number, none)[0] or {},
                "closing_kg": held.get(number, none)[1] or {},
            },
        )
        for number in sorted(held.keys() | set(ends))
    )
    edges.join(graph, nodes)


class _Nodes:
    """Node ids of all places at a level, in sorted order, with what the registry says of them.

    of_place, goal: number of the node of every place, and of the site a road leads to (-1: none).
    """

    def __init__(self, names: Names, registry: Registry, level: str, keep_transit: bool) -> None:
        name = _Names(registry, level, keep_transit)
        own = [name(place) for place in names.places]
        roads = np.flatnonzero(names.kinds == PlaceKind.TRANSIT).tolist()
        goals = [name(site(names.places[number].b)) for number in roads]
        self.registry, self.level, self.marks = registry, level, name.marks
        self.labels = sorted({*own, *goals, name(OUTSIDE)})
        position = {label: number for number, label in enumerate(self.labels)}
        self.of_place = np.array([position[label] for label in own], dtype=np.int64)
        self.goal = np.full(len(own), -1, np.int64)
        self.goal[roads] = [position[label] for label in goals]
        self.outside = position[name(OUTSIDE)]
        self._described: dict[int, dict[str, Any]] = {}
        self._distances: tuple[Ints, NDArray[np.object_]] = np.zeros(0, np.int64), np.zeros(0, "O")

    def described(self, number: int) -> dict[str, Any]:
        """Attributes of a node from the registry."""
        found = self._described.get(number)
        if found is None:
            label = self.labels[number]
            found = describe(label, self.registry, self.level, self.marks.get(label))
            self._described[number] = found
        return found

    def distances(self, source: Ints, target: Ints) -> list[float | None]:
        """Geodesic kilometres between pairs of nodes; what was asked before is kept."""
        pairs = source * len(self.labels) + target
        known, kilometres = self._distances
        fresh = np.unique(pairs[positions_in_sorted(known, pairs) < 0])
        if len(fresh):
            found = np.array([self._distance(pair) for pair in fresh.tolist()], dtype=object)
            known, kilometres = np.append(known, fresh), np.append(kilometres, found)
            order = np.argsort(known)
            known, kilometres = self._distances = known[order], kilometres[order]
        listed: list[float | None] = kilometres[positions_in_sorted(known, pairs)].tolist()
        return listed

    def _distance(self, pair: int) -> float | None:
        source, target = divmod(pair, len(self.labels))
        return _distance(self.described(source), self.described(target))


def _nodes_of(names: Names, registry: Registry, level: str, keep_transit: bool) -> _Nodes:
    """The nodes of names that last longer than one report are kept with them."""
    key = "graph", level, keep_transit
    found = names.memo.get(key)
    if found is None or found.registry is not registry:
        found = names.memo[key] = _Nodes(names, registry, level, keep_transit)
    return found


class _Edges(Struct):
    """Edges as columns in order of source node, target node, material and route."""

    flows: FlowSums
    source: Ints
    target: Ints
    material: Ints
    route: Ints
    kg: Ints
    loads: Ints
    dispatched: Ints
    accepted: Ints
    graded: tuple[Ints, Ints, Ints]

    @classmethod
    def of(cls, flows: FlowSums, nodes: _Nodes) -> _Edges:
        """Flows between nodes added up."""
        kinds, (first, _) = flows.names.kinds, flows.names.ends
        moved = flows.source != flows.target
        arrived = (kinds[flows.source] == PlaceKind.TRANSIT) & (
            kinds[flows.target] == PlaceKind.SITE
        )
        between = arrived & (first[flows.source] != first[flows.target])
        apart = nodes.of_place[flows.source] != nodes.of_place[flows.target]
        flows = flows.only(moved & (apart | between))
        source, target = nodes.of_place[flows.source], nodes.of_place[flows.target]
        groups = groups_of([source, target, flows.material, flows.route])
        from_kind, to_kind = kinds[flows.source], kinds[flows.target]
        gone = (to_kind == PlaceKind.SITE) | (to_kind == PlaceKind.OUTSIDE)
        accepted = (from_kind == PlaceKind.TRANSIT) & gone
        dispatched = (to_kind == PlaceKind.TRANSIT) & (from_kind != PlaceKind.WEIGHING)
        return cls(
            flows,
            source=source[groups.first],
            target=target[groups.first],
            material=flows.material[groups.first],
            route=flows.route[groups.first],
            kg=groups.sums(flows.kg),
            loads=groups.sums(flows.n),
            dispatched=groups.sums(np.where(dispatched, flows.kg, 0)),
            accepted=groups.sums(np.where(accepted, flows.kg, 0)),
            graded=sums_by_part(groups.numbers(), flows.evidence, flows.kg),
        )

    def add_dispatched(self, flows: FlowSums, nodes: _Nodes, material: str) -> None:
        """On contracted edges between firms, and to outside, note what was dispatched that way.

        A return is no edge between firms: it leaves and reaches the same holder.
        """
        kinds, (first, second) = flows.names.kinds, flows.names.ends
        goal = nodes.goal.copy()
        goal[flows.source[kinds[flows.target] == PlaceKind.OUTSIDE]] = nodes.outside
        flows = flows.of_material(material)
        sent = kinds[flows.target] == PlaceKind.TRANSIT
        sent &= kinds[flows.source] != PlaceKind.WEIGHING
        flows = flows.only(sent & (first[flows.target] != second[flows.target]))
        key = [nodes.of_place[flows.target], goal[flows.target], flows.material, flows.route]
        rows = positions_in([self.source, self.target, self.material, self.route], key)
        np.add.at(self.dispatched, rows[rows >= 0], flows.kg[rows >= 0])

    def join(self, graph: nx.MultiDiGraph[str], nodes: _Nodes) -> None:
        """Put the edges into a graph that has their nodes.

        Straight into the adjacency of the graph: `add_edge` copies the attributes twice, which is
        most of the time of a report on all links.
        """
        labels = nodes.labels
        leaving, arriving = graph._succ, graph._pred
        last = -1, -1
        parallel: dict[str, dict[str, Any]] = {}
        columns = (
            self.source, self.target, self.kg, self.loads, self.dispatched, self.accepted,
        )  # fmt: skip
        listed = zip(
            *(column.tolist() for column in columns),
            self._keys(),
            self._grades(),
            nodes.distances(self.source, self.target),
            strict=True,
        )
        for source, target, kg, loads, dispatched, accepted, named, evidence, km in listed:
            if last != (source, target):
                last = source, target
                giver, taker = labels[source], labels[target]
                parallel = leaving[giver][taker] = arriving[taker][giver] = {}
            material, route, key = named
            parallel[key] = {
                "material": material,
                "route": route,
                "kg": kg,
                "loads": loads,
                "dispatched_kg": dispatched,
                "accepted_kg": accepted,
                "evidence": evidence,
                "distance_km": km,
            }

    def _keys(self) -> list[tuple[str, str, str]]:
        """(material, route, key) of every edge; edges of one key share its text."""
        names, width = self.flows.names, len(self.flows.names.routes)
        pairs = self.material * width + self.route
        made = {}
        for pair in np.flatnonzero(np.bincount(pairs)).tolist():
            material, route = names.materials[pair // width], names.routes[pair % width]
            made[pair] = material, route, f"{material}/{route}"
        return [made[pair] for pair in pairs.tolist()]

    def _grades(self) -> list[dict[str, int]]:
        """{word of the grade: kilograms} of every edge."""
        words = {int(grade): grade.word for grade in Evidence}
        grades: list[dict[str, int]] = [{} for _ in range(len(self.kg))]
        for edge, grade, kg in zip(*(column.tolist() for column in self.graded), strict=True):
            grades[edge][words[grade]] = kg
        return grades


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
    stocks: Sequence[StockSums], nodes: _Nodes, material: str
) -> dict[int, tuple[dict[str, int], dict[str, int]]]:
    """Node number → (opening, closing), each {material: kg}, of every holding node."""
    held: dict[int, tuple[dict[str, int], dict[str, int]]] = defaultdict(lambda: ({}, {}))
    for index, stock in enumerate(stocks):
        codes = stock.names.materials
        columns = sums_by_part(nodes.of_place[stock.place], stock.material, stock.kg)
        for node, stuff, kg in zip(*(column.tolist() for column in columns), strict=True):
            if not material or codes[stuff] == material:
                held[node][index][codes[stuff]] = kg
    return held


def _distance(source: dict[str, Any], target: dict[str, Any]) -> float | None:
    """Geodesic kilometres between two nodes, 1 decimal; None without both positions."""
    ends = (source["lon"], source["lat"], target["lon"], target["lat"])
    return None if None in ends else _kilometres(*ends)


@lru_cache(maxsize=DISTANCES_KEPT)
def _kilometres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    return round(geodesic_distance_km(lon1, lat1, lon2, lat2), 1)


def node_link(graph: nx.MultiDiGraph[str], period: str, level: str) -> dict[str, Any]:
    """NetworkX node-link dict of the contract (4-contract 4.3 `flows`), tonnes added as strings."""
    with no_collecting():
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
