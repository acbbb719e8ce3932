"""`wasteflow db rebuild`: the roll-up from the records again, and not from broken ones."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.store.books import Books, entry, load
from wasteflow.cli import main
from wasteflow.core.errors import RuleBroken
from wasteflow.services.checking import check_books
from wasteflow.services.rebuilding import rebuild_rollup


def spoil(books: Books, statement: str) -> None:
    """Do something to the tables behind the program's back."""
    with books.db.write() as session:
        session.execute(text(statement))


def test_a_spoiled_roll_up_is_made_anew(books: Books) -> None:
    books.loads(load("A", "30.000", "29.500", reason="x"), load("B", "31.000"))
    books.entries(entry("G", "generation", "90.000"))
    before = books.rollup()
    assert rebuild_rollup(db=books.db).mended == 0
    spoil(books, "UPDATE flow_month SET kg = kg + 1 WHERE n = 1")
    spoil(books, "DELETE FROM flow_month WHERE n = 2")
    assert {fault.code for fault in check_books(db=books.db).faults} == {"rollup_mismatch"}
    command = ["--lang", "en", "--database", books.db.url, "db", "rebuild"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "4 rows in the roll-up, 4 of them mended" in result.output
    assert books.rollup() == before
    assert books.closing()["site:maker"] == "29.000"
    books.check()


def test_a_link_that_the_index_of_loads_lost_is_found_again(books: Books) -> None:
    books.loads(load("A", "30.000", "30.000"), load("B", "31.000", consignee="board"))
    spoil(books, "DELETE FROM sender")
    lost = {fault.code for fault in check_books(db=books.db).faults}
    assert lost == (set() if books.db.url.startswith("postgresql") else {"sender_missing"})
    done = rebuild_rollup(db=books.db)
    assert (done.mended, done.links) == (0, 2 * len(lost))
    spoil(books, "DELETE FROM sender WHERE consignee_id = (SELECT max(consignee_id) FROM sender)")
    command = ["--lang", "en", "--database", books.db.url, "db", "rebuild"]
    said = CliRunner().invoke(main, command).output
    assert "0 of them mended" in said and ("1 links of loads found again" in said) == bool(lost)
    books.check()


def test_broken_records_are_not_summed(books: Books) -> None:
    books.loads(load("A", "30.000", "30.000"))
    spoil(books, "UPDATE event SET kg = kg + 1 WHERE seq = 2")
    before = books.rollup()
    with pytest.raises(RuleBroken, match="cannot be rebuilt"):
        rebuild_rollup(db=books.db)
    assert books.rollup() == before
