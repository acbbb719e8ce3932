"""Fixtures of the API tests: an application over small books, and people with tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.api.people import PEOPLE, Person, make_people
from tests.browser.serving import serve
from tests.store.databases import new_database, settle
from tests.web_books import LEDGER, REGISTRY, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books
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


@dataclass(frozen=True, slots=True)
class Template:
    """A database with the small registry, ledger and people, and who they are."""

    url: str
    people: dict[str, Person]


@pytest.fixture(scope="session")
def _templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Template]]:
    """Kind of database → its template, made once and not connected to."""
    folder = tmp_path_factory.mktemp("api")
    made: dict[str, Template] = {}
    with ExitStack() as stack:

        def template(kind: str) -> Template:
            if kind not in made:
                url = stack.enter_context(new_database(request, kind, folder))
                load(url, folder, (*REGISTRY, *LEDGER))
                db = Database(url)
                people = make_people(db, PEOPLE)
                settle(db)
                made[kind] = Template(url, people)
            return made[kind]

        yield template


@contextmanager
def api_over(
    request: pytest.FixtureRequest, kind: str, folder: Path, template: Template
) -> Iterator[Api]:
    """The API over a copy of a template."""
    with new_database(request, kind, folder, template.url) as url:
        app = create_app(Config(url))
        try:
            yield Api(app, template.people)
        finally:
            dispose(app)


@pytest.fixture
def api_on(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    _templates: Callable[[str], Template],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], Api]]:
    """Kind of database → the API over small books on it."""
    monkeypatch.setenv("WASTEFLOW_INSTANCE", str(tmp_path / "instance"))
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(api_over(request, kind, tmp_path, _templates(kind)))


@pytest.fixture
def api(api_on: Callable[[str], Api]) -> Api:
    """The API over small books (SQLite)."""
    return api_on("sqlite")


@pytest.fixture
def api_anywhere(api_on: Callable[[str], Api], database_kind: str) -> Api:
    """The API over small books, on SQLite and PostgreSQL in turn."""
    return api_on(database_kind)


@pytest.fixture
def live(api_anywhere: Api) -> Iterator[tuple[Api, str]]:
    """The API served over HTTP on both databases in turn, and its address."""
    with serve(api_anywhere.app) as address:
        yield api_anywhere, address
