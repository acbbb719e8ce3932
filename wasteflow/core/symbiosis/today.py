"""Who uses whose waste in a period: the starting point of dependence and of scenarios; plain data.

A use link is what a generator is credited with at one receiver by one route, on the declared basis
(the receiver of own use is the generator).  The links of a generator add up to its utilised
kilograms, and their older part to its use of prior stock, to the kilogram.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from wasteflow.core.books import PeriodBooks
from wasteflow.core.coefficients import Coefficient
from wasteflow.core.formulas import FORMULAS, PRODUCT, Rate, Terms
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.links import Supply
from wasteflow.core.tracing.receivers import CreditedUse
from wasteflow.core.tracing.rounding import largest_remainder

Owner = tuple[str, str]
"""(enterprise, material)."""


class UseLink(NamedTuple):
    """Whole kilograms of a generator used at a receiver by a route; `prior_kg` of them are older
    than the period."""

    generator: str
    receiver: str
    material: str
    route: str
    kg: int
    prior_kg: int


@dataclass(frozen=True, slots=True)
class Today:
    """A period of the books as a starting point; amounts in whole kilograms.

    terms: of every generator; late: those whose ledger begins within the period (left out of
    rates); stock: (at the end, what it grew by) of site, yard and loads on the road by holder;
    used: at each firm by material and route, of every material; unmet: what a producer disposed
    of, tipped or added to its stock; quotas: what is left of filings; trades: direct deliveries;
    memo: what was derived from it and may be kept as long as it is.
    """

    registry: Registry
    period: Period
    terms: Mapping[Owner, Terms]
    late: frozenset[Owner]
    links: tuple[UseLink, ...]
    stock: Mapping[Owner, tuple[int, int]]
    used: Mapping[str, Mapping[Owner, int]]
    unmet: tuple[Supply, ...]
    coefficients: tuple[Coefficient, ...] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)
    trades: Mapping[tuple[str, str], int] = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def months(self) -> int:
        """Months of the period."""
        return len(list(self.period.months()))

    def inside(self, firms: Iterable[str]) -> frozenset[Owner]:
        """Generators among `firms` that count in a rate."""
        wanted = frozenset(firms)
        return frozenset(
            owner for owner in self.terms if owner[0] in wanted and owner not in self.late
        )


def whole_links(
    material: str, terms: Mapping[str, Terms], rows: Iterable[CreditedUse]
) -> list[UseLink]:
    """Rows of one material in whole kilograms, so that they add up to the terms of each generator.

    terms: of the generators by code; per route to the split of the terms, older parts to
    `utilised_prior_kg`.  Rows without terms are left out.
    """
    by_route: dict[Owner, list[CreditedUse]] = defaultdict(list)
    for row in rows:
        if row.generator in terms:
            by_route[row.generator, row.route].append(row)
    whole: dict[str, list[tuple[CreditedUse, int]]] = defaultdict(list)
    for (firm, route), some in sorted(by_route.items()):
        split = terms[firm].split
        total = sum(kg for (way, _), kg in split.items() if way == route)
        parts = largest_remainder(np.array([row.kg for row in some]), total).tolist()
        whole[firm] += zip(some, parts, strict=True)
    found = []
    for firm, pairs in sorted(whole.items()):
        prior = terms[firm].utilised_prior_kg or 0
        older = largest_remainder(np.array([row.prior_kg for row, _ in pairs]), prior).tolist()
        for (row, kg), old in zip(pairs, _within(older, [kg for _, kg in pairs]), strict=True):
            if kg:
                found.append(UseLink(firm, row.receiver, material, row.route, kg, old))
    return sorted(found)


def _within(parts: Sequence[int], limits: Sequence[int]) -> list[int]:
    """Parts none of which is above its limit (or below 0); what is cut off goes to the others."""
    kept = [min(max(part, 0), limit) for part, limit in zip(parts, limits, strict=True)]
    left = sum(parts) - sum(kept)
    for number, limit in enumerate(limits):
        more = max(-kept[number], min(left, limit - kept[number]))
        kept[number] += more
        left -= more
    return kept


def used_of(books: PeriodBooks) -> dict[str, dict[Owner, int]]:
    """Firm → (material, route) → kilograms used there."""
    found: dict[str, dict[Owner, int]] = defaultdict(lambda: defaultdict(int))
    for flow in books.flows:
        if flow.target.kind is PlaceKind.USE:
            found[flow.source.owner][flow.material, flow.route] += flow.kg
    return found


def stock_of(books: PeriodBooks, materials: Iterable[str]) -> dict[Owner, tuple[int, int]]:
    """(holder, material) → (stock at the end, what it grew by in the period)."""
    wanted = frozenset(materials)
    found: dict[Owner, list[int]] = defaultdict(lambda: [0, 0])
    for sign, stock in ((1, books.closing()), (-1, books.opening)):
        for (place, material), kg in stock.items():
            if material in wanted:
                held = found[place.owner, material]
                held[1] += sign * kg
                if sign > 0:
                    held[0] += kg
    return {owner: (held[0], held[1]) for owner, held in sorted(found.items())}


def trades_of(books: PeriodBooks, materials: Iterable[str]) -> dict[tuple[str, str], int]:
    """(giver, taker) → kilograms accepted between two firms."""
    wanted = frozenset(materials)
    found: dict[tuple[str, str], int] = defaultdict(int)
    for flow in books.flows:
        arrives = flow.source.kind is PlaceKind.TRANSIT and flow.target.kind is PlaceKind.SITE
        if arrives and flow.material in wanted and flow.source.a != flow.target.owner:
            found[flow.source.a, flow.target.owner] += flow.kg
    return dict(sorted(found.items()))


def sum_of_terms(terms: Iterable[Terms]) -> Terms:
    """Terms added up."""
    total = Terms()
    for item in terms:
        total.add(item)
    return total


def moved(terms: Terms, kg: int, prior_kg: int) -> Terms:
    """Terms with `kg` more put to use (less where negative), taken from what was stored.

    prior_kg of them are older than the period, so only the rest was stored in it.
    """
    if terms.utilised_kg is None or terms.utilised_prior_kg is None:
        return terms
    stored = terms.stored_kg
    return replace(
        terms,
        utilised_kg=terms.utilised_kg + kg,
        utilised_prior_kg=terms.utilised_prior_kg + prior_kg,
        stored_kg=None if stored is None else stored - (kg - prior_kg),
        split={},
    )


def rate_of(today: Today, owners: Iterable[Owner], formula: str, terms: Terms) -> Rate:
    """A rate of the terms of some generators; not computable where all of it is a product."""
    return Rate(None, PRODUCT) if only_products(today, owners) else FORMULAS[formula](terms)


def only_products(today: Today, owners: Iterable[Owner]) -> bool:
    """True if there are owners and none of their materials is a waste."""
    materials = {material for _, material in owners}
    return bool(materials) and not any(
        today.registry.materials[code].is_waste for code in materials
    )
