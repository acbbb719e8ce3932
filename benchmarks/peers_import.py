"""The other side of the import: a pandas script, and the floor, a plain keyed write.

The script checks and appends; it keeps no key, no events, no roll-up, no hashes.  The floor writes
rows that lie parsed in memory, on PostgreSQL the file as it is.  Both are durable when they end:
one transaction, synced.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
from sqlalchemy.engine import make_url

from benchmarks.measuring import Prepared

CHUNK = 250_000
LINES = 10_000
"""Lines of the file that the floor sends at once."""
NOW = pd.Timestamp("2026-06-01", tz="UTC")
NUMBERS = {
    "dispatched_t",
    "moisture_pct",
    "received_t",
    "received_moisture_pct",
    "accepted_t",
    "refused_t",
    "loads",
}
"""Columns kept as numbers; all others are kept as text."""


def _columns(shipments: str) -> list[str]:
    with open(shipments, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _table(columns: list[str], *, keyed: bool, number: str) -> str:
    parts = [f"{name} {number if name in NUMBERS else 'text'}" for name in columns]
    if keyed:
        parts.append("UNIQUE (consignor, doc_no)")
    return f"CREATE TABLE loads ({', '.join(parts)})"


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _sqlite(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    # A write-ahead log with a full sync at commit, as ours; a cache that holds the whole index.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-1048576"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _postgres(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain)


def _insert(columns: list[str]) -> str:
    return f"INSERT INTO loads VALUES ({', '.join('?' * len(columns))})"


# --- the pandas script ---------------------------------------------------------------------


def pandas_import(
    url: str, shipments: str, enterprises: str, materials: str, routes: str
) -> Prepared:
    """Read every column, check, append; `rows` and the kilograms sent. Also of a workbook."""

    def run() -> tuple[int, int]:
        known = {
            "consignor": set(pd.read_csv(enterprises, usecols=["code"]).code),
            "material": set(pd.read_csv(materials, usecols=["code"]).code),
            "route": set(pd.read_csv(routes, usecols=["code"]).code),
        }
        known["consignee"] = known["consignor"]
        frames = _checked(shipments, known)
        return _to_sqlite(url, frames) if _is_sqlite(url) else _to_postgres(url, frames)

    return Prepared(run, lambda found: {"rows": found[0], "sent_kg": found[1]})


def _checked(shipments: str, known: dict[str, set[str]]) -> Iterator[pd.DataFrame]:
    """The file in pieces; ValueError on the first rule that a piece breaks."""
    with closing(_frames(shipments)) as frames:
        for frame in frames:
            for name, codes in known.items():
                _refuse(frame, ~frame[name].isin(codes), f"unknown {name}")
            times = {
                name: pd.to_datetime(frame[name], format="ISO8601", utc=True)
                for name in ("dispatched_at", "received_at")
            }
            for name, moments in times.items():
                _refuse(frame, moments > NOW, f"{name} in the future")
            _refuse(frame, times["received_at"] < times["dispatched_at"], "received before sent")
            _refuse(frame, ~(frame.dispatched_t > 0), "dispatched_t not positive")
            parts = frame.accepted_t.fillna(0) + frame.refused_t.fillna(0)
            apart = (frame.received_t - parts).abs() > 0.0005
            _refuse(frame, apart & frame.received_t.notna(), "accepted and refused do not add up")
            yield frame


def _frames(shipments: str) -> Generator[pd.DataFrame]:
    if shipments.endswith(".xlsx"):
        frame = pd.read_excel(shipments, engine="calamine", dtype=str)
        yield frame.astype({name: float for name in frame.columns if name in NUMBERS})
        return
    texts: dict[Any, Any] = dict.fromkeys(set(_columns(shipments)) - NUMBERS, "str")
    with pd.read_csv(shipments, chunksize=CHUNK, dtype=texts) as frames:
        yield from frames


def _refuse(frame: pd.DataFrame, wrong: pd.Series[bool], reason: str) -> None:
    if wrong.any():
        raise ValueError(f"{reason}: {frame.doc_no[wrong].iloc[0]}")


def _kg(frame: pd.DataFrame) -> int:
    return int((frame.dispatched_t * 1000).round().sum())


def _to_sqlite(url: str, frames: Iterator[pd.DataFrame]) -> tuple[int, int]:
    rows = kg = 0
    with closing(_sqlite(url)) as connection:
        connection.execute("BEGIN")
        for frame in frames:
            columns = [str(name) for name in frame.columns]
            if not rows:
                connection.execute(_table(columns, keyed=False, number="real"))
            # Lists per column and zip: twice as fast as to_sql; SQLite takes NaN as NULL.
            lists = [frame[name].tolist() for name in columns]
            connection.executemany(_insert(columns), zip(*lists, strict=True))
            rows, kg = rows + len(frame), kg + _kg(frame)
        connection.execute("COMMIT")
    return rows, kg


def _to_postgres(url: str, frames: Iterator[pd.DataFrame]) -> tuple[int, int]:
    rows = kg = 0
    with _postgres(url) as connection, connection.cursor() as cursor:
        for frame in frames:
            if not rows:
                columns = [str(name) for name in frame.columns]
                cursor.execute(_table(columns, keyed=False, number="double precision").encode())
            text = io.StringIO()
            frame.to_csv(text, index=False, header=False)
            with cursor.copy(b"COPY loads FROM STDIN (FORMAT csv)") as copy:
                copy.write(text.getvalue())
            rows, kg = rows + len(frame), kg + _kg(frame)
    return rows, kg


# --- the floor -----------------------------------------------------------------------------


def keyed_write(url: str, shipments: str, rows: int) -> Prepared:
    """The first `rows` rows, parsed before, into a table with the unique key and nothing else.

    PostgreSQL parses them itself, straight from the file, however many they are.
    """
    columns = _columns(shipments)
    if _is_sqlite(url):
        return _floor_sqlite(url, columns, _parsed(shipments, columns, rows))
    return _floor_postgres(url, columns, shipments, rows)


def _parsed(shipments: str, columns: list[str], rows: int) -> list[tuple[Any, ...]]:
    """Rows as tuples: numbers where the column holds them, None for blanks."""
    kinds = [float if name in NUMBERS else str for name in columns]
    with open(shipments, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        return [
            tuple(kind(cell) if cell else None for kind, cell in zip(kinds, row, strict=True))
            for row in islice(reader, rows)
        ]


def _floor_sqlite(url: str, columns: list[str], parsed: list[tuple[Any, ...]]) -> Prepared:
    connection = _sqlite(url)

    def run() -> int:
        connection.execute("BEGIN")
        connection.execute(_table(columns, keyed=True, number="real"))
        connection.executemany(_insert(columns), parsed)
        connection.execute("COMMIT")
        return len(parsed)

    return Prepared(run, lambda rows: {"rows": rows}, end=connection.close)


def _floor_postgres(url: str, columns: list[str], shipments: str, rows: int) -> Prepared:
    connection = _postgres(url)

    def run() -> int:
        with connection.cursor() as cursor:
            cursor.execute(_table(columns, keyed=True, number="double precision").encode())
            with (
                open(shipments, "rb") as file,
                cursor.copy(b"COPY loads FROM STDIN (FORMAT csv)") as copy,
            ):
                file.readline()
                left = islice(file, rows)
                while part := b"".join(islice(left, LINES)):
                    copy.write(part)
            written = cursor.rowcount
        connection.commit()
        return written

    return Prepared(run, lambda rows: {"rows": rows}, end=connection.close)


def first_rows(shipments: str, rows: int, out: Path) -> Path:
    """A file with the header and the first rows, for warming an import."""
    with open(shipments, encoding="utf-8") as source:
        out.write_text("".join(islice(source, 1 + rows)), encoding="utf-8")
    return out
