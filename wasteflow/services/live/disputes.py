"""Disputed weights: the consignor acknowledges or contests, the park manager settles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.errors import RuleBroken
from wasteflow.core.lifecycle import USUAL_WAITS, Move, Waits
from wasteflow.core.periods import moment_words
from wasteflow.core.records import RECEIPTS, EventKind
from wasteflow.core.units import tonnes_text
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.export import as_given
from wasteflow.services.live.content import Given, given, refuse, weighed_mass
from wasteflow.services.live.decisions import accepted_wet
from wasteflow.services.live.held import Held
from wasteflow.services.live.kin import moved_kg
from wasteflow.services.live.moving import moving
from wasteflow.services.live.views import Outcome, input_kg, outcome
from wasteflow.services.live.writing import Entered, doer_for, enter
from wasteflow_models.engine import Database

ANSWERS = {"acknowledge": Move.ACKNOWLEDGE, "contest": Move.CONTEST}
"""What the consignor can answer to disputed weights."""
SETTLE_FIELDS = ("agreed_t", "refused_t", "reason")


@again_if_overtaken
def answer_dispute(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    answer: str,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
    channel: str = "api",
) -> Outcome:
    """`acknowledge` the receiver's weights, which ends the dispute, or `contest` them (a reason).

    Raises Denied, StaleVersion, IllegalMove, FieldsRefused (`field_unknown` for another answer).
    """
    if answer not in ANSWERS:
        raise refuse("answer", "field_unknown", field=answer, known=", ".join(ANSWERS))
    told = given(content, ("reason",))
    with moving(db, actor, uid, ANSWERS[answer], expected_version) as (held, actor):
        doer = doer_for(held, actor, channel, held.consignor)
        reason = told.get("reason", "")
        if answer == "contest":
            told.need("reason")
            entered = Entered(EventKind.CONTESTED, now, reason=reason)
        else:
            grade = held.grade(doer.side, confirming=True)
            entered = Entered(EventKind.ACKNOWLEDGED, now, evidence=grade, reason=reason)
        enter(held, doer, now, entered)
        return outcome(held, actor)


@again_if_overtaken
def settle(
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
    """The park manager decides on the received mass (`agreed_t`, in the basis of the load).

    The refused part stays as it was decided unless `refused_t` is given; the rest is accepted.
    Raises Denied, StaleVersion, IllegalMove, RuleBroken `wait_before_settling`, FieldsRefused.
    """
    told = given(content, SETTLE_FIELDS)
    with moving(db, actor, uid, Move.SETTLE, expected_version, asked_month) as (held, actor):
        _waited(held, now, waits)
        told.need("reason", "agreed_t")
        entered = _settlement(held, told, now)
        enter(held, doer_for(held, actor, channel, ""), now, entered)
        return outcome(held, actor)


def _waited(held: Held, now: datetime, waits: Waits) -> None:
    decided = held.last(*RECEIPTS)
    assert decided is not None
    until = decided.recorded_at + timedelta(days=waits.settle_days)
    if now < until:
        raise RuleBroken("wait_before_settling", until=moment_words(until), days=waits.settle_days)


def _settlement(held: Held, told: Given, now: datetime) -> Entered:
    """The agreed masses; those of the decision stay where nothing else is told."""
    got = held.receipt
    assert got is not None
    agreed = told.get("agreed_t")
    weight = weighed_mass("agreed_t", agreed, got.basis, got.moisture, got.weighed)
    refused = told.get("refused_t")
    if refused is None:
        refused = input_kg(got) - as_given(got, got.accepted_kg)
    if not 0 <= refused <= agreed:
        parts = {"received": tonnes_text(agreed), "sum": tonnes_text(refused)}
        raise refuse("refused_t", "received_not_sum", **parts)
    accepted_kg = accepted_wet(weight, agreed - refused)
    moved = moved_kg(held.session, held.row.id)
    if weight.kg - accepted_kg < moved:
        raise refuse("refused_t", "below_children", tonnes=tonnes_text(moved))
    return Entered(
        EventKind.SETTLED,
        now,
        weight,
        accepted_kg,
        weight.kg - accepted_kg,
        held.grade(),
        told.get("reason"),
    )
