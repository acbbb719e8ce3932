"""What was reported at a close comes out again, to the kilogram, whatever follows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from tests.store.books import NOW, Books, entry, load
from tests.store.closed import FIRMS, a_spring, balance, close, close_all, late, rates
from tests.store.test_laws import day, random_rows, shuffled, tonnes
from wasteflow.core.errors import NotFound, RowsRefused, RuleBroken
from wasteflow.core.periods import SHANGHAI
from wasteflow.core.tracing.monthly import ClosedMonth, attribution_months
from wasteflow.services import close_figures
from wasteflow.services.checking import check_books
from wasteflow.services.close_figures import FirmClose, firm_closes
from wasteflow.services.close_rows import list_closes
from wasteflow.services.closing import reopen_month
from wasteflow.services.corrections import lose, reverse
from wasteflow.services.tracing import forget_chains
from wasteflow_models.convert import load_keys


def test_thousands_of_late_rows(books: Books) -> None:
    """A file of more than one chunk's worth for a closed half-year."""
    dice = random.Random(7)
    books.entries(entry("G", "generation", "90000.000", "2026-01-05"))
    close_all(books, 202603)
    shown = balance(books, 202603), rates(books, 202603)
    rows = [
        load(
            f"N{number}", tonnes(dice, 20_000, 34_000), "19.000",
            dispatched_at=day(dice), received_at="2026-05-02", reason="dry",
        )
        for number in range(4_000)
    ]  # fmt: skip
    rows = [row | {"dispatched_at": row["dispatched_at"].replace("2025", "2026")} for row in rows]
    rows = [row for row in rows if row["dispatched_at"] < "2026-05"]
    books.loads(*rows)
    assert sum(kg for *_, kg in late(books)) > 20_000_000
    assert (balance(books, 202603), rates(books, 202603)) == shown
    books.check()


def test_a_close_goes_on_from_the_months_that_did_not_change(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of whatever month they were traced; what comes out is what a fresh process computes."""
    gone_on: list[int] = []

    def told(*given: Any, after: ClosedMonth | None = None) -> Iterator[ClosedMonth]:
        gone_on.append(after.month if after else 0)
        return attribution_months(*given, after=after)

    def closes(through: int) -> list[FirmClose]:
        gone_on.clear()
        wanted = {firm: [through] for firm in FIRMS}
        with books.db.read() as session:
            return firm_closes(session, load_keys(session), wanted, through)

    monkeypatch.setattr(close_figures, "attribution_months", told)
    a_spring(books)
    forget_chains()
    march = closes(202603)
    assert set(gone_on) == {0}
    books.entries(entry("A", "generation", "7.001", "2026-04-03"))
    books.loads(
        load("L4", "30.003", "29.997", dispatched_at="2026-04-05", received_at="2026-04-05")
    )
    assert closes(202603) == march
    april = closes(202604)
    assert set(gone_on) == {202603}
    books.entries(entry("A3", "generation", "5.003", "2026-03-03"))
    assert closes(202604) != april and set(gone_on) == {202602}
    close_all(books, 202603)
    books.loads(load("L5", "3.003", "2.997", dispatched_at="2026-02-05", received_at="2026-02-05"))
    for month in (202602, 202603, 202604):
        kept = closes(month)
        forget_chains()
        assert closes(month) == kept and set(gone_on) == {0}
    books.check()


@dataclass(slots=True)
class Told:
    """What was reported when a month was closed, by (firm, month) and by month of all firms."""

    firms: dict[tuple[str, int], Any] = field(default_factory=dict)
    everybody: dict[int, Any] = field(default_factory=dict)


def report_of(books: Books, month: int) -> Any:
    """Everything that is reported of a month when all firms have closed it."""
    return [
        balance(books, month),
        rates(books, month, "declared"),
        rates(books, month, "verified"),
        rates(books, month, "territorial"),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_reported_at_a_close_is_reported_for_good(books: Books, seed: int) -> None:
    """Random records, receipts, corrections, losses, closes and reopenings in any order."""
    dice = random.Random(seed)
    entries, loads = random_rows(dice, 40)
    pieces = shuffled(dice, entries, loads, 6)
    pieces.sort(
        key=lambda piece: any(row.get("kind") == "opening" for row in piece[1]), reverse=True
    )
    told, done = Told(), [row["doc_no"] for row in loads if not row.get("parent_doc_no")]
    month = 202511
    for kind, rows in pieces:
        _take(books, kind, rows)
        for _ in range(2):
            act = dice.random()
            if act < 0.35:
                _close_some(books, dice, told)
            elif act < 0.5:
                month = max(month, dice.choice((202512, 202601, 202602)))
                _close_everybody(books, told, month)
            elif act < 0.6:
                _reopen_some(books, dice, told)
            else:
                _correct(books, dice, done)
    assert check_books(db=books.db, full=True).faults == []
    for (firm, at), reported in told.firms.items():
        assert balance(books, at, f"enterprise:{firm}") == reported, (firm, at)
    for at, reported in told.everybody.items():
        assert report_of(books, at) == reported, at
    assert told.firms


def _take(books: Books, kind: str, rows: list[dict[str, str]]) -> None:
    """Import the rows; children that their parents do not allow (any more) are left out."""
    try:
        books.take(kind, *rows)
    except RowsRefused as error:
        assert {issue.field for issue in error.issues} <= {"parent_doc_no", "dispatched_at"}
        gone = {rows[issue.line - 2]["doc_no"] for issue in error.issues}
        _take(books, kind, [row for row in rows if row["doc_no"] not in gone])


def _close_some(books: Books, dice: random.Random, told: Told) -> None:
    firm, month = dice.choice(FIRMS), dice.choice((202512, 202601, 202602, 202603))
    try:
        close(books, month, enterprise=firm)
    except RuleBroken as error:
        assert error.code == "month_already_closed"
        return
    told.firms[firm, month] = balance(books, month, f"enterprise:{firm}")


def _close_everybody(books: Books, told: Told, month: int) -> None:
    for park in ("park.a", "park.b"):
        try:
            close(books, month, park=park)
        except RuleBroken as error:
            assert error.code == "month_already_closed"
    told.everybody[month] = report_of(books, month)
    for firm in FIRMS:
        told.firms[firm, month] = balance(books, month, f"enterprise:{firm}")


def _reopen_some(books: Books, dice: random.Random, told: Told) -> None:
    firm = dice.choice(FIRMS)
    rows = list_closes(db=books.db, enterprise=firm)
    if not rows:
        return
    month = int(rows[-1]["month"].replace("-", ""))
    try:
        reopen_month(db=books.db, month=month, enterprise=firm, reason="survey", now=NOW)
    except RuleBroken as error:
        assert error.code == "closed_by_park"
        return
    told.firms.pop((firm, month), None)


def _correct(books: Books, dice: random.Random, done: list[str]) -> None:
    doc_no = dice.choice(done)
    moment = datetime(2026, 4, 30, 9, tzinfo=SHANGHAI)
    try:
        if dice.random() < 0.3:
            lose(db=books.db, doc_no=doc_no, reason="fell off", at=moment, now=NOW)
        else:
            reverse(db=books.db, doc_no=doc_no, reason="wrong", now=NOW)
    except (RuleBroken, NotFound) as error:
        known = ("doc_unknown", "already_reversed", "cannot_reverse_children", "not_in_transit")
        assert error.code in known
