"""Fixtures of the API tests: an application over small books, and people with tokens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.api.people import PEOPLE, Person, make_people
from tests.web_books import LEDGER, REGISTRY, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books
from wasteflow_models import migrate
from wasteflow_models.engine import Database


@dataclass(frozen=True, slots=True)
class Api:
    """The API as somebody calls it."""

    app: Flask
    people: dict[str, Person]

    @property
    def db(self) -> Database:
        """Its database."""
        return books(self.app).db

    def call(
        self, who: str, method: str, path: str, body: Any = None, **headers: str
    ) -> TestResponse:
        """A request as `who` ("" = nobody); `If_Match` in headers is If-Match."""
        sent = {**(self.people[who].headers if who else {"Accept-Language": "en"})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {} if body is None else {"json": body}
        client = self.app.test_client()
        return client.open(f"/api/v1{path}", method=method, headers=sent, **options)

    def get(self, who: str, path: str, **headers: str) -> TestResponse:
        """GET."""
        return self.call(who, "GET", path, **headers)

    def post(self, who: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """POST of a JSON body."""
        return self.call(who, "POST", path, {} if body is None else body, **headers)


def dispose(app: Flask) -> None:
    """Close what an application holds open."""
    books(app).db.dispose()
    app.extensions["wasteflow_limits"].dispose()


@pytest.fixture(scope="session")
def _api_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Person]]:
    """A SQLite file with the small registry, ledger and people, and who they are."""
    folder = tmp_path_factory.mktemp("api")
    path = folder / "books.sqlite3"
    url = f"sqlite:///{path.as_posix()}"
    migrate.upgrade(url)
    load(url, folder, (*REGISTRY, *LEDGER))
    db = Database(url)
    people = make_people(db, PEOPLE)
    with db.connection() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    db.dispose()
    return path, people


@pytest.fixture
def api(
    tmp_path: Path,
    _api_template: tuple[Path, dict[str, Person]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Api]:
    """The API over a copy of the template (SQLite)."""
    monkeypatch.setenv("WASTEFLOW_INSTANCE", str(tmp_path / "instance"))
    path = tmp_path / "books.sqlite3"
    shutil.copyfile(_api_template[0], path)
    app = create_app(Config(f"sqlite:///{path.as_posix()}"))
    yield Api(app, _api_template[1])
    dispose(app)


@pytest.fixture
def api_anywhere(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    """The API over fresh small books, on SQLite and PostgreSQL in turn."""
    monkeypatch.setenv("WASTEFLOW_INSTANCE", str(tmp_path / "instance"))
    load(database_url, tmp_path, (*REGISTRY, *LEDGER))
    app = create_app(Config(database_url))
    people = make_people(books(app).db, PEOPLE)
    yield Api(app, people)
    dispose(app)
