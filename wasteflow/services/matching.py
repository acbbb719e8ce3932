"""Potential links of a period: unmet supply against free capacity, allocated at the least cost.

Supply and demand come from the books of the period, so what is proposed for a past year is what
could have been done with it.  Nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.coefficients import Coefficient
from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.allocate import NO_SIDE, Side, allocate
from wasteflow.core.symbiosis.books import (
    demand_of,
    demands_of,
    end_of,
    position_of,
    routes_of,
    supplies_of,
)
from wasteflow.core.symbiosis.filings import Filings, months_of
from wasteflow.core.symbiosis.links import (
    NO_LIMITS,
    Judge,
    Judged,
    Limits,
    Problem,
    Supply,
    feasible_links,
)
from wasteflow.core.symbiosis.prices import KINDS, Prices
from wasteflow.core.symbiosis.rows import link_row, total_row, unserved_rows, verdict_row
from wasteflow.core.vocabulary import Fate
from wasteflow.services.rating import firm_terms
from wasteflow.services.reports import check_material
from wasteflow_models import products, queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.kept import Kept

_JUDGED: Kept[Hashable, tuple[Registry, Judged]] = Kept(8)
"""Verdicts on pairs by what they rest on: however the books change, and whatever is free."""


class Asked(Struct, frozen=True):
    """What somebody asks to be matched; planned: also facilities that are not in operation yet."""

    scope: str = "all"
    material: str = ""
    planned: bool = False
    limits: Limits = NO_LIMITS
    side: Side = NO_SIDE


class Matching(Struct, frozen=True):
    """A problem with what it was read from; `rated`: terms of the firms that count in a rate."""

    registry: Registry
    problem: Problem
    prices: Prices
    filings: Filings
    terms: Terms
    rated: Terms
    unstated: list[str]
    synthetic: bool


def match_report(*, db: Database, period: Period, asked: Asked) -> dict[str, Any]:
    """`match` of the contract, with what each link changes and why each tonne is unserved.

    Costs are yuan as decimal strings; `unpriced` names parts of a cost that no coefficient gives
    (counted as 0).  Raises InvalidValue `bad_scope`, `bad_link_limit`; NotFound `unknown_code`.
    """
    read = read_matching(db=db, period=period, asked=asked)
    problem, found = read.problem, allocate(read.problem, asked.side)
    links = [
        link_row(problem, arc, kg, read.prices, asked.limits, read.terms)
        for arc, kg in zip(problem.arcs, found.kg, strict=True)
        if kg
    ]
    return {
        "period": period.text,
        "scope": asked.scope,
        "synthetic": read.synthetic,
        "nearest": asked.limits.nearest,
        "optimal": found.optimal,
        "total": total_row(problem, found, read.terms),
        "links": sorted(links, key=lambda row: (-float(row["tonnes"]), row["from"], row["to"])),
        "unserved": unserved_rows(problem, found),
        "capacity_not_stated": read.unstated,
    }


def read_matching(*, db: Database, period: Period, asked: Asked) -> Matching:
    """The problem of a period: everything an allocation may use.  Raises as `match_report`."""
    _check(asked)
    with no_collecting():
        return _read(db, period, asked)


def _read(db: Database, period: Period, asked: Asked) -> Matching:
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        check_material(registry, asked.material)
        wanted = registry.in_scope(asked.scope)
        books = queries.period_books(
            session, keys, period, material=asked.material, negatives=False
        )
        coefficients = products.coefficients(session, keys, KINDS)
        prices, filings = Prices(coefficients), Filings(registry, end_of(period))
        quotas = _quotas(session, keys, filings, period)
        items, _ = firm_terms(session, keys, [period], "declared", asked.material)
        synthetic = queries.has_synthetic(session)
    terms, rated = Terms(), Terms()
    for item in items:
        if item.enterprise in wanted and registry.materials[item.material].is_waste:
            terms.add(item.terms)
            if not item.late:
                rated.add(item.terms)
    free, unstated = demands_of(books, registry, period, planned=asked.planned)
    problem = feasible_links(
        list(supplies_of(books, registry, wanted)),
        free,
        prices,
        filings.of,
        limits=asked.limits,
        conditional=_conditional(registry),
        quotas=quotas,
        unknown=_unknown(registry, unstated),
        known=judged(registry, coefficients, asked.limits, period),
    )
    return Matching(registry, problem, prices, filings, terms, rated, unstated, synthetic)


def judged(
    registry: Registry, coefficients: Sequence[Coefficient], limits: Limits, period: Period
) -> Judged:
    """Where verdicts under the same registry, prices, limits and day are kept."""
    key = repr(tuple(coefficients)), limits, end_of(period)
    found = _JUDGED.get(key)
    if found is None or found[0] is not registry:
        found = _JUDGED.put(key, (registry, {}))
    return found[1]


def _quotas(session: Session, keys: Keys, filings: Filings, period: Period) -> Mapping[str, int]:
    """Filing → kilograms left of its quota at the end of the period."""
    return {
        item.code: max(
            0,
            item.quota_kg
            - filings.used_kg(item, queries.flow_sums(session, keys, *months_of(item, period))),
        )
        for _, item in sorted(keys.registry.filings.items())
        if item.quota_kg is not None
    }


def _unknown(registry: Registry, facilities: Iterable[str]) -> frozenset[str]:
    """Materials that facilities of unknown capacity take."""
    return frozenset(
        material
        for code in facilities
        for material in routes_of(registry, registry.facilities[code])
    )


def link_verdict(
    *, db: Database, period: Period, giver: str, taker: str, asked: Asked
) -> dict[str, Any]:
    """Whether a link between two firms could be made, per material and facility, with numbers.

    Says so whatever is free at the receiver; `feasible` with `why`, or `reason` with what stands
    against it.  taker: an enterprise, or a project's facility.  Raises as `match_report`.
    """
    _check(asked)
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        check_material(registry, asked.material)
        if giver not in registry.enterprises:
            raise NotFound("unknown_code", what="enterprise", value=giver)
        prices = Prices(products.coefficients(session, keys, KINDS))
        synthetic = queries.has_synthetic(session)
    day = end_of(period)
    facilities = [
        item
        for _, item in sorted(registry.facilities.items())
        if taker in (item.enterprise, item.code) and item.kind == Fate.USE
    ]
    if not facilities:
        raise NotFound("unknown_code", what="use facility of", value=taker)
    judge = Judge([], prices, Filings(registry, day).of, asked.limits, _conditional(registry))
    rows = []
    for facility in facilities:
        demand = demand_of(registry, facility, day, 0)
        for material in sorted(demand.routes):
            if asked.material in ("", material):
                supply = Supply(giver, material, 0, position_of(registry, giver))
                found = judge.one(supply, demand)
                rows.append(verdict_row(supply, demand, found, prices, asked.limits))
    return {"period": period.text, "from": giver, "to": taker, "synthetic": synthetic, "rows": rows}


def _conditional(registry: Registry) -> frozenset[str]:
    return frozenset(code for code, route in registry.routes.items() if route.conditional)


def _check(asked: Asked) -> None:
    """Raises InvalidValue `bad_link_limit` for a limit that nothing can keep."""
    for name, value in (
        ("max_km", asked.limits.max_km),
        ("max_partners", asked.side.max_partners),
        ("min_contract", asked.side.min_contract_kg),
    ):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InvalidValue("bad_link_limit", name=name, value=str(value))
