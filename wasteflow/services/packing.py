"""Packing months of the roll-up for reading: after an import, and of settled months while serving.

Nothing rests on it: a month that is not packed is read row by row
(`wasteflow_models.packed_months`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from wasteflow.services.proof import Fault
from wasteflow_models.convert import Keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.flow_columns import MonthColumns, read_month, versions_of
from wasteflow_models.packed_months import (
    MonthVersion,
    current_months,
    packed,
    read_packed,
    stale_months,
    write_packed,
)

TOGETHER_BYTES = 2 * 1024 * 1024
"""Packed months from which a transaction ends: one for each costs small books a flush per month."""
_Ready = tuple[MonthVersion, bytes]


class Packer:
    """Packs what has settled: months at the same version as in the round before."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: frozenset[MonthVersion] = frozenset()

    def round(self) -> int:
        """How many months were packed."""
        with self._db.read() as session:
            stale = stale_months(session)
        settled = [month for month in stale if month in self._seen]
        self._seen = frozenset(stale)
        return _pack(self._db, settled)


def pack_books(*, db: Database) -> int:
    """Pack every month that is not, at once; how many."""
    with db.read() as session:
        stale = stale_months(session)
    return _pack(db, stale)


def _pack(db: Database, months: Iterable[MonthVersion]) -> int:
    """Several months in a short transaction together, their rows read before."""
    left, done = deque(months), 0
    while left:
        with db.read() as session:
            ready = _read(session, left)
        done += _write(db, ready)
    return done


def _read(session: Session, left: deque[MonthVersion]) -> list[_Ready]:
    """The next months as bytes, taken from `left`; those that were written meanwhile left out."""
    found: list[_Ready] = []
    size = 0
    while left and size < TOGETHER_BYTES:
        month = left.popleft()
        if _holds(session, month):
            data = packed(read_month(session, month.material_id, month.month))
            found.append((month, data))
            size += len(data)
    return found


def _write(db: Database, ready: list[_Ready]) -> int:
    """Write months that still are at their version; how many."""
    done = 0
    try:
        with db.write(Alone.NOBODY) as session:
            for month, data in ready:
                if _holds(session, month):
                    write_packed(session, month, data)
                    done += 1
    except IntegrityError:  # another process packed one of them at the same moment
        return 0 if len(ready) == 1 else sum(_write(db, [one]) for one in ready)
    return done


def _holds(session: Session, month: MonthVersion) -> bool:
    """True while the month is at that version."""
    return versions_of(session, month.material_id).get(month.month) == month.version


def packed_faults(session: Session, keys: Keys) -> list[Fault]:
    """Packed months that differ from the rows they stand for."""
    codes = keys.codes["material"]
    return [
        Fault("packed_differs", f"{codes[month.material_id]} {month.month}")
        for month in current_months(session)
        if not _agrees(session, month)
    ]


def _agrees(session: Session, month: MonthVersion) -> bool:
    rows = read_month(session, month.material_id, month.month)
    try:
        found = read_packed(session, month.material_id, {month.month: month.version})
    except ValueError:
        return False
    return month.month in found and packed(MonthColumns(*found[month.month])) == packed(rows)
