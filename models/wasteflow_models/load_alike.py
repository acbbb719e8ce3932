"""Loads of the books as integer columns: all that tells one from another for whoever signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow_models.raw import by_index, insert_columns, is_postgresql, read_ints, temporary

Ints = NDArray[np.int64]

_BY_HAND: Final = (
    "EXISTS (SELECT 1 FROM load_draft d WHERE d.shipment_id = s.id) "
    "OR EXISTS (SELECT 1 FROM revision r WHERE r.pending_of = s.id) "
    "OR EXISTS (SELECT 1 FROM event_actor x WHERE x.shipment_id = s.id)"
)
_HEADER: Final = {
    "id": "s.id",
    "holder": "s.holder_id",
    "consignor": "s.consignor_id",
    "consignee": "s.consignee_id",
    "parent_consignee": "coalesce(s.parent_consignee_id, 0)",
    "child": "CASE WHEN s.kind = 0 THEN 0 ELSE 1 END",
    "from_outside": "CAST(s.from_outside AS INTEGER)",
    "to_outside": "CAST(s.to_outside AS INTEGER)",
    "material": "s.material_id",
    "route": "s.route_id",
    "evidence": "s.evidence",
    "trips": "s.trips",
    "dispatched_month": "s.dispatched_month",
    "dispatched_kg": "s.dispatched_kg",
    "received_month": "s.received_month",
    "received_kg": "s.received_kg",
    "accepted_kg": "s.accepted_kg",
    "lost_month": "s.lost_month",
    "gone": "CAST(s.reversed AS INTEGER)",
    "state": "s.state",
    "by_hand": f"CASE WHEN {_BY_HAND} THEN 1 ELSE 0 END",
}
_EVENT: Final = {
    "load": "e.shipment_id",
    "seq": "e.seq",
    "kind": "e.kind",
    "weighed": "e.weighed",
    "evidence": "e.evidence",
    "imported": "CASE WHEN e.batch_id IS NULL THEN 0 ELSE 1 END",
    "booked_month": "e.booked_month",
    "signer": "coalesce(n.id, 0)",
}
_ASKED: Final = "FROM asked_alike a CROSS JOIN shipment s WHERE s.id = a.id"
Columns = Mapping[str, Ints]


def alike_columns(session: Session, ids: Ints) -> tuple[Columns, Columns]:
    """Headers and events of loads (distinct, ascending, all there), ordered by load and number.

    Headers: `postings_bulk.LoadColumns`, state, and by_hand: somebody acted on it.  Events: the
    firm whose own file brought it is `signer`, 0 if nobody's.
    """
    with temporary(session, "asked_alike", "id BIGINT PRIMARY KEY"):
        insert_columns(session, "asked_alike", len(ids), {"id": ids})
        with by_index(session):
            header = read_ints(
                session, f"SELECT {', '.join(_HEADER.values())} {_ASKED} ORDER BY 1", len(_HEADER)
            )
            events = read_ints(
                session,
                f"SELECT {', '.join(_EVENT.values())} "
                "FROM asked_alike a CROSS JOIN event e "
                "LEFT JOIN batch_signer g ON g.batch_id = e.batch_id "
                "LEFT JOIN enterprise n ON n.code = g.organisation "
                "WHERE e.shipment_id = a.id ORDER BY 1, 2",
                len(_EVENT),
            )
    named = zip(_HEADER, header, strict=True), zip(_EVENT, events, strict=True)
    return dict(named[0]), dict(named[1])


def hold_loads(session: Session, ids: Ints) -> None:
    """Keep others who move these loads (ascending) waiting until the transaction ends.

    All of them before any is written, in the order that everybody takes.
    """
    if not len(ids) or not is_postgresql(session):
        return
    with temporary(session, "asked_alike", "id BIGINT PRIMARY KEY"):
        insert_columns(session, "asked_alike", len(ids), {"id": ids})
        with by_index(session):
            session.execute(text(f"SELECT s.id {_ASKED} ORDER BY s.id FOR UPDATE OF s"))


def untouched(session: Session, ids: Ints, versions: Ints) -> bool:
    """Whether these loads have as many events as `versions` tell, and nobody acted on them."""
    if not len(ids):
        return True
    with temporary(session, "asked_alike", "id BIGINT PRIMARY KEY, version INTEGER"):
        insert_columns(session, "asked_alike", len(ids), {"id": ids, "version": versions})
        with by_index(session):
            same = (
                "(SELECT max(e.seq) FROM event e WHERE e.shipment_id = s.id) = a.version "
                f"AND NOT ({_BY_HAND})"
            )
            found = session.scalar(text(f"SELECT count(*) {_ASKED} AND {same}"))
    return int(found or 0) == len(ids)
