"""A revision looked at before it is proposed: what would change, who is asked, where it is booked.

Nothing is written; the same rules judge as when it is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark
from wasteflow.core.lifecycle import Move
from wasteflow.core.periods import month_of_day, month_text, shanghai_day
from wasteflow.core.revisions import touched
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.services.booking import open_month
from wasteflow.services.live.held import Held, hold
from wasteflow.services.live.revising import Plan, plan, told_fields
from wasteflow.services.live.revisions import bound_firms
from wasteflow.services.live.writing import doer_for
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def preview_revision(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    now: datetime,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> dict[str, Any]:
    """What a revision would do: `before`, `after` (contract columns as texts), `asked` (firms that
    must approve), `warnings`, `month` (the earliest it changes) and `booked` (where that is booked;
    both "" if no figure moves).

    Raises Denied, IllegalMove, FieldsRefused, RuleBroken `nothing_revised`.
    """
    told_fields(content)
    with db.read() as session:
        held = hold(session, load_keys(session), actor, uid, lock=False)
        return change_of(held, actor, content, now, tolerance)


def change_of(
    held: Held,
    actor: Actor | None,
    content: Mapping[str, Any],
    now: datetime,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> dict[str, Any]:
    """The same of a load that is held already."""
    told = told_fields(content)
    now = now.replace(microsecond=0)
    held.rule(actor, Move.REVISE)
    assert actor is not None  # the rule has refused it
    planned = plan(held, told, now, tolerance)
    asked = touched(
        planned.after,
        by=doer_for(held, actor, "", held.consignor, held.consignee).side,
        consignor=held.consignor,
        consignee=held.consignee,
        bound=bound_firms(held, now),
    )
    month, booked = _months(held, planned) if planned.signed else (0, 0)
    warnings: list[Remark] = list(planned.warnings)
    return {
        "before": planned.before,
        "after": planned.after,
        "asked": sorted(asked),
        "month": month_text(month) if month else "",
        "booked": month_text(booked) if booked else "",
        "warnings": warnings,
    }


def _months(held: Held, planned: Plan) -> tuple[int, int]:
    """The earliest month the load counts in, before or after, and where its change is booked."""
    moments = [planned.sent_at, planned.got_at, held.row.dispatched_at, held.row.received_at]
    month = min(month_of_day(shanghai_day(at)) for at in moments if at is not None)
    firms = {held.row.consignor_id, held.row.consignee_id, held.row.holder_id} - {0}
    return month, open_month(held.session, sorted(firms), month, held.keys)
