"""Races that another writer won: the use case is done again and nobody sees the conflict."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.store.books import Books, load
from wasteflow.services.again import TRIES, Overtaken, again_if_overtaken


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
