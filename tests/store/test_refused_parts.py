"""Refused parts: they stay the consignor's until a return or redirect moves them, and no more."""

from __future__ import annotations

import pytest

from tests.store.books import NOW, Books, child, load
from tests.store.looking import header
from wasteflow.core.errors import RuleBroken
from wasteflow.services.corrections import reverse

PARENT = load("P", "30.000", "20.000", refused_t="10.000")
RETURN = child("P-R", "P", "6.000")
REDIRECT = child("P-D", "P", "4.000", "redirect", consignee="board", route="plaster")
AFTER = {
    ("site:maker", "transit:maker:cement", "pg/retarder"): 30_000,
    ("transit:maker:cement", "site:cement", "pg/retarder"): 20_000,
    ("transit:maker:cement", "transit:maker:maker", "pg/retarder"): 6_000,
    ("transit:maker:maker", "site:maker", "pg/retarder"): 6_000,
    ("transit:maker:cement", "transit:maker:board", "pg/plaster"): 4_000,
    ("transit:maker:board", "site:board", "pg/plaster"): 4_000,
}


def test_a_refused_part_stays_the_consignors_until_it_is_moved(books: Books) -> None:
    books.loads(PARENT)
    assert header(books, "P").state == "partly_accepted"
    closing = {"site:cement": "20.000", "site:maker": "-30.000", "transit:maker": "10.000"}
    assert books.closing() == closing
    books.loads(RETURN)
    books.loads(REDIRECT)
    assert books.flows() == AFTER
    assert header(books, "P-R").holder_id == header(books, "P").consignor_id
    books.check()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_parent_and_children_in_one_file_in_any_order(books: Books, order: tuple[int, ...]) -> None:
    rows = [PARENT, RETURN, REDIRECT]
    assert books.loads(*(rows[position] for position in order)).taken == 3
    assert books.flows() == AFTER
    books.check()


def test_a_file_completes_the_parent_and_brings_its_children(books: Books) -> None:
    books.loads(load("P", "30.000"))
    report = books.loads(RETURN, PARENT, REDIRECT)
    assert (report.taken, report.completed) == (2, 1)
    assert books.flows() == AFTER
    books.check()


def test_a_refused_part_is_refused_again_further_on(books: Books) -> None:
    second = child("D2", "D1", "1.500", "redirect", consignee="trader", route="trade")
    books.loads(
        second | {"consignor": "board", "dispatched_at": "2026-03-04", "received_at": "2026-03-05"},
        child("D1", "P", "4.000", "redirect", consignee="board", route="plaster")
        | {"accepted_t": "2.500", "refused_t": "1.500"},
        PARENT,
    )
    assert header(books, "D2").holder_id == header(books, "P").consignor_id
    assert books.closing()["site:trader"] == "1.500"
    assert books.closing()["transit:maker"] == "6.000"
    books.check()


WRONG_CHILDREN: dict[str, tuple[dict[str, str], str, str]] = {
    "over the refused weight": (child("C", "P", "10.001"), "dispatched_t", "child_over_refused"),
    "unknown parent": (child("C", "Q", "1.000"), "parent_doc_no", "parent_missing"),
    "parent of other firms": (
        child("C", "P", "1.000", consignor="board"),
        "parent_doc_no",
        "parent_missing",
    ),
    "other material": (
        child("C", "P", "1.000", material="slag", route="fill"),
        "parent_doc_no",
        "parent_missing",
    ),
    "nothing refused": (child("C", "N", "1.000"), "parent_doc_no", "parent_not_refused"),
    "return to a third": (
        child("C", "P", "1.000", consignee="maker2"),
        "consignee",
        "return_to_other",
    ),
    "redirect home": (
        child("C", "P", "1.000", "redirect", route="trade"),
        "consignee",
        "redirect_to_same",
    ),
    "before the parent": (
        child("C", "P", "1.000", dispatched_at="2026-03-02T09:00:00+08:00"),
        "dispatched_at",
        "child_before_parent",
    ),
    "no parent named": (child("C", "", "1.000"), "parent_doc_no", "parent_missing"),
    "kind not named": (child("C", "P", "1.000", ""), "kind", "child_kind_needed"),
    "its own parent": (child("C", "C", "1.000"), "parent_doc_no", "parent_cycle"),
}


def test_children_that_do_not_fit(books: Books) -> None:
    parents = (PARENT, load("N", "30.000", "30.000"))
    for case, (row, field, code) in WRONG_CHILDREN.items():
        assert books.codes("shipments", row, *parents) == [(2, field, code)], case
    assert books.flows() == {}
    books.loads(*parents)
    for case, (row, field, code) in WRONG_CHILDREN.items():
        assert books.codes("shipments", row) == [(2, field, code)], case
    books.check()


def test_children_share_the_refused_weight(books: Books) -> None:
    second = child("C2", "P", "4.001")
    assert books.codes("shipments", PARENT, child("C1", "P", "6.000"), second) == [
        (4, "dispatched_t", "child_over_refused")
    ]
    books.loads(PARENT, child("C1", "P", "6.000"))
    (issue,) = books.refused("shipments", second)
    assert issue.code == "child_over_refused" and issue.params["open"] == "4.000"
    reverse(db=books.db, doc_no="C1", reason="误录", now=NOW)
    books.loads(child("C3", "P", "10.000"))
    books.check()


def test_numbers_of_parents_are_those_of_the_right_firms(books: Books) -> None:
    other = load("P", "30.000", "0.000", refused_t="30.000", consignor="maker2", consignee="board")
    books.loads(other | {"route": "plaster"}, PARENT)
    books.loads(RETURN)
    assert header(books, "P-R").parent_id is not None
    assert books.closing()["transit:maker"] == "4.000"
    assert books.closing()["transit:maker2"] == "30.000"
    books.check()


def test_a_parent_with_children_is_reversed_after_them(books: Books) -> None:
    books.loads(PARENT, RETURN)
    with pytest.raises(RuleBroken) as caught:
        reverse(db=books.db, doc_no="P", reason="x", now=NOW)
    assert caught.value.code == "cannot_reverse_children"
    assert "P-R" in str(caught.value)
    books.check()
    reverse(db=books.db, doc_no="P-R", reason="x", now=NOW)
    reverse(db=books.db, doc_no="P", reason="x", now=NOW)
    assert books.flows() == {}
    assert books.codes("shipments", REDIRECT) == [(2, "parent_doc_no", "parent_not_refused")]
    books.check()
