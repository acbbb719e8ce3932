"""What breaks if a receiver closes: N-1 over receivers, single receivers, concentration; pure.

    points lost        = 100 x (rate of the scope - rate without the use at the receiver)
    with re-routing    : what lost its place goes where there is room, at the least cost (`placing`)
    stranded           = tonnes that lost their place and found none
    concentration HHI  = sum of squared shares of the receivers, 1/n .. 1 (Herfindahl-Hirschman)

A receiver is a firm at which generators are credited with use, itself included for own use; closed
means that it takes nothing.  What has no place is stored where it arose; the older part of it stays
in the stock, so it leaves the numerator and the denominator of the official formula alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from wasteflow.core.formulas import FORMULAS, PRODUCT, Rate, Terms
from wasteflow.core.symbiosis.capacity import Station
from wasteflow.core.symbiosis.placing import Placement, Placer
from wasteflow.core.symbiosis.today import (
    Owner,
    Today,
    UseLink,
    moved,
    only_products,
    sum_of_terms,
)


class Lost(NamedTuple):
    """What a producer loses at a receiver; `rerouted_kg` None where that was not asked for."""

    producer: str
    material: str
    kg: int
    prior_kg: int
    rerouted_kg: int | None
    reason: str

    @property
    def stranded_kg(self) -> int:
        """What finds no other place (all of it without re-routing)."""
        return self.kg - (self.rerouted_kg or 0)


@dataclass(frozen=True, slots=True)
class Closure:
    """A receiver closed, as the scope sees it: `terms` and `rate` without its use.

    rerouted_terms, rerouted_rate: with what found another place; None where not asked for.
    """

    receiver: str
    lost: tuple[Lost, ...]
    terms: Terms
    rate: Rate
    rerouted_terms: Terms | None = None
    rerouted_rate: Rate | None = None
    cost_fen: int | None = None

    @property
    def kg(self) -> int:
        """Kilograms of the scope that lose their place."""
        return sum(item.kg for item in self.lost)

    @property
    def rerouted_kg(self) -> int:
        """Kilograms of the scope that find another one."""
        return sum(item.rerouted_kg or 0 for item in self.lost)


class Concentration(NamedTuple):
    """Shares of receivers: number, HHI, share of the largest and of the three largest; exact."""

    receivers: int
    hhi: Fraction
    top1: Fraction
    top3: Fraction
    largest: str


def concentration(kg: Mapping[str, int]) -> Concentration | None:
    """Concentration of kilograms by receiver; None where there are none.

    >>> float(concentration({"a": 3, "b": 1}).hhi)
    0.625
    """
    total = sum(kg.values())
    if total <= 0:
        return None
    ranked = sorted((-amount, firm) for firm, amount in kg.items() if amount)
    amounts = [-amount for amount, _ in ranked]
    return Concentration(
        len(amounts),
        Fraction(sum(amount * amount for amount in amounts), total * total),
        Fraction(amounts[0], total),
        Fraction(sum(amounts[:3]), total),
        ranked[0][1],
    )


@dataclass
class Dependence:
    """Answers about the receivers of a scope; links of all generators are kept, for re-routing.

    firms: of the scope; formula: by whose rate points are counted; `total` and `rate`: today's.
    """

    today: Today
    firms: frozenset[str]
    formula: str
    stations: Sequence[Station]
    placer: Placer
    owners: frozenset[Owner] = field(init=False)
    total: Terms = field(init=False)
    rate: Rate = field(init=False)

    def __post_init__(self) -> None:
        self.owners = self.today.inside(self.firms)
        self.total = sum_of_terms(self.today.terms[owner] for owner in sorted(self.owners))
        self._closures: dict[tuple[str, bool], Closure] = {}
        self._products = only_products(self.today, self.owners)
        self.rate = self._rate(self.total)
        self._by_receiver: dict[str, list[UseLink]] = defaultdict(list)
        for link in self.today.links:
            self._by_receiver[link.receiver].append(link)
        self._demands = [
            self.placer.demand(station, station.room_kg)
            for station in self.stations
            if station.capacity_kg is not None
        ]
        self._unknown = self.placer.unknown(self.stations)

    def _rate(self, terms: Terms) -> Rate:
        return Rate(None, PRODUCT) if self._products else FORMULAS[self.formula](terms)

    def receivers(self) -> list[str]:
        """Receivers of the scope's producers, those of the most tonnes first."""
        kg = self.by_receiver()
        return sorted(kg, key=lambda firm: (-kg[firm], firm))

    def by_receiver(self) -> dict[str, int]:
        """Receiver → kilograms of the scope."""
        found: dict[str, int] = defaultdict(int)
        for link in self.today.links:
            if (link.generator, link.material) in self.owners:
                found[link.receiver] += link.kg
        return dict(found)

    def by_producer(self) -> dict[Owner, dict[str, int]]:
        """Producer of the scope → kilograms by receiver."""
        found: dict[Owner, dict[str, int]] = {}
        for link in self.today.links:
            owner = link.generator, link.material
            if owner in self.owners:
                taken = found.setdefault(owner, {})
                taken[link.receiver] = taken.get(link.receiver, 0) + link.kg
        return dict(sorted(found.items()))

    def without(self, receiver: str, *, reroute: bool) -> Closure:
        """The scope without the use at a receiver, with or without re-routing; made once."""
        key = receiver, reroute
        if key not in self._closures:
            self._closures[key] = self._without(receiver, reroute)
        return self._closures[key]

    def _without(self, receiver: str, reroute: bool) -> Closure:
        freed: dict[Owner, list[int]] = defaultdict(lambda: [0, 0])
        for link in self._by_receiver.get(receiver, ()):
            amounts = freed[link.generator, link.material]
            amounts[0] += link.kg
            amounts[1] += link.prior_kg
        placement = self._reroute(receiver, freed) if reroute else None
        placed = placement.placed() if placement else {}
        reasons = placement.reasons() if placement else {}
        lost = tuple(
            Lost(
                *owner,
                kg,
                prior,
                placed.get(owner, 0) if placement else None,
                reasons.get(owner, ""),
            )
            for owner, (kg, prior) in sorted(freed.items())
            if owner in self.owners and kg
        )
        gone = moved(
            self.total, -sum(item.kg for item in lost), -sum(item.prior_kg for item in lost)
        )
        closure = Closure(receiver, lost, gone, self._rate(gone))
        return self._rerouted(closure, placement) if placement else closure

    def _rerouted(self, closure: Closure, placement: Placement) -> Closure:
        back = moved(
            closure.terms,
            closure.rerouted_kg,
            sum(older_part(item.rerouted_kg or 0, item.kg, item.prior_kg) for item in closure.lost),
        )
        return Closure(
            closure.receiver,
            closure.lost,
            closure.terms,
            closure.rate,
            back,
            self._rate(back),
            self._cost(placement),
        )

    def _cost(self, placement: Placement) -> int:
        """Fen that the new places of the scope's tonnes cost in all, what is known of it."""
        problem = placement.problem
        fen = 0
        for arc, kg in zip(problem.arcs, placement.found.kg, strict=True):
            supply = problem.supplies[arc.supply]
            if kg and (supply.enterprise, supply.material) in self.owners:
                fen += arc.cost.net_fen * kg
        return round(fen / 1000)

    def _reroute(self, receiver: str, freed: Mapping[Owner, Sequence[int]]) -> Placement:
        """Everything that stood at the receiver, of all producers, against the room elsewhere."""
        demands = [
            replace(demand, kg=0) if demand.enterprise == receiver else demand
            for demand in self._demands
        ]
        supplies = {owner: amounts[0] for owner, amounts in freed.items()}
        return self.placer.place(supplies, demands, self.today.quotas, self._unknown)


def older_part(placed_kg: int, kg: int, prior_kg: int) -> int:
    """What of `placed_kg` out of `kg` is older than the period: in proportion, half to even.

    >>> older_part(50, 100, 20)
    10
    """
    if placed_kg == kg:
        return prior_kg
    return half_even(placed_kg * prior_kg, kg) if kg and prior_kg else 0


def half_even(above: int, below: int) -> int:
    """above / below (> 0) as a whole number, half to even.

    >>> half_even(5, 2), half_even(7, 2), half_even(-5, 2)
    (2, 4, -2)
    """
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole % 2 == 1))


def points_lost(before: Rate, after: Rate | None) -> Fraction | None:
    """Percentage points between two rates; None where one is not computable."""
    if after is None or before.value is None or after.value is None:
        return None
    return 100 * (before.value - after.value)


def single_receivers(by_producer: Mapping[Owner, Mapping[str, int]]) -> Iterable[Owner]:
    """Producers all of whose credited use stands at one receiver."""
    for owner, taken in by_producer.items():
        if len(taken) == 1:
            yield owner
