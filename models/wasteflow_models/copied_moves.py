"""Loads written out for COPY (`load_copy`) into the tables of PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.partitions import SCHEMA, attach_partition, make_partition
from wasteflow_models.raw import driver


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


def copy_headers(session: Session, copies: CopiedLoads, new: Collection[int] = ()) -> None:
    """Headers of loads whose numbers are claimed; the partitions of `new` months are made here."""
    _copy_months(session, "shipment", copies.names, copies.headers, new)


def copy_events(session: Session, copies: CopiedLoads, new: Collection[int] = ()) -> None:
    """Their events."""
    _copy_months(session, "event", copies.event_names, copies.events, new)


def _copy_months(
    session: Session,
    table: str,
    names: tuple[str, ...],
    texts: Mapping[int, bytes],
    new: Collection[int],
) -> None:
    """Straight into the partitions: finding that of every row costs a twelfth of the COPY."""
    cursor = driver(session).cursor()
    for month in sorted(texts):
        if month in new:
            make_partition(session, table, month)
        _copy(cursor, f"{SCHEMA}.{table}_{month} ({', '.join(names)})", texts[month])
        if month in new:
            attach_partition(session, table, month)


def _copy(cursor: Any, goal: str, data: bytes) -> None:
    with cursor.copy(f"COPY {goal} FROM STDIN") as copy:
        copy.write(data)
