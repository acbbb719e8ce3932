"""On its way: issue, hand over, weigh at the gate, cancel, lose.

Each function takes `content` (fields and texts), makes one move of the life cycle and answers with
the load and its warnings.  All raise Denied, StaleVersion, IllegalMove, FieldsRefused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import insert

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import Remark
from wasteflow.core.lifecycle import Move
from wasteflow.core.periods import shanghai_day
from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.complete import enter_header, whole
from wasteflow.services.live.content import (
    Given,
    given,
    moment_in_order,
    refuse,
    weighed_mass,
)
from wasteflow.services.live.guards import facility_key, ticket_unique, way_so_far
from wasteflow.services.live.held import FROM_CARRIER, Held, hold
from wasteflow.services.live.moving import moving
from wasteflow.services.live.remarks import quota_remarks, stock_remarks
from wasteflow.services.live.views import Outcome, outcome
from wasteflow.services.live.writing import Doer, Entered, append, doer_for, enter, note_load
from wasteflow.services.load_rows import Weight
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.live import LoadHandedRow

HAND_OVER_FIELDS = ("carrier", "vehicle", "handler", "at", "remark")
RECEIVE_FIELDS = (
    "received_at", "received_t", "received_moisture_pct", "weighed", "ticket_no", "to_facility",
    "remark",
)  # fmt: skip
END_FIELDS = ("reason", "carrier_statement", "at")
"""Fields of cancel and lost."""


@again_if_overtaken
def issue(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """Make a draft a document: checked, numbered, its header sealed; posts nothing."""
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        warnings = issued(held, actor, expected_version, now, channel)
        note_load(held, now, EventKind.ISSUED.value)
        return outcome(held, actor, warnings)


def issued(
    held: Held, actor: Actor | None, expected_version: int | None, now: datetime, channel: str
) -> list[Remark]:
    """Issue a draft inside a transaction, in whole seconds; its change is not noted yet."""
    held.rule(actor, Move.ISSUE, expected_version)
    assert actor is not None
    doer = doer_for(held, actor, channel, held.consignor)
    load = whole(held, now)
    enter_header(held, load)
    sent = load.checked.dispatch_weight
    warnings = [item for item in load.warnings if item.code != "cross_province_without_filing"]
    warnings += stock_remarks(held, sent.kg, now)
    warnings += quota_remarks(held, sent.kg, shanghai_day(now))
    grade = held.grade(held.consignor, estimated=sent.weighed == "estimated")
    append(held, doer, now, Entered(EventKind.ISSUED, now, sent, evidence=grade))
    return warnings


@again_if_overtaken
def hand_over(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """The load changes its carrier; recorded by the consignor, the carrier, or the next one.

    The next carrier has the id from the document that travels with the load.
    """
    told = given(content, HAND_OVER_FIELDS)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        subject = held.subject
        following = told.get("carrier", "")
        if actor is not None and following in actor.organisations(Role.CARRIER):
            subject = replace(subject, carrier=following)
        held.rule(actor, Move.HAND_OVER, expected_version, subject)
        assert actor is not None
        told.need("carrier")
        at = moment_in_order(told, "at", now, way_so_far(held))
        doer = Doer.of(actor, channel, [held.consignor], [following, held.row.carrier])
        details = {FROM_CARRIER: held.row.carrier, "carrier": following}
        if held.row.carrier and held.row.carrier not in held.carried:
            named = {"carrier": held.row.carrier, "shipment_id": held.row.id}
            session.execute(insert(LoadHandedRow).values(named))
        held.row.carrier = following
        for name in ("vehicle", "handler"):
            if told.get(name):
                details[name] = told.get(name)
                setattr(held.row, name, told.get(name))
        if told.get("remark"):
            details["remark"] = told.get("remark")
        enter(held, doer, now, Entered(EventKind.HANDED_OVER, at, details=details))
        return outcome(held, actor)


@again_if_overtaken
def receive(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """The load is weighed at the consignee's gate; posts nothing before the decision."""
    told = given(content, RECEIVE_FIELDS)
    with moving(db, actor, uid, Move.RECEIVE, expected_version) as (held, actor):
        told.need("received_t")
        at = arrived_at(held, told, now)
        got = received_weight(held, told, told.get("received_t"))
        details = note_receipt(held, told)
        doer = doer_for(held, actor, channel, held.consignee)
        enter(held, doer, now, Entered(EventKind.RECEIVED, at, got, details=details))
        return outcome(held, actor)


