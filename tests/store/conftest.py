"""Fixtures of the store tests: a database with the small registry of `books`; what `slow` means."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.store.books import Books
from tests.store.databases import new_database, settle
from wasteflow_models.engine import Database

HERE = Path(__file__).parent
SLOW = "WASTEFLOW_TEST_SLOW"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the minutes-long tests of this folder out unless they are asked for by `-m slow`."""
    if os.environ.get(SLOW) == "1" or "slow" in str(config.option.markexpr):
        return
    slow = [item for item in items if HERE in item.path.parents and item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty database of this test's own, on SQLite and PostgreSQL in turn."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def _registered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Kind of database → URL of one that holds the registry of `books` and is not connected to."""
    folder = tmp_path_factory.mktemp("registered")
    made: dict[str, str] = {}
    with ExitStack() as stack:

        def template(kind: str) -> str:
            if kind not in made:
                url = stack.enter_context(new_database(request, kind, folder))
                database = Database(url)
                Books(database, folder).register()
                settle(database)
                made[kind] = url
            return made[kind]

        yield template


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
