"""Columns into tables past the ORM: `executemany` on SQLite, `COPY` on PostgreSQL.

Both run on the connection of the caller's session, inside its transaction.  A column is a numpy
array, a list, or one plain value for every row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from wasteflow_models.engine import linked
from wasteflow_models.sql_rows import Columns, csv_of, insert_statement, plain

FEW = 64
"""Rows up to which single statements beat COPY and temporary tables."""


def is_postgresql(session: Session) -> bool:
    """Whether the session talks to PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def driver(session: Session) -> Any:
    """The DBAPI connection of the session's transaction."""
    connection: Connection = linked(session)
    return connection.connection.driver_connection


def insert_columns(
    session: Session, table: str, count: int, columns: Columns, *, ending: str = ""
) -> int:
    """Insert `count` rows; returns how many were.

    ending: SQL behind the insert, such as `ON CONFLICT DO NOTHING`.
    """
    if not count:
        return 0
    if is_postgresql(session) and count > FEW:
        return _copy(session, table, count, columns, ending)
    return _execute_many(session, table, columns, ending)


class temporary:
    """A temporary table for the time of a `with`."""

    def __init__(self, session: Session, name: str, columns: str) -> None:
        self._session, self._name, self._columns = session, name, columns

    def __enter__(self) -> None:
        self._run(f"CREATE TEMPORARY TABLE {self._name} ({self._columns})")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._run(f"DROP TABLE {self._name}")

    def _run(self, statement: str) -> None:
        linked(self._session).exec_driver_sql(statement)


_BY_INDEX = {"enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Queries inside look the rows of a temporary table up in others by their keys.

    PostgreSQL knows nothing of a table it has just been given and would rather read the others
    whole, which takes the longer the more loads there are.  SQLite is told by CROSS JOIN.
    """
    if not is_postgresql(session):
        yield
        return
    cursor = driver(session).cursor()
    asked = ", ".join(f"current_setting('{name}')" for name in _BY_INDEX)
    before = dict(zip(_BY_INDEX, cursor.execute(f"SELECT {asked}").fetchone(), strict=True))
    _set(cursor, _BY_INDEX)
    yield
    _set(cursor, before)  # not after an error, which ends the transaction and with it the settings


def _set(cursor: Any, settings: Mapping[str, str]) -> None:
    told = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    cursor.execute(f"SELECT {told}")


def many(session: Session, statement: str, columns: Sequence[Any]) -> int:
    """Run `statement` (parameters `?`) once per row of `columns`; rows changed."""
    rows = list(zip(*(plain(column) for column in columns), strict=True))
    if not rows:
        return 0
    if is_postgresql(session):
        cursor = driver(session).cursor()
        cursor.executemany(statement.replace("?", "%s"), rows)
    else:
        cursor = driver(session).executemany(statement, rows)
    return int(cursor.rowcount)


def by_keys(session: Session, statement: str, keys: NDArray[np.int64]) -> None:
    """Run `statement`, which ends with a column, for the rows where that is one of `keys`.

    PostgreSQL is told all keys at once: a statement for each costs it as much as the row.
    """
    if not is_postgresql(session):
        many(session, f"{statement} = ?", [keys])
    elif len(keys):
        told = f"{statement} = ANY(%s::bigint[])"
        driver(session).cursor().execute(told, [keys.tolist()])


def read_ints(session: Session, query: str, count: int) -> list[NDArray[np.int64]]:
    """The `count` integer columns of a query; no NULL among them.

    SQLite: the cursor straight into an array.  PostgreSQL: COPY as text, read by the CSV parser.
    """
    if is_postgresql(session):
        with driver(session).cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
            data = b"".join(copy)
        if not data:
            return [np.zeros(0, np.int64)] * count
        import polars as pl  # a tenth of a second that pages do not need

        kinds = {f"c{number}": pl.Int64 for number in range(count)}
        frame = pl.read_csv(data, has_header=False, schema=kinds)
        return [column.to_numpy() for column in frame]
    rows = driver(session).execute(query)
    flat = np.fromiter(chain.from_iterable(rows), np.int64)
    return list(np.ascontiguousarray(flat.reshape(-1, count).T))


def _execute_many(session: Session, table: str, columns: Columns, ending: str) -> int:
    postgresql = is_postgresql(session)
    statement, varying = insert_statement(table, columns, postgresql=postgresql, ending=ending)
    rows = zip(*(plain(columns[name]) for name in varying), strict=True)
    if not postgresql:
        return int(driver(session).executemany(statement, rows).rowcount)
    with driver(session).cursor() as cursor:
        cursor.executemany(statement, list(rows))
        return int(cursor.rowcount)


def _copy(session: Session, table: str, count: int, columns: Columns, ending: str) -> int:
    """COPY into the table, or by way of a temporary one where conflicts must be passed over."""
    cursor = driver(session).cursor()
    names = ", ".join(columns)
    goal = table
    if ending:
        goal = f"fresh_{table}"
        cursor.execute(
            f"CREATE TEMPORARY TABLE {goal} ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"
        )
    with cursor.copy(f"COPY {goal} ({names}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(csv_of(count, columns))
    if not ending:
        return count
    chosen = f"SELECT {names} FROM {goal} ORDER BY 1, 2, ctid"
    cursor.execute(f"INSERT INTO {table} ({names}) {chosen} {ending}")
    done = int(cursor.rowcount)
    cursor.execute(f"DROP TABLE {goal}")
    return done
