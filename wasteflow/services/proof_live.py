"""The proof of what lies beside the loads kept by hand: drafts, actors, revisions and answers."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.services.live.held import FROM_CARRIER
from wasteflow.services.proof import Fault
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import EventRow, LoadNumberRow, ShipmentRow
from wasteflow_models.live import (
    EventActorRow,
    LoadDraftRow,
    LoadHandedRow,
    RevisionAnswerRow,
    RevisionRow,
)

BY_COMMAND = (EventKind.LOST.value, EventKind.REVERSED.value)
"""Events that the command line records without an account."""
_IN_FORCE = (
    EventKind.REVISED.value,
    EventKind.RECEIPT_REVISED.value,
    EventKind.DETAILS_REVISED.value,
    EventKind.REVERSED.value,
)


def prove_live(session: Session, keys: Keys) -> list[Fault]:
    """Faults of drafts, of events without an actor, and of revisions."""
    return [
        *_draft_faults(session),
        *_party_faults(session),
        *_actor_faults(session),
        *_handed_faults(session),
        *_signature_faults(session),
        *_revision_faults(session, keys),
    ]


def _draft_faults(session: Session) -> list[Fault]:
    """A draft has its content, no number, no weight, and no event but reminders."""
    row, draft = ShipmentRow, LoadDraftRow
    moved = exists().where(
        EventRow.shipment_id == row.id, EventRow.kind != EventKind.REMINDED.value
    )
    numbered = exists().where(LoadNumberRow.shipment_id == row.id)
    query = (
        select(row.id)
        .outerjoin(draft, draft.shipment_id == row.id)
        .where(
            row.state == LoadState.DRAFT.value,
            or_(
                draft.shipment_id.is_(None),
                row.dispatched_month != 0,
                row.received_month != 0,
                row.doc_no != "",
                moved,
                numbered,
            ),
        )
        .order_by(row.id)
    )
    return [
        Fault("draft_mismatch", f"shipment {key}", [str(key)]) for key in session.scalars(query)
    ]


def _party_faults(session: Session) -> list[Fault]:
    """The parties beside an issued load are those of its header, and the load exists."""
    row, draft = ShipmentRow, LoadDraftRow
    query = (
        select(draft.shipment_id, row.doc_no)
        .outerjoin(row, row.id == draft.shipment_id)
        .where(
            or_(
                row.id.is_(None),
                and_(
                    row.state != LoadState.DRAFT.value,
                    or_(
                        row.consignor_id != draft.consignor_id,
                        row.consignee_id != draft.consignee_id,
                    ),
                ),
            )
        )
        .order_by(draft.shipment_id)
    )
    return [
        Fault("draft_mismatch", f"shipment {doc_no or key}", [doc_no or str(key)])
        for key, doc_no in session.execute(query)
    ]


def _actor_faults(session: Session) -> list[Fault]:
    """Every event that no import and no command recorded names who did; nobody is named twice."""
    row, actor = EventRow, EventActorRow
    bare = (
        select(row.shipment_id, row.seq)
        .outerjoin(actor, and_(actor.shipment_id == row.shipment_id, actor.seq == row.seq))
        .where(row.batch_id.is_(None), row.kind.not_in(BY_COMMAND), actor.seq.is_(None))
        .order_by(row.shipment_id, row.seq)
    )
    lost = (
        select(actor.shipment_id, actor.seq)
        .outerjoin(row, and_(actor.shipment_id == row.shipment_id, actor.seq == row.seq))
        .where(row.seq.is_(None))
        .order_by(actor.shipment_id, actor.seq)
    )
    return [
        Fault("actor_missing", f"shipment {key} event {seq}", [str(key)])
        for query in (bare, lost)
        for key, seq in session.execute(query)
    ]


def _handed_faults(session: Session) -> list[Fault]:
    """Who has handed a load over is found by name as the events tell it."""
    row, actor, kept = EventRow, EventActorRow, LoadHandedRow
    told = (
        select(actor.shipment_id, actor.details)
        .join(row, and_(row.shipment_id == actor.shipment_id, row.seq == actor.seq))
        .where(row.kind == EventKind.HANDED_OVER.value, actor.details != "")
        .order_by(actor.shipment_id, actor.seq)
    )
    pairs = {
        (key, str(json.loads(details).get(FROM_CARRIER) or ""))
        for key, details in session.execute(told)
    }
    pairs = {(key, name) for key, name in pairs if name}
    query = select(kept.shipment_id, kept.carrier).order_by(kept.shipment_id, kept.carrier)
    found = {(key, name) for key, name in session.execute(query)}
    return [
        Fault(
            "handed_over_mismatch",
            f"shipment {key}",
            [str(key)],
            expected=name if (key, name) in pairs else "–",
            found=name if (key, name) in found else "–",
        )
        for key, name in sorted(pairs ^ found)
    ]


def _signature_faults(session: Session) -> list[Fault]:
    """A file grades a load better than `imported` only if a party's own file signs it, and `both`
    only if each party has signed by then.
    """
    query = text(_UNSIGNED.format(both=_SIGNED_BY_BOTH))
    own, both = int(Evidence.ONE_SIDED), int(Evidence.BOTH)
    rows = session.execute(query, {"own": own, "both": both})
    return [
        Fault("signature_missing", f"shipment {doc_no} event {seq}", [doc_no], found=word)
        for doc_no, seq, word in (
            (row.doc_no, row.seq, Evidence(row.evidence).word) for row in rows
        )
    ]


_SIGNED_BY_BOTH: Final = " AND ".join(
    f"""EXISTS (SELECT 1 FROM event f
    LEFT JOIN event_actor a ON a.shipment_id = f.shipment_id AND a.seq = f.seq
    LEFT JOIN batch_signer b ON b.batch_id = f.batch_id
    JOIN enterprise n ON n.code = coalesce(nullif(a.side, ''), b.organisation)
    WHERE f.shipment_id = e.shipment_id AND f.seq <= e.seq AND n.id = s.{side}_id)"""
    for side in ("consignor", "consignee")
)
_UNSIGNED: Final = """
SELECT s.doc_no, e.seq, e.evidence FROM event e JOIN shipment s ON s.id = e.shipment_id
LEFT JOIN batch_signer g ON g.batch_id = e.batch_id
LEFT JOIN enterprise o ON o.code = g.organisation
WHERE e.batch_id IS NOT NULL AND e.evidence <= :own
  AND (o.id IS NULL OR o.id NOT IN (s.consignor_id, s.consignee_id)
    OR (e.evidence = :both AND NOT ({both})))
