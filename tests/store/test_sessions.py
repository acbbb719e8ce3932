"""Transactions: no update lost, readers that cannot write, rollback, several writers at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from tests.store.books import Books, child, entry, load
from tests.store.databases import row_counts
from wasteflow.core.errors import RowsRefused
from wasteflow.services.outcome import ImportReport
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow, EventRow, ShipmentRow
from wasteflow_models.load_ids import month_of_id
from wasteflow_models.raw import driver

WRITERS, TIMES = 4, 100

INCREMENT = f"""
import sys
from sqlalchemy import text
from wasteflow_models.engine import Database
db = Database(sys.argv[1])
for _ in range({TIMES}):
    with db.write() as session:
        n = session.execute(text("SELECT n FROM counter")).scalar_one()
        session.execute(text("UPDATE counter SET n = :n"), {{"n": n + 1}})
"""


def make_counter(db: Database) -> None:
    """A table with one number."""
    with db.write() as session:
        session.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))


def counter(db: Database) -> int:
    """The number."""
    with db.read() as session:
        return int(session.execute(text("SELECT n FROM counter")).scalar_one())


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """Run jobs in threads that start together; raises what one of them raises."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def test_no_increment_of_several_processes_is_lost(db: Database) -> None:
    """Read, add one, write: 400 times from 4 processes."""
    make_counter(db)
    command = [sys.executable, "-c", INCREMENT, db.url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(WRITERS)]
    errors = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert errors == [""] * WRITERS
    assert counter(db) == WRITERS * TIMES


def test_no_increment_of_several_threads_is_lost(db: Database) -> None:
    make_counter(db)

    def add() -> None:
        for _ in range(25):
            with db.write() as session:
                n = session.execute(text("SELECT n FROM counter")).scalar_one()
                session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    at_once(*[add] * 8)
    assert counter(db) == 200


