"""The books of a period as the starting point of dependence and scenarios; reads only."""

from __future__ import annotations

from collections.abc import Hashable

from sqlalchemy.orm import Session

from wasteflow.core.periods import Period
from wasteflow.core.symbiosis.books import end_of, supplies_of
from wasteflow.core.symbiosis.filings import Filings, months_of
from wasteflow.core.symbiosis.prices import KINDS
from wasteflow.core.symbiosis.today import (
    Today,
    UseLink,
    stock_of,
    trades_of,
    used_of,
    whole_links,
)
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.tracing.receivers import CreditedUse, credited_use
from wasteflow.services.rating import firm_terms
from wasteflow.services.tracing import Traced, traced
from wasteflow_models import products, queries
from wasteflow_models.convert import Keys
from wasteflow_models.kept import Kept

_KEPT: Kept[Hashable, Today] = Kept(8)
"""Starting points by what they were made of: one page asks for the same as the next."""


def read_today(session: Session, keys: Keys, period: Period, material: str = "") -> Today:
    """The starting point of a period, of one material or of every waste.

    Capacity is always judged by the use of every material.  Kept until the books, the registry or
    a coefficient change.
    """
    versions = queries.rollup_versions(session, keys)
    registry = keys.registry
    coefficients = products.coefficients(session, keys, KINDS)
    stamp = period, material, repr(sorted(versions.items())), repr(coefficients), id(registry)
    found = _KEPT.get(stamp)
    if found is not None and found.registry is registry:
        return found
    wanted = [
        stuff
        for stuff in sorted(registry.materials)
        if (stuff == material if material else registry.materials[stuff].is_waste)
    ]
    items, _ = firm_terms(session, keys, [period], Basis.DECLARED.value, material)
    counted = [item for item in items if item.material in wanted]
    links: list[UseLink] = []
    for stuff in wanted:
        if stuff in versions:
            own = {item.enterprise: item.terms for item in counted if item.material == stuff}
            rows = _credited(traced(session, keys, stuff, versions), period)
            links += whole_links(stuff, own, rows)
    books = queries.period_books(session, keys, period, negatives=False)
    filings = Filings(registry, end_of(period))
    unmet = supplies_of(books, registry, frozenset(registry.enterprises))
    today = Today(
        registry,
        period,
        {(item.enterprise, item.material): item.terms for item in counted},
        frozenset((item.enterprise, item.material) for item in counted if item.late),
        tuple(sorted(links)),
        stock_of(books, wanted),
        used_of(books),
        tuple(supply for supply in unmet if supply.material in wanted),
        tuple(coefficients),
        {
            item.code: max(
                0,
                item.quota_kg
                - filings.used_kg(item, queries.flow_sums(session, keys, *months_of(item, period))),
            )
            for _, item in sorted(registry.filings.items())
            if item.quota_kg is not None
        },
        trades_of(books, wanted),
    )
    return _KEPT.put(stamp, today)


def _credited(books: Traced, period: Period) -> list[CreditedUse]:
    """Credited use by receiver, kept with the chain."""

    def make(missing: list[Period]) -> list[list[CreditedUse]]:
        return [credited_use(books.operators, books.passed, one) for one in missing]

    return books.each("receivers", [period], make)[0]
