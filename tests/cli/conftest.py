"""Fixtures of the command tests: the command on a database with the small registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import Books
from tests.store.databases import KINDS, new_database
from wasteflow_models.engine import Database


@pytest.fixture(scope="module", params=KINDS)
def command(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    """`wasteflow` on a database with the registry of the store tests, shared by a module."""
    folder = tmp_path_factory.mktemp("command")
    with new_database(request, request.param, folder) as url:
        db = Database(url)
        Books(db, folder).register()
        db.dispose()
        yield Command(url, folder)


@pytest.fixture
def own(database_url: str, tmp_path: Path) -> Command:
    """`wasteflow` on an empty database of this test's own, on both databases in turn."""
    return Command(database_url, tmp_path)
