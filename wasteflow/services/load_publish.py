"""The moment a staged import becomes part of the books: one short transaction.

What was decided while staging is looked at once more - openings, parents, loads on the road, the
registry, closed months - and if another writer changed it meanwhile the import starts over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from sqlalchemy.orm import Session

from wasteflow.core.booking import merge_late
from wasteflow.core.postings_bulk import BulkRollup, merge
from wasteflow.services.again import Overtaken
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post
from wasteflow.services.load_ready import FirstDays
from wasteflow.services.load_signing import Signing, confirmed
from wasteflow.services.load_staging import Ints, Openings, Staging
from wasteflow.services.outcome import ImportReport
from wasteflow_models import apart, load_parents, load_store, queries
from wasteflow_models.convert import Keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.flow_columns import stamp
from wasteflow_models.flow_parts import ready_parts
from wasteflow_models.late import STAMP as CLOSES
from wasteflow_models.ledger import BatchRow
from wasteflow_models.rollup import PARTS_FROM, ends_of, make_places, rows_between, together
from wasteflow_models.staging import still_claimed


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
    if staging.receipts is None:
        staging.make_receipts_ready()
    receipts = staging.receipts
    if receipts is None or not receipts.write(session, staging.batch_id, staging.now):
        raise Overtaken
    if staging.signing is not None:
        _sign(session, staging, staging.signing)
    parents = sorted(staging.book_parents)
    if load_parents.overdrawn_parents(session, parents):
        raise Overtaken
    batch.taken, batch.completed = staging.taken, len(receipts) + confirmed(staging.signing)
    batch.skipped, batch.published = staging.skipped, True
    batch.rounded_rows, batch.rounded_kg = report.rounded_rows, report.rounded_kg
    session.flush()
    if parents:
        apart.settle(session, np.array(parents, np.int64))
    load_store.forget_ranges(session, staging.batch_id)
    # From here on others wait.
    post(session, merge(staging.rollups), merge_late(staging.late), staging.parts)
    apart.add_carried(session, staging.carried)  # behind the roll-up, as whoever records one load
    report.batch_id = staging.batch_id
    report.taken, report.completed = staging.taken, len(receipts)
    report.skipped, report.confirmed = staging.skipped, confirmed(staging.signing)
    note_import(session, staging.keys, batch, staging.firms, staging.now)


def _sign(session: Session, staging: Staging, signing: Signing) -> None:
    """The firm whose file it is stands to it; a large file signs when it is published, in parts."""
    signing.name_signer(session)
    staging.firms |= signing.firms
    if staging.staged:
        return
    rollups, late = signing.sign(session, staging.closed, staging.now)
    for rollup in rollups:
        staging.add_rollup(rollup)
    staging.late += late


@contextmanager
def rollup_beside(db: Database, staging: Staging) -> Iterator[None]:
    """Add up what was staged before while the caller stages more, who waits for the database."""
    if db.joined:  # a second connection would wait for the transaction around us
        yield
        return
    before, staging.rollups = staging.rollups, []
    with ThreadPoolExecutor(max_workers=1) as worker:
        running = worker.submit(_added_up, db, before)
        yield
        merged, staging.columns = running.result()
    if not staging.columns:
        staging.rollups.append(merged)


def _added_up(db: Database, rollups: list[BulkRollup]) -> tuple[BulkRollup, list[Ints]]:
    """The sum, and its columns of `flow_month` if they are enough for parts."""
    merged = merge(rollups)
    if len(merged.kg) <= PARTS_FROM:
        return merged, []
    return merged, _columns(db, merged)


def _columns(db: Database, merged: BulkRollup) -> list[Ints]:
    """Columns of `flow_month`; others wait for the making of places and for nothing else."""
    wanted, ends = ends_of(merged)
    with db.write(Alone.NOBODY, settled=False) as session:
        ids = make_places(session, wanted)
    return rows_between(merged, ids, ends)


def ready_rollup(db: Database, staging: Staging) -> None:
    """Make receipts, roll-up and first days ready, so that publishing has little to do."""
    staging.make_receipts_ready(pack=db.is_sqlite and not db.joined)
    staging.first_days = [FirstDays.joined(staging.first_days)]
    merged = merge(staging.rollups)  # before anybody has to wait
    staging.rollups = [merged]
    columns = staging.columns
    if not columns and len(merged.kg) <= PARTS_FROM:
        return
    if len(merged.kg):
        more = _columns(db, merged)
        columns = together(columns, more) if columns else more
    with db.read() as session:
        staging.parts = ready_parts(session, columns)
    staging.rollups, staging.columns = [], []


def _still_holds(session: Session, staging: Staging) -> None:
    """Openings, registry and closed months are as they were, or do not matter to this import, and
    nothing of it is lost.
    """
    if not still_claimed(session, staging.batch_id):
        raise Overtaken
    if stamp(session, "registry") != staging.registry_version:
        raise Overtaken
    if stamp(session, CLOSES) != staging.closed_version:
        raise Overtaken
    openings = openings_of(session, staging.keys)
    moved = (column.tolist() for column in FirstDays.joined(staging.first_days))
    for firm, material, day in zip(*moved, strict=True):
        if openings.get((firm, material), 0) > day:
            raise Overtaken
