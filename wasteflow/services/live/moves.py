"""On its way: issue, dispatch, hand over, weigh at the gate, cancel, lose.

Each function takes `content` (fields and texts), makes one move of the life cycle and answers with
the load and its warnings.  All raise Denied, StaleVersion, IllegalMove, FieldsRefused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import Remark
from wasteflow.core.lifecycle import CONTINUOUS, Move
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.records import DISPATCHES, HANDLED, EventKind
from wasteflow.core.rules import CAP_KG, cap_breach
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.complete import enter_header, whole
from wasteflow.services.live.content import (
    METER_FIELDS,
    Given,
    given,
    moment_in_order,
    refuse,
    remark,
    weighed_mass,
)
from wasteflow.services.live.held import Held, hold
from wasteflow.services.live.kin import within_refused
from wasteflow.services.live.remarks import permit_remarks, quota_remarks, stock_remarks
from wasteflow.services.live.views import Outcome, input_kg, moment, outcome
from wasteflow.services.live.writing import Doer, Entered, doer_for, enter
from wasteflow.services.load_rows import Weight
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import ShipmentRow

DISPATCH_FIELDS = (
    "dispatched_at", "dispatched_t", "moisture_pct", "weighed", "vehicle", "carrier", "handler",
    "ticket_no", "remark", *METER_FIELDS,
)  # fmt: skip
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
        enter(held, doer, now, Entered(EventKind.ISSUED, now, sent, evidence=grade))
        return outcome(held, actor, warnings)


@again_if_overtaken
def dispatch(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """The load leaves its site with the weight of the gate; a field left out is as it was issued.

    A conveyor or pipeline is dispatched for a metering period instead of a vehicle.
    """
    told = given(content, DISPATCH_FIELDS)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.rule(actor, Move.DISPATCH, expected_version)
        assert actor is not None
        doer = doer_for(held, actor, channel, held.consignor)
        warnings = dispatch_now(held, doer, told, now)
        return outcome(held, actor, warnings)


def dispatch_now(held: Held, doer: Doer, told: Given, now: datetime) -> list[Remark]:
    """The dispatch itself, for whoever may; used by a one-sided close too."""
    row = held.row
    continuous = row.mode in CONTINUOUS
    details = _metered(held, told, now) if continuous else {}
    if continuous and told.get("dispatched_at") is None:
        told = replace(told, values={**told.values, "dispatched_at": told.get("period_end")})
    at = moment_in_order(told, "dispatched_at", now)
    sent = dispatched_weight(held, told)
    if not (continuous or told.get("vehicle") or row.vehicle):
        raise refuse("vehicle", "vehicle_needed")
    warnings = over_cap(held, sent)
    within_refused(held, sent.kg, at)
    if row.kind == "delivery":
        after_opening(held, held.consignor, "dispatched_at", at)
    for name in ("vehicle", "carrier", "handler", "ticket_no", "remark"):
        if told.get(name):
            setattr(row, name, told.get(name))
            details[name] = told.get(name)
    if continuous:
        warnings += _meter_remarks(told, sent)
    elif sent.input_kg != input_kg(held.events[-1]):  # the weight that was warned about has changed
        warnings += stock_remarks(held, sent.kg, at)
    warnings += permit_remarks(held, at)
    grade = held.grade(doer.side, estimated=sent.weighed == "estimated")
    enter(held, doer, now, Entered(EventKind.DISPATCHED, at, sent, evidence=grade, details=details))
    return warnings


def dispatched_weight(held: Held, told: Given) -> Weight:
    """The weight of a dispatch: what is told, and what was issued where nothing is."""
    issued = held.last(EventKind.ISSUED, *DISPATCHES)
    assert issued is not None
    moisture = told.get("moisture_pct", issued.moisture)
    how = told.get("weighed") if "weighed" in told.texts else issued.weighed
    kg = told.get("dispatched_t", input_kg(issued))
    return weighed_mass("dispatched_t", kg, issued.basis, moisture, how or "measured")


def over_cap(held: Held, sent: Weight) -> list[Remark]:
    """A load above the cap of its mode; above twice the cap it is refused."""
    mode, trips = held.row.mode, held.row.trips
    breach = cap_breach(mode, sent.kg, trips)
    if not breach:
        return []
    cap = CAP_KG[mode] * trips // 1000
    if breach == "over_twice_cap":
        raise refuse("dispatched_t", "over_twice_cap", cap=cap)
    return [remark("over_cap", cap=cap)]


def after_opening(held: Held, firm: str, name: str, at: datetime) -> None:
    """Nothing moves at a site before its opening stock; FieldsRefused `before_opening`."""
    keys = held.keys
    opened = queries.opening_days(held.session, keys, {keys.id_of("enterprise", firm)})
    first = opened.get((firm, "site", held.header.material))
    if first is not None and shanghai_day(at) < first:
        raise refuse(name, "before_opening", first_day=first.isoformat())


def _metered(held: Held, told: Given, now: datetime) -> dict[str, Any]:
    """The metering period, after the last one of the same line and within one month."""
    missing = [name for name in METER_FIELDS if told.get(name) is None]
    if missing:
        raise refuse(missing[0], "meter_needed", fields=", ".join(missing))
    start, end = (told.get(name) for name in ("period_start", "period_end"))
    until = _metered_until(held)
    if end > now:
        raise refuse("period_end", "future_date", today=shanghai_day(now))
    forwards = start < end and told.get("meter_start") <= told.get("meter_end")
    if not forwards or (until is not None and start < until):
        raise refuse("period_start", "meter_backwards", until=moment(until) or "-")
    last = end if start == end else end.replace(microsecond=0)
    months = {month_of_day(shanghai_day(at)) for at in (start, last)}
    if len(months) > 1:
        raise refuse("period_end", "meter_two_months")
    texts = {"period_start": moment(start), "period_end": moment(end)}
    readings = {name: tonnes_text(told.get(name)) for name in ("meter_start", "meter_end")}
    return {**texts, **readings}


def _metered_until(held: Held) -> datetime | None:
    """End of the last metering period between the same firms, of the same material and mode."""
    row = held.row
    query = (
        select(ShipmentRow.dispatched_at)
        .where(
            ShipmentRow.consignee_id == row.consignee_id,
            ShipmentRow.consignor_id == row.consignor_id,
            ShipmentRow.material_id == row.material_id,
            ShipmentRow.mode == row.mode,
            ShipmentRow.dispatched_month > 0,
            ~ShipmentRow.reversed_,
        )
        .order_by(ShipmentRow.dispatched_at.desc())
        .limit(1)
    )
    return held.session.scalars(query).one_or_none()


def _meter_remarks(told: Given, sent: Weight) -> list[Remark]:
    metered = told.get("meter_end") - told.get("meter_start")
    if metered == sent.input_kg:
        return []
    return [
        remark("meter_differs", metered=tonnes_text(metered), tonnes=tonnes_text(sent.input_kg))
    ]


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
        way = held.last(*DISPATCHES, EventKind.HANDED_OVER)
        at = moment_in_order(told, "at", now, way.at if way else None)
        doer = Doer.of(actor, channel, [held.consignor], [following, held.row.carrier])
        details = {"from": held.row.carrier, "carrier": following}
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
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.rule(actor, Move.RECEIVE, expected_version)
        assert actor is not None
        told.need("received_t")
        at = arrived_at(held, told, now)
        got = received_weight(held, told, told.get("received_t"))
        details = note_receipt(held, told)
        doer = doer_for(held, actor, channel, held.consignee)
        enter(held, doer, now, Entered(EventKind.RECEIVED, at, got, details=details))
        return outcome(held, actor)


def arrived_at(held: Held, told: Given, now: datetime) -> datetime:
    """The moment of receipt, after the dispatch and every hand-over."""
    way = held.last(*DISPATCHES, EventKind.HANDED_OVER)
    before = max(
        [row.at for row in held.events if row.kind in (*DISPATCHES, EventKind.HANDED_OVER)]
    )
    assert way is not None
    return moment_in_order(told, "received_at", now, before)


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
        _ticket_unique(held, ticket)
    if told.get("to_facility"):
        code = told.get("to_facility")
        facility = held.registry.facilities.get(code)
        if facility is None or facility.enterprise != held.consignee:
            code_ = "unknown_facility" if facility is None else "facility_not_of_enterprise"
            raise refuse("to_facility", code_, value=code, enterprise=held.consignee)
        row.to_facility_id = held.keys.id_of("facility", code)
        details["to_facility"] = code
    for name in ("ticket_no", "remark"):
        if told.get(name):
            setattr(row, name, told.get(name))
            details[name] = told.get(name)
    return details


def _ticket_unique(held: Held, ticket: str) -> None:
    row, other = held.row, ShipmentRow
    held.session.execute(queries.enterprise_lock(row.consignee_id))
    query = select(other.doc_no).where(
        other.consignee_id == row.consignee_id,
        other.ticket_no == ticket,
        other.id != row.id,
        other.received_at.is_not(None),
        ~other.reversed_,
    )
    taken = held.session.scalars(query.order_by(other.id).limit(1)).one_or_none()
    if taken is not None:
        raise refuse("ticket_no", "ticket_taken", value=ticket, doc_no=taken)


@again_if_overtaken
def cancel(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """Take back a load nobody received: an issued one, or one on the road with its carrier."""
    told = given(content, END_FIELDS)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        rule = held.rule(actor, Move.CANCEL, expected_version)
        assert actor is not None
        told.need("reason")
        if LoadState.IN_TRANSIT in rule.sources:
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
    channel: str = "api",
) -> Outcome:
    """A load on the road is lost at `at`: its mass goes to `lost`."""
    told = given(content, END_FIELDS)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.rule(actor, Move.LOSE, expected_version)
        assert actor is not None
        told.need("reason")
        _carrier_agreed(held, actor, told)
        moved = [row.at for row in held.events if row.kind in (*DISPATCHES, *HANDLED)]
        at = moment_in_order(told, "at", now, max(moved))
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
