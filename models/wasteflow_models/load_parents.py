"""Loads as parents of returns and redirects: what of their refused part is still open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow_models.raw import insert_columns, is_postgresql, temporary


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
        found = _ONE_BY_ONE if is_postgresql(session) else _JOINED
        rows = session.execute(text(_PARENTS.format(found=found)), {"batch": batch_id}).all()
    return [ParentFacts._make((*told, bool(gone), at, kg)) for *told, gone, at, kg in rows]


_PARENTS = """
SELECT s.id, s.doc_no, s.consignor_id, s.holder_id, s.consignee_id, s.material_id, s.refused_kg,
  s.reversed, coalesce(s.received_at, s.dispatched_at, 0) AS last_at,
  coalesce((SELECT CAST(sum(c.dispatched_kg) AS BIGINT) FROM load_child l
    JOIN shipment c ON c.id = l.child_id WHERE l.parent_id = s.id AND NOT c.reversed), 0)
  AS children_kg
FROM asked_parent a {found} LEFT JOIN batch b ON b.id = s.batch_id
WHERE coalesce(b.published, NOT false) OR s.batch_id = :batch ORDER BY s.id
"""

_JOINED = (
    "CROSS JOIN load_number n ON n.doc_no = a.doc_no CROSS JOIN shipment s ON s.id = n.shipment_id"
)
"""In this order: of a plain join SQLite would read every number there is."""
_ONE_BY_ONE = """
CROSS JOIN LATERAL (SELECT shipment_id FROM load_number WHERE doc_no = a.doc_no OFFSET 0) n
CROSS JOIN LATERAL (SELECT * FROM shipment WHERE id = n.shipment_id OFFSET 0) s
"""
"""PostgreSQL knows nothing of the table it has just been given, and would read the others whole:
`OFFSET 0` keeps it from joining them otherwise than by their keys."""


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
