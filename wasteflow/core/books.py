"""The books of a period as reports read them: sums of flows and the stock they start from.

Built from the roll-up alone, so their size depends on links, never on loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey
from wasteflow.core.vocabulary import Evidence


class FlowSum(NamedTuple):
    """Kilograms and loads that went from one place to another in a period."""

    source: Place
    target: Place
    material: str
    route: str
    evidence: Evidence
    kg: int
    n: int


Stock = dict[tuple[Place, str], int]
"""(holding place, material) → book kilograms; negative where more went out than came in."""


@dataclass(frozen=True, slots=True)
class PeriodBooks:
    """Flows of a period and the opening stock of every holding place.

    Opening postings (期初) dated in the first month belong to the opening stock, not to the flows:
    they say what lay there before.  Later ones are flows from the boundary `opening`.
    `negative` lists places whose book was below zero at a month end of the period.
    """

    period: Period
    flows: Sequence[FlowSum]
    opening: Mapping[tuple[Place, str], int]
    negative: frozenset[tuple[Place, str]] = field(default_factory=frozenset)

    def closing(self) -> Stock:
        """Book stock at the end of the period: opening + in - out, zeros left out."""
        stock: Stock = dict(self.opening)
        for flow in self.flows:
            if flow.target.holds_stock:
                key = flow.target, flow.material
                stock[key] = stock.get(key, 0) + flow.kg
            if flow.source.holds_stock:
                key = flow.source, flow.material
                stock[key] = stock.get(key, 0) - flow.kg
        return {key: kg for key, kg in stock.items() if kg}


def books_of_rollup(
    rollup: Mapping[FlowKey, tuple[int, int]], period: Period, material: str = ""
) -> PeriodBooks:
    """The books of `period` out of a whole roll-up in memory (tests, small books, checking)."""
    flows: dict[tuple[Place, Place, str, str, Evidence], tuple[int, int]] = {}
    opening: Stock = {}
    monthly: dict[tuple[Place, str], dict[int, int]] = {}
    for key, (kg, n) in rollup.items():
        if key.month > period.last or (material and key.material != material):
            continue
        stated = key.source.kind is PlaceKind.OPENING and key.month == period.first
        if key.month < period.first or stated:
            _move(opening, key, kg)
        else:
            sum_key = key.source, key.target, key.material, key.route, key.evidence
            old = flows.get(sum_key, (0, 0))
            flows[sum_key] = old[0] + kg, old[1] + n
        for place, sign in ((key.target, 1), (key.source, -1)):
            if place.holds_stock:
                months = monthly.setdefault((place, key.material), {})
                months[key.month] = months.get(key.month, 0) + sign * kg
    rows = [FlowSum(*key, kg, n) for key, (kg, n) in sorted(flows.items())]
    return PeriodBooks(period, rows, opening, _negative(monthly, period))


def _move(stock: Stock, key: FlowKey, kg: int) -> None:
    for place, sign in ((key.target, 1), (key.source, -1)):
        if place.holds_stock:
            stock[place, key.material] = stock.get((place, key.material), 0) + sign * kg


def _negative(
    monthly: Mapping[tuple[Place, str], Mapping[int, int]], period: Period
) -> frozenset[tuple[Place, str]]:
    """Places below zero at the end of a month of the period."""
    found = set()
    for key, months in monthly.items():
        book = 0
        ordered = sorted(months)
        for position, month in enumerate(ordered):
            book += months[month]
            until = ordered[position + 1] if position + 1 < len(ordered) else None
            last = period.last if until is None else next_month(until, -1)
            if book < 0 and month <= period.last and last >= period.first:
                found.add(key)
                break
    return frozenset(found)
