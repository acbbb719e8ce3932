"""A file of loads in several chunks: the same books as in one, unseen until published, or nothing.

The crash itself, by SIGKILL, is in `test_killed_imports`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, child, entry, load, write_rows
from tests.store.databases import row_counts
from wasteflow import load_files
from wasteflow.core.errors import RowsRefused
from wasteflow.load_files import Import, import_loads
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.row_rules import Clock
from wasteflow.services import load_sums
from wasteflow.services import loads as service
from wasteflow.services.batches import new_batch
from wasteflow.services.closing import close_month
from wasteflow.services.export import export_shipments
from wasteflow.services.load_staging import Staging
from wasteflow.services.outcome import ImportReport
from wasteflow_models import staging
from wasteflow_models.convert import Keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import BatchRow, EventRow, ShipmentRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.partitions import (
    ensure_partitions,
)

RECEIPT = {"received_at": "2026-03-02T15:00:00+08:00", "accepted_t": "30.000"}
ROWS = [
    load("A1", "30.000", "30.000"),
    child("R1", "P1", "6.000"),
    load("A2", "31.000", "30.500", moisture_pct="20", reason="雨"),
    load("T1", "29.000"),
    load("P1", "30.000", "20.000", refused_t="10.000"),
    child("D1", "P1", "4.000", "redirect", consignee="board", route="plaster"),
    load("A3", "30.000", "30.000", consignee="far", route="plaster"),
    load("T1", "29.000") | RECEIPT | {"accepted_t": "29.000"},
    load("DRY", "24.000", "24.000", basis="dry", moisture_pct="20"),
    load("A1", "30.000", "30.000"),
    load("APR", "30.000", "30.100", dispatched_at="2026-04-01", received_at="2026-04-02"),
    child("R2", "D1x", "1.000"),
]


def take(books: Books, *rows: dict[str, str], chunk_rows: int = 3, **more: Any) -> ImportReport:
    """Import a file in chunks of `chunk_rows` lines."""
    books.files += 1
    path = write_rows(books.folder / f"staged-{books.files}.csv", rows)
    asked = Import(books.db, path, NOW, chunk_rows=chunk_rows, **more)
    return import_loads(asked).report


def content(books: Books) -> dict[str, Any]:
    """Everything a load tells, ids and batches aside, and the roll-up."""
    with books.db.read() as session:
        header = [c for c in ShipmentRow.__table__.c if c.name not in ("id", "batch_id")]
        kept = [c for c in header if c.name != "parent_id"]
        query = sa.select(*kept).order_by(ShipmentRow.doc_no)
        headers = [tuple(row) for row in session.execute(query)]
        own = [c for c in EventRow.__table__.c if c.name not in ("shipment_id", "batch_id")]
        query = sa.select(ShipmentRow.doc_no, *own).join(
            ShipmentRow, ShipmentRow.id == EventRow.shipment_id
        )
        events = [
            tuple(row) for row in session.execute(query.order_by(ShipmentRow.doc_no, EventRow.seq))
        ]
    return {"headers": headers, "events": events, "rollup": books.rollup()}


@pytest.fixture
def twin(books: Books, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Books]:
    """A second database like `books`."""
    from tests.store.databases import new_database

    registered: Callable[[str], str] = request.getfixturevalue("_registered")
    kind: str = request.getfixturevalue("database_kind")
    folder = tmp_path / "twin"
    folder.mkdir()
    with new_database(request, kind, folder, registered(kind)) as url:
        database = Database(url)
        yield Books(database, folder)
        database.dispose()


def test_chunks_leave_the_same_books_as_one_piece(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_sums, "MERGE_ROWS", 4)  # added up on the way, more than once
    rows = ROWS[:-1]
    one = take(twin, *rows, chunk_rows=1000)
    many = take(books, *rows)
    assert many.as_dict() == one.as_dict()
    assert (many.taken, many.skipped, many.completed) == (9, 2, 0)
    assert content(books) == content(twin)
    counts = row_counts(books.db)
    assert counts["staged"] == 0
    assert counts["load_child"] == 2 and counts["load_number"] == counts["shipment"] == 9
    books.check()


def test_an_import_that_fails_in_the_middle_of_a_chunk_leaves_nothing(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events are written beside it on PostgreSQL, and go with it."""
    noted = Staging._note

    def fails_later(staging: Staging, *args: Any) -> None:
        if staging.taken:
            raise RuntimeError("broken off")
        noted(staging, *args)

    before = row_counts(books.db)
    monkeypatch.setattr(Staging, "_note", fails_later)
    with pytest.raises(RuntimeError, match="broken off"):
        take(books, *[load(f"G{number}", "10.000", "9.000") for number in range(9)])
    assert row_counts(books.db) == before


