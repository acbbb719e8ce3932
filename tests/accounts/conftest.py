"""Books and accounts that the tests of accounts share: copied for pages, empty for services."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests import people, web_books
from tests.store.databases import new_database, settle
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import AccountConfig
from wasteflow.core.actors import Membership, Role
from wasteflow.core.errors import WasteflowError
from wasteflow.services.account_log import commander
from wasteflow.web.access import books
from wasteflow_models.engine import Database

Make = Callable[..., Flask]
ROOT = commander()
ADMIN = Membership(Role.SYSTEM_ADMIN)


def code(error: pytest.ExceptionInfo[WasteflowError]) -> str:
    """The code of what was raised."""
    return error.value.code


@pytest.fixture
def db(
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    filled: Callable[..., str],
) -> Iterator[Database]:
    """A database with the registry of `web_books` and nobody enrolled."""
    template = filled(database_kind, web_books.REGISTRY)
    with new_database(request, database_kind, tmp_path, template) as url:
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]) -> Path:
    """A SQLite file with the small books and the whole cast, copied for each test.

    The services below are tested on both databases; pages add no SQL of their own.
    """
    folder = tmp_path_factory.mktemp("accounts")
    db = Database(sqlite_books(folder, (*web_books.REGISTRY, *web_books.TRADED)))
    people.enrol(db)
    settle(db)
    return folder / "books.sqlite3"


@pytest.fixture
def url(ready: Path, tmp_path: Path) -> str:
    """The URL of a copy of `ready`."""
    shutil.copy(ready, tmp_path / "books.sqlite3")
    return f"sqlite:///{(tmp_path / 'books.sqlite3').as_posix()}"


@pytest.fixture
def make(url: str) -> Iterator[Make]:
    """``make(open_reading=…)``: the application on the copy, with settings of accounts."""
    apps = []

    def made(**accounts: Any) -> Flask:
        apps.append(create_app(Config(url, lang="en", accounts=AccountConfig(**accounts))))
        return apps[-1]

    yield made
    for app in apps:
        books(app).db.dispose()


@pytest.fixture
def app(make: Make) -> Flask:
    """The application on the copy."""
    return make()
