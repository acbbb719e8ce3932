"""Dependence of a scope on its receivers, from the books of a period; reads only."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any, Final

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.formulas import FORMULAS
from wasteflow.core.periods import Period
from wasteflow.core.symbiosis.books import end_of
from wasteflow.core.symbiosis.capacity import stations_of
from wasteflow.core.symbiosis.dependence import Dependence, concentration
from wasteflow.core.symbiosis.dependence_rows import (
    FORMULA_WORDS,
    closure_row,
    concentration_row,
    hinge_rows,
    producer_rows,
    rate_value,
)
from wasteflow.core.symbiosis.links import NO_LIMITS
from wasteflow.core.symbiosis.placing import Placer
from wasteflow.core.symbiosis.prices import Prices
from wasteflow.core.symbiosis.structure import hinges_and_bridges
from wasteflow.core.symbiosis.today import Today
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.units import tonnes_text
from wasteflow.services.matching import judged
from wasteflow.services.reports import check_material
from wasteflow.services.standing import read_today
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.kept import Kept

REROUTED_FIRST: Final = 20
"""Receivers that are re-routed without being asked for: those of the most tonnes."""
MOST_REROUTED: Final = 500
_KEPT: Kept[Hashable, Dependence] = Kept(8)


def dependence_report(
    *,
    db: Database,
    scope: str = "all",
    period: Period,
    material: str = "",
    formula: str = "official",
    reroute: int = REROUTED_FIRST,
    receiver: str = "",
    may_name: Collection[str] | None = None,
) -> dict[str, Any]:
    """N-1 over the receivers of a scope's producers, concentration, hinges of the flow graph.

    The `reroute` receivers of the most tonnes, and `receiver`, are re-routed too.  may_name: firms
    that may be named beside those that trade with the scope directly; None = all.
    Raises InvalidValue `bad_scope`, `bad_formula`, `bad_reroute`; NotFound `unknown_code`.
    """
    _check(formula, reroute)
    today, firms, synthetic = _read(db, scope, period, material)
    if receiver and receiver not in today.registry.enterprises:
        raise NotFound("unknown_code", what="enterprise", value=receiver)
    found = dependence_of(today, firms, formula)
    partners = _partners(today, firms)

    def names(firm: str) -> bool:
        return may_name is None or firm in firms or firm in partners or firm in may_name

    if receiver and not names(receiver):
        raise NotFound("unknown_code", what="enterprise", value=receiver)
    by_receiver, taken = found.by_receiver(), found.by_producer()
    order, whole = found.receivers(), sum(by_receiver.values())
    first = {*order[:reroute], receiver}
    hinges, bridges = hinges_and_bridges(today.trades, firms)
    with no_collecting():
        rows = [
            closure_row(found, found.without(firm, reroute=firm in first), whole, names)
            for firm in order
        ]
        producers = producer_rows(sorted(found.owners), taken, names)
    asked = {"period": period.text, "scope": scope, "material": material, "formula": formula}
    return {
        **asked,
        "synthetic": synthetic,
        "basis": Basis.DECLARED.value,
        "rule": "mixing",
        "formulas": FORMULA_WORDS,
        "rate": rate_value(found.rate),
        "not_computable": found.rate.not_computable,
        "generated_t": tonnes_text(found.total.generated_kg),
        "utilised_t": tonnes_text(whole),
        "left_out": sorted({firm for firm, _ in today.late if firm in firms}),
        "receivers": len(order),
        "rerouted": sum(firm in first for firm in order),
        "concentration": concentration_row(concentration(by_receiver), names),
        "rows": rows,
        "producers": producers,
        **hinge_rows(hinges, bridges),
    }


def _read(
    db: Database, scope: str, period: Period, material: str
) -> tuple[Today, frozenset[str], bool]:
    """What stands today, the firms of the scope, and whether the books hold synthetic records."""
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        firms = keys.registry.in_scope(scope)
        today = read_today(session, keys, period, material)
        return today, firms, queries.has_synthetic(session)


def _check(formula: str, reroute: int) -> None:
    """Raises InvalidValue `bad_formula`, `bad_reroute`."""
    if formula not in FORMULAS:
        raise InvalidValue("bad_formula", value=formula, known=" ".join(FORMULAS))
    if not 0 <= reroute <= MOST_REROUTED:
        raise InvalidValue("bad_reroute", value=reroute, limit=MOST_REROUTED)


def dependence_of(today: Today, firms: frozenset[str], formula: str) -> Dependence:
    """Dependence over a starting point, kept with what it worked out as long as that is."""
    key = id(today), firms, formula
    found = _KEPT.get(key)
    if found is not None and found.today is today:
        return found
    known = judged(today.registry, today.coefficients, NO_LIMITS, today.period)
    placer = Placer(today.registry, Prices(today.coefficients), end_of(today.period), known)
    stations = stations_of(today.registry, today.used, today.months)
    return _KEPT.put(key, Dependence(today, firms, formula, stations, placer))


def _partners(today: Today, firms: frozenset[str]) -> frozenset[str]:
    """Firms that delivered to the scope or took from it directly."""
    return frozenset(
        firm for pair in today.trades for firm in pair if pair[0] in firms or pair[1] in firms
    )
