"""Correcting a signed load: proposed, approved by every other touched party, put in force.

In force means one transaction: the postings of the load as it was are taken out and those of the
load as it is put in, at their physical months, and booked in the open one.  Before and after are
kept.  Annulment is the revision that takes the whole load out of the books.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark, RuleBroken
from wasteflow.core.ids import LoadRef, load_of_uid
from wasteflow.core.lifecycle import Move
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.records import EventKind, LoadHeader
from wasteflow.core.revisions import touched
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.core.signatures import grade
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.content import Given, given
from wasteflow.services.live.held import Held, hold_ref
from wasteflow.services.live.kin import children_of
from wasteflow.services.live.moving import moving
from wasteflow.services.live.revising import Plan, current, plan, text_of, told_fields
from wasteflow.services.live.views import Outcome, View, answers_of, outcome, revision_view
from wasteflow.services.live.voices import can_answer
from wasteflow.services.live.writing import (
    Doer,
    Entered,
    append,
    doer_for,
    note_load,
)
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.live import RevisionAnswerRow, RevisionRow


@again_if_overtaken
def propose_revision(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    reason: str,
    expected_version: int | None,
    now: datetime,
    annul: bool = False,
    channel: str = "api",
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> tuple[Outcome, View]:
    """Propose to change the fields of `content` (core.revisions.REVISABLE), or to annul the load.

    Where no other party is touched it is in force at once.  Returns the load and the revision.
    Raises Denied, StaleVersion, IllegalMove (one is pending), FieldsRefused, RuleBroken
    `nothing_revised`, `cannot_reverse_children`.
    """
    told = told_fields({} if annul else content)
    why = given({"reason": reason}, ("reason",))
    now = now.replace(microsecond=0)
    with moving(db, actor, uid, Move.REVISE, expected_version) as (held, actor):
        why.need("reason")
        planned = None if annul else plan(held, told, now, tolerance)
        if annul:
            _without_children(held)
        doer = doer_for(held, actor, channel, held.consignor, held.consignee)
        asked = touched(
            planned.after if planned else (),
            by=doer.side,
            consignor=held.consignor,
            consignee=held.consignee,
            bound=bound_firms(held, now),
            annuls=annul,
        )
        row = _enter(held, doer, planned, why.get("reason"), now)
        for firm in sorted(asked):
            answer = RevisionAnswerRow(
                shipment_id=row.shipment_id, number=row.number, organisation=firm
            )
            held.session.add(answer)
        held.session.flush()
        details = {"revision": row.number, "asked": sorted(asked)}
        entered = Entered(EventKind.REVISION_PROPOSED, now, reason=row.reason, details=details)
        append(held, doer, now, entered)
        if not asked:
            _put_in_force(held, doer, row, planned, now)
        note_load(held, now, held.events[-1].kind)
        warnings = planned.warnings if planned else []
        return outcome(held, actor, warnings), revision_view(held, row)


def bound_firms(held: Held, now: datetime) -> frozenset[str]:
    """Parties that stand to the values (signed, or a file speaks for them) and could answer."""
    parties = held.parties if held.imported else held.parties & held.signed
    return frozenset(firm for firm in parties if can_answer(held, firm, now))


def _enter(held: Held, doer: Doer, planned: Plan | None, reason: str, now: datetime) -> RevisionRow:
    last = select(func.max(RevisionRow.number)).where(RevisionRow.shipment_id == held.row.id)
    row = RevisionRow(
        shipment_id=held.row.id,
        number=(held.session.scalar(last) or 0) + 1,
        pending_of=held.row.id,
        status="pending",
        annuls=planned is None,
        organisation=doer.side,
        user_id=doer.actor.user_id,
        token_id=doer.actor.token_id,
        reason=reason,
        before=_json(planned.before if planned else {}),
        after=_json(planned.after if planned else {}),
        proposed_at=now,
    )
    held.session.add(row)
    held.session.flush()
    held.pending = row
    return row


def _json(texts: Mapping[str, str]) -> str:
    return json.dumps(texts, ensure_ascii=False)


def _without_children(held: Held) -> None:
    alive = [child.doc_no for child in children_of(held.session, held.row.id)]
    if alive:
        raise RuleBroken(
            "cannot_reverse_children", value=held.row.doc_no, children=", ".join(alive)
        )


def _put_in_force(
    held: Held, doer: Doer, row: RevisionRow, planned: Plan | None, now: datetime
) -> None:
    """Reverse and re-post: events, header, roll-up difference; the revision is closed."""
    before, first = held.header, len(held.events) + 1
    details: dict[str, Any] = {"revision": row.number}
    if planned is None:
        gone = Entered(EventKind.REVERSED, now, reason=row.reason, details=details)
        append(held, doer, now, gone)
    else:
        for name, value in planned.columns.items():
            setattr(held.row, name, value)
        _restate(held, doer, row, planned, now, before)
    _close(held, row, "approved", now)
    row.event_seq = first


def _restate(
    held: Held,
    doer: Doer,
    row: RevisionRow,
    planned: Plan,
    now: datetime,
    before: LoadHeader,
) -> None:
    """The events of a revision: the dispatch anew, and the receipt if the load is decided."""
    details: dict[str, Any] = {"revision": row.number}
    if not planned.signed:
        kind = EventKind.DETAILS_REVISED
        if planned.after.keys() & {"reason"} and planned.got is not None:
            evidence = held.status.evidence
            append(held, doer, now, _receipt(planned, evidence, details))
            return
        append(held, doer, now, Entered(kind, now, reason=row.reason, details=details))
        return
    agreed = {row.organisation, *(answer.organisation for answer in answers_of(held.session, row))}
    details["agreed"] = sorted(agreed)
    evidence = grade(
        agreed,
        {held.consignor, held.consignee},
        outside=held.outside,
        imported=False,
        estimated=planned.estimated,
    )
    entered = Entered(
        EventKind.REVISED,
        planned.sent_at,
        planned.sent,
        evidence=evidence,
        reason=row.reason,
        details=details,
    )
    append(held, doer, now, entered, before)
    if planned.got is not None:
        append(held, doer, now, _receipt(planned, evidence, details))


def _receipt(planned: Plan, evidence: Any, details: dict[str, Any]) -> Entered:
    assert planned.got is not None and planned.got_at is not None
    return Entered(
        EventKind.RECEIPT_REVISED,
        planned.got_at,
        planned.got,
        planned.accepted_kg,
        planned.got.kg - planned.accepted_kg,
        evidence,
        planned.reason,
        details,
    )


def _close(held: Held, row: RevisionRow, status: str, now: datetime) -> None:
    row.status, row.pending_of, row.closed_at = status, None, now
    held.pending = None
    held.session.flush()


@again_if_overtaken
def approve_revision(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> tuple[Outcome, View]:
    """Approve the revision of this id for one's own organisation; the last puts it in force.

    Raises Denied, StaleVersion, IllegalMove, RuleBroken `not_asked`, `revision_closed`,
    `revision_outdated` (the load has changed in its fields meanwhile).
    """
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held, row = _pending(session, actor, uid, Move.APPROVE, expected_version)
        assert actor is not None
        doer, answer = _asked(held, row, actor, channel)
        _answer(doer, answer, "approved", "", now)
        details = {"revision": row.number}
        append(held, doer, now, Entered(EventKind.REVISION_APPROVED, now, details=details))
        warnings: list[Remark] = []
        if all(item.answer == "approved" for item in answers_of(session, row)):
            planned = None if row.annuls else _again(held, row, now)
            if row.annuls:
                _without_children(held)
            _put_in_force(held, doer, row, planned, now)
            warnings = planned.warnings if planned else []
        note_load(held, now, held.events[-1].kind)
        return outcome(held, actor, warnings), revision_view(held, row)


def _again(held: Held, row: RevisionRow, now: datetime) -> Plan:
    """The revision worked out on the load as it is now; what it starts from must still hold."""
    before = json.loads(row.before)
    values = current(held)
    moved = [name for name, told in before.items() if text_of(name, values.get(name)) != told]
    if moved:
        raise RuleBroken("revision_outdated", fields=", ".join(moved))
    return plan(held, told_fields(json.loads(row.after)), now)


@again_if_overtaken
def refuse_revision(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    reason: str,
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> tuple[Outcome, View]:
    """Refuse the revision of this id with a reason; it is closed and the load stays as it is.

    Raises Denied, StaleVersion, IllegalMove, RuleBroken `not_asked`, `revision_closed`.
    """
    why = given({"reason": reason}, ("reason",))
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held, row = _pending(session, actor, uid, Move.REFUSE, expected_version)
        assert actor is not None
        why.need("reason")
        doer, answer = _asked(held, row, actor, channel)
        _answer(doer, answer, "refused", why.get("reason"), now)
        return _ended(held, doer, row, "refused", why, now)


@again_if_overtaken
def withdraw_revision(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> tuple[Outcome, View]:
    """Take back one's own revision before it is in force.

    Raises Denied, StaleVersion, IllegalMove, RuleBroken `not_proposer`, `revision_closed`.
    """
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held, row = _pending(session, actor, uid, Move.WITHDRAW, expected_version)
        assert actor is not None
        doer = doer_for(held, actor, channel, row.organisation)
        if doer.side != row.organisation:
            raise RuleBroken("not_proposer", organisation=row.organisation)
        return _ended(held, doer, row, "withdrawn", given({}, ()), now)


def _ended(
    held: Held, doer: Doer, row: RevisionRow, status: str, why: Given, now: datetime
) -> tuple[Outcome, View]:
    """A revision that comes to nothing."""
    kind = EventKind(f"revision_{status}")
    entered = Entered(kind, now, reason=why.get("reason", ""), details={"revision": row.number})
    append(held, doer, now, entered)
    _close(held, row, status, now)
    note_load(held, now, kind.value)
    return outcome(held, doer.actor), revision_view(held, row)


def _pending(
    session: Session, actor: Actor | None, uid: UUID, move: Move, expected_version: int | None
) -> tuple[Held, RevisionRow]:
    """The load of a revision's id and the revision, which must be pending."""
    held, row = revision_of(session, actor, load_of_uid(uid))
    held.readable(actor)
    if row.status != "pending":
        raise RuleBroken("revision_closed", status=row.status)
    held.rule(actor, move, expected_version)
    return held, row


def revision_of(
    session: Session, actor: Actor | None, ref: LoadRef | None, *, lock: bool = True
) -> tuple[Held, RevisionRow]:
    """The load and the revision of an id; Denied if there is none."""
    held = hold_ref(session, load_keys(session), actor, ref, lock=lock)
    row = session.get(RevisionRow, (held.row.id, ref.number if ref else 0))
    if row is None or ref is None or ref.recorded_at != held.recorded_at:
        verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
        raise Denied(verdict, "shipment.read")
    return held, row


def _asked(
    held: Held, row: RevisionRow, actor: Actor, channel: str
) -> tuple[Doer, RevisionAnswerRow]:
    """The open answer of an organisation of the actor's."""
    waiting = {item.organisation: item for item in answers_of(held.session, row) if not item.answer}
    doer = doer_for(held, actor, channel, *sorted(waiting)) if waiting else None
    if doer is None or doer.side not in waiting:
        raise RuleBroken("not_asked")
    return doer, waiting[doer.side]


def _answer(doer: Doer, row: RevisionAnswerRow, answer: str, reason: str, now: datetime) -> None:
    row.answer, row.reason, row.at = answer, reason, now
    row.user_id, row.token_id = doer.actor.user_id, doer.actor.token_id
