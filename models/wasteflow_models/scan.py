"""Streaming the records in order for proofs and exports: loads with their events, entries.

Core rows in chunks, so memory stays bounded however many records the books hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from wasteflow_models.ledger import EntryRow, EventRow, FlowMonthRow, PlaceRow, ShipmentRow

CHUNK = 20_000


def loads(session: Session) -> Iterator[tuple[Row[Any], list[Row[Any]]]]:
    """Every shipment (all columns) with its events in order of seq."""
    last = 0
    while True:
        query = (
            select(*ShipmentRow.__table__.c)
            .where(ShipmentRow.id > last)
            .order_by(ShipmentRow.id)
            .limit(CHUNK)
        )
        headers = session.execute(query).all()
        if not headers:
            return
        first, last = headers[0].id, headers[-1].id
        events: dict[int, list[Row[Any]]] = {}
        query = (
            select(*EventRow.__table__.c)
            .where(EventRow.shipment_id >= first, EventRow.shipment_id <= last)
            .order_by(EventRow.shipment_id, EventRow.seq)
        )
        for event in session.execute(query):
            events.setdefault(event.shipment_id, []).append(event)
        for header in headers:
            yield header, events.get(header.id, [])


def entries(session: Session, kind: str = "") -> Iterator[Row[Any]]:
    """Every entry row (all columns) in order of id, of one kind or all."""
    last = 0
    while True:
        query = (
            select(*EntryRow.__table__.c)
            .where(EntryRow.id > last)
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


def flow_rows(session: Session) -> Iterator[Any]:
    """Every roll-up row in key order, its places spelt out as (kind, a, b)."""
    source, target = PlaceRow.__table__.alias("s"), PlaceRow.__table__.alias("t")
    row = FlowMonthRow.__table__
    query = (
        select(
            row.c.month,
            source.c.kind.label("s_kind"),
            source.c.a.label("s_a"),
            source.c.b.label("s_b"),
            target.c.kind.label("t_kind"),
            target.c.a.label("t_a"),
            target.c.b.label("t_b"),
            row.c.material_id,
            row.c.route_id,
            row.c.evidence,
            row.c.kg,
            row.c.n,
        )
        .join(source, source.c.id == row.c.source_id)
        .join(target, target.c.id == row.c.target_id)
        .order_by(*row.primary_key)
    )
    yield from session.execute(query.execution_options(yield_per=CHUNK))
