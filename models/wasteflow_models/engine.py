"""Engines and sessions: writers that queue fairly, readers that cannot write and never wait.

SQLite's default transactions lose concurrent updates without an error, so writers BEGIN IMMEDIATE
(a test holds this); SQLite itself lets a busy writer starve the others, so writers of one file
queue at a turnstile (`queue`).  On PostgreSQL records of loads are written side by side - unique
keys and row locks, taken in one order, hold what a service decided - while the registry is written
alone and entries one writer at a time (`Alone`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError
from wasteflow_models.queue import Turnstile

BUSY_TIMEOUT_S = 60
WRITER_CACHE_KB = 128 * 1024
READER_CACHE_KB = 32 * 1024
LOG_PAGES = 16 * 1024
"""SQLite writes its log back after so many pages (64 MB): a page changed often is copied once."""
SNAPSHOT = "snapshot"
"""Key of `Session.info` in read transactions: what queries may remember until it ends."""
WRITER_LOCK, ENTRIES_LOCK = 7702, 7703
"""Keys of the PostgreSQL advisory locks of writers (7701 is that of migrations)."""
_CONFLICTS = ("40001", "40P01", "23505")
"""SQLSTATE of serialization failure, deadlock, unique violation."""


class Alone(Enum):
    """Whom a writer keeps out on PostgreSQL (SQLite has one writer at any time)."""

    NOBODY = "loads"
    ENTRIES = "entries"
    EVERYBODY = "registry"


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
        path = checked_url(url).database if self.is_sqlite else None
        self.path = Path(path) if path and path != ":memory:" else None
        self._turnstile = Turnstile(self.path, BUSY_TIMEOUT_S) if self.path else None
        self._closers: list[Callable[[], None]] = []

    @contextmanager
    def write(self, alone: Alone = Alone.ENTRIES) -> Iterator[Session]:
        """A session in one write transaction: commits at the end, rolls back on any exception.

        alone: who must wait meanwhile on PostgreSQL.
        """
        turn = self._turnstile.turn() if self._turnstile else nullcontext()
        with turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            connection = session.connection()
            if not self.is_sqlite:
                shared = "" if alone is Alone.EVERYBODY else "_shared"
                lock = f"SELECT pg_advisory_xact_lock{shared}({WRITER_LOCK})"
                connection.exec_driver_sql(lock)
                if alone is Alone.ENTRIES:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ENTRIES_LOCK})")
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

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of its own, outside every session: it carries PostgreSQL session locks."""
        with self._writer.connect() as connection:
            yield connection

    def on_dispose(self, closer: Callable[[], None]) -> None:
        """Call `closer` with `dispose`: what stands beside the database closes with it."""
        self._closers.append(closer)

    def dispose(self) -> None:
        """Close every pooled connection."""
        for closer in self._closers:
            closer()
        self._writer.dispose()
        if self._reader is not None:
            self._reader.dispose()


def is_conflict(error: DBAPIError) -> bool:
    """True if another writer came first: done again, the transaction sees what it wrote."""
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


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
        cache_kb = READER_CACHE_KB if read_only else WRITER_CACHE_KB
        connection.execute(f"PRAGMA cache_size=-{cache_kb}")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
