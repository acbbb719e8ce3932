"""Use facilities of a scenario year by year: what stays open, what is lost, what is new; pure.

capacity(year) = yearly capacity x months in force / 12, before and after a change
lost use       = use x months closed / months           (a facility that closes)
               + use above the new capacity             (one that shrinks, in its open months)
extra          = capacity above today's: the only place for tonnes that have no use today
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.periods import Period, month_of_day
from wasteflow.core.registry import Facility, Registry
from wasteflow.core.scenarios.blocks import Add, Block, Close, Resize
from wasteflow.core.symbiosis.books import MONTHS, OPERATING, routes_of
from wasteflow.core.symbiosis.capacity import Station, stations_of
from wasteflow.core.symbiosis.links import Position
from wasteflow.core.symbiosis.today import Today
from wasteflow.core.vocabulary import Fate


class Changed(Struct, frozen=True):
    """A facility with what happens to it; `opened`: not in operation today.

    resized_kg: its new yearly capacity, None where that stays; closes, starts: from which day
    (None with `closing` or `resizing` = all along).
    """

    station: Station
    position: Position | None = None
    opened: bool = False
    starts: date | None = None
    closing: bool = False
    closes: date | None = None
    resized_kg: int | None = None
    resizes: date | None = None

    @property
    def changes(self) -> bool:
        """True if it may be another one from year to year."""
        return self.opened or self.closing or self.resized_kg is not None


class Yearly(Struct):
    """A facility in one year: capacity (None = not stated), share of the months it is closed, share
    in which it is open with a smaller capacity, and what that lets it use (None = as before)."""

    changed: Changed
    capacity_kg: int | None
    closed: Fraction
    after: Fraction
    shrunk_to_kg: int | None

    @property
    def code(self) -> str:
        """Code of the facility."""
        return self.changed.station.facility.code

    @property
    def enterprise(self) -> str:
        """Firm of the facility, "" if none."""
        return self.changed.station.facility.enterprise

    @property
    def state(self) -> tuple[int | None, Fraction, Fraction, int | None]:
        """What tells one year of it from another."""
        return self.capacity_kg, self.closed, self.after, self.shrunk_to_kg

    def lost_share(self, used_kg: Fraction) -> Fraction:
        """Share of `used_kg` (use here this year, nothing lost) that loses its place."""
        if used_kg <= 0:
            return self.closed
        lost = self.closed * used_kg
        if self.shrunk_to_kg is not None:
            lost += max(Fraction(0), self.after * used_kg - self.shrunk_to_kg)
        return min(Fraction(1), lost / used_kg)

    def extra_kg(self, room_kg: int) -> int:
        """Of `room_kg`, what is above today's capacity."""
        today = self.changed.station.capacity_kg
        if self.changed.opened or today is None:
            return room_kg
        return min(room_kg, max(0, (self.capacity_kg or 0) - today))


def changed_stations(
    today: Today, blocks: Iterable[Block]
) -> tuple[list[Changed], dict[str, tuple[date | None, ...]], list[tuple[str, str]]]:
    """(facilities in order of code, firm → days it closes from, notes as (code, subject)).

    Notes: `already_operating` for an added facility that works today, `closed_twice`.
    """
    registry = today.registry
    found = {
        station.facility.code: Changed(station)
        for station in stations_of(registry, today.used, today.months)
    }
    firms: dict[str, tuple[date | None, ...]] = {}
    notes: list[tuple[str, str]] = []
    left = _left_over(today, [item.station for item in found.values()])
    for number, block in enumerate(blocks):
        if isinstance(block, Add):
            facility = _facility(registry, block, number)
            if facility.code in found:
                notes.append(("already_operating", facility.code))
                continue
            found[facility.code] = _added(registry, facility, block, left, today.months)
    for block in blocks:
        if isinstance(block, Close) and block.enterprise:
            firms[block.enterprise] = (*firms.get(block.enterprise, ()), block.start)
        for code, item in found.items():
            station = item.station.facility
            if isinstance(block, Close) and (
                code == block.facility
                or (block.enterprise and station.enterprise == block.enterprise)
            ):
                found[code] = replace(item, closing=True, closes=_earlier(item, block.start))
            elif isinstance(block, Resize) and code == block.facility:
                found[code] = replace(item, resized_kg=block.capacity_kg, resizes=block.start)
        if isinstance(block, Close | Resize) and block.facility and block.facility not in found:
            notes.append(("not_operating", block.facility))
    return [found[code] for code in sorted(found)], firms, notes


