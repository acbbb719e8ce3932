"""Streaming the records in order for proofs and exports: loads with their events, entries.

Core rows in chunks, so memory stays bounded however many records the books hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, and_, func, select, text
from sqlalchemy.orm import Session

from wasteflow_models.ledger import (
    EntryRow,
    EventRow,
    LoadChildRow,
    ShipmentRow,
    recorded,
    visible,
)
from wasteflow_models.raw import read_ints
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]
FEW = 500

CHUNK = 20_000
_EVENT = [
    func.coalesce(EventRow.input_kg, EventRow.kg).label("input_kg")
    if column.name == "input_kg"
    else column
    for column in EventRow.__table__.c
]
"""Columns of an event, the mass as given spelt out."""


def refused_numbers(session: Session) -> dict[int, str]:
    """Id → number of every load with children."""
    query = (
        select(ShipmentRow.id, ShipmentRow.doc_no)
        .where(ShipmentRow.id.in_(select(LoadChildRow.parent_id)), visible())
        .order_by(ShipmentRow.id)
    )
    return {row.id: row.doc_no for row in session.execute(query)}


def loads(session: Session) -> Iterator[tuple[Row[Any], list[Row[Any]]]]:
    """Every published shipment (all columns) with its events in order of seq; by month."""
    last = 0
    while True:
        query = (
            select(*ShipmentRow.__table__.c)
            .where(ShipmentRow.id > last, visible())
            .order_by(ShipmentRow.id)
            .limit(CHUNK)
        )
        headers = session.execute(query).all()
        if not headers:
            return
        first, last = headers[0].id, headers[-1].id
        within = and_(EventRow.shipment_id >= first, EventRow.shipment_id <= last)
        yield from _with_events(session, headers, within)


def loads_of(session: Session, ids: Sequence[int]) -> Iterator[tuple[Row[Any], list[Row[Any]]]]:
    """The loads of `ids` as `loads` gives them."""
    for start in range(0, len(ids), FEW):
        part = ids[start : start + FEW]
        query = select(*ShipmentRow.__table__.c).where(ShipmentRow.id.in_(part))
        headers = session.execute(query.order_by(ShipmentRow.id)).all()
        yield from _with_events(session, headers, EventRow.shipment_id.in_(part))


def _with_events(
    session: Session, headers: Sequence[Row[Any]], where: ColumnElement[bool]
) -> Iterator[tuple[Row[Any], list[Row[Any]]]]:
    events: dict[int, list[Row[Any]]] = {}
    query = select(*_EVENT).where(where).order_by(EventRow.shipment_id, EventRow.seq)
    for event in session.execute(query):
        events.setdefault(event.shipment_id, []).append(event)
    for header in headers:
        yield header, events.get(header.id, [])


_HEADER_INTS = (
    "id", "kind", "consignor_id", "consignee_id", "holder_id", "parent_id",
    "parent_consignee_id", "material_id", "route_id", "from_facility_id", "to_facility_id",
    "from_outside", "to_outside", "trips", "state", "dispatched_at", "dispatched_month",
    "dispatched_kg", "received_at", "received_month", "received_kg", "accepted_kg", "refused_kg",
    "lost_month", "evidence", "reversed",
)  # fmt: skip
_EVENT_INTS = (
    "shipment_id", "seq", "kind", "at", "booked_month", "kg", "input_kg", "dry_kg",
    "accepted_kg", "refused_kg", "basis", "moisture", "evidence",
)  # fmt: skip
_BLANKS = {"dry_kg": "-1", "moisture": "-1", "input_kg": "kg"}
BLOCK = 50_000
UNSEEN = (
    f"state <> {STATES.index('draft')} AND "
    "coalesce(batch_id, 0) NOT IN (SELECT id FROM batch WHERE NOT published)"
)
"""What `ledger.visible` says, as plain SQL of `shipment`."""


def load_blocks(session: Session) -> Iterator[tuple[dict[str, Ints], dict[str, Ints]]]:
    """Every published load as integer columns of its header and of its events, by blocks of id.

    0 stands for a blank key or moment, -1 for a blank dry mass or moisture.
    """
    last = 0
    while True:
        header = _block(
            session,
            "shipment",
            _HEADER_INTS,
            f"id > {last} AND {UNSEEN} ORDER BY id LIMIT {BLOCK}",
        )
        if not len(header["id"]):
            return
        first, last = int(header["id"][0]), int(header["id"][-1])
        within = f"shipment_id BETWEEN {first} AND {last} ORDER BY shipment_id, seq"
        yield header, _block(session, "event", _EVENT_INTS, within)


def _block(session: Session, table: str, names: Sequence[str], where: str) -> dict[str, Ints]:
    columns = ", ".join(f"coalesce({_plain(name)}, {_BLANKS.get(name, '0')})" for name in names)
    found = read_ints(session, f"SELECT {columns} FROM {table} WHERE {where}", len(names))
    return dict(zip(names, found, strict=True))


def _plain(name: str) -> str:
    """Truth values as numbers (PostgreSQL keeps them apart)."""
    flags = ("from_outside", "to_outside", "reversed")
    return f"CAST({name} AS INTEGER)" if name in flags else name


def child_pairs(session: Session) -> set[tuple[int, int]]:
    """(parent, child) of every listed child."""
    query = select(LoadChildRow.parent_id, LoadChildRow.child_id)
    ordered = query.order_by(LoadChildRow.parent_id, LoadChildRow.child_id)
    return {(row.parent_id, row.child_id) for row in session.execute(ordered)}


def doc_numbers(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Id → document number of those that exist."""
    wanted = sorted(set(ids))
    found: dict[int, str] = {}
    for start in range(0, len(wanted), FEW):
        query = select(ShipmentRow.id, ShipmentRow.doc_no).where(
            ShipmentRow.id.in_(wanted[start : start + FEW])
        )
        found |= {row.id: row.doc_no for row in session.execute(query.order_by(ShipmentRow.id))}
    return found


def misnumbered(session: Session) -> list[str]:
    """Numbers of loads that `load_number` does not lead to, and entries that lead nowhere.

    Drafts have no number yet; loads that are on their way may lie apart (`months_apart`).
    """
    issued = f"state <> {STATES.index('draft')}"
    lost = text(
        "SELECT s.doc_no FROM shipment s LEFT JOIN load_number n ON n.doc_no = s.doc_no "
        "AND n.consignor_id = s.consignor_id AND n.shipment_id = s.id "
        f"WHERE n.doc_no IS NULL AND s.{issued} ORDER BY s.doc_no"
    )
    found = list(session.execute(lost).scalars())
    counts = [
        session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        for table in (f"shipment WHERE {issued}", "load_number")
    ]
    if not found and counts[0] != counts[1]:
        nowhere = text(
            "SELECT n.doc_no FROM load_number n LEFT JOIN shipment s ON s.id = n.shipment_id "
            "WHERE s.id IS NULL AND NOT EXISTS (SELECT 1 FROM staged t "
            "WHERE n.shipment_id BETWEEN t.first_id AND t.last_id) ORDER BY n.doc_no"
        )
        found = list(session.execute(nowhere).scalars())
    return found


def entries(session: Session, kind: str = "") -> Iterator[Row[Any]]:
    """Every entry row (all columns) in order of id, of one kind or all."""
    last = 0
    while True:
        query = (
            select(*EntryRow.__table__.c)
            .where(EntryRow.id > last, recorded())
            .order_by(EntryRow.id)
            .limit(CHUNK)
        )
        if kind:
            query = query.where(EntryRow.kind == kind)
        rows = session.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        yield from rows
