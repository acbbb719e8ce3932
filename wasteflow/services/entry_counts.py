"""Stocktakes of a large file, held against the books before anybody has to wait for it.

The book at a count is what the books say plus what the file itself brings until then.  Publishing
looks at those again whose firm is named in the changes since: nothing else can have moved its book.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late
from wasteflow.core.columns import groups_of
from wasteflow.core.postings_bulk import (
    SOURCE,
    TARGET,
    BulkRollup,
    EntryColumns,
    bulk_entry_postings,
    columns_from_rows,
    picked,
)
from wasteflow.services.booking import post
from wasteflow.services.entries import (
    book_at,
    counted_place,
    entry_facts,
    entry_values,
    in_order,
    write_count,
)
from wasteflow.services.entry_columns import EntryBlock
from wasteflow.services.entry_judged import ReadyEntries, postings_of
from wasteflow.services.entry_rows import CheckedEntry
from wasteflow_models.convert import Keys
from wasteflow_models.entry_store import insert_entries
from wasteflow_models.late import Closed
from wasteflow_models.live import ChangeRow

Ints = NDArray[np.int64]
_MATERIAL = TARGET + 3
"""Column of a roll-up key."""
Stock = tuple[int, int, int, int]
"""Kind and keys of a place, and the material that lies there."""


class Counts(Struct, frozen=True):
    """Stocktakes in the order they are written: as they stand in the file, and as rows.

    rollup, late: what they post; change: the last that was told when they were judged.
    """

    items: list[CheckedEntry]
    rows: list[dict[str, Any]]
    rollup: BulkRollup
    late: Late
    change: int

    def write(self, session: Session, keys: Keys, batch_id: int, now: datetime) -> None:
        """Insert them, what they post being in the books; those whose book moved are held again."""
        moved = _named_since(session, self.change)
        again = [item.entry.enterprise in moved for item in self.items]
        insert_entries(
            session, [row for row, gone in zip(self.rows, again, strict=True) if not gone]
        )
        if not any(again):
            return
        old = [row for row, gone in zip(self.rows, again, strict=True) if gone]
        rollup, late = _posted(old)
        post(session, _negative(rollup), {month: _negative(part) for month, part in late.items()})
        items = [item for item, gone in zip(self.items, again, strict=True) if gone]
        for item, row in zip(items, old, strict=True):
            write_count(session, keys, item, row["id"], row["uid"], batch_id, now)


def judge_counts(
    session: Session,
    keys: Keys,
    block: EntryBlock,
    ready: ReadyEntries,
    closed: Closed,
    batch_id: int,
    now: datetime,
) -> Counts:
    """Hold the stocktakes of `ready` against the books, in which its other entries are not yet.

    block: those of the others that are neither openings nor stocktakes.
    """
    change = session.scalar(select(func.max(ChangeRow.id))) or 0
    items = in_order(ready.counts)
    own = _Own.of(keys, items, block, ready.rows)
    rows = []
    for offset, item in enumerate(items):
        place, entry = counted_place(item), item.entry
        kind, a, b = map(int, keys.place_key(place))
        stock = kind, a, b, keys.id_of("material", entry.material)
        book = book_at(session, keys, place, entry.material, entry.day)
        settled = item.counted_against(book + own.until(stock, entry.day))
        own.add(stock, settled.entry.difference_kg)
        key, uid = ready.behind + offset, ready.uids[offset]
        rows.append(entry_values(settled, keys, closed.through, key, uid, batch_id, now))
    return Counts(items, rows, *_posted(rows), change)


class _Own:
    """What a file brings to the places it counts: per place and day, counts so far besides."""

    def __init__(self, moves: dict[Stock, tuple[Ints, Ints]]) -> None:
        self._moves = moves
        self._counted: dict[Stock, int] = {}

    @classmethod
    def of(
        cls,
        keys: Keys,
        counts: Iterable[CheckedEntry],
        block: EntryBlock,
        rows: Sequence[dict[str, Any]],
    ) -> _Own:
        """Of entries of the firms and materials that are counted."""
        counted = {
            (keys.id_of("enterprise", item.entry.enterprise), keys.id_of("material", at))
            for item in counts
            for at in (item.entry.material,)
        }
        facts = replace(block.facts(), month=block.ordinal)
        openings = columns_from_rows(
            EntryColumns, [entry_facts(row | {"month": row["day"].toordinal()}) for row in rows]
        )
        assert isinstance(openings, EntryColumns)
        sides = [_sides(item, counted) for item in (facts, openings)]
        days, kg, *stock = (np.concatenate(pair) for pair in zip(*sides, strict=True))
        if not len(days):
            return cls({})
        groups = groups_of(stock)
        numbers = groups.numbers()
        order = np.lexsort((days, numbers))
        starts = np.searchsorted(numbers[order], np.arange(len(groups.first)))
        parts = zip(np.split(days[order], starts[1:]), np.split(kg[order], starts[1:]), strict=True)
        names = zip(*(column[groups.first].tolist() for column in stock), strict=True)
        return cls(
            {name: (day, np.cumsum(moved)) for name, (day, moved) in zip(names, parts, strict=True)}
        )

    def until(self, stock: Stock, day: date) -> int:
        """Kilograms the file has brought to a place by the end of a day."""
        found = self._counted.get(stock, 0)
        if stock in self._moves:
            days, sums = self._moves[stock]
            place = int(np.searchsorted(days, day.toordinal(), side="right"))
            found += int(sums[place - 1]) if place else 0
        return found

    def add(self, stock: Stock, difference_kg: int) -> None:
        """A count is written: those behind it find its difference in the book."""
        self._counted[stock] = self._counted.get(stock, 0) + difference_kg


def _sides(facts: EntryColumns, counted: set[tuple[int, int]]) -> list[Ints]:
    """Day, signed kg, place and material of what entries (month: a day) move at either end."""
    firms = facts.enterprise.tolist()
    pairs = zip(firms, facts.material.tolist(), strict=True)
    rows = np.flatnonzero(np.fromiter((pair in counted for pair in pairs), np.bool_, len(firms)))
    moved = bulk_entry_postings(picked(facts, rows))
    found = [
        [moved.keys[:, 0], sign * moved.kg, *moved.keys[:, at : at + 3].T, moved.keys[:, _MATERIAL]]
        for at, sign in ((TARGET, 1), (SOURCE, -1))
    ]
    return [np.concatenate(pair) for pair in zip(*found, strict=True)]


def _posted(rows: Sequence[dict[str, Any]]) -> tuple[BulkRollup, Late]:
    return postings_of(EntryBlock.none(), np.zeros(0, np.int64), rows)


def _negative(rollup: BulkRollup) -> BulkRollup:
    return BulkRollup(rollup.keys, -rollup.kg, -rollup.n)


def _named_since(session: Session, change: int) -> set[str]:
    """Codes of the firms whose business the changes since `change` are."""
    told = session.scalars(select(ChangeRow.organisations).where(ChangeRow.id > change).distinct())
    return {code.removeprefix("holder:") for names in told for code in names.split(";")}
