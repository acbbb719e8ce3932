"""A file of entries, row by row: what is wrong is told before anybody has to wait.

A large sound file comes in columns (`entry_bulk`); one with anything wrong or rounded in it comes
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.services.again import Overtaken, again_if_overtaken
from wasteflow.services.entries import OTHER_IMPORT, check_rows, new_of, take_entries
from wasteflow.services.entry_columns import CheckedFile, EntryBlock, OneByOne
from wasteflow.services.entry_staging import Judged, for_stages, in_stages
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress, Row
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.flow_columns import stamp
from wasteflow_models.ledger import BatchRow
from wasteflow_models.staging import sweep

LOOKED_AT_FIRST = 500
"""On SQLite a file of more rows is held against the books before its writer keeps all waiting."""


@again_if_overtaken
def record_entries(
    *,
    db: Database,
    rows: Sequence[Row],
    batch: BatchRow,
    now: datetime,
    issues: Iterable[RowIssue] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of entries, all or nothing.

    rows: checked by the schema; issues: rows the schema refused.  Raises RowsRefused.
    """
    found = list(issues)
    tick = progress or (lambda done: None)
    try:
        with no_collecting():
            many = db.is_sqlite and len(rows) > LOOKED_AT_FIRST
            if not db.joined and (many or dry_run or found):  # wrong already: nothing to write
                done = _looked_at(db, rows, found, batch, now, dry_run, tick)
                if done is not None:
                    return done
            report = ImportReport("entries", rows=len(rows), dry_run=dry_run)
            with db.write() as session:
                take_entries(session, rows, found, batch, now, report, tick)
                if dry_run:
                    raise DryRunEnds
    except DryRunEnds:
        pass
    except RowsRefused as error:
        blocked = any(issue.code == OTHER_IMPORT for issue in error.issues)
        if blocked and not db.joined and sweep(db):  # it was a dead one
            raise Overtaken from error
        raise
    return report


def _looked_at(
    db: Database,
    rows: Sequence[Row],
    issues: list[RowIssue],
    batch: BatchRow,
    now: datetime,
    dry_run: bool,
    tick: Progress,
) -> ImportReport | None:
    """Check the file with nobody waiting, and stage it if it is large; None if it is to be taken
    at once.  Raises RowsRefused.
    """
    report = ImportReport("entries", rows=len(rows), dry_run=dry_run)
    with db.read() as session:
        version, keys = stamp(session, "registry"), load_keys(session)
        new = new_of(session, keys, check_rows(keys, rows, issues, report, tick), issues, report)
    report.taken = len(new)
    if dry_run:
        tick(len(rows))
        return report
    if not db.is_sqlite or not for_stages(len(new), new):
        return None
    judged = Judged(keys, version, CheckedFile(EntryBlock.none(), new, report.warnings))
    try:
        return report if in_stages(db, judged, partial(_like, batch), now, report, tick) else None
    except OneByOne as error:  # it held a moment ago
        raise Overtaken from error


def _like(batch: BatchRow) -> BatchRow:
    """A new row like it: one that was taken out again cannot be written once more."""
    names = (column.name for column in BatchRow.__table__.c if column.name != "id")
    return BatchRow(**{name: getattr(batch, name) for name in names})
