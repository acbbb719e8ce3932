"""Loads through files: complete, on the road, refused in part, lost, to the outside, one-sided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.store.books import NOW, Books, child, load
from tests.store.looking import events, header
from wasteflow.core.errors import NotFound, RuleBroken, WasteflowError
from wasteflow.core.periods import SHANGHAI
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.corrections import lose, reverse

RECEIPT = {"received_at": "2026-03-02T15:00:00+08:00", "accepted_t": "30.000"}


# --- one load ------------------------------------------------------------------------------


def test_a_complete_load_moves_its_mass_and_its_loss(books: Books) -> None:
    report = books.loads(load("A", "30.000", "29.900"))
    assert (report.taken, report.completed, report.skipped) == (1, 0, 0)
    row = header(books, "A")
    assert (row.state, row.dispatched_kg, row.received_kg) == ("accepted", 30_000, 29_900)
    assert row.evidence == Evidence.IMPORTED
    assert books.flows() == {
        ("site:maker", "transit:maker:cement", "pg/retarder"): 30_000,
        ("transit:maker:cement", "site:cement", "pg/retarder"): 29_900,
        ("transit:maker:cement", "weighing_difference", "pg/retarder"): 100,
    }
    books.check()


def test_a_load_on_the_road_is_completed_by_a_later_file(books: Books) -> None:
    books.loads(load("A"))
    assert header(books, "A").state == "in_transit"
    assert books.closing() == {"site:maker": "-30.000", "transit:maker": "30.000"}
    report = books.loads(load("A") | RECEIPT)
    assert (report.taken, report.completed, report.skipped) == (0, 1, 0)
    assert [event.kind for event in events(books, "A")] == ["dispatched", "decided"]
    assert books.closing() == {"site:cement": "30.000", "site:maker": "-30.000"}
    for again in (load("A"), load("A") | RECEIPT):
        report = books.loads(again)
        assert (report.taken, report.completed, report.skipped) == (0, 0, 1)
    books.check()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_load_is_completed_within_one_file(books: Books, order: tuple[int, int]) -> None:
    rows = [load("A"), load("A") | RECEIPT]
    report = books.loads(*(rows[position] for position in order))
    assert (report.taken, report.skipped) == (1, 1)
    assert header(books, "A").state == "accepted"
    books.check()


def test_loads_of_a_later_month_are_booked_there(books: Books) -> None:
    books.loads(load("A", dispatched_at="2025-12-31T23:00:00+08:00"))
    late = {"received_at": "2026-01-01T01:00:00+08:00", "accepted_t": "30.000"}
    books.loads(load("A", dispatched_at="2025-12-31T23:00:00+08:00") | late)
    row = header(books, "A")
    assert (row.dispatched_month, row.received_month) == (202512, 202601)
    assert books.closing("2025") == {"site:maker": "-30.000", "transit:maker": "30.000"}
    assert books.closing("2026") == {"site:cement": "30.000", "site:maker": "-30.000"}
    books.check()


def test_one_sided_rows_take_the_missing_weight_as_equal(books: Books) -> None:
    receiver = load("R", "", "12.000")
    sender = load("S", "13.000", received_at="2026-03-02T15:00:00+08:00")
    no_time = load("T", "14.000", accepted_t="14.000")
    books.loads(receiver, sender, no_time)
    for doc_no, kg in (("R", 12_000), ("S", 13_000), ("T", 14_000)):
        row = header(books, doc_no)
        assert (row.state, row.dispatched_kg, row.accepted_kg) == ("accepted", kg, kg)
        assert row.evidence >= Evidence.ONE_SIDED
    sent, got = events(books, "T")
    assert sent.at == got.at
    books.check()


def test_dry_basis_is_posted_wet_with_both_masses_kept(books: Books) -> None:
    dry = {"basis": "dry", "moisture_pct": "20", "received_moisture_pct": "25"}
    books.loads(load("A", "24.000", "22.500") | dry)
    row = header(books, "A")
    assert (row.dispatched_kg, row.received_kg) == (30_000, 30_000)
    sent, got = events(books, "A")
    assert (sent.input_kg, sent.dry_kg, got.input_kg, got.dry_kg) == (
        24_000,
        24_000,
        22_500,
        22_500,
    )
    assert row.evidence == Evidence.IMPORTED  # 6.3 % dry: a reason is asked, no dispute
    books.check()


def test_a_gap_of_two_percent_asks_a_reason_and_of_ten_is_disputed(books: Books) -> None:
    report = books.loads(
        load("A", "30.000", "29.400"),
        load("B", "30.000", "29.399"),
        load("C", "30.000", "29.399", reason="含水率"),
        load("D", "30.000", "26.999", reason="含水率"),
        load("E", "30.000", "27.000"),
    )
    assert dict(report.warnings.counts) == {"reason_missing": 2, "weight_disputed": 1}
    assert report.warnings.examples["reason_missing"][0][0] == 3
    grades = {doc: Evidence(header(books, doc).evidence).word for doc in "ABCDE"}
    assert grades == dict.fromkeys("ABCE", "imported") | {"D": "disputed"}
    assert header(books, "D").accepted_kg == 26_999  # the receiver's weight is posted
    books.check()


def test_grades_a_file_may_ask_for(books: Books) -> None:
    report = books.loads(
        load("A", "30.000", "30.000", weighed="estimated"),
        load("B", "30.000", "30.000", evidence="both"),
        load("C", "30.000", "30.000", evidence="estimated"),
        load("D", "30.000", "30.000", evidence="有争议"),
    )
    grades = {doc: Evidence(header(books, doc).evidence).word for doc in "ABCD"}
    assert grades == {"A": "estimated", "B": "imported", "C": "estimated", "D": "disputed"}
    assert dict(report.warnings.counts) == {"evidence_too_good": 1}
    again = load("C", "30.000", "30.000", evidence="imported")
    assert books.codes("shipments", again) == [(2, "doc_no", "doc_no_differs")]
    books.check()


def test_external_firms_stand_outside_the_books(books: Books) -> None:
    away = load("A", "30.000", "29.000", consignee="far", route="plaster")
    books.loads(away, load("B", "20.000", "20.000", consignor="far"))
    flows = books.flows()
    assert flows["transit:maker:far", "outside", "pg/plaster"] == 29_000
    assert flows["outside", "transit:far:cement", "pg/retarder"] == 20_000
    assert not any("site:far" in key[:2] for key in flows)
    books.check()


def test_a_sheet_of_a_day_counts_its_loads(books: Books) -> None:
    books.loads(load("A", "690.000", "690.000", loads="23", mode="road"))
    assert header(books, "A").trips == 23
    (edge,) = books.graph()["edges"]
    assert (edge["source"], edge["target"]) == ("maker", "cement")
    assert (edge["kg"], edge["loads"], edge["accepted_kg"]) == (690_000, 23, 690_000)
    books.check()


def test_equal_loads_under_different_numbers_are_legal(books: Books) -> None:
    assert books.loads(load("A", "30.000", "30.000"), load("B", "30.000", "30.000")).taken == 2
    assert books.flows()["site:maker", "transit:maker:cement", "pg/retarder"] == 60_000


# --- lost, reversed, repeated ------------------------------------------------------------------


def shanghai(*parts: int) -> datetime:
    """A moment in Asia/Shanghai."""
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]


def test_a_lost_load_goes_to_lost(books: Books) -> None:
    books.loads(load("A"))
    done = lose(db=books.db, doc_no="A", reason="翻车", at=shanghai(2026, 4, 1), now=NOW)
    assert done["kg"] == 30_000
    assert books.flows()["transit:maker:cement", "lost", "pg/retarder"] == 30_000
    assert header(books, "A").lost_month == 202604
    assert books.codes("shipments", load("A") | RECEIPT) == [(2, "doc_no", "doc_no_differs")]
    assert books.loads(load("A")).skipped == 1
    with pytest.raises(RuleBroken, match="not in transit"):
        lose(db=books.db, doc_no="A", reason="翻车", at=shanghai(2026, 4, 1), now=NOW)
    reverse(db=books.db, doc_no="A", reason="找到了", now=NOW)
    assert books.flows() == {}
    books.check()


WRONG_LOSSES: list[tuple[dict[str, Any], type[WasteflowError], str]] = [
    ({"doc_no": "B"}, NotFound, "doc_unknown"),
    ({"reason": " "}, RuleBroken, "reason_needed"),
    ({"at": shanghai(2026, 3, 1)}, RuleBroken, "received_before_dispatched"),
    ({"at": shanghai(2027, 1, 1)}, RuleBroken, "future_date"),
    ({"enterprise": "nobody"}, NotFound, "unknown_code"),
    ({"doc_no": "T"}, RuleBroken, "doc_ambiguous"),
    ({"doc_no": "R"}, RuleBroken, "not_in_transit"),
]


def test_losses_that_are_refused(books: Books) -> None:
    books.loads(load("A"), load("T"), load("T", consignor="maker2"), load("R", "1.000", "1.000"))
    asked: dict[str, Any] = {
        "doc_no": "A",
        "reason": "翻车",
        "at": shanghai(2026, 4, 1),
        "now": NOW,
    }
    for change, error, code in WRONG_LOSSES:
        with pytest.raises(error) as caught:
            lose(db=books.db, **(asked | change))
        assert caught.value.code == code, change
    assert not any(key[1] == "lost" for key in books.flows())
    books.check()


def test_a_reversed_load_leaves_nothing_and_returns_as_two(books: Books) -> None:
    books.loads(load("A", "30.000", "29.000", reason="x"), load("B"))
    for doc_no in ("A", "B"):
        reverse(db=books.db, doc_no=doc_no, reason="重复录入", now=NOW)
    assert books.flows() == {}
    assert [event.kind for event in events(books, "A")] == ["dispatched", "decided", "reversed"]
    assert events(books, "A")[-1].reason == "重复录入"
    with pytest.raises(RuleBroken) as caught:
        reverse(db=books.db, doc_no="A", reason="again", now=NOW)
    assert caught.value.code == "already_reversed"
    changed = load("A", "31.000", "31.000")
    assert books.codes("shipments", changed) == [(2, "doc_no", "doc_no_reversed")]
    assert books.codes("shipments", load("B") | RECEIPT) == [(2, "doc_no", "doc_no_reversed")]
    assert books.loads(load("A/2", "31.000", "31.000")).taken == 1
    assert books.flows()["site:maker", "transit:maker:cement", "pg/retarder"] == 31_000
    books.check()


def test_equal_numbers_of_two_firms_need_the_firm(books: Books) -> None:
    books.loads(load("A"), load("A", consignor="maker2"))
    with pytest.raises(RuleBroken) as caught:
        reverse(db=books.db, doc_no="A", reason="x", now=NOW)
    assert caught.value.code == "doc_ambiguous"
    assert "maker2" in str(caught.value)
    reverse(db=books.db, doc_no="A", reason="x", now=NOW, enterprise="maker2")
    assert books.closing() == {"site:maker": "-30.000", "transit:maker": "30.000"}
    books.check()


def test_a_repeated_file_is_skipped_and_counted(books: Books) -> None:
    rows = [
        load("P", "30.000", "20.000", refused_t="10.000"),
        child("P-R", "P", "6.000"),
        child("P-D", "P", "4.000", "redirect", consignee="board", route="plaster"),
        load("T"),
        load("A", "30.000", "30.000"),
    ]
    books.loads(*rows)
    before = books.flows()
    report = books.loads(*reversed(rows))
    assert (report.taken, report.completed, report.skipped) == (0, 0, 5)
    assert books.flows() == before
    assert books.loads(load("A", "30.0", "30"), load("X")).skipped == 1  # the same, written shorter
    books.check()


CHANGES: list[dict[str, str]] = [
    {"dispatched_t": "30.001"},
    {"accepted_t": "29.999"},
    {"received_at": "2026-03-02T15:01:00+08:00"},
    {"dispatched_at": "2026-03-02T08:00:01+08:00"},
    {"vehicle": "云A12345"},
    {"route": "plaster", "consignee": "board"},
    {"material": "slag", "route": "powder"},
    {"mode": "rail"},
    {"remark": "另注"},
    {"loads": "2"},
]


def test_a_conflicting_repeat_is_refused_with_the_way_to_revise(books: Books) -> None:
    first = load("A", "30.000", "30.000")
    books.loads(first)
    for change in CHANGES:
        (issue,) = books.refused("shipments", first | change)
        assert (issue.field, issue.code) == ("doc_no", "doc_no_differs"), change
        assert "wasteflow reverse A --reason" in issue.text("en")
        assert "A/2" in issue.text("zh") and "第 2 行" in issue.text("zh")
        fresh = first | {"doc_no": "B"}
        (issue,) = books.refused("shipments", fresh, fresh | change)
        assert (issue.line, issue.code) == (3, "duplicate_doc_in_file"), change
        assert issue.params["other_line"] == "2"
    books.check()


def test_a_receipt_comes_once(books: Books) -> None:
    late = load("A") | RECEIPT | {"accepted_t": "29.000"}
    assert books.codes("shipments", load("A"), load("A") | RECEIPT, late) == [
        (4, "doc_no", "duplicate_doc_in_file")
    ]
    books.loads(load("A"))
    assert books.codes("shipments", load("A") | RECEIPT, late) == [(3, "doc_no", "doc_no_differs")]
    report = books.loads(load("A") | RECEIPT, load("A") | RECEIPT)
    assert (report.completed, report.skipped) == (1, 1)
    books.check()
