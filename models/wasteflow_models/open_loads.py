"""Loads on the road at the end of a month, for the warnings of a close."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow_models.apart import marked
from wasteflow_models.ledger import ShipmentRow, visible
from wasteflow_models.load_marks import mark_of

OPEN_STATES = ("in_transit", "received")


def open_loads(session: Session, firm_ids: Collection[int], month: int) -> dict[int, list[str]]:
    """Firm → numbers of loads dispatched by the end of `month` that nobody has decided yet.

    Of which the firm is consignor, holder or consignee; by month and number, in one pass.
    """
    row = ShipmentRow
    query = (
        select(row.doc_no, row.consignor_id, row.holder_id, row.consignee_id)
        .where(
            row.id.in_(marked([mark_of(state) for state in OPEN_STATES])),
            row.dispatched_month > 0,
            row.dispatched_month <= month,
            ~row.reversed_,
            visible(),
        )
        .order_by(row.dispatched_month, row.doc_no)
    )
    wanted = frozenset(firm_ids)
    found: dict[int, list[str]] = {}
    for doc_no, *firms in session.execute(query):
        for firm in wanted.intersection(firms):
            found.setdefault(firm, []).append(doc_no)
    return found