def _earlier(item: Changed, day: date | None) -> date | None:
    if not item.closing:
        return day
    return None if day is None or item.closes is None else min(day, item.closes)


def _facility(registry: Registry, block: Add, number: int) -> Facility:
    """The facility of an `add`: the registered one with the capacity given, or a new one."""
    known = registry.facilities.get(block.code) if block.code else None
    if known is not None:
        return replace(
            known,
            capacity_kg_per_year=block.capacity_kg,
            status=known.status if known.status in OPERATING else "operating",
            enterprise=known.enterprise or block.enterprise,
            park=known.park or block.park,
        )
    return Facility(
        block.code or f"scenario.{number + 1:02d}",
        Fate.USE.value,
        block.name,
        block.enterprise,
        block.park,
        frozenset(block.materials),
        frozenset(block.routes),
        block.capacity_kg,
        "operating",
        block.source,
    )


def _added(
    registry: Registry,
    facility: Facility,
    block: Add,
    left: dict[str, dict[tuple[str, str], int]],
    months: int,
) -> Changed:
    """A facility put into operation; use of its firm that stood nowhere stands there."""
    routes = routes_of(registry, facility)
    capacity = (facility.capacity_kg_per_year or 0) * months // MONTHS
    own, used = left.get(facility.enterprise, {}) if facility.enterprise else {}, {}
    room = capacity
    for (material, route), kg in sorted(own.items()):
        if route in routes.get(material, ()):
            part = min(room, kg)
            room -= part
            own[material, route] = kg - part
            if part:
                used[material, route] = part
    position = None if block.lon is None or block.lat is None else (block.lon, block.lat)
    station = Station(facility, routes, capacity, used)
    return Changed(station, position, opened=True, starts=block.start)


def _left_over(today: Today, stations: Iterable[Station]) -> dict[str, dict[tuple[str, str], int]]:
    """Firm → use that stands at none of its facilities in operation."""
    left: dict[str, dict[tuple[str, str], int]] = {
        firm: dict(used) for firm, used in today.used.items()
    }
    for station in stations:
        own = left.get(station.facility.enterprise)
        for key, kg in station.used.items():
            if own is not None:
                own[key] = own.get(key, 0) - kg
    return left


def yearly(item: Changed, period: Period) -> Yearly:
    """A facility in a period."""
    months = list(period.months())
    count = len(months)
    station = item.station
    capacity = station.capacity_kg
    shut = _from(months, item.closes) if item.closing else 0
    works = months[: count - shut]
    if item.opened:
        works = works[len(works) - _from(works, item.starts) :]
        capacity = capacity or 0
    shrunk, after = None, 0
    if item.resized_kg is not None and _from(months, item.resizes):
        after = _from(works, item.resizes)
        new = item.resized_kg * after // MONTHS
        if capacity is None or item.resized_kg * count // MONTHS < capacity:
            shrunk = new
        before = capacity if capacity is not None else station.used_kg
        capacity = before * (len(works) - after) // count + new
    elif capacity is not None:
        capacity = capacity * len(works) // count
    return Yearly(item, capacity, Fraction(shut, count), Fraction(after, count), shrunk)


def _from(months: list[int], day: date | None) -> int:
    """How many of the months lie at or after that of `day`; all of them if it is None."""
    if day is None:
        return len(months)
    first = month_of_day(day)
    return sum(month >= first for month in months)


def share_closed(
    days: Mapping[str, tuple[date | None, ...]], firm: str, period: Period
) -> Fraction:
    """Share of a period in which a firm as a whole is closed."""
    if firm not in days:
        return Fraction(0)
    months = list(period.months())
    return Fraction(max(_from(months, day) for day in days[firm]), len(months))


def closed_shares(
    days: Mapping[str, tuple[date | None, ...]], period: Period
) -> dict[str, Fraction]:
    """Firm → share of a period in which it is closed."""
    return {firm: share_closed(days, firm, period) for firm in sorted(days)}


def by_firm(stations: Iterable[Yearly]) -> dict[str, list[Yearly]]:
    """Firm → its facilities in order of code."""
    found: dict[str, list[Yearly]] = defaultdict(list)
    for item in stations:
        if item.enterprise:
            found[item.enterprise].append(item)
    return found
