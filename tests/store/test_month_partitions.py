"""PostgreSQL: partitions that imports make full or leave half made, and numbers drawn in runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.store.books import NOW, Books, load, write_rows
from tests.store.databases import new_database
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.load_files import Import, import_loads
from wasteflow.services.load_ready import WholeMonths
from wasteflow_models.engine import Alone, Database
from wasteflow_models.event_lane import EventLane
from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.partitions import (
    AHEAD,
    LOCKS,
    attach_partition,
    drawn_numbers,
    drawn_run,
    make_partition,
)


@pytest.fixture
def books(
    request: pytest.FixtureRequest, tmp_path: Path, _registered: Callable[[str], str]
) -> Iterator[Books]:
    """The small registry of `books` on PostgreSQL."""
    with new_database(request, "postgresql", tmp_path, _registered("postgresql")) as url:
        database = Database(url)
        yield Books(database, tmp_path)
        database.dispose()


def months_of(books: Books, table: str) -> list[int]:
    """Months of which the table has a partition with all its indices."""
    query = text(
        "SELECT c.relname, count(i.inhrelid) FROM pg_inherits p JOIN pg_class c ON "
        "c.oid = p.inhrelid JOIN pg_index x ON x.indrelid = c.oid LEFT JOIN pg_inherits i ON "
        f"i.inhrelid = x.indexrelid WHERE p.inhparent = '{table}'::regclass GROUP BY 1 ORDER BY 1"
    )
    own = text(f"SELECT count(*) FROM pg_index WHERE indrelid = '{table}'::regclass")
    with books.db.read() as session:
        wanted = session.scalar(own)
        rows = [tuple(row) for row in session.execute(query)]
    assert {count for _, count in rows} <= {wanted}
    return [int(name.rpartition("_")[2]) for name, _ in rows]


def moved(number: str, month: int) -> dict[str, str]:
    """A load of a month of 2026."""
    day = f"2026-{month:02}-03"
    return load(number, "10.000", "10.000", dispatched_at=day, received_at=day)


def take(books: Books, name: str, rows: list[dict[str, str]], chunk_rows: int = 4) -> int:
    """Import a file in chunks."""
    path = write_rows(books.folder / f"{name}.csv", rows)
    return import_loads(Import(books.db, path, NOW, chunk_rows=chunk_rows)).report.taken


@pytest.mark.postgresql
def test_months_new_to_the_books_get_full_partitions(books: Books) -> None:
    rows = [moved(f"N{month}-{n}", month) for month in (1, 2, 4) for n in range(5)]
    rows[3] |= {"remark": "\\N", "carrier": "C:\\车\\", "vehicle": '"云A"'}
    assert take(books, "new", rows) == 15
    for table in ("shipment", "event"):
        assert months_of(books, table) == [202601, 202602, 202604]
    with books.db.read() as session:
        query = "SELECT remark, carrier, vehicle FROM shipment WHERE doc_no = 'N1-3'"
        assert tuple(session.execute(text(query)).one()) == ("\\N", "C:\\车\\", '"云A"')
    assert take(books, "more", [moved(f"M{n}", 2) for n in range(9)]) == 9
    books.loads(moved("ONE", 4))
    for table in ("shipment", "event"):  # a single record makes those of the next months as well
        assert months_of(books, table)[-AHEAD:] == [202605, 202606, 202607]
    books.check()


@pytest.mark.postgresql
@pytest.mark.parametrize("doors", ["one", "file"])
def test_a_month_that_a_crash_left_half_made_is_completed(books: Books, doors: str) -> None:
    """The loads of a chunk were committed, its events not."""
    with books.db.write(Alone.NOBODY) as session:
        for month in (202603, 202606):  # the month itself and the last one made with it
            make_partition(session, "shipment", month)
            attach_partition(session, "shipment", month)
    if doors == "one":
        books.loads(moved("H", 3))
    else:
        assert take(books, "half", [moved(f"H{n}", 3) for n in range(9)]) == 9
    assert 202603 in months_of(books, "event")
    books.check()


@contextmanager
def closed(books: Books) -> Iterator[Books]:
    """The same books over connections of a thread's own."""
    own = Database(books.db.url)
    yield Books(own, books.folder)
    own.dispose()


