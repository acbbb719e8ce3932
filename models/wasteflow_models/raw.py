"""Columns into tables past the ORM: `executemany` on SQLite, `COPY` on PostgreSQL.

Both run on the connection of the caller's session, inside its transaction.  A column is a numpy
array, a list, or one plain value for every row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from wasteflow_models.engine import linked

FEW = 64
"""Rows up to which single statements beat COPY and temporary tables."""
Columns = Mapping[str, Any]
"""Column name → array, list, or one value (str, int, bool, None) that stands for all rows."""


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


def plain(column: Any) -> Any:
    """A column as a sequence of plain Python values."""
    return column.tolist() if isinstance(column, np.ndarray) else column


def _varies(value: Any) -> bool:
    return isinstance(value, (np.ndarray, list))


def literal(value: str | int | bool | None, postgresql: bool = False) -> str:
    """A plain value as SQL text; quotes are doubled, and psycopg's per cent signs."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value) if postgresql else str(int(value))
    if isinstance(value, int):
        return str(value)
    quoted = "'" + value.replace("'", "''") + "'"
    return quoted.replace("%", "%%") if postgresql else quoted


def insert_statement(
    table: str, columns: Columns, *, postgresql: bool = False, ending: str = "", rows: int = 1
) -> tuple[str, list[str]]:
    """The statement that inserts rows of `columns`, and the columns it has parameters for.

    rows: how many it inserts at once.

    Constant columns stand in the statement: binding them by the million costs as much as data.
    A NUL in a literal would end the statement; the schema refuses control characters.
    """
    varying = [name for name, value in columns.items() if _varies(value)]
    mark = "%s" if postgresql else "?"
    values = ", ".join(
        mark if name in varying else literal(columns[name], postgresql) for name in columns
    )
    names = ", ".join(columns)
    marks = ", ".join([f"({values})"] * rows)
    return f"INSERT INTO {table} ({names}) VALUES {marks} {ending}", varying


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


def csv_of(count: int, columns: Columns) -> bytes:
    """CSV in which NULL is an empty field and empty text a pair of quotes."""
    return as_csv(frame_of(count, columns))


def frame_of(count: int, columns: Columns) -> Any:
    """The columns as a polars frame."""
    import polars as pl

    return pl.DataFrame(
        [
            pl.Series(name, value)
            if _varies(value) or isinstance(value, pl.Series)
            else pl.repeat(
                value, count, dtype=pl.String if isinstance(value, str) else pl.Int64, eager=True
            ).alias(name)
            for name, value in columns.items()
        ]
    )


def as_csv(frame: Any) -> bytes:
    """The rows of a polars frame in that form."""
    file = BytesIO()
    frame.write_csv(file, include_header=False, quote_style="non_numeric")
    return file.getvalue()


def as_text(frame: Any) -> bytes:
    """The rows of a polars frame in COPY's own form, which the server reads faster than CSV.

    No text in it has control characters: the schema refuses them.
    """
    import polars as pl

    escaped = [
        column.str.replace_all("\\", "\\\\", literal=True)
        for column in frame.select(pl.col(pl.String))
        if column.str.contains("\\", literal=True).any()
    ]
    file = BytesIO()
    frame.with_columns(escaped).write_csv(
        file, include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    return file.getvalue()
