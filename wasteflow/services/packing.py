"""Packing months of the roll-up for reading: after an import, and of settled months while serving.

Nothing rests on it: a month that is not packed is read row by row
(`wasteflow_models.packed_months`).
"""

from __future__ import annotations

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
    """Each month in a short transaction of its own, its rows read before."""
    done = 0
    for month in months:
        with db.read() as session:
            if not _holds(session, month):
                continue
            data = packed(read_month(session, month.material_id, month.month))
        try:
            with db.write(Alone.NOBODY) as session:
                if _holds(session, month):
                    write_packed(session, month, data)
                    done += 1
        except IntegrityError:  # another process packed it at the same moment
            continue
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
