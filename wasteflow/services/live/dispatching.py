"""A load leaves its site: by vehicle with its weight, by conveyor or pipeline per period."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark
from wasteflow.core.lifecycle import CONTINUOUS, Move
from wasteflow.core.periods import moment_words, month_of_day, shanghai_day
from wasteflow.core.records import DISPATCHES, EventKind
from wasteflow.core.units import tonnes_text
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.content import (
    METER_FIELDS,
    Given,
    given,
    moment_in_order,
    refuse,
    remark,
    weighed_mass,
)
from wasteflow.services.live.guards import after_opening, cap_remarks
from wasteflow.services.live.held import Held
from wasteflow.services.live.kin import within_refused
from wasteflow.services.live.moving import moving
from wasteflow.services.live.remarks import permit_remarks, stock_remarks
from wasteflow.services.live.views import Outcome, input_kg, moment, outcome
from wasteflow.services.live.writing import Doer, Entered, doer_for, enter
from wasteflow.services.load_rows import Weight
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow

DISPATCH_FIELDS = (
    "dispatched_at", "dispatched_t", "moisture_pct", "weighed", "vehicle", "carrier", "handler",
    "ticket_no", "remark", *METER_FIELDS,
)  # fmt: skip


@again_if_overtaken
def dispatch(
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
    """The load leaves its site with the weight of the gate; a field left out is as it was issued.

    A conveyor or pipeline is dispatched for a metering period instead of a vehicle.
    """
    told = given(content, DISPATCH_FIELDS)
    with moving(db, actor, uid, Move.DISPATCH, expected_version, asked_month) as (held, actor):
        doer = doer_for(held, actor, channel, held.consignor)
        warnings = _leave(held, doer, told, now)
        return outcome(held, actor, warnings)


def _leave(held: Held, doer: Doer, told: Given, now: datetime) -> list[Remark]:
    """The dispatch itself; returns its warnings."""
    row = held.row
    continuous = row.mode in CONTINUOUS
    details = _metered(held, told, now) if continuous else {}
    if continuous and told.get("dispatched_at") is None:
        told = replace(told, values={**told.values, "dispatched_at": told.get("period_end")})
    at = moment_in_order(told, "dispatched_at", now)
    sent = _weight(held, told)
    if not (continuous or told.get("vehicle") or row.vehicle):
        raise refuse("vehicle", "vehicle_needed")
    warnings = cap_remarks(row.mode, row.trips, sent)
    within_refused(held, sent.kg, at)
    if row.kind == "delivery":
        after_opening(held, held.consignor, "dispatched_at", at)
    for name in ("vehicle", "carrier", "handler", "ticket_no", "remark"):
        if told.get(name):
            setattr(row, name, told.get(name))
            details[name] = told.get(name)
    if continuous:
        warnings += _meter_remarks(told, sent)
    issued = held.last(EventKind.ISSUED)
    if issued is None or sent.kg > issued.kg:  # up to the declared mass it was asked when issued
        warnings += stock_remarks(held, sent.kg, at)
    warnings += permit_remarks(held, at)
    grade = held.grade(doer.side, estimated=sent.weighed == "estimated")
    enter(held, doer, now, Entered(EventKind.DISPATCHED, at, sent, evidence=grade, details=details))
    return warnings


def _weight(held: Held, told: Given) -> Weight:
    """The weight of a dispatch: what is told, and what was issued where nothing is."""
    issued = held.last(EventKind.ISSUED, *DISPATCHES)
    assert issued is not None
    moisture = told.get("moisture_pct", issued.moisture)
    how = told.get("weighed") if "weighed" in told.texts else issued.weighed
    kg = told.get("dispatched_t", input_kg(issued))
    return weighed_mass("dispatched_t", kg, issued.basis, moisture, how or "measured")


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
        last_one = {} if until is None else {"until": moment_words(until)}
        raise refuse("period_start", "meter_backwards", **last_one)
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
