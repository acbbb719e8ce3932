"""Where the flow graph hangs on one firm or one link: articulation points and bridges.

The graph is undirected: firms, joined where one accepted something of the other in the period.  An
articulation point is a firm without which its part of the graph falls apart; a bridge is a link
without which it does (Hopcroft and Tarjan 1973, through NetworkX).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wasteflow.core.later import nx


class Hinge(NamedTuple):
    """A firm that holds parts together: parts without it, firms outside the largest of them, and
    kilograms that went through its links."""

    firm: str
    parts: int
    cut_off: int
    kg: int


class Bridge(NamedTuple):
    """A link that alone joins two parts: ends in order, kilograms both ways, firms on the smaller
    side."""

    one: str
    other: str
    kg: int
    cut_off: int


def hinges_and_bridges(
    trades: Mapping[tuple[str, str], int], firms: Iterable[str]
) -> tuple[list[Hinge], list[Bridge]]:
    """Hinges and bridges of the links that touch one of `firms`, those that matter most first."""
    wanted = frozenset(firms)
    graph: nx.Graph[str] = nx.Graph()
    for (giver, taker), kg in sorted(trades.items()):
        if giver in wanted or taker in wanted:
            known = graph.get_edge_data(giver, taker, {"kg": 0})["kg"]
            graph.add_edge(giver, taker, kg=known + kg)
    blocks = [sorted(block) for block in nx.biconnected_components(graph)]
    sides = _sides(blocks)
    hinges, bridges = [], []
    for firm, sizes in sides.items():
        if len(sizes) > 1:
            kg = sum(data["kg"] for _, _, data in graph.edges(firm, data=True))
            cut_off = sum(sizes.values()) - max(sizes.values())
            hinges.append(Hinge(firm, len(sizes), cut_off, kg))
    for number, block in enumerate(blocks):
        if len(block) == 2:
            one, other = block
            ends = sides[one][number], sides[other][number]
            bridges.append(Bridge(one, other, graph.edges[one, other]["kg"], min(ends)))
    hinges.sort(key=lambda item: (-item.cut_off, -item.kg, item.firm))
    bridges.sort(key=lambda item: (-item.kg, item.one, item.other))
    return hinges, bridges


def _sides(blocks: list[list[str]]) -> dict[str, dict[int, int]]:
    """Firm → block it is in → firms that lie behind that block, seen from the firm.

    One walk over the tree of blocks and firms: down for the sizes, the rest of the part is up.
    """
    at: dict[str, list[int]] = {}
    for number, block in enumerate(blocks):
        for firm in block:
            at.setdefault(firm, []).append(number)
    sides: dict[str, dict[int, int]] = {firm: {} for firm in sorted(at)}
    seen: set[str] = set()
    for start in sorted(at):
        if start in seen:
            continue
        order: list[tuple[int, str]] = []
        waiting = [(number, start) for number in at[start]]
        seen.add(start)
        while waiting:
            number, above = waiting.pop()
            order.append((number, above))
            for firm in blocks[number]:
                if firm not in seen:
                    seen.add(firm)
                    waiting += [(below, firm) for below in at[firm] if below != number]
        behind: dict[int, int] = {}
        under: dict[str, int] = {}
        for number, above in reversed(order):
            others = [firm for firm in blocks[number] if firm != above]
            behind[number] = sum(1 + under.get(firm, 0) for firm in others)
            under[above] = under.get(above, 0) + behind[number]
        whole = under.get(start, 0) + 1
        for number, above in order:
            sides[above][number] = behind[number]
            for firm in blocks[number]:
                if firm != above:
                    sides[firm][number] = whole - 1 - under.get(firm, 0)
    return sides
