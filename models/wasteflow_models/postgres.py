"""PostgreSQL connections: what a transaction costs in round trips, and when it is on the disk.

The locks of writers (`engine.Alone`, the list of changes) are held until a commit is done, and a
commit that waits for the disk under them makes everybody else wait too.  So a writer commits
without the wait (`synchronous_commit = off` for its transaction alone) and waits in the next
statement, sent together with the commit: a small record of its own, committed as the server is set
up to commit.  The log is written in order, so what came before is then on the disk (and on the
standbys, if commits wait for those); all who wait at once share one flush.  A crash in between
takes the last commits whole, and none that was answered.
"""

from __future__ import annotations

import select
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from wasteflow.core.errors import WasteflowError
from wasteflow_models.gathering import as_sqlalchemy, gather, gathering_of

_WRITES: Final = "wasteflow_writes"
_BEGIN: Final = "BEGIN; SET LOCAL synchronous_commit = off"
_COMMIT: Final = "COMMIT"
_UNSETTLED: Final = "wasteflow_unsettled"
_FLUSH: Final = "SELECT pg_logical_emit_message(true, 'wasteflow', '')"
_CAN_LOOK: Final = hasattr(select, "poll")
_USED: Final = "used"


def engine_of(url: str) -> Engine:
    """An engine whose connections stand outside transactions until one is begun.

    A connection the server has closed meanwhile is found out by a look at its socket, where
    `pool_pre_ping` asks the server before every use.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=not _CAN_LOOK)
    gather(engine)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _commit)
    if _CAN_LOOK:
        event.listen(engine, "checkin", _given_back)
        event.listen(engine, "checkout", _look)
    return engine


def writing(engine: Engine, first: str = "", settled: bool = True) -> Engine:
    """The same connections for write transactions; first: a statement they all begin with.

    settled=False: commits do not wait for the disk, as nobody hears of them before a later one is
    there, and with it they.
    """
    begin = f"{_BEGIN}; {first}" if first else _BEGIN
    return engine.execution_options(**{_WRITES: begin, _UNSETTLED: not settled})


def flush(connection: Connection) -> None:
    """Return when everything that was committed before is on the disk; else `not_on_disk`."""
    try:
        _run(connection, _FLUSH)
    except DBAPIError as error:
        raise WasteflowError("not_on_disk") from error


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get(_WRITES)
    if begin:
        gathering_of(connection).later(begin)  # sent with the first statement


def _commit(connection: Connection) -> None:
    """Raises WasteflowError `not_on_disk` where nobody can know what became of the commit."""
    options = connection.get_execution_options()
    if not options.get(_WRITES):
        return
    driver = gathering_of(connection)
    ending = (_COMMIT,) if options.get(_UNSETTLED) else (_COMMIT, _FLUSH)
    try:
        _run(connection, driver.taken(*ending))
    except DBAPIError as error:
        if driver.closed or driver.info.transaction_status is TransactionStatus.IDLE:
            raise WasteflowError("not_on_disk") from error
        raise


def _run(connection: Connection, statements: str) -> None:
    """Statements in one round trip; raises SQLAlchemy's errors."""
    driver = gathering_of(connection)
    try:
        driver.execute(statements.encode(), prepare=False)
    except psycopg.Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise as_sqlalchemy(statements, error) from error


def _given_back(_: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED] = True


def _look(driver: Any, entry: ConnectionPoolEntry, _: Any) -> None:
    """Nothing is awaited from the server: what has come says that it closed the connection."""
    if _USED not in entry.info:  # fresh ones have just answered
        return
    if driver.closed:
        raise DisconnectionError
    seen = select.poll()
    seen.register(driver.fileno(), select.POLLIN)
    if seen.poll(0):
        raise DisconnectionError
