"""Checks an allocation against every constraint, with integers and without the solver.

Each broken rule is a sentence that says which, where and by how much; an empty list is the proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from wasteflow.core.symbiosis.allocate import NO_SIDE, Allocation, Side
from wasteflow.core.symbiosis.links import NO_LIMITS, FilingOf, Limits, Problem


def broken_rules(
    problem: Problem,
    allocation: Allocation,
    filing_of: FilingOf,
    *,
    limits: Limits = NO_LIMITS,
    side: Side = NO_SIDE,
) -> list[str]:
    """What an allocation breaks, in a fixed order."""
    found = [] if len(allocation.kg) == len(problem.arcs) else ["not one mass per arc"]
    given: dict[int, int] = defaultdict(int)
    taken: dict[int, int] = defaultdict(int)
    filed: dict[str, int] = defaultdict(int)
    partners: dict[int, int] = defaultdict(int)
    for arc, kg in zip(problem.arcs, allocation.kg, strict=False):
        supply, demand = problem.supplies[arc.supply], problem.demands[arc.demand]
        where = f"{supply.enterprise} > {demand.facility}"
        if kg < 0:
            found.append(f"{where}: {kg} kg is negative")
        if not kg:
            continue
        given[arc.supply] += kg
        taken[arc.demand] += kg
        partners[arc.supply] += 1
        if arc.filing:
            filed[arc.filing] += kg
        if arc.route not in demand.routes.get(supply.material, ()):
            found.append(f"{where}: the facility does not take {supply.material} by {arc.route}")
        if not demand.valid:
            found.append(f"{where}: the permit does not hold")
        if filing_of(supply.enterprise, demand.enterprise, supply.material) != arc.filing:
            found.append(f"{where}: filing {arc.filing or 'none'} does not cover the border")
        if limits.max_km is not None and arc.km > limits.max_km:
            found.append(f"{where}: {arc.km:.1f} km is beyond {limits.max_km} km")
        if limits.max_cost_fen is not None and arc.cost.net_fen > limits.max_cost_fen:
            found.append(f"{where}: {arc.cost.net_fen} fen/t is above the ceiling")
        if side.min_contract_kg is not None and kg < side.min_contract_kg:
            found.append(f"{where}: {kg} kg is below the smallest contract")
    found += _over("supply", given, {n: s.kg for n, s in enumerate(problem.supplies)})
    found += _over("demand", taken, {n: d.kg for n, d in enumerate(problem.demands)})
    found += _over("filing", filed, problem.quotas)
    carrying = sum(kg > 0 for kg in allocation.kg)
    if side.max_links is not None and carrying > side.max_links:
        found.append(f"{carrying} links of {side.max_links}")
    if side.most_kg is not None and sum(allocation.kg) > side.most_kg:
        found.append(f"{sum(allocation.kg)} kg in all of {side.most_kg}")
    if side.max_partners is not None:
        limit = dict.fromkeys(partners, side.max_partners)
        found += _over("partners of supply", partners, limit)
    for number, supply in enumerate(problem.supplies):
        left = supply.kg - given[number]
        if allocation.unserved_kg[number] != left:
            found.append(f"{supply.enterprise}: {left} kg are unserved, not what is said")
        if bool(left) != (number in allocation.reasons):
            found.append(f"{supply.enterprise}: unserved mass and its reason do not agree")
    return found


def _over(what: str, sums: Mapping[Any, int], limit: Mapping[Any, int]) -> list[str]:
    """Sums above their limit; those without a limit have none."""
    return [
        f"{what} {key}: {kg} kg of {limit[key]}"
        for key, kg in sums.items()
        if key in limit and kg > limit[key]
    ]
