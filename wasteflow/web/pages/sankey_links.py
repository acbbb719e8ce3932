"""Where the nodes and bands of the Sankey lead, and which nodes are inside the scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wasteflow.web.pages.sankey_view import PLACES, Flow, look_of
from wasteflow.web.pages.view import View

DEEPER: Final = {"region": "park", "park": "enterprise", "enterprise": "enterprise"}
KINDS: Final = ("place", "beyond", "edge", "use", "bad")


class NodeLinks:
    """Addresses and looks of the nodes of a picture at a level."""

    def __init__(
        self,
        view: View,
        level: str,
        nodes: Mapping[str, Mapping[str, Any]],
        within: set[str] | None,
    ) -> None:
        self.view, self.level, self.nodes, self.within = view, level, nodes, within

    def kind(self, node: str) -> str:
        """How a node is coloured: place, beyond (the scope), use, bad or edge (of the books)."""
        look = look_of(str(self.nodes.get(node, {}).get("kind", "")))
        outside = look == "place" and self.within is not None and node not in self.within
        return "beyond" if outside else look

    def scope(self, node: str) -> str:
        """The scope a node stands for, "" where it is none or not the asker's to open."""
        if self.nodes.get(node, {}).get("kind", "") not in PLACES or node.endswith(":none"):
            return ""
        scope = node if self.level == "region" else f"{self.level}:{node}"
        return scope if self.view.opens(scope) else ""

    def inside(self, node: str) -> str:
        """The Sankey of a node one level deeper; a firm alone leads to its overview."""
        scope = self.scope(node)
        if not scope:
            return ""
        if scope == self.view.scope and self.level == "enterprise":
            return self.view.address("overview", scope=scope)
        return self.view.address("sankey", scope=scope, level=DEEPER[self.level])

    def records(self, flow: Flow) -> str:
        """Loads of a band between two places; the balance of the place where a band has one."""
        ends = self.scope(flow.source), self.scope(flow.target)
        if all(ends):
            return self.view.address(
                "flows", source=ends[0], target=ends[1], material=flow.material
            )
        one = ends[0] or ends[1]
        places = [self.nodes.get(end, {}).get("kind", "") in PLACES for end in flow.ends]
        if not one or all(places):
            return ""
        return self.view.address("balances", scope=one, material=flow.material)
