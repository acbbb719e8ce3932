"""Targets and 以用定产 held against the books: declared judged, verified beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from wasteflow.core.coefficients import Coefficient, coefficient_of
from wasteflow.core.consumption import consumption, consumption_row
from wasteflow.core.errors import WasteflowError
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period, month_text
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Registry, Target
from wasteflow.core.target_values import NET_NEW_STOCK, YEAR_MONTHS, Standing, goal_of
from wasteflow.core.targets import (
    Verdict,
    evaluate,
    last_year_period,
    months_needed,
    target_materials,
    target_row,
    to_date_period,
)
from wasteflow.core.tracing.attribution import Basis
from wasteflow.services.rating import firm_terms
from wasteflow.services.reported import cut_period, reported
from wasteflow_models import products, queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

PHOSPHOGYPSUM, P2O5, GENERATION = "phosphogypsum", "p2o5", "generation"
JUDGED = (Basis.DECLARED.value, Basis.VERIFIED.value)


_Sum = tuple[Terms | None, list[int], bool]


class _Basis(Struct, frozen=True):
    """Terms of every generator by period text, on one basis."""

    items: Mapping[str, Sequence[FirmTerms]]
    _sums: dict[tuple[str, frozenset[str], frozenset[str]], _Sum] = field(default_factory=dict)

    def sum(self, period: Period, firms: frozenset[str], materials: frozenset[str]) -> _Sum:
        """(sum of the terms or None, months at which left-out ledgers start, anyone there).

        Made once: many targets ask for the same.
        """
        key = period.text, firms, materials
        if key not in self._sums:
            self._sums[key] = self._sum(period, firms, materials)
        return self._sums[key]

    def _sum(self, period: Period, firms: frozenset[str], materials: frozenset[str]) -> _Sum:
        total, late, inside = Terms(), list[int](), 0
        for item in self.items.get(period.text, ()):
            if item.enterprise not in firms or item.material not in materials:
                continue
            if item.late:
                late.append(item.late)
            else:
                inside += 1
                total.add(item.terms)
        return (total if inside else None), late, bool(inside or late)


def targets_report(
    *, db: Database, period: Period | None = None, reported_to: int = 0
) -> dict[str, Any]:
    """`targets` of the contract: every target at the end of `period` or of the books.

    Judged on the declared basis, year to date; verified stands beside; a target wider than the
    books is a reference line.  reported_to (yyyymm): from the books as they were booked by the end
    of that month.  Raises InvalidValue `as_of_before_period`.
    """
    period = cut_period(period, reported_to) if period else None
    with db.read() as session:
        keys = load_keys(session)
        span = queries.ledger_months(session)
        synthetic = queries.has_synthetic(session)
        if span is None:
            as_of = period.last if period else 0
            bases: dict[str, _Basis] = {}
        else:
            as_of = min(period.last if period else reported_to or span[1], span[1])
            asked = _periods(keys.registry.targets.values(), as_of)
            bases = {
                basis: _by_period(firm_terms(session, keys, asked, basis, as_of=reported_to)[0])
                for basis in JUDGED
            }
        held = reported(session, keys, reported_to, keys.registry.enterprises)
    rows = [_row(target, keys.registry, bases, as_of) for target in keys.registry.targets.values()]
    report = {
        "as_of": month_text(as_of) if as_of else None,
        "basis": Basis.DECLARED.value,
        "synthetic": synthetic,
        "rows": rows,
    }
    return {**report, "as_reported": held.as_dict()} if held else report


def _periods(targets: Iterable[Target], as_of: int) -> list[Period]:
    """Every period some target's standing needs, each once, in order."""
    wanted: dict[str, Period] = {}
    for target in targets:
        for month in months_needed(target, as_of):
            for period in (to_date_period(month), last_year_period(month)):
                wanted[period.text] = period
    return sorted(wanted.values(), key=lambda period: (period.first, period.last))


def _by_period(items: Iterable[FirmTerms]) -> _Basis:
    found: dict[str, list[FirmTerms]] = {}
    for item in items:
        found.setdefault(item.period, []).append(item)
    return _Basis(found)


