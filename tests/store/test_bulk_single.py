"""The law of the two lanes: columns in chunks and rows one by one leave the same database.

`tests/test_load_columns.py` holds that both judge alike; here the books they leave are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.store.books import NOW, Books, load, write_rows
from tests.store.test_staging import content, take, twin
from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.load_files import Import, import_loads
from wasteflow.schemas.cells import Table
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import load_rows
from wasteflow.services import load_ready as service
from wasteflow.services.load_columns import CheckedChunk, checked_chunks
from wasteflow.services.load_convert import batch_of
from wasteflow.services.load_rows import CheckedLoad, LoadChecker
from wasteflow.services.outcome import ImportReport, Row, Warnings
from wasteflow_models.convert import Keys

__all__ = ["twin"]

TABLES = (
    *("event", "load_child", "load_number", "sender", "shipment", "staged", "flow_part"),
    *("flow_month", "rollup_month", "place", "load_apart", "carrier_month"),
)

ROWS = st.fixed_dictionaries(
    {
        "doc_no": st.sampled_from(["L1", "L2", "L3", "L4", "L5", "L6"]),
        "consignee": st.sampled_from(["cement", "board", "far", "trader"]),
        "route": st.sampled_from(["retarder", "plaster", "trade"]),
        "dispatched_at": st.sampled_from(["2026-02-28", "2026-03-02T08:00:00+08:00"]),
        "dispatched_t": st.sampled_from(["30.000", "31.5", "0", "90"]),
        "basis": st.sampled_from(["", "", "", "dry"]),
        "moisture_pct": st.sampled_from(["", "20"]),
        "received_at": st.sampled_from(["", "2026-03-02T15:00:00+08:00"]),
        "received_t": st.sampled_from(["", "", "30.000", "26"]),
        "accepted_t": st.sampled_from(["", "20.000", "30.000"]),
        "refused_t": st.sampled_from(["", "", "10.000"]),
        "ticket_no": st.sampled_from(["", "W1"]),
        "weighed": st.sampled_from(["", "estimated"]),
        "loads": st.sampled_from(["", "2"]),
        "carrier": st.sampled_from(["", "快运", "慢运"]),
        "evidence": st.sampled_from(["", "disputed", "both"]),
    }
)
CHILDREN = st.fixed_dictionaries(
    {
        "doc_no": st.sampled_from(["C1", "C2"]),
        "parent_doc_no": st.sampled_from(["L1", "L2", "C1"]),
        "kind": st.sampled_from(["return", "redirect"]),
        "consignor": st.sampled_from(["cement", "maker"]),
        "consignee": st.sampled_from(["maker", "board"]),
        "route": st.sampled_from(["retarder", "plaster"]),
        "dispatched_at": st.just("2026-03-03"),
        "dispatched_t": st.sampled_from(["4.000", "12.000"]),
        "accepted_t": st.sampled_from(["", "4.000"]),
    }
)


def one_by_one(
    chunks: Iterable[TextChunk], keys: Keys, clock: Clock, round_kg: bool, warnings: Warnings
) -> Iterator[CheckedChunk]:
    """Every row through the single-record schema and checker, as one chunk."""
    checker = LoadChecker(keys.registry, warnings, signer=clock.signer)
    good: list[CheckedLoad] = []
    issues: list[RowIssue] = []
    for chunk in chunks:
        cells = [["" if cell is None else cell for cell in row] for row in chunk.frame.iter_rows()]
        table = Table(
            tuple(chunk.frame.columns), list(zip(chunk.lines.tolist(), cells, strict=True))
        )
        parsed = load_rows("shipments", table, today=clock.today, now=clock.now)
        issues += [*chunk.issues, *parsed.issues]
        for row in parsed.rows:
            checked = checker.check(Row(row.line, row.values))
            if isinstance(checked, RowIssue):
                issues.append(checked)
            else:
                good.append(checked)
    yield CheckedChunk(len(good), batch_of([], keys), good, issues, 0, parsed.rounded_kg)


def outcome(books: Books, rows: list[dict[str, str]], chunk_rows: int, signer: str = "") -> object:
    """What an import says: its report, or the issues."""
    try:
        return counts(take(books, *rows, chunk_rows=chunk_rows, signer=signer))
    except RowsRefused as error:
        return [(item.line, item.field, item.value, item.code) for item in error.issues]


def counts(report: ImportReport) -> dict[str, object]:
    """A report without the number of rows that passed the schema alone."""
    return {key: value for key, value in report.as_dict().items() if key != "rows"}


def wipe(books: Books) -> None:
    """Take every load out."""
    with books.db.write() as session:
        for table in TABLES:
            session.execute(text(f'DELETE FROM "{table}"'))


@settings(
    max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.one_of(ROWS, ROWS, CHILDREN), min_size=1, max_size=9),
    st.lists(ROWS, max_size=3),
    st.sampled_from((1, 2, 4)),
    st.sampled_from((("", ""), ("maker", "cement"), ("cement", "maker"), ("", "maker"))),
)
def test_both_lanes_leave_the_same_books(
    books: Books,
    twin: Books,
    first: list[dict[str, str]],
    second: list[dict[str, str]],
    chunk_rows: int,
    signers: tuple[str, str],
) -> None:
    """Two files after each other; rows that are refused are left out and the file sent again."""
    wipe(books)
    wipe(twin)
    for rows, signer in zip((first, [*first[:2], *second]), signers, strict=True):
        given_rows = [load("x") | row for row in rows]
        while given_rows:
            with pytest.MonkeyPatch.context() as patch:  # short files go through the columns too
                patch.setattr(service, "checked_chunks", partial(checked_chunks, few=0))
                in_columns = outcome(books, given_rows, chunk_rows, signer)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(service, "checked_chunks", one_by_one)
                single = outcome(twin, given_rows, 50_000, signer)
            assert in_columns == single
            if not isinstance(in_columns, list):
                break
            bad = {line for line, *_ in in_columns}
            given_rows = [row for at, row in enumerate(given_rows, 2) if at not in bad]
        assert content(books) == content(twin)
    assert books.check().findings == twin.check().findings


def test_the_first_line_of_a_number_counts_whichever_lane_it_takes(books: Books) -> None:
    """A dry row goes one by one, the plain one behind it in columns; the plain one is refused."""
    rows = [load(f"P{number}", "30.000", "30.000") for number in range(70)]
    dry = load("TWICE", "24.000", "24.000", basis="dry", moisture_pct="20")
    rows[60:60] = [dry, load("TWICE", "30.000", "30.000")]
    found = outcome(books, rows, 50_000)
    assert isinstance(found, list)
    assert [(line, code) for line, _, _, code in found] == [(63, "duplicate_doc_in_file")]


def test_a_single_load_is_a_file_of_one_row(books: Books, twin: Books) -> None:
    rows = [load(f"L{number}", "30.000", "30.000", ticket_no=f"W{number}") for number in range(5)]
    take(books, *rows)
    for number, row in enumerate(rows):
        path = write_rows(twin.folder / f"one-{number}.csv", [row])
        assert import_loads(Import(twin.db, path, NOW)).report.taken == 1
    assert content(books) == content(twin)
