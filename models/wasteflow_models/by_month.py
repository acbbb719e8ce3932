"""Loads by the month they are kept under, and those of a month that are kept elsewhere.

The id of a load begins with a month: that of its dispatch, for all that a file brought.  A load
kept by hand has the month in which it was drafted, a revised one may have been dispatched in
another.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, not_, select, union_all

from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.live import LoadDraftRow, RevisionRow
from wasteflow_models.load_ids import STEP


def ids_of(first: int, last: int) -> ColumnElement[bool]:
    """Loads kept under the months first..last."""
    return ShipmentRow.id.between(first * STEP, (last + 1) * STEP - 1)


def elsewhere(first: int, last: int) -> list[ColumnElement[bool]]:
    """Loads not kept under the months first..last that may have been dispatched in them."""
    by_hand = union_all(
        select(LoadDraftRow.shipment_id),
        select(RevisionRow.shipment_id).where(RevisionRow.event_seq.is_not(None)),
    )
    return [ShipmentRow.id.in_(by_hand), not_(ids_of(first, last))]