def arrived_at(held: Held, told: Given, now: datetime) -> datetime:
    """The moment of receipt, after the dispatch and every hand-over."""
    return moment_in_order(told, "received_at", now, way_so_far(held))


def received_weight(held: Held, told: Given, kg: int) -> Weight:
    """A mass at the consignee's gate in the basis of the load.

    A dry mass takes the moisture of the dispatch where none is told, as in a file.
    """
    sent, arrival = held.dispatch, held.arrival
    assert sent is not None
    moisture = told.get("received_moisture_pct", arrival.moisture if arrival else None)
    if moisture is None and sent.basis == "dry":
        moisture = sent.moisture
    how = told.get("weighed") or (arrival.weighed if arrival else "measured")
    return weighed_mass("received_t", kg, sent.basis, moisture, how)


def note_receipt(held: Held, told: Given) -> dict[str, Any]:
    """Ticket, facility and remark of a receipt into the header; what they were, for the event.

    Raises FieldsRefused `ticket_taken` for a ticket of the same weighbridge on another load.
    """
    row, details = held.row, {}
    ticket = told.get("ticket_no", "")
    if ticket:
        ticket_unique(held, ticket)
    if told.get("to_facility"):
        code = told.get("to_facility")
        row.to_facility_id = facility_key(held, "to_facility", code, held.consignee)
        details["to_facility"] = code
    for name in ("ticket_no", "remark"):
        if told.get(name):
            setattr(row, name, told.get(name))
            details[name] = told.get(name)
    return details


@again_if_overtaken
def cancel(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    asked_month: int = 0,
    channel: str = "api",
) -> Outcome:
    """Take back a load nobody received: an issued one, or one on the road with its carrier."""
    told = given(content, END_FIELDS)
    with moving(db, actor, uid, Move.CANCEL, expected_version, asked_month) as (held, actor):
        told.need("reason")
        if held.state is LoadState.IN_TRANSIT:
            _carrier_agreed(held, actor, told)
        _end(held, actor, channel, told, EventKind.CANCELLED, now, now)
        return outcome(held, actor)


@again_if_overtaken
def lose(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    asked_month: int = 0,
    channel: str = "api",
) -> Outcome:
    """A load on the road is lost at `at`: its mass goes to `lost`."""
    told = given(content, END_FIELDS)
    with moving(db, actor, uid, Move.LOSE, expected_version, asked_month) as (held, actor):
        told.need("reason")
        _carrier_agreed(held, actor, told)
        at = moment_in_order(told, "at", now, way_so_far(held))
        _end(held, actor, channel, told, EventKind.LOST, at, now)
        return outcome(held, actor)


def _carrier_agreed(held: Held, actor: Actor, told: Given) -> None:
    """The consignor acts with the carrier of the load; a park manager needs nobody."""
    mine = actor.organisations(Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
    if held.consignor in mine and held.row.carrier and not told.get("carrier_statement"):
        raise refuse("carrier_statement", "carrier_agreement_needed", carrier=held.row.carrier)


def _end(
    held: Held,
    actor: Actor,
    channel: str,
    told: Given,
    kind: EventKind,
    at: datetime,
    now: datetime,
) -> None:
    statement = told.get("carrier_statement")
    details = {"carrier_statement": statement} if statement else {}
    entered = Entered(kind, at, reason=told.get("reason"), details=details)
    enter(held, doer_for(held, actor, channel, held.consignor), now, entered)
