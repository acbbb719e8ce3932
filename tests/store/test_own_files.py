"""A firm's own file of loads is its signature: grades, confirmations, and what `check` holds."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from tests.store.books import Books, child, load
from tests.store.live import CEMENT, MAKER, Gate
from tests.store.test_staging import content, twin
from wasteflow import load_files
from wasteflow.core.errors import RowsRefused
from wasteflow.services import load_alike, proof_loads
from wasteflow.services.checking import check_books
from wasteflow.services.closing import close_month
from wasteflow.services.live import listing
from wasteflow.services.live.listing import LoadFilter
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import BatchSignerRow, EventRow, ShipmentRow

__all__ = ["twin"]


def grades(books: Books) -> dict[str, str]:
    """Number → grade of every load."""
    found = listing.list_loads(db=books.db, actor=MAKER)["items"]
    return {item["doc_no"]: item["evidence"] for item in found}


def signed_by(books: Books, doc_no: str) -> list[str]:
    """Who has signed a load."""
    wanted = LoadFilter(doc_no=doc_no)
    (item,) = listing.list_loads(db=books.db, actor=MAKER, wanted=wanted)["items"]
    found: list[str] = item["signed_by"]
    return found


def rows(*numbers: str) -> list[dict[str, str]]:
    """Loads that have arrived."""
    return [load(number, "30.000", "29.900", vehicle="云A1") for number in numbers]


def test_the_grade_of_a_new_load_is_that_of_its_sender(books: Books) -> None:
    more = [
        load("E", "30.000", "29.900", weighed="estimated"),
        load("D", "30.000", "20.000"),
        load("I", "30.000", "29.900", evidence="imported"),
        load("B", "30.000", "29.900", evidence="both"),
        load("X", "30.000", "30.000", consignee="board", route="plaster"),
        load("F", "30.000", "30.000", consignee="far", route="trade"),
    ]
    report = books.sign("cement", *rows("A"), load("R", "12.000"), *more)
    assert report.warnings.counts["evidence_too_good"] == 1
    assert grades(books) == {
        "A": "one_sided", "R": "one_sided", "E": "estimated", "D": "disputed", "I": "imported",
        "B": "one_sided", "X": "imported", "F": "imported",
    }  # fmt: skip
    assert signed_by(books, "A") == ["cement"] and signed_by(books, "X") == []
    assert books.sign("maker", load("F2", "30.000", "30.000", consignee="far", route="trade")).taken
    assert grades(books)["F2"] == "one_sided"
    books.check()


def test_it_does_not_matter_who_sends_the_same_rows_first(books: Books) -> None:
    """Law: whatever the order of command and firms, a load is graded by who has signed it."""
    words = {0: "imported", 1: "one_sided", 2: "both"}
    for place, order in enumerate(permutations(("", "maker", "cement"))):
        numbers = f"A{place}", f"B{place}"
        done: set[str] = set()
        flows: Any = None
        for step, firm in enumerate(order):
            report = books.sign(firm, *rows(*numbers))
            done |= {firm} - {""}
            expected = (2, 0, 0) if step == 0 else (0, 2, 0) if firm else (0, 0, 2)
            assert (report.taken, report.confirmed, report.skipped) == expected
            found = grades(books)
            assert {found[number] for number in numbers} == {words[len(done)]}
            flows = flows or books.flows()
            assert books.flows() == flows  # no kilogram moves
            again = books.sign(firm, *rows(*numbers))
            assert (again.taken, again.confirmed, again.skipped) == (0, 0, 2)
    books.check()


def test_a_receipt_is_graded_by_who_signed_dispatch_and_receipt(books: Books) -> None:
    books.sign("maker", load("A", "30.000"), load("B", "30.000"), load("C", "30.000"))
    books.loads(load("D", "30.000"))
    assert books.sign("cement", *(load(n, "30.000", "29.900") for n in "AD")).completed == 2
    assert books.sign("maker", load("B", "30.000", "29.900")).completed == 1
    assert books.loads(load("C", "30.000", "29.900")).completed == 1
    assert grades(books) == {"A": "both", "B": "one_sided", "C": "imported", "D": "one_sided"}
    assert books.sign("cement", *(load(n, "30.000", "29.900") for n in "BCD")).confirmed == 2
    assert grades(books) == {"A": "both", "B": "both", "C": "both", "D": "one_sided"}
    books.check()


def test_files_and_hands_sign_alike(books: Books) -> None:
    """Law: a file that confirms leaves what a confirmation by hand leaves."""
    gate = Gate(books)
    books.sign("maker", *rows("A", "B"))
    seen = listing.list_loads(db=books.db, actor=CEMENT, wanted=LoadFilter(doc_no="A"))
    by_hand = gate.act("confirm", CEMENT, UUID(seen["items"][0]["id"])).load
    assert books.sign("cement", *rows("A", "B")).confirmed == 1
    assert by_hand["evidence"] == "both" and set(grades(books).values()) == {"both"}
    with books.db.read() as session:
        query = sa.select(EventRow.shipment_id, EventRow.seq, EventRow.kind, EventRow.evidence,
                          EventRow.booked_month, EventRow.kg)  # fmt: skip
        by_load: dict[int, list[Any]] = {}
        for row in session.execute(query.order_by(EventRow.shipment_id, EventRow.seq)):
            by_load.setdefault(row.shipment_id, []).append(tuple(row)[1:])
    one, other = by_load.values()
    assert one == other and one[-1][1] == "confirmed"
    wrong = load("A", "30.000", "29.800", vehicle="云A1")
    with pytest.raises(RowsRefused) as caught:
        books.sign("cement", wrong)
    assert [issue.code for issue in caught.value.issues] == ["doc_no_differs"]
    books.check()


SPRING = [
    *rows("A", "B"),
    load("E", "30.000", "29.900", weighed="estimated"),
    load("D", "30.000", "20.000"),
    load("N", "30.000", "30.000", dispatched_at="2026-03-31", received_at="2026-04-01"),
    load("X", "30.000", "30.000", consignee="board", route="plaster"),
    load("F", "30.000", "30.000", consignee="far", route="trade"),
    load("P", "30.000", "20.000", refused_t="10.000"),
    child("R", "P", "6.000"),
    load("T", "12.000"),
]
ARRIVED = load("T", "12.000", "12.000", received_at="2026-04-02")


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("order", [("", "cement", "maker"), ("maker", "cement", ""), ("cement",)])
def test_like_loads_are_judged_as_each_by_itself(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    """Some acted on by hand, one month closed in between; one half held one by one."""
    held: list[int] = []
    found = []
    for ledger, most in ((books, load_alike.MOST_EVENTS), (twin, 0)):
        monkeypatch.setattr(load_alike, "MOST_EVENTS", most)
        gate = Gate(ledger)
        uid = gate.decided()
        gate.answer("approve", CEMENT, gate.revise(MAKER, uid, dispatched_t="29.950"))
        told = []
        for step, firm in enumerate(order):
            told.append(ledger.sign(firm, *SPRING[step:]).as_dict())
            if step == 1:
                close_month(db=ledger.db, enterprise="maker", month=202603, now=gate.now)
        told += [ledger.sign(firm, ARRIVED, *SPRING[:-1]).as_dict() for firm in ("cement", "maker")]
        ledger.check()
        found.append((told, content(ledger)))
        with ledger.db.write() as session:
            ids = sa.select(ShipmentRow.id).order_by(ShipmentRow.id)
            every = np.array(session.scalars(ids).all(), np.int64)
            held.append(len(load_alike.alike_loads(session, load_keys(session), "maker", every)[1]))
    assert found[0] == found[1]
    assert held[0] < held[1] == len(SPRING) + 1


def test_what_is_disputed_reversed_or_not_ones_own_is_not_signed(books: Books) -> None:
    books.loads(load("D", "30.000", "20.000"), *rows("A"))
    report = books.sign("cement", load("D", "30.000", "20.000"))
    assert (report.confirmed, report.skipped) == (0, 1)
    assert books.sign("board", *rows("A")).skipped == 1
    assert books.sign("cement", *rows("A"), dry_run=True).confirmed == 1
    assert grades(books) == {"D": "disputed", "A": "imported"}
    books.check()


def test_closed_months_take_signatures_and_children_do_too(books: Books) -> None:
    books.sign("maker", load("P", "30.000", "20.000", refused_t="10.000"))
    books.sign("cement", child("R", "P", "6.000"))
    close_month(db=books.db, enterprise="maker", month=202603, now=Gate(books).now)
    assert books.sign("cement", load("P", "30.000", "20.000", refused_t="10.000")).confirmed == 1
    assert books.sign("maker", child("R", "P", "6.000")).confirmed == 1
    assert grades(books) == {"P": "both", "R": "both"}
    books.check()


def test_large_files_sign_in_stages(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_files, "CHUNK_ROWS", 3)
    numbers = [f"L{n}" for n in range(8)]
    assert books.sign("maker", *rows(*numbers[:6])).taken == 6
    report = books.sign("cement", *rows(*numbers))
    assert (report.taken, report.confirmed, report.skipped) == (2, 6, 0)
    found = grades(books)
    assert {found[number] for number in numbers[:6]} == {"both"}
    assert {found[number] for number in numbers[6:]} == {"one_sided"}
    books.check()


def test_confirmed_loads_are_proved_by_columns(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain ones need no second look; what was tampered with does, and is named."""
    looked: list[int] = []
    one_by_one = proof_loads._one_by_one

    def noted(session: Any, booking: Any, ids: Any, *more: Any) -> Any:
        looked.extend(ids.tolist())
        return one_by_one(session, booking, ids, *more)

    monkeypatch.setattr(proof_loads, "_one_by_one", noted)
    more = load("E", "30.000", "29.900", weighed="estimated")
    for firm in ("maker", "cement"):
        books.sign(firm, *rows("A", "B"), more)
    books.check()
    assert looked == []
    for column, value in (("booked_month", 202604), ("accepted_kg", 7), ("evidence", 4)):
        with books.db.write() as session:
            last = sa.select(sa.func.min(EventRow.shipment_id)).where(EventRow.seq == 3)
            where = (EventRow.seq == 3) & (EventRow.shipment_id == last.scalar_subquery())
            kept = session.scalar(sa.select(EventRow.__table__.c[column]).where(where))
            session.execute(sa.update(EventRow).where(where).values({column: value}))
        assert check_books(db=books.db).faults and looked, column
        with books.db.write() as session:
            session.execute(sa.update(EventRow).where(where).values({column: kept}))
    books.check()


def test_check_holds_grades_to_signatures(books: Books) -> None:
    books.sign("maker", *rows("A"))
    books.check()
    signer, event, header = BatchSignerRow, EventRow, ShipmentRow
    changes: list[tuple[list[Any], list[Any]]] = [
        (
            [sa.update(signer).values(organisation="board")],
            [sa.update(signer).values(organisation="maker")],
        ),
        (
            [sa.update(item).values(evidence=0) for item in (event, header)],
            [sa.update(item).values(evidence=1) for item in (event, header)],
        ),
        ([sa.delete(signer)], []),
    ]
    for wrong, right in changes:
        with books.db.write() as session:
            for statement in wrong:
                session.execute(statement)
        assert "signature_missing" in {fault.code for fault in check_books(db=books.db).faults}
        with books.db.write() as session:
            for statement in right:
                session.execute(statement)
