"""Loads written out for COPY (`load_copy`) into the tables of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.partitions import partition_of
from wasteflow_models.raw import driver

TableOf = Callable[[str, int], str]
"""(table, month) → where its rows of the month belong."""


def claim_copies(session: Session, copies: CopiedLoads) -> bool:
    """Claim the numbers of the loads; False, and nothing claimed, if one of them is taken."""
    from psycopg.errors import UniqueViolation  # an eighth of a second that SQLite does not need

    cursor = driver(session).cursor()
    cursor.execute("SAVEPOINT claim")
    try:
        _copy(cursor, "load_number (doc_no, consignor_id, shipment_id)", copies.numbers)
    except UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT claim")
        return False
    cursor.execute("RELEASE SAVEPOINT claim")
    return True


def copy_headers(session: Session, copies: CopiedLoads, table_of: TableOf = partition_of) -> None:
    """Headers of loads whose numbers are claimed, into the table of each month."""
    _copy_months(session, "shipment", copies.names, copies.headers, table_of)


def copy_events(session: Session, copies: CopiedLoads, table_of: TableOf = partition_of) -> None:
    """Their events."""
    _copy_months(session, "event", copies.event_names, copies.events, table_of)


def _copy_months(
    session: Session,
    table: str,
    names: tuple[str, ...],
    texts: Mapping[int, bytes],
    table_of: TableOf,
) -> None:
    """Straight into the partitions: finding that of every row costs a twelfth of the COPY."""
    cursor = driver(session).cursor()
    for month in sorted(texts):
        _copy(cursor, f"{table_of(table, month)} ({', '.join(names)})", texts[month])


def _copy(cursor: Any, goal: str, data: bytes) -> None:
    with cursor.copy(f"COPY {goal} FROM STDIN") as copy:
        copy.write(data)
