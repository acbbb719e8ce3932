"""Engines and sessions: one write transaction at a time, readers that cannot write.

SQLite's default transactions lose concurrent updates without an error, so writers BEGIN IMMEDIATE
(a test holds this).  On PostgreSQL writers take one advisory lock: what a service decides from the
books (next id, is the number known, how much of a refused part is open) must still hold when it
commits.  Readers never wait for writers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError

BUSY_TIMEOUT_S = 60
SNAPSHOT = "snapshot"
"""Key of `Session.info` in read transactions: what queries may remember until it ends."""
WRITER_LOCK = 7702
"""Key of the PostgreSQL advisory lock of writers (7701 is that of migrations)."""


def checked_url(url: str) -> URL:
    """The parsed URL; WasteflowError `database_url_bad` unless SQLite file or psycopg 3."""
    try:
        parsed = make_url(url)
        known = parsed.drivername in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
    except ArgumentError:
        known = False
    if not known:
        raise WasteflowError("database_url_bad")
    return parsed


class Database:
    """One database by URL (`sqlite:///…` or `postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = checked_url(url).get_backend_name() == "sqlite"
        self._writer = _engine(url, begin="BEGIN IMMEDIATE")
        self._reader = _engine(url, begin="BEGIN", read_only=True) if self.is_sqlite else None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one write transaction: commits at the end, rolls back on any exception."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            connection = session.connection()
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session in one consistent read transaction, always rolled back."""
        engine = self._reader or self._writer
        with Session(engine, autoflush=False, info={SNAPSHOT: {}}) as session:
            if not self.is_sqlite:
                session.connection(
                    execution_options={
                        "isolation_level": "REPEATABLE READ",
                        "postgresql_readonly": True,
                    }
                )
            yield session
            session.rollback()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._writer.dispose()
        if self._reader is not None:
            self._reader.dispose()


def _engine(url: str, *, begin: str, read_only: bool = False) -> Engine:
    """An engine with the session rules of 3-architecture 3.4."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:" and not read_only:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
