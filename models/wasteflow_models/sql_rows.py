"""Columns as the text of statements and COPYs; no database is needed for it.

A column is a numpy array, a list, or one plain value for every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

Columns = Mapping[str, Any]
"""Column name → array, list, or one value (str, int, bool, None) that stands for all rows."""


def plain(column: Any) -> Any:
    """A column as a sequence of plain Python values."""
    return column.tolist() if isinstance(column, np.ndarray) else column


def varies(value: Any) -> bool:
    """Whether a column differs from row to row."""
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
    varying = [name for name, value in columns.items() if varies(value)]
    mark = "%s" if postgresql else "?"
    values = ", ".join(
        mark if name in varying else literal(columns[name], postgresql) for name in columns
    )
    names = ", ".join(columns)
    marks = ", ".join([f"({values})"] * rows)
    return f"INSERT INTO {table} ({names}) VALUES {marks} {ending}", varying


def csv_of(count: int, columns: Columns) -> bytes:
    """CSV in which NULL is an empty field and empty text a pair of quotes."""
    return as_csv(frame_of(count, columns))


def frame_of(count: int, columns: Columns) -> Any:
    """The columns as a polars frame."""
    import polars as pl

    return pl.DataFrame(
        [
            pl.Series(name, value)
            if varies(value) or isinstance(value, pl.Series)
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
