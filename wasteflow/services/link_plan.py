"""Which few links bring a scope's waste to its target, at what cost; the books are only read."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from wasteflow.core.errors import NotFound
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period
from wasteflow.core.registry import Facility, Registry, Target
from wasteflow.core.symbiosis.dependence_rows import fraction
from wasteflow.core.symbiosis.links import Arc
from wasteflow.core.symbiosis.rows import KG, co2_tonnes, link_row, yuan
from wasteflow.core.symbiosis.to_target import (
    LINKS,
    Plan,
    applicable,
    gap_to,
    plan_links,
    used_more,
)
from wasteflow.core.target_values import goal_of, value_of
from wasteflow.core.units import tonnes_text
from wasteflow.services.matching import Asked, Matching, read_matching
from wasteflow_models.engine import Database

NO_TARGET: Final = "plan_no_target"
NEEDS: Final = ("facility_ahead", "link_document_needed", "filing_covers")
"""Of the reasons of a link those that somebody has to see to."""


def plan_report(*, db: Database, period: Period, asked: Asked, target: str = "") -> dict[str, Any]:
    """At most three links that bring the scope's waste of the period to a target.

    target: code of one that fits the scope and material, "" = the fittest that is not met yet.
    Rates are fractions, money is yuan.  Where there is no plan, `why` says so.
    Raises as `match_report`; NotFound `unknown_code` for a target that does not fit.
    """
    read = read_matching(db=db, period=period, asked=asked)
    fitting = plan_targets(read.registry, period, asked.scope, asked.material)
    codes = [item.code for item in fitting]
    if target and target not in codes:
        raise NotFound("unknown_code", what="target", value=target)
    chosen = _chosen(fitting, target, read.rated)
    head = {
        "period": period.text,
        "scope": asked.scope,
        "material": asked.material,
        "planned": asked.planned,
        "synthetic": read.synthetic,
        "targets": [target_row(item) for item in fitting],
        "target": target_row(chosen) if chosen else None,
        "most_links": LINKS,
        "capacity_not_stated": read.unstated,
    }
    goal = goal_of(chosen)[0] if chosen else None
    if chosen is None or goal is None:
        return {**head, "why": NO_TARGET, "plan": None}
    made = plan_links(read.problem, read.rated, chosen.metric, goal)
    if made is None:
        why = value_of(chosen.metric, read.rated).not_computable
        return {**head, "why": why, "plan": None}
    return {**head, "why": "", "plan": _plan_row(read, asked, chosen, goal, made)}


def _chosen(fitting: list[Target], code: str, terms: Terms) -> Target | None:
    """The one asked for, else the first that is not met, else the first."""
    wanted = [one for one in fitting if one.code == code] if code else fitting
    open_ = (one for one in wanted if gap_to(one.metric, terms, goal_of(one)[0] or Fraction(0)))
    return next(open_, wanted[0] if wanted else None)


def plan_targets(registry: Registry, period: Period, scope: str, material: str) -> list[Target]:
    """Targets that fit a scope and material, the fittest first.  Raises as `Registry.in_scope`."""
    wastes = [code for code, item in registry.materials.items() if item.is_waste]
    stuff = frozenset([material] if material else wastes)
    return applicable(registry, registry.in_scope(scope), stuff, period.last // 100)


def _plan_row(
    read: Matching, asked: Asked, target: Target, goal: Fraction, made: Plan
) -> dict[str, Any]:
    rows, done = [], 0
    for arc, kg in made.links:
        done += kg
        value = value_of(target.metric, used_more(read.rated, done))
        rows.append(
            {
                **link_row(read.problem, arc, kg, read.prices, asked.limits, read.rated),
                "value_after": fraction(value.value),
                "facility_status": _facility(read, arc).status,
                "facility_source": _facility(read, arc).source,
            }
        )
    fen = sum(arc.cost.net_fen * kg for arc, kg in made.links)
    left = made.gap_kg - made.kg
    return {
        "goal": fraction(goal),
        "before": fraction(made.before.value),
        "after": fraction(made.after.value),
        "gap_t": tonnes_text(made.gap_kg),
        "tonnes": tonnes_text(made.kg),
        "left_t": tonnes_text(max(0, left)),
        "supply_t": tonnes_text(sum(supply.kg for supply in read.problem.supplies)),
        "reached": made.reached,
        "optimal": made.optimal,
        "candidates": made.candidates,
        "cost": yuan(round(fen / KG)) if made.links else None,
        "co2_t": co2_tonnes(made.links),
        "unpriced": sorted({part for arc, _ in made.links for part in arc.cost.unpriced}),
        "links": rows,
    }


def _facility(read: Matching, arc: Arc) -> Facility:
    return read.registry.facilities[read.problem.demands[arc.demand].facility]


def target_row(target: Target) -> dict[str, Any]:
    """A target as it is told."""
    return {
        "code": target.code,
        "scope": target.scope,
        "materials": list(target.materials),
        "metric": target.metric,
        "operator": target.operator,
        "value": target.value,
        "unit": target.unit,
        "goal": fraction(goal_of(target)[0]),
        "year": target.year,
        "source": target.source,
    }
