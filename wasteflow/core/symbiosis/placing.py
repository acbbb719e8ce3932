"""Tonnes that lost their place, or have none, put where there is room: one allocation, checked.

The same judge and allocator as potential links; the receivers are whatever stations are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct

from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.allocate import Allocation, allocate
from wasteflow.core.symbiosis.books import AHEAD, position_of
from wasteflow.core.symbiosis.capacity import Station
from wasteflow.core.symbiosis.filings import Filings
from wasteflow.core.symbiosis.links import (
    Demand,
    Judged,
    Position,
    Problem,
    Supply,
    feasible_links,
)
from wasteflow.core.symbiosis.prices import Prices
from wasteflow.core.symbiosis.today import Owner


class Placement(Struct, frozen=True):
    """A problem with its allocation."""

    problem: Problem
    found: Allocation

    def placed(self) -> dict[Owner, int]:
        """(producer, material) → kilograms placed, 0 where none are."""
        return {
            (supply.enterprise, supply.material): supply.kg - left
            for supply, left in zip(self.problem.supplies, self.found.unserved_kg, strict=True)
        }

    def reasons(self) -> dict[Owner, str]:
        """(producer, material) → why some stay."""
        supplies = self.problem.supplies
        return {
            (supplies[number].enterprise, supplies[number].material): reason
            for number, reason in self.found.reasons.items()
        }

    def by_facility(self) -> dict[str, int]:
        """Facility → kilograms put there."""
        found: dict[str, int] = {}
        for arc, kg in zip(self.problem.arcs, self.found.kg, strict=True):
            if kg:
                code = self.problem.demands[arc.demand].facility
                found[code] = found.get(code, 0) + kg
        return found

    def by_filing(self) -> dict[str, int]:
        """Filing → kilograms that crossed a border under it."""
        found: dict[str, int] = {}
        for arc, kg in zip(self.problem.arcs, self.found.kg, strict=True):
            if kg and arc.filing:
                found[arc.filing] = found.get(arc.filing, 0) + kg
        return found


class Placer:
    """What every placement of one day shares: registry, prices, filings, pairs judged so far.

    Facilities are told apart by code: each has one position as long as the placer is used.
    known: pairs judged before under the same registry, prices and day, without limits.
    """

    def __init__(
        self, registry: Registry, prices: Prices, day: date, known: Judged | None = None
    ) -> None:
        self.registry, self.prices, self.day = registry, prices, day
        self.filings = Filings(registry, day)
        self._judged: Judged = {} if known is None else known
        self._conditional = frozenset(
            code for code, route in registry.routes.items() if route.conditional
        )

    def supplies(self, kg: Mapping[Owner, int]) -> list[Supply]:
        """Supplies in order of producer and material, those of nothing left out."""
        return [
            Supply(firm, material, amount, position_of(self.registry, firm))
            for (firm, material), amount in sorted(kg.items())
            if amount > 0
        ]

    def demand(self, station: Station, room_kg: int, position: Position | None = None) -> Demand:
        """A station as a demand with `room_kg` free; a position of its own comes first."""
        item = station.facility
        return Demand(
            item.code,
            item.enterprise or item.code,
            room_kg,
            station.routes,
            position or position_of(self.registry, item.enterprise, item.park),
            item.valid_on(self.day),
            item.status in AHEAD,
        )

    def unknown(self, stations: Sequence[Station]) -> frozenset[str]:
        """Materials that stations without a stated capacity take."""
        return frozenset(
            material
            for station in stations
            if station.capacity_kg is None
            for material in station.routes
        )

    def place(
        self,
        kg: Mapping[Owner, int],
        demands: Sequence[Demand],
        quotas: Mapping[str, int],
        unknown: frozenset[str] = frozenset(),
    ) -> Placement:
        """As many kilograms as can be, at the least cost."""
        problem = feasible_links(
            self.supplies(kg),
            demands,
            self.prices,
            self.filings.of,
            conditional=self._conditional,
            quotas=quotas,
            unknown=unknown,
            known=self._judged,
        )
        return Placement(problem, allocate(problem))
