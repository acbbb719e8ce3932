"""Recording loads: a file of shipments becomes headers, events, cache and roll-up in one commit.

A known number with the same dispatch and a new receipt completes its load; with the same content
it is skipped and counted; anything else is refused with the way to revise it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.core.postings import Rollup, add_postings, load_postings
from wasteflow.core.records import Event, LoadStatus, apply_event, fold
from wasteflow.core.vocabulary import LoadKind
from wasteflow.services.identity import new_uids
from wasteflow.services.load_family import Families
from wasteflow.services.load_rows import CheckedLoad, LoadChecker, Weight
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress, Row
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_header, load_keys, load_status, store_status
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EVENTS, SHIPMENTS, BatchRow, ShipmentRow
from wasteflow_models.rollup import add_to_rollup

WRITE_CHUNK = 5000


@dataclass(slots=True)
class _Plan:
    """What the file asks for, once every row is understood."""

    new: list[CheckedLoad] = field(default_factory=list)
    completed: list[tuple[ShipmentRow, CheckedLoad]] = field(default_factory=list)
    skipped: int = 0


def record_loads(
    *,
    db: Database,
    rows: Sequence[Row],
    batch: BatchRow,
    now: datetime,
    issues: Iterable[RowIssue] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of shipments, all or nothing.

    rows: checked by the schema; issues: rows the schema refused (then nothing is taken, but the
    rest is still checked so that every reason is told at once).
    Raises RowsRefused.
    """
    report = ImportReport("shipments", rows=len(rows), dry_run=dry_run)
    found = list(issues)
    tick = progress or (lambda done: None)
    try:
        with db.write() as session:
            keys = load_keys(session)
            checker = LoadChecker(keys.registry, report.warnings)
            checked: list[CheckedLoad] = []
            for count, row in enumerate(rows):
                result = checker.check(row)
                if isinstance(result, RowIssue):
                    found.append(result)
                else:
                    checked.append(result)
                if count % WRITE_CHUNK == 0:
                    tick(count)
            plan = _sort_out(session, keys, checked, found)
            _openings_first(session, keys, plan, found)
            if found:
                raise RowsRefused(found)
            session.add(batch)
            session.flush()
            rollup: Rollup = {}
            _write_new(session, keys, plan.new, batch, now, rollup)
            _write_completed(session, keys, plan.completed, batch, now, rollup)
            add_to_rollup(session, rollup, keys)
            batch.taken, batch.completed, batch.skipped = (
                len(plan.new),
                len(plan.completed),
                plan.skipped,
            )
            tick(len(rows))
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    report.taken, report.completed = len(plan.new), len(plan.completed)
    report.skipped = plan.skipped
    return report


def _sort_out(
    session: Session, keys: Keys, checked: Sequence[CheckedLoad], issues: list[RowIssue]
) -> _Plan:
    """New, completing and repeated loads; children find their parents."""
    plan = _Plan()
    stored = queries.shipments_by_number(session, (load.header.doc_no for load in checked))
    firm = keys.codes["enterprise"]
    known = {
        (firm[row.consignor_id], row.doc_no): row for group in stored.values() for row in group
    }
    fresh: dict[tuple[str, str], CheckedLoad] = {}
    completed: dict[tuple[str, str], CheckedLoad] = {}
    for load in checked:
        number = load.header.consignor, load.header.doc_no
        if number in known:
            _against_stored(known[number], load, number, completed, plan, issues)
        elif number in fresh:
            _against_file(fresh, number, load, plan, issues)
        else:
            fresh[number] = load
    families = Families(session, keys, fresh.values(), completed)
    plan.completed = [(known[number], load) for number, load in completed.items()]
    plan.new = families.settle(list(fresh.values()), issues)
    return plan


