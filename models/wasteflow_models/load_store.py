"""Loads in and out of the tables by columns: numbers, headers, events, completions, discarding.

Everything here runs inside the caller's write transaction; what may be written is decided by
services.  Arrays are int64 and aligned by row; -1 stands for a blank moisture or dry mass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wasteflow.core.records import DISPATCHES, RECEIPTS, EventKind
from wasteflow_models import apart
from wasteflow_models.ledger import (
    EventRow,
)
from wasteflow_models.load_events import (
    WEIGHT_COLUMNS,
    events_from,
    weights_in_statement,
)
from wasteflow_models.load_ids import STEP
from wasteflow_models.raw import (
    FEW,
    by_index,
    insert_columns,
    is_postgresql,
    many,
    temporary,
)
from wasteflow_models.words import BASES, EVENT_KINDS, WEIGHED

Ints = NDArray[np.int64]
Stored = dict[str, Any]
"""Column name → array (masses, keys, moments) or list (texts) of loads in the books."""


def add_numbers(session: Session, doc_no: Sequence[str], consignor: Ints, ids: Ints) -> Ints:
    """Claim (number, consignor) for each load; returns the id that has it, its own if it is new.

    Of equal numbers the first row gets it.  A number that another transaction is about to commit is
    waited for; on PostgreSQL numbers are claimed in order, so that writers cannot wait for each
    other in a circle (many by the statement that takes them over, a few here).
    """
    columns: dict[str, Any] = {"doc_no": doc_no, "consignor_id": consignor, "shipment_id": ids}
    if len(ids) <= FEW:
        rows = sorted(zip(doc_no, consignor.tolist(), range(len(ids)), ids.tolist(), strict=True))
        numbers, consignors, _, claimed = zip(*rows, strict=True)
        values = list(numbers), list(consignors), list(claimed)
        columns = dict(zip(columns, values, strict=True))
    taken = insert_columns(
        session, "load_number", len(ids), columns, ending="ON CONFLICT DO NOTHING"
    )
    return ids if taken == len(ids) else find_numbers(session, doc_no, consignor)


def find_numbers(session: Session, doc_no: Sequence[str], consignor: Ints) -> Ints:
    """Id of the load that has (number, consignor), 0 where none has."""
    found = np.zeros(len(consignor), np.int64)
    if len(consignor) <= FEW:
        query = text(
            "SELECT shipment_id FROM load_number WHERE doc_no = :doc_no AND consignor_id = :firm"
        )
        for row, firm in enumerate(consignor.tolist()):
            found[row] = session.scalar(query, {"doc_no": doc_no[row], "firm": firm}) or 0
        return found
    columns = {
        "row_no": np.arange(len(consignor)),
        "doc_no": list(doc_no),
        "consignor_id": consignor,
    }
    with temporary(session, "asked_number", "row_no BIGINT, doc_no TEXT, consignor_id BIGINT"):
        insert_columns(session, "asked_number", len(consignor), columns)
        with by_index(session):
            rows = session.execute(
                text(
                    "SELECT a.row_no, n.shipment_id FROM asked_number a CROSS JOIN load_number n "
                    "WHERE n.doc_no = a.doc_no AND n.consignor_id = a.consignor_id "
                    "ORDER BY a.row_no"
                )
            ).all()
        for row_no, shipment_id in rows:
            found[row_no] = shipment_id
    return found


def month_ranges(ids: Ints) -> list[tuple[int, int]]:
    """First and last id of each month among `ids`."""
    found = []
    for month in np.unique(ids // STEP).tolist():
        here = ids[ids // STEP == month]
        found.append((int(here.min()), int(here.max())))
    return found


def insert_loads(
    session: Session,
    ids: Ints,
    header: Mapping[str, Any],
    weights: Mapping[str, Any],
    batch_id: int,
    now: datetime,
) -> None:
    """Headers, and the events that follow from them and from `weights`.

    header: columns of `shipment` but id and batch_id; weights: columns `WEIGHT_COLUMNS` for
    those loads (`id`) whose weights are not plain wet measured kilograms, or that have a reason.
    """
    if is_postgresql(session) and len(ids) > FEW:
        from wasteflow_models import (  # polars: a tenth of a second that pages do not need
            copied_moves,
            load_copy,
        )

        copies = load_copy.claimed_copies(ids, header, weights, batch_id, now)
        copied_moves.copy_headers(session, copies)
        copied_moves.copy_events(session, copies)
        return
    columns = {"id": ids, "batch_id": batch_id, **header}
    insert_columns(session, "shipment", len(ids), columns)
    told = {"batch": batch_id, "now": int(now.timestamp())}
    if len(ids) <= FEW:
        few, reasons = weights_in_statement(weights)
        for first, last in month_ranges(ids):
            session.execute(text(few + _EVENTS), {**told, **reasons, "first": first, "last": last})
        return
    with temporary(session, "load_weight", ", ".join(map(" ".join, WEIGHT_COLUMNS.items()))):
        insert_columns(session, "load_weight", len(weights["id"]), weights)
        for first, last in month_ranges(ids):
            session.execute(text(_EVENTS), {**told, "first": first, "last": last})


_EVENTS = (
    events_from("shipment", "load_weight", "w.id = s.id")
    + " AND s.id BETWEEN :first AND :last AND s.batch_id = :batch"
)
"""Events of staged headers."""


def book_events(session: Session, ids: Ints, booked_month: Ints) -> None:
    """Book the events of new loads no earlier than in the month given for each."""
    statement = "UPDATE event SET booked_month = ? WHERE shipment_id = ? AND booked_month < ?"
    many(session, statement, [booked_month, ids, booked_month])


def open_batches(session: Session) -> set[int]:
    """Batches whose loads are staged and not published."""
    rows = session.execute(text("SELECT id FROM batch WHERE NOT published ORDER BY id"))
    return set(rows.scalars())


def add_children(session: Session, parents: Ints, children: Ints) -> None:
    """Note which loads carry on the refused part of which."""
    order = np.lexsort((children, parents))
    columns = {"parent_id": parents[order], "child_id": children[order]}
    insert_columns(session, "load_child", len(children), columns)


_STORED_INTS = (
    "s.id, coalesce(s.batch_id, 0) AS batch_id, s.consignor_id, s.consignee_id, s.holder_id, "
    "coalesce(s.parent_id, 0) AS parent_id, s.kind, s.material_id, "
    "coalesce(s.parent_consignee_id, 0) AS parent_consignee_id, "
    "s.route_id, coalesce(s.from_facility_id, 0) AS from_facility_id, "
    "coalesce(s.to_facility_id, 0) AS to_facility_id, CAST(s.from_outside AS INTEGER) AS "
    "from_outside, CAST(s.to_outside AS INTEGER) AS to_outside, s.trips, s.mode, s.state, "
    "s.dispatched_month, s.dispatched_kg, s.lost_month, s.evidence, "
    "CAST(s.reversed AS INTEGER) AS reversed, d.at AS dispatched_at, "
    "d.booked_month AS dispatch_booked, "
    "coalesce(d.input_kg, d.kg) AS dispatch_input_kg, coalesce(d.moisture, -1) AS moisture, "
    "d.basis, d.weighed, coalesce(r.seq, 0) AS receipt_seq, coalesce(r.at, 0) AS received_at, "
    "coalesce(r.input_kg, r.kg, 0) AS receipt_input_kg, "
    "coalesce(r.moisture, -1) AS receipt_moisture, coalesce(r.accepted_kg, 0) AS accepted_kg, "
    "coalesce(r.refused_kg, 0) AS refused_kg, "
    "(SELECT max(e.seq) FROM event e WHERE e.shipment_id = s.id) AS last_seq, "
    "(SELECT max(e.kind) FROM event e WHERE e.shipment_id = s.id) AS last_kind"
)
_STORED_TEXTS = ("vehicle", "carrier", "handler", "ticket_no", "remark")


def stored_loads(session: Session, ids: Ints) -> Stored:
    """The loads of `ids` (distinct, any order; all must exist), in ascending order of id.

    Weights are those of the dispatch and of the decision as they were given, or revised since.
    """
    with temporary(session, "asked_load", "id BIGINT PRIMARY KEY"):
        insert_columns(session, "asked_load", len(ids), {"id": np.sort(ids)})
        texts = ", ".join(f"s.{name}" for name in _STORED_TEXTS)
        with by_index(session):
            result = session.execute(
                text(
                    f"SELECT {_STORED_INTS}, {texts}, coalesce(r.reason, '') AS reason, "
                    "coalesce(p.doc_no, '') AS parent_doc_no "
                    "FROM asked_load a CROSS JOIN shipment s CROSS JOIN event d "
                    "LEFT JOIN shipment p ON p.id = s.parent_id "
                    "LEFT JOIN event r ON r.shipment_id = s.id AND r.kind = 1 "
                    "WHERE s.id = a.id AND d.shipment_id = s.id AND d.seq = 1 ORDER BY s.id"
                )
            )
            names = list(result.keys())
            rows = result.all()
    rows = _as_they_stand(session, rows)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    texts_at = {*_STORED_TEXTS, "reason", "parent_doc_no"}
    return {
        name: list(column) if name in texts_at else np.array(column, np.int64)
        for name, column in zip(names, columns, strict=True)
    }


def _as_they_stand(session: Session, rows: Sequence[Any]) -> list[Any]:
    """The rows, those of loads kept by hand with the dispatch and the receipt that count now."""
    live = [row.id for row in rows if row.last_kind > _LAST_OF_FILES]
    if not live:
        return list(rows)
    stated: dict[int, dict[str, Any]] = {key: dict(_NO_DISPATCH) for key in live}
    for start in range(0, len(live), FEW):
        query = (
            select(*EventRow.__table__.c)
            .where(EventRow.shipment_id.in_(live[start : start + FEW]))
            .order_by(EventRow.shipment_id, EventRow.seq)
        )
        for event in session.execute(query):
            stated[event.shipment_id] |= _stated(event)
    return [
        tuple((dict(row._mapping) | stated[row.id]).values()) if row.id in stated else row
        for row in rows
    ]


_LAST_OF_FILES = EVENT_KINDS.index("reversed")
_NO_DISPATCH = {"dispatched_at": 0, "dispatch_input_kg": 0, "moisture": -1}


def _stated(event: Any) -> dict[str, Any]:
    """What an event says of the dispatch, or of the receipt, in the columns of `stored_loads`."""
    given = event.kg if event.input_kg is None else event.input_kg
    moisture = -1 if event.moisture is None else event.moisture
    at = int(event.at.timestamp())
    if event.kind in DISPATCHES:
        return {
            "dispatched_at": at,
            "dispatch_input_kg": given,
            "moisture": moisture,
            "basis": BASES.index(event.basis),
            "weighed": WEIGHED.index(event.weighed),
        }
    if event.kind not in (*RECEIPTS, EventKind.SETTLED):
        return {}
    parts = {"accepted_kg": event.accepted_kg, "refused_kg": event.refused_kg}
    if event.kind == EventKind.SETTLED:  # the moment and the moisture stay
        return parts | {"receipt_input_kg": given, "reason": event.reason}
    return parts | {
        "receipt_seq": event.seq,
        "received_at": at,
        "receipt_input_kg": given,
        "receipt_moisture": moisture,
        "reason": event.reason,
    }


def sign_loads(
    session: Session,
    ids: Ints,
    seqs: Ints,
    kind: int,
    evidence: Ints,
    booked_month: Ints,
    batch_id: int,
    now: datetime,
) -> None:
    """Note that a file stands to loads as they are: an event without mass, and the new grade."""
    at = int(now.timestamp())
    columns = {
        "shipment_id": ids,
        "seq": seqs,
        "batch_id": batch_id,
        "kind": kind,
        "at": at,
        "booked_month": booked_month,
        "kg": 0,
        "input_kg": None,
        "dry_kg": None,
        "accepted_kg": 0,
        "refused_kg": 0,
        "basis": 0,
        "moisture": None,
        "weighed": 0,
        "evidence": evidence,
        "reason": "",
        "recorded_at": at,
    }
    insert_columns(session, "event", len(ids), columns)
    many(session, "UPDATE shipment SET evidence = ? WHERE id = ?", [evidence, ids])
    apart.settle(session, ids)


def blank(values: Ints) -> list[int | None]:
    """Values with None where they are negative."""
    return [None if value < 0 else value for value in values.tolist()]


def discard_range(session: Session, batch_id: int, first: int, last: int) -> None:
    """Take the staged loads first..last of a batch out of every table."""
    where = {"batch": batch_id, "first": first, "last": last}
    mine = "SELECT id FROM shipment WHERE id BETWEEN :first AND :last AND batch_id = :batch"
    apart.forget_range(session, batch_id, first, last)
    for statement in (
        "DELETE FROM event WHERE shipment_id BETWEEN :first AND :last AND batch_id = :batch",
        f"DELETE FROM load_child WHERE child_id IN ({mine})",
        "DELETE FROM load_number WHERE (doc_no, consignor_id) IN (SELECT doc_no, consignor_id "
        "FROM shipment WHERE id BETWEEN :first AND :last AND batch_id = :batch)",
        "DELETE FROM shipment WHERE id BETWEEN :first AND :last AND batch_id = :batch",
    ):
        session.execute(text(statement), where)


def forget_ranges(session: Session, batch_id: int) -> None:
    """A published batch needs no ranges to be found by."""
    session.execute(text("DELETE FROM staged WHERE batch_id = :batch"), {"batch": batch_id})