def test_a_second_sheet_completes_and_repeats(books: Books, twin: Books) -> None:
    first = [load(f"L{number}", "30.000") for number in range(8)]
    second = [row | RECEIPT for row in first[:5]] + first[5:] + [load("NEW", "20.000", "20.000")]
    for each, chunk_rows in ((books, 2), (twin, 1000)):
        take(each, *first, chunk_rows=chunk_rows)
        report = take(each, *second, chunk_rows=chunk_rows)
        assert (report.taken, report.completed, report.skipped) == (1, 5, 3)
        again = take(each, *second, chunk_rows=chunk_rows)
        assert (again.taken, again.completed, again.skipped) == (0, 0, 9)
        each.check()
    assert content(books) == content(twin)


def test_loads_of_the_import_are_told_from_those_in_the_books() -> None:
    importing = Staging(cast(Keys, None), 1, NOW)
    for ids in ([3, 5, 9], [7], [12, 14]):
        importing._lines.append((np.array(ids), np.arange(len(ids))))
    assert importing.of_books(np.array([14, 4, 9, 7, 3, 2, 14, 4, 15, 13])) == {2, 4, 13, 15}
    assert importing.of_books(np.zeros(0, np.int64)) == set()


def test_of_equal_numbers_the_first_line_counts_whatever_its_month(books: Books) -> None:
    rows = [
        load("D", "10.000"),
        load("D", "11.000", dispatched_at="2026-02-01"),
        load("E", "1.000"),
    ]
    with pytest.raises(RowsRefused) as caught:
        take(books, *rows, load("F", "1.000"))
    (issue,) = caught.value.issues
    assert (issue.line, issue.params["other_line"]) == (3, "2")


def test_a_bad_row_takes_everything_back(books: Books) -> None:
    before = row_counts(books.db)
    with pytest.raises(RowsRefused) as caught:
        take(books, *ROWS)
    assert [(issue.line, issue.code) for issue in caught.value.issues] == [(13, "parent_missing")]
    assert caught.value.issues[0].value == "D1x"
    assert row_counts(books.db) == before
    assert take(books, *ROWS[:-1]).taken == 9


def test_a_dry_run_counts_and_takes_nothing(books: Books) -> None:
    before = row_counts(books.db)
    report = take(books, *ROWS[:-1], dry_run=True)
    assert (report.rows, report.taken, report.skipped) == (11, 9, 2)
    assert row_counts(books.db) == before


@dataclass(slots=True)
class Halfway:
    """An import that stands still; `errors` is what it raised when it went on."""

    go: threading.Event
    errors: list[Exception]


@contextmanager
def halfway(books: Books, rows: list[dict[str, str]]) -> Iterator[Halfway]:
    """An import that stands still after its first chunk until it may go on."""
    path = write_rows(books.folder / "halfway.csv", rows)
    from wasteflow.importing.text_chunks import open_text

    text = open_text(path, "shipments", rows=2)
    reached, run_on = threading.Event(), Halfway(threading.Event(), [])

    def chunks() -> Iterator[TextChunk]:
        for number, chunk in enumerate(text.chunks()):
            if number == 2:  # one chunk is checked ahead
                reached.set()
                assert run_on.go.wait(30)
            yield chunk

    def run() -> None:
        try:
            service.record_loads(
                db=books.db,
                file=service.LoadFile(chunks, Clock(NOW.date(), NOW), small=False),
                batch=lambda now: new_batch(kind="shipments", now=now),
                now=lambda: NOW,
            )
        except Exception as error:
            run_on.errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert reached.wait(30)
        yield run_on
    finally:
        run_on.go.set()
        thread.join(60)


