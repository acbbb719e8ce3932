"""Batches on their way: the mark of a living import, and taking away what a dead one left.

A batch is staged in several transactions and published in one.  Until then its records lie in the
tables, unseen; when its process dies, whoever imports next takes them out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wasteflow_models import entry_store, load_store, months_apart
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import LOAD_IDS, BatchRow, StagedRow
from wasteflow_models.parties import drop_senders
from wasteflow_models.queue import Alive
from wasteflow_models.raw import is_postgresql
from wasteflow_models.signing_due import drop_due

_BATCH_LOCKS = 7705
ENTRIES_AT_ONCE = 10_000
"""Staged entries taken out in one transaction."""


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
                with suppress(DBAPIError):  # the connection is gone, and with it the mark
                    connection.exec_driver_sql(free)
                    connection.commit()


def still_claimed(session: Session, batch_id: int) -> bool:
    """Whether the mark of a batch is held by anybody.

    A PostgreSQL that broke down meanwhile took it away, perhaps with the last of the chunks that
    nobody had waited for (`Database.write`, settled=False): asked in the transaction that publishes
    the batch, whose connection would not have lived through it either.
    """
    if not is_postgresql(session):
        return True
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND classid = CAST(:kind AS BIGINT) AND objid = CAST(:batch AS BIGINT)"
    )
    found = session.scalar(query, {"kind": _BATCH_LOCKS, "batch": batch_id})
    return bool(found)


def discard(db: Database, batch_id: int) -> None:
    """Take the staged records of a batch out of the tables, range by range, and itself."""
    while True:
        with db.write(Alone.NOBODY) as session:
            query = select(StagedRow).where(StagedRow.batch_id == batch_id)
            part = session.scalars(query.order_by(StagedRow.first_id.desc()).limit(1)).first()
            if part is None:
                break
            if part.first_id < LOAD_IDS:
                _discard_entries(session, part)
                continue
            if not db.is_sqlite:
                months_apart.forget_numbers(session, batch_id, part.first_id, part.last_id)
            load_store.discard_range(session, batch_id, part.first_id, part.last_id)
            session.delete(part)
    with db.write(Alone.NOBODY) as session:
        drop_senders(session)
        drop_due(session, batch_id)
        if not db.is_sqlite:
            months_apart.drop_tables(session, batch_id)
        session.execute(delete(BatchRow).where(BatchRow.id == batch_id))


def _discard_entries(session: Session, part: StagedRow) -> None:
    """The last entries of a range, which is shortened by them; what is left stays unseen."""
    first = max(part.first_id, part.last_id - ENTRIES_AT_ONCE + 1)
    entry_store.discard_entries(session, part.batch_id, first, part.last_id)
    if first == part.first_id:
        session.delete(part)
    else:
        part.last_id = first - 1


def settle_numbers(session: Session) -> None:
    """Give back, in a database filled from a backup, the numbers of loads that lay apart in it.

    Those of an import on its way are in the backup, the tables it kept apart are not; the batch is
    a dead one here, and what it left is found by its loads.
    """
    spans = select(func.min(StagedRow.first_id), func.max(StagedRow.last_id))
    first, last = session.execute(spans.where(StagedRow.first_id >= LOAD_IDS)).one()
    if first is not None:
        session.execute(
            text(
                "DELETE FROM load_number WHERE shipment_id BETWEEN :first AND :last AND NOT EXISTS "
                "(SELECT 1 FROM shipment s WHERE s.id = load_number.shipment_id)"
            ),
            {"first": first, "last": last},
        )


def sweep(db: Database) -> list[int]:
    """Discard the batches of imports that died; which."""
    with db.read() as session:
        query = select(BatchRow.id).where(~BatchRow.published).order_by(BatchRow.id)
        left = list(session.scalars(query))
    swept = []
    for batch_id in left:
        with claimed(db, batch_id) as mine:
            if mine:
                discard(db, batch_id)
                swept.append(batch_id)
    if not db.is_sqlite:
        with db.write(Alone.NOBODY) as session:
            months_apart.drop_orphans(session)
    return swept
