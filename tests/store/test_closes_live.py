"""Live loads in closed months: revisions, settlements, annulments keep what was reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.books import Books, entry, load
from tests.store.closed import balance, late, rates
from tests.store.live import CEMENT, MAKER, PARK, Gate
from wasteflow.services.checking import check_books
from wasteflow.services.closing import close_month, reopen_month

MARCH = datetime(2026, 3, 10, 4, tzinfo=UTC)
MAY = datetime(2026, 5, 10, 4, tzinfo=UTC)


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services in March; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books, MARCH)


def closed_through_march(gate: Gate) -> Any:
    """April has come and March is closed by everybody: what is reported then."""
    gate.now = MAY
    for park in ("park.a", "park.b"):
        close_month(db=gate.books.db, park=park, month=202603, now=gate.now)
    return reported(gate)


def reported(gate: Gate) -> Any:
    """Balance and rates as of March."""
    books = gate.books
    return balance(books, 202603), rates(books, 202603), rates(books, 202603, "verified")


def sound(gate: Gate) -> None:
    """The books prove in full."""
    assert check_books(db=gate.books.db, full=True).faults == []


def test_a_revision_is_booked_in_the_open_month_in_its_own(gate: Gate) -> None:
    uid = gate.decided("29.500")
    shown = closed_through_march(gate)
    assert late(gate.books) == []
    revision = gate.revise(
        CEMENT, uid, accepted_t="28.000", received_t="28.000", material="slag", route="powder"
    )
    gate.answer("approve", MAKER, revision)
    assert {(month, booked) for month, booked, _ in late(gate.books)} == {(202603, 202604)}
    assert reported(gate) == shown
    assert gate.see(uid)["accepted_t"] == "28.000"
    assert gate.books.flows()["site:maker", "transit:maker:cement", "slag/powder"] == 30_000
    sound(gate)
    back = gate.revise(MAKER, uid, material="pg", route="retarder")
    gate.answer("approve", CEMENT, back)
    assert reported(gate) == shown
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, annul=True))
    assert reported(gate) == shown
    assert gate.books.flows() == {("opening::", "site:maker", "pg/"): 900_000}
    sound(gate)


def test_a_dispatch_moved_out_of_a_closed_month_and_back(gate: Gate) -> None:
    gate.decided("29.500")
    uid = gate.on_road()
    shown = closed_through_march(gate)
    gate.revise(MAKER, uid, dispatched_at="2026-04-02T08:00")  # nobody else has signed: at once
    assert reported(gate) == shown
    sound(gate)
    gate.revise(MAKER, uid, dispatched_at="2026-03-09T08:00")
    assert reported(gate) == shown
    gate.act("decide", CEMENT, uid, received_t="30.000", refused_t="0.000")
    sound(gate)


def test_a_dispute_settled_after_the_close(gate: Gate) -> None:
    uid = gate.decided("20.000")
    shown = closed_through_march(gate)
    gate.act("contest", MAKER, uid, reason="磅不准")
    gate.act("settle", PARK, uid, agreed_t="27.000", reason="复磅")
    assert reported(gate) == shown
    assert {booked for _, booked, _ in late(gate.books)} == {202604}
    sound(gate)


def test_opened_again_nothing_is_booked_before_what_it_changes(gate: Gate) -> None:
    uid = gate.decided("29.500")
    closed_through_march(gate)
    revision = gate.revise(CEMENT, uid, material="slag", route="powder")
    gate.answer("approve", MAKER, revision)
    for park in ("park.a", "park.b"):
        reopen_month(db=gate.books.db, park=park, month=202603, reason="survey", now=gate.now)
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, annul=True))
    rows = balance(gate.books, 202603)
    kilograms = [kg for row in rows for side in ("in", "out") for kg in row[side].values()]
    assert all(not kg.startswith("-") for kg in kilograms)
    sound(gate)
    shown = closed_through_march(gate)
    gate.books.loads(load("F", "30.000", "30.000"))
    assert reported(gate) == shown
    sound(gate)
