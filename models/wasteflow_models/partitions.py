"""Ids of loads by month, and the PostgreSQL partitions that take the loads of a month.

An id is yyyymm followed by eight digits.  Partitions are made when a month first needs one, some
months ahead, in a schema of their own.  A large import makes those of a month new to the books by
itself and attaches them full (`months_apart`): indices built over rows cost a third of indices kept
row by row.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow.core.periods import next_month
from wasteflow_models.load_ids import STEP
from wasteflow_models.raw import driver, is_postgresql

AHEAD = 3
SCHEMA = "wasteflow_months"
PARTED = ("shipment", "event")
_PATIENCE_MS = 100
LOCKS = {"shipment": 7704, "event": 7708}
"""Keys of the advisory locks of whoever makes partitions of a table, taken in this order."""

Ints = NDArray[np.int64]


_ONE_NUMBER = (
    "SELECT (SELECT count(*) FROM pg_class WHERE relispartition AND oid IN "
    "(to_regclass(%s), to_regclass(%s), to_regclass(%s))), nextval('load_no')"
)


def new_load_ids(session: Session, months: Ints) -> Ints:
    """A new id for each load dispatched in `months` (yyyymm), ascending within a month."""
    if is_postgresql(session):
        ensure_partitions(session, np.unique(months).tolist())
        return np.asarray(months * STEP + drawn_numbers(session, len(months)))
    ids = np.empty(len(months), np.int64)
    for month in np.unique(months).tolist():
        here = np.flatnonzero(months == month)
        ids[here] = _last_id(session, month) + 1 + np.arange(len(here))
    return ids


def new_load_id(session: Session, month: int) -> int:
    """As `new_load_ids` for one load; on PostgreSQL one round trip where nothing has to be made."""
    if not is_postgresql(session):
        return _last_id(session, month) + 1
    ends = (month, next_month(month, AHEAD))  # those between are made with them
    names = [*(f"{SCHEMA}.shipment_{end}" for end in ends), f"{SCHEMA}.event_{month}"]
    made, number = driver(session).execute(_ONE_NUMBER, names).fetchone()
    if made < len(names):
        ensure_partitions(session, [month])
    return int(month * STEP + number)


def drawn_numbers(session: Session, count: int) -> Ints:
    """`count` new numbers of loads on PostgreSQL, ascending; nobody else gets them.

    Sent as the few runs they form, not one by one; seldom does anybody draw in between.
    """
    cursor = driver(session).cursor()
    cursor.execute(
        "SELECT min(no), max(no) FROM "
        "(SELECT nextval('load_no') AS no FROM generate_series(1, %s)) drawn",
        (count,),
    )
    first, last = cursor.fetchone()
    if count and last - first == count - 1:
        return np.arange(first, last + 1, dtype=np.int64)
    cursor.execute(
        "SELECT min(no), max(no) FROM (SELECT no, no - row_number() OVER (ORDER BY no) AS run "
        "FROM (SELECT nextval('load_no') AS no FROM generate_series(1, %s)) drawn) numbered "
        "GROUP BY run ORDER BY 1",
        (count,),
    )
    runs = [np.arange(first, last + 1, dtype=np.int64) for first, last in cursor]
    return np.concatenate([np.zeros(0, np.int64), *runs])


def drawn_run(session: Session, count: int) -> Ints:
    """As `drawn_numbers`, in a moment for a million: the sequence is moved on as a whole.

    Nobody else draws until the transaction ends, so it should have nothing else to do.  Where
    others hold the sequence for long, or the user of the database does not own it, one by one.
    """
    from psycopg.errors import InsufficientPrivilege, LockNotAvailable

    cursor = driver(session).cursor()
    cursor.execute("SAVEPOINT draw")
    try:
        cursor.execute(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
        cursor.execute("ALTER SEQUENCE load_no INCREMENT BY 1")  # takes the lock, changes nothing
        cursor.execute("SELECT setval('load_no', nextval('load_no') + %s)", (count - 1,))
        (last,) = cursor.fetchone()
    except (InsufficientPrivilege, LockNotAvailable):
        cursor.execute("ROLLBACK TO SAVEPOINT draw")
        return drawn_numbers(session, count)
    return np.arange(last - count + 1, last + 1, dtype=np.int64)


def _last_id(session: Session, month: int) -> int:
    session.flush()
    low, high = month * STEP, (month + 1) * STEP - 1
    query = f"SELECT max(id) FROM shipment WHERE id BETWEEN {low} AND {high}"
    (found,) = driver(session).execute(query).fetchone()
    return int(found or low)


def ensure_partitions(session: Session, months: Iterable[int], ahead: int = AHEAD) -> list[int]:
    """Make the partitions of `months` and of some after the last, where they are missing.

    Returns the months that were made; SQLite keeps one table and needs none.
    """
    wanted = set(months)
    if not is_postgresql(session) or not wanted:
        return []
    wanted |= {next_month(max(wanted), step) for step in range(1, ahead + 1)}
    missing = {table: wanted - parted_months(session, table) for table in PARTED}
    if any(missing.values()):
        missing = {table: missing_months(session, table, wanted) for table in PARTED}
    for table, months_missing in missing.items():
        for month in sorted(months_missing):
            make_partition(session, table, month)
            attach_partition(session, table, month)
    return sorted(set().union(*missing.values()))


def missing_months(session: Session, table: str, months: Iterable[int]) -> set[int]:
    """Those of `months` of which `table` has no partition.

    Nobody else makes partitions of it until the transaction ends.  PostgreSQL only.
    """
    session.execute(text(f"SELECT pg_advisory_xact_lock({LOCKS[table]})"))
    return set(months) - parted_months(session, table)


def partition_of(table: str, month: int) -> str:
    """Name of the partition of a month."""
    return f"{SCHEMA}.{table}_{month}"


def make_partition(session: Session, table: str, month: int) -> None:
    """A table like `table`, without its indices, that nobody sees before it is attached."""
    part = partition_of(table, month)
    session.execute(
        text(f"CREATE TABLE {part} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)"),
    )


def attach_partition(session: Session, table: str, month: int) -> None:
    """Give it the indices of `table` and make it a partition: other writers go on meanwhile."""
    part = partition_of(table, month)
    low, high = month * STEP, (month + 1) * STEP
    session.execute(
        text(f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({low}) TO ({high})")
    )


def parted_months(session: Session, table: str) -> set[int]:
    """Months of which `table` has a partition.  PostgreSQL only."""
    query = text(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        f"WHERE nspname = :schema AND relname LIKE '{table}\\_%' AND relispartition "
        "ORDER BY relname"
    )
    names = session.execute(query, {"schema": SCHEMA}).scalars()
    return {int(name.rpartition("_")[2]) for name in names if name.rpartition("_")[2].isdigit()}
