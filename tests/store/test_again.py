"""Races that another writer won: the use case is done again and nobody sees the conflict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.store.books import NOW, Books, load
from tests.store.test_staging import ROWS, take
from wasteflow.services import loads
from wasteflow.services.again import TRIES, Overtaken, again_if_overtaken
from wasteflow_models import staging
from wasteflow_models.engine import Database
from wasteflow_models.ledger import BatchRow, EventRow


def test_a_lost_race_is_run_again(books: Books) -> None:
    """The first try meets a number that is there already; the second asks for the next."""
    books.loads(load("A", "10.000", "10.000"))
    asked: list[int] = []

    @again_if_overtaken
    def claim(table: str) -> int:
        asked.append(len(asked))
        number = "A" if len(asked) == 1 else f"B{len(asked)}"
        with books.db.write() as session:
            session.execute(
                text(
                    f"INSERT INTO {table} (doc_no, consignor_id, shipment_id) "
                    "SELECT :number, consignor_id, 7 FROM shipment"
                ),
                {"number": number},
            )
        return len(asked)

    if books.db.is_sqlite:  # one writer at any time: a taken number is a fault of the program
        with pytest.raises(IntegrityError):
            claim("load_number")
        assert asked == [0]
    else:
        assert claim("load_number") == 2


def test_it_gives_up_in_the_end() -> None:
    tries: list[int] = []

    @again_if_overtaken
    def always() -> None:
        tries.append(1)
        raise Overtaken

    with pytest.raises(Overtaken, match="once more"):
        always()
    assert len(tries) == TRIES


def test_other_errors_go_on_at_once() -> None:
    @again_if_overtaken
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()


def test_a_try_that_begins_later_carries_its_own_moment(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a seal made between the tries would hold its records for slipped in."""
    ticks, lost = iter([0.0, 900.0]), iter([True])
    monkeypatch.setattr("wasteflow.load_files.monotonic", lambda: next(ticks))
    whole = staging.claimed

    @contextmanager
    def claimed(db: Database, batch_id: int) -> Iterator[bool]:
        with whole(db, batch_id) as mine:
            yield mine and not next(lost, False)

    monkeypatch.setattr(loads, "claimed", claimed)
    take(books, *ROWS[:5])
    with books.db.read() as session:
        moments = list(session.scalars(select(BatchRow.recorded_at).order_by(BatchRow.id)))
        events = set(session.scalars(select(EventRow.recorded_at)))
    assert moments[-1] == NOW + timedelta(seconds=900) and events == {moments[-1]}
