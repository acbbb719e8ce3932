"""Months of the roll-up packed into one value each, by version: read in hundredths of a second.

A row object per roll-up row is what a cold report waits for; packed, a month is copied into numpy
as it is.  What is packed counts only while its version is that of the month, so nobody has to drop
it when the month is written; `check` compares it with the rows it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from wasteflow_models.ledger import FlowPackedRow, RollupVersionRow

FIELDS: Final = (
    ("source", "<i4"),
    ("target", "<i4"),
    ("route", "<i4"),
    ("evidence", "<i1"),
    ("kg", "<i8"),
    ("n", "<i8"),
)
"""Columns of a month as they are kept and packed, one whole column after the other."""
ROWS_ONLY: Final = "rows_only"
"""In `session.info`: whoever proves the books reads no packed month."""
_ROW_BYTES: Final = sum(np.dtype(form).itemsize for _, form in FIELDS)
_P, _V = FlowPackedRow.__table__.c, RollupVersionRow.__table__.c
_CURRENT: Final = (_P.material_id == _V.material_id) & (_P.month == _V.month)
_READ: Final = (
    select(_P.month, _P.version, _P.data)
    .where(
        _P.material_id == bindparam("material"),
        _P.month.between(bindparam("first"), bindparam("last")),
    )
    .order_by(_P.month)
)
_STALE: Final = (
    select(_V.material_id, _V.month, _V.version)
    .outerjoin(FlowPackedRow.__table__, _CURRENT)
    .where((_P.version.is_(None)) | (_P.version != _V.version))
    .order_by(_V.material_id, _V.month)
)


class MonthVersion(NamedTuple):
    """A month of a material, and the version of its roll-up."""

    material_id: int
    month: int
    version: int


def packed(columns: tuple[np.ndarray, ...]) -> bytes:
    """The columns of a month (those of FIELDS) as bytes."""
    pairs = zip(columns, FIELDS, strict=True)
    return b"".join(np.ascontiguousarray(part, form).tobytes() for part, (_, form) in pairs)


def unpacked(data: bytes) -> list[np.ndarray]:
    """The columns again, read-only.  Raises ValueError if the bytes are no whole rows."""
    count, left = divmod(len(data), _ROW_BYTES)
    if left:
        raise ValueError("a packed month of the roll-up is cut short")
    columns, at = [], 0
    for _, form in FIELDS:
        columns.append(np.frombuffer(data, form, count, at))
        at += columns[-1].nbytes
    return columns


def read_packed(
    session: Session, material_id: int, wanted: Mapping[int, int]
) -> dict[int, list[np.ndarray]]:
    """Month -> columns of those months (month -> version) that are packed at that version."""
    if not wanted:
        return {}
    asked = {"material": material_id, "first": min(wanted), "last": max(wanted)}
    return {
        month: unpacked(data)
        for month, version, data in session.execute(_READ, asked)
        if wanted.get(month) == version
    }


def stale_months(session: Session) -> list[MonthVersion]:
    """Months that are not packed, or packed at another version."""
    return [MonthVersion(*row) for row in session.execute(_STALE)]


def current_months(session: Session) -> list[MonthVersion]:
    """Months that are packed at their version."""
    query = (
        select(_V.material_id, _V.month, _V.version)
        .join(FlowPackedRow.__table__, _CURRENT)
        .where(_P.version == _V.version)
        .order_by(_V.material_id, _V.month)
    )
    return [MonthVersion(*row) for row in session.execute(query)]


def write_packed(session: Session, month: MonthVersion, data: bytes) -> None:
    """Put a month in place of what was packed of it before."""
    drop_packed(session, month)
    session.execute(insert(FlowPackedRow).values(**month._asdict(), data=data))


def drop_packed(session: Session, month: MonthVersion | None = None) -> None:
    """Forget what is packed of a month (None: of all)."""
    query = delete(FlowPackedRow)
    if month is not None:
        query = query.where(_P.material_id == month.material_id, _P.month == month.month)
    session.execute(query)
