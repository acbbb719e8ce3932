"""Named read queries over the roll-up and the records; every one is ordered.

Results are core records and tuples, so callers compute after the transaction has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TypeVar

import numpy as np
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from wasteflow.core.books import FlowSum, PeriodBooks, Stock
from wasteflow.core.periods import Period
from wasteflow.core.places import HOLDING, Place, PlaceKind
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.vocabulary import EntryKind, Evidence
from wasteflow_models.convert import Keys
from wasteflow_models.engine import SNAPSHOT
from wasteflow_models.ledger import (
    BatchRow,
    EntryRow,
    EventRow,
    FlowMonthRow,
    PlaceRow,
    RollupVersionRow,
    ShipmentRow,
)

CHUNK = 500
_T = TypeVar("_T", int, str)
_HOLDING = tuple(int(kind) for kind in sorted(HOLDING))


def places(session: Session, keys: Keys) -> dict[int, Place]:
    """All places by their integer key, in its order; a read transaction asks the database once."""
    memo: dict[str, tuple[Keys, dict[int, Place]]] = session.info.get(SNAPSHOT, {})
    if "places" in memo and memo["places"][0] is keys:
        return memo["places"][1]
    query = select(PlaceRow.id, PlaceRow.kind, PlaceRow.a, PlaceRow.b).order_by(PlaceRow.id)
    found = {key: keys.place(kind, a, b) for key, kind, a, b in session.execute(query)}
    memo["places"] = keys, found
    return found


def flow_sums(
    session: Session,
    keys: Keys,
    first: int,
    last: int,
    *,
    material: str = "",
    without_openings_of: int = 0,
) -> list[FlowSum]:
    """Flows of the months first..last summed per link, route and evidence.

    `without_openings_of` leaves out the opening postings of that month.
    """
    source = aliased(PlaceRow)
    row = FlowMonthRow
    query = (
        select(
            row.source_id,
            row.target_id,
            row.material_id,
            row.route_id,
            row.evidence,
            func.sum(row.kg),
            func.sum(row.n),
        )
        .where(row.month >= first, row.month <= last)
        .group_by(row.source_id, row.target_id, row.material_id, row.route_id, row.evidence)
        .order_by(row.source_id, row.target_id, row.material_id, row.route_id, row.evidence)
    )
    if material:
        query = query.where(row.material_id == keys.id_of("material", material))
    if without_openings_of:
        stated = and_(source.kind == int(PlaceKind.OPENING), row.month == without_openings_of)
        query = query.join(source, source.id == row.source_id).where(~stated)
    known = places(session, keys)
    stuff, route = keys.codes["material"], keys.codes["route"]
    sums = [
        FlowSum(known[s], known[t], stuff[m], route[r], Evidence(e), int(kg), int(n))
        for s, t, m, r, e, kg, n in session.execute(query)
    ]
    return sorted(sums)


def stock_at_start(session: Session, keys: Keys, first: int, *, material: str = "") -> Stock:
    """Book kilograms of every holding place before month `first`, its opening postings included."""
    stock: Stock = {}
    known = places(session, keys)
    row, source = FlowMonthRow, aliased(PlaceRow)
    stated = and_(source.kind == int(PlaceKind.OPENING), row.month == first)
    for column, sign in ((row.target_id, 1), (row.source_id, -1)):
        query = (
            select(column, row.material_id, func.sum(row.kg))
            .join(source, source.id == row.source_id)
            .where(or_(row.month < first, stated))
            .group_by(column, row.material_id)
            .order_by(column, row.material_id)
        )
        if material:
            query = query.where(row.material_id == keys.id_of("material", material))
        for place_id, material_id, kg in session.execute(query):
            if known[place_id].holds_stock:
                key = known[place_id], keys.codes["material"][material_id]
                stock[key] = stock.get(key, 0) + sign * int(kg)
    return {key: kg for key, kg in stock.items() if kg}


def negative_places(
    session: Session, keys: Keys, period: Period, *, material: str = ""
) -> frozenset[tuple[Place, str]]:
    """Holding places whose book was below zero at the end of a month of the period."""
    table = FlowMonthRow
    moves = []
    for column, sign in ((table.target_id, 1), (table.source_id, -1)):
        move = (
            select(
                column.label("place"),
                table.material_id.label("material"),
                table.month.label("month"),
                func.sum(table.kg * sign).label("kg"),
            )
            .where(table.month <= period.last)
            .group_by(column, table.material_id, table.month)
        )
        if material:
            move = move.where(table.material_id == keys.id_of("material", material))
        moves.append(move)
    both = moves[0].union_all(moves[1]).subquery()
    month = case((both.c.month < period.first, 0), else_=both.c.month).label("month")
    net = (
        select(both.c.place, both.c.material, month, func.sum(both.c.kg).label("kg"))
        .group_by(both.c.place, both.c.material, month)
        .subquery()
    )
    book = (
        func.sum(net.c.kg)
        .over(partition_by=(net.c.place, net.c.material), order_by=net.c.month)
        .label("book")
    )
    level = select(net.c.place, net.c.material, net.c.month, book).subquery()
    query = (
        select(level.c.place, level.c.material, level.c.month)
        .join(PlaceRow, PlaceRow.id == level.c.place)
        .where(level.c.book < 0, PlaceRow.kind.in_(_HOLDING))
        .order_by(level.c.place, level.c.material, level.c.month)
    )
    below = session.execute(query).all()
    moved = (
        select(net.c.place, net.c.material)
        .where(net.c.month == period.first)
        .order_by(net.c.place, net.c.material)
    )
    moved_first = {(row.place, row.material) for row in session.execute(moved)}
    known, stuff_code = places(session, keys), keys.codes["material"]
    return frozenset(
        (known[row.place], stuff_code[row.material])
        for row in below
        if row.month or (row.place, row.material) not in moved_first
    )


def period_books(
    session: Session, keys: Keys, period: Period, *, material: str = "", negatives: bool = True
) -> PeriodBooks:
    """Opening stock and flows of a period from the roll-up."""
    flows = flow_sums(
        session,
        keys,
        period.first,
        period.last,
        material=material,
        without_openings_of=period.first,
    )
    opening = stock_at_start(session, keys, period.first, material=material)
    below: frozenset[tuple[Place, str]] = frozenset()
    if negatives:
        below = negative_places(session, keys, period, material=material)
    return PeriodBooks(period, flows, opening, below)


def rollup_versions(session: Session, keys: Keys) -> dict[str, int]:
    """Material → version of its roll-up, for materials with records."""
    query = select(RollupVersionRow.material_id, RollupVersionRow.version)
    stuff = keys.codes["material"]
    rows = session.execute(query.order_by(RollupVersionRow.material_id))
    return {stuff[row.material_id]: int(row.version) for row in rows}


def flow_table(session: Session, keys: Keys, material: str) -> FlowTable:
    """The whole roll-up of one material as integer columns."""
    row = FlowMonthRow
    query = (
        select(row.month, row.source_id, row.target_id, row.route_id, row.evidence, row.kg)
        .where(row.material_id == keys.id_of("material", material))
        .order_by(row.month, row.source_id, row.target_id, row.route_id, row.evidence)
    )
    known, found = places(session, keys), session.execute(query).all()
    used = sorted({key for row in found for key in (row.source_id, row.target_id)})
    position = {place_id: number for number, place_id in enumerate(used)}
    routes = sorted(keys.codes["route"])
    route_position = {route_id: number for number, route_id in enumerate(routes)}
    rows = [(m, position[s], position[t], route_position[r], e, kg) for m, s, t, r, e, kg in found]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 6).T
    month, source, target, route, evidence, kg = (np.ascontiguousarray(c) for c in columns)
    return FlowTable.of_columns(
        [known[place_id] for place_id in used],
        [keys.codes["route"][route_id] for route_id in routes],
        month=month,
        source=source,
        target=target,
        route=route,
        evidence=evidence,
        kg=kg,
    )


def ledger_months(session: Session) -> tuple[int, int] | None:
    """First and last month of the books, None when they are empty."""
    span = session.execute(
        select(
            func.min(FlowMonthRow.month).label("first"), func.max(FlowMonthRow.month).label("last")
        )
    ).one()
    return None if span.first is None else (int(span.first), int(span.last))


def has_synthetic(session: Session) -> bool:
    """True if any batch of the books was marked synthetic."""
    query = select(BatchRow.id).where(BatchRow.synthetic).limit(1)
    return session.execute(query).first() is not None


def entries_by_number(
    session: Session, numbers: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], EntryRow]:
    """Entry rows of (enterprise id, document number), those that exist."""
    wanted = set(numbers)
    found: dict[tuple[int, str], EntryRow] = {}
    for part in _chunks(sorted({number for _, number in wanted})):
        query = select(EntryRow).where(EntryRow.doc_no.in_(part)).order_by(EntryRow.id)
        for row in session.scalars(query):
            if (row.enterprise_id, row.doc_no) in wanted:
                found[row.enterprise_id, row.doc_no] = row
    return found


def shipments_by_number(session: Session, numbers: Iterable[str]) -> dict[str, list[ShipmentRow]]:
    """Shipment rows by document number (several consignors may use one number)."""
    found: dict[str, list[ShipmentRow]] = {}
    for part in _chunks(sorted(set(numbers))):
        query = select(ShipmentRow).where(ShipmentRow.doc_no.in_(part)).order_by(ShipmentRow.id)
        for row in session.scalars(query):
            found.setdefault(row.doc_no, []).append(row)
    return found


def reversed_entry_ids(session: Session, ids: Sequence[int] | None = None) -> set[int]:
    """Ids of entries that a later row reverses, among `ids` or all."""
    query = select(EntryRow.reverses_id).where(EntryRow.reverses_id.is_not(None))
    if ids is None:
        return {int(key) for key in session.scalars(query) if key is not None}
    found: set[int] = set()
    for part in _chunks(list(ids)):
        chunk = query.where(EntryRow.reverses_id.in_(part))
        found |= {int(key) for key in session.scalars(chunk) if key is not None}
    return found


def children_dispatched(session: Session, parents: Iterable[int]) -> dict[int, int]:
    """Parent shipment id → kilograms its children (not reversed) took from the refused part."""
    found: dict[int, int] = {}
    for part in _chunks(sorted(set(parents))):
        query = (
            select(ShipmentRow.parent_id, func.sum(ShipmentRow.dispatched_kg))
            .where(ShipmentRow.parent_id.in_(part), ~ShipmentRow.reversed_)
            .group_by(ShipmentRow.parent_id)
            .order_by(ShipmentRow.parent_id)
        )
        found |= {int(key): int(kg) for key, kg in session.execute(query) if key is not None}
    return found


def last_event_at(session: Session, shipment_id: int) -> datetime:
    """Moment of the latest event of a shipment."""
    query = select(EventRow.at).where(EventRow.shipment_id == shipment_id)
    return session.scalars(query.order_by(EventRow.seq.desc()).limit(1)).one()


def opening_days(session: Session, keys: Keys) -> dict[tuple[str, str, str], date]:
    """(enterprise, compartment, material) → latest day of an opening entry in force."""
    gone = select(EntryRow.reverses_id).where(EntryRow.reverses_id.is_not(None))
    query = (
        select(
            EntryRow.enterprise_id,
            EntryRow.compartment,
            EntryRow.material_id,
            func.max(EntryRow.day),
        )
        .where(
            EntryRow.kind == EntryKind.OPENING.value,
            EntryRow.reverses_id.is_(None),
            EntryRow.id.not_in(gone),
        )
        .group_by(EntryRow.enterprise_id, EntryRow.compartment, EntryRow.material_id)
        .order_by(EntryRow.enterprise_id)
    )
    return {
        (keys.codes["enterprise"][e], compartment, keys.codes["material"][m]): day
        for e, compartment, m, day in session.execute(query)
    }


def entries_of(
    session: Session, enterprise_id: int, material_id: int, first: date, last: date
) -> Iterator[EntryRow]:
    """Entries of a firm and material dated first..last, reversals included."""
    query = (
        select(EntryRow)
        .where(
            EntryRow.enterprise_id == enterprise_id,
            EntryRow.material_id == material_id,
            EntryRow.day >= first,
            EntryRow.day <= last,
        )
        .order_by(EntryRow.day, EntryRow.id)
    )
    yield from session.scalars(query)


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
