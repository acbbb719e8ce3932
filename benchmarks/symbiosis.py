"""Potential links: 500 producers, 500 receivers, 30 nearest each; ours beside network simplex.

The producers, receivers and prices are drawn by a seed: no file is read, so the size of the books
does not matter.  Ours judges every pair and allocates; the peer gets the arcs ready made.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any, Final

from benchmarks.measuring import Prepared
from wasteflow.core.coefficients import Coefficient
from wasteflow.core.symbiosis.allocate import allocate
from wasteflow.core.symbiosis.links import Demand, Limits, Problem, Supply, feasible_links
from wasteflow.core.symbiosis.prices import Prices

SEED, SIZE, NEAREST = 1, 500, 30
MATERIAL: Final = "phosphogypsum"


def _drawn() -> tuple[list[Supply], list[Demand], Prices]:
    dice = random.Random(SEED)

    def position() -> tuple[float, float]:
        return 100 + 8 * dice.random(), 23 + 6 * dice.random()

    supplies = [
        Supply(f"s{number}", MATERIAL, dice.randrange(10**6, 10**9), position())
        for number in range(SIZE)
    ]
    demands = [
        Demand(
            f"f{number}",
            f"d{number}",
            dice.randrange(10**6, 10**9),
            {MATERIAL: ("use",)},
            position(),
        )
        for number in range(SIZE)
    ]
    rows = (("freight_price", "0.49"), ("detour", "1.4"), ("co2", "0.078"))
    found = [Coefficient(kind, kind, "", "road", typical=Fraction(value)) for kind, value in rows]
    return supplies, demands, Prices(found)


def _no_border(giver: str, taker: str, material: str) -> str:
    return ""


def _problem() -> Problem:
    supplies, demands, prices = _drawn()
    return feasible_links(supplies, demands, prices, _no_border, limits=Limits(nearest=NEAREST))


def ours() -> Prepared:
    """Judge every pair and allocate."""
    supplies, demands, prices = _drawn()
    limits = Limits(nearest=NEAREST)

    def run() -> tuple[int, int, int]:
        problem = feasible_links(supplies, demands, prices, _no_border, limits=limits)
        found = allocate(problem)
        pairs = zip(problem.arcs, found.kg, strict=True)
        cost = sum(kg * arc.cost.net_fen for arc, kg in pairs)
        return len(problem.arcs), sum(found.kg), cost

    return Prepared(run=run, facts=_facts, warm=run)


def solved() -> Prepared:
    """Allocate only, over arcs that are ready made."""
    problem = _problem()

    def run() -> tuple[int, int, int]:
        found = allocate(problem)
        pairs = zip(problem.arcs, found.kg, strict=True)
        cost = sum(kg * arc.cost.net_fen for arc, kg in pairs)
        return len(problem.arcs), sum(found.kg), cost

    return Prepared(run=run, facts=_facts, warm=run)


def network_simplex() -> Prepared:
    """The same arcs by NetworkX: graph made and solved."""
    import networkx as nx

    problem = _problem()
    whole = sum(supply.kg for supply in problem.supplies)
    dear = 1 + sum(arc.cost.net_fen for arc in problem.arcs)

    def run() -> tuple[int, int, int]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_node("in", demand=-whole)
        graph.add_node("out", demand=whole)
        graph.add_edge("in", "out", weight=dear)
        for number, supply in enumerate(problem.supplies):
            graph.add_edge("in", f"s{number}", capacity=supply.kg, weight=0)
        for number, demand in enumerate(problem.demands):
            graph.add_edge(f"d{number}", "out", capacity=demand.kg, weight=0)
        for arc in problem.arcs:
            graph.add_edge(f"s{arc.supply}", f"d{arc.demand}", weight=arc.cost.net_fen)
        total, flow = nx.network_simplex(graph)
        left = flow["in"]["out"]
        return len(problem.arcs), whole - left, total - dear * left

    return Prepared(run=run, facts=_facts, warm=run)


def _facts(found: tuple[int, int, int]) -> dict[str, Any]:
    arcs, kg, cost = found
    return {"arcs": arcs, "kg": kg, "fen_kg": cost}
