"""Digests of what the findings list rests on: what has to be looked at again, how old it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.periods import shanghai_day
from wasteflow_models.api import AttachmentRow
from wasteflow_models.engine import Database
from wasteflow_models.findings import FindingStateRow
from wasteflow_models.ledger import (
    LAST_ENTRY,
    BatchRow,
    ProductRow,
    RollupVersionRow,
    StampRow,
)
from wasteflow_models.live import ChangeRow

STAMP: Final = "finding"
"""Stamp of the list: pages that count findings are made anew when it was."""
BOOKS: Final = "books"
"""Under which the state of the list holds the digest of the whole."""
MADE: Final = "made"
"""Under which it holds the moment when it was last made."""


class Digests(Struct, frozen=True):
    """What the list rests on: the whole, each month of loads, registry, last change."""

    books: str
    months: Mapping[int, str]
    registry: str
    change: int


def digests_of(session: Session, today: date) -> Digests:
    """The digests as the books stand."""
    month, stamp = RollupVersionRow, StampRow
    versions: dict[int, list[str]] = {}
    ordered = select(month.month, month.material_id, month.version).order_by(
        month.month, month.material_id
    )
    for at, material, version in session.execute(ordered):
        versions.setdefault(at, []).append(f"{material}:{version}")
    stamps = session.execute(select(stamp.name, stamp.version).order_by(stamp.name)).all()
    named = {name: str(version) for name, version in stamps if name != STAMP}
    tops = [
        int(session.scalar(select(newest)) or 0)
        for newest in (
            *(func.max(ChangeRow.id), func.max(AttachmentRow.id), LAST_ENTRY),
            *(func.max(ProductRow.id), func.max(BatchRow.id)),
        )
    ]
    digests = {at: _digest(parts) for at, parts in versions.items()}
    whole = [str(today), *named.values(), *map(str, tops)]
    whole += [f"{at}={digest}" for at, digest in sorted(digests.items())]
    return Digests(_digest(whole), digests, named.get("registry", ""), tops[0])


class ListState(Struct, frozen=True):
    """When the list was last made (None: before that was noted), and if it is as the books are."""

    made_at: datetime | None
    up_to_date: bool


def list_state(*, db: Database, now: datetime) -> ListState | None:
    """How the list stands; None if it was never made."""
    with db.read() as session:
        known = session.get(FindingStateRow, BOOKS)
        if known is None:
            return None
        made = session.get(FindingStateRow, MADE)
        same = known.value == digests_of(session, shanghai_day(now)).books
        return ListState(datetime.fromisoformat(made.value) if made else None, same)


def _digest(parts: Iterable[str]) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
