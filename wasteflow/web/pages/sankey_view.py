"""What the Sankey draws: the largest links of a scope, the rest summed, loops kept; no HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wasteflow_maps.style import colour_of

OTHER: Final = "other"
PLACES: Final = frozenset({"enterprise", "park", "region", "yard", "transit"})


@dataclass(slots=True)
class Flow:
    """All of one material from one node to another; routes and loads added up."""

    source: str
    target: str
    material: str
    kg: int = 0
    loads: int = 0
    routes: set[str] = field(default_factory=set)
    summed: int = 1

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Largest first, ties by name."""
        return (-self.kg, self.source, self.target, self.material)


@dataclass(frozen=True, slots=True)
class Picture:
    """Drawn flows (the rest as `other`), every flow for the table, and nodes by id."""

    drawn: tuple[Flow, ...]
    all_flows: tuple[Flow, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    inner: tuple[Flow, ...]

    @property
    def left(self) -> int:
        """How many flows are summed as other."""
        return sum(flow.summed for flow in self.drawn if OTHER in (flow.source, flow.target))


def picture(
    data: Mapping[str, Any], inside: Iterable[str] | None, top: int, boundaries: bool
) -> Picture:
    """The picture of a Sankey JSON: links that touch `inside` (None = all), `top` of them drawn.

    With `boundaries` false only links between places are kept.  A link from a node to itself
    (two firms of one park) cannot be drawn as a band; it stands in `inner` and in the table.
    """
    nodes = {node["id"]: node for node in data["nodes"]}
    touched = None if inside is None else set(inside)
    sums: dict[tuple[str, str, str], Flow] = {}
    for link in data["links"]:
        ends = link["source"], link["target"]
        if touched is not None and not touched & set(ends):
            continue
        if not boundaries and not all(nodes[end]["kind"] in PLACES for end in ends):
            continue
        flow = sums.setdefault((*ends, link["material"]), Flow(*ends, link["material"]))
        flow.kg += link["kg"]
        flow.loads += link["loads"]
        if link["route"]:
            flow.routes.add(link["route"])
    flows = sorted(sums.values(), key=lambda flow: flow.order)
    inner = [flow for flow in flows if flow.source == flow.target]
    bands = [flow for flow in flows if flow.source != flow.target]
    drawn = [*bands[:top], *_rest(bands[top:], bands[:top])]
    return Picture(tuple(drawn), tuple(flows), nodes, tuple(inner))


def _rest(rest: Sequence[Flow], kept: Sequence[Flow]) -> list[Flow]:
    """What is beyond the largest: ends that are drawn stay, the others become one node."""
    known = {end for flow in kept for end in (flow.source, flow.target)}
    sums: dict[tuple[str, str, str], Flow] = {}
    for flow in rest:
        source = flow.source if flow.source in known else OTHER
        target = flow.target if flow.target in known and source == OTHER else OTHER
        if source == target:
            source, target = f"{OTHER}:from", OTHER
        band = sums.setdefault(
            (source, target, flow.material), Flow(source, target, flow.material, summed=0)
        )
        band.kg += flow.kg
        band.loads += flow.loads
        band.summed += 1
    return sorted(sums.values(), key=lambda flow: flow.order)


def payload(
    shown: Picture,
    names: Mapping[str, str],
    materials: Mapping[str, str],
    texts: Mapping[str, str],
    masses: Mapping[int, str],
) -> dict[str, Any]:
    """What sankey.js hands to the chart: nodes and bands as plain arrays, names as text."""
    ids = list(dict.fromkeys(end for flow in shown.drawn for end in (flow.source, flow.target)))
    place = {node: index for index, node in enumerate(ids)}
    return {
        "nodes": [
            {"name": names[node], "kind": shown.nodes.get(node, {}).get("kind", OTHER)}
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
            }
            for flow in shown.drawn
        ],
        "texts": dict(texts),
    }
