"""PostgreSQL: months an import fills apart, whoever else needs them, meets their loads or dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tests.store.books import NOW, Books, child, write_rows
from tests.store.databases import new_database, row_counts, tables_apart
from tests.store.test_month_partitions import books, months_of, moved
from wasteflow.core.errors import RowsRefused
from wasteflow.load_files import Import, import_loads
from wasteflow.services import backup
from wasteflow.services import loads as service
from wasteflow.services.outcome import ImportReport
from wasteflow.services.restore import restore_backup
from wasteflow_models import staging
from wasteflow_models.engine import Alone, Database
from wasteflow_models.event_lane import EventLane
from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.months_apart import MonthsApart
from wasteflow_models.partitions import ensure_partitions

__all__ = ["books"]
pytestmark = pytest.mark.postgresql
MONTHS = (1, 2, 3)


def apart(books: Books) -> list[str]:
    """Tables of months that lie apart."""
    return tables_apart(books.db)


def rows_of(name: str, count: int = 6) -> list[dict[str, str]]:
    """Loads of three months, month after month."""
    return [moved(f"{name}{month}-{n}", month) for month in MONTHS for n in range(count)]


def take(
    books: Books,
    rows: list[dict[str, str]],
    after: Callable[[int], None] = lambda done: None,
    **more: Any,
) -> ImportReport:
    """Import in chunks of four; after: told after each how many rows it has."""
    books.files += 1
    path = write_rows(books.folder / f"apart-{books.files}.csv", rows)
    asked = Import(books.db, path, NOW, chunk_rows=4, **more)
    return import_loads(asked, progress=lambda done, lines: after(done)).report


def once(at: int, what: Callable[[], object]) -> Callable[[int], None]:
    """Do something when so many rows are staged."""
    pending = [what]

    def after(done: int) -> None:
        if done >= at and pending:
            pending.pop()()

    return after


def loads_and_events(books: Books) -> tuple[int, int]:
    counts = row_counts(books.db)
    return counts["shipment"], counts["event"]


def test_nobody_sees_them_before_they_are_full(books: Books) -> None:
    seen: list[tuple[int, int, int]] = []

    def look(done: int) -> None:
        seen.append((*loads_and_events(books), len(apart(books))))

    take(books, rows_of("N"), look)
    assert {part[:2] for part in seen} == {(0, 0)}
    assert [part[2] for part in seen] == sorted(part[2] for part in seen)
    assert (seen[0][2], seen[-1][2]) == (2, 6)
    assert loads_and_events(books) == (18, 36)
    assert apart(books) == []
    for table in ("shipment", "event"):
        assert months_of(books, table) == [202601, 202602, 202603]
    query = "SELECT count(*) FROM pg_class WHERE reloptions::text LIKE '%autovacuum%'"
    checks = "SELECT count(*) FROM pg_constraint WHERE conname = 'apart'"
    with books.db.read() as session:
        assert session.scalar(text(query)) == session.scalar(text(checks)) == 0
    books.check()


@pytest.mark.parametrize("month", MONTHS)
def test_another_writer_needs_a_month_that_lies_apart(books: Books, month: int) -> None:
    """It is his, with those he makes ahead; what lies apart is copied over."""
    single = once(8, lambda: books.loads(moved("SINGLE", month)))
    assert take(books, rows_of("W"), single).taken == 18
    assert loads_and_events(books) == (19, 38)
    assert apart(books) == []
    assert set(months_of(books, "shipment")) >= {202601, 202602, 202603}
    books.check()


def test_another_writer_needs_a_month_at_the_last_moment(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = MonthsApart.attach

    def late(months: MonthsApart) -> None:
        books.loads(moved("SINGLE", 2))  # makes those of February and three more
        attach(months)

    monkeypatch.setattr(MonthsApart, "attach", late)
    assert take(books, rows_of("L")).taken == 18
    assert loads_and_events(books) == (19, 38)
    assert apart(books) == []
    books.check()


def test_whoever_meets_a_number_that_lies_apart_is_told(books: Books) -> None:
    rows, told = rows_of("M"), list[list[str]]()

    def others() -> None:
        assert len(apart(books)) >= 2
        told.append([issue.code for issue in books.refused("shipments", rows[0])])
        again = [rows[1], *(moved(f"O{n}", 5) for n in range(8))]
        with pytest.raises(RowsRefused) as caught:
            take(books, again)
        told.append([issue.code for issue in caught.value.issues])
        assert staging.sweep(books.db) == []
        books.check()

    take(books, rows, once(8, others))
    assert told == [["doc_no_in_other_import"]] * 2
    assert loads_and_events(books) == (18, 36)
    books.check()


def test_a_file_meets_its_own_loads_and_their_returns(books: Books) -> None:
    rows = rows_of("T", 4)
    rows[2] |= {"received_at": "", "accepted_t": "", "received_t": ""}
    rows[5] |= {"accepted_t": "6.000", "refused_t": "4.000"}
    back = child("BACK", rows[5]["doc_no"], "4.000")
    back |= {"dispatched_at": "2026-02-05", "received_at": "2026-02-06"}
    receipt = {"received_at": "2026-03-02", "accepted_t": "10.000"}
    report = take(books, [*rows, back, rows[2] | receipt, rows[0]])
    assert (report.taken, report.skipped) == (13, 2)
    assert apart(books) == []
    books.check()


def test_a_dry_run_leaves_no_tables(books: Books) -> None:
    before = row_counts(books.db)
    assert take(books, rows_of("D"), dry_run=True).taken == 18
    assert row_counts(books.db) == before
    assert apart(books) == []


@pytest.mark.parametrize(
    ("kind", "slow"), [("postgresql", False), ("sqlite", False), ("postgresql", True)]
)
def test_a_backup_made_meanwhile_holds_nothing_of_it(
    books: Books,
    kind: str,
    slow: bool,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """slow: its loads come in sight while the backup is written, behind their numbers."""
    file, documents, rows = tmp_path / "backup.zip", tmp_path / "documents", rows_of("B")
    written = backup._write_table

    def attached_meanwhile(archive: Any, session: Any, table: Any) -> Any:
        if slow and table.name == "shipment":
            go.set()
            assert done.wait(60)
        return written(archive, session, table)

    go, done = threading.Event(), threading.Event()
    monkeypatch.setattr(backup, "_write_table", attached_meanwhile)
    thread = threading.Thread(
        target=lambda: backup.write_backup(db=books.db, out=file, documents=documents, now=NOW)
    )

    def others() -> None:
        thread.start()
        if slow:
            assert go.wait(60)
        else:
            thread.join(60)

    assert take(books, rows, once(8, others)).taken == 18
    done.set()
    thread.join(60)
    with new_database(request, kind, tmp_path) as url:
        restore_backup(url=url, path=file, documents=tmp_path / "there", replace=True)
        restored = Books(Database(url), tmp_path)
        restored.check()
        assert restored.loads(rows[0]).taken == 1
        assert take(restored, rows).taken == 17
        restored.check()
        restored.db.dispose()


def test_what_a_dead_import_left_apart_is_taken_away(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rows = row_counts(books.db), rows_of("X")

    def dies() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(service, "discard", lambda db, batch_id: None)
        take(books, rows, once(8, dies))
    assert apart(books) != []
    books.check()
    with books.db.write(Alone.NOBODY) as session:  # of a batch that nobody knows any more
        session.execute(text("CREATE TABLE wasteflow_months.apart_999_event_202601 (id int)"))
    assert books.loads(rows[0]).taken == 1
    assert apart(books) == []
    assert row_counts(books.db)["load_number"] == 1
    with books.db.write(Alone.NOBODY) as session:
        session.execute(text("DELETE FROM batch"))
    assert before["shipment"] == 0
    assert take(books, rows[1:]).taken == 17


def on_the_road(name: str, months: tuple[int, ...]) -> list[dict[str, str]]:
    """Loads of a carrier that nobody has received."""
    found = [moved(f"{name}{month}-{n}", month) for month in months for n in range(6)]
    nothing = {"received_at": "", "accepted_t": "", "carrier": "慢运"}
    return [{**row, **nothing} for row in found]


def test_marks_of_loads_that_lie_apart_are_no_fault_and_go_with_a_dead_import(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = once(8, books.check)
    assert take(books, on_the_road("R", MONTHS), looked).taken == 18
    kept = row_counts(books.db)
    assert (kept["load_apart"], kept["carrier_month"]) == (18, 3)
    books.check()

    def dies() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(service, "discard", lambda db, batch_id: None)
        take(books, on_the_road("S", (4, 5, 6)), once(8, dies))
    assert apart(books) != [] and row_counts(books.db)["load_apart"] > 18
    books.check()
    assert len(staging.sweep(books.db)) == 1 and apart(books) == []
    left = row_counts(books.db)
    assert (left["load_apart"], left["carrier_month"]) == (18, 3)
    books.check()


def test_an_import_whose_mark_was_lost_starts_over(books: Books) -> None:
    """As by a PostgreSQL that broke down: it may have lost chunks nobody had waited for."""
    mark = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND classid = 7705 AND objsubid = 2 AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    begun: list[int] = []

    def loses() -> None:
        with books.db.connection() as other:
            assert list(other.exec_driver_sql(mark).scalars()) == [True]

    broken = once(8, loses)

    def after(done: int) -> None:
        begun.append(done)
        broken(done)

    assert take(books, rows_of("C"), after).taken == 18
    assert begun.count(begun[0]) == 2
    assert loads_and_events(books) == (18, 36)
    assert apart(books) == []
    books.check()


@pytest.fixture
def copies() -> CopiedLoads:
    """The texts of no load, but of a month."""
    names = ("id",), ("shipment_id",)
    ids = np.array([202603_00000001])
    return CopiedLoads(ids, *names, b"", {202603: b""}, {202603: b""})


def test_a_month_made_between_loads_and_events_is_that_of_both(
    books: Books, copies: CopiedLoads
) -> None:
    with closing(EventLane(books.db, 7)) as lane:
        with books.db.write(Alone.NOBODY) as session:
            lane.hold(copies)
            with books.db.write(Alone.NOBODY) as other:
                assert ensure_partitions(other, [202603], ahead=0) == [202603]
            lane.copy(session, copies)
        lane.finish()
    assert months_of(books, "shipment") == months_of(books, "event") == [202603]
    assert apart(books) == []


def test_events_do_not_wait_for_whoever_wants_to_be_alone(
    books: Books, copies: CopiedLoads
) -> None:
    """He waits for the transaction of the loads, which waits for that of its events."""
    wanted = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def alone() -> None:
        with books.db.write(Alone.EVERYBODY):
            pass

    registry = threading.Thread(target=alone)
    with closing(EventLane(books.db, 7)) as lane:
        with books.db.write(Alone.NOBODY) as session:
            registry.start()
            while not session.scalar(text(wanted)):
                threading.Event().wait(0.01)
            lane.hold(copies)
            lane.copy(session, copies)
            assert lane._running is not None
            names = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            assert session.scalar(names) == 1
        lane.finish()
        registry.join(30)
        assert not registry.is_alive()
    with books.db.write(Alone.NOBODY) as session:
        session.execute(text("DROP TABLE wasteflow_months.apart_7_shipment_202603"))
        session.execute(text("DROP TABLE wasteflow_months.apart_7_event_202603"))
