"""`postings(record)`: what a record moves, as pure functions; nothing is stored one by one.

Every posting takes whole kilograms of one material in one month from one place to another, so the
sum over all places and boundaries is zero by construction.  The vectorised twin for bulk work is
`postings_bulk`; a property test holds both equal.  The table of rules is 3-architecture 3.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wasteflow.core.places import (
    DUMPING,
    GENERATION,
    LOST,
    OUTSIDE,
    RECIRCULATED,
    STOCKTAKE,
    WEIGHING,
    Place,
    PlaceKind,
    site,
    transit,
    yard,
)
from wasteflow.core.records import Entry, LoadHeader, LoadStatus
from wasteflow.core.vocabulary import ROUTE_ENTRIES, EntryKind, Evidence, LoadKind


class FlowKey(NamedTuple):
    """Key of the roll-up `flow_month`."""

    month: int
    source: Place
    target: Place
    material: str
    route: str
    evidence: Evidence


class Posting(NamedTuple):
    """`kg` of `key.material` from `key.source` to `key.target`; `n` loads (or 1 for an entry)."""

    key: FlowKey
    kg: int
    n: int


Rollup = dict[FlowKey, tuple[int, int]]
"""FlowKey → (kg, n), without keys that are zero in both."""


def entry_postings(entry: Entry) -> tuple[Posting, ...]:
    """Postings of an entry; () once it is reversed, and for a stocktake without difference."""
    if entry.reversed_:
        return ()
    ends = _entry_ends(entry)
    kg = entry.kg
    if entry.kind is EntryKind.STOCKTAKE:
        kg = abs(entry.difference_kg)
    if kg == 0:
        return ()
    route = entry.route if entry.kind in ROUTE_ENTRIES else ""
    key = FlowKey(entry.month, *ends, entry.material, route, entry.evidence)
    return (Posting(key, kg, 1),)


def _entry_ends(entry: Entry) -> tuple[Place, Place]:
    """(from, to) of an entry."""
    here = site(entry.enterprise)
    store = yard(entry.enterprise)
    counted = store if entry.compartment == "yard" else here
    match entry.kind:
        case EntryKind.GENERATION:
            return (RECIRCULATED if entry.from_use else GENERATION), here
        case EntryKind.OPENING:
            year = str(entry.year_generated) if entry.year_generated is not None else ""
            return Place(PlaceKind.OPENING, entry.generator, year), counted
        case EntryKind.TO_YARD:
            return here, store
        case EntryKind.FROM_YARD:
            return store, here
        case EntryKind.USE:
            return here, Place(PlaceKind.USE, entry.route)
        case EntryKind.DISPOSAL:
            return here, Place(PlaceKind.DISPOSAL, entry.route)
        case EntryKind.TREATMENT:
            return here, here
        case EntryKind.DUMPING:
            return here, DUMPING
        case EntryKind.STOCKTAKE:
            return (STOCKTAKE, counted) if entry.difference_kg > 0 else (counted, STOCKTAKE)


def load_postings(header: LoadHeader, status: LoadStatus) -> tuple[Posting, ...]:
    """Postings of a load as it stands; () once it is reversed or before its dispatch.

    dispatch: site of the consignor (or the parent's transit, or outside) → transit;
    loss: transit → lost;
    decision: transit → site of the consignee (outside for an external firm), accepted kilograms;
    weight gain or loss transit ↔ weighing difference; the refused part stays in transit.
    """
    if status.reversed_ or not status.dispatched_month:
        return ()
    road = transit(header.holder, header.consignee)
    moves: list[tuple[int, Place, Place, int]] = [
        (status.dispatched_month, _origin(header), road, status.dispatched_kg)
    ]
    if status.lost_month:
        moves.append((status.lost_month, road, LOST, status.dispatched_kg))
    if status.received_month:
        month = status.received_month
        gain = status.received_kg - status.dispatched_kg
        moves.append((month, WEIGHING, road, gain) if gain > 0 else (month, road, WEIGHING, -gain))
        goal = OUTSIDE if header.to_outside else site(header.consignee)
        moves.append((month, road, goal, status.accepted_kg))
    return tuple(
        Posting(
            FlowKey(month, source, target, header.material, header.route, status.evidence),
            kg,
            header.trips,
        )
        for month, source, target, kg in moves
        if kg
    )


def _origin(header: LoadHeader) -> Place:
    """Where the mass of a dispatch comes from."""
    if header.kind is not LoadKind.DELIVERY:
        return transit(header.holder, header.parent_consignee)
    return OUTSIDE if header.from_outside else site(header.consignor)


def add_postings(rollup: Rollup, postings: Iterable[Posting], sign: int = 1) -> None:
    """Add `postings` (sign = -1: take them out) to `rollup` in place; zero rows are dropped."""
    for key, kg, n in postings:
        old_kg, old_n = rollup.get(key, (0, 0))
        new = (old_kg + sign * kg, old_n + sign * n)
        if new == (0, 0):
            rollup.pop(key, None)
        else:
            rollup[key] = new


def place_net(rollup: Mapping[FlowKey, tuple[int, int]]) -> dict[tuple[Place, str], int]:
    """Net kilograms (in - out) per place and material over a whole roll-up, zeros included."""
    net: dict[tuple[Place, str], int] = defaultdict(int)
    for key, (kg, _) in rollup.items():
        net[key.target, key.material] += kg
        net[key.source, key.material] -= kg
    return dict(net)