def test_nothing_is_seen_before_it_is_published(books: Books) -> None:
    rows = [load(f"H{number}", "10.000", "10.000") for number in range(9)]
    with halfway(books, rows) as coming:
        wait_for(lambda: row_counts(books.db)["shipment"] >= 2)
        assert books.rollup() == {}
        assert list(export_shipments(db=books.db)) == []
        assert books.closing() == {}
        assert [issue.code for issue in books.refused("shipments", rows[0])] == [
            "doc_no_in_other_import"
        ]
        assert books.loads(load("OTHER", "5.000", "5.000")).taken == 1
        assert [row["doc_no"] for row in export_shipments(db=books.db)] == ["OTHER"]
        assert staging.sweep(books.db) == []  # it lives
        books.check()
    assert coming.errors == []
    assert len(list(export_shipments(db=books.db))) == 10
    books.check()


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the condition holds, at most half a minute."""
    pause = threading.Event()
    for _ in range(300):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it never came")


def test_a_registry_that_changes_meanwhile_is_looked_at_again(books: Books) -> None:
    """The receiver becomes external while the file is staged: the loads leave the books."""
    rows = [load(f"H{number}", "10.000", "10.000") for number in range(9)]
    firm = {"code": "cement", "name_zh": "水泥厂", "park": "park.a"}
    with halfway(books, rows) as coming:
        books.take("enterprises", firm | {"external": "true"})
    assert coming.errors == []
    assert books.flows()["transit:maker:cement", "outside", "pg/retarder"] == 90_000
    books.check()


def test_an_opening_that_comes_meanwhile_counts(books: Books) -> None:
    rows = [load(f"H{number}", "10.000", "10.000") for number in range(9)]
    with halfway(books, rows) as coming:
        books.entries(entry("O", "opening", "50.000", "2026-03-05", facility="maker.works"))
    (error,) = coming.errors
    assert isinstance(error, RowsRefused)
    assert {issue.code for issue in error.issues} == {"before_opening"} and len(error.issues) == 9
    assert list(export_shipments(db=books.db)) == []
    books.check()


def test_what_a_dead_import_left_is_swept(books: Books) -> None:
    """Staged rows without a living owner: unseen, and gone with the next import."""
    with books.db.write(Alone.NOBODY) as session:
        batch = new_batch(kind="shipments", now=NOW)
        batch.published = False
        run = service._begin(session, batch, NOW)
        run.staged = True
    chunk = [load("DEAD", "10.000", "10.000")]
    path = write_rows(books.folder / "dead.csv", chunk)
    stage_one(books, run, path)
    assert row_counts(books.db)["shipment"] == 1
    assert list(export_shipments(db=books.db)) == []
    assert books.loads(load("DEAD", "12.000", "12.000")).taken == 1
    with books.db.read() as session:
        assert session.scalars(sa.select(BatchRow.published)).all().count(False) == 0
    assert books.flows()["site:maker", "transit:maker:cement", "pg/retarder"] == 12_000
    books.check()


def stage_one(books: Books, run: Any, path: Path) -> None:
    """Write the loads of a file as a batch that is never published."""
    from wasteflow.importing.text_chunks import open_text
    from wasteflow.services.load_columns import checked_chunks
    from wasteflow.services.outcome import Warnings

    text = open_text(path, "shipments")
    clock = Clock(NOW.date(), NOW)
    for chunk in checked_chunks(text.chunks(), run.keys, clock, False, Warnings(), few=0):
        with books.db.write(Alone.NOBODY) as session:
            run.take(session, chunk.loads)


def test_writers_get_their_turn_during_an_import(books: Books) -> None:
    """A writer that waits goes before the import's next chunk, so it waits for one chunk only."""
    order: list[str] = []
    entered = threading.Event()

    def greedy() -> None:
        for number in range(6):
            with books.db.write(Alone.NOBODY):
                order.append(f"import {number}")
                entered.set()
                threading.Event().wait(0.2)

    thread = threading.Thread(target=greedy)
    thread.start()
    assert entered.wait(10)
    with books.db.write(Alone.NOBODY):
        order.append("clerk")
    thread.join(30)
    if books.db.is_sqlite:
        assert order.index("clerk") <= 2
    assert "clerk" in order


