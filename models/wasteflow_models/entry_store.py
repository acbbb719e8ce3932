"""Entries by the thousand into their table past the ORM, in columns; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from wasteflow_models.engine import linked
from wasteflow_models.ledger import ENTRIES, LAST_ENTRY
from wasteflow_models.order import wait_for_numbers
from wasteflow_models.prepared import Prepared
from wasteflow_models.raw import (
    FEW,
    by_index,
    driver,
    insert_columns,
    is_postgresql,
    read_ints,
    temporary,
)
from wasteflow_models.sql_rows import Columns

_INSERT = Prepared(insert(ENTRIES), ENTRIES.c.keys())
_NEXT = select(func.coalesce(LAST_ENTRY, 0) + 1).scalar_subquery()
_INSERT_NEXT = Prepared(insert(ENTRIES).values(id=_NEXT).inline(), ENTRIES.c.keys())
NEWEST = LAST_ENTRY
"""The number of an entry that has just been numbered here (`number_entry`)."""
Rows = Sequence[Mapping[str, Any]]


def insert_entries(session: Session, rows: Rows) -> None:
    """Insert rows of `entry`, each with every column of the table.

    A value takes the way to the database that the ORM would send it, once per distinct value: a
    column of days or words has few.
    """
    session.flush()
    if len(rows) <= FEW:
        connection = linked(session)
        for row in rows:
            _INSERT.run(connection, row)
        return
    insert_columns(session, "entry", len(rows), _columns(session, rows))


def insert_entry_columns(session: Session, count: int, columns: Columns) -> None:
    """Insert `count` entries: columns as the driver takes them, days and moments as Python values
    that stand for all rows or as the text that the database keeps.
    """
    session.flush()
    sent = {
        name: value if isinstance(value, (list, np.ndarray)) else _converter(session, name)(value)
        for name, value in columns.items()
    }
    insert_columns(session, "entry", count, sent)


def known_entries(
    session: Session, enterprise_id: NDArray[np.int64], doc_no: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the (firm, number) that have an entry, and the content of those entries."""
    if not is_postgresql(session):
        return _known_one_by_one(session, enterprise_id, doc_no)
    columns = {"row_no": np.arange(len(doc_no)), "doc_no": list(doc_no), "firm": enterprise_id}
    session.flush()
    with temporary(session, "asked_entry", "row_no BIGINT, doc_no TEXT, firm BIGINT"):
        insert_columns(session, "asked_entry", len(doc_no), columns)
        with by_index(session):
            found = read_ints(
                session,
                "SELECT a.row_no, e.content FROM asked_entry a CROSS JOIN entry e "
                "WHERE e.enterprise_id = a.firm AND e.doc_no = a.doc_no ORDER BY a.row_no",
                2,
            )
    return found[0], found[1]


def _known_one_by_one(
    session: Session, enterprise_id: NDArray[np.int64], doc_no: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same on SQLite, where a reader can make no table and a query costs no way."""
    session.flush()
    look = driver(session).cursor()
    query = "SELECT content FROM entry WHERE enterprise_id = ? AND doc_no = ?"
    found = [
        (at, row[0])
        for at, asked in enumerate(zip(enterprise_id.tolist(), doc_no, strict=True))
        if (row := look.execute(query, asked).fetchone()) is not None
    ]
    known = np.array(found, np.int64).reshape(-1, 2)
    return known[:, 0], known[:, 1]


def discard_entries(session: Session, batch_id: int, first: int, last: int) -> None:
    """Take the staged entries first..last of a batch out of the table."""
    mine = ENTRIES.c.id.between(first, last), ENTRIES.c.batch_id == batch_id
    session.execute(delete(ENTRIES).where(*mine))


def number_entry(session: Session, row: Mapping[str, Any]) -> None:
    """Number an entry and insert it, both no later than what comes next: others wait from then on.

    row: every column of the table but `id`.
    """
    wait_for_numbers(session)
    _INSERT_NEXT.later(linked(session), row)


def _columns(session: Session, rows: Rows) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in zip(
        rows[0], zip(*(row.values() for row in rows), strict=True), strict=True
    ):
        convert = _converter(session, name)
        kinds = set(values) if name not in _ALL_DIFFER else ()
        if len(kinds) == 1:
            found[name] = convert(values[0])
        elif convert is _same:
            found[name] = list(values)
        elif kinds:
            known = {value: convert(value) for value in kinds}
            found[name] = [known[value] for value in values]
        else:
            found[name] = [convert(value) for value in values]
    return found


_ALL_DIFFER = ("id", "uid", "content", "doc_no")


def _converter(session: Session, name: str) -> Callable[[Any], Any]:
    """From a Python value to what the driver (SQLite) or the text of a COPY (PostgreSQL) takes."""
    dialect = session.get_bind().dialect
    kind = ENTRIES.c[name].type
    if is_postgresql(session):
        return _text if kind.python_type not in (int, str, bool) else _same
    processor = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor or _same


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
