"""What a judged file of entries comes to: those that are new, their columns and postings.

For `entry_bulk`, which writes it at once, and `entry_staging`, which writes it part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, booked_months, late_part, merge_late
from wasteflow.core.postings_bulk import (
    BulkRollup,
    EntryColumns,
    bulk_entry_postings,
    columns_from_rows,
    merge,
    picked,
)
from wasteflow.core.vocabulary import EntryKind
from wasteflow.services.entries import FEW_FIRMS, entry_facts, entry_values, write_counts
from wasteflow.services.entry_columns import CheckedFile, EntryBlock, OneByOne
from wasteflow.services.entry_rows import CheckedEntry, opening_issues
from wasteflow.services.identity import new_uid_texts
from wasteflow_models import day_books, queries
from wasteflow_models.convert import Keys
from wasteflow_models.entry_store import insert_entries, insert_entry_columns, known_entries
from wasteflow_models.late import Closed
from wasteflow_models.ledger import LOAD_IDS
from wasteflow_models.order import staged_from

Ints = NDArray[np.int64]


def firm_of(keys: Keys, item: CheckedEntry) -> int:
    """Key of the enterprise of an entry."""
    return keys.id_of("enterprise", item.entry.enterprise)


def new_entries(
    session: Session, keys: Keys, checked: CheckedFile
) -> tuple[EntryBlock, list[CheckedEntry]]:
    """The entries whose number is new; those that stand in the books as they are here left out.

    Raises OneByOne if a number says something else, or stands in a file that is on its way.
    """
    block, counted = checked.block, checked.counted
    firms = np.concatenate([block.enterprise_id, [firm_of(keys, item) for item in counted]])
    firms = firms.astype(np.int64)
    numbers = block.doc_no + [item.entry.doc_no for item in counted]
    import polars as pl  # a tenth of a second that small files do not need

    if pl.DataFrame({"firm": firms, "number": numbers}).is_duplicated().any():
        raise OneByOne
    known, content = known_entries(session, firms, numbers)
    if not len(known):
        return block, counted
    if staged_from(session) < LOAD_IDS:
        raise OneByOne
    here = np.concatenate([block.content, [item.content for item in counted]]).astype(np.int64)
    if (here[known] != content).any():
        raise OneByOne
    new = np.ones(len(firms), np.bool_)
    new[known] = False
    keep = new[len(block) :].tolist()
    return block.pick(np.flatnonzero(new[: len(block)])), [
        item for item, is_new in zip(counted, keep, strict=True) if is_new
    ]


def openings_hold(
    session: Session,
    keys: Keys,
    block: EntryBlock,
    counted: Sequence[CheckedEntry],
    firms: set[int],
) -> None:
    """Raise OneByOne unless every opening precedes all other records of its place."""
    openings = queries.opening_days(session, keys, firms if len(firms) <= FEW_FIRMS else ())
    moved = block.first_days(keys)
    if any(place in openings and day < openings[place] for place, day in moved.items()):
        raise OneByOne
    opened = {
        (item.entry.enterprise, item.entry.compartment, item.entry.material)
        for item in counted
        if item.entry.kind is EntryKind.OPENING
    }
    firsts = day_books.first_days(session, keys, opened)
    for place in opened & moved.keys():
        firsts[place] = min(moved[place], firsts.get(place, moved[place]))
    if opening_issues(list(counted), openings, firsts):
        raise OneByOne


class ReadyEntries(Struct, frozen=True):
    """Entries as they are written, from the number `first` on.

    columns: those of a block; rows: those that were judged one by one; counts: stocktakes, that
    have to see the others in the books, numbered from `behind` on with the public ids `uids`.
    """

    columns: dict[str, Any]
    length: int
    rows: list[dict[str, Any]]
    counts: list[CheckedEntry]
    behind: int
    uids: list[UUID]
    rollup: BulkRollup
    late: Late

    def parts(self, size: int) -> Iterator[tuple[int, int]]:
        """Ranges of `size` of the entries but stocktakes."""
        total = self.length + len(self.rows)
        for start in range(0, total, size):
            yield start, min(start + size, total)

    def insert(self, session: Session, start: int, stop: int) -> None:
        """Insert the entries start..stop, stop excluded; those judged one by one come last."""
        columns = {
            name: value[start:stop] if isinstance(value, (list, np.ndarray)) else value
            for name, value in self.columns.items()
        }
        if start < self.length:
            insert_entry_columns(session, min(stop, self.length) - start, columns)
        rows = self.rows[max(start - self.length, 0) : max(stop - self.length, 0)]
        if rows:
            insert_entries(session, rows)

    def numbers(self, start: int, stop: int) -> tuple[Ints, list[str]]:
        """Firms and numbers of the same entries."""
        firms = self.columns["enterprise_id"][start:stop]
        numbers = self.columns["doc_no"][start:stop]
        rows = self.rows[max(start - self.length, 0) : max(stop - self.length, 0)]
        others = np.array([row["enterprise_id"] for row in rows], np.int64)
        return np.concatenate([firms, others]), [*numbers, *(row["doc_no"] for row in rows)]

    def count(self, session: Session, keys: Keys, batch_id: int, now: datetime) -> None:
        """Write the stocktakes, the others being in the books."""
        write_counts(session, keys, self.counts, self.behind, self.uids, batch_id, now)


def ready_entries(
    keys: Keys,
    block: EntryBlock,
    counted: Sequence[CheckedEntry],
    first: int,
    closed: Closed,
    batch_id: int,
    now: datetime,
) -> ReadyEntries:
    """Number the entries in file order, stocktakes behind the others; nothing is read or written.

    closed: the last month that each firm has closed.
    """
    others = [item for item in counted if item.entry.kind is not EntryKind.STOCKTAKE]
    counts = [item for item in counted if item.entry.kind is EntryKind.STOCKTAKE]
    uids = new_uid_texts(len(block) + len(counted), now)
    lines = np.concatenate([block.line, [item.line for item in others]]).astype(np.int64)
    place = np.empty(len(lines), np.int64)
    place[np.argsort(lines, kind="stable")] = np.arange(len(lines))
    own, behind = place[: len(block)], place[len(block) :].tolist()
    booked = booked_months(block.month, closed.of(block.enterprise_id))
    columns = _columns(block, first + own, [uids[at] for at in own.tolist()], booked)
    rows = [
        entry_values(item, keys, closed.through, first + at, UUID(uids[at]), batch_id, now)
        for item, at in zip(others, behind, strict=True)
    ]
    rollup, late = postings_of(block, booked, rows)
    return ReadyEntries(
        columns | {"batch_id": batch_id, "recorded_at": now},
        len(block),
        rows,
        counts,
        first + len(lines),
        [UUID(text) for text in uids[len(lines) :]],
        rollup,
        late,
    )


def _columns(block: EntryBlock, ids: Ints, uids: list[str], booked: Ints) -> dict[str, Any]:
    """The columns of `entry`; one value where all rows have the same."""
    return {
        "id": ids,
        "uid": uids,
        "doc_no": block.doc_no,
        "enterprise_id": block.enterprise_id,
        "facility_id": _or_null(block.facility_id),
        "kind": block.kind,
        "material_id": block.material_id,
        "route_id": _or_null(block.route_id),
        "day": block.day,
        "month": block.month,
        "booked_month": booked,
        "kg": block.kg,
        "input_kg": block.input_kg,
        "dry_kg": _plain(block.dry_kg),
        "basis": _plain(block.basis),
        "moisture": _plain(block.moisture),
        "weighed": _plain(block.weighed),
        "compartment": "site",
        "generator_id": None,
        "year_generated": None,
        "from_use": _plain(block.from_use),
        "evidence": block.evidence,
        "book_kg": None,
        "difference_kg": 0,
        "reverses_id": None,
        "handler": _plain(block.handler),
        "reason": _plain(block.reason),
        "remark": _plain(block.remark),
        "content": block.content,
    }


def _or_null(keys: Ints) -> Any:
    return _plain([key or None for key in keys.tolist()])


def _plain(column: list[Any]) -> Any:
    """The one value of a column that has no other, else the column."""
    return column[0] if column and column.count(column[0]) == len(column) else column


def postings_of(
    block: EntryBlock, booked: Ints, rows: Sequence[dict[str, Any]]
) -> tuple[BulkRollup, Late]:
    """Roll-up rows of the entries, and those among them that are booked later than their month."""
    parts: list[BulkRollup] = []
    late: list[Late] = []
    facts = block.facts()
    told = [(booked, block.month, facts)]
    if rows:
        columns = columns_from_rows(EntryColumns, [entry_facts(row) for row in rows])
        assert isinstance(columns, EntryColumns)
        told.append(
            (np.array([row["booked_month"] for row in rows], np.int64), columns.month, columns)
        )
    for months, own, entries in told:
        when = np.where(months > own, months, 0)
        for month in np.unique(when).tolist():
            moved = bulk_entry_postings(picked(entries, np.flatnonzero(when == month)))
            parts.append(moved)
            late.append(late_part(moved, month))
    return merge(parts), merge_late(late)
