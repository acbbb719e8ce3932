"""Closing months in tests, and what is reported of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tests.store.books import NOW, Books, entry, load
from wasteflow.core.periods import Period
from wasteflow.services.closing import close_month
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report
from wasteflow_models.closes import FlowLateRow

FIRMS = ("maker", "maker2", "cement", "board", "trader")
YEAR = Period.parse("2025-11..2026-10")


def close(books: Books, month: int, **options: Any) -> dict[str, Any]:
    """Close a month of park.a, or of whom `options` name."""
    who = options if {"enterprise", "park"} & options.keys() else {"park": "park.a", **options}
    return close_month(db=books.db, month=month, now=NOW, **who)


def close_all(books: Books, month: int) -> None:
    """Close a month of both parks, hence of every firm."""
    for park in ("park.a", "park.b"):
        close(books, month, park=park)


def balance(books: Books, as_of: int = 0, scope: str = "all") -> Any:
    """Balance rows as of a month."""
    period = Period.of(YEAR.first, as_of or YEAR.last)
    return balance_report(db=books.db, period=period, scope=scope, as_of=as_of)["rows"]


def rates(books: Books, as_of: int = 0, basis: str = "declared", **options: Any) -> Any:
    """Rates by firm and material as of a month, and their total."""
    period = options.pop("period", YEAR)
    report = rates_report(
        db=books.db, period=period, basis=basis, by="enterprise,material", as_of=as_of, **options
    )
    return report["rows"], report["total"]


def late(books: Books) -> list[tuple[int, int, int]]:
    """(month, booked month, kg) of the late rows."""
    row = FlowLateRow
    with books.db.read() as session:
        query = sa.select(row.month, row.booked_month, row.kg)
        return sorted((m, b, kg) for m, b, kg in session.execute(query))


def a_spring(books: Books) -> None:
    """January to March: generation, two loads to the kiln and its use."""
    books.entries(
        entry(
            "O", "opening", "50.000", "2026-01-01", year_generated="2024", facility="maker.works"
        ),
        entry("G1", "generation", "100.000", "2026-01-10"),
        entry("G2", "generation", "100.000", "2026-02-10"),
        entry("U", "use", "20.000", "2026-02-15", enterprise="cement", route="retarder"),
    )
    books.loads(
        load("L1", "30.000", "30.000", dispatched_at="2026-01-20", received_at="2026-01-20"),
        load("L2", "30.000", "29.000", dispatched_at="2026-02-20", received_at="2026-03-02"),
        load("ROAD", "10.000", dispatched_at="2026-02-25"),
    )
