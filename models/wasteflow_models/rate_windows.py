"""Counters of requests per time window, shared by all server processes; no record of the books.

On PostgreSQL they stand in an UNLOGGED table in a schema of their own, so that several machines
count together.  SQLite has one writer: there they stand in a small file beside the database, so
that a request never waits for an import.  Losing them is harmless, so nothing is flushed for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from wasteflow_models.engine import Database

SCHEMA = "wasteflow_limits"
_STALE_S = 60
_COLUMNS = "(key VARCHAR(300) PRIMARY KEY, ends DOUBLE PRECISION NOT NULL, hits INTEGER NOT NULL)"


class RateWindows:
    """Counters beside a database; made when the first is counted, closed with it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._table = "rate_window" if db.is_sqlite else f"{SCHEMA}.rate_window"
        self._beside = _beside(db.path) if db.is_sqlite else None
        if self._beside is not None:
            db.on_dispose(self._beside.dispose)
        self._made = False
        self._lock = Lock()

    def add(self, key: str, seconds: float, amount: int, now: float) -> int:
        """Count `amount` under `key`; a window that has ended starts anew.  The hits so far."""
        self._make()
        statement = text(
            f"INSERT INTO {self._table} AS w (key, ends, hits) VALUES (:key, :ends, :amount) "
            "ON CONFLICT (key) DO UPDATE SET "
            "hits = CASE WHEN w.ends <= :now THEN excluded.hits ELSE w.hits + excluded.hits END, "
            "ends = CASE WHEN w.ends <= :now THEN excluded.ends ELSE w.ends END RETURNING hits"
        )
        values = {"key": key, "ends": now + seconds, "amount": amount, "now": now}
        with self._begin() as connection:
            hits = int(connection.execute(statement, values).scalar_one())
            if hits == amount:  # a new window: a good moment to sweep
                sweep = text(f"DELETE FROM {self._table} WHERE ends < :old AND key <> :key")
                connection.execute(sweep, {"old": now - _STALE_S, "key": key})
        return hits

    def get(self, key: str, now: float) -> tuple[int, float]:
        """(hits, end of the window) of a key; (0, now) if there is none."""
        self._make()
        query = text(f"SELECT hits, ends FROM {self._table} WHERE key = :key AND ends > :now")
        with self._begin() as connection:
            found = connection.execute(query, {"key": key, "now": now}).one_or_none()
        return (int(found[0]), float(found[1])) if found else (0, now)

    def clear(self, key: str = "") -> None:
        """Forget a key, or all."""
        self._make()
        where, values = (" WHERE key = :key", {"key": key}) if key else ("", {})
        with self._begin() as connection:
            connection.execute(text(f"DELETE FROM {self._table}{where}"), values)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        if self._beside is not None:
            with self._beside.begin() as connection:
                yield connection
        else:
            with self._db.connection() as connection, connection.begin():
                yield connection

    def _make(self) -> None:
        with self._lock:
            if self._made:
                return
            kind = "TABLE" if self._beside else "UNLOGGED TABLE"
            create = f"CREATE {kind} IF NOT EXISTS {self._table} {_COLUMNS}"
            for last in (False, True):
                try:
                    with self._begin() as connection:
                        if self._beside is None:
                            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
                        connection.execute(text(create))
                    break
                except DBAPIError:  # two processes at once: the second finds it made
                    if last:
                        raise
            self._made = True


def _beside(path: Path | None) -> Engine:
    """An engine on the file beside a SQLite database; in memory beside one in memory."""
    url = URL.create("sqlite", database=f"{path}.limits" if path else None)
    engine = create_engine(url, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
