"""Existing use links in a scenario year: in proportion to generation, up to capacity; pure.

    target(link) = kg today x growth of its generator
    kept         = min(target, kg today) x (1 - share lost at the receiver)
                 + what of the increase the receiver has room for
    displaced    = target - kept: looks for another place

The increase is shared in proportion among a receiver's links of one material and route.  A receiver
whose capacity nobody states keeps its links at today's tonnes and takes no increase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from wasteflow.core.periods import Period
from wasteflow.core.scenarios.stations import Yearly, by_firm, share_closed
from wasteflow.core.symbiosis.dependence import half_even, older_part
from wasteflow.core.symbiosis.today import Owner, Today, UseLink

ONE: Final = Fraction(1)
Scale = Mapping[Owner, Fraction]
"""Growth factor of a generator's material in a year; absent = 1."""
_Target = tuple[UseLink, int, int]


class KeptLink(NamedTuple):
    """A link in a year: what it would carry, what it carries, the older part of both."""

    link: UseLink
    target_kg: int
    target_prior_kg: int
    kg: int
    prior_kg: int


@dataclass(slots=True)
class Keeping:
    """Links of a year and what they leave: room by facility, and increases nobody can judge."""

    links: list[KeptLink] = field(default_factory=list)
    room_kg: dict[str, int] = field(default_factory=dict)
    unjudged_kg: int = 0

    def displaced(self) -> dict[Owner, tuple[int, int]]:
        """(generator, material) → (kilograms without their place, the older part of them)."""
        found: dict[Owner, list[int]] = defaultdict(lambda: [0, 0])
        for item in self.links:
            if item.target_kg > item.kg:
                amounts = found[item.link.generator, item.link.material]
                amounts[0] += item.target_kg - item.kg
                amounts[1] += item.target_prior_kg - item.prior_kg
        return {owner: (kg, prior) for owner, (kg, prior) in sorted(found.items())}


def scaled(kg: int, factor: Fraction) -> int:
    """`kg` times a factor, half to even."""
    above, below = factor.as_integer_ratio()
    return kg if above == below else half_even(kg * above, below)


def keep_links(
    today: Today,
    stations: list[Yearly],
    closed: Mapping[str, tuple[date | None, ...]],
    period: Period,
    scale: Scale,
) -> Keeping:
    """The links of a year; stations in order of code."""
    found = Keeping()
    groups: dict[tuple[str, str, str], list[_Target]] = defaultdict(list)
    ratios = {owner: factor.as_integer_ratio() for owner, factor in scale.items()}
    for link in today.links:
        groups[link.receiver, link.material, link.route].append(_target(link, ratios))
    shrink = {
        key: Fraction(
            sum(min(kg, link.kg) for link, kg, _ in some), sum(link.kg for link, _, _ in some)
        )
        for key, some in groups.items()
        if any(kg < link.kg for link, kg, _ in some)
    }
    lost = {item.code: _lost(item, shrink) for item in stations}
    for item in stations:
        if item.capacity_kg is not None:
            stays = item_stays(item, shrink, lost[item.code])
            found.room_kg[item.code] = max(0, item.capacity_kg - stays)
    own = by_firm(stations)
    for key, some in sorted(groups.items()):
        receiver, material, route = key
        there = [s for s in own.get(receiver, ()) if s.changed.station.takes(material, route)]
        share = _share_lost(there, material, route, lost)
        share = max(share, share_closed(closed, receiver, period))
        _keep_group(found, some, there, share)
    found.links.sort()
    return found


def _used(item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction]) -> Fraction:
    """What would be used at a facility this year without the increase and without losses."""
    firm = item.enterprise
    return sum(
        (
            kg * shrink.get((firm, material, route), ONE)
            for (material, route), kg in item.changed.station.used.items()
        ),
        Fraction(0),
    )


def _lost(item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction]) -> Fraction:
    return item.lost_share(_used(item, shrink))


def item_stays(
    item: Yearly, shrink: Mapping[tuple[str, str, str], Fraction], lost: Fraction
) -> int:
    """Kilograms that stay at a facility, rounded up so that no room is invented."""
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


def _keep_group(
    found: Keeping,
    some: list[_Target],
    there: list[Yearly],
    share: Fraction,
) -> None:
    """Keep the links of one receiver, material and route, and take their room away."""
    wanted = sum(kg - link.kg for link, kg, _ in some if kg > link.kg)
    rooms = [item.code for item in there if item.code in found.room_kg]
    room = sum(found.room_kg[code] for code in rooms)
    if wanted and not rooms:
        found.unjudged_kg += wanted
    given = min(wanted, room)
    taken = 0
    for link, kg, prior in some:
        low = min(kg, link.kg)
        more = (kg - low) * given // wanted if kg > low else 0
        taken += more
        kept = low - scaled(low, share) if share else low
        total = kept + more
        found.links.append(KeptLink(link, kg, prior, total, older_part(total, kg, prior)))
    for code in rooms:
        here = min(taken, found.room_kg[code])
        found.room_kg[code] -= here
        taken -= here


def _target(link: UseLink, ratios: Mapping[Owner, tuple[int, int]]) -> _Target:
    """A link with what it would carry, and the older part of that."""
    ratio = ratios.get((link.generator, link.material))
    if ratio is None:
        return link, link.kg, link.prior_kg
    kg = half_even(link.kg * ratio[0], ratio[1])
    return link, kg, min(kg, half_even(link.prior_kg * ratio[0], ratio[1]))
