"""When the other side is silent or outside: remind it, close alone, and let it confirm later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark, RuleBroken
from wasteflow.core.lifecycle import USUAL_WAITS, Move, Waits
from wasteflow.core.periods import moment_words, shanghai_day
from wasteflow.core.records import ON_THE_WAY, EventKind
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.complete import enter_header, whole
from wasteflow.services.live.content import Given, given, moment_in_order, weighed_mass
from wasteflow.services.live.guards import after_opening, cap_remarks
from wasteflow.services.live.held import Held
from wasteflow.services.live.kin import within_refused
from wasteflow.services.live.moves import arrived_at, note_receipt
from wasteflow.services.live.moving import moving
from wasteflow.services.live.owing import owing
from wasteflow.services.live.remarks import permit_remarks, quota_remarks
from wasteflow.services.live.views import Outcome, input_kg, outcome
from wasteflow.services.live.voices import can_answer
from wasteflow.services.live.writing import Doer, Entered, doer_for, enter
from wasteflow.services.load_rows import Weight, weight
from wasteflow_models.engine import Database

CLOSE_FIELDS = (
    "document", "dispatched_at", "received_at", "received_t", "moisture_pct", "weighed",
    "vehicle", "ticket_no", "to_facility", "remark", "reason",
)  # fmt: skip


@again_if_overtaken
def remind(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """Remind the other side of the answer it owes; the wait for a one-sided close begins.

    The consignor sees a draft of the consignee once he is reminded of it, and can issue it.
    Raises Denied, StaleVersion, IllegalMove, RuleBroken `nothing_due`.
    """
    told = given(content, ("reason",))
    with moving(db, actor, uid, Move.REMIND, expected_version) as (held, actor):
        owed = [firm for firm, _ in owing(held)]
        waiting = sorted(held.parties - set(owed))
        if not owed or not waiting:
            raise RuleBroken("nothing_due")
        doer = doer_for(held, actor, channel, *waiting)
        if not doer.side:
            raise RuleBroken("nothing_due")
        entered = Entered(
            EventKind.REMINDED, now, reason=told.get("reason", ""), details={"reminded": owed}
        )
        enter(held, doer, now, entered)
        return outcome(held, actor)


@again_if_overtaken
def close_one_sided(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    asked_month: int = 0,
    channel: str = "api",
    waits: Waits = USUAL_WAITS,
) -> Outcome:
    """Close a load alone: dispatched = received = accepted, evidence `one_sided`.

    The consignor closes what he dispatched; the consignee what he received and nobody dispatched.
    Raises Denied, StaleVersion, IllegalMove, RuleBroken `remind_first`, FieldsRefused.
    """
    told = given(content, CLOSE_FIELDS)
    close = Move.CLOSE_ONE_SIDED
    with moving(db, actor, uid, close, expected_version, asked_month) as (held, actor):
        dispatched = held.state in ON_THE_WAY
        me, other = held.consignor, held.consignee
        if not dispatched:
            me, other = other, me
        doer = doer_for(held, actor, channel, me)
        _reminded(held, me, other, now, waits)
        told.need("document")
        warnings = (
            _close_sent(held, doer, told, now)
            if dispatched
            else _close_received(held, doer, told, now)
        )
        return outcome(held, actor, warnings)


def _reminded(held: Held, me: str, other: str, now: datetime, waits: Waits) -> None:
    """Who cannot answer (external, or nobody there has an account) need not be reminded."""
    if not can_answer(held, other, now):
        return
    said = held.last(EventKind.ISSUED, EventKind.DISPATCHED)
    since = [
        row.recorded_at
        for row in held.events
        if row.kind == EventKind.REMINDED
        and row.seq > (said.seq if said else 0)  # an answered reminder does not count
        and held.actors[row.seq].side == me
        and other in held.details(row.seq).get("reminded", [])
    ]
    until = min(since) + timedelta(days=waits.close_days) if since else None
    if until is None or now < until:
        told = {} if until is None else {"until": moment_words(until)}
        raise RuleBroken("remind_first", days=waits.close_days, **told)


def _close_sent(held: Held, doer: Doer, told: Given, now: datetime) -> list[Remark]:
    """The consignor closes: the dispatched mass counts as received."""
    sent = held.dispatch
    assert sent is not None
    at = arrived_at(held, told, now)
    same = weight(input_kg(sent), sent.basis, sent.moisture, sent.weighed)
    if not held.row.to_outside:
        after_opening(held, held.consignee, "received_at", at)
    enter(held, doer, now, _closing(held, doer, told, at, same, told.get("document")))
    return permit_remarks(held, at)


def _close_received(held: Held, doer: Doer, told: Given, now: datetime) -> list[Remark]:
    """The consignee closes a load that the consignor never dispatched here."""
    told.need("received_t")
    now = now.replace(microsecond=0)
    warnings: list[Remark] = []
    fresh = held.state is LoadState.DRAFT
    if fresh:
        texts = {name: told.texts[name] for name in _OF_DISPATCH if told.texts.get(name)}
        load = whole(held, now, {**texts, "dispatched_t": told.texts["received_t"]})
        enter_header(held, load)
        warnings = list(load.warnings)
        got = load.checked.dispatch_weight
    else:
        issued = held.last(EventKind.ISSUED)
        assert issued is not None
        moisture = told.get("moisture_pct", issued.moisture)
        how = told.get("weighed") or "measured"
        got = weighed_mass("received_t", told.get("received_t"), issued.basis, moisture, how)
        warnings += cap_remarks(held.row.mode, held.row.trips, got)
        held.row.vehicle = told.get("vehicle") or held.row.vehicle
    received = moment_in_order(told, "received_at", now)
    sent_at = received
    if told.get("dispatched_at") is not None:
        sent_at = moment_in_order(told, "dispatched_at", now)
        received = moment_in_order(told, "received_at", now, sent_at)
    within_refused(held, got.kg, sent_at)
    if held.row.kind == "delivery" and not held.row.from_outside:
        after_opening(held, held.consignor, "dispatched_at", sent_at)
    after_opening(held, held.consignee, "received_at", received)
    warnings += quota_remarks(held, got.kg, shanghai_day(sent_at)) if not fresh else []
    grade = held.grade(doer.side, estimated=got.weighed == "estimated")
    steps = [Entered(EventKind.ISSUED, now, got, evidence=grade)] if fresh else []
    steps.append(Entered(EventKind.DISPATCHED, sent_at, got, evidence=grade))
    steps.append(_closing(held, doer, told, received, got, told.get("document")))
    enter(held, doer, now, *steps)
    return warnings


_OF_DISPATCH = ("moisture_pct", "weighed", "vehicle", "to_facility", "remark")


def _closing(
    held: Held, doer: Doer, told: Given, at: datetime, got: Weight, document: str
) -> Entered:
    estimated = got.weighed == "estimated"
    grade = held.grade(doer.side, estimated=estimated, agreed=frozenset())
    details = {"document": document, **note_receipt(held, told)}
    return Entered(
        EventKind.CLOSED_ONE_SIDED,
        at,
        got,
        got.kg,
        0,
        grade,
        told.get("reason", ""),
        details,
    )


@again_if_overtaken
def confirm(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """Sign what the other side closed alone, or what a file brought: the evidence changes.

    It re-keys the months in which the load was posted and moves no kilogram, in closed ones too.
    Raises Denied, StaleVersion, IllegalMove, RuleBroken `already_signed`.
    """
    told = given(content, ("reason",))
    with moving(db, actor, uid, Move.CONFIRM, expected_version) as (held, actor):
        ends = {held.consignor, held.consignee}
        doer = doer_for(held, actor, channel, *sorted(ends - held.signed))
        if not doer.side:
            raise RuleBroken("already_signed")
        entered = Entered(
            EventKind.CONFIRMED,
            now,
            evidence=held.grade(doer.side, confirming=True),
            reason=told.get("reason", ""),
        )
        enter(held, doer, now, entered)
        return outcome(held, actor)
