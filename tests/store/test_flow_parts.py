"""The parts of the roll-up that large imports write: they count as rows do, to the kilogram."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, entry, load
from tests.store.databases import row_counts
from tests.store.test_staging import RECEIPT, ROWS, content, take, twin
from wasteflow.services import load_publish
from wasteflow.services import loads as service
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import reverse
from wasteflow.services.rebuilding import rebuild_rollup
from wasteflow_models import flow_parts, migrate, packed_months, rollup
from wasteflow_models.ledger import FlowPartRow

__all__ = ["twin"]
Switch = Callable[[bool], None]
MAY = {"dispatched_at": "2026-05-02", "received_at": "2026-05-03"}
FIRST = [load(f"F{number}", "10.000", "10.000") for number in range(4)]
SECOND = [load(f"G{number}", "10.000", "9.000") for number in range(9)]
T_ARRIVED = load("T", "29.000") | RECEIPT | {"accepted_t": "29.000"}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Switch:
    """Switch between parts for every posting of columns, as for those of a million, and rows."""

    def switch(on: bool) -> None:
        for module in (rollup, load_publish):
            monkeypatch.setattr(module, "PARTS_FROM", 0 if on else 20_000)

    return switch


def test_parts_count_as_rows(books: Books, twin: Books, parts: Switch) -> None:
    """Imports onto each other's months, receipts that come later, single records, a stocktake."""
    for each in (books, twin):
        parts(each is books)
        take(each, *FIRST, load("T", "29.000"))
        take(each, *ROWS[:3], *ROWS[4:7], ROWS[10])
        take(each, *SECOND, T_ARRIVED)
        each.check()
        parts(False)
        each.loads(load("H", "5.000", "5.000"))
        each.entries(entry("S", "stocktake", "80.000", "2026-03-31", reason="survey"))
        each.check()
    assert row_counts(books.db)["flow_part"] > 0 == row_counts(twin.db)["flow_part"]
    assert content(books) == content(twin)
    assert books.closing() == twin.closing()
    assert books.graph() == twin.graph()


def test_columns_added_up_apart_are_those_added_up_together() -> None:
    key = [np.array(column) for column in ([1, 1, 2], [7, 8, 7], [5, 5, 5], [6, 6, 6], [0] * 3)]
    one = [*key, np.zeros(3, np.int64), np.array([10, 20, 30]), np.array([1, 2, 3])]
    other = [column[1:] for column in one[:-2]] + [np.array([-20, 4]), np.array([-2, 1])]
    found = [column.tolist() for column in rollup.together(one, other)]
    assert found == [[1, 2], [7, 7], [5, 5], [6, 6], [0, 0], [0, 0], [10, 34], [1, 4]]


def test_what_comes_to_nothing_is_in_no_report(books: Books, parts: Switch) -> None:
    """A reversal: a row below zero takes away what a part holds."""
    parts(True)
    take(books, load("U", "8.000"), load("T", "29.000", consignee="board", route="plaster"))
    parts(False)
    reverse(db=books.db, doc_no="T", reason="twice", now=NOW)
    assert books.flows() == {("site:maker", "transit:maker:cement", "pg/retarder"): 8_000}
    with books.db.read() as session:
        rows = session.execute(sa.text("SELECT kg, n FROM flow_month")).all()
    assert [tuple(row) for row in rows] == [(-29_000, -1)]
    books.check()


def test_who_publishes_onto_the_same_months_first_is_added_to(
    books: Books, twin: Books, parts: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His part stands at another version than the one that was read, or there was none."""
    parts(True)
    ready = load_publish.ready_rollup
    others = [[load("H", "5.000", "5.000")], [load("I", "6.000", "6.000", **MAY)]]
    mine = [*SECOND, load("J", "3.000", "3.000", **MAY)]
    for each in (books, twin):
        take(each, *FIRST)
    for rows in (*others, mine):
        take(twin, *rows)

    def overtaken(*args: Any) -> None:
        ready(*args)
        while others:
            take(books, *others.pop())

    monkeypatch.setattr(service, "ready_rollup", overtaken)
    take(books, *mine)
    assert not others
    assert content(books) == content(twin)
    books.check()


def test_a_part_that_a_rebuild_took_away_begins_anew(books: Books, parts: Switch) -> None:
    """The sums stand in rows by then, and another import is ready with the part that was there."""
    parts(True)
    take(books, *FIRST)
    with books.db.read() as session:
        row = session.execute(sa.select(*FlowPartRow.__table__.c)).one()
    own = packed_months.unpacked(row.data)
    with books.db.write() as session:
        session.execute(sa.delete(FlowPartRow))
        stale = flow_parts.ReadyPart(row.material_id, row.month, own, row.version, b"")
        flow_parts.write_parts(session, [stale])
    books.check()


def test_a_kilogram_changed_in_a_part_is_found_and_mended(books: Books, parts: Switch) -> None:
    parts(True)
    take(books, *SECOND)
    before = books.rollup()
    with books.db.write() as session:
        row = session.scalars(sa.select(FlowPartRow).order_by(FlowPartRow.month)).first()
        assert row is not None
        columns = packed_months.unpacked(row.data)
        changed = columns[4].copy()
        changed[0] += 1
        row.data = packed_months.packed((*columns[:4], changed, columns[5]))
    assert [fault.code for fault in check_books(db=books.db).faults] == ["rollup_mismatch"]
    assert rebuild_rollup(db=books.db).mended == 1
    assert books.rollup() == before
    books.check()


def test_parts_are_rows_to_an_older_program_and_parts_again(books: Books, parts: Switch) -> None:
    parts(True)
    take(books, *SECOND, load("J", "3.000", "3.000", **MAY))
    parts(False)
    books.loads(load("H", "5.000", "5.000"))
    before = content(books)
    counts = row_counts(books.db)
    migrate.downgrade(books.db.url, "0024")
    with books.db.read() as session:
        aside = "SELECT count(*) FROM flow_staged JOIN batch ON id = batch_id AND published"
        assert session.scalar(sa.text(aside)) > counts["flow_part"]
    migrate.upgrade(books.db.url)
    assert content(books) == before
    assert row_counts(books.db) == counts
    books.check()