def test_sqlite_by_default_loses_updates(tmp_path: Path) -> None:
    """Why `BEGIN IMMEDIATE`: two writers that read first, with the driver's own transactions."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'plain.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    with engine.connect() as one, engine.connect() as two:
        seen = [c.execute(text("SELECT n FROM counter")).scalar_one() for c in (one, two)]
        for connection, n in zip((one, two), seen, strict=True):
            connection.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})
            connection.commit()
        assert one.execute(text("SELECT n FROM counter")).scalar_one() == 1
    engine.dispose()


def test_a_writer_waits_for_the_other_from_its_beginning(db: Database) -> None:
    make_counter(db)
    inside, order = threading.Event(), []

    def first() -> None:
        with db.write() as session:
            inside.set()
            threading.Event().wait(0.3)
            session.execute(text("UPDATE counter SET n = n + 1"))
            order.append("first")

    def second() -> None:
        inside.wait()
        with db.write() as session:
            order.append("second")
            assert session.execute(text("SELECT n FROM counter")).scalar_one() == 1

    at_once(first, second)
    assert order == ["first", "second"]


def test_readers_cannot_write_and_do_not_wait(db: Database) -> None:
    make_counter(db)
    with db.read() as session, pytest.raises(sa.exc.DBAPIError):
        session.execute(text("UPDATE counter SET n = 5"))
    with db.write() as writer:
        writer.execute(text("UPDATE counter SET n = 7"))
        assert counter(db) == 0
    assert counter(db) == 7


def test_a_reader_sees_one_moment(db: Database) -> None:
    make_counter(db)
    with db.read() as session:
        assert session.execute(text("SELECT n FROM counter")).scalar_one() == 0
        with db.write() as writer:
            writer.execute(text("UPDATE counter SET n = 7"))
        assert session.execute(text("SELECT n FROM counter")).scalar_one() == 0
    with db.write() as writer:  # the connection the reader gave back can write again
        writer.execute(text("UPDATE counter SET n = 8"))
    assert counter(db) == 8


def test_an_exception_rolls_everything_back(db: Database) -> None:
    make_counter(db)
    with pytest.raises(ZeroDivisionError), db.write() as session:
        session.execute(text("UPDATE counter SET n = 5"))
        session.execute(text("INSERT INTO counter VALUES (9)"))
        raise ZeroDivisionError
    assert counter(db) == 0


# --- several imports at once ---------------------------------------------------------------


def test_imports_at_once_on_the_same_links(books: Books) -> None:
    """Six files of loads and entries of the same firms and month, by six threads."""
    rounds, each = 6, 40

    def loads(number: int) -> Callable[[], object]:
        rows = [load(f"L{number}-{i}", "10.000", "9.990") for i in range(each)]
        return lambda: Books(books.db, books.folder, 1000 * number).loads(*rows)

    def entries(number: int) -> Callable[[], object]:
        rows = [entry(f"E{number}-{i}", "generation", "10.000") for i in range(each)]
        return lambda: Books(books.db, books.folder, 1000 * number).entries(*rows)

    at_once(*(job(number) for number in range(1, rounds + 1) for job in (loads, entries)))
    counts = row_counts(books.db)
    assert (counts["shipment"], counts["entry"]) == (rounds * each, rounds * each)
    assert counts["event"] == 2 * rounds * each
    flows = books.flows()
    total = rounds * each * 10_000
    assert flows["site:maker", "transit:maker:cement", "pg/retarder"] == total
    assert flows["transit:maker:cement", "site:cement", "pg/retarder"] == total * 999 // 1000
    assert flows["generation", "site:maker", "pg/"] == total
    with books.db.read() as session:
        entry_ids = session.scalars(sa.select(EntryRow.id).order_by(EntryRow.id)).all()
        assert entry_ids == list(range(1, rounds * each + 1))
        ids = session.scalars(sa.select(ShipmentRow.id).order_by(ShipmentRow.id)).all()
        assert {month_of_id(key) for key in ids} == {202603}
        parents = sa.select(EventRow.shipment_id).distinct()
        assert len(session.scalars(parents.order_by(EventRow.shipment_id)).all()) == rounds * each
    books.check()


def test_the_same_file_at_once_is_taken_once(books: Books) -> None:
    rows = [load(f"L{i}", "10.000", "10.000") for i in range(30)]
    jobs = [
        lambda number=number: Books(books.db, books.folder, number).loads(*rows)
        for number in (1000, 2000, 3000, 4000)
    ]
    reports = [report for report in at_once(*jobs) if isinstance(report, ImportReport)]
    assert sorted((report.taken, report.skipped) for report in reports) == [(0, 30)] * 3 + [(30, 0)]
    books.check()


def test_two_files_cannot_both_take_the_last_of_a_refused_part(books: Books) -> None:
    books.loads(load("P", "30.000", "20.000", refused_t="10.000"))

    def take(doc_no: str, number: int) -> str:
        try:
            Books(books.db, books.folder, number).loads(child(doc_no, "P", "6.000"))
        except RowsRefused as error:
            return error.issues[0].code
        return "taken"

    found = at_once(lambda: take("C1", 1000), lambda: take("C2", 2000), lambda: take("C3", 3000))
    assert sorted(map(str, found)) == ["child_over_refused", "child_over_refused", "taken"]
    books.check()


def test_the_disk_is_waited_for_without_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite: while the log is flushed others see the commit and may write."""
    path = tmp_path / "flushed.sqlite3"
    db = Database(f"sqlite:///{path}")
    make_counter(db)
    seen: list[int] = []

    def flushed(_: int) -> None:
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            seen.extend(number for (number,) in other.execute("SELECT n FROM counter"))

    monkeypatch.setattr(os, "fdatasync", flushed, raising=False)
    with db.write() as session:
        session.execute(text("UPDATE counter SET n = 7"))
        assert seen == []
    assert seen == [7]
    with pytest.raises(ZeroDivisionError), db.write() as session:
        session.execute(text(f"UPDATE counter SET n = {1 // 0}"))
    assert seen == [7]  # nothing was committed, nothing is waited for
    db.dispose()


def test_the_only_service_of_a_request_stands_or_falls_with_it(db: Database) -> None:
    """With `single` nothing is committed once a service has raised, whoever catches it."""
    make_counter(db)
    with pytest.raises(KeyError), db.together(single=True) as session:
        session.execute(text("UPDATE counter SET n = 1"))
        with suppress(KeyError), db.write() as inner:
            inner.execute(text("UPDATE counter SET n = 2"))
            raise KeyError
        with pytest.raises(KeyError), db.write():
            pass
    assert counter(db) == 0
    with db.together(single=True), db.write() as session:
        session.execute(text("UPDATE counter SET n = 3"))
    assert counter(db) == 3


def test_what_a_failed_part_sent_past_the_session_is_undone(db: Database) -> None:
    """A savepoint stands before the first statement that goes to the connection directly."""
    make_counter(db)
    with db.together():
        with suppress(KeyError), db.write() as session:
            driver(session).execute("UPDATE counter SET n = n + 1")
            raise KeyError
        with db.write() as session:
            driver(session).execute("UPDATE counter SET n = n + 2")
    assert counter(db) == 2
