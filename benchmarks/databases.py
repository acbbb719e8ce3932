"""Where measured databases live: fresh, copied, weighed and dropped, on SQLite and PostgreSQL.

Only whole databases are handled here; what stands in them is read and written elsewhere.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL, make_url

from benchmarks import postgres_server as server


class Store(Protocol):
    """A place for databases; names are ours, URLs are SQLAlchemy's."""

    kind: str
    about: str

    def new(self, name: str) -> str:
        """URL of an empty database of that name; one that is there already is replaced."""

    def copy(self, url: str, name: str) -> str:
        """URL of a copy of a database that nobody is connected to."""

    def find(self, name: str) -> str | None:
        """URL of a database kept from an earlier run."""

    def size(self, url: str) -> int:
        """Bytes on disk."""

    def deadlocks(self, url: str) -> int:
        """Deadlocks the server has seen in the database (SQLite has none: one writer)."""

    def drop(self, url: str) -> None:
        """Remove a database."""


class SqliteStore:
    """Databases as files of one folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.about = f"SQLite {sqlite3.sqlite_version}"

    def new(self, name: str) -> str:
        url = self._url(name)
        self.drop(url)
        return url

    def copy(self, url: str, name: str) -> str:
        made = self.new(name)
        with closing(sqlite3.connect(_path(url))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copyfile(_path(url), _path(made))
        return made

    def find(self, name: str) -> str | None:
        url = self._url(name)
        return url if _path(url).is_file() else None

    def size(self, url: str) -> int:
        return sum(path.stat().st_size for path in _parts(url) if path.is_file())

    def deadlocks(self, url: str) -> int:
        return 0

    def drop(self, url: str) -> None:
        for path in _parts(url):
            path.unlink(missing_ok=True)

    def _url(self, name: str) -> str:
        path = self._folder / f"{name}.sqlite3"
        return URL.create("sqlite", database=path.as_posix()).render_as_string()


def _path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _parts(url: str) -> list[Path]:
    """The file and what SQLite keeps beside it."""
    path = _path(url)
    return [path, *(path.with_name(path.name + tail) for tail in ("-wal", "-shm", "-journal"))]


class PostgresStore:
    """Databases of one PostgreSQL server, their names under a prefix of ours."""

    kind = "postgresql"

    def __init__(self, url: URL) -> None:
        self._server = url.set(drivername="postgresql+psycopg")
        with server.admin(self._server) as connection:
            found = connection.execute("SHOW server_version").fetchone()
        self.about = f"PostgreSQL {found[0] if found else '?'}"

    def new(self, name: str) -> str:
        server.drop_database(self._server, _prefixed(name))
        return server.create_database(self._server, _prefixed(name))

    def copy(self, url: str, name: str) -> str:
        server.drop_database(self._server, _prefixed(name))
        return server.create_database(self._server, _prefixed(name), make_url(url).database or "")

    def find(self, name: str) -> str | None:
        with server.admin(self._server) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [_prefixed(name)]
            ).fetchone()
        url = self._server.set(database=_prefixed(name))
        return url.render_as_string(hide_password=False) if found else None

    def size(self, url: str) -> int:
        return self._number("SELECT pg_database_size(%s)", url)

    def deadlocks(self, url: str) -> int:
        return self._number("SELECT deadlocks FROM pg_stat_database WHERE datname = %s", url)

    def drop(self, url: str) -> None:
        server.drop_database(self._server, make_url(url).database or "")

    def _number(self, query: str, url: str) -> int:
        with server.admin(self._server) as connection:
            found = connection.execute(query, [make_url(url).database]).fetchone()
        return int(found[0]) if found else 0


def _prefixed(name: str) -> str:
    """At most 63 characters, PostgreSQL's limit."""
    return f"wfbench_{name}".replace("-", "_").replace(".", "_")[:63]


@contextmanager
def stores(given: str, folder: Path, *, keep: bool) -> Iterator[list[Store]]:
    """The stores of `--database`: sqlite, postgresql, both, or the URL of a PostgreSQL server.

    folder: where SQLite files lie, and with `keep` the data of the embedded server, which is
    stopped but not removed; without it everything is removed at the end.
    """
    made: list[Store] = []
    data: Path | None = None
    with tempfile.TemporaryDirectory(prefix="wfbench-") as passing:
        place = folder if keep else Path(passing)
        # On the disk of the files, not in a folder for passing things that may lie in memory.
        own = folder if keep else folder / f"run-{uuid.uuid4().hex[:8]}"
        if given in ("sqlite", "both"):
            made.append(SqliteStore(own))
        try:
            if given in ("postgresql", "both"):
                data = place / "pg"
                made.append(PostgresStore(server.start_server(data, durable=True)))
            elif given != "sqlite":
                made.append(PostgresStore(make_url(given)))
            yield made
        finally:
            if data is not None:
                server.stop_server(data, mode="fast")
            if not keep:
                shutil.rmtree(own, ignore_errors=True)
