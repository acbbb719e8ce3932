"""A large sound file of entries becomes rows and roll-up in columns, in one short transaction.

The file is judged before anybody has to wait; what was read of the registry is looked at once more
by the writer.  What `entries.record_entries` does with the same file leaves the same books.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, booked_months, late_part, merge_late
from wasteflow.core.collecting import no_collecting
from wasteflow.core.postings_bulk import (
    BulkRollup,
    EntryColumns,
    bulk_entry_postings,
    columns_from_rows,
    merge,
    picked,
)
from wasteflow.core.vocabulary import EntryKind
from wasteflow.schemas.row_chunks import ReadChunks
from wasteflow.services.again import Overtaken, again_if_overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post
from wasteflow.services.entries import FEW_FIRMS, entry_facts, entry_values, write_counts
from wasteflow.services.entry_columns import CheckedFile, EntryBlock, OneByOne, check_columns
from wasteflow.services.entry_rows import CheckedEntry, opening_issues
from wasteflow.services.identity import new_uid_texts
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress
from wasteflow_models import day_books, queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.entry_store import insert_entries, insert_entry_columns, known_entries
from wasteflow_models.flow_columns import stamp
from wasteflow_models.late import closed
from wasteflow_models.ledger import BatchRow
from wasteflow_models.order import next_entry

Ints = NDArray[np.int64]
PART = 50_000


@again_if_overtaken
def record_entry_columns(
    *,
    db: Database,
    file: ReadChunks,
    batch: Callable[[], BatchRow],
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport | None:
    """Take a file of entries, all or nothing; None if it has to be taken row by row.

    That is so if anything in it is wrong or rounded, or says something else under a known number.
    """
    report = ImportReport("entries", rows=file.rows, dry_run=dry_run)
    try:
        with no_collecting():
            with db.read() as session:
                version, keys = stamp(session, "registry"), load_keys(session)
            checked = check_columns(file, keys)
            report.warnings = checked.warnings
            with db.write() as session:
                if stamp(session, "registry") != version:
                    raise Overtaken
                _take(session, keys, checked, batch(), now, report)
                if progress:
                    progress(file.rows)
                if dry_run:
                    raise DryRunEnds
    except OneByOne:
        return None
    except DryRunEnds:
        pass
    return report


def _take(
    session: Session,
    keys: Keys,
    checked: CheckedFile,
    batch: BatchRow,
    now: datetime,
    report: ImportReport,
) -> None:
    block, counted = _new(session, keys, checked)
    report.taken = len(block) + len(counted)
    report.skipped = checked.rows - report.taken
    firms = set(np.unique(block.enterprise_id).tolist()) | {_firm(keys, item) for item in counted}
    _openings_hold(session, keys, block, counted, firms)
    session.add(batch)
    session.flush()
    batch.taken, batch.skipped = report.taken, report.skipped
    _write(session, keys, block, counted, batch.id, now)
    note_import(session, keys, batch, firms, now)


def _firm(keys: Keys, item: CheckedEntry) -> int:
    return keys.id_of("enterprise", item.entry.enterprise)


def _new(
    session: Session, keys: Keys, checked: CheckedFile
) -> tuple[EntryBlock, list[CheckedEntry]]:
    """The entries whose number is new; those that stand in the books as they are here left out."""
    block, counted = checked.block, checked.counted
    firms = np.concatenate([block.enterprise_id, [_firm(keys, item) for item in counted]])
    firms = firms.astype(np.int64)
    numbers = block.doc_no + [item.entry.doc_no for item in counted]
    if pl.DataFrame({"firm": firms, "number": numbers}).is_duplicated().any():
        raise OneByOne
    known, content = known_entries(session, firms, numbers)
    if not len(known):
        return block, counted
    here = np.concatenate([block.content, [item.content for item in counted]]).astype(np.int64)
    if (here[known] != content).any():
        raise OneByOne
    new = np.ones(len(firms), np.bool_)
    new[known] = False
    keep = new[len(block) :].tolist()
    return block.pick(np.flatnonzero(new[: len(block)])), [
        item for item, is_new in zip(counted, keep, strict=True) if is_new
    ]


def _openings_hold(
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


def _write(
    session: Session,
    keys: Keys,
    block: EntryBlock,
    counted: Sequence[CheckedEntry],
    batch_id: int,
    now: datetime,
) -> None:
    """Insert entries and their postings: everything but stocktakes first, then those by day."""
    opening = [item for item in counted if item.entry.kind is EntryKind.OPENING]
    counts = [item for item in counted if item.entry.kind is not EntryKind.OPENING]
    next_id = next_entry(session)
    uids = new_uid_texts(len(block) + len(counted), now)
    lines = np.concatenate([block.line, [item.line for item in opening]]).astype(np.int64)
    place = np.empty(len(lines), np.int64)
    place[np.argsort(lines, kind="stable")] = np.arange(len(lines))
    own, first = place[: len(block)], place[len(block) :].tolist()
    through = closed(session, keys)
    booked = booked_months(block.month, through.of(block.enterprise_id))
    columns = _columns(block, next_id + own, [uids[at] for at in own.tolist()], booked)
    for start in range(0, len(block), PART):
        part = {
            name: value[start : start + PART] if isinstance(value, (list, np.ndarray)) else value
            for name, value in columns.items()
        }
        insert_entry_columns(
            session,
            min(PART, len(block) - start),
            {**part, "batch_id": batch_id, "recorded_at": now},
        )
    rows = [
        entry_values(item, keys, through.through, next_id + at, UUID(uids[at]), batch_id, now)
        for item, at in zip(opening, first, strict=True)
    ]
    for at in range(0, len(rows), PART):
        insert_entries(session, rows[at : at + PART])
    rollup, late = _postings(block, booked, rows)
    if len(rollup.kg):
        post(session, rollup, late)
    behind = [UUID(text) for text in uids[len(lines) :]]
    write_counts(session, keys, counts, next_id + len(lines), behind, batch_id, now)


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


def _postings(
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
