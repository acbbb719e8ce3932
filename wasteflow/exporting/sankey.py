"""The contract's `flows` dict as Sankey JSON: every holding node balanced, loops kept.

A firm, park, region, yard or road has in - out = closing - opening; what it takes from or adds to
its stock becomes a link of its own, so that all it receives equals all it gives, to the kilogram.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from wasteflow.exporting.graphs import Flows, is_synthetic
from wasteflow.exporting.tables import json_text

HOLDING_KINDS: Final = frozenset({"enterprise", "park", "region", "yard", "transit"})
"""Kinds of nodes that hold stock; every other node is a boundary and is left unbalanced."""

STOCK_DRAW, STOCK_BUILD, RESIDUAL = "stock_draw", "stock_build", "residual"
_NAMES: Final = {
    STOCK_DRAW: ("动用库存", "stock drawn"),
    STOCK_BUILD: ("新增库存", "stock built"),
    RESIDUAL: ("账面残差", "residual"),
}

Link = dict[str, Any]


def sankey(flows: Flows) -> dict[str, Any]:
    """Sankey JSON: {period, level, unit, nodes, links, synthetic}; links in kilograms, none zero.

    Stock links come from the node attributes `opening_kg` and `closing_kg` (kilograms, or
    {material: kilograms}).  Where a node's edges and stocks disagree the difference is a link with
    the node `residual`, never spread.
    """
    links = [_link(edge) for edge in flows["edges"] if edge["kg"]]
    nodes = {node["id"]: _node(node) for node in flows["nodes"]}
    net: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for link in links:
        net[link["target"]][link["material"]] += link["kg"]
        net[link["source"]][link["material"]] -= link["kg"]
    added: list[Link] = []
    for node in flows["nodes"]:
        if node.get("kind") in HOLDING_KINDS:
            added += _stock_links(node, net.get(node["id"], {}))
    for name, (zh, en) in _NAMES.items():
        if any(name in (link["source"], link["target"]) for link in added):
            nodes[name] = {"id": name, "kind": name, "name_zh": zh, "name_en": en}
    used = {link[end] for link in (*links, *added) for end in ("source", "target")}
    return {
        "period": flows.get("period"),
        "level": flows.get("level"),
        "unit": "kg",
        "nodes": [node for name, node in nodes.items() if name in used],
        "links": links + added,
        "synthetic": is_synthetic(flows),
    }


def to_sankey(flows: Flows) -> str:
    """`sankey` as JSON text."""
    return json_text(sankey(flows))


def _stock_links(node: Mapping[str, Any], net: Mapping[str, int]) -> list[Link]:
    """Links that make what `node` receives equal what it gives, per material.

    net: material → kilograms in - out over its edges.
    """
    change = _stock_change(node, net)
    links: list[Link] = []
    for material in sorted({*net, *change}):
        built = change.get(material, 0)
        gap = net.get(material, 0) - built
        for kg, source, target in ((built, STOCK_DRAW, STOCK_BUILD), (gap, RESIDUAL, RESIDUAL)):
            if kg > 0:
                links.append(_balancing(node["id"], target, material, kg))
            elif kg < 0:
                links.append(_balancing(source, node["id"], material, -kg))
    return links


def _stock_change(node: Mapping[str, Any], net: Mapping[str, int]) -> dict[str, int]:
    """Closing - opening by material.

    Totals without materials are split as the edges say where both agree on the sum; otherwise the
    one material of the node carries the change, or no material ("").
    """
    opening, closing = node.get("opening_kg") or 0, node.get("closing_kg") or 0
    if isinstance(opening, Mapping) or isinstance(closing, Mapping):
        first = opening if isinstance(opening, Mapping) else {}
        last = closing if isinstance(closing, Mapping) else {}
        return {name: last.get(name, 0) - first.get(name, 0) for name in {*first, *last}}
    change = closing - opening
    if change == sum(net.values()):
        return dict(net)
    return {next(iter(net)) if len(net) == 1 else "": change}


def _link(edge: Mapping[str, Any]) -> Link:
    return {
        "source": edge["source"],
        "target": edge["target"],
        "material": edge.get("material", ""),
        "route": edge.get("route", ""),
        "kg": edge["kg"],
        "loads": edge.get("loads", 0),
    }


def _balancing(source: str, target: str, material: str, kg: int) -> Link:
    ends = {"source": source, "target": target}
    return {**ends, "material": material, "route": "", "kg": kg, "loads": 0}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: node.get(name) for name in ("id", "kind", "name_zh", "name_en")}
