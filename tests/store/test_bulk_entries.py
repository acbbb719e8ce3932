"""Entries in columns and entries row by row leave the same books, and refuse the same files."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.books import NOW, Books, entry, write_rows
from tests.store.closed import close
from tests.store.test_staging import twin
from wasteflow import jobs
from wasteflow.core.errors import RowsRefused
from wasteflow.jobs import import_file
from wasteflow.services.entry_bulk import record_entry_columns
from wasteflow_models.ledger import EntryRow

__all__ = ["twin"]

TABLES = ("entry", "flow_month", "flow_part", "flow_late", "rollup_month", "place")
ROWS = st.fixed_dictionaries(
    {
        "doc_no": st.sampled_from([f"E{number}" for number in range(1, 40)]),
        "enterprise": st.sampled_from(["maker", "maker", "磷化工厂", "maker2", "cement"]),
        "date": st.sampled_from(["2026-01-31", "2026-03-01", "2026-03-02", "2026-04-30"]),
        "tonnes": st.sampled_from(["1.000", "2.5", "12.345", "1,000.5"]),
        "weighed": st.sampled_from(["", "", "estimated"]),
        "remark": st.sampled_from(["", "synthetic", "夜班"]),
        "handler": st.sampled_from(["", "张三"]),
    }
)
MOVES = st.sampled_from(
    [
        {"kind": "generation"},
        {"kind": "generation", "from_use": "是"},
        {"kind": "to_yard"},
        {"kind": "from_yard", "facility": "maker.works", "enterprise": "maker"},
        {"kind": "use", "route": "retarder"},
        {"kind": "use", "route": "plaster", "moisture_pct": "20", "basis": "dry"},
        {"kind": "disposal", "route": "fill", "moisture_pct": "12.5"},
        {"kind": "dumping", "material": "slag"},
        {"kind": "opening", "date": "2026-01-01", "year_generated": "2020"},
        {"kind": "opening", "date": "2026-01-01", "facility": "maker.works", "enterprise": "maker"},
        {"kind": "stocktake", "reason": "survey", "tonnes": "0"},
        {"kind": "stocktake", "reason": "失水", "facility": "maker.works", "enterprise": "maker"},
    ]
)
FAULTS = st.sampled_from(
    [
        {},
        {"tonnes": "0"},
        {"tonnes": "-1"},
        {"tonnes": "many"},
        {"date": "2031-01-01"},
        {"kind": "use", "route": ""},
        {"kind": "use", "route": "fill"},
        {"kind": "opening", "date": "2026-04-01"},
        {"enterprise": "nobody"},
        {"generator": "maker2", "kind": "generation"},
        {"basis": "dry", "moisture_pct": ""},
        {"doc_no": "E1"},
    ]
)
SOUND = st.builds(lambda row, move: {**row, **move}, ROWS, MOVES)
FILES = st.lists(SOUND, min_size=1, max_size=9)


def taken(books: Books, rows: list[dict[str, str]], *, columns: bool) -> Any:
    """What an import says: its counts and warnings, or the issues."""
    books.files += 1
    path = write_rows(books.folder / f"entries-{books.files}.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "COLUMNS_BYTES", 0 if columns else 2**40)
        try:
            report = import_file(db=books.db, kind="entries", path=path, now=NOW).report
        except RowsRefused as error:
            return [(item.line, item.field, item.value, item.code) for item in error.issues]
    return report.as_dict()


def content(books: Books) -> dict[str, Any]:
    """Every column of every entry but its public id and batch, and the roll-up."""
    with books.db.read() as session:
        own = [c for c in EntryRow.__table__.c if c.name not in ("uid", "batch_id")]
        rows = [tuple(row) for row in session.execute(sa.select(*own).order_by(EntryRow.id))]
        late = sa.text("SELECT month, booked_month, kg, n FROM flow_late ORDER BY 1, 2, 3, 4")
        booked = [tuple(row) for row in session.execute(late)]
    return {"entries": rows, "rollup": books.rollup(), "late": booked}


def wipe(books: Books) -> None:
    """Take every entry out."""
    with books.db.write() as session:
        for table in TABLES:
            session.execute(sa.text(f'DELETE FROM "{table}"'))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(FILES, FILES, FAULTS)
def test_columns_and_rows_leave_the_same_books(
    books: Books,
    twin: Books,
    first: list[dict[str, str]],
    second: list[dict[str, str]],
    fault: dict[str, str],
) -> None:
    """Two files after each other, the second with the first in it and perhaps something wrong."""
    wipe(books)
    wipe(twin)
    again = [*first, *second]
    again[-1] = again[-1] | fault
    for rows in (first, again):
        given_rows = [entry("x", "generation", "1") | row for row in rows]
        while given_rows:
            found = taken(books, given_rows, columns=True)
            assert found == taken(twin, given_rows, columns=False)
            if not isinstance(found, list):
                break
            bad = {line for line, *_ in found}
            given_rows = [row for at, row in enumerate(given_rows, 2) if at not in bad]
        assert content(books) == content(twin)
    assert books.check().findings == twin.check().findings


SPRING = [
    entry("O", "opening", "500.000", "2026-01-01", year_generated="2020", generator="maker2"),
    entry("O2", "opening", "90.000", "2026-01-01", facility="maker.works"),
    *(entry(f"G{day}", "generation", "8.000", f"2026-02-{day:02}") for day in range(1, 9)),
    entry("S", "stocktake", "480.000", "2026-02-20", reason="moisture"),
]


def test_a_closed_month_books_both_alike(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes for a closed month is booked in the first open one; a repeated row is passed."""
    lanes: list[bool] = []

    def noted(**options: Any) -> Any:
        report = record_entry_columns(**options)
        lanes.append(report is not None)
        return report

    monkeypatch.setattr("wasteflow.services.entry_bulk.record_entry_columns", noted)
    late = [
        entry("L1", "use", "3.000", "2026-02-03", route="retarder", remark="补记"),
        entry("L2", "to_yard", "2.000", "2026-04-03", enterprise="maker2"),
        entry("L3", "stocktake", "470.000", "2026-02-28", reason="survey"),
        *SPRING[2:5],
    ]
    found = []
    for ledger, columns in ((books, True), (twin, False)):
        told = [taken(ledger, SPRING, columns=columns)]
        close(ledger, 202601)
        close(ledger, 202602)
        told.append(taken(ledger, late, columns=columns))
        found.append(told)
    assert lanes == [True, True]
    assert found[0] == found[1]
    assert found[0][1]["taken"] == 3 and found[0][1]["skipped"] == 3
    assert content(books) == content(twin)
    assert content(books)["late"]
    books.check()


def test_a_dry_run_of_columns_writes_nothing(books: Books) -> None:
    path = write_rows(books.folder / "dry.csv", SPRING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "COLUMNS_BYTES", 0)
        done = import_file(db=books.db, kind="entries", path=path, now=NOW, dry_run=True)
    assert (done.report.taken, done.report.dry_run) == (len(SPRING), True)
    assert content(books) == {"entries": [], "rollup": {}, "late": []}
