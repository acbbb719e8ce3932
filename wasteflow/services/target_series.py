"""The year to date of every target month by month, for its chart; judgement is `target_status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from wasteflow.core.errors import WasteflowError
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Registry, Target
from wasteflow.core.target_values import QUALITATIVE, YEAR_MONTHS, is_amount, value_of
from wasteflow.core.targets import measured_year, target_materials, to_date_period
from wasteflow.core.tracing.attribution import Basis
from wasteflow.services.rating import firm_terms
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


class Series(Struct, frozen=True):
    """Year-to-date values of a target at the ends of the months of `year`, by basis.

    Each is (month 1..12, value): a fraction for a rate, kilograms for an amount.
    """

    year: int
    points: Mapping[str, tuple[tuple[int, float], ...]]


def target_series(
    *, db: Database, period: Period | None = None, reported_to: int = 0
) -> dict[str, Series]:
    """Code of a target → its series on both bases, for targets with a computable metric.

    reported_to: as in `target_status.targets_report`.
    """
    with db.read() as session:
        keys = load_keys(session)
        span = queries.ledger_months(session)
        if span is None:
            return {}
        as_of = min(period.last if period else span[1], reported_to or span[1], span[1])
        targets = [t for t in keys.registry.targets.values() if t.metric != QUALITATIVE]
        years = {measured_year(target, as_of) for target in targets}
        months = [
            year * 100 + number
            for year in sorted(years)
            for number in range(1, YEAR_MONTHS + 1)
            if span[0] <= year * 100 + number <= as_of
        ]
        asked = [to_date_period(month) for month in months]
        items: dict[str, list[FirmTerms]] = {
            basis.value: firm_terms(session, keys, asked, basis.value, as_of=reported_to)[0]
            if asked
            else []
            for basis in Basis
        }
    by_basis = {basis: _Sums(keys.registry, found) for basis, found in items.items()}
    return {
        target.code: _series(target, keys.registry, by_basis, months, measured_year(target, as_of))
        for target in targets
    }


class _Sums:
    """Terms of a scope and some materials added up by period: many targets ask for the same."""

    def __init__(self, registry: Registry, items: Iterable[FirmTerms]) -> None:
        self._registry = registry
        self._items = _by_period(items)
        self._firms: dict[str, frozenset[str]] = {}
        self._made: dict[tuple[str, str, frozenset[str]], Terms | None] = {}

    def of(self, period: Period, scope: str, materials: frozenset[str]) -> Terms | None:
        """The sum, None where nobody there has a ledger that covers the period."""
        key = period.text, scope, materials
        if key not in self._made:
            self._made[key] = self._sum(period, scope, materials)
        return self._made[key]

    def _sum(self, period: Period, scope: str, materials: frozenset[str]) -> Terms | None:
        if scope not in self._firms:
            try:
                self._firms[scope] = self._registry.in_scope(scope)
            except WasteflowError:
                self._firms[scope] = frozenset()
        firms = self._firms[scope]
        total = None
        for item in self._items.get(period.text, ()):
            if item.enterprise in firms and item.material in materials and not item.late:
                total = total or Terms()
                total.add(item.terms)
        return total


def _by_period(items: Iterable[FirmTerms]) -> dict[str, list[FirmTerms]]:
    found: dict[str, list[FirmTerms]] = {}
    for item in items:
        found.setdefault(item.period, []).append(item)
    return found


def _series(
    target: Target,
    registry: Registry,
    by_basis: Mapping[str, _Sums],
    months: Iterable[int],
    year: int,
) -> Series:
    materials = target_materials(target, registry)
    points: dict[str, list[tuple[int, float]]] = {basis: [] for basis in by_basis}
    for month in months:
        if month // 100 != year:
            continue
        for basis, sums in by_basis.items():
            total = sums.of(to_date_period(month), target.scope, materials)
            value = value_of(target.metric, total).value if total is not None else None
            if value is not None:
                points[basis].append((month % 100, float(value)))
    return Series(year, {basis: tuple(found) for basis, found in points.items()})


__all__ = ["Series", "is_amount", "target_series"]
