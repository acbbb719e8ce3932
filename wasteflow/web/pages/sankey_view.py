"""What the Sankey draws: the largest links of a scope, the rest summed, loops kept; no HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct, field

from wasteflow.exporting.sankey import RESIDUAL
from wasteflow.web.pages.sankey_layout import GAP, positions
from wasteflow_maps.style import colour_of

OTHER, OTHER_FROM = "other", "other_from"
PLACES: Final = frozenset({"enterprise", "park", "region", "yard", "transit"})


class Looks(Protocol):
    """How the page shows nodes, and where nodes and bands lead; "" where nowhere."""

    def kind(self, node: str) -> str:
        """place, beyond, use, bad or edge."""

    def inside(self, node: str) -> str:
        """Address of a node's own picture."""

    def records(self, flow: Flow) -> str:
        """Address of what makes a band."""


_BAD: Final = frozenset({"disposal", "dumping", "lost", RESIDUAL})


def look_of(kind: str) -> str:
    """How a node of a kind is coloured inside the scope: place, use, bad or edge (of the books).

    >>> [look_of(kind) for kind in ("park", "use", "lost", "generation")]
    ['place', 'use', 'bad', 'edge']
    """
    if kind in PLACES:
        return "place"
    return "use" if kind == "use" else "bad" if kind in _BAD else "edge"


class PlainLooks:
    """Nodes by their kind, leading nowhere."""

    def __init__(self, nodes: Mapping[str, Mapping[str, Any]]) -> None:
        self.nodes = nodes

    def kind(self, node: str) -> str:
        """By the kind of the node."""
        return look_of(str(self.nodes.get(node, {}).get("kind", "")))

    def inside(self, node: str) -> str:
        """Nowhere."""
        return ""

    def records(self, flow: Flow) -> str:
        """Nowhere."""
        return ""


