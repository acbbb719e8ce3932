"""A large sound file of entries becomes rows and roll-up in columns, in one short transaction.

The file is judged before anybody has to wait; what was read of the registry is looked at once more
by the writer.  What `entry_files.record_entries` does with the same file leaves the same books.  On
SQLite, where everybody waits for a writer, a larger file goes part by part (`entry_staging`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from wasteflow.core.collecting import no_collecting
from wasteflow.schemas.row_chunks import ReadChunks
from wasteflow.services.again import Overtaken, again_if_overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post
from wasteflow.services.entry_columns import CheckedFile, EntryBlock, OneByOne, check_columns
from wasteflow.services.entry_judged import firm_of, new_entries, openings_hold, ready_entries
from wasteflow.services.entry_rows import CheckedEntry
from wasteflow.services.entry_staging import Judged, for_stages, in_stages
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.flow_columns import stamp
from wasteflow_models.late import closed
from wasteflow_models.ledger import BatchRow
from wasteflow_models.order import next_entry

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
            if db.is_sqlite and not db.joined and for_stages(checked.rows, checked.counted):
                judged = Judged(keys, version, checked)
                if in_stages(db, judged, batch, now, report, progress or (lambda done: None)):
                    return report
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
    block, counted = new_entries(session, keys, checked)
    report.taken = len(block) + len(counted)
    report.skipped = checked.rows - report.taken
    firms = set(np.unique(block.enterprise_id).tolist()) | {firm_of(keys, item) for item in counted}
    openings_hold(session, keys, block, counted, firms)
    session.add(batch)
    session.flush()
    batch.taken, batch.skipped = report.taken, report.skipped
    _write(session, keys, block, counted, batch.id, now)
    note_import(session, keys, batch, firms, now)


def _write(
    session: Session,
    keys: Keys,
    block: EntryBlock,
    counted: Sequence[CheckedEntry],
    batch_id: int,
    now: datetime,
) -> None:
    """Insert entries and their postings: everything but stocktakes first, then those by day."""
    first, through = next_entry(session), closed(session, keys)
    ready = ready_entries(keys, block, counted, first, through, batch_id, now)
    for start, stop in ready.parts(PART):
        ready.insert(session, start, stop)
    if len(ready.rollup.kg):
        post(session, ready.rollup, ready.late)
    ready.count(session, keys, batch_id, now)
