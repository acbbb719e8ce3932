"""Schema migrations by call: upgrade, downgrade, current revision, drift.

They run without SQLite's foreign_keys hook (ALTER by table copy would cascade deletes) and compare
the row count of every table before and after.  Alembic is imported by what changes a database only:
every command asks for the revision first, and it takes longer to import than they need to start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from wasteflow.core.errors import WasteflowError
from wasteflow_models.base import Base
from wasteflow_models.engine import BUSY_TIMEOUT_S, WRITER_LOCK, checked_url

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
_VERSIONS = "alembic_version"
_NAMED = re.compile(r'^(down_revision|revision)\b[^=\n]*= "(\w+)"', re.MULTILINE)


class RowsLost(Exception):
    """A migration changed the number of rows of a table; it was rolled back."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; creates the SQLite file and its folder if missing."""
    from alembic import command

    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Bring the database back to `revision` ("base" empties it of our tables)."""
    from alembic import command

    _run(url, lambda config: command.downgrade(config, revision))


def head() -> str:
    """The newest revision of this program."""
    after = _revisions()
    (last,) = after.keys() - set(after.values())
    return last


def known(revision: str) -> bool:
    """Whether this program knows a revision."""
    return revision in _revisions()


@cache
def _revisions() -> dict[str, str]:
    """Revision → the one before it ("" = none), as the files of the migrations name them."""
    found = {}
    for path in sorted((FOLDER / "versions").glob("m*.py")):
        named = dict(_NAMED.findall(path.read_text(encoding="utf-8")))
        found[named["revision"]] = named.get("down_revision", "")
    return found


def current(url: str) -> str | None:
    """The revision of the database, None if it has none (a missing SQLite file is not made)."""
    parsed = checked_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return None
    with _connection(url) as connection:
        if not inspect(connection).has_table(_VERSIONS):
            return None
        found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))
        return found


def drift(url: str) -> list[str]:
    """Differences between the tables of the database and of this program, as text."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from wasteflow_models import (  # noqa: F401
        accounts,
        apart,
        api,
        closes,
        findings,
        jobs,
        ledger,
        live,
        offers,
        outlines,
        registry,
        scenarios,
        seals,
        signing_due,
        statements,
    )

    with _connection(url) as connection:
        mine = connection.dialect.name

        def wanted(item: Any, *told: Any) -> bool:
            return bool(item.info.get("only", mine) == mine)

        opts = {"compare_type": True, "include_object": wanted}
        context = MigrationContext.configure(connection, opts=opts)
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    parsed = checked_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    wait = {"timeout": BUSY_TIMEOUT_S} if parsed.get_backend_name() == "sqlite" else {}
    engine = create_engine(parsed, connect_args=wait)
    try:
        try:
            connection = engine.connect()
        except OperationalError as error:
            raise WasteflowError(
                "database_unreachable",
                url=parsed.render_as_string(),
                reason=str(error.orig).partition("\n")[0],
            ) from error
        with connection:
            yield connection
    finally:
        engine.dispose()


def _run(url: str, action: Callable[[Config], Any]) -> None:
    config = _config()
    with _connection(url) as connection, connection.begin():
        _alone(connection)
        before = _counts(connection)
        config.attributes["connection"] = connection
        action(config)
        after = _counts(connection)
        changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
        if changed:
            raise RowsLost(", ".join(sorted(changed)))


def _alone(connection: Connection) -> None:
    """Keep other migrations and all writers out until the end, so that the counts can be held."""
    if connection.dialect.name == "postgresql":
        for lock in (7701, WRITER_LOCK):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({lock})"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _counts(connection: Connection) -> dict[str, int]:
    """Rows per table; the version table aside."""
    names = [name for name in inspect(connection).get_table_names() if name != _VERSIONS]
    return {
        name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())
        for name in sorted(names)
    }
