"""PostgreSQL connections: answered means on the disk, locks do not wait for it, dead ones go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tests.store.databases import new_database
from wasteflow_models.engine import Database

pytestmark = pytest.mark.postgresql


@pytest.fixture
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database that waits for its log, whatever the server of the tests is set up for."""
    with new_database(request, "postgresql", tmp_path) as url:
        waiting = make_url(url).update_query_dict({"options": "-c synchronous_commit=on"})
        database = Database(waiting.render_as_string(hide_password=False))
        yield database
        database.dispose()


def test_a_commit_waits_for_the_disk_only_after_its_locks_are_given_back(db: Database) -> None:
    with db.write() as session:
        assert session.scalar(text("SHOW synchronous_commit")) == "off"
        session.execute(text("INSERT INTO stamp (name, version) VALUES ('x', 1)"))
        written = session.scalar(text("SELECT pg_current_wal_insert_lsn()"))
    with db.connection() as connection:
        query = text("SELECT pg_current_wal_flush_lsn() > CAST(:lsn AS pg_lsn)")
        assert connection.scalar(query, {"lsn": written})  # before the log writer's next round
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        held = (
            "SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert not connection.scalar(text(held))
    db.settle()


def test_what_a_writer_raises_leaves_nothing_and_a_usable_connection(db: Database) -> None:
    with pytest.raises(RuntimeError), db.write() as session:
        session.execute(text("INSERT INTO stamp (name, version) VALUES ('x', 1)"))
        raise RuntimeError
    with db.write() as session:
        assert not session.scalar(text("SELECT count(*) FROM stamp WHERE name = 'x'"))


def test_a_connection_the_server_closed_is_replaced_unnoticed(db: Database) -> None:
    with db.write() as session:
        first = session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(db.url)
    try:
        with other.connection() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    finally:
        other.dispose()
    with db.write() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != first
    with db.look() as found:
        assert found.scalar(text("SELECT 1")) == 1


def test_a_reader_sees_one_state_and_cannot_write(db: Database) -> None:
    with db.read() as session:
        before = session.scalar(text("SELECT count(*) FROM stamp"))
        with db.write() as writer:
            writer.execute(text("INSERT INTO stamp (name, version) VALUES ('x', 1)"))
        assert session.scalar(text("SELECT count(*) FROM stamp")) == before
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
    with db.read() as session:
        assert session.scalar(text("SELECT count(*) FROM stamp")) == before + 1
