"""Utilisation rates of a scope and period from the roll-ups (declared basis, without tracing)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from wasteflow.core.attribution import declared_terms
from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, Terms
from wasteflow.core.periods import Period, next_month
from wasteflow.core.rates import TIMES, FirmTerms, parse_groupings, rate_rows
from wasteflow.services.reports import check_material
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

BASES = ("declared",)


def rates_report(
    *,
    db: Database,
    scope: str = "all",
    period: Period,
    material: str = "",
    formula: str = "official",
    basis: str = "declared",
    by: str = "",
    include_products: bool = False,
) -> dict[str, Any]:
    """`rates` of the contract.

    Raises InvalidValue `bad_formula`, `bad_basis`, `bad_grouping`, `bad_scope`; NotFound.
    """
    if formula not in FORMULAS:
        raise InvalidValue("bad_formula", value=formula, known=" ".join(sorted(FORMULAS)))
    if basis not in BASES:
        raise InvalidValue("bad_basis", value=basis, known=" ".join(BASES))
    groupings = parse_groupings(by)
    times = [word for word in groupings if word in TIMES]
    if len(times) > 1:
        raise InvalidValue("bad_grouping", value=",".join(times), known="month | quarter | year")
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        wanted = keys.registry.in_scope(scope)
        starts = queries.ledger_starts(session, keys)
        synthetic = queries.has_synthetic(session)
        items = [
            item
            for part, label in _parts(period, times[0] if times else "")
            for item in _firm_terms(session, keys, part, label, material, starts)
            if item.enterprise in wanted
        ]
        whole = items
        if times:
            whole = [
                item
                for item in _firm_terms(session, keys, period, period.text, material, starts)
                if item.enterprise in wanted
            ]
    options: dict[str, Any] = {"formula": formula, "include_products": include_products}
    rows, total = rate_rows(items, keys.registry, by=groupings, **options)
    if times:
        total = rate_rows(whole, keys.registry, by=(), **options)[1]
    return {
        "period": period.text,
        "scope": scope,
        "formula": formula,
        "basis": basis,
        "synthetic": synthetic,
        "rows": rows,
        "total": total,
    }


def _parts(period: Period, time: str) -> Iterator[tuple[Period, str]]:
    """The period cut into months, quarters or years (whole ones as far as the period goes)."""
    if not time:
        yield period, period.text
        return
    length = {"month": 1, "quarter": 3, "year": 12}[time]
    first = period.first
    while first <= period.last:
        offset = (first % 100 - 1) % length
        last = min(next_month(first, length - 1 - offset), period.last)
        part = Period.of(first, last)
        yield part, part.text
        first = next_month(last)


def _firm_terms(
    session: Session,
    keys: Keys,
    period: Period,
    label: str,
    material: str,
    starts: dict[tuple[str, str], tuple[int, bool]],
) -> list[FirmTerms]:
    books = queries.period_books(session, keys, period, material=material, negatives=False)
    history = queries.flow_sums(session, keys, 0, period.last, material=material)
    before = next_month(period.first, -1)
    earlier = queries.flow_sums(session, keys, 0, before, material=material)
    fates = {code: route.fate for code, route in keys.registry.routes.items()}
    terms = declared_terms(books, history, fates, earlier)
    return [
        FirmTerms(firm, stuff, label, item, _late(starts, firm, stuff, period), not stated)
        for (firm, stuff), item in terms.items()
        if _relevant(item)
        for stated in [starts.get((firm, stuff), (0, True))[1]]
    ]


def _late(
    starts: dict[tuple[str, str], tuple[int, bool]], firm: str, material: str, period: Period
) -> int:
    """Month the ledger of a firm starts if that is after the period's first month, else 0."""
    start = starts.get((firm, material), (0, True))[0]
    return start if start > period.first else 0


def _relevant(terms: Terms) -> bool:
    """A firm that generated, credited or holds anything belongs in the rate."""
    return bool(
        terms.generated_kg
        or terms.utilised_kg is None
        or terms.utilised_kg
        or terms.disposed_kg
        or terms.stored_kg
        or terms.stored_kg is None
    )
