"""Loads that are not over and carriers by month: the same by every way into the books and out."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, child, entry, load, write_rows
from tests.store.live import CEMENT_GATE, MAKER, MAKER_GATE, Gate
from wasteflow.load_files import Import, import_loads
from wasteflow.services import load_publish, loads
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import reverse
from wasteflow.services.live.listing import list_loads
from wasteflow.services.rebuilding import rebuild_rollup
from wasteflow_models import migrate
from wasteflow_models.apart import CarrierMonthRow, LoadApartRow
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.load_marks import DISPUTED, HELD, OPEN_PART, mark_of

ROAD, PARTLY, REFUSED = (mark_of(word) for word in ("in_transit", "partly_accepted", "refused"))


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def marks(books: Books) -> dict[str, list[int]]:
    """Number of a load → its marks."""
    found: dict[str, list[int]] = {}
    row, mark = ShipmentRow, LoadApartRow
    with books.db.read() as session:
        query = sa.select(row.doc_no, mark.mark).join(mark, mark.shipment_id == row.id)
        for number, which in session.execute(query.order_by(row.doc_no, mark.mark)):
            found.setdefault(number, []).append(which)
    return found


def carried(books: Books) -> list[tuple[str, int]]:
    """(carrier, month) as they are kept."""
    row = CarrierMonthRow
    with books.db.read() as session:
        query = sa.select(row.carrier, row.month).order_by(row.carrier, row.month)
        return [(carrier, month) for carrier, month in session.execute(query)]


def spoil(books: Books, *statements: str) -> None:
    """Do something to the tables behind the program's back."""
    with books.db.write() as session:
        for statement in statements:
            session.execute(sa.text(statement))


def some_loads(books: Books) -> None:
    """Loads over and not over, one of them with a part that is still open."""
    books.loads(
        load("OVER", "30.000", "30.000", carrier="快运"),
        load("ROAD", carrier="慢运"),
        load("OPEN", "30.000", "20.000", refused_t="10.000"),
        load("MOVED", "30.000", "20.000", refused_t="10.000"),
        child("R", "MOVED", "10.000"),
        load("NONE", "30.000", refused_t="30.000", received_at="2026-03-02T15:00:00+08:00"),
    )


def test_files_leave_marks_of_what_is_not_over(books: Books) -> None:
    some_loads(books)
    expected = {
        "ROAD": [ROAD],
        "OPEN": [PARTLY, OPEN_PART],
        "MOVED": [PARTLY],
        "NONE": [REFUSED, OPEN_PART],
    }
    assert marks(books) == expected
    assert carried(books) == [("快运", 202603), ("慢运", 202603)]
    books.loads(load("ROAD", "30.000", "30.000", carrier="慢运"), child("R2", "OPEN", "10.000"))
    del expected["ROAD"]
    assert marks(books) == expected | {"OPEN": [PARTLY]}
    reverse(db=books.db, doc_no="R2", reason="x", now=NOW)
    assert marks(books)["OPEN"] == [PARTLY, OPEN_PART]
    reverse(db=books.db, doc_no="OPEN", reason="x", now=NOW)
    assert marks(books)["OPEN"] == [PARTLY]
    books.check()


def test_what_people_do_moves_the_marks(gate: Gate) -> None:
    uid = gate.on_road()
    number = str(gate.see(uid)["doc_no"])
    assert marks(gate.books) == {number: [ROAD]}
    month = carried(gate.books)[0][1]
    gate.act("hand_over", MAKER_GATE, uid, carrier="慢运")
    assert carried(gate.books) == [("快运", month), ("慢运", month)]
    gate.act("receive", CEMENT_GATE, uid, received_t="30.000")
    assert marks(gate.books) == {number: [mark_of("received")]}
    gate.books.check()


def test_spoiled_tables_are_named_and_mended(books: Books) -> None:
    some_loads(books)
    before = marks(books)
    spoil(
        books,
        f"DELETE FROM load_apart WHERE mark = {ROAD}",
        f"UPDATE load_apart SET mark = {DISPUTED} WHERE mark = {REFUSED}",
        "DELETE FROM carrier_month",
    )
    faults = check_books(db=books.db).faults
    assert sorted((fault.code, *fault.records) for fault in faults) == [
        ("carrier_month_missing",),
        ("carrier_month_missing",),
        ("load_apart_mismatch", "NONE"),
        ("load_apart_mismatch", "ROAD"),
    ]
    assert rebuild_rollup(db=books.db).mended == 4
    assert marks(books) == before
    books.check()


def test_a_mark_without_a_load_is_named_and_taken_away(books: Books) -> None:
    spoil(books, f"INSERT INTO load_apart VALUES ({ROAD}, 20260300000001, 1, 2)")
    assert [fault.code for fault in check_books(db=books.db).faults] == ["load_apart_mismatch"]
    assert rebuild_rollup(db=books.db).mended == 1
    books.check()


def test_going_up_finds_them_in_the_loads(books: Books) -> None:
    some_loads(books)
    before, url = (marks(books), carried(books)), books.db.url
    books.db.dispose()
    migrate.downgrade(url, migrate._revisions()["0029"])
    migrate.upgrade(url)
    assert (marks(books), carried(books)) == before
    books.check()


def test_what_a_firm_holds_of_others_is_found_by_it(books: Books) -> None:
    """A refused part on its way to a third firm is its sender's mass: it is in his list."""
    books.loads(
        load("P", "30.000", "20.000", refused_t="10.000"),
        child("D", "P", "6.000", "redirect", consignee="board", route="plaster"),
        child("R", "P", "4.000"),
    )
    assert marks(books)["D"] == [HELD] and "R" not in marks(books)
    found = list_loads(db=books.db, actor=MAKER)["items"]
    assert sorted(item["doc_no"] for item in found) == ["D", "P", "R"]
    books.check()


@pytest.mark.parametrize("chunk_rows", [2, 100])
def test_a_part_that_several_children_take_is_open_until_the_last(
    books: Books, chunk_rows: int
) -> None:
    """Staged or in one piece; a child may have a refused part itself, and children of that."""
    rows = [
        load("P", "30.000", "20.000", refused_t="10.000"),
        load("Q", "30.000", "20.000", refused_t="10.000"),
        *(child(f"R{number}", "P", "2.500") for number in range(4)),
        *(child(f"S{number}", "Q", "2.500") for number in range(3)),
        child("D", "Q", "2.500", "redirect", consignee="board", route="plaster")
        | {"accepted_t": "1.000", "refused_t": "1.500"},
    ]
    path = write_rows(books.folder / "parts.csv", rows)
    assert import_loads(Import(books.db, path, NOW, chunk_rows=chunk_rows)).report.taken == 10
    found = {number: OPEN_PART in own for number, own in marks(books).items()}
    assert found["P"] is found["Q"] is False and found["D"] is True
    books.check()


def test_carriers_are_noted_when_their_loads_are_seen(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes a dead import back in between cannot take them along."""
    seen: list[list[tuple[str, int]]] = []

    def published(*given: Any) -> None:
        seen.append(carried(books))
        load_publish.publish(*given)

    monkeypatch.setattr(loads, "publish", published)
    rows = [load(f"C{number}", "30.000", "30.000", carrier="快运") for number in range(5)]
    path = write_rows(books.folder / "carried.csv", rows)
    import_loads(Import(books.db, path, NOW, chunk_rows=2))
    assert seen == [[]] and carried(books) == [("快运", 202603)]
    books.check()
