"""A run as plain data for pages, files and the API, told for a scope; every number is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from wasteflow.core.errors import WasteflowError
from wasteflow.core.formulas import Rate, Terms
from wasteflow.core.registry import Registry, Target
from wasteflow.core.scenarios.blocks import Add, Block, Goal
from wasteflow.core.scenarios.flows import KEPT, Flow, Sums, placed_of, pricing_of, rows_of
from wasteflow.core.scenarios.project import Run, Year
from wasteflow.core.symbiosis.books import position_of
from wasteflow.core.symbiosis.dependence_rows import fraction, rate_value
from wasteflow.core.symbiosis.rows import cost_row, yuan
from wasteflow.core.symbiosis.today import Owner, Today, rate_of, sum_of_terms
from wasteflow.core.target_values import (
    QUALITATIVE,
    RATE_TERMS,
    goal_of,
    is_amount,
    is_ceiling,
    value_of,
)
from wasteflow.core.targets import is_reference, target_materials
from wasteflow.core.units import tonnes_text

GRAMS: Final = 1_000_000
KG: Final = 1000
FLOWS_TOLD: Final = 200
LOST: Final = "lost"
_Change = tuple[Flow, int, int]
"""A link, what it carries today, what it carries then."""
Sees = Callable[[str], bool]
"""Whether a scope may be told in detail."""


@dataclass(frozen=True)
class Told:
    """A run told for a scope; `sees`: which scopes the asker may read, `names`: which
    firms may be named as a receiver of today's links (all by default)."""

    today: Today
    firms: frozenset[str]
    sees: Sees = lambda scope: True
    names: Sees = lambda firm: True

    def summary(self, made: Run, base: Run) -> dict[str, Any]:
        """The years of a run, its last beside year 0 of `base` (today), targets and changes."""
        number, changed = self._changes(made, base)
        return {
            "years": [self.year(made, year) for year in made.years],
            "today": self.year(base, base.last),
            "targets": self.targets(made, base),
            "flows": self._named(changed),
            "flows_changed": number,
            "unserved": self.unserved(made.last),
            "notes": [{"code": code, "subject": subject} for code, subject in made.notes],
            "held_back_t": tonnes_text(made.last.unjudged_kg),
        }

    def _changes(self, made: Run, base: Run) -> tuple[int, list[dict[str, Any]]]:
        """Changed links, worked out once for a scope; rows of their own each time."""
        key = "changes", self.firms
        if key not in made.memo:
            made.memo[key] = changes_of(made, base, self.firms)
        number, rows = made.memo[key]
        return number, [dict(row) for row in rows]

    def _named(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows with the receivers of today's links left out that may not be named."""
        for row in rows:
            row["hidden"] = row["what"] in (KEPT, LOST) and not self.names(row["to"])
            if row["hidden"]:
                row["to"] = row["distance_km"] = row["per_tonne"] = None
        return rows

    def terms(self, year: Year) -> Terms:
        """Terms of the scope in a year."""
        return sum_of_terms(year.terms[owner] for owner in sorted(self.today.inside(self.firms)))

    def year(self, made: Run, year: Year) -> dict[str, Any]:
        """Sums of a year: rate, tonnes, stock, cost, CO2; worked out once for a scope."""
        key = "year", self.firms, year.number
        if key not in made.memo:
            made.memo[key] = self._year(made, year)
        return dict(made.memo[key])

    def _year(self, made: Run, year: Year) -> dict[str, Any]:
        terms = self.terms(year)
        rate = rate_of(self.today, self.today.inside(self.firms), "official", terms)
        sums = pricing_of(made).sums(year, self.firms)
        stock = sum(kg for owner, kg in year.stock.items() if owner[0] in self.firms)
        lost = sum(kg for owner, (kg, _) in year.unplaced.items() if owner[0] in self.firms)
        short = sum(kg for owner, kg in year.short.items() if owner[0] in self.firms)
        return {
            "year": year.number,
            "period": year.period.text,
            "rate": rate_value(rate),
            "not_computable": rate.not_computable,
            "generated_t": tonnes_text(terms.generated_kg),
            "utilised_t": _tonnes(terms.utilised_kg),
            "stored_t": _tonnes(terms.stored_kg),
            "disposed_t": _tonnes(terms.disposed_kg),
            "stock_t": tonnes_text(stock),
            "moved_t": tonnes_text(sums.kg_of("moved")),
            "taken_t": tonnes_text(sums.kg_of("taken")),
            "unplaced_t": tonnes_text(lost),
            "short_t": tonnes_text(short),
            **money(sums),
        }

    def targets(self, made: Run, base: Run) -> list[dict[str, Any]]:
        """Every target of a scope the asker may read, today and in the last year of the run."""
        found = []
        values = {
            block.target: block.value for block in made.plan.blocks if isinstance(block, Goal)
        }
        for code, target in sorted(self.today.registry.targets.items()):
            if target.metric == QUALITATIVE or not self.sees(target.scope):
                continue
            owners = self._owners(target)
            if owners and any(firm in self.firms for firm, _ in owners):
                changed = code in values
                now = replace(target, value=values[code]) if changed else target
                found.append(_target_row(now, changed, owners, base.last, made.last))
        return found

    def _owners(self, target: Target) -> list[Owner]:
        registry = self.today.registry
        materials = target_materials(target, registry)
        try:
            firms = registry.in_scope(target.scope)
        except WasteflowError:  # a target of a scope that is not registered concerns nobody here
            return []
        return sorted(owner for owner in self.today.inside(firms) if owner[1] in materials)

    def unserved(self, year: Year) -> list[dict[str, Any]]:
        """Producers of the scope with tonnes that find no use, each with its reason.

        what: `displaced` (lost or outgrew their place) or `unused` (no use today either).
        """
        rows = [
            {
                "enterprise": owner[0],
                "material": owner[1],
                "what": "displaced",
                "tonnes": tonnes_text(kg),
                "reason": reason,
            }
            for owner, (kg, reason) in year.unplaced.items()
            if owner[0] in self.firms
        ]
        problem, found = year.unused.problem, year.unused.found
        for number, kg in enumerate(found.unserved_kg):
            supply = problem.supplies[number]
            if kg and supply.enterprise in self.firms:
                rows.append(
                    {
                        "enterprise": supply.enterprise,
                        "material": supply.material,
                        "what": "unused",
                        "tonnes": tonnes_text(kg),
                        "reason": found.reasons[number],
                    }
                )
        return sorted(rows, key=lambda row: (-float(row["tonnes"]), row["enterprise"], row["what"]))


def _tonnes(kg: int | None) -> str | None:
    return None if kg is None else tonnes_text(kg)


def money(sums: Sums) -> dict[str, Any]:
    """Net cost and CO2 of sums; what is not priced or placed is told, not hidden."""
    return {
        "cost": None if sums.cost_fen is None else yuan(sums.cost_fen),
        "unpriced": sorted(sums.unpriced),
        "co2_t": None if sums.co2_g_kg is None else f"{sums.co2_g_kg / KG / GRAMS:.3f}",
        "no_distance_t": tonnes_text(sums.no_distance_kg),
    }


def _target_row(
    target: Target, changed: bool, owners: Iterable[Owner], before: Year, after: Year
) -> dict[str, Any]:
    goal, missing = goal_of(target)
    own = list(owners)
    then = sum_of_terms(after.terms[owner] for owner in own)
    now_value = value_of(target.metric, sum_of_terms(before.terms[owner] for owner in own))
    then_value = value_of(target.metric, then)
    met, reference = None, is_reference(target)
    if goal is not None and then_value.value is not None and not reference:
        met = then_value.value <= goal if is_ceiling(target) else then_value.value >= goal
    gap = None if met is None else _gap(target, goal, then, then_value)
    return {
        "code": target.code,
        "scope": target.scope,
        "materials": list(target.materials),
        "metric": target.metric,
        "operator": target.operator,
        "value": target.value,
        "unit": target.unit,
        "goal": _told(target, goal),
        "goal_changed": changed,
        "year": target.year,
        "today": _told(target, now_value.value),
        "then": _told(target, then_value.value),
        "met": met,
        "gap_t": None if gap is None else tonnes_text(gap),
        "reference_line": reference,
        "not_computable": missing or then_value.not_computable,
        "source": target.source,
    }


def _told(target: Target, value: Fraction | None) -> Any:
    """A rate as a fraction, an amount as tonnes."""
    if value is None:
        return None
    return tonnes_text(round(value)) if is_amount(target.metric) else fraction(value)


def _gap(target: Target, goal: Fraction | None, terms: Terms, value: Rate) -> int:
    """Kilograms to be used more (less generated, for a ceiling) until the goal is met.

    More use is of the year's own waste: nothing is added below the line.
    """
    assert goal is not None and value.value is not None
    sign = -1 if is_ceiling(target) else 1
    if is_amount(target.metric):
        return ceil(max(Fraction(0), sign * (goal - value.value)))
    above, below = RATE_TERMS[target.metric]
    return ceil(max(Fraction(0), sign * (goal * _sum(terms, below) - _sum(terms, above))))


def _sum(terms: Terms, words: Iterable[str]) -> int:
    total = 0
    for word in words:
        kg = getattr(terms, f"{word.lstrip('-')}_kg") or 0
        total += -kg if word.startswith("-") else kg
    return total


def changes_of(made: Run, base: Run, firms: frozenset[str]) -> tuple[int, list[dict[str, Any]]]:
    """(how many links differ from today's, the largest changes first, FLOWS_TOLD at most)."""
    kept = _kept_changes(made, base, firms)
    new = _new_changes(made, base, firms)
    told = sorted((*kept[1], *new), key=lambda item: (-abs(item[2] - item[1]), item[0][1:6]))
    return kept[0] + len(new), [_change_row(*item) for item in told[:FLOWS_TOLD]]


def _kept_changes(made: Run, base: Run, firms: frozenset[str]) -> tuple[int, list[_Change]]:
    """Links of today that carry another mass: how many, those that changed most."""
    rows = rows_of(made.today, firms)
    was, now = base.last.links.kg[rows], made.last.links.kg[rows]
    changed = np.flatnonzero(was != now)
    most = changed[np.argsort(-np.abs(now - was)[changed], kind="stable")][:FLOWS_TOLD]
    links, pricing = made.today.links, pricing_of(base)
    return len(changed), [
        (pricing.kept(links[int(rows[at])], int(was[at])), int(was[at]), int(now[at]))
        for at in most.tolist()
    ]


def _new_changes(made: Run, base: Run, firms: frozenset[str]) -> list[_Change]:
    """Links to a facility that are none of today's."""
    sums: dict[tuple[str, ...], list[int]] = {}
    flows: dict[tuple[str, ...], Flow] = {}
    for side, run in ((1, made), (0, base)):
        for flow in placed_of(run.last, firms):
            key = flow.giver, flow.taker, flow.facility, flow.material, flow.route
            sums.setdefault(key, [0, 0])[side] += flow.kg
            flows[key] = flow
    return [(flows[key], was, now) for key, (was, now) in sorted(sums.items()) if was != now]


def _change_row(flow: Flow, was: int, now: int) -> dict[str, Any]:
    return {
        "from": flow.giver,
        "to": flow.taker,
        "facility": flow.facility,
        "material": flow.material,
        "route": flow.route,
        "what": flow.what if now > was else LOST,
        "today_t": tonnes_text(was),
        "then_t": tonnes_text(now),
        "change_t": tonnes_text(now - was),
        "distance_km": None if flow.km is None else round(flow.km, 1),
        "per_tonne": None if flow.cost is None else cost_row(flow.cost),
    }


def places_of(
    registry: Registry, blocks: Iterable[Block], codes: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """(lon, lat) of firms and facilities by code, those of blocks by their own."""
    own = {}
    for number, block in enumerate(blocks):
        if isinstance(block, Add):
            code = block.code or f"scenario.{number + 1:02d}"
            position = position_of(registry, block.enterprise, block.park)
            if block.lon is not None and block.lat is not None:
                position = block.lon, block.lat
            if position:
                own[code] = position
    found: dict[str, tuple[float, float]] = {}
    for code in codes:
        facility = registry.facilities.get(code)
        place: tuple[float, float] | None
        if code in own:
            place = own[code]
        elif facility is not None:
            place = position_of(registry, facility.enterprise, facility.park)
        else:
            place = position_of(registry, code)
        if place is not None:
            found[code] = place
    return found
