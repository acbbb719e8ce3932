"""A flow report cut to a scope: its links and the nodes at their ends; pure functions of it."""

from __future__ import annotations

from typing import Any

from wasteflow.core.registry import NO_PARK, NO_REGION, Registry

_STOCKS = ("opening_kg", "closing_kg")


def edges_in_scope(
    registry: Registry, firms: frozenset[str], edges: list[dict[str, Any]], level: str
) -> list[dict[str, Any]]:
    """Edges that touch a node of the firms of a scope."""
    inside = nodes_of(registry, firms, level)
    return [edge for edge in edges if edge["source"] in inside or edge["target"] in inside]


def nodes_of(registry: Registry, firms: frozenset[str], level: str) -> set[str]:
    """Ids of the nodes that the firms of a scope stand in, yards included."""
    inside = set(firms)
    if level == "park":
        inside = {registry.park_of(code) or NO_PARK for code in firms}
    elif level == "region":
        inside = {registry.region_of(code) or NO_REGION for code in firms}
    return inside | {f"yard:{node}" for node in inside}


def flows_of_scope(
    registry: Registry, report: dict[str, Any], scope: str, level: str
) -> dict[str, Any]:
    """A flow report cut to the links that touch a scope.

    Nodes at their other ends keep their name and place; their stocks are not of the scope.
    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    if scope == "all":
        return report
    firms = registry.in_scope(scope)
    inside = nodes_of(registry, firms, level)
    edges = edges_in_scope(registry, firms, report["edges"], level)
    ends = {end for edge in edges for end in (edge["source"], edge["target"])}
    nodes = [
        node
        if node["id"] in inside
        else {name: value for name, value in node.items() if name not in _STOCKS}
        for node in report["nodes"]
        if node["id"] in ends or node["id"] in inside
    ]
    cut = {**report, "scope": scope, "nodes": nodes, "edges": edges}
    if "as_reported" in report:  # who else had not closed is not the business of the scope
        held = report["as_reported"]
        missing = [code for code in held["not_closed"] if code in firms]
        cut["as_reported"] = {**held, "not_closed": missing}
    return cut
