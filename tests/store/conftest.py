"""Fixtures of the store tests: a database with the small registry of `books`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.books import Books
from tests.store.databases import new_database
from tests.store.sealing import with_every_kind
from wasteflow_models.engine import Database


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty database of this test's own, on SQLite and PostgreSQL in turn."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def _registered(template_of: Callable[..., str]) -> Callable[[str], str]:
    """Kind of database → URL of one that holds the registry of `books`, to be copied."""

    def fill(url: str, folder: Path) -> None:
        database = Database(url)
        Books(database, folder).register()
        database.dispose()

    return lambda kind: template_of(kind, "registry of the store tests", fill)


@pytest.fixture
def books(
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    _registered: Callable[[str], str],
) -> Iterator[Books]:
    """The small registry of `books.REGISTRY` in a fresh database, and the way to add records."""
    template = _registered(database_kind)
    with new_database(request, database_kind, tmp_path, template) as url:
        database = Database(url)
        yield Books(database, tmp_path)
        database.dispose()


@pytest.fixture(scope="module")
def shared(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _registered: Callable[[str], str],
) -> Iterator[Books]:
    """The same on SQLite for all tests of a module, one after the other."""
    folder = tmp_path_factory.mktemp("shared")
    with new_database(request, "sqlite", folder, _registered("sqlite")) as url:
        books = Books(Database(url), folder)
        yield books
        books.db.dispose()


@pytest.fixture
def sealed(books: Books) -> Books:
    """Books with a record of every kind, sealed."""
    return with_every_kind(books)
