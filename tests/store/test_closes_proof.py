"""What `check` and `db rebuild` make of closed months that were changed behind the program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from tests.store.books import Books, entry
from tests.store.closed import a_spring, balance, close, close_all, late
from wasteflow.services.checking import check_books
from wasteflow.services.rebuilding import rebuild_rollup
from wasteflow_models.closes import AttributionMonthRow, FlowLateRow, MonthCloseRow
from wasteflow_models.ledger import EntryRow, EventRow

TAMPERED = (
    (FlowLateRow, {"kg": FlowLateRow.kg + 1}, "late_mismatch"),
    (FlowLateRow, {"booked_month": 202604}, "late_mismatch"),
    (MonthCloseRow, {"digest": "0" * 64}, "close_mismatch"),
    (MonthCloseRow, {"month": 202512}, "close_order"),
    (AttributionMonthRow, {"kg": AttributionMonthRow.kg + 1}, "close_attribution"),
    (AttributionMonthRow, {"close_id": 999}, "close_attribution"),
)


def test_check_names_what_was_changed_behind_the_program(books: Books) -> None:
    a_spring(books)
    close_all(books, 202602)
    books.entries(entry("X", "generation", "9.000", "2026-02-11"))
    books.check()
    for table, values, code in TAMPERED:
        with books.db.write() as session:
            key = sa.inspect(table, raiseerr=True).primary_key  # type: ignore[attr-defined]
            first = session.execute(sa.select(*key).order_by(*key).limit(1)).one()
            where = [column == value for column, value in zip(key, first, strict=True)]
            old = session.execute(sa.select(table.__table__).where(*where)).mappings().one()
            session.execute(sa.update(table).where(*where).values(values))
        codes = {fault.code for fault in check_books(db=books.db).faults}
        assert code in codes, (table, values, codes)
        with books.db.write() as session:
            session.execute(sa.delete(table).where(*_now(table, key, first, values)))
            session.execute(sa.insert(table), [dict(old)])
    with books.db.write() as session:
        row = session.scalars(
            sa.select(MonthCloseRow)
            .where(MonthCloseRow.kind == "enterprise", MonthCloseRow.figures.contains("100.000"))
            .order_by(MonthCloseRow.id)
        ).first()
        assert row is not None
        row.figures = json.dumps(json.loads(row.figures.replace("100.000", "101.000")))
    assert "close_figures" in {fault.code for fault in check_books(db=books.db).faults}


def _now(table: Any, key: Any, first: Any, values: Any) -> Iterator[Any]:
    """Where the changed row is found now."""
    for column, value in zip(key, first, strict=True):
        yield column == values.get(column.name, value)


def test_a_booked_month_that_no_close_explains_is_named(books: Books) -> None:
    a_spring(books)
    for table, code in ((EntryRow, "booking_month"), (EventRow, "booking_month")):
        with books.db.write() as session:
            session.execute(sa.update(table).values(booked_month=table.booked_month + 5))
        assert {fault.code for fault in check_books(db=books.db).faults} == {code}
        with books.db.write() as session:
            session.execute(sa.update(table).values(booked_month=table.booked_month - 5))
    books.check()


def test_rebuilding_makes_the_late_rows_anew(books: Books) -> None:
    a_spring(books)
    close(books, 202602)
    books.entries(entry("X", "generation", "9.000", "2026-02-11"))
    kept = late(books), balance(books, 202602)
    with books.db.write() as session:
        session.execute(sa.delete(FlowLateRow))
    assert rebuild_rollup(db=books.db).mended == 1
    assert (late(books), balance(books, 202602)) == kept
    books.check()
