"""The few links that bring a scope to a target at the least cost: gap, choice, result; pure.

    gap      = kilograms to be used more, of the year's own waste, until the rate is the goal
    choice   = at most `LINKS` links, as much of the gap as they can close, then the least cost
               (mixed-integer programme), then their tonnes as a linear programme of whole kilograms

Candidates are the `CANDIDATES` arcs that could carry most; fewer arcs than that are all looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.formulas import Rate, Terms
from wasteflow.core.registry import Registry, Target
from wasteflow.core.symbiosis.allocate import Allocation, Side, allocate
from wasteflow.core.symbiosis.links import Arc, Problem
from wasteflow.core.target_values import RATE_TERMS, goal_of, is_ceiling, value_of
from wasteflow.core.targets import target_materials

LINKS: Final = 3
CANDIDATES: Final = 400
METRICS: Final = frozenset({"official", "simple", "new_waste", "fate_share", "consumption_balance"})
"""Rates that one tonne more of use moves by a known amount; a target in tonnes is of its scope
as a whole and says nothing of a part."""


class Plan(Struct, frozen=True):
    """Links with their kilograms, the largest first, and the value they bring; reached: the goal.

    optimal: proved to be the best among the candidates.
    """

    gap_kg: int
    before: Rate
    after: Rate
    links: tuple[tuple[Arc, int], ...]
    reached: bool
    optimal: bool
    candidates: int

    @property
    def kg(self) -> int:
        """Kilograms of all links."""
        return sum(kg for _, kg in self.links)


def applicable(
    registry: Registry, firms: frozenset[str], materials: frozenset[str], year: int
) -> list[Target]:
    """Targets that a scope's waste can be held against, the fittest first.

    A target of these materials comes before one of more, one of this scope before one of a wider
    one, and of equal ones that of the next year to come before those behind.
    """
    found = []
    for code, target in sorted(registry.targets.items()):
        stuff = target_materials(target, registry)
        goal, _ = goal_of(target)
        if target.metric not in METRICS or goal is None or is_ceiling(target):
            continue
        if not materials <= stuff or target.scope.partition(":")[0] not in _SCOPES:
            continue
        held = _firms(registry, target.scope)
        if firms and firms <= held:
            due = target.year or year
            late = due < year
            rank = len(stuff), len(held), late, abs(due - year), code
            found.append((rank, target))
    return [target for _, target in sorted(found, key=lambda pair: pair[0])]


_SCOPES: Final = ("all", "region", "park", "enterprise")


def _firms(registry: Registry, scope: str) -> frozenset[str]:
    kind, _, code = scope.partition(":")
    known: Mapping[str, Mapping[str, object]] = {
        "region": registry.regions,
        "park": registry.parks,
        "enterprise": registry.enterprises,
    }
    return registry.in_scope(scope) if kind == "all" or code in known[kind] else frozenset()


def gap_to(metric: str, terms: Terms, goal: Fraction) -> int | None:
    """Kilograms of more use until `goal` is met, 0 if it is; None where that cannot be computed."""
    value = value_of(metric, terms)
    if value.value is None:
        return None
    above, below = RATE_TERMS[metric]
    return max(0, ceil(goal * _sum(terms, below) - _sum(terms, above)))


def _sum(terms: Terms, words: Iterable[str]) -> int:
    return sum(
        (-1 if word.startswith("-") else 1) * (getattr(terms, f"{word.lstrip('-')}_kg") or 0)
        for word in words
    )


def used_more(terms: Terms, kg: int) -> Terms:
    """Terms with `kg` of the year's waste used instead of stored."""
    if terms.utilised_kg is None:
        return terms
    stored = None if terms.stored_kg is None else terms.stored_kg - kg
    return replace(terms, utilised_kg=terms.utilised_kg + kg, stored_kg=stored, split={})


def plan_links(
    problem: Problem, terms: Terms, metric: str, goal: Fraction, most: int = LINKS
) -> Plan | None:
    """The links of a problem that close the gap; None where the value cannot be computed."""
    gap = gap_to(metric, terms, goal)
    if gap is None:
        return None
    few = _candidates(problem)
    optimal, chosen = True, few
    if gap and few.arcs:
        first = allocate(few, Side(max_links=most, most_kg=gap))
        optimal = first.optimal
        chosen = replace(few, arcs=tuple(arc for arc, kg in _used(few, first)[:most]))
    found = allocate(chosen, Side(most_kg=gap)) if gap and chosen.arcs else None  # whole again
    links = tuple(_used(chosen, found)) if found else ()
    kg = sum(amount for _, amount in links)
    after = value_of(metric, used_more(terms, kg))
    reached = after.value is not None and after.value >= goal
    return Plan(gap, value_of(metric, terms), after, links, reached, optimal, len(few.arcs))


def _used(problem: Problem, found: Allocation) -> list[tuple[Arc, int]]:
    """Arcs that carry something, the largest first."""
    pairs = [(arc, kg) for arc, kg in zip(problem.arcs, found.kg, strict=True) if kg]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0].supply, pair[0].demand))


def _candidates(problem: Problem) -> Problem:
    """The arcs that could carry most; of equal ones the cheaper."""
    if len(problem.arcs) <= CANDIDATES:
        return problem
    ranked = sorted(
        problem.arcs,
        key=lambda arc: (
            -min(problem.supplies[arc.supply].kg, problem.demands[arc.demand].kg),
            arc.cost.net_fen,
            arc.supply,
            arc.demand,
        ),
    )
    return replace(problem, arcs=tuple(ranked[:CANDIDATES]))