@pytest.mark.postgresql
def test_imports_of_the_same_new_months_at_once(books: Books) -> None:
    taken: dict[str, int] = {}

    def run(name: str) -> None:
        with closed(books) as own:
            rows = [moved(f"{name}{month}-{n}", month) for month in (1, 2, 3) for n in range(6)]
            taken[name] = take(own, name, rows)

    def single() -> None:
        with closed(books) as own:
            for month in (3, 2, 1):
                own.loads(moved(f"S{month}", month))
            taken["single"] = 3

    threads = [threading.Thread(target=run, args=(name,)) for name in "AB"]
    threads.append(threading.Thread(target=single))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert taken == {"A": 18, "B": 18, "single": 3}
    assert months_of(books, "event")[:3] == [202601, 202602, 202603]
    books.check()


@pytest.mark.postgresql
def test_loads_wait_until_nobody_else_can_make_the_partitions_of_their_events(books: Books) -> None:
    """Otherwise another writer could make them in between, and the events would not get in."""
    names = ("id",), ("shipment_id",)
    copies = CopiedLoads(np.zeros(0, np.int64), *names, b"", {202603: b""}, {202603: b""})
    order: list[str] = []
    with closing(EventLane(books.db)) as lane, books.db.connection() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock({LOCKS['event']})")

        def release() -> None:
            threading.Event().wait(0.3)
            order.append("let go")
            other.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCKS['event']})")

        thread = threading.Thread(target=release)
        with books.db.write(Alone.NOBODY) as session:
            assert lane.hold(session, copies) == {202603}
            thread.start()
            lane.copy(session, copies, {202603})
            order.append("copied")
        lane.finish()
        thread.join(30)
        with books.db.write(Alone.NOBODY) as session:
            assert lane.hold(session, copies) == set()
    assert order == ["let go", "copied"]
    assert months_of(books, "shipment") == months_of(books, "event") == [202603]


@pytest.mark.postgresql
def test_numbers_in_runs_are_nobody_elses(books: Books) -> None:
    with books.db.write(Alone.NOBODY) as session:
        first = drawn_run(session, 1000)
    with books.db.write(Alone.NOBODY) as holding:
        second = drawn_numbers(holding, 3)  # whoever drew holds the sequence until he commits
        with books.db.write(Alone.NOBODY) as session:
            third = drawn_run(session, 5)
            assert session.scalar(text("SHOW lock_timeout")) == "0"
    with books.db.write(Alone.NOBODY) as session:
        fourth = drawn_run(session, 2)
    numbers = np.concatenate([first, second, third, fourth])
    assert numbers.tolist() == list(range(int(first[0]), int(first[0]) + 1010))


@pytest.mark.postgresql
def test_drawing_needs_no_owner(books: Books) -> None:
    with books.db.write(Alone.NOBODY) as session:
        session.execute(text("CREATE ROLE clerk; GRANT USAGE, UPDATE ON SEQUENCE load_no TO clerk"))
        session.execute(text("SET LOCAL ROLE clerk"))
        assert len(drawn_run(session, 4)) == 4
        session.execute(text("RESET ROLE; DROP OWNED BY clerk; DROP ROLE clerk"))


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(1, 3), max_size=5), min_size=1, max_size=6))
def test_loads_wait_for_the_rest_of_their_month(chunks: list[list[int]]) -> None:
    """All come out in their order; at most a chunk waits; a whole month comes in one piece."""
    width = max(len(chunk) for chunk in chunks)
    months, lines, out = WholeMonths(), 0, []
    for number, chunk in enumerate(chunks):
        batch = filled(chunk, lines)
        lines += len(chunk)
        out.append(months.add(batch))
        assert len(months.rest()) <= width
        assert number or not len(months.rest())
    out.append(months.rest())
    told = [(int(m), int(n)) for b in out for m, n in zip(b.dispatched_month, b.line, strict=True)]
    flat = [month for chunk in chunks for month in chunk]
    assert told == list(zip(flat, range(lines), strict=True))
    pieces = np.repeat(range(len(out)), [len(batch) for batch in out])
    ends = [at for at in range(1, lines) if flat[at] != flat[at - 1]]
    for start, stop in pairwise([0, *ends, lines]):
        if start >= len(chunks[0]) and stop - start <= min(map(len, chunks)):
            assert len(set(pieces[start:stop].tolist())) <= 1


def filled(months: list[int], first: int) -> LoadBatch:
    """Loads of these months; lines from `first` on."""
    lines = np.arange(first, first + len(months))
    columns: dict[str, Any] = dict.fromkeys(LoadBatch.__struct_fields__, lines)
    columns |= {"dispatched_month": np.array(months, np.int64), "mode": "", "remark": ""}
    return LoadBatch(**columns | {"doc_no": [str(line) for line in lines.tolist()]})
