"""Declared utilisation per generator without tracing: exact where a firm's mass is its own.

A firm that never received the material from another ships and uses its own generation, so its
tonnes need no tracing.  Where mass passed through a trader or a pile of somebody else before it was
used, the firms concerned are `attribution_untraced`: said, not guessed (2-domain 1.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wasteflow.core.books import FlowSum, PeriodBooks
from wasteflow.core.formulas import UNTRACED, Terms
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.vocabulary import Fate

Owner = tuple[str, str]
"""(enterprise, material)."""


@dataclass(slots=True)
class _Standing:
    """What a firm ever did with a material up to the period's end."""

    generates: bool = False
    outside: bool = False
    received_for_use: bool = False
    received_otherwise: bool = False
    handed_on: set[str] = field(default_factory=set)

    @property
    def own_only(self) -> bool:
        return not (self.received_for_use or self.received_otherwise or self.outside)

    @property
    def user_only(self) -> bool:
        others = self.received_otherwise or self.outside or self.generates
        return self.received_for_use and not others


def declared_terms(
    books: PeriodBooks,
    history: Iterable[FlowSum],
    fates: Mapping[str, str],
    earlier: Iterable[FlowSum] = (),
) -> dict[Owner, Terms]:
    """(generator, material) → terms of the period on the declared basis.

    books: the period; history: all flows up to its end; earlier: all flows before it;
    fates: route code → fate.
    """
    standing = _standings(history, fates)
    untraced = _untraced(books, standing, fates)
    terms: dict[Owner, Terms] = defaultdict(Terms)
    for flow in books.flows:
        if flow.source == flow.target:
            terms[flow.source.owner, flow.material].treated_kg += flow.kg
        else:
            _credit(terms, flow, fates, standing)
    prior = _with_prior(books, earlier, fates)
    adrift = _stored_unknown(books, standing)
    closing = books.closing()
    for (place, material), kg in sorted(closing.items()):
        owner = place.owner, material
        if owner in terms and terms[owner].stored_kg is not None:
            terms[owner].stored_kg = (terms[owner].stored_kg or 0) + kg
    for owner, item in terms.items():
        if owner in prior:
            item.utilised_prior_kg = item.disposed_prior_kg = item.stored_kg = None
        if owner in adrift:
            item.stored_kg = None
        if owner in untraced:
            item.utilised_kg = item.utilised_prior_kg = item.stored_kg = None
            item.disposed_kg = item.disposed_prior_kg = None
            item.split, item.reason = {}, UNTRACED
    relevant = {owner for owner, stand in standing.items() if stand.generates or stand.own_only}
    return {owner: terms[owner] for owner in sorted(terms) if owner in relevant}


def _standings(history: Iterable[FlowSum], fates: Mapping[str, str]) -> dict[Owner, _Standing]:
    found: dict[Owner, _Standing] = defaultdict(_Standing)
    for flow in history:
        source, target = flow.source, flow.target
        if target.holds_stock and source.kind in (
            PlaceKind.GENERATION,
            PlaceKind.RECIRCULATED,
            PlaceKind.OPENING,
        ):
            found[target.owner, flow.material].generates = True
        elif source.kind is PlaceKind.OUTSIDE:
            found[target.owner, flow.material].outside = True
        elif source.kind is PlaceKind.TRANSIT and target.kind is PlaceKind.SITE:
            if source.a == target.a:
                continue
            stand = found[target.a, flow.material]
            if fates.get(flow.route) == Fate.USE:
                stand.received_for_use = True
            else:
                stand.received_otherwise = True
                if fates.get(flow.route) != Fate.DISPOSAL:
                    found[source.a, flow.material].handed_on.add(target.a)
        for place in (source, target):
            if place.holds_stock:
                found[place.owner, flow.material]
    return dict(found)


def _untraced(
    books: PeriodBooks, standing: Mapping[Owner, _Standing], fates: Mapping[str, str]
) -> set[Owner]:
    """Generators whose mass may have been used or disposed of by a firm that mixes sources."""
    mixing = {
        (flow.source.owner, flow.material)
        for flow in books.flows
        if _is_credit(flow, fates)
        and not standing[flow.source.owner, flow.material].own_only
        and not standing[flow.source.owner, flow.material].user_only
    }
    return _with_givers(mixing, standing)


