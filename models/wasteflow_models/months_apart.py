"""PostgreSQL: months new to the books, filled apart by one import and attached when they are full.

The loads and the events of such a month are a table each, which nobody else sees: rows come in
without an index, indices are built once, then the table becomes the partition of its month.  Where
another writer needs the month before, the month is his, and what lies apart is copied over to it.
What a dead import left is found by the names of its tables, which say whose they are.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow_models.engine import Database
from wasteflow_models.load_ids import STEP
from wasteflow_models.partitions import (
    PARTED,
    SCHEMA,
    attach_partition,
    ensure_partitions,
    missing_months,
    parted_months,
    partition_of,
)
from wasteflow_models.raw import by_index

if TYPE_CHECKING:  # polars: a tenth of a second that pages do not need
    from wasteflow_models.load_copy import CopiedLoads

KEY = {"shipment": "id", "event": "shipment_id"}
"""The column that says of which month a row is."""
_MARK = "apart"
LAG = 3
"""Rows are read over so many chunks after they were written: their commit is on the disk then."""
Span = tuple[int, int]
Pages = tuple[int, int, int]
"""Month, first page, page behind the last."""


class MonthsApart:
    """The months that one import keeps apart, as far as its loads are committed.

    Its tables are its own: whoever makes, fills or indexes them keeps nobody waiting, and needs no
    lock of writers.
    """

    def __init__(self, db: Database, batch_id: int) -> None:
        self._db, self._batch_id = db, batch_id
        self._spans: dict[int, list[Span]] = {}
        self._there: set[int] = set()
        self._ends: dict[tuple[str, int], int] = {}
        self._unread: dict[str, list[list[Pages]]] = {table: [] for table in PARTED}

    def __bool__(self) -> bool:
        """Whether anything lies apart."""
        return bool(self._spans)

    def ask(self, months: Collection[int]) -> None:
        """Find out which of the months are in the books.

        Asked before numbers are claimed, as every writer does who makes partitions: a month with
        the partition of one table alone, which a crash once left, gets the other now.
        """
        unknown = set(months) - self._there - set(self._spans)
        if not unknown:
            return
        with self._db.read() as session:
            loads, events = (parted_months(session, table) & unknown for table in PARTED)
        for month in sorted(loads ^ events):
            self._make_whole(month)
        self._there |= loads | events

    def table_of(self, table: str, month: int) -> str:
        """Where the rows of a month belong that `ask` was told."""
        if month in self._there:
            return partition_of(table, month)
        return _name(self._batch_id, table, month)

    def make(self, session: Session, table: str, months: Collection[int]) -> None:
        """Make the tables of those months that nothing of this import lies in yet."""
        for month in sorted(set(months) - self._there - set(self._spans)):
            _make(session, self._batch_id, table, month)

    def read_over(self, session: Session, table: str, months: Collection[int]) -> None:
        """Once a chunk is written, read what was written some chunks before.

        Whoever first reads a row notes in it that its transaction was committed.  Where pages have
        checksums the log gets a page whole that is changed for the first time after a checkpoint:
        building the indices would put the whole month there once more.
        """
        written = []
        for month in sorted(set(months) - self._there):
            size = "pg_relation_size(:name) / CAST(current_setting('block_size') AS INTEGER)"
            told = {"name": _name(self._batch_id, table, month)}
            end = session.execute(text(f"SELECT {size}"), told).scalar_one()
            written.append((month, self._ends.get((table, month), 0), end))
            self._ends[table, month] = end
        unread = self._unread[table]
        unread.append(written)
        for month, first, end in unread.pop(0) if len(unread) > LAG else ():
            if month not in self._there and first < end:
                pages = f"ctid >= '({first},0)' AND ctid < '({end},0)'"
                source = _name(self._batch_id, table, month)
                session.execute(text(f"SELECT count(*) FROM {source} WHERE {pages}"))

    def note(self, copies: CopiedLoads) -> None:
        """These loads are committed, with their events."""
        for month in sorted(copies.months - self._there):
            ids = copies.ids[copies.ids // STEP == month]
            self._spans.setdefault(month, []).append((int(ids.min()), int(ids.max())))

    def give_way(self) -> None:
        """Copy over what lies apart in months that another writer has made meanwhile."""
        if not self._spans:
            return
        with self._db.read() as session:
            made = set(self._spans) & parted_months(session, "shipment")
        for month in sorted(made):
            self._copy_over(month)

    def attach(self) -> None:
        """Build the indices of all that lies apart and make it partitions, month by month."""
        months = sorted(self._spans)
        with ThreadPoolExecutor(max_workers=1) as beside:
            events = beside.submit(self._build, "event", months)
            self._build("shipment", months)
            events.result()
        for month in months:
            with self._db.write(None, settled=False) as session:
                free = [missing_months(session, table, [month]) for table in PARTED]
                if all(free):
                    for table in PARTED:
                        _attach(session, self._batch_id, table, month)
            if all(free):
                del self._spans[month]
                self._there.add(month)
            else:
                self._copy_over(month)

    def _build(self, table: str, months: list[int]) -> None:
        for month in months:
            with self._db.write(None, settled=False) as session:
                _build_indices(session, self._batch_id, table, month)

    def _copy_over(self, month: int) -> None:
        """A transaction for each chunk of it, so that nobody waits long for the one or the other.

        Once begun it is ended: the table apart goes last, and is what a crash leaves.
        """
        self._make_whole(month)
        for span in self._spans[month]:
            with self._db.write(None, settled=False) as session:
                for table in PARTED:
                    _copy_span(session, self._batch_id, table, month, span)
        with self._db.write(None, settled=False) as session:
            for table in PARTED:
                session.execute(text(f"DROP TABLE {_name(self._batch_id, table, month)}"))
        del self._spans[month]
        self._there.add(month)

    def _make_whole(self, month: int) -> None:
        """Both partitions of a month that has one of them at least."""
        with self._db.write(None, settled=False) as session:
            ensure_partitions(session, [month], ahead=0)


# --- what a dead import left ---------------------------------------------------------------


def forget_numbers(session: Session, batch_id: int, first: int, last: int) -> None:
    """Give back the numbers of loads first..last, of one month, if they lie apart."""
    month = first // STEP
    if _name(batch_id, "shipment", month) not in _tables_of(session, batch_id):
        return
    with by_index(session):
        session.execute(
            text(
                f"DELETE FROM load_number n USING {_name(batch_id, 'shipment', month)} a "
                "WHERE a.id BETWEEN :first AND :last AND n.doc_no = a.doc_no "
                "AND n.consignor_id = a.consignor_id AND n.shipment_id = a.id"
            ),
            {"first": first, "last": last},
        )


def drop_tables(session: Session, batch_id: int) -> None:
    """Take away what lies apart of a batch."""
    _drop(session, _tables_of(session, batch_id))


def drop_orphans(session: Session) -> None:
    """Take away what lies apart of batches that are no longer on their way."""
    query = text(
        f"{_APART} AND NOT EXISTS (SELECT FROM batch b WHERE NOT b.published "
        f"AND c.relname LIKE '{_MARK}\\_' || b.id || '\\_%') ORDER BY c.relname"
    )
    _drop(session, session.execute(query, {"schema": SCHEMA}).scalars().all())


_APART = (
    "SELECT CAST(:schema AS TEXT) || '.' || c.relname FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema "
    f"AND c.relkind = 'r' AND c.relname LIKE '{_MARK}\\_%'"
)


def _tables_of(session: Session, batch_id: int) -> list[str]:
    query = text(f"{_APART} AND c.relname LIKE '{_MARK}\\_{batch_id}\\_%' ORDER BY c.relname")
    return list(session.execute(query, {"schema": SCHEMA}).scalars())


def _drop(session: Session, tables: Collection[str]) -> None:
    for table in tables:
        session.execute(text(f"DROP TABLE {table}"))


# --- one table -----------------------------------------------------------------------------


def _name(batch_id: int, table: str, month: int) -> str:
    return f"{SCHEMA}.{_MARK}_{batch_id}_{table}_{month}"


def _make(session: Session, batch_id: int, table: str, month: int) -> None:
    """Its check is what saves the server reading it again when it is attached."""
    low, high = month * STEP, (month + 1) * STEP
    session.execute(
        text(
            f"CREATE TABLE {_name(batch_id, table, month)} "
            f"(LIKE {table} INCLUDING ALL EXCLUDING INDEXES, "
            f"CONSTRAINT {_MARK} CHECK ({KEY[table]} >= {low} AND {KEY[table]} < {high})) "
            "WITH (autovacuum_enabled = off)"
        )
    )


def _build_indices(session: Session, batch_id: int, table: str, month: int) -> None:
    """Those of the table it will be a part of, where they are missing."""
    name = _name(batch_id, table, month)
    if session.scalar(text(f"SELECT count(*) FROM pg_index WHERE indrelid = '{name}'::regclass")):
        return
    query = text(
        "SELECT indisprimary, (SELECT string_agg(pg_get_indexdef(indexrelid, k, true), ', ' "
        "ORDER BY k) FROM generate_series(1, indnkeyatts) k) AS columns FROM pg_index "
        f"WHERE indrelid = '{table}'::regclass ORDER BY indisprimary DESC, indexrelid"
    )
    for primary, columns in session.execute(query).all():
        if primary:
            session.execute(text(f"ALTER TABLE {name} ADD PRIMARY KEY ({columns})"))
        else:
            session.execute(text(f"CREATE INDEX ON {name} ({columns})"))


def _attach(session: Session, batch_id: int, table: str, month: int) -> None:
    part = partition_of(table, month)
    session.execute(text(f"ALTER TABLE {_name(batch_id, table, month)} RENAME TO {table}_{month}"))
    attach_partition(session, table, month)
    session.execute(text(f"ALTER TABLE {part} DROP CONSTRAINT {_MARK}, RESET (autovacuum_enabled)"))


def _copy_span(session: Session, batch_id: int, table: str, month: int, span: Span) -> None:
    goal, source = partition_of(table, month), _name(batch_id, table, month)
    here = f"{KEY[table]} BETWEEN :first AND :last"
    session.execute(
        text(f"INSERT INTO {goal} SELECT * FROM {source} WHERE {here}"),
        {"first": span[0], "last": span[1]},
    )