ORDER BY e.shipment_id, e.seq
"""


def _revision_faults(session: Session, keys: Keys) -> list[Fault]:
    answers = _open_answers(session)
    found: list[Fault] = []
    last: dict[int, dict[str, str]] = {}
    query = (
        select(RevisionRow, EventRow.kind)
        .outerjoin(
            EventRow,
            and_(
                EventRow.shipment_id == RevisionRow.shipment_id,
                EventRow.seq == RevisionRow.event_seq,
            ),
        )
        .order_by(RevisionRow.shipment_id, RevisionRow.number)
    )
    for row, kind in session.execute(query):
        key = f"shipment {row.shipment_id} revision {row.number}"
        if not _sound(row, kind, answers.get((row.shipment_id, row.number), 0)):
            found.append(Fault("revision_mismatch", key, [str(row.shipment_id)], found=row.status))
        if row.status == "approved" and not row.annuls:
            last.setdefault(row.shipment_id, {}).update(json.loads(row.after))
    return [*found, *_header_faults(session, keys, last)]


def _open_answers(session: Session) -> dict[tuple[int, int], int]:
    """(load, revision) → answers that are no approval."""
    row = RevisionAnswerRow
    query = (
        select(row.shipment_id, row.number, func.count())
        .where(row.answer != "approved")
        .group_by(row.shipment_id, row.number)
        .order_by(row.shipment_id, row.number)
    )
    return {(int(key), int(number)): int(count) for key, number, count in session.execute(query)}


def _sound(row: RevisionRow, kind: str | None, not_approved: int) -> bool:
    """Status, answers and event of a revision agree."""
    pending = row.status == "pending"
    if pending != (row.pending_of == row.shipment_id) or pending != (row.closed_at is None):
        return False
    if row.status == "approved":
        return not_approved == 0 and kind in _IN_FORCE
    return row.event_seq is None


def _header_faults(session: Session, keys: Keys, last: dict[int, dict[str, str]]) -> list[Fault]:
    """Material, route and trips of a header are those of its last approved revision."""
    found = []
    ids = sorted(last)
    for start in range(0, len(ids), 500):
        query = select(ShipmentRow).where(ShipmentRow.id.in_(ids[start : start + 500]))
        for row in session.scalars(query.order_by(ShipmentRow.id)):
            now = {
                "material": keys.codes["material"].get(row.material_id, "?"),
                "route": keys.codes["route"].get(row.route_id, "?"),
                "loads": str(row.trips),
            }
            found += [
                _differs(row, name, after, now[name])
                for name, after in last[row.id].items()
                if name in now and now[name] != after
            ]
    return found


def _differs(row: Any, name: str, expected: str, found: str) -> Fault:
    key = f"shipment {row.doc_no} {name}"
    return Fault("revision_mismatch", key, [row.doc_no], expected, found)
