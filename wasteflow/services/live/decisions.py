"""The consignee's decision: what was received is accepted or refused, all or in part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark
from wasteflow.core.lifecycle import Move
from wasteflow.core.records import EventKind
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance, gap_percent, weight_gap
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.content import Given, given, refuse, remark, weighed_mass
from wasteflow.services.live.guards import after_opening
from wasteflow.services.live.held import Held
from wasteflow.services.live.moves import (
    RECEIVE_FIELDS,
    arrived_at,
    note_receipt,
    received_weight,
)
from wasteflow.services.live.moving import moving
from wasteflow.services.live.remarks import capacity_remarks, permit_remarks
from wasteflow.services.live.views import Outcome, input_kg, outcome
from wasteflow.services.live.writing import Entered, doer_for, enter
from wasteflow.services.load_rows import Weight
from wasteflow_models.engine import Database

DECIDE_FIELDS = (*RECEIVE_FIELDS, "accepted_t", "refused_t", "reason")


@again_if_overtaken
def decide(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    asked_month: int = 0,
    channel: str = "api",
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> Outcome:
    """Accept or refuse what came, from the gate's weighing or straight from the road.

    Two of received, accepted and refused give the third; with nothing but a weighing all of it is
    accepted.  A gap between the two weights beyond the tolerance makes the load disputed; then it
    is posted with the receiver's weights.  Raises Denied, StaleVersion, IllegalMove, FieldsRefused.
    """
    told = given(content, DECIDE_FIELDS)
    with moving(db, actor, uid, Move.DECIDE, expected_version, asked_month) as (held, actor):
        at = _received_at(held, told, now)
        got, accepted_kg = decided_masses(held, told)
        if got.kg > accepted_kg and not told.get("reason"):
            raise refuse("reason", "reason_of_refusal")
        warnings = judge_gap(held, got, told.get("reason", ""), tolerance)
        after_opening(held, held.consignee, "received_at", at)
        details = note_receipt(held, told)
        warnings += capacity_remarks(held, accepted_kg, at) + permit_remarks(held, at)
        doer = doer_for(held, actor, channel, held.consignee)
        disputed = any(item.code == "weight_disputed" for item in warnings)
        grade = held.grade(doer.side, estimated=got.weighed == "estimated")
        enter(
            held,
            doer,
            now,
            Entered(
                EventKind.DECIDED,
                at,
                got,
                accepted_kg,
                got.kg - accepted_kg,
                Evidence.DISPUTED if disputed else grade,
                told.get("reason", ""),
                details,
            ),
        )
        return outcome(held, actor, warnings)


def _received_at(held: Held, told: Given, now: datetime) -> datetime:
    """The moment of receipt: as told, as weighed at the gate, or now."""
    if told.get("received_at") is None and held.state is LoadState.RECEIVED:
        assert held.row.received_at is not None
        return held.row.received_at
    return arrived_at(held, told, now)


def decided_masses(held: Held, told: Given) -> tuple[Weight, int]:
    """(received weight, accepted wet kilograms) of a decision.

    Raises FieldsRefused `received_not_sum`, `nothing_received`, `missing_value`.
    """
    received, accepted, refused = (
        told.get(name) for name in ("received_t", "accepted_t", "refused_t")
    )
    arrival = held.arrival
    if received is None and arrival is not None and held.state is LoadState.RECEIVED:
        received = input_kg(arrival)
    for name, kg in (("accepted_t", accepted), ("refused_t", refused)):
        if kg is not None and kg < 0:
            raise refuse(name, "negative_tonnes")
    if received is None and accepted is None:
        raise refuse("received_t", "missing_value")
    if accepted is None:
        accepted = received - (refused or 0)
    if refused is None:
        refused = 0 if received is None else received - accepted
    if received is None:
        received = accepted + refused
    if received != accepted + refused or accepted < 0 or refused < 0:
        parts = {"received": tonnes_text(received), "sum": tonnes_text(accepted + max(refused, 0))}
        raise refuse("received_t", "received_not_sum", **parts)
    if not received:
        raise refuse("received_t", "nothing_received")
    got = received_weight(held, told, received)
    return got, accepted_wet(got, accepted)


def accepted_wet(got: Weight, accepted: int) -> int:
    """Wet kilograms of the accepted part, given in the basis of the received weight."""
    if not accepted:
        return 0
    return weighed_mass("accepted_t", accepted, got.basis, got.moisture, got.weighed).kg


def judge_gap(held: Held, got: Weight, reason: str, tolerance: Tolerance) -> list[Remark]:
    """Received against dispatched weight: a reason is due, or a dispute, by the tolerance.

    Raises FieldsRefused `gap_needs_reason`.
    """
    sent = held.dispatch
    assert sent is not None
    compared = sent.kg, got.kg, sent.moisture, got.moisture
    gap = weight_gap(*compared, tolerance)
    if gap and not reason:
        raise refuse("reason", "gap_needs_reason", percent=gap_percent(*compared))
    if gap != "disputed":
        return []
    return [remark("weight_disputed", percent=gap_percent(*compared))]