def test_partitions_are_made_ahead(books: Books) -> None:
    later = NOW + timedelta(days=31)
    with books.db.write(Alone.NOBODY) as session:
        made = ensure_partitions(session, [later.year * 100 + later.month])
        again = ensure_partitions(session, [later.year * 100 + later.month])
    assert made == ([] if books.db.is_sqlite else [202612, 202701, 202702, 202703])
    assert again == []
    books.loads(load("X", "10.000", "10.000"))
    with books.db.read() as session:
        key = session.scalars(sa.select(ShipmentRow.id)).one()
    assert key // STEP == 202603


def test_a_table_of_what_is_asked_leads_every_join() -> None:
    """SQLite would begin with the books where it may choose."""
    sources = [path.read_text() for path in Path(staging.__file__).parent.glob("*.py")]
    joins = [word for text in sources for word in re.findall(r"FROM asked_\w+ a (\S+ \S+)", text)]
    assert len(joins) >= 5 and set(joins) <= {"CROSS JOIN", "{found} LEFT"}


def test_what_a_file_asks_for_is_looked_up_by_its_key(books: Books) -> None:
    """Neither known loads nor parents are found by reading every load or number there is."""
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, given: Any, *more: Any) -> None:
        if " asked_" in statement and statement.lstrip().startswith("SELECT"):
            other = connection.connection.cursor()
            other.execute(
                f"EXPLAIN {'QUERY PLAN' if books.db.is_sqlite else ''} {statement}", given
            )
            plans.extend(str(row[-1]) for row in other.fetchall())

    rows = ROWS[:5]
    take(books, *rows)
    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        assert take(books, *rows).skipped == len(rows)
        take(books, child("R9", "P1", "1.000"))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)
    whole = ("SCAN s", "SCAN n", "SCAN d", "Seq Scan on shipment", "Seq Scan on load_number")
    assert plans and not [line for line in plans if line.strip().startswith(whole)]


def test_receipts_of_a_staged_file_are_those_of_one_piece(
    books: Books, twin: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: moved from a database beside (SQLite) or bound row by row, with all a receipt says."""
    sent = [load(f"T{n}", "30.000", vehicle="云A1", remark="晴") for n in range(8)]
    got = [{"accepted_t": "29.900"} for _ in sent]
    got[1] |= {"ticket_no": "磅'1", "remark": "雨"}
    got[2] |= {"to_facility": "cement.kiln"}
    got[3] |= {"accepted_t": "20.000", "refused_t": "9.900", "reason": "含水 50% 'x'"}
    got[4] |= {"accepted_t": "0.000", "refused_t": "29.900", "reason": "混料"}
    got[5] |= {"received_moisture_pct": "12.5"}
    arrived = [row | {"received_at": "2026-04-02T09:00:00+08:00"} | more
               for row, more in zip(sent, got, strict=True)]  # fmt: skip
    for ledger, rows in ((books, 3), (twin, 1000)):
        monkeypatch.setattr(load_files, "CHUNK_ROWS", rows)
        ledger.loads(*sent)
        close_month(db=ledger.db, enterprise="cement", month=202603, now=NOW)
        assert ledger.loads(*arrived).completed == len(sent)
        ledger.check()
    assert content(books) == content(twin)
