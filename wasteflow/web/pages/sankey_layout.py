"""Where the nodes of a Sankey stand: columns by the way the mass goes, loops turned back.

Sources stand left, ends right, places between them; a link that closes a loop does not move them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from wasteflow.core.later import nx

GAP, EDGE = 0.03, 0.012
LAST_GAP: Final = 1.6
"""The last gap in widths of the others: it holds the names of two columns."""
_ROUNDS: Final = 4


class Band(Protocol):
    """What a layout needs to know of a flow."""

    source: str
    target: str
    kg: int


def positions(bands: Sequence[Band]) -> dict[str, tuple[float, float]]:
    """Node → (x, y) of its middle, both between 0 and 1."""
    column = columns(bands)
    last = max(column.values(), default=0)
    size = _sizes(bands)
    order = _ordered(bands, column, size)
    scale = min(
        ((1 - GAP * len(nodes)) / max(sum(size[node] for node in nodes), 1) for nodes in order),
        default=1.0,
    )
    spots = {}
    for index, nodes in enumerate(order):
        height = sum(size[node] for node in nodes) * scale + GAP * (len(nodes) - 1)
        top = max(0.0, (1 - height) / 2) if 0 < index < last else 0.0
        for node in nodes:
            middle = top + size[node] * scale / 2
            x = EDGE + (1 - 2 * EDGE) * _along(index, last)
            spots[node] = round(x, 4), round(min(max(middle, 0.001), 0.999), 4)
            top += size[node] * scale + GAP
    return spots


def _along(index: int, last: int) -> float:
    """Where a column stands, 0 left to 1 right; the names of the last one stand before it.

    >>> [round(_along(index, 3), 3) for index in range(4)]
    [0.0, 0.278, 0.556, 1.0]
    """
    whole = last + (LAST_GAP - 1 if last > 1 else 0)
    return 1.0 if index == last > 0 else index / max(whole, 1)


def columns(bands: Sequence[Band]) -> dict[str, int]:
    """Node → column, 0 leftmost; the largest links decide which way a loop is read."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for band in sorted(bands, key=lambda one: (-one.kg, one.source, one.target)):
        graph.add_nodes_from((band.source, band.target))
        if not graph.has_edge(band.source, band.target) and not nx.has_path(
            graph, band.target, band.source
        ):
            graph.add_edge(band.source, band.target)
    column: dict[str, int] = {}
    for node in nx.lexicographical_topological_sort(graph):
        column[node] = max((column[before] + 1 for before in graph.predecessors(node)), default=0)
    taken = {band.source for band in bands}
    last = max(column.values(), default=0)
    return {node: place if node in taken else last for node, place in column.items()}


def _sizes(bands: Iterable[Band]) -> dict[str, int]:
    """Node → the larger of what it receives and gives."""
    given: dict[str, int] = {}
    received: dict[str, int] = {}
    for band in bands:
        given[band.source] = given.get(band.source, 0) + band.kg
        received[band.target] = received.get(band.target, 0) + band.kg
    return {node: max(given.get(node, 0), received.get(node, 0)) for node in {*given, *received}}


def _ordered(
    bands: Sequence[Band], column: Mapping[str, int], size: Mapping[str, int]
) -> list[list[str]]:
    """Nodes of every column from top to bottom, near the nodes they exchange with."""
    last = max(column.values(), default=0)
    order = [
        sorted((node for node in column if column[node] == index), key=lambda n: (-size[n], n))
        for index in range(last + 1)
    ]
    around: dict[str, list[tuple[str, int]]] = {node: [] for node in column}
    for band in bands:
        around[band.source].append((band.target, band.kg))
        around[band.target].append((band.source, band.kg))
    for step in range(_ROUNDS):
        rank = _ranks(order, size)
        side = -1 if step % 2 == 0 else 1
        for index in range(last + 1)[::-side]:
            placed = []
            for node in order[index]:
                near = [(rank[o], kg) for o, kg in around[node] if (column[o] - index) * side > 0]
                mean = _middle(near)
                placed.append((rank[node] if mean is None else mean, node))
            order[index] = [node for _, node in sorted(placed)]
            rank |= _ranks([order[index]], size)
    return order


def _middle(near: Sequence[tuple[float, int]]) -> float | None:
    """Mean of ranks weighted by kilograms, None without neighbours."""
    weight = sum(kg for _, kg in near)
    return sum(place * kg for place, kg in near) / weight if weight else None


def _ranks(order: Iterable[Sequence[str]], size: Mapping[str, int]) -> dict[str, float]:
    """Node → share of its column that stands above its middle."""
    ranks = {}
    for nodes in order:
        total, above = max(sum(size[node] for node in nodes), 1), 0.0
        for node in nodes:
            ranks[node] = (above + size[node] / 2) / total
            above += size[node]
    return ranks