def _against_stored(
    row: ShipmentRow,
    load: CheckedLoad,
    number: tuple[str, str],
    completed: dict[tuple[str, str], CheckedLoad],
    plan: _Plan,
    issues: list[RowIssue],
) -> None:
    """A number that is in the books: same, completing, or in conflict."""
    if load.dispatch_content != row.dispatch_content:
        code = "doc_no_reversed" if row.reversed_ else "doc_no_differs"
        issues.append(_doc_issue(load, code))
    elif load.receipt_content in (None, row.receipt_content):
        plan.skipped += 1
    elif row.reversed_:
        issues.append(_doc_issue(load, "doc_no_reversed"))
    elif row.receipt_content is not None or row.lost_month:
        issues.append(_doc_issue(load, "doc_no_differs"))
    elif number in completed:
        if completed[number].receipt_content == load.receipt_content:
            plan.skipped += 1
        else:
            issues.append(_doc_issue(load, "doc_no_differs"))
    else:
        completed[number] = load


def _against_file(
    fresh: dict[tuple[str, str], CheckedLoad],
    number: tuple[str, str],
    load: CheckedLoad,
    plan: _Plan,
    issues: list[RowIssue],
) -> None:
    """A number that stands twice in one file: repeated, completing, or in conflict."""
    first = fresh[number]
    if load.dispatch_content != first.dispatch_content:
        issues.append(_doc_issue(load, "duplicate_doc_in_file", other_line=str(first.line)))
    elif load.receipt_content in (None, first.receipt_content):
        plan.skipped += 1
    elif first.receipt_content is None:
        fresh[number] = load
        plan.skipped += 1
    else:
        issues.append(_doc_issue(load, "duplicate_doc_in_file", other_line=str(first.line)))


def _doc_issue(load: CheckedLoad, code: str, **params: str) -> RowIssue:
    return RowIssue(load.line, "doc_no", load.header.doc_no, code, params)


def _openings_first(session: Session, keys: Keys, plan: _Plan, issues: list[RowIssue]) -> None:
    """No movement of a site may be dated before its opening entry."""
    openings = queries.opening_days(session, keys)
    if not openings:
        return
    loads = [*plan.new, *(load for _, load in plan.completed)]
    for load in loads:
        header = load.header
        moves = [("dispatched_at", header.consignor, load.dispatch)]
        if load.decision is not None:
            moves.append(("received_at", header.consignee, load.decision))
        if header.kind is not LoadKind.DELIVERY:
            moves = moves[1:]
        for column, firm, event in moves:
            day = openings.get((firm, "site", header.material))
            if day is not None and event.day < day:
                value = str(load.values.get(column) or "")
                params = {"first_day": day.isoformat()}
                issues.append(RowIssue(load.line, column, value, "before_opening", params))


def status_of(load: CheckedLoad) -> LoadStatus:
    """Fold of the events a checked load brings."""
    return fold([load.dispatch] if load.decision is None else [load.dispatch, load.decision])


def _write_new(
    session: Session,
    keys: Keys,
    loads: Sequence[CheckedLoad],
    batch: BatchRow,
    now: datetime,
    rollup: Rollup,
) -> None:
    """Insert headers with their cache and events; parents stand before their children."""
    next_id = (session.scalar(select(func.max(ShipmentRow.id))) or 0) + 1
    uids = new_uids(len(loads), now)
    ids: dict[tuple[str, str], int] = {}
    for start in range(0, len(loads), WRITE_CHUNK):
        shipments: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        for offset, load in enumerate(loads[start : start + WRITE_CHUNK], start):
            key = next_id + offset
            ids[load.header.consignor, load.header.doc_no] = key
            status = status_of(load)
            add_postings(rollup, load_postings(load.header, status))
            shipments.append(_shipment_values(load, status, keys, key, uids[offset], batch.id))
            events.extend(_event_values(load, key, batch.id, now))
        _link_parents(session, keys, loads[start : start + WRITE_CHUNK], shipments, ids)
        session.execute(insert(SHIPMENTS), shipments)
        session.execute(insert(EVENTS), events)


def _link_parents(
    session: Session,
    keys: Keys,
    loads: Sequence[CheckedLoad],
    shipments: Sequence[dict[str, Any]],
    ids: dict[tuple[str, str], int],
) -> None:
    """Fill parent_id of children, from this file or from the books."""
    for load, values in zip(loads, shipments, strict=True):
        if load.parent is None:
            continue
        key = ids.get(load.parent)
        if key is None:
            consignor, doc_no = load.parent
            key = session.scalars(
                select(ShipmentRow.id).where(
                    ShipmentRow.consignor_id == keys.id_of("enterprise", consignor),
                    ShipmentRow.doc_no == doc_no,
                )
            ).one()
        values["parent_id"] = key


