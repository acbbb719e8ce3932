"""Existing use links in a scenario year: in proportion to generation, up to capacity; pure.

    target(link) = kg today x growth of its generator
    kept         = min(target, kg today) x (1 - share lost at the receiver)
                 + what of the increase the receiver has room for
    displaced    = target - kept: looks for another place

The increase is shared in proportion among a receiver's links of one material and route.  A receiver
whose capacity nobody states keeps its links at today's tonnes and takes no increase.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final

import numpy as np
from msgspec import Struct

from wasteflow.core.columns import Ints
from wasteflow.core.periods import Period
from wasteflow.core.scenarios.columns import KeptLinks, LinkColumns, columns_of, shares, times
from wasteflow.core.scenarios.stations import Yearly, by_firm, share_closed
from wasteflow.core.symbiosis.today import Owner, Today

ONE: Final = Fraction(1)
Scale = Mapping[Owner, Fraction]
"""Growth factor of a generator's material in a year; absent = 1."""


class Keeping(Struct, frozen=True):
    """Links of a year and what they leave: room by facility, and increases nobody can judge."""

    links: KeptLinks
    room_kg: Mapping[str, int]
    unjudged_kg: int = 0

    def displaced(self) -> dict[Owner, tuple[int, int]]:
        """(generator, material) → (kilograms without their place, the older part of them)."""
        return self.links.displaced()


def keep_links(
    today: Today,
    stations: list[Yearly],
    closed: Mapping[str, tuple[date | None, ...]],
    period: Period,
    scale: Scale,
    short: Mapping[Owner, int],
) -> Keeping:
    """The links of a year; stations in order of code; short: old stock that no longer is there."""
    columns = columns_of(today)
    target, prior = _targets(columns, scale, short)
    low = np.minimum(target, columns.kg)
    shrink = _shrinking(columns, low)
    lost = {item.code: _lost(item, shrink) for item in stations}
    room = {
        item.code: max(0, item.capacity_kg - item_stays(item, shrink, lost[item.code]))
        for item in stations
        if item.capacity_kg is not None
    }
    wanted = _by_group(columns, target - low)
    touched = {item.enterprise for item in stations if lost[item.code]} | closed.keys()
    own, kept, unjudged = by_firm(stations), low.copy(), 0
    for number, (receiver, material, route) in enumerate(columns.groups):
        if not wanted[number] and receiver not in touched:
            continue
        rows = columns.of_group[number]
        there = [s for s in own.get(receiver, ()) if s.changed.station.takes(material, route)]
        if receiver in touched:
            share = _share_lost(there, material, route, lost)
            share = max(share, share_closed(closed, receiver, period))
            kept[rows] -= times(low[rows], share)
        rooms = [item.code for item in there if item.code in room]
        if not rooms:
            unjudged += wanted[number]
        kept[rows] += _given((target - low)[rows], wanted[number], room, rooms)
    older = np.where(kept == target, prior, shares(kept, prior, target))
    return Keeping(KeptLinks(columns, target, prior, kept, older), room, unjudged)


def _targets(columns: LinkColumns, scale: Scale, short: Mapping[Owner, int]) -> tuple[Ints, Ints]:
    """What the links would carry, and the older part of that: less by what is short of it."""
    kg, prior = columns.kg.copy(), columns.prior_kg.copy()
    factors = [scale.get(owner, ONE) for owner in columns.owners]
    for factor in sorted(set(factors) - {ONE}):
        owners = [number for number, one in enumerate(factors) if one == factor]
        rows = np.flatnonzero(np.isin(columns.owner, owners))
        kg[rows] = times(columns.kg[rows], factor)
        prior[rows] = np.minimum(kg[rows], times(columns.prior_kg[rows], factor))
    for number, owner in enumerate(columns.owners) if short else ():
        if short.get(owner):
            rows = np.flatnonzero(columns.owner == number)
            less = _in_proportion(prior[rows].tolist(), short[owner])
            kg[rows] -= less
            prior[rows] -= less
    return kg, prior


def _in_proportion(amounts: list[int], kg: int) -> Ints:
    """`kg`, or all there is, shared in proportion to amounts, none above its own."""
    whole = sum(amounts)
    part = min(kg, whole)
    shared = [amount * part // whole if whole else 0 for amount in amounts]
    left = part - sum(shared)
    for number, amount in enumerate(amounts):
        more = min(left, 1, amount - shared[number])
        shared[number] += more
        left -= more
    return np.array(shared, np.int64)


def _by_group(columns: LinkColumns, kg: Ints) -> list[int]:
    """Sums by group, exact."""
    found = np.zeros(len(columns.groups), np.int64)
    np.add.at(found, columns.group, kg)
    return [int(amount) for amount in found.tolist()]


def _shrinking(columns: LinkColumns, low: Ints) -> dict[tuple[str, str, str], Fraction]:
    """Group → what is left of its use where some of its generators make less."""
    if (low == columns.kg).all():
        return {}
    left, whole = _by_group(columns, low), _by_group(columns, columns.kg)
    some = np.unique(columns.group[low < columns.kg]).tolist()
    return {columns.groups[number]: Fraction(left[number], whole[number]) for number in some}


def _given(more: Ints, wanted: int, room: dict[str, int], rooms: list[str]) -> Ints:
    """What of the increases there is room for, in proportion; takes the room away."""
    free = sum(room[code] for code in rooms)
    if free >= wanted:
        given = more
    elif not free:
        return np.zeros_like(more)
    else:
        given = np.array([kg * free // wanted for kg in more.tolist()], np.int64)
    taken = int(given.sum())
    for code in rooms:
        here = min(taken, room[code])
        room[code] -= here
        taken -= here
    return given


def _used(item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction]) -> Fraction:
    """What would be used at a facility this year without the increase and without losses."""
    firm = item.enterprise
    if not shrink:
        return Fraction(item.changed.station.used_kg)
    return sum(
        (
            kg * shrink.get((firm, material, route), ONE)
            for (material, route), kg in item.changed.station.used.items()
        ),
        Fraction(0),
    )


def _lost(item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction]) -> Fraction:
    if not item.closed and item.shrunk_to_kg is None:
        return Fraction(0)
    return item.lost_share(_used(item, shrink))


def item_stays(
    item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction], lost: Fraction
) -> int:
    """Kilograms that stay at a facility, rounded up so that no room is invented."""
    if not shrink and not lost:
        return item.changed.station.used_kg
    stays = _used(item, shrink) * (1 - lost)
    return -(-stays.numerator // stays.denominator)


def _share_lost(
    there: list[Yearly],
    material: str,
    route: str,
    lost: Mapping[str, Fraction],
) -> Fraction:
    """Share of a receiver's use of a route that loses its place: by what stands where.

    Where nothing was used yet (accepted, not used), the mildest of its facilities.
    """
    if not there:
        return Fraction(0)
    at = {item.code: item.changed.station.used.get((material, route), 0) for item in there}
    whole = sum(at.values())
    if not whole:
        return min(lost[item.code] for item in there)
    return sum((lost[code] * kg for code, kg in at.items()), Fraction(0)) / whole
