"""Engines and sessions: writers that queue fairly, readers that cannot write and never wait.

SQLite's default transactions lose concurrent updates without an error, so writers BEGIN IMMEDIATE
(a test holds this); SQLite itself lets a busy writer starve the others, so writers of one file
queue at a turnstile (`queue`).  On PostgreSQL records of loads are written side by side - unique
keys and row locks, taken in one order, hold what a service decided - while the registry is written
alone, entries one writer per firm and files of them one at a time (`Alone`, `order`).  On both a
commit is brought to the disk after its locks are given back and before anybody is answered
(`log_file`, `postgres`): commits share a flush.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError
from wasteflow_models.log_file import DiskLog
from wasteflow_models.prepared import run
from wasteflow_models.queue import Turnstile

BUSY_TIMEOUT_S = 60
WRITER_CACHE_KB = 128 * 1024
READER_CACHE_KB = 32 * 1024
LOG_PAGES = 16 * 1024
"""SQLite writes its log back after so many pages (64 MB): a page changed often is copied once."""
SNAPSHOT = "snapshot"
"""Key of `Session.info` in read transactions: what queries may remember until it ends."""
STEADY = "steady"
"""Key of `Session.info` in write transactions: stamps nobody else can draw until it ends."""
SINGLE = "single"
"""Key of `Session.info` inside `together(single=True)`: what a service raised, None so far."""
LINK = "link"
"""Key of `Session.info` in write transactions: their connection (`linked`)."""
HELD = "held"
"""Key of `Session.info` in write transactions: the locks (`Alone`) they began with."""
WRITER_LOCK, ENTRIES_LOCK = 7702, 7703
"""Keys of the PostgreSQL advisory locks of writers (7701 is that of migrations)."""
_DISK = ("53100", "58030")
"""SQLSTATE of disk full, input/output error."""
_SQLITE_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_CONFLICTS = ("40001", "40P01", "23505")
"""SQLSTATE of serialization failure, deadlock, unique violation."""


_joined: ContextVar[tuple[Database, Session] | None] = ContextVar("joined", default=None)
"""The database and session whose transaction this thread of work is in (`Database.together`)."""


class Alone(Enum):
    """Whom a writer keeps out on PostgreSQL (SQLite has one writer at any time).

    FIRMS: whoever writes entries of the firms that the transaction holds (`order.hold_firms`).
    """

    NOBODY = "loads"
    FIRMS = "firms"
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
        self._writer, self._writes = _writers(url, self.is_sqlite)
        self._reader = _engine(url, begin="BEGIN", read_only=True) if self.is_sqlite else None
        path = checked_url(url).database if self.is_sqlite else None
        self.path = Path(path) if path and path != ":memory:" else None
        self._turnstile = Turnstile(self.path, BUSY_TIMEOUT_S) if self.path else None
        self._log = DiskLog(self.path) if self.path else None
        self._closers: list[Callable[[], None]] = []
        self._disposals = 0
        for engine in filter(None, (self._writer, self._reader)):
            self._watch(engine)

    @contextmanager
    def write(
        self,
        alone: Alone | None = Alone.ENTRIES,
        *,
        on: Connection | None = None,
        settled: bool = True,
    ) -> Iterator[Session]:
        """A session in one write transaction: commits at the end, rolls back on any exception.

        alone: who must wait meanwhile on PostgreSQL, None: nobody, for what no other knows of; on:
        a `connection` that stays with the caller; settled=False: not yet on the disk when this
        ends, as nobody hears of it before a later transaction is.  Inside `together` a savepoint of
        that transaction, or with `single` a part that cannot fail alone.
        """
        outer = self._outer()
        if outer is not None and SINGLE in outer.info:
            yield from self._single(outer, alone)
            return
        if outer is not None:
            try:
                with outer.begin_nested():
                    outer.connection()  # sets the savepoint, before `linked` passes it by
                    self._lock(outer, alone)
                    yield outer
                    outer.flush()
                    self._send(outer)  # what it raises belongs to this savepoint
            finally:
                outer.info.pop(STEADY, None)
                outer.expunge_all()  # what comes next reads the rows anew
            return
        with self._writing(alone, on, settled=settled) as session:
            yield session

    @contextmanager
    def together(self, *, single: bool = False, alone: Alone | None = None) -> Iterator[Session]:
        """One write transaction around several calls of `write` and `read`, by this thread alone.

        For a door that stores something of its own with what a service does: both or neither.
        Readers inside see what was written before them.  single: the services stand or fall with
        the transaction, which saves them a savepoint each; after one has raised nothing commits,
        whoever catches it, and every further one raises the same.  alone: what the services
        will ask for, if it is known: it saves them a question.
        """
        assert self._outer() is None
        with self._writing(alone, hurry=not single) as session:
            if single:
                session.info[SINGLE] = None
            token = _joined.set((self, session))
            try:
                yield session
            finally:
                _joined.reset(token)
            if session.info.get(SINGLE) is not None:
                raise session.info[SINGLE]

    def _single(self, outer: Session, alone: Alone | None) -> Iterator[Session]:
        """A call of `write` inside `together(single=True)`."""
        if outer.info[SINGLE] is not None:
            raise outer.info[SINGLE]
        try:
            self._lock(outer, alone)
            yield outer
            outer.flush()
        except BaseException as error:
            outer.info[SINGLE] = error
            raise
        finally:
            outer.info.pop(STEADY, None)
            outer.expunge_all()

    @property
    def joined(self) -> bool:
        """Whether this thread is inside `together`."""
        return self._outer() is not None

    def _outer(self) -> Session | None:
        """The session of `together`, if this thread is in one of this database."""
        found = _joined.get()
        return found[1] if found is not None and found[0] is self else None

    @contextmanager
    def _writing(
        self,
        alone: Alone | None,
        on: Connection | None = None,
        *,
        hurry: bool = True,
        settled: bool = True,
    ) -> Iterator[Session]:
        """hurry: hold the locks from the beginning, not only from the first statement on.

        Raises WasteflowError `not_written` or `not_on_disk` where the disk fails.
        """
        if self._log is not None:
            self._log.prove()
        with self._told_of_the_disk():
            bind = self._writes[alone, settled] if on is None else on
            yield from self._transaction(bind, alone, hurry)
        if self._log is not None and settled:
            self._log.bring()

    def _transaction(self, bind: Any, alone: Alone | None, hurry: bool) -> Iterator[Session]:
        with (
            self.turn(),
            Session(bind, expire_on_commit=False, info={HELD: alone}) as session,
            session.begin(),
        ):
            session.info[LINK] = session.connection()
            if hurry:
                self._send(session)
            if alone is not None:
                session.info[STEADY] = {}
            yield session

    def turn(self) -> AbstractContextManager[None]:
        """The turn of SQLite's writers alone, with no transaction; on PostgreSQL nothing."""
        return self._turnstile.turn() if self._turnstile else nullcontext()

    @property
    def awaited(self) -> bool:
        """Whether another writer waits for the turn of the one who has it; never on PostgreSQL."""
        return self._turnstile is not None and self._turnstile.awaited

    @contextmanager
    def _told_of_the_disk(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not is_disk_failure(error):
                raise
            raise WasteflowError("not_written") from error

    def settle(self) -> None:
        """Return when everything that was committed so far is on the disk.

        Whoever writes is through it already.  Whoever answers with what another has just written,
        as if he had done it, calls it first.  Raises WasteflowError `not_on_disk`.
        """
        if self._log is not None:
            self._log.bring()
        elif not self.is_sqlite:
            from wasteflow_models.postgres import flush

            with self._writer.connect() as connection:
                flush(connection)

    def _lock(self, session: Session, alone: Alone | None) -> None:
        """Take the PostgreSQL locks of a writer inside another's transaction, until that ends."""
        session.info[STEADY] = {}
        if not self.is_sqlite and alone is not None and session.info[HELD] is not alone:
            linked(session).exec_driver_sql(_locks(alone))

    def _send(self, session: Session) -> None:
        """Send what lies aside on PostgreSQL."""
        if not self.is_sqlite:
            from wasteflow_models.gathering import gathering_of

            gathering_of(linked(session)).send()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session in one consistent read transaction, always rolled back.

        Inside `together` it is the session of that transaction, and stays open.
        """
        outer = self._outer()
        if outer is not None:
            yield outer
            outer.expunge_all()
            return
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

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection for one query that sees what is committed, with no transaction around it.

        Inside `together` it is that of its transaction.
        """
        outer = self._outer()
        if outer is not None:
            outer.flush()
            yield outer.connection()
            return
        with (self._reader or self._writer).connect() as connection:
            yield connection

    def _watch(self, engine: Engine) -> None:
        """Close what another thread gives back after `dispose`: its pool is gone by then."""

        @event.listens_for(engine, "connect")
        def made(_: Any, record: Any) -> None:
            record.info["disposals"] = self._disposals

        @event.listens_for(engine, "checkin")
        def back(connection: Any, record: Any) -> None:
            if connection is not None and record.info.get("disposals") != self._disposals:
                record.invalidate()

    def on_dispose(self, closer: Callable[[], None]) -> None:
        """Call `closer` with `dispose`: what stands beside the database closes with it."""
        self._closers.append(closer)

    def dispose(self) -> None:
        """Close every pooled connection; one in use is closed when it is given back."""
        for closer in self._closers:
            closer()
        self._disposals += 1
        self._writer.dispose()
        if self._reader is not None:
            self._reader.dispose()


def _writers(url: str, is_sqlite: bool) -> tuple[Engine, dict[tuple[Alone | None, bool], Engine]]:
    """The engine of writers, and what each kind of writer uses of it, settled or not."""
    kinds = [(alone, settled) for alone in (None, *Alone) for settled in (True, False)]
    if is_sqlite:
        engine = _engine(url, begin="BEGIN IMMEDIATE")
        return engine, dict.fromkeys(kinds, engine)
    from wasteflow_models import postgres  # its driver: an eighth of a second SQLite does not need

    engine = postgres.engine_of(url)
    return engine, {kind: postgres.writing(engine, _locks(kind[0]), kind[1]) for kind in kinds}


def linked(session: Session) -> Connection:
    """The connection of a session; that of a write transaction without the session's way to it,
    which costs as much as a statement.
    """
    link: Connection | None = session.info.get(LINK)
    return session.connection() if link is None else link


def _locks(alone: Alone | None) -> str:
    """The statement that takes the PostgreSQL locks of a writer until its transaction ends."""
    if alone is None:
        return ""
    shared = "" if alone is Alone.EVERYBODY else "_shared"
    locks = [f"pg_advisory_xact_lock{shared}({WRITER_LOCK})"]
    if alone in (Alone.FIRMS, Alone.ENTRIES):  # everybody takes them in this order
        shared = "_shared" if alone is Alone.FIRMS else ""
        locks.append(f"pg_advisory_xact_lock{shared}({ENTRIES_LOCK})")
    return f"SELECT {', '.join(locks)}"


def is_conflict(error: DBAPIError) -> bool:
    """True if another writer came first: done again, the transaction sees what it wrote."""
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def is_disk_failure(error: DBAPIError) -> bool:
    """True if a statement failed since the disk is full or failing; its transaction is undone."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_DISK
    return getattr(error.orig, "sqlstate", None) in _DISK


def _engine(url: str, *, begin: str, read_only: bool = False) -> Engine:
    """An engine for SQLite with the session rules of 3-architecture 3.4."""
    parsed = make_url(url)
    if parsed.database and parsed.database != ":memory:" and not read_only:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        # With a log `Database.settle` brings a commit to the disk; without one SQLite has to.
        synchronous = "NORMAL" if mode == "wal" else "FULL"
        for pragma in ("foreign_keys=ON", f"synchronous={synchronous}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        cache_kb = READER_CACHE_KB if read_only else WRITER_CACHE_KB
        connection.execute(f"PRAGMA cache_size=-{cache_kb}")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        run(connection, begin)

    return engine
