"""Named queries of the drill: roll-up rows of some places, and the records behind one of them.

Rows come as core postings' keys and records, so that their kilograms can be held against each
other; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey
from wasteflow.core.vocabulary import Evidence
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import EntryRow, EventRow, FlowMonthRow, PlaceRow, ShipmentRow
from wasteflow_models.queries import places, reversed_entry_ids

CHUNK = 500


def rollup_rows(
    session: Session,
    keys: Keys,
    first: int,
    last: int,
    *,
    source: tuple[int, str] | Place | None = None,
    target: tuple[int, str] | Place | None = None,
    material: str = "",
) -> Iterator[tuple[FlowKey, int, int]]:
    """(key, kg, n) of the roll-up rows of months first..last, in key order.

    source, target: a place, or (kind, enterprise) for every place of that kind and first firm
    ("" = any firm).
    """
    row = FlowMonthRow
    query = select(
        row.month, row.source_id, row.target_id, row.material_id, row.route_id, row.evidence,
        row.kg, row.n,
    ).where(row.month >= first, row.month <= last)  # fmt: skip
    for wanted, column in ((source, row.source_id), (target, row.target_id)):
        if wanted is None:
            continue
        end = aliased(PlaceRow)
        query = query.join(end, end.id == column)
        if isinstance(wanted, Place):
            kind, a, b = keys.place_key(wanted)
            query = query.where(and_(end.kind == int(kind), end.a == a, end.b == b))
        else:
            query = query.where(end.kind == wanted[0])
            if wanted[1]:
                query = query.where(end.a == keys.id_of("enterprise", wanted[1]))
    if material:
        query = query.where(row.material_id == keys.id_of("material", material))
    known = places(session, keys)
    stuff, route = keys.codes["material"], keys.codes["route"]
    query = query.order_by(*row.__table__.primary_key)
    for month, s, t, m, r, e, kg, n in session.execute(query):
        key = FlowKey(month, known[s], known[t], stuff[m], route[r], Evidence(e))
        yield key, int(kg), int(n)


def loads_near(session: Session, keys: Keys, key: FlowKey) -> list[ShipmentRow]:
    """Loads on the road of `key` that moved in its month, reversed ones left out.

    The road is the transit place among the two ends (the target where both are).
    """
    road = key.target if key.target.kind is PlaceKind.TRANSIT else key.source
    row = ShipmentRow
    months = (row.dispatched_month, row.received_month, row.lost_month)
    query = (
        select(row)
        .where(
            row.holder_id == keys.id_of("enterprise", road.a),
            row.consignee_id == keys.id_of("enterprise", road.b),
            row.material_id == keys.id_of("material", key.material),
            row.route_id == keys.id_of("route", key.route),
            row.evidence == int(key.evidence),
            ~row.reversed_,
            or_(*(month == key.month for month in months)),
        )
        .order_by(row.id)
    )
    return list(session.scalars(query))


def entries_near(session: Session, keys: Keys, key: FlowKey) -> list[EntryRow]:
    """Entries in force of the firm of `key` in its month, material and evidence."""
    place = key.source if key.source.owner else key.target
    year, month = divmod(key.month, 100)
    row = EntryRow
    query = (
        select(row)
        .where(
            row.enterprise_id == keys.id_of("enterprise", place.owner),
            row.material_id == keys.id_of("material", key.material),
            row.day >= date(year, month, 1),
            row.day < date(year + month // 12, month % 12 + 1, 1),
            row.evidence == int(key.evidence),
            row.reverses_id.is_(None),
        )
        .order_by(row.id)
    )
    found = list(session.scalars(query))
    gone = reversed_entry_ids(session, [item.id for item in found])
    return [item for item in found if item.id not in gone]


def event_moments(session: Session, shipments: Sequence[int]) -> dict[tuple[int, str], datetime]:
    """(shipment, kind of event) → moment of the latest such event."""
    found: dict[tuple[int, str], datetime] = {}
    for start in range(0, len(shipments), CHUNK):
        part = shipments[start : start + CHUNK]
        query = (
            select(EventRow.shipment_id, EventRow.kind, EventRow.at)
            .where(EventRow.shipment_id.in_(part))
            .order_by(EventRow.shipment_id, EventRow.seq)
        )
        found |= {(int(key), kind): at for key, kind, at in session.execute(query)}
    return found
