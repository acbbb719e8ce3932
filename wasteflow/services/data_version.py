"""One short text for the state of everything reports read; what was made from it may be kept.

Two equal versions mean equal books and an equal registry, in whatever database they lie: every
write draws its part of it at random.  Product output and the texts of single records are not in it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy import CompoundSelect, Integer, case, func, literal, null, select, union_all

from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    LAST_ENTRY,
    BatchRow,
    RollupVersionRow,
    StampRow,
)


def data_version(*, db: Database) -> str:
    """Digest (32 hex digits) of registry, places, roll-up, entries and batches, by one query.

    Entries count by their last number: a correction may move no kilogram, and their numbers are
    committed in order (`order`).  Batches count because reports say whether the books hold
    synthetic records.
    """
    nothing, month = null(), RollupVersionRow
    synthetic = func.sum(case((BatchRow.synthetic, 1), else_=0))
    stamps = select(literal("stamp"), StampRow.name, nothing, nothing, StampRow.version)
    months = select(literal("month"), literal(""), month.material_id, month.month, month.version)
    entries = select(literal("entry"), literal(""), nothing, nothing, LAST_ENTRY)
    batches = select(
        literal("batch"),
        literal(""),
        func.count().cast(Integer),
        synthetic.cast(Integer),
        func.max(BatchRow.id),
    )
    query: CompoundSelect[Any] = union_all(stamps, months, entries, batches)
    with db.read() as session:
        rows = sorted(str(tuple(row)) for row in session.execute(query))
    return sha256("\n".join(rows).encode()).hexdigest()[:32]
