"""The books of a period as the starting point of dependence and scenarios; reads only."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from sqlalchemy.orm import Session

from wasteflow.core.coefficients import Coefficient
from wasteflow.core.collecting import no_collecting
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
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
from wasteflow.core.tracing.receivers import credited_use_together
from wasteflow.core.tracing.together import Together
from wasteflow.services.rating import firm_terms
from wasteflow.services.tracing import Traced, each_traced, made_together
from wasteflow_models import products, queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.kept import Kept

_KEPT: Kept[Hashable, Today] = Kept(8)
"""Starting points by what they were made of: one page asks for the same as the next."""
_COSTS: Kept[str, tuple[Registry, dict[Hashable, object]]] = Kept(4)


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
    with no_collecting():
        today = _made(session, keys, period, material, versions, coefficients)
    return _KEPT.put(stamp, today)


def warm_today(*, db: Database) -> None:
    """Have the starting point of the last year of the books ready for whoever asks first."""
    with db.read() as session:
        span = queries.ledger_months(session)
        if span is not None:
            first, last = span
            period = Period.of(max(first, last // 100 * 100 + 1), last)
            read_today(session, load_keys(session), period)


def _made(
    session: Session,
    keys: Keys,
    period: Period,
    material: str,
    versions: Mapping[str, Mapping[int, int]],
    coefficients: Sequence[Coefficient],
) -> Today:
    registry = keys.registry
    wanted = [
        stuff
        for stuff in sorted(registry.materials)
        if (stuff == material if material else registry.materials[stuff].is_waste)
    ]
    items, _ = firm_terms(session, keys, [period], Basis.DECLARED.value, material)
    counted = [item for item in items if item.material in wanted]
    own: dict[str, dict[str, Terms]] = {stuff: {} for stuff in wanted}
    for item in counted:
        own[item.material][item.enterprise] = item.terms
    moved = [stuff for stuff in wanted if stuff in versions]
    links = _use_links(each_traced(session, keys, moved, versions), period, own)
    books = queries.period_books(session, keys, period, negatives=False)
    filings = Filings(registry, end_of(period))
    unmet = supplies_of(books, registry, frozenset(registry.enterprises))
    return Today(
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
        {"costs": _costs_of(registry, coefficients)},
    )


def _costs_of(registry: Registry, coefficients: Sequence[Coefficient]) -> dict[Hashable, object]:
    """What links cost under these prices: kept however the books change."""
    key = repr(coefficients)
    found = _COSTS.get(key)
    if found is None or found[0] is not registry:
        found = _COSTS.put(key, (registry, {}))
    return found[1]


def _use_links(
    books: Sequence[Traced], period: Period, own: Mapping[str, Mapping[str, Terms]]
) -> list[UseLink]:
    """Use links in whole kilograms, kept with the chains: `own` are the terms by material."""

    def make(whole: Together, some: list[Traced]) -> list[list[UseLink]]:
        rows = credited_use_together(whole, [one.part for one in some], period)
        return [
            whole_links(one.material, own[one.material], found)
            for one, found in zip(some, rows, strict=True)
        ]

    return [link for links in made_together(books, period, "use_links", make) for link in links]
