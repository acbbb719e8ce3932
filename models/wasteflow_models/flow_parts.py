"""What large imports add to a month of the roll-up: one packed value instead of a row per key.

A month of a material is its rows in `flow_month` plus its part here, key by key; whoever reads the
roll-up adds the two (`flow_columns.read_month`).  Single records write rows, which may then be
negative; another large import is added to the part.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, CursorResult, bindparam, select, text, update
from sqlalchemy.orm import Session

from wasteflow.core.columns import groups_of
from wasteflow_models.engine import linked
from wasteflow_models.ledger import FlowPartRow
from wasteflow_models.packed_months import FIELDS, packed, unpacked
from wasteflow_models.prepared import Prepared

Ints = NDArray[np.int64]
Columns = Sequence[NDArray[Any]]
"""source, target, route, evidence, kg, n of one material and month, in order of the first four."""

RANDOM_BITS: Final = 62
KEY: Final = 4
"""How many columns of a month are its key."""
_P = FlowPartRow.__table__.c
_HERE = (_P.material_id == bindparam("material"), _P.month == bindparam("month_"))
_NEW: Final = text(
    "INSERT INTO flow_part (material_id, month, version, data) "
    "VALUES (:material, :month, :version, :data) ON CONFLICT DO NOTHING"
)
_READ: Final = Prepared(select(_P.version, _P.data).where(*_HERE))


class ReadyPart(Struct, frozen=True):
    """A part as it will be: `own` is what is added, `data` the sum with the part at `seen`."""

    material_id: int
    month: int
    own: Columns
    seen: int
    data: bytes


def added(one: Columns, other: Columns, sign: int = 1) -> list[NDArray[Any]]:
    """Rows of two months (or of one, less `sign` = -1 of it) by key; what comes to nothing is left.

    >>> month = [np.array(column) for column in ([1, 2], [5, 5], [0, 0], [3, 3], [9, 7], [1, 1])]
    >>> [column.tolist() for column in added(month, [column[1:] for column in month], -1)]
    [[1], [5], [0], [3], [9], [1]]
    """
    if not len(other[0]):
        return list(one)
    if not len(one[0]) and sign > 0:
        return list(other)
    keys = zip(one[:KEY], other[:KEY], strict=True)
    both = [np.concatenate(pair).astype(np.int64) for pair in keys]
    groups = groups_of(both)
    kg, n = (
        groups.sums(np.concatenate([ours.astype(np.int64), sign * theirs.astype(np.int64)]))
        for ours, theirs in zip(one[KEY:], other[KEY:], strict=True)
    )
    some = np.flatnonzero((kg != 0) | (n != 0))
    rows = [column[groups.first][some] for column in both]
    return [
        column.astype(form)
        for column, (_, form) in zip([*rows, kg[some], n[some]], FIELDS, strict=True)
    ]


def read_part(session: Session, material_id: int, month: int) -> tuple[int, list[NDArray[Any]]]:
    """Version (0: there is none) and columns of the part of a month."""
    session.flush()
    found = _READ.rows(linked(session), {"material": material_id, "month_": month})
    if not found:
        return 0, unpacked(b"")
    ((version, data),) = found
    return int(version), unpacked(bytes(data))


def ready_parts(session: Session, columns: Sequence[Ints]) -> list[ReadyPart]:
    """Columns of `flow_month` in order of its key as parts, added to those that are there."""
    material, month, *rest = columns
    groups = groups_of([material, month])
    found = []
    for start, stop in pairwise([*groups.starts.tolist(), len(material)]):
        own = [
            np.ascontiguousarray(column[start:stop], form)
            for column, (_, form) in zip(rest, FIELDS, strict=True)
        ]
        at = int(material[start]), int(month[start])
        seen, held = read_part(session, *at)
        found.append(ReadyPart(*at, own, seen, packed(tuple(added(held, own)))))
    return found


def write_parts(session: Session, parts: Iterable[ReadyPart]) -> None:
    """Write parts, given in order of material and month; the caller draws the versions of months.

    A part that was written since it was made ready is added to again: whoever writes it holds it
    until his commit.  One that a rebuild took away begins anew.
    """
    for part in parts:
        seen, data = part.seen, part.data
        while not _replaced(session, part, seen, data):
            query = select(_P.version, _P.data).where(*_at(part)).with_for_update()
            row = session.execute(query).one_or_none()
            seen, held = row or (0, b"")
            data = packed(tuple(added(unpacked(bytes(held)), part.own)))


def _replaced(session: Session, part: ReadyPart, seen: int, data: bytes) -> bool:
    """Put a part in the place of the one at version `seen`; False if that is not there."""
    values = {"version": secrets.randbits(RANDOM_BITS), "data": data}
    if seen:
        statement: Any = update(FlowPartRow).where(*_at(part), _P.version == seen).values(values)
        return bool(cast(CursorResult[Any], session.execute(statement)).rowcount)
    values |= {"material": part.material_id, "month": part.month}
    return bool(cast(CursorResult[Any], session.execute(_NEW, values)).rowcount)


def _at(part: ReadyPart) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _P.material_id == part.material_id, _P.month == part.month