def _stored_unknown(books: PeriodBooks, standing: Mapping[Owner, _Standing]) -> set[Owner]:
    """Firms whose own stock cannot be told: mixed with others', or lost by one it was handed to."""
    mixed = {owner for owner, stand in standing.items() if not stand.own_only}
    leaking = {
        (flow.source.owner, flow.material)
        for flow in books.flows
        if flow.source.holds_stock and not flow.target.holds_stock
    }
    return mixed | _with_givers(mixed & leaking, standing)


def _with_givers(owners: Iterable[Owner], standing: Mapping[Owner, _Standing]) -> set[Owner]:
    """`owners` and everyone who handed mass on to them, directly or through others."""
    givers: dict[Owner, set[Owner]] = defaultdict(set)
    for (firm, material), stand in standing.items():
        for taker in stand.handed_on:
            givers[taker, material].add((firm, material))
    found: set[Owner] = set()
    open_ = sorted(owners)
    while open_:
        owner = open_.pop()
        if owner not in found:
            found.add(owner)
            open_.extend(sorted(givers[owner] - found))
    return found


def _is_credit(flow: FlowSum, fates: Mapping[str, str]) -> bool:
    """True for use, disposal, and acceptance elsewhere under a route with fate use or disposal."""
    if flow.target.kind in (PlaceKind.USE, PlaceKind.DISPOSAL):
        return True
    if flow.source.kind is not PlaceKind.TRANSIT:
        return False
    if flow.target.kind is PlaceKind.OUTSIDE:
        return fates.get(flow.route) in (Fate.USE, Fate.DISPOSAL)
    moved = flow.target.kind is PlaceKind.SITE and flow.source.a != flow.target.a
    return moved and fates.get(flow.route) in (Fate.USE, Fate.DISPOSAL)


def _credit(
    terms: dict[Owner, Terms],
    flow: FlowSum,
    fates: Mapping[str, str],
    standing: Mapping[Owner, _Standing],
) -> None:
    """Add one flow to the terms of the firm whose mass it is."""
    source, target, kg = flow.source, flow.target, flow.kg
    if source.kind is PlaceKind.GENERATION:
        terms[target.owner, flow.material].generated_kg += kg
        return
    if not source.holds_stock:
        return
    item = terms[source.owner, flow.material]
    if _is_credit(flow, fates):
        if standing[source.owner, flow.material].user_only:
            return
        fate = fates.get(flow.route)
        if fate == Fate.USE:
            item.utilised_kg = (item.utilised_kg or 0) + kg
            key = flow.route, flow.evidence
            item.split[key] = item.split.get(key, 0) + kg
        else:
            item.disposed_kg = (item.disposed_kg or 0) + kg
    elif source.kind is PlaceKind.TRANSIT and target.kind is PlaceKind.SITE:
        if source.a != target.a:
            item.stored_kg = (item.stored_kg or 0) + kg
    else:
        _loss(item, target, kg)


def _loss(item: Terms, target: Place, kg: int) -> None:
    match target.kind:
        case PlaceKind.DUMPING:
            item.dumped_kg += kg
        case PlaceKind.LOST:
            item.lost_kg += kg
        case PlaceKind.OUTSIDE:
            item.outside_kg += kg
        case PlaceKind.WEIGHING:
            item.weighing_difference_kg += kg
        case PlaceKind.STOCKTAKE:
            item.stocktake_loss_kg += kg


def _with_prior(
    books: PeriodBooks, earlier: Iterable[FlowSum], fates: Mapping[str, str]
) -> set[Owner]:
    """Firms that may use stock of before the period: their own at its start, or handed on."""
    found = {(place.owner, material) for (place, material), kg in books.opening.items() if kg}
    for flow in earlier:
        if flow.source.kind is PlaceKind.TRANSIT and flow.target.kind is PlaceKind.SITE:
            fate = fates.get(flow.route)
            if flow.source.a != flow.target.a and fate not in (Fate.USE, Fate.DISPOSAL):
                found.add((flow.source.a, flow.material))
    for flow in books.flows:
        if flow.source.kind is PlaceKind.OPENING:
            found.add((flow.target.owner, flow.material))
    return found
