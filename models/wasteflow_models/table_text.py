"""Whole tables as text and back, the same on every database: PostgreSQL's text form of COPY.

One line per row, columns apart by tabs, `\\N` for a blank; tab, newline, return and backslash
in a text are escaped.  Truth values are 0 and 1, days ISO 8601, moments UTC without offset, ids 32
hex digits, bytes `\\x` and hex digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Boolean, Column, Date, Float, LargeBinary, Table, Uuid, text
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Integer, SmallInteger, TypeDecorator

from wasteflow_models.base import UtcMoment
from wasteflow_models.raw import driver, is_postgresql

ROWS: Final = 20_000
BLANK: Final = "\\N"
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
INT, BOOL, FLOAT, DAY, MOMENT, UID, BYTES, TEXT = (
    "int", "bool", "float", "day", "moment", "uid", "bytes", "text",
)  # fmt: skip


def type_of(column: Column[Any]) -> str:
    """The word for what a column holds."""
    if isinstance(column.type, UtcMoment):
        return MOMENT
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    for known, word in (
        (Boolean, BOOL),
        (Float, FLOAT),
        (Date, DAY),
        (Uuid, UID),
        (LargeBinary, BYTES),
        ((Integer, BigInteger, SmallInteger), INT),
    ):
        if isinstance(kind, known):
            return word
    return TEXT


def table_lines(session: Session, table: Table) -> Iterator[bytes]:
    """The rows of a table in order of its key, some thousands at a time."""
    order = ", ".join(_quoted(column.name) for column in table.primary_key.columns)
    if is_postgresql(session):
        shown = ", ".join(_sent(column) for column in table.columns)
        query = f"SELECT {shown} FROM {_quoted(table.name)} ORDER BY {order}"
        with driver(session).cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
            for data in copy:
                yield bytes(data)
        return
    words = [type_of(column) for column in table.columns]
    names = ", ".join(_quoted(column.name) for column in table.columns)
    session.connection()
    cursor = driver(session).execute(f"SELECT {names} FROM {_quoted(table.name)} ORDER BY {order}")
    while rows := cursor.fetchmany(ROWS):
        yield _lines(words, rows)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _sent(column: Column[Any]) -> str:
    """SQL of a column as PostgreSQL writes it out."""
    name, word = _quoted(column.name), type_of(column)
    return {
        BOOL: f"CAST({name} AS INTEGER)",
        DAY: f"to_char({name}, 'YYYY-MM-DD')",
        MOMENT: f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        UID: f"replace(CAST({name} AS TEXT), '-', '')",
    }.get(word, name)


def _lines(words: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Rows as text, made by columns."""
    columns = [
        [_written(word, value) for value in column]
        for word, column in zip(words, zip(*rows, strict=True), strict=True)
    ]
    return "".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)).encode()


def _written(word: str, value: Any) -> str:
    if value is None:
        return BLANK
    if word == BYTES:
        return f"\\\\x{value.hex()}"
    if word == FLOAT:
        return repr(float(value))
    if word != TEXT:
        return str(value)
    told = str(value)
    if "\\" in told or "\t" in told or "\n" in told or "\r" in told:
        for plain, escaped in _ESCAPES:
            told = told.replace(plain, escaped)
    return told


def fill_table(
    session: Session, name: str, columns: Sequence[tuple[str, str]], data: Iterable[bytes]
) -> None:
    """Put lines into a table; columns: (name, word of `type_of`) in the order of the lines."""
    names = ", ".join(_quoted(column) for column, _ in columns)
    if is_postgresql(session):
        with driver(session).cursor().copy(f"COPY {_quoted(name)} ({names}) FROM STDIN") as copy:
            for part in data:
                copy.write(part)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {_quoted(name)} ({names}) VALUES ({marks})"
    words = [word for _, word in columns]
    session.connection()
    for lines in _whole_lines(data):
        driver(session).executemany(statement, (_row(words, line) for line in lines))


def _whole_lines(data: Iterable[bytes]) -> Iterator[list[str]]:
    """Lines of a stream, some thousands at a time."""
    rest = b""
    for part in data:
        *whole, rest = (rest + part).split(b"\n")
        if whole:
            yield [line.decode() for line in whole]


def _row(words: Sequence[str], line: str) -> list[Any]:
    cells = line.split("\t")
    return [_read(word, cell) for word, cell in zip(words, cells, strict=True)]


def _read(word: str, cell: str) -> Any:
    if cell == BLANK:
        return None
    if word in (INT, BOOL):
        return int(cell)
    if word == FLOAT:
        return float(cell)
    if word == BYTES:
        return bytes.fromhex(cell.removeprefix("\\\\x"))
    if word == TEXT and "\\" in cell:
        return _unescaped(cell)
    return cell


def _unescaped(cell: str) -> str:
    parts, rest = [], iter(cell)
    for char in rest:
        if char != "\\":
            parts.append(char)
            continue
        after = next(rest, "")
        parts.append({"t": "\t", "n": "\n", "r": "\r"}.get(after, after))
    return "".join(parts)


def settle_sequences(session: Session, tables: Iterable[Table], last_number: int) -> None:
    """Let PostgreSQL draw new keys after those that were put in; `last_number`: of loads."""
    if not is_postgresql(session):
        return
    for table in tables:
        for column in table.primary_key.columns:
            ask = text("SELECT pg_get_serial_sequence(:table, :column)")
            name = session.execute(ask, {"table": table.name, "column": column.name}).scalar()
            if name:
                session.execute(
                    text(
                        f"SELECT setval('{name}', coalesce(max({_quoted(column.name)}), 0) + 1, "
                        f"false) FROM {_quoted(table.name)}"
                    )
                )
    session.execute(text("SELECT setval('load_no', :next, false)"), {"next": last_number + 1})
