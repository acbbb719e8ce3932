"""The one place where postings enter the roll-up: in their month, and in the month of booking.

Every service that records something posts through here, within its own transaction: `booked_in` and
`post_rollup` for one record, `post` for columns of many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from wasteflow.core.booking import Change, Late, first_open, floor_of, not_before
from wasteflow.core.errors import RuleBroken
from wasteflow.core.periods import month_text
from wasteflow.core.postings import Rollup
from wasteflow.core.postings_bulk import BulkRollup
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.flow_parts import ReadyPart
from wasteflow_models.late import add_late, closed
from wasteflow_models.rollup import add_rollup, add_rollup_columns, bulk_of


def open_month(
    session: Session, firm_ids: Collection[int], month: int, keys: Keys | None = None
) -> int:
    """The first month from `month` (yyyymm) on that is closed for none of the firms.

    A firm is closed for a month if it, a park it lies in, or one above that closed it.
    keys: the registry, if the transaction has read it: none changes while a writer works.
    """
    through = closed(session, keys or load_keys(session)).through
    return first_open(month, [through.get(firm, 0) for firm in firm_ids])


def check_asked(asked: int, month: int, booked_month: int) -> None:
    """RuleBroken `month_closed` if a record wants to be booked in a month that is closed.

    asked: the month it asks for, 0 if it may be booked wherever it belongs.
    """
    if asked and asked != booked_month:
        raise RuleBroken(
            "month_closed",
            asked=month_text(asked),
            month=month_text(month),
            open=month_text(booked_month),
        )


def booked_in(
    session: Session,
    keys: Keys,
    firm_ids: Collection[int],
    rollup: Rollup,
    *,
    month: int,
    earlier: Iterable[Change] = (),
    asked: int = 0,
) -> int:
    """The month in which the signed change that one record makes is booked; posts nothing.

    month: that of the record, for one that moves nothing; otherwise the earliest month it changes
    counts.  earlier: what the record changed before (`core.booking.load_changes`).  asked: month in
    which it asks to be booked (0 = wherever it belongs).  Raises RuleBroken `month_closed`.
    """
    first = floor_of(rollup) or month
    booked_month = max(open_month(session, firm_ids, first, keys), not_before(earlier))
    check_asked(asked, first, booked_month)
    return booked_month


def post_rollup(session: Session, keys: Keys, rollup: Rollup, booked_month: int) -> None:
    """Post roll-up rows that are all booked in `booked_month`, or in their own month if later.

    Whoever moves the same months waits from then on until the transaction ends: what else it writes
    is written before.
    """
    late = {key: amounts for key, amounts in rollup.items() if key.month < booked_month}
    add_rollup(session, keys, rollup)
    if late:
        add_late(session, {booked_month: bulk_of(late, keys)})


def post(
    session: Session,
    rollup: BulkRollup,
    late: Late | None = None,
    parts: Sequence[ReadyPart] = (),
) -> None:
    """Add rows to the roll-up, and `parts` that were made ready of more rows.

    late: those of both that are booked later than their month.
    """
    add_rollup_columns(session, rollup, parts)
    if late:
        add_late(session, late)


def firms_of(load: Any) -> tuple[int, ...]:
    """Keys of the enterprises whose books a load touches (a shipment row or its like)."""
    return tuple({load.consignor_id, load.consignee_id, load.holder_id})
