"""The change feed: what happened to records, in the order it was committed; reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select

from wasteflow_models.engine import Database
from wasteflow_models.live import ChangeRow

SCANNED: Final = 1000
MOST_SCANS: Final = 20


Readers = Mapping[str, frozenset[str] | None]
"""Kind of record → enterprises whose records of that kind one reads (None = all); "" = the rest."""


class Change(Struct, frozen=True):
    """One change: of what (`kind`, public id `ref`), what happened, when."""

    id: int
    at: datetime
    kind: str
    action: str
    ref: str


class Changes(Struct, frozen=True):
    """Some changes; go on with those after `after`; `more`: there may be some already."""

    items: list[Change]
    after: int
    more: bool


def list_changes(
    *,
    db: Database,
    after: int,
    limit: int,
    readers: Readers,
    kinds: Collection[str] = (),
) -> Changes:
    """At most `limit` changes after a number, those of `readers` and `kinds` (none: every kind).

    Looks at a bounded number of changes; `after` grows also when none of them fits.
    """
    found: list[Change] = []
    row = ChangeRow
    with db.read() as session:
        for _ in range(MOST_SCANS):
            query = select(row).where(row.id > after).order_by(row.id).limit(SCANNED)
            rows = session.scalars(query).all()
            for item in rows:
                after = item.id
                if _fits(item, readers, kinds):
                    found.append(Change(item.id, item.at, item.kind, item.action, item.ref))
                    if len(found) == limit:
                        return Changes(found, after, more=True)
            if len(rows) < SCANNED:
                return Changes(found, after, more=False)
    return Changes(found, after, more=True)


def _fits(row: ChangeRow, readers: Readers, kinds: Collection[str]) -> bool:
    if kinds and row.kind not in kinds:
        return False
    firms = readers[row.kind] if row.kind in readers else readers.get("", frozenset())
    return firms is None or not firms.isdisjoint(row.organisations.strip(";").split(";"))


def last_change(*, db: Database) -> int:
    """Number of the newest change, 0 if there is none."""
    with db.read() as session:
        return int(session.scalar(select(func.max(ChangeRow.id))) or 0)
