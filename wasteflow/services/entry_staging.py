"""A large file of entries on SQLite: written part by part, unseen, and published in one moment.

Everybody waits for a writer there, and half a million entries take him seconds.  What can be
decided is decided before; a part is a transaction of its own; the last one looks again at what the
decisions rest on.  A file on its way has its numbers behind all others (`ledger.recorded`), so what
is recorded meanwhile stays in order before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

import numpy as np
from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wasteflow.core.booking import merge_late
from wasteflow.core.periods import month_of_day
from wasteflow.core.postings_bulk import BulkRollup, merge
from wasteflow.core.vocabulary import EntryKind
from wasteflow.services.again import Overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post
from wasteflow.services.entry_columns import CheckedFile, EntryBlock
from wasteflow.services.entry_counts import judge_counts
from wasteflow.services.entry_judged import (
    ReadyEntries,
    firm_of,
    new_entries,
    openings_hold,
    ready_entries,
)
from wasteflow.services.entry_rows import CheckedEntry
from wasteflow.services.outcome import ImportReport, Progress
from wasteflow_models.convert import Keys
from wasteflow_models.engine import Database
from wasteflow_models.entry_store import known_entries
from wasteflow_models.flow_columns import stamp
from wasteflow_models.flow_parts import ReadyPart, ready_parts
from wasteflow_models.late import STAMP as CLOSES
from wasteflow_models.late import Closed, closed
from wasteflow_models.ledger import (
    LOAD_IDS,
    BatchRow,
    EntryRow,
    RollupVersionRow,
    StagedRow,
    recorded,
)
from wasteflow_models.load_store import forget_ranges
from wasteflow_models.order import last_entry, next_entry, staged_from
from wasteflow_models.rollup import PARTS_FROM, rollup_rows
from wasteflow_models.staging import claimed, discard, sweep

STAGED_FROM = 20_000
"""A file of more new entries is staged; a smaller one holds the lock for a third of a second."""
COUNTS_FROM = 200
"""So is one of more stocktakes, each of which is held against its book."""
PART = 10_000
"""Entries of one transaction."""
ROOM = 100_000_000
"""Numbers left before a file on its way, for what is recorded until it is published."""
Versions = dict[tuple[int, int], int]


class Judged(Struct, frozen=True):
    """A file that holds by itself, and the registry (its version) that it was judged by.

    checked: its entries, each once.
    """

    keys: Keys
    version: int
    checked: CheckedFile


class _Seen(Struct, frozen=True):
    """What is new in a file, and what of the books that rests on."""

    keys: Keys
    block: EntryBlock
    counted: list[CheckedEntry]
    firms: set[int]
    closed: Closed
    registry: int
    closes: int
    last: int
    opened: Versions


def for_stages(rows: int, counted: Sequence[CheckedEntry]) -> bool:
    """Whether a file of so many entries, those `counted` among them, would keep others waiting."""
    return rows > STAGED_FROM or sum(map(_is_count, counted)) > COUNTS_FROM


def _is_count(item: CheckedEntry) -> bool:
    return item.entry.kind is EntryKind.STOCKTAKE


def in_stages(
    db: Database,
    judged: Judged,
    batch: Callable[[], BatchRow],
    now: datetime,
    report: ImportReport,
    tick: Progress,
) -> bool:
    """Take the file; False if it has to be taken at once: little is new, or another is on its way.

    Raises OneByOne and Overtaken; then nothing of it is left.
    """
    sweep(db)
    with db.read() as session:
        seen = _look(session, judged)
    report.taken = len(seen.block) + len(seen.counted)
    report.skipped = report.rows - report.taken
    if report.dry_run:
        tick(report.rows)
        return True
    if not for_stages(report.taken, seen.counted):
        return False
    with ExitStack() as held:
        with db.write() as session:
            if staged_from(session) < LOAD_IDS:
                return False
            row = batch()
            row.published = False
            session.add(row)
            session.flush()
            first = next_entry(session) + ROOM
            last = first + report.taken - 1
            session.add(StagedRow(batch_id=row.id, first_id=first, last_id=last))
            # Before anybody can see the batch: unclaimed, it would be swept as a dead one.
            if not held.enter_context(claimed(db, row.id)):
                raise Overtaken
        held.enter_context(_discarding(db, row.id))
        ready = ready_entries(seen.keys, seen.block, seen.counted, first, seen.closed, row.id, now)
        for start, stop in ready.parts(PART):
            with db.write() as session:
                _not_taken(session, seen, ready, start, stop)
                ready.insert(session, start, stop)
            tick(stop)
        with db.read() as session:
            counts = judge_counts(session, seen.keys, seen.block, ready, seen.closed, row.id, now)
        rollup, parts = _ready_rollup(db, merge([ready.rollup, counts.rollup]))
        with db.write() as session:
            _still_holds(session, seen, ready)
            row = session.merge(row)
            row.taken, row.skipped, row.published = report.taken, report.skipped, True
            session.flush()
            forget_ranges(session, row.id)
            post(session, rollup, merge_late([ready.late, counts.late]), parts)
            counts.write(session, seen.keys, row.id, now)
            note_import(session, seen.keys, row, seen.firms, now)
    tick(report.rows)
    return True


@contextmanager
def _discarding(db: Database, batch_id: int) -> Iterator[None]:
    """Take everything staged out again when the import fails."""
    try:
        yield
    except BaseException:
        discard(db, batch_id)
        raise


def _look(session: Session, judged: Judged) -> _Seen:
    """Hold the file against the books as they are."""
    keys = judged.keys
    if stamp(session, "registry") != judged.version:
        raise Overtaken
    block, counted = new_entries(session, keys, judged.checked)
    firms = set(np.unique(block.enterprise_id).tolist()) | {firm_of(keys, item) for item in counted}
    openings_hold(session, keys, block, counted, firms)
    return _Seen(
        keys,
        block,
        counted,
        firms,
        closed(session, keys),
        judged.version,
        stamp(session, CLOSES),
        last_entry(session),
        _opened(session, keys, counted),
    )


def _opened(session: Session, keys: Keys, counted: list[CheckedEntry]) -> Versions:
    """Versions of the months in which something earlier than the openings of a file would lie."""
    opening = [item.entry for item in counted if item.entry.kind is EntryKind.OPENING]
    if not opening:
        return {}
    row = RollupVersionRow
    query = select(row.material_id, row.month, row.version).where(
        row.material_id.in_(sorted({keys.id_of("material", entry.material) for entry in opening})),
        row.month <= max(month_of_day(entry.day) for entry in opening),
    )
    return {(material, month): version for material, month, version in session.execute(query)}


def _not_taken(session: Session, seen: _Seen, ready: ReadyEntries, start: int, stop: int) -> None:
    """Raise Overtaken if somebody has recorded one of the numbers start..stop meanwhile."""
    if last_entry(session) == seen.last:
        return
    if len(known_entries(session, *ready.numbers(start, stop))[0]):
        raise Overtaken


def _still_holds(session: Session, seen: _Seen, ready: ReadyEntries) -> None:
    """Registry, closed months, openings and the numbers of stocktakes are as they were seen.

    Raises Overtaken, or OneByOne where an opening is no longer the first of its place.
    """
    if (stamp(session, "registry"), stamp(session, CLOSES)) != (seen.registry, seen.closes):
        raise Overtaken
    keys = seen.keys
    numbers = [item.entry.doc_no for item in ready.counts]
    firms = np.array([firm_of(keys, item) for item in ready.counts], np.int64)
    row = EntryRow
    weighty = select(row.id).where(
        row.id > seen.last,
        recorded(),
        or_(
            row.kind.in_([EntryKind.OPENING.value, EntryKind.STOCKTAKE.value]),
            row.reverses_id.is_not(None),
        ),
    )
    if last_entry(session) != seen.last and len(known_entries(session, firms, numbers)[0]):
        raise Overtaken
    moved = _opened(session, keys, seen.counted) != seen.opened
    if moved or session.scalar(weighty.limit(1)) is not None:
        openings_hold(session, keys, seen.block, seen.counted, seen.firms)


def _ready_rollup(db: Database, rollup: BulkRollup) -> tuple[BulkRollup, list[ReadyPart]]:
    """The roll-up of the file as publishing adds it: rows, or many of them as parts made ready."""
    if len(rollup.kg) <= PARTS_FROM:
        return rollup, []
    with db.write() as session:
        columns = rollup_rows(session, rollup)
    with db.read() as session:
        return merge([]), ready_parts(session, columns)
