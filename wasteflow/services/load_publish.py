"""The moment a staged import becomes part of the books: one short transaction.

What was decided while staging is looked at once more - openings, parents, loads on the road, the
registry, closed months - and if another writer changed it meanwhile the import starts over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import merge_late
from wasteflow.core.columns import groups_of
from wasteflow.core.periods import month_of_day, next_month, shanghai_day
from wasteflow.core.postings_bulk import BulkRollup, merge
from wasteflow.services.again import Overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post
from wasteflow.services.load_staging import Openings, Staging, complete
from wasteflow.services.outcome import ImportReport
from wasteflow_models import load_parents, load_store, queries
from wasteflow_models.convert import Keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.flow_columns import stamp
from wasteflow_models.late import STAMP as CLOSES
from wasteflow_models.ledger import BatchRow
from wasteflow_models.raw import is_postgresql
from wasteflow_models.rollup import rollup_rows, show_rows, stage_rows
from wasteflow_models.rollup_new import add_new_rows, new_rows

Ints = NDArray[np.int64]

PART = 50_000
STRAIGHT_ROWS = 1_000_000
"""New rows that publishing itself adds on PostgreSQL at most: a second or two of COPY."""
BUSY_MONTHS = 1
"""Months before this one whose rows single writers write beside an import."""


def openings_of(session: Session, keys: Keys, firms: Collection[int] = ()) -> Openings:
    """Opening day of every site that has one, of `firms` (ids) alone if there are any."""
    found = queries.opening_days(session, keys, firms)
    return {
        (keys.id_of("enterprise", firm), keys.id_of("material", material)): day.toordinal()
        for (firm, compartment, material), day in found.items()
        if compartment == "site"
    }


def publish(session: Session, staging: Staging, batch: BatchRow, report: ImportReport) -> None:
    """Completions, roll-up and the batch itself; raises Overtaken if the books moved on."""
    if staging.staged:
        _still_holds(session, staging)
    completing = list(staging.completing.values())
    if completing and not complete(session, staging, completing):
        raise Overtaken
    if load_parents.overdrawn_parents(session, sorted(staging.book_parents)):
        raise Overtaken
    batch.taken, batch.completed = staging.taken, len(completing)
    batch.skipped, batch.published = staging.skipped, True
    batch.rounded_rows, batch.rounded_kg = report.rounded_rows, report.rounded_kg
    session.flush()
    load_store.forget_ranges(session, staging.batch_id)
    if staging.staged:  # from here on others wait
        if staging.straight is not None:
            add_new_rows(session, staging.straight)
        show_rows(session, sorted(staging.touched))
    post(session, merge(staging.rollups), merge_late(staging.late))
    report.taken, report.completed = staging.taken, len(completing)
    report.skipped = staging.skipped
    note_import(session, staging.keys, batch, staging.firms, staging.now)


def stage_rollup(db: Database, staging: Staging) -> None:
    """Put the roll-up of a staged import aside, so that publishing has little left to do.

    On PostgreSQL who publishes is waited for by those who write the same rows alone: rows that the
    books do not have yet are left for it, which saves writing them twice.  Not those of the months
    that others are writing now.
    """
    merged = merge(staging.rollups)  # before anybody has to wait
    staging.rollups = []
    if not len(merged.kg):
        return
    with db.write(Alone.NOBODY) as session:
        columns = rollup_rows(session, merged)
        new = np.zeros(len(columns[0]), np.bool_)
        if is_postgresql(session):
            new = (columns[-2] > 0) & (columns[-1] > 0)
            new &= columns[1] < next_month(month_of_day(shanghai_day(staging.now)), -BUSY_MONTHS)
            new &= new_rows(session, columns)
    if 0 < np.count_nonzero(new) <= STRAIGHT_ROWS:
        staging.straight = [column[new] for column in columns]
        columns = [column[~new] for column in columns]
    _aside(db, staging, columns)


def stage_quiet_months(db: Database, staging: Staging) -> None:
    """Put aside the months that the file seems to be through with, while its next chunk is read.

    Months put aside once are left for `stage_rollup`, so that no row is added to often; as are all
    that PostgreSQL may take without it.
    """
    months = staging.quiet_months()
    if not months or (not db.is_sqlite and staging.rollup_rows() <= STRAIGHT_ROWS):
        return
    merged = merge(staging.rollups)
    staging.rollups = [merged]
    if not db.is_sqlite and len(merged.kg) <= STRAIGHT_ROWS:
        return
    chosen = np.isin(merged.keys[:, 0], months)
    staging.rollups = [_part(merged, ~chosen)]
    quiet = _part(merged, chosen)
    if len(quiet.kg):
        with db.write(Alone.NOBODY) as session:
            columns = rollup_rows(session, quiet)
        _aside(db, staging, columns)
    staging.aside |= set(months)


def _aside(db: Database, staging: Staging, columns: Sequence[Ints]) -> None:
    """Write roll-up rows where no report reads them, in short transactions."""
    if not len(columns[0]):
        return
    first = groups_of(columns[:2]).first
    staging.touched |= set(zip(*(column[first].tolist() for column in columns[:2]), strict=True))
    again = np.isin(columns[1], list(staging.aside))
    for rows in (np.flatnonzero(~again), np.flatnonzero(again)):
        for start in range(0, len(rows), PART):
            here = rows[start : start + PART]
            with db.write(Alone.NOBODY) as session:
                part = [column[here] for column in columns]
                stage_rows(session, staging.batch_id, part, again=bool(again[here[0]]))


def _part(rollup: BulkRollup, rows: NDArray[np.bool_]) -> BulkRollup:
    return BulkRollup(rollup.keys[rows], rollup.kg[rows], rollup.n[rows])


def _still_holds(session: Session, staging: Staging) -> None:
    """Openings, registry and closed months are as they were, or do not matter to this import."""
    if stamp(session, "registry") != staging.registry_version:
        raise Overtaken
    if stamp(session, CLOSES) != staging.closed_version:
        raise Overtaken
    openings = openings_of(session, staging.keys)
    for site, day in staging.first_moves.items():
        if openings.get(site, 0) > day:
            raise Overtaken