class Flow(Struct):
    """All of one material from one node to another; routes and loads added up."""

    source: str
    target: str
    material: str
    kg: int = 0
    loads: int = 0
    routes: set[str] = field(default_factory=set)
    summed: int = 1

    @property
    def ends(self) -> tuple[str, str]:
        """Source and target."""
        return self.source, self.target

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Largest first, ties by name."""
        return (-self.kg, self.source, self.target, self.material)


class Picture(Struct, frozen=True):
    """Drawn flows (the rest as `other`), every flow for the table, and nodes by id."""

    drawn: tuple[Flow, ...]
    all_flows: tuple[Flow, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    inner: tuple[Flow, ...]

    @property
    def left(self) -> int:
        """How many flows are summed as other."""
        ends = {OTHER, OTHER_FROM}
        return sum(flow.summed for flow in self.drawn if ends & {flow.source, flow.target})

    @property
    def residual_kg(self) -> int:
        """What the books of all nodes miss, both ways added up."""
        return sum(flow.kg for flow in self.all_flows if RESIDUAL in flow.ends)


def picture(
    data: Mapping[str, Any], inside: Iterable[str] | None, top: int, boundaries: bool
) -> Picture:
    """The picture of a Sankey JSON: links that touch `inside` (None = all), `top` of them drawn.

    With `boundaries` false only links between places are kept; only those count loads.
    A link from a node to itself (two firms of one park) cannot be drawn as a band; it stands in
    `inner` and in the table.
    """
    nodes = {node["id"]: node for node in data["nodes"]}
    touched = None if inside is None else set(inside)
    sums: dict[tuple[str, str, str], Flow] = {}
    for link in data["links"]:
        ends = link["source"], link["target"]
        if touched is not None and not touched & set(ends):
            continue
        between = all(nodes[end]["kind"] in PLACES for end in ends)
        if not boundaries and not between:
            continue
        flow = sums.setdefault((*ends, link["material"]), Flow(*ends, link["material"]))
        flow.kg += link["kg"]
        flow.loads += link["loads"] if between else 0
        if link["route"]:
            flow.routes.add(link["route"])
    flows = sorted(sums.values(), key=lambda flow: flow.order)
    inner = [flow for flow in flows if flow.source == flow.target]
    bands = [flow for flow in flows if flow.source != flow.target]
    # A residual is never summed away, however small it is.
    first = [flow for number, flow in enumerate(bands) if number < top or RESIDUAL in flow.ends]
    rest = [
        flow for number, flow in enumerate(bands) if number >= top and RESIDUAL not in flow.ends
    ]
    drawn = [*first, *_rest(rest, first)]
    return Picture(tuple(drawn), tuple(flows), nodes, tuple(inner))


def _rest(rest: Sequence[Flow], kept: Sequence[Flow]) -> list[Flow]:
    """What is beyond the largest: ends that are drawn stay, the others become one node a side."""
    known = {end for flow in kept for end in (flow.source, flow.target)}
    sums: dict[tuple[str, str, str], Flow] = {}
    for flow in rest:
        source = flow.source if flow.source in known else OTHER_FROM
        target = flow.target if flow.target in known and source == OTHER_FROM else OTHER
        band = sums.setdefault(
            (source, target, flow.material), Flow(source, target, flow.material, summed=0)
        )
        band.kg += flow.kg
        band.loads += flow.loads
        band.summed += 1
    return sorted(sums.values(), key=lambda flow: flow.order)


def without_yards(flows: Mapping[str, Any]) -> dict[str, Any]:
    """The graph with every yard joined to its owner: moves between the two leave the picture."""
    nodes: dict[str, dict[str, Any]] = {}
    for node in flows["nodes"]:
        name = _owner(node["id"])
        mine = nodes.setdefault(name, {**node, "id": name, "opening_kg": {}, "closing_kg": {}})
        for stock in ("opening_kg", "closing_kg"):
            for material, kg in (node.get(stock) or {}).items():
                mine[stock][material] = mine[stock].get(material, 0) + kg
        if node["id"] == name:
            mine.update({key: node[key] for key in ("kind", "name_zh", "name_en")})
    for name, node in nodes.items():
        if node["kind"] == "yard":
            node["kind"] = "region" if name.startswith("region:") else flows["level"]
    edges = []
    for edge in flows["edges"]:
        source, target = _owner(edge["source"]), _owner(edge["target"])
        moved = "yard:" in (edge["source"][:5], edge["target"][:5]) and source == target
        if not moved:
            edges.append({**edge, "source": source, "target": target})
    return {**flows, "nodes": list(nodes.values()), "edges": edges}


def _owner(node: str) -> str:
    return node.removeprefix("yard:")


def payload(
    shown: Picture,
    names: Mapping[str, str],
    materials: Mapping[str, str],
    texts: Mapping[str, str],
    masses: Mapping[int, str],
    looks: Looks | None = None,
) -> dict[str, Any]:
    """What sankey.js hands to the chart: nodes and bands as plain arrays, names as text."""
    ids = list(dict.fromkeys(end for flow in shown.drawn for end in (flow.source, flow.target)))
    looks = looks or PlainLooks(shown.nodes)
    spots = positions(shown.drawn)
    place = {node: index for index, node in enumerate(ids)}
    return {
        "nodes": [
            {
                "name": names[node],
                "look": looks.kind(node),
                "address": looks.inside(node),
                "x": spots[node][0],
                "y": spots[node][1],
            }
            for node in ids
        ],
        "links": [
            {
                "source": place[flow.source],
                "target": place[flow.target],
                "value": flow.kg / 1000,
                "colour": colour_of(flow.material),
                "text": f"{materials.get(flow.material, flow.material)} · {masses[flow.kg]}",
                "loads": flow.loads,
                "address": looks.records(flow),
            }
            for flow in shown.drawn
        ],
        "gap": GAP,
        "texts": dict(texts),
    }
