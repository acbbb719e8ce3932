"""Chunks of an import on SQLite: transactions shared while nobody waits, flushed by publishing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from tests.store.books import NOW, Books, child, load, write_rows
from tests.store.test_sessions import INCREMENT, TIMES, counter, make_counter
from wasteflow.load_files import Import, import_loads
from wasteflow_models import log_file
from wasteflow_models.chunk_writer import SHARED, ChunkWriter, beside
from wasteflow_models.engine import LOG_PAGES, Database

ADD = text("UPDATE counter SET n = n + 1")


@pytest.fixture
def counted(db: Database) -> Database:
    """A database with one number, of either kind."""
    make_counter(db)
    return db


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    """One of SQLite."""
    db = Database(f"sqlite:///{tmp_path / 'lite.sqlite3'}")
    make_counter(db)
    yield db
    db.dispose()


def add(writer: ChunkWriter, times: int = 1) -> None:
    """So many chunks that add one."""
    for _ in range(times):
        with writer.chunk() as session:
            session.execute(ADD)


def test_chunks_share_a_transaction_that_ends_with_the_last_of_them(counted: Database) -> None:
    shared = SHARED if counted.is_sqlite else 1
    with ChunkWriter(counted) as writer:
        add(writer, shared - 1)
        assert counter(counted) == 0
        add(writer)
        assert counter(counted) == shared
        add(writer)
        writer.rest()
        assert counter(counted) == shared + 1
        add(writer)
    assert counter(counted) == shared + 2


def test_whoever_waits_in_this_process_comes_after_the_chunk(lite: Database) -> None:
    seen: list[int] = []

    def write() -> None:
        with lite.write() as session:
            seen.append(int(session.execute(text("SELECT n FROM counter")).scalar_one()))

    with ChunkWriter(lite) as writer:
        add(writer)
        other = threading.Thread(target=write)
        with writer.chunk() as session:
            assert not lite.awaited
            other.start()
            wait_for(lambda: lite.awaited)
            session.execute(ADD)
        assert writer.resting
        other.join(30)
        assert seen == [2] and not lite.awaited
        add(writer)
        assert not writer.resting
    assert counter(lite) == 3


def test_whoever_waits_in_another_process_comes_after_the_chunk(lite: Database) -> None:
    with ChunkWriter(lite) as writer:
        with writer.chunk() as session:
            session.execute(ADD)
            other = subprocess.Popen([sys.executable, "-c", INCREMENT, lite.url])
            wait_for(lambda: lite.awaited)
        assert writer.resting
        assert other.wait(60) == 0
        add(writer)
    assert counter(lite) == 2 + TIMES


def test_inside_a_transaction_every_chunk_is_a_part_of_it(counted: Database) -> None:
    with pytest.raises(KeyError), counted.together(), ChunkWriter(counted) as writer:
        add(writer, 2)
        assert writer.resting
        raise KeyError
    assert counter(counted) == 0


def wait_for(condition: Any) -> None:
    """Until the condition holds, at most half a minute."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def test_a_chunk_that_fails_takes_its_transaction_with_it(counted: Database) -> None:
    with ChunkWriter(counted) as writer:
        add(writer, SHARED)
        with pytest.raises(KeyError):
            fail(writer)
        assert writer.resting
        with counted.write() as session:  # the turn is free
            session.execute(ADD)
        add(writer)
    assert counter(counted) == SHARED + 2 + (0 if counted.is_sqlite else 2)


def fail(writer: ChunkWriter) -> None:
    """Two chunks and one that fails."""
    add(writer, 2)
    with writer.chunk() as session:
        session.execute(ADD)
        raise KeyError


def test_who_leaves_with_an_error_commits_nothing_more(counted: Database) -> None:
    with pytest.raises(KeyError), ChunkWriter(counted) as writer:
        add(writer, 2)
        raise KeyError
    assert counter(counted) == (0 if counted.is_sqlite else 2)


def test_every_chunk_reads_the_database_given_with_it(lite: Database) -> None:
    with ChunkWriter(lite) as writer:
        for number in range(SHARED + 2):
            with writer.chunk(of_one(number)) as session:
                more = f"(SELECT n FROM {beside(session)}.given)"
                session.execute(text(f"UPDATE counter SET n = n + {more}"))
    assert counter(lite) == sum(range(SHARED + 2))
    with lite.write() as session:
        listed = session.execute(text("SELECT name FROM pragma_database_list ORDER BY name"))
        assert listed.scalars().all() == ["main"]


def of_one(number: int) -> bytes:
    """A database with one number."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE given (n INTEGER)")
        made.execute("INSERT INTO given VALUES (?)", (number,))
        made.commit()
        return made.serialize()


def test_the_log_is_moved_between_the_transactions(lite: Database) -> None:
    assert lite.path is not None
    with ChunkWriter(lite) as writer:
        add(writer, SHARED)
        assert in_the_file(lite.path) == SHARED
    with lite.write() as session:
        kept = session.execute(text("PRAGMA wal_autocheckpoint")).scalar_one()
    assert kept == LOG_PAGES


def in_the_file(path: Path) -> int:
    """The number as the file has it, without its log."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as plain:
        return int(plain.execute("SELECT n FROM counter").fetchone()[0])


@contextmanager
def told(db: Database, patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Commits with the `synchronous` they are made with, and flushes of the log."""
    said: list[str] = []
    bring = log_file.bring_to_disk

    def flushed(path: Path) -> None:
        said.append("flush")
        bring(path)

    def commits(connection: sa.Connection) -> None:
        driver = connection.connection.driver_connection
        if connection.engine.url == sa.make_url(db.url) and isinstance(driver, sqlite3.Connection):
            read_only, sync = (
                driver.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("query_only", "synchronous")
            )
            if not read_only:
                said.append(f"commit {sync}")

    patch.setattr(log_file, "bring_to_disk", flushed)
    event.listen(Engine, "commit", commits)
    try:
        yield said
    finally:
        event.remove(Engine, "commit", commits)


def test_staged_chunks_are_not_flushed_and_publishing_is(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit with `synchronous` 1 stays in the log until somebody flushes it."""
    if not books.db.is_sqlite:
        pytest.skip("PostgreSQL flushes by itself")
    rows = [load(f"F{number}", "30.000", "20.000", refused_t="10.000") for number in range(20)]
    rows += [child(f"R{number}", f"F{number}", "6.000") for number in range(4)]
    path = write_rows(books.folder / "flushed.csv", rows)
    with told(books.db, monkeypatch) as said:
        assert import_loads(Import(books.db, path, NOW, chunk_rows=3)).report.taken == 24
    assert set(said) == {"flush", "commit 1"}
    begun, published = said.index("flush"), len(said) - 1
    assert said[published - 1 :] == ["commit 1", "flush"]
    staged = said[begun + 1 : published - 1]
    assert staged and set(staged) == {"commit 1"}
    books.check()


def test_whoever_is_told_of_progress_may_write(books: Books) -> None:
    rows = [load(f"P{number}", "30.000", "30.000") for number in range(20)]
    path = write_rows(books.folder / "progress.csv", rows)
    seen: list[int] = []

    def told_of(done: int, total: int) -> None:
        seen.append(done)
        with books.db.write():
            pass

    assert import_loads(Import(books.db, path, NOW, chunk_rows=3), told_of).report.taken == 20
    assert seen == sorted(seen) and seen[-1] == 20
