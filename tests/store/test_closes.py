"""Closed months: late records, corrections, reopening, rights, figures and attribution."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, child, entry, load
from tests.store.closed import FIRMS, YEAR, a_spring, balance, close, close_all, late, rates
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.errors import InvalidValue, NotFound, RuleBroken
from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.core.permissions import Denied
from wasteflow.services.booking import open_month
from wasteflow.services.close_rows import list_closes, stored_attribution
from wasteflow.services.closing import close_month, reopen_month
from wasteflow.services.corrections import lose, reverse
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report, flows_report
from wasteflow.services.target_status import targets_report
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import EntryRow, EventRow


def test_a_late_record_keeps_its_month_and_is_booked_in_the_open_one(books: Books) -> None:
    a_spring(books)
    told = close(books, 202602)
    assert told["closed"] == ["2026-01", "2026-02"]
    assert {item["enterprise"] for item in told["firms"]} == {"maker", "maker2", "cement"}
    before = balance(books, 202602), rates(books, 202602)
    books.entries(
        entry("G3", "generation", "7.000", "2026-02-11"),
        entry("G4", "generation", "5.000", "2026-03-11"),
    )
    books.loads(
        load("LATE", "8.000", "8.000", dispatched_at="2026-01-30", received_at="2026-04-02")
    )
    assert late(books) == [(202601, 202603, 8000), (202602, 202603, 7000)]
    assert (balance(books, 202602), rates(books, 202602)) == before
    now = {row["enterprise"]: row for row in balance(books) if row["compartment"] == "site"}
    assert now["maker"]["in"]["generation"] == "212.000"
    with books.db.read() as session:
        months = dict(session.execute(sa.select(EntryRow.doc_no, EntryRow.booked_month)).all())
        events = session.scalars(
            sa.select(EventRow.booked_month).order_by(EventRow.shipment_id, EventRow.seq)
        ).all()
    assert months == {
        "O": 202601, "G1": 202601, "G2": 202602, "U": 202602, "G3": 202603, "G4": 202603,
    }  # fmt: skip
    assert sorted(events) == [202601, 202601, 202602, 202602, 202603, 202603, 202604]
    books.check()


def test_a_correction_of_a_closed_month_is_seen_in_the_open_one(books: Books) -> None:
    a_spring(books)
    close_all(books, 202602)
    shown = balance(books, 202602), rates(books, 202602), rates(books, 202602, "verified")
    for doc_no in ("G1", "L2", "U"):
        reverse(db=books.db, doc_no=doc_no, reason="wrong", now=NOW)
    moment = datetime(2026, 2, 26, 9, tzinfo=SHANGHAI)
    lose(db=books.db, doc_no="ROAD", reason="fell off", at=moment, now=NOW)
    assert {(month, booked) for month, booked, _ in late(books)} == {
        (202601, 202603),
        (202602, 202603),
    }
    assert (
        balance(books, 202602), rates(books, 202602), rates(books, 202602, "verified")
    ) == shown  # fmt: skip
    books.check()
    close_all(books, 202603)
    assert (
        balance(books, 202603)
        == balance_report(db=books.db, period=Period.of(YEAR.first, 202603))["rows"]
    )
    books.check()


def test_what_is_reversed_before_a_close_leaves_nothing_behind(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    empty = books.rollup()
    books.entries(entry("X", "generation", "9.000", "2026-01-11"))
    books.loads(load("Y", "9.000", "9.000", dispatched_at="2026-01-12", received_at="2026-01-12"))
    assert len(late(books)) == 3
    for doc_no in ("X", "Y"):
        reverse(db=books.db, doc_no=doc_no, reason="twice", now=NOW)
    assert (late(books), books.rollup()) == ([], empty)
    books.check()


def test_a_receipt_of_a_closed_month_and_one_that_changes_the_evidence(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    shown = balance(books, 202602)
    row = load("ROAD", "10.000", dispatched_at="2026-02-25")
    books.loads(row | {"received_at": "2026-02-26", "accepted_t": "7.000", "reason": "wet"})
    kilograms = {month: kg for month, _, kg in late(books) if kg > 0}
    assert set(kilograms) == {202602}  # re-keyed as disputed, and accepted
    assert balance(books, 202602) == shown
    books.check()


def test_a_receipt_in_another_month_than_its_dispatch(books: Books) -> None:
    """Late is what is received in a closed month, not what was sent in one."""
    a_spring(books)
    old = load("OLD", "10.000", dispatched_at="2026-01-25")
    new = load("NEW", "11.000", dispatched_at="2026-02-25")
    books.loads(old, new)
    close(books, 202602)
    before, shown = late(books), balance(books, 202602)
    books.loads(new | {"received_at": "2026-03-02", "accepted_t": "11.000"})
    assert late(books) == before
    books.loads(old | {"received_at": "2026-02-02", "accepted_t": "10.000"})
    added = [row for row in late(books) if row not in before]
    assert added == [(202602, 202603, 10_000)]
    assert balance(books, 202602) == shown
    books.check()


def test_asking_to_be_booked_in_a_closed_month_is_refused(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    with pytest.raises(RuleBroken) as caught:
        reverse(db=books.db, doc_no="G1", reason="wrong", now=NOW, asked=202601)
    assert caught.value.code == "month_closed"
    assert caught.value.params["open"] == "2026-03"
    reverse(db=books.db, doc_no="G1", reason="wrong", now=NOW, asked=202603)
    books.check()


def test_the_first_open_month_of_several_firms(books: Books) -> None:
    a_spring(books)
    close(books, 202601, park="park.a")
    close(books, 202603, enterprise="cement")
    with books.db.read() as session:
        keys = load_keys(session)
        ids = {code: keys.id_of("enterprise", code) for code in FIRMS}
        assert open_month(session, [ids["maker"]], 202601) == 202602
        assert open_month(session, [ids["maker"], ids["cement"]], 202601) == 202604
        assert open_month(session, [ids["maker2"]], 202601) == 202602  # below park.a
        assert open_month(session, [ids["board"]], 202601) == 202601
        assert open_month(session, [ids["maker"]], 202607) == 202607
        assert open_month(session, [], 202601) == 202601


def test_a_firm_that_joins_a_park_joins_its_closed_months(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    books.take("enterprises", {"code": "new", "name_zh": "新厂", "park": "park.a.east"})
    books.entries(entry("N", "generation", "5.000", "2026-01-05", enterprise="new"))
    assert late(books) == [(202601, 202603, 5000)]
    close(books, 202603)
    assert [row["month"] for row in list_closes(db=books.db, enterprise="new")] == ["2026-03"]
    books.check()


def test_what_a_close_warns_of(books: Books) -> None:
    a_spring(books)
    books.entries(
        entry("U2", "use", "90.000", "2026-02-16", enterprise="cement", route="retarder"),
        entry("S", "stocktake", "50.000", "2026-02-27", reason="survey", facility="maker.works"),
    )
    codes = {
        (item["code"], item["enterprise"], item.get("month", ""))
        for item in close(books, 202602)["warnings"]
    }
    assert codes == {
        ("close_open_loads", "maker", ""),
        ("close_open_loads", "cement", ""),
        ("close_negative_stock", "cement", "2026-02"),
        ("close_unbalanced", "cement", "2026-02"),
        ("close_unbalanced", "maker", "2026-02"),
    }
    books.check()


def test_what_cannot_be_closed_or_reopened(books: Books) -> None:
    a_spring(books)

    def refused(code: str, call: Any, **options: Any) -> None:
        with pytest.raises((RuleBroken, NotFound)) as caught:
            call(db=books.db, now=NOW, **options)
        assert caught.value.code == code, caught.value

    refused("month_not_over", close_month, month=202611, park="park.a")
    refused("unknown_code", close_month, month=202601, park="park.x")
    refused("unknown_code", close_month, month=202601, enterprise="nobody")
    refused("external_keeps_no_books", close_month, month=202601, enterprise="far")
    refused("close_needs_one", close_month, month=202601)
    close(books, 202602, enterprise="maker")
    refused("month_already_closed", close_month, month=202602, enterprise="maker")
    refused("reason_needed", reopen_month, month=202602, enterprise="maker", reason=" ")
    refused("reopen_later_first", reopen_month, month=202601, enterprise="maker", reason="r")
    refused("month_not_closed", reopen_month, month=202602, enterprise="cement", reason="r")
    close(books, 202603)
    refused("closed_by_park", reopen_month, month=202603, enterprise="maker", reason="r")
    close(books, 202604, enterprise="cement")
    refused("reopen_later_first", reopen_month, month=202603, park="park.a", reason="r")
    books.check()


def test_reopened_the_month_takes_records_again_and_history_stays(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    books.entries(entry("X", "generation", "9.000", "2026-02-11"))
    opened = reopen_month(db=books.db, month=202602, park="park.a", reason="survey", now=NOW)
    assert opened["firms"] == ["cement", "maker", "maker2"]
    books.entries(entry("Y", "generation", "4.000", "2026-02-12"))
    assert late(books) == [(202602, 202603, 9000)]
    # X is booked in March, so its reversal is not booked before it although February is open.
    reverse(db=books.db, doc_no="X", reason="twice", now=NOW)
    assert late(books) == []
    reverse(db=books.db, doc_no="L1", reason="twice", now=NOW)  # January is still closed
    assert {(month, booked) for month, booked, _ in late(books)} == {(202601, 202602)}
    books.check()
    close(books, 202602)
    books.check()
    rows = list_closes(db=books.db, park="park.a", history=True)
    assert [(row["month"], row["take"], bool(row["reopened_at"])) for row in rows] == [
        ("2026-01", 1, False),
        ("2026-02", 1, True),
        ("2026-02", 2, False),
    ]
    assert rows[1]["reopened_reason"] == "survey"


def test_the_last_month_of_an_act_opened_again_leaves_the_others_proved(books: Books) -> None:
    a_spring(books)
    close(books, 202603)
    books.entries(entry("X", "generation", "9.000", "2026-02-11"))
    books.check()
    reopen_month(db=books.db, month=202603, park="park.a", reason="survey", now=NOW)
    books.check()
    books.entries(entry("Y", "generation", "7.000", "2026-03-11"))
    books.check()
    close(books, 202603)
    books.check()


def test_who_may_close_and_reopen(books: Books) -> None:
    a_spring(books)

    def actor(role: Role, organisation: str) -> Actor:
        return Actor(7, "wang", "Wang", (Membership(role, organisation),))

    admin = actor(Role.ENTERPRISE_ADMIN, "maker")
    for who in (
        actor(Role.OPERATOR, "maker"),
        actor(Role.ENTERPRISE_ADMIN, "cement"),
        actor(Role.PARK_MANAGER, "park.b"),
        actor(Role.PLANNER, "530100"),
    ):
        with pytest.raises(Denied):
            close(books, 202601, enterprise="maker", actor=who)
    with pytest.raises(Denied):
        close(books, 202601, park="park.a", actor=admin)
    close(books, 202601, enterprise="maker", actor=admin, reason="month's end")
    (row,) = list_closes(db=books.db, enterprise="maker")
    assert (row["closed_by"], row["reason"]) == ("wang", "month's end")
    with pytest.raises(Denied):
        reopen_month(
            db=books.db, month=202601, enterprise="maker", reason="r", now=NOW, actor=admin
        )
    manager = actor(Role.PARK_MANAGER, "park.a")
    reopen_month(db=books.db, month=202601, enterprise="maker", reason="r", now=NOW, actor=manager)
    close(books, 202601, park="park.a.east", actor=manager)
    books.check()


def test_the_stored_figures_and_attribution(books: Books) -> None:
    """January: 100 t and 50 t of 2024; 30 t to the kiln, of them a third of the old stock."""
    a_spring(books)
    close_all(books, 202601)
    (row,) = list_closes(db=books.db, enterprise="maker", figures=True)
    figures = row["figures"]["month"]["pg"]
    assert figures["declared"]["generated_t"] == "100.000"
    assert figures["declared"]["utilised_t"] == "30.000"
    assert figures["declared"]["utilised_prior_t"] == "10.000"
    assert figures["verified"]["utilised_t"] == "0.000"
    (site,) = (line for line in row["figures"]["balance"] if line["compartment"] == "site")
    assert (site["opening_t"], site["closing_t"]) == ("50.000", "120.000")

    def told() -> dict[tuple[str, Any, str, str], str]:
        found = stored_attribution(db=books.db, enterprise="maker")
        return {
            (i["month"], i["year_generated"], i["basis"], i["fate"]): i["tonnes"] for i in found
        }

    january = told()
    assert january == {
        ("2026-01", 2024, "declared", "utilised"): "10.000",
        ("2026-01", 2026, "declared", "utilised"): "20.000",
    }
    close_all(books, 202602)
    february = told()
    assert {key: february[key] for key in january} == january
    used = {key: tonnes for key, tonnes in february.items() if key[2:] == ("verified", "utilised")}
    assert sum(float(tonnes) for tonnes in used.values()) == 20.0
    reverse(db=books.db, doc_no="L1", reason="never left", now=NOW)
    books.check()
    assert told() == february
    close_all(books, 202603)
    books.check()
    after = stored_attribution(db=books.db, enterprise="maker", month=202601)
    assert after == []  # taken back by the close of March, which booked the reversal


def test_reports_of_a_month_are_cut_there_and_say_who_has_not_closed(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    books.loads(load("B", "2.000", "2.000", consignee="board", route="plaster"))
    report = rates_report(
        db=books.db, period=Period.parse("2026"), by="enterprise", as_of=202602, material="pg"
    )
    assert report["period"] == "2026-01..2026-02"
    assert report["as_reported"] == {
        "month": "2026-02", "not_closed": [], "changed_since": False,
    }  # fmt: skip
    later = rates_report(db=books.db, period=Period.parse("2026"), by="enterprise", as_of=202603)
    assert later["as_reported"]["not_closed"] == ["board", "cement", "maker"]
    assert later["total"]["notes"][-1] == "month_not_closed_by_all"
    flows = flows_report(db=books.db, period=Period.parse("2026"), as_of=202602)
    assert (flows["period"], len(flows["edges"])) == ("2026-01..2026-02", 3)
    assert "as_reported" not in rates_report(db=books.db, period=Period.parse("2026"))
    assert targets_report(db=books.db, reported_to=202602)["as_of"] == "2026-02"
    with pytest.raises(InvalidValue) as caught:
        balance_report(db=books.db, period=Period.parse("2026-05"), as_of=202602)
    assert caught.value.code == "as_of_before_period"


def test_a_child_of_a_refused_part_in_a_closed_month(books: Books) -> None:
    books.entries(entry("G", "generation", "90.000", "2026-03-01"))
    books.loads(load("P", "30.000", "20.000", refused_t="10.000"))
    close_all(books, 202603)
    shown = balance(books, 202603)
    books.loads(child("R", "P", "6.000"))
    assert {(month, booked) for month, booked, _ in late(books)} == {(202603, 202604)}
    assert balance(books, 202603) == shown
    books.check()
