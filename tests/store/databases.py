"""Databases for tests that share one: made from the migrated templates of tests/conftest.py."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url, text
from sqlalchemy.engine import URL

from wasteflow_models import findings, scenarios, seals
from wasteflow_models.base import Base
from wasteflow_models.engine import Database

TABLES = (findings, scenarios, seals)
"""Modules of tables that nothing here needs, so that the metadata knows every table."""
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
"""Parameters of a fixture that runs once per database."""


@contextmanager
def new_database(
    request: pytest.FixtureRequest, kind: str, folder: Path, template: str = ""
) -> Iterator[str]:
    """URL of a fresh migrated database; a PostgreSQL one is dropped at the end.

    template: URL of a database that nobody is connected to, to be copied instead of an empty one.
    """
    name = f"wasteflow_shared_{uuid.uuid4().hex[:12]}"
    given = make_url(template).database if template else None
    if kind == "sqlite":
        path = folder / f"{name}.sqlite3"
        shutil.copyfile(given or request.getfixturevalue("_sqlite_template"), path)
        yield URL.create("sqlite", database=path.as_posix()).render_as_string()
        return
    server: URL = request.getfixturevalue("postgresql_server")
    source = given or request.getfixturevalue("_postgresql_template")
    with _admin(server) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(source))
        )
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with _admin(server) as connection:
            connection.execute(
                SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
            )


def settle(db: Database) -> None:
    """Leave a database in one piece that can be copied: log written back, nobody connected."""
    if db.is_sqlite:
        with db.write() as session:
            session.connection().exec_driver_sql("COMMIT")
            session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            session.connection().exec_driver_sql("BEGIN")
    db.dispose()


def _admin(server: URL) -> psycopg.Connection[tuple[Any, ...]]:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def row_counts(db: Database) -> dict[str, int]:
    """Rows of every table of the schema."""
    with db.read() as session:
        return {
            name: int(session.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())
            for name in sorted(Base.metadata.tables)
        }


def tables_apart(db: Database) -> list[str]:
    """Tables of months that imports keep apart (`months_apart`), living or dead."""
    if db.is_sqlite:
        return []
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'apart%' ORDER BY 1"
    with db.read() as session:
        return list(session.execute(text(query)).scalars())


def is_sqlite(url: str) -> bool:
    """Whether a URL is one of SQLite."""
    return make_url(url).get_backend_name() == "sqlite"