def _shipment_values(
    load: CheckedLoad, status: LoadStatus, keys: Keys, key: int, uid: UUID, batch_id: int
) -> dict[str, Any]:
    header, values = load.header, load.values
    return {
        "id": key,
        "uid": uid,
        "batch_id": batch_id,
        "doc_no": header.doc_no,
        "kind": header.kind.value,
        "consignor_id": keys.id_of("enterprise", header.consignor),
        "consignee_id": keys.id_of("enterprise", header.consignee),
        "holder_id": keys.id_of("enterprise", header.holder),
        "parent_id": None,
        "parent_consignee_id": keys.id_of("enterprise", header.parent_consignee) or None,
        "material_id": keys.id_of("material", header.material),
        "route_id": keys.id_of("route", header.route),
        "from_facility_id": keys.id_of("facility", values.get("from_facility") or "") or None,
        "to_facility_id": keys.id_of("facility", values.get("to_facility") or "") or None,
        "from_outside": header.from_outside,
        "to_outside": header.to_outside,
        "trips": header.trips,
        **{
            name: values.get(name) or ""
            for name in ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark")
        },
        "dispatch_content": load.dispatch_content,
        "receipt_content": load.receipt_content,
        "state": status.state.value,
        "dispatched_month": status.dispatched_month,
        "dispatched_kg": status.dispatched_kg,
        "received_month": status.received_month,
        "received_kg": status.received_kg,
        "accepted_kg": status.accepted_kg,
        "refused_kg": status.refused_kg,
        "lost_month": 0,
        "evidence": int(status.evidence),
        "reversed": False,
    }


def _event_values(
    load: CheckedLoad, key: int, batch_id: int, now: datetime
) -> list[dict[str, Any]]:
    pairs: list[tuple[Event, Weight]] = [(load.dispatch, load.dispatch_weight)]
    if load.decision is not None and load.decision_weight is not None:
        pairs.append((load.decision, load.decision_weight))
    reason = load.values.get("reason") or ""
    return [event_values(event, w, key, batch_id, now, reason) for event, w in pairs]


def event_values(
    event: Event, weight: Weight | None, key: int, batch_id: int | None, now: datetime, reason: str
) -> dict[str, Any]:
    """Column values of one event row."""
    return {
        "shipment_id": key,
        "seq": event.seq,
        "batch_id": batch_id,
        "kind": event.kind.value,
        "at": event.at,
        "booked_month": event.month,
        "kg": event.kg,
        "input_kg": weight.input_kg if weight else event.kg,
        "dry_kg": weight.dry_kg if weight else None,
        "accepted_kg": event.accepted_kg,
        "refused_kg": event.refused_kg,
        "basis": weight.basis if weight else "wet",
        "moisture": weight.moisture if weight else None,
        "weighed": weight.weighed if weight else "measured",
        "evidence": int(event.evidence),
        "reason": reason if event.seq > 1 else "",
        "recorded_at": now,
    }


def _write_completed(
    session: Session,
    keys: Keys,
    loads: Sequence[tuple[ShipmentRow, CheckedLoad]],
    batch: BatchRow,
    now: datetime,
    rollup: Rollup,
) -> None:
    """Add the decision of loads that were on the road; the roll-up gets the difference."""
    events = []
    for row, load in loads:
        assert load.decision is not None
        header, before = load_header(row, keys), load_status(row)
        after = apply_event(before, load.decision)
        add_postings(rollup, load_postings(header, before), -1)
        add_postings(rollup, load_postings(header, after))
        store_status(row, after)
        row.receipt_content = load.receipt_content
        row.ticket_no = row.ticket_no or load.values.get("ticket_no") or ""
        row.remark = row.remark or load.values.get("remark") or ""
        if row.to_facility_id is None and load.values.get("to_facility"):
            row.to_facility_id = keys.id_of("facility", load.values["to_facility"])
        events += _event_values(load, row.id, batch.id, now)[1:]
    if events:
        session.execute(insert(EVENTS), events)
