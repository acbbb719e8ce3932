"""Batches on their way: the mark of a living import, and taking away what a dead one left.

A batch is staged in several transactions and published in one.  Until then its loads lie in the
tables, unseen; when its process dies, whoever imports next takes them out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from wasteflow_models import flow_columns, load_store, rollup
from wasteflow_models.engine import Alone, Database, is_conflict
from wasteflow_models.ledger import BatchRow, FlowStagedRow, StagedRow
from wasteflow_models.queue import Alive

_BATCH_LOCKS = 7705
_TRIES = 5


@contextmanager
def claimed(db: Database, batch_id: int) -> Iterator[bool]:
    """Hold the mark of a batch; False if a living import holds it already."""
    if db.path is not None:
        mark = Alive(db.path, f"import-{batch_id}")
        taken = mark.take()
        try:
            yield taken
        finally:
            if taken:
                mark.drop()
        return
    with db.connection() as connection:
        lock = f"SELECT pg_try_advisory_lock({_BATCH_LOCKS}, {batch_id})"
        taken = bool(connection.exec_driver_sql(lock).scalar())
        connection.commit()
        try:
            yield taken
        finally:
            if taken:
                free = f"SELECT pg_advisory_unlock({_BATCH_LOCKS}, {batch_id})"
                connection.exec_driver_sql(free)
                connection.commit()


def discard(db: Database, batch_id: int) -> None:
    """Take the staged loads of a batch out of the tables, range by range, and the batch itself."""
    while True:
        with db.write(Alone.NOBODY) as session:
            query = select(StagedRow).where(StagedRow.batch_id == batch_id)
            part = session.scalars(query.order_by(StagedRow.first_id.desc()).limit(1)).first()
            if part is None:
                break
            load_store.discard_range(session, batch_id, part.first_id, part.last_id)
            session.delete(part)
    clear_rows(db, batch_id)
    with db.write(Alone.NOBODY) as session:
        session.execute(delete(BatchRow).where(BatchRow.id == batch_id))


def clear_rows(db: Database, batch_id: int) -> None:
    """Take away the roll-up rows a batch that is not published had put aside."""
    row = FlowStagedRow
    with db.write(Alone.NOBODY) as session:
        others = select(row.batch_id).where(row.batch_id != batch_id).limit(1)
        if db.is_sqlite and session.execute(others).first() is None:
            # It drops whole pages without a condition, and nobody else writes meanwhile; on
            # PostgreSQL the first rows of another import may come between the two statements.
            session.execute(delete(row))
            return
    with db.read() as session:
        waiting = rollup.months_aside(session, batch_id)
    for material, month, _ in waiting:
        here = row.batch_id == batch_id, row.material_id == material, row.month == month
        with db.write(Alone.NOBODY) as session:
            session.execute(delete(row).where(*here))


FOLDED_TOGETHER = 50_000
FOLDED_TOGETHER_BESIDE = 10_000
"""Rows from which a fold ends its transaction, so that others wait a moment only: on SQLite for
the file, on PostgreSQL, where a row takes longer, for the rows it has moved.
"""


def fold(db: Database, batch_id: int) -> None:
    """Move the roll-up rows of a published batch to the others, in short transactions.

    Where another writer keeps coming first, rows stay aside: they count there as well, and the
    next import tries again.
    """
    most = FOLDED_TOGETHER if db.is_sqlite else FOLDED_TOGETHER_BESIDE
    for _ in range(_TRIES):
        with db.read() as session:
            waiting = rollup.months_aside(session, batch_id)
        try:
            while waiting:
                with db.write(Alone.NOBODY) as session:
                    done = 0
                    while waiting and done < most:
                        material, month, count = waiting.pop(0)
                        rollup.fold_rows(session, batch_id, material, month)
                        done += count
            return
        except DBAPIError as error:
            if not is_conflict(error):
                raise


def sweep(db: Database) -> list[int]:
    """Discard the batches of imports that died, fold what published ones left; the discarded."""
    with db.read() as session:
        query = select(BatchRow.id).where(~BatchRow.published).order_by(BatchRow.id)
        left = list(session.scalars(query))
        aside = flow_columns.batches_aside(session)
    for batch_id in aside:
        fold(db, batch_id)
    swept = []
    for batch_id in left:
        with claimed(db, batch_id) as mine:
            if mine:
                discard(db, batch_id)
                swept.append(batch_id)
    return swept