def _row(
    target: Target, registry: Registry, bases: Mapping[str, _Basis], as_of: int
) -> dict[str, Any]:
    """One target's row; an unknown scope or empty books leave it unjudged with a reason."""
    try:
        firms = registry.in_scope(target.scope)
        problem = "" if bases else "no_data"
    except WasteflowError as error:
        firms, problem = frozenset(), error.code
    verdicts: list[Verdict] = []
    for basis in JUDGED:
        standings = {
            month: _standing(target, registry, bases.get(basis), firms, month, problem)
            for month in months_needed(target, as_of or 190001)
        }
        verdicts.append(evaluate(target, standings, as_of=as_of or 190001))
    return target_row(verdicts[0], verdicts[1])


def _standing(
    target: Target,
    registry: Registry,
    basis: _Basis | None,
    firms: frozenset[str],
    month: int,
    problem: str,
) -> Standing:
    """What the books say of a target at the end of `month`."""
    if basis is None or problem:
        return Standing(month, None, reason=problem or "no_data")
    materials = target_materials(target, registry)
    to_date, late, anyone = basis.sum(to_date_period(month), firms, materials)
    if to_date is None:
        reason = f"ledger_starts_{month_text(min(late))}" if late else "no_data"
        return Standing(month, None, reason=reason if anyone else "no_data")
    last_year, younger, _ = basis.sum(last_year_period(month), firms, materials)
    notes = ("left_out",) if late else ()
    return Standing(month, to_date, None if younger else last_year, notes=notes)


def consumption_report(
    *, db: Database, scope: str = "all", period: Period, basis: str = "declared"
) -> dict[str, Any]:
    """以用定产 per phosphogypsum producer: consumed against generated, allowed next, draw-down.

    Source of the rule: S1 专栏6 (permitted new phosphogypsum at most what was consumed).
    """
    with db.read() as session:
        keys = load_keys(session)
        wanted = keys.registry.in_scope(scope)
        terms, _ = firm_terms(session, keys, [period], basis, PHOSPHOGYPSUM)
        known = products.coefficients(session, keys, [GENERATION])
        registered = PHOSPHOGYPSUM in keys.registry.materials
        opening = (
            queries.stock_at_start(session, keys, period.first, material=PHOSPHOGYPSUM)
            if registered
            else {}
        )
        synthetic = queries.has_synthetic(session)
    coefficient = coefficient_of(known, GENERATION, PHOSPHOGYPSUM, P2O5)
    old: dict[str, int] = {}
    for (place, _), kg in opening.items():
        old[place.owner] = old.get(place.owner, 0) + kg
    plans = _plans(keys.registry.targets.values(), period)
    rows = [
        _consumption(item, period, coefficient, old, plans)
        for item in sorted(terms, key=lambda item: item.enterprise)
        if item.enterprise in wanted
    ]
    return {
        "period": period.text,
        "scope": scope,
        "basis": basis,
        "material": PHOSPHOGYPSUM,
        "synthetic": synthetic,
        "rows": rows,
    }


def _plans(targets: Iterable[Target], period: Period) -> dict[str, int]:
    """Enterprise → planned draw on old stock, the year's plan by the months of the period in it.

    The plan of a year is a negative net_new_stock target of the firm.
    """
    found: dict[str, int] = {}
    years = [month // 100 for month in period.months()]
    for target in targets:
        word, _, code = target.scope.partition(":")
        if target.metric != NET_NEW_STOCK or word != "enterprise":
            continue
        goal = goal_of(target)[0]
        months = years.count(target.year or 0)
        if goal is not None and goal < 0 and months:
            found[code] = found.get(code, 0) + int(-goal * months / YEAR_MONTHS)
    return found


def _consumption(
    item: FirmTerms,
    period: Period,
    coefficient: Coefficient | None,
    old: Mapping[str, int],
    plans: Mapping[str, int],
) -> dict[str, Any]:
    done = consumption(
        item.enterprise,
        item.material,
        period.text,
        item.terms,
        coefficient=coefficient,
        old_stock_kg=old.get(item.enterprise, 0),
        plan_kg=plans.get(item.enterprise),
        reason=f"ledger_starts_{month_text(item.late)}" if item.late else "",
    )
    return dict(consumption_row(done))
