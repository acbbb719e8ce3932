"""Roll-up rows and events of an import that lie beside the books until it is published."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.books import Books, entry, load
from tests.store.databases import row_counts
from tests.store.test_staging import all_aside, content, take, twin
from wasteflow.services import load_publish
from wasteflow.services import loads as service
from wasteflow.services.load_staging import Staging
from wasteflow.services.rebuilding import rebuild_rollup
from wasteflow_models import rollup_new, staging

__all__ = ["all_aside", "twin"]


@pytest.mark.usefixtures("all_aside")
def test_rows_that_lie_aside_count_as_those_in_the_roll_up(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that dies after it was published and before its roll-up was folded."""
    first = [load(f"F{number}", "10.000", "10.000") for number in range(4)]
    rows = [load(f"G{number}", "10.000", "9.000") for number in range(9)]
    with monkeypatch.context() as patch:
        patch.setattr(service, "fold", lambda db, batch_id: None)
        for each in (books, twin):
            take(each, *first)
            take(each, *rows)
    assert row_counts(books.db)["flow_staged"] > 0 < row_counts(books.db)["flow_month"]
    later = [
        load("H", "5.000", "5.000"),
        entry("S", "stocktake", "80.000", "2026-03-31", reason="survey"),
    ]
    for each in (books, twin):
        each.check()
    staging.sweep(twin.db)
    assert row_counts(twin.db)["flow_staged"] == 0
    for each in (books, twin):
        each.loads(later[0])
        each.entries(later[1])
        each.check()
    assert books.flows() == twin.flows()
    assert books.closing() == twin.closing()
    staging.sweep(books.db)
    assert content(books) == content(twin)
    books.check()


def test_who_writes_the_same_rows_before_an_import_is_published_is_added_to(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the rows are found new, and are not when they are written."""
    rows = [load(f"G{number}", "10.000", "9.000") for number in range(9)]
    mine = load("H", "5.000", "5.000")
    take(twin, *rows)
    twin.loads(mine)
    written = load_publish.publish

    def late(*args: Any) -> None:
        monkeypatch.setattr(load_publish, "add_new_rows", came_first)
        written(*args)

    def came_first(session: Any, columns: Any) -> None:
        books.loads(mine)
        rollup_new.add_new_rows(session, columns)

    monkeypatch.setattr(service, "publish", late)
    take(books, *rows)
    if books.db.is_sqlite:
        books.loads(mine)
    assert content(books) == content(twin)
    books.check()


def test_months_written_now_lie_aside_when_an_import_is_published(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL who writes them does not wait for the rows that publishing adds."""
    written: list[int] = []

    def told(session: Any, columns: Any) -> None:
        written.extend(columns[1].tolist())
        rollup_new.add_new_rows(session, columns)

    monkeypatch.setattr(load_publish, "add_new_rows", told)
    days = ("2026-01-05", "2026-09-05", "2026-10-05", "2026-11-05")
    take(books, *(load(day, "10.000", "9.000", dispatched_at=day, received_at=day) for day in days))
    assert set(written) == (set() if books.db.is_sqlite else {202601, 202609})
    books.check()


def test_an_import_that_fails_in_the_middle_of_a_chunk_leaves_nothing(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events are written beside it on PostgreSQL, and go with it."""
    noted = Staging._note

    def fails_later(staging: Staging, *args: Any) -> None:
        if staging.taken:
            raise RuntimeError("broken off")
        noted(staging, *args)

    before = row_counts(books.db)
    monkeypatch.setattr(Staging, "_note", fails_later)
    with pytest.raises(RuntimeError, match="broken off"):
        take(books, *[load(f"G{number}", "10.000", "9.000") for number in range(9)])
    assert row_counts(books.db) == before


@pytest.mark.usefixtures("all_aside")
def test_rebuilding_takes_what_lies_aside_along(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(service, "fold", lambda db, batch_id: None)
        take(books, *[load(f"G{number}", "10.000", "9.000") for number in range(9)])
    before = books.flows()
    with books.db.write() as session:
        session.execute(sa.text("UPDATE flow_staged SET kg = kg + 1"))
    assert rebuild_rollup(db=books.db).mended > 0
    assert books.flows() == before
    books.check()
