"""Statements that every request asks, compiled once and run by the driver itself.

Types and dialects are SQLAlchemy's; what is left out is its way from a statement to the driver,
which costs more than most answers.  No expanding parameters; the session is flushed by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import CompoundSelect, Connection, Dialect, Select, Table, insert, inspect
from sqlalchemy.exc import DBAPIError

from wasteflow_models.base import Base

_Change = Callable[[Any], Any] | None
_Row = TypeVar("_Row", bound=Base)


def run(connection: Connection, text: str, values: Any = ()) -> Any:
    """The driver's cursor after a statement in its own words; raises SQLAlchemy's errors."""
    driver: Any = connection.connection.driver_connection
    try:
        return driver.execute(text, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            text,
            None,
            error,
            connection.dialect.loaded_dbapi.Error,
            dialect=connection.dialect,
        ) from error


class Prepared:
    """A statement of plain columns; columns: what an INSERT gives values for."""

    def __init__(self, statement: Any, columns: Iterable[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._made: dict[str, _Made] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Every row of a query, values as SQLAlchemy gives them; values by parameter."""
        made = self._of(connection.dialect)
        return made.read(made.run(connection, values).fetchall())

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run an INSERT, UPDATE or DELETE."""
        self._of(connection.dialect).run(connection, values)

    def later(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run it, where there is no hurry with the next statement (`gathering`)."""
        self._of(connection.dialect).later(connection, values)

    def _of(self, dialect: Dialect) -> _Made:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._statement, self._columns, dialect)
        return made


class RowInsert(Generic[_Row]):
    """INSERT of whole rows of a mapped table that no session knows."""

    def __init__(self, mapped: type[_Row]) -> None:
        self._manager = inspect(mapped).class_manager
        columns = [(item.key, item.columns[0]) for item in inspect(mapped).column_attrs]
        self._names = [
            (key, column.name, None if column.default is None else column.default.arg)
            for key, column in columns
        ]
        table = cast(Table, mapped.__table__)
        self._insert = Prepared(insert(table), [column.name for _, column in columns])

    def row(self, **values: Any) -> _Row:
        """A row for no session, without what the mapper would note of every value."""
        made = cast(_Row, self._manager.new_instance())
        vars(made).update(values)
        return made

    def run(self, connection: Connection, row: _Row) -> None:
        """Insert one row, no later than what comes next; what was never set is the default of its
        column.
        """
        given, values = vars(row), {}
        for key, name, default in self._names:
            value = given.get(key)
            values[name] = default if value is None else value
        self._insert.later(connection, values)


class _Made:
    """A statement in the words of one driver."""

    def __init__(self, statement: Any, columns: list[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self._text = str(compiled)
        self._constant = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        order = compiled.positiontup if compiled.positional else list(compiled.params)
        self._named = not compiled.positional
        self._order: list[tuple[str, _Change]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in order
        ]
        self._results: list[_Change] = []
        if isinstance(statement, (Select, CompoundSelect)):
            self._results = [
                column.type.dialect_impl(dialect).result_processor(dialect, None)
                for column in statement.selected_columns
            ]
        self._plain = not any(self._results)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement; raises SQLAlchemy's errors."""
        return run(connection, self._text, self._sent(values))

    def later(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Put it aside where the driver gathers statements, otherwise run it."""
        if connection.dialect.name == "postgresql":
            from wasteflow_models import gathering  # its driver is not loaded for SQLite

            gathering.later(connection, self._text, self._sent(values))
        else:
            self.run(connection, values)

    def _sent(self, values: Mapping[str, Any]) -> Any:
        told = {**self._constant, **values} if self._constant else values
        given = [
            (name, told[name] if change is None else change(told[name]))
            for name, change in self._order
        ]
        return dict(given) if self._named else [value for _, value in given]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of the driver as SQLAlchemy gives them."""
        if self._plain:
            return rows
        return [
            tuple(
                value if change is None else change(value)
                for value, change in zip(row, self._results, strict=True)
            )
            for row in rows
        ]
