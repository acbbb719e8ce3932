"""Loads as parents of returns and redirects: what of their refused part is still open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow_models.load_ids import STEP
from wasteflow_models.raw import insert_columns, is_postgresql, read_ints, temporary


class ParentFacts(NamedTuple):
    """What a load must tell to have children: ends, refused kilograms, and what of them is gone."""

    id: int
    doc_no: str
    consignor_id: int
    holder_id: int
    consignee_id: int
    material_id: int
    refused_kg: int
    reversed: bool
    last_at: int
    children_kg: int


def parent_facts(session: Session, numbers: Sequence[str], batch_id: int) -> list[ParentFacts]:
    """Loads by number (several consignors may use one), in ascending order of id.

    Staged loads are left out but for those of the batch itself.
    """
    if not numbers:
        return []
    with temporary(session, "asked_parent", "doc_no TEXT PRIMARY KEY"):
        insert_columns(session, "asked_parent", len(numbers), {"doc_no": list(numbers)})
        if is_postgresql(session):
            rows = _month_by_month(session, batch_id)
        else:
            query = text(_PARENTS.format(found=_JOINED))
            rows = list(session.execute(query, {"batch": batch_id}))
    return [ParentFacts._make((*told, bool(gone), at, kg)) for *told, gone, at, kg in rows]


def _month_by_month(session: Session, batch_id: int) -> list[Any]:
    """On PostgreSQL, which would look into the partition of each month for every load."""
    ids = np.unique(read_ints(session, _NUMBERED, 1)[0])
    query = text(_PARENTS.format(found=_OF_MONTH))
    rows: list[Any] = []
    for month in np.unique(ids // STEP).tolist():
        span = {"first": month * STEP, "last": (month + 1) * STEP - 1}
        asked = ids[ids // STEP == month].tolist()
        rows += session.execute(query, {"batch": batch_id, "ids": asked, **span})
    return rows


_PARENTS = """
SELECT s.id, s.doc_no, s.consignor_id, s.holder_id, s.consignee_id, s.material_id, s.refused_kg,
  s.reversed, coalesce(s.received_at, s.dispatched_at, 0) AS last_at,
  coalesce((SELECT CAST(sum(c.dispatched_kg) AS BIGINT) FROM load_child l
    JOIN shipment c ON c.id = l.child_id WHERE l.parent_id = s.id AND NOT c.reversed), 0)
  AS children_kg
FROM {found} LEFT JOIN batch b ON b.id = s.batch_id
WHERE coalesce(b.published, NOT false) OR s.batch_id = :batch ORDER BY s.id
"""

_JOINED = (
    "asked_parent a CROSS JOIN load_number n ON n.doc_no = a.doc_no "
    "CROSS JOIN shipment s ON s.id = n.shipment_id"
)
"""In this order: of a plain join SQLite would read every number there is."""
_NUMBERED = (
    "SELECT n.shipment_id FROM asked_parent a CROSS JOIN LATERAL "
    "(SELECT shipment_id FROM load_number WHERE doc_no = a.doc_no OFFSET 0) n"
)
"""PostgreSQL knows nothing of the table it has just been given, and would read the other whole:
`OFFSET 0` keeps it from joining it otherwise than by its key."""
_OF_MONTH = "(SELECT * FROM shipment WHERE id BETWEEN :first AND :last AND id = ANY(:ids)) s"


def overdrawn_parents(session: Session, ids: Sequence[int]) -> bool:
    """True if one of the parents is reversed, or its children took more than was refused.

    Locks the parents, so that the answer still holds when the transaction commits.
    """
    ordered = sorted(ids)
    if is_postgresql(session):
        lock = text("SELECT id FROM shipment WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
        session.execute(lock, {"ids": ordered}).all()
    query = text(
        "SELECT s.reversed, s.refused_kg, (SELECT CAST(sum(c.dispatched_kg) AS BIGINT) "
        "FROM load_child l JOIN shipment c ON c.id = l.child_id WHERE l.parent_id = s.id "
        "AND NOT c.reversed) FROM shipment s WHERE s.id = :id"
    )
    rows = [session.execute(query, {"id": key}).one() for key in ordered]
    return any(gone or (taken or 0) > refused for gone, refused, taken in rows)


def moment_text(seconds: int) -> str:
    """A stored moment as text with offset."""
    return str(datetime.fromtimestamp(seconds, UTC))
