"""PostgreSQL: partitions that imports make full or leave half made, and numbers drawn in runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from tests.store.books import NOW, Books, load, write_rows
from tests.store.databases import new_database
from wasteflow.load_files import Import, import_loads
from wasteflow_models.engine import Alone, Database
from wasteflow_models.partitions import (
    AHEAD,
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
