"""What use facilities have room for, and what of a firm's use stands at which of them; pure.

What a firm used by routes a facility takes fills its facilities in order of code, those that state
a capacity first; what is above all of it stands at one that states none, else at the last that
takes the route.  Room = capacity of the period less what stands there, never below 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from wasteflow.core.registry import Facility, Registry
from wasteflow.core.symbiosis.books import MONTHS, OPERATING, routes_of
from wasteflow.core.vocabulary import Fate

NO_USE: Final[Mapping[tuple[str, str], int]] = {}


class Station(Struct, frozen=True):
    """A use facility in a period: capacity in kilograms (None = nobody states it), use by
    (material, route)."""

    facility: Facility
    routes: Mapping[str, tuple[str, ...]]
    capacity_kg: int | None
    used: Mapping[tuple[str, str], int]

    @property
    def used_kg(self) -> int:
        """Kilograms that stand here."""
        return sum(self.used.values())

    @property
    def room_kg(self) -> int:
        """Kilograms more it could take; 0 where nobody states a capacity."""
        return 0 if self.capacity_kg is None else max(0, self.capacity_kg - self.used_kg)

    def takes(self, material: str, route: str) -> bool:
        """True if it is registered for the route of the material."""
        return route in self.routes.get(material, ())


def stations_of(
    registry: Registry,
    used: Mapping[str, Mapping[tuple[str, str], int]],
    months: int,
    ahead: Iterable[str] = (),
) -> list[Station]:
    """Use facilities in operation, and those named in `ahead`, in order of code.

    used: firm → (material, route) → kilograms of the period.
    """
    named = frozenset(ahead)
    facilities = [
        item
        for _, item in sorted(registry.facilities.items())
        if item.kind == Fate.USE and (item.status in OPERATING or item.code in named)
    ]
    kinds: dict[tuple[frozenset[str], frozenset[str]], dict[str, tuple[str, ...]]] = {}
    routes = {}
    for item in facilities:
        key = item.materials, item.routes
        if key not in kinds:
            kinds[key] = routes_of(registry, item)
        routes[item.code] = kinds[key]
    by_firm: dict[str, list[Facility]] = defaultdict(list)
    for item in facilities:
        by_firm[item.enterprise].append(item)
    at: dict[str, dict[tuple[str, str], int]] = {}
    for firm, own in by_firm.items():
        if firm:
            at.update(_filled(own, routes, used.get(firm, NO_USE), months))
    return [
        Station(item, routes[item.code], _capacity(item, months), at.get(item.code, {}))
        for item in facilities
    ]


def _capacity(facility: Facility, months: int) -> int | None:
    yearly = facility.capacity_kg_per_year
    return None if yearly is None else yearly * months // MONTHS


def _filled(
    own: list[Facility],
    routes: Mapping[str, Mapping[str, tuple[str, ...]]],
    used: Mapping[tuple[str, str], int],
    months: int,
) -> dict[str, dict[tuple[str, str], int]]:
    """Facility → what of a firm's use stands there."""
    left = dict(sorted(used.items()))
    at: dict[str, dict[tuple[str, str], int]] = {item.code: {} for item in own}
    stated = [item for item in own if item.capacity_kg_per_year is not None]
    for item in stated:
        room = _capacity(item, months) or 0
        for (material, route), kg in left.items():
            if route in routes[item.code].get(material, ()):
                part = min(room, kg)
                room -= part
                left[material, route] -= part
                if part:
                    at[item.code][material, route] = part
    open_ended = [item for item in own if item.capacity_kg_per_year is None]
    for (material, route), kg in left.items():
        fits = [
            item
            for item in (*open_ended, *reversed(stated))
            if route in routes[item.code].get(material, ())
        ]
        if kg and fits:
            there = at[fits[0].code]
            there[material, route] = there.get((material, route), 0) + kg
    return at
