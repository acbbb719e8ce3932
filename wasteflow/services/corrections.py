"""Reversal of a record and loss of a load on the road: an event or a row of its own, no edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.booking import change_of, load_changes
from wasteflow.core.errors import NotFound, RuleBroken
from wasteflow.core.postings import Rollup, add_postings, entry_postings
from wasteflow.core.records import Event, EventKind, apply_event
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.booking import booked_in, check_asked, firms_of, open_month, post_rollup
from wasteflow.services.identity import new_uids
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.writing import note_change, note_load
from wasteflow_models import queries
from wasteflow_models.convert import (
    Keys,
    entry_record,
    event_record,
    load_header,
    load_keys,
    load_status,
    store_status,
)
from wasteflow_models.engine import Alone, Database
from wasteflow_models.entry_store import number_entry
from wasteflow_models.ledger import (
    EntryRow,
    EventRow,
    LoadChildRow,
    LoadNumberRow,
    ShipmentRow,
    recorded,
    visible,
)
from wasteflow_models.live import header_history
from wasteflow_models.order import hold_firms

REVERSAL_MARK = "#reversal"


@again_if_overtaken
def reverse(
    *,
    db: Database,
    doc_no: str,
    reason: str,
    now: datetime,
    enterprise: str = "",
    asked: int = 0,
) -> dict[str, Any]:
    """Take a record out of the books by a reversing record, re-posting nothing.

    `enterprise` (code of the consignor, or of the firm of an entry) tells equal numbers apart;
    `asked` is the month (yyyymm) the reversal asks to be booked in, 0 for the first open one.
    Raises NotFound `doc_unknown`, RuleBroken `doc_ambiguous`, `already_reversed`,
    `cannot_reverse_children`, `reason_needed`, `month_closed`.
    """
    if not reason.strip():
        raise RuleBroken("reason_needed")
    with db.write(Alone.FIRMS) as session:
        keys = load_keys(session)
        entries = _entries(session, keys, doc_no, enterprise)
        loads = _loads(session, keys, doc_no, enterprise)
        if len(entries) + len(loads) > 1:
            firm = keys.codes["enterprise"]
            owners = [firm[row.enterprise_id] for row in entries]
            owners += [firm[row.consignor_id] for row in loads]
            raise RuleBroken("doc_ambiguous", value=doc_no, candidates=", ".join(sorted(owners)))
        if entries:
            return _reverse_entry(session, keys, entries[0], reason, now, asked)
        if loads:
            return _reverse_load(session, keys, loads[0], reason, now, asked)
        raise NotFound("doc_unknown", value=doc_no)


@again_if_overtaken
def lose(
    *,
    db: Database,
    doc_no: str,
    reason: str,
    at: datetime,
    now: datetime,
    enterprise: str = "",
    asked: int = 0,
) -> dict[str, Any]:
    """Record that a load on the road was lost at `at`: its mass goes to `lost`.

    `asked` as in `reverse`.  Raises NotFound `doc_unknown`, RuleBroken `doc_ambiguous`,
    `not_in_transit`, `future_date`, `received_before_dispatched`, `reason_needed`, `month_closed`.
    """
    if not reason.strip():
        raise RuleBroken("reason_needed")
    if at > now:
        raise RuleBroken("future_date")
    with db.write(Alone.NOBODY) as session:
        keys = load_keys(session)
        loads = _loads(session, keys, doc_no, enterprise)
        if not loads:
            raise NotFound("doc_unknown", value=doc_no)
        if len(loads) > 1:
            owners = ", ".join(keys.codes["enterprise"][row.consignor_id] for row in loads)
            raise RuleBroken("doc_ambiguous", value=doc_no, candidates=owners)
        row = loads[0]
        if row.reversed_ or row.state != "in_transit":
            raise RuleBroken("not_in_transit", value=doc_no, state=row.state)
        if at < queries.last_event_at(session, row.id):
            raise RuleBroken("received_before_dispatched")
        kg = _add_event(session, keys, row, EventKind.LOST, at, reason, now, asked)
    return {"doc_no": doc_no, "kind": "shipment", "state": "lost", "kg": kg}


def _entries(session: Session, keys: Keys, doc_no: str, enterprise: str) -> list[EntryRow]:
    query = select(EntryRow).where(EntryRow.doc_no == doc_no, recorded())
    if enterprise:
        query = query.where(EntryRow.enterprise_id == _firm(keys, enterprise))
    return list(session.scalars(query.order_by(EntryRow.id)))


def _loads(session: Session, keys: Keys, doc_no: str, enterprise: str) -> list[ShipmentRow]:
    """Loads in the books that carry a number, locked until the transaction ends."""
    number = select(LoadNumberRow.shipment_id).where(LoadNumberRow.doc_no == doc_no)
    if enterprise:
        number = number.where(LoadNumberRow.consignor_id == _firm(keys, enterprise))
    ids = list(session.scalars(number))  # in a join PostgreSQL looks at every month there is
    if not ids:
        return []
    query = select(ShipmentRow).where(ShipmentRow.id.in_(ids), visible()).order_by(ShipmentRow.id)
    return list(session.scalars(query.with_for_update(of=ShipmentRow)))


def _firm(keys: Keys, code: str) -> int:
    if code not in keys.ids["enterprise"]:
        raise NotFound("unknown_code", what="enterprise", value=code)
    return keys.ids["enterprise"][code]


_COPIED = (
    "enterprise_id",
    "facility_id",
    "kind",
    "material_id",
    "route_id",
    "day",
    "month",
    "kg",
    "input_kg",
    "dry_kg",
    "basis",
    "moisture",
    "weighed",
    "compartment",
    "generator_id",
    "year_generated",
    "from_use",
    "evidence",
    "book_kg",
    "difference_kg",
    "handler",
    "remark",
)


class EntryReversal(Struct, frozen=True):
    """The reversing row of an entry but for its number, and what it posts; nothing is written."""

    values: dict[str, Any]
    rollup: Rollup
    kg: int

    @property
    def booked_month(self) -> int:
        """The month (yyyymm) it is booked in."""
        return int(self.values["booked_month"])

    def post(self, session: Session, keys: Keys) -> None:
        """Add what it posts to the roll-up."""
        post_rollup(session, keys, self.rollup, self.booked_month)

    def write(self, session: Session) -> None:
        """Number the row and insert it, no later than what comes next."""
        number_entry(session, self.values)


def entry_reversal(
    session: Session, keys: Keys, row: EntryRow, reason: str, now: datetime, asked: int = 0
) -> EntryReversal:
    """What takes an entry back, its firm being held; RuleBroken as `reverse`."""
    if row.reverses_id is not None or queries.reversed_entry_ids(session, [row.id]):
        raise RuleBroken("already_reversed", value=row.doc_no)
    rollup: Rollup = {}
    add_postings(rollup, entry_postings(entry_record(row, keys)), -1)
    booked_month = open_month(session, [row.enterprise_id], row.month)
    check_asked(asked, row.month, booked_month)
    values = {
        **{name: getattr(row, name) for name in _COPIED},
        "uid": new_uids(1, now)[0],
        "batch_id": None,
        "doc_no": row.doc_no + REVERSAL_MARK,
        "booked_month": max(booked_month, row.booked_month),
        "reverses_id": row.id,
        "reason": reason,
        "content": 0,
        "recorded_at": now,
    }
    return EntryReversal(values, rollup, row.kg)


def _reverse_entry(
    session: Session, keys: Keys, row: EntryRow, reason: str, now: datetime, asked: int
) -> dict[str, Any]:
    hold_firms(session, [row.enterprise_id])
    reversal = entry_reversal(session, keys, row, reason, now, asked)
    reversal.post(session, keys)
    reversal.write(session)
    note_change(
        session,
        now,
        kind="entry",
        record_id=row.id,
        ref=str(row.uid),
        action="reversed",
        organisations=[keys.codes["enterprise"][row.enterprise_id]],
    )
    return {"doc_no": row.doc_no, "kind": "entry", "state": "reversed", "kg": row.kg}


def _reverse_load(
    session: Session, keys: Keys, row: ShipmentRow, reason: str, now: datetime, asked: int
) -> dict[str, Any]:
    if row.reversed_:
        raise RuleBroken("already_reversed", value=row.doc_no)
    if row.state in ("issued", "cancelled"):
        raise RuleBroken("illegal_event", event="reversed", state=row.state)
    alive = _living_children(session, row.id)
    if alive:
        raise RuleBroken("cannot_reverse_children", value=row.doc_no, children=", ".join(alive))
    kg = _add_event(session, keys, row, EventKind.REVERSED, now, reason, now, asked)
    return {"doc_no": row.doc_no, "kind": "shipment", "state": "reversed", "kg": kg}


def _living_children(session: Session, parent_id: int) -> list[str]:
    """Numbers of the loads that came out of one and are not taken back."""
    ids = list(
        session.scalars(select(LoadChildRow.child_id).where(LoadChildRow.parent_id == parent_id))
    )
    if not ids:
        return []
    query = select(ShipmentRow.doc_no).where(
        ShipmentRow.id.in_(ids), ~ShipmentRow.reversed_, ShipmentRow.state != "cancelled"
    )
    return list(session.scalars(query.order_by(ShipmentRow.id)))


def _add_event(
    session: Session,
    keys: Keys,
    row: ShipmentRow,
    kind: EventKind,
    at: datetime,
    reason: str,
    now: datetime,
    asked: int = 0,
) -> int:
    """Append an event, refold the cache and post the difference; returns the dispatched kg."""
    stored = list(
        session.scalars(
            select(EventRow).where(EventRow.shipment_id == row.id).order_by(EventRow.seq)
        )
    )
    header, before = load_header(row, keys), load_status(row)
    first, revised = header_history(session, row.id, header)
    told = [(event_record(old), old.booked_month) for old in stored]
    event = Event(len(stored) + 1, kind, at, evidence=Evidence(row.evidence))
    after = apply_event(before, event)
    change = change_of(header, before, after)
    booked_month = booked_in(
        session,
        keys,
        firms_of(row),
        change,
        month=event.month,
        earlier=load_changes(first, told, revised),
        asked=asked,
    )
    store_status(row, after)
    session.add(
        EventRow(
            shipment_id=row.id,
            seq=event.seq,
            kind=kind.value,
            at=at,
            booked_month=booked_month,
            evidence=row.evidence,
            reason=reason,
            recorded_at=now,
        )
    )
    session.flush()
    held = held_rows(session, keys, [row])[0]
    post_rollup(session, keys, change, booked_month)
    note_load(held, now, kind.value)
    return before.dispatched_kg
