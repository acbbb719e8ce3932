"""Supply and demand of a period, read from its books and the registry; no link is judged here."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from wasteflow.core.books import PeriodBooks
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.registry import Facility, Registry
from wasteflow.core.rules import takes
from wasteflow.core.symbiosis.links import Demand, Position, Supply
from wasteflow.core.vocabulary import Fate

MONTHS: Final = 12
OPERATING: Final = frozenset({"", "operating"})
AHEAD: Final = frozenset({"building", "planned"})
"""Statuses of facilities that take something now, and of those that would."""


def end_of(period: Period) -> date:
    """The last day of a period.

    >>> end_of(Period.parse("2024-02"))
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(period.last, 100)
    return date(year, month, monthrange(year, month)[1])


def supplies_of(books: PeriodBooks, registry: Registry, wanted: Iterable[str]) -> Iterator[Supply]:
    """What firms that generated in the period disposed of, dumped, or added to their stock.

    In order of firm and material; nothing for a firm whose stock fell by more than it disposed of.
    """
    inside, left = frozenset(wanted), defaultdict[tuple[str, str], int](int)
    generated: set[tuple[str, str]] = set()
    for flow in books.flows:
        key = flow.source.owner, flow.material
        if flow.source.kind is PlaceKind.GENERATION:
            generated.add((flow.target.owner, flow.material))
        elif flow.target.kind in (PlaceKind.DISPOSAL, PlaceKind.DUMPING):
            left[key] += flow.kg
    for sign, stock in ((1, books.closing()), (-1, books.opening)):
        for (place, material), kg in stock.items():
            if place.kind in (PlaceKind.SITE, PlaceKind.YARD):
                left[place.owner, material] += sign * kg
    for firm, material in sorted(generated):
        kg = left[firm, material]
        if firm in inside and kg > 0 and registry.materials[material].is_waste:
            yield Supply(firm, material, kg, position_of(registry, firm))


def demands_of(
    books: PeriodBooks, registry: Registry, period: Period, *, planned: bool = False
) -> tuple[list[Demand], list[str]]:
    """(free capacity of use facilities in order of code, those whose capacity nobody states).

    What a firm used by routes a facility takes counts against its capacity; of several facilities
    that take a route the first by code is filled first.
    """
    used: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for flow in books.flows:
        if flow.target.kind is PlaceKind.USE:
            used[flow.source.owner][flow.material, flow.route] += flow.kg
    months = len(list(period.months()))
    day = end_of(period)
    found, unstated = [], []
    for facility in _use_facilities(registry, planned):
        routes = routes_of(registry, facility)
        if facility.capacity_kg_per_year is None:
            unstated.append(facility.code)
            continue
        left = facility.capacity_kg_per_year * months // MONTHS
        taken = used.get(facility.enterprise, {}) if facility.enterprise else {}
        for (material, route), kg in sorted(taken.items()):
            if route in routes.get(material, ()):
                part = min(left, kg)
                left -= part
                taken[material, route] = kg - part
        found.append(_demand(registry, facility, day, left, routes))
    return found, unstated


def demand_of(registry: Registry, facility: Facility, day: date, free_kg: int) -> Demand:
    """A facility as a demand; `enterprise` of a project without a firm is its own code."""
    return _demand(registry, facility, day, free_kg, routes_of(registry, facility))


def _demand(
    registry: Registry,
    facility: Facility,
    day: date,
    free_kg: int,
    routes: Mapping[str, tuple[str, ...]],
) -> Demand:
    return Demand(
        facility.code,
        facility.enterprise or facility.code,
        free_kg,
        routes,
        position_of(registry, facility.enterprise, facility.park),
        facility.valid_on(day),
        facility.status in AHEAD,
    )


def _use_facilities(registry: Registry, planned: bool) -> list[Facility]:
    statuses = OPERATING | AHEAD if planned else OPERATING
    return [
        item
        for _, item in sorted(registry.facilities.items())
        if item.kind == Fate.USE and item.status in statuses
    ]


def routes_of(registry: Registry, facility: Facility) -> dict[str, tuple[str, ...]]:
    """Material → use routes a facility takes it by."""
    found = {}
    for material, using in registry.use_routes.items():
        routes = tuple(route.code for route in using if takes(facility, route, material))
        if routes:
            found[material] = routes
    return found


def position_of(registry: Registry, firm: str, park: str = "") -> Position | None:
    """(lon, lat) of a firm, else of the nearest park above it that has one."""
    item = registry.enterprises.get(firm)
    if item is not None and item.lon is not None and item.lat is not None:
        return item.lon, item.lat
    for code in registry.parks_up(park or (item.park if item else "")):
        home = registry.parks[code]
        if home.lon is not None and home.lat is not None:
            return home.lon, home.lat
    return None
