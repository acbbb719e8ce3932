"""Chunks of an import on their way into the tables: several in a transaction while nobody waits.

With every chunk of a large file the writer of SQLite changes the same pages of the index of loads
by firm; those of a transaction go into the log once.  Whoever wants to write meanwhile waits for
the chunk that is being written and for no other.  The log is moved into the database here, between
two transactions, so that nobody else's commit has to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from wasteflow_models.engine import LOG_PAGES, Alone, Database

SHARED: Final = 9
"""Chunks of a transaction at most: SQLite attaches ten databases, and each chunk comes as one.

With four the log and the database get a quarter more, nearly all of it pages of the index.
"""
LOGGED: Final = 2
"""Chunks after which the log is moved: others would not yet do it with their commits."""
_BESIDE: Final = "beside"
"""Key of `Session.info`: the name of the database attached for the chunk."""


def beside(session: Session) -> str:
    """Name of the database that was given for the chunk of `session`."""
    name: str = session.info[_BESIDE]
    return name


@contextmanager
def written_beside(db: Database, data: bytes) -> Iterator[Session]:
    """A write transaction that reads the tables of a SQLite database, as those of `beside`.

    It is attached before anybody waits. Without `data` a transaction like any other.
    """
    if not data:
        with db.write(Alone.NOBODY) as session:
            yield session
        return
    name = f"{_BESIDE}0"
    with db.connection() as connection:
        driver = _driver_of(connection)
        driver.execute(f"ATTACH ':memory:' AS {name}")
        try:
            driver.deserialize(data, name=name)
            with db.write(Alone.NOBODY, on=connection) as session:
                session.info[_BESIDE] = name
                yield session
        finally:
            driver.execute(f"DETACH {name}")


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


class ChunkWriter:
    """Writes the chunks of one import; between `chunk` and `rest` the writers' turn may be held.

    On PostgreSQL, and inside `Database.together`, every chunk ends by itself.  A chunk that fails
    takes those of its transaction with it, of which nobody was told.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shares = db.path is not None and not db.joined
        self._held = ExitStack()
        self._connection: Connection | None = None
        self._open: ExitStack | None = None
        self._session: Session | None = None
        self._chunks = self._logged = self._attached = 0

    def __enter__(self) -> ChunkWriter:
        if self._shares:
            self._connection = self._held.enter_context(self._db.connection())
            self._run("PRAGMA wal_autocheckpoint=0")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._end(kind, error, trace)
        finally:
            self._run(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
            self._held.close()

    @property
    def resting(self) -> bool:
        """Whether everything so far is committed and the turn given back."""
        return self._open is None

    @contextmanager
    def chunk(self, data: bytes = b"") -> Iterator[Session]:
        """A session for one chunk; its transaction ends with it, or with one of the next.

        data: a SQLite database whose tables the session can read, as those of `beside`.
        """
        if not self._shares:
            assert not data
            with self._db.write(Alone.NOBODY, settled=False) as session:
                yield session
            return
        session = self._begun()
        try:
            if data:
                session.info[_BESIDE] = self._attach(data)
            yield session
            session.flush()
        except BaseException as error:
            self._end(type(error), error, error.__traceback__)
            raise
        self._chunks += 1
        if self._chunks == SHARED or self._db.awaited:
            self.rest()

    @contextmanager
    def alone(self) -> Iterator[Session]:
        """A chunk that shares its transaction with none."""
        self.rest()
        with self.chunk() as session:
            yield session
        self.rest()

    def rest(self) -> None:
        """Commit what is open and give the turn back."""
        self._end(None, None, None)

    def _begun(self) -> Session:
        if self._open is None or self._session is None:
            begun = ExitStack()
            write = self._db.write(Alone.NOBODY, on=self._connection, settled=False)
            self._session = begun.enter_context(write)
            self._open = begun
        return self._session

    def _end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._open is None:
            return
        ended, self._open, self._session = self._open, None, None
        try:
            ended.__exit__(kind, error, trace)
        finally:
            while self._attached:
                self._attached -= 1
                self._run(f"DETACH {_BESIDE}{self._attached}")
        self._logged += self._chunks
        self._chunks = 0
        if self._logged >= LOGGED:
            self._logged = 0
            self._move_log()

    def _move_log(self) -> None:
        """Most of it while others write, and what they added without them: then it begins anew."""
        self._run("PRAGMA wal_checkpoint(PASSIVE)")
        with self._db.turn():
            self._run("PRAGMA wal_checkpoint(PASSIVE)")

    def _attach(self, data: bytes) -> str:
        """A chunk cannot give its database back before the transaction that read it ends."""
        name = f"{_BESIDE}{self._attached}"
        self._run(f"ATTACH ':memory:' AS {name}")
        self._attached += 1
        self._driver.deserialize(data, name=name)
        return name

    @property
    def _driver(self) -> sqlite3.Connection:
        assert self._connection is not None
        return _driver_of(self._connection)

    def _run(self, statement: str) -> None:
        if self._connection is not None:
            self._driver.execute(statement).fetchall()
