"""PostgreSQL connections that gather statements nobody waits for and send them with the next one.

A round trip costs both sides more than most statements do, and a row that is locked keeps others
waiting through all that follow.  What needs no answer is put aside by `later`; whatever is run next
on the connection sends it first, as one text, and so does the commit: what a writer puts aside last
is locked, written and committed in one round trip.  Each statement sees what is committed when it
begins, as if it had been sent alone.  Values are written into the text by the driver's own rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from psycopg.abc import Params
from psycopg.rows import TupleRow
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError


class Gathering(psycopg.Connection[TupleRow]):
    """A connection with statements put aside, in their order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._aside: list[str] = []
        self._writer = psycopg.ClientCursor(self)
        self.cursor_factory = _Cursor

    def later(self, statement: str, values: Params | None = None) -> None:
        """Put a statement aside; what it raises is raised by the one that sends it."""
        self._aside.append(statement if values is None else self._writer.mogrify(statement, values))

    def taken(self, *more: str) -> str:
        """What lies aside and `more` as one text; nothing lies aside then."""
        aside, self._aside = self._aside, []
        return "; ".join([*aside, *more])

    def rollback(self) -> None:
        """Undo, and forget what lies aside."""
        self._aside.clear()
        super().rollback()

    def send(self) -> None:
        """Send what lies aside; raises SQLAlchemy's errors."""
        if not self._aside:
            return
        text = self.taken()
        try:
            psycopg.Cursor(self).execute(text.encode(), prepare=False)
        except psycopg.Error as error:
            raise as_sqlalchemy(text, error) from error


class _Cursor(psycopg.Cursor[TupleRow]):
    """Whatever it runs comes after what lies aside."""

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> _Cursor:
        cast(Gathering, self.connection).send()
        return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        cast(Gathering, self.connection).send()
        super().executemany(query, params_seq, **options)

    def copy(self, statement: Any, params: Params | None = None, **options: Any) -> Any:
        cast(Gathering, self.connection).send()
        return super().copy(statement, params, **options)


def as_sqlalchemy(statement: str, error: psycopg.Error) -> DBAPIError:
    """An error of the driver as SQLAlchemy would raise it."""
    made = DBAPIError.instance(statement, None, error, psycopg.Error)
    assert isinstance(made, DBAPIError)
    return made


def gather(engine: Engine) -> None:
    """Let the connections of an engine be such ones."""

    @event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, args: Sequence[Any], options: dict[str, Any]) -> Gathering:
        return Gathering.connect(*args, **options)


def later(connection: Connection, statement: str, values: Params | None = None) -> None:
    """Put a statement of a PostgreSQL connection aside."""
    gathering_of(connection).later(statement, values)


def gathering_of(connection: Connection) -> Gathering:
    """The driver's connection behind one of SQLAlchemy."""
    found = connection.connection.driver_connection
    assert isinstance(found, Gathering)
    return found
