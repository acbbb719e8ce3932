"""A disk that fails under a write: nobody is told that it is done until the disk confirms it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tests.api.conftest import Api
from tests.api.test_entries import ENTRY
from wasteflow.core.errors import WasteflowError
from wasteflow.services.checking import check_books
from wasteflow_models import log_file, postgres
from wasteflow_models.engine import Database
from wasteflow_models.queue import Alive


def post(api: Api, number: str = "D-1") -> Any:
    """An entry with the key of its number."""
    body = {**ENTRY, "doc_no": number}
    return api.post("op-p1", "/entries", body, Idempotency_Key=f"key-{number}")


def recorded(api: Api) -> list[str]:
    """Numbers of the entries of this test that stand in the books."""
    with api.db.read() as session:
        found = session.scalars(text("SELECT doc_no FROM entry WHERE doc_no LIKE 'D-%' ORDER BY 1"))
        return list(found)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Lets the flush of SQLite's log fail once, as a disk does: later ones say that all is well."""
    real, left = os.fdatasync, list[OSError]()

    def flush(file: int) -> None:
        if left:
            raise left.pop()
        real(file)

    monkeypatch.setattr(os, "fdatasync", flush)
    return lambda on: left.extend([OSError(errno.EIO, "I/O")] * on)


def test_a_failed_flush_stops_writing_until_the_disk_confirms(
    api: Api, failing: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(api, "D-0").status_code == 201
    failing(True)
    first = post(api)
    assert (first.status_code, first.get_json()["code"]) == (503, "not_on_disk")
    assert first.headers["Retry-After"]
    with monkeypatch.context() as broken:  # flushes say all is well, and that proves nothing
        broken.setattr(log_file, "_connected", unable)
        for number in ("D-1", "D-2"):
            again = post(api, number)
            assert (again.status_code, again.get_json()["code"]) == (503, "not_on_disk")
        other = Database(api.db.url)  # another process knows it too
        with pytest.raises(WasteflowError, match="the disk did not confirm"), other.write():
            raise AssertionError("written")
        other.dispose()
    answer = post(api)
    assert answer.status_code == 201
    assert answer.headers["Idempotency-Replayed"] == "true"
    log = Path(f"{api.db.path}-wal")
    assert not log.stat().st_size  # everything went into the file
    assert post(api, "D-2").status_code == 201
    assert recorded(api) == ["D-0", "D-1", "D-2"]
    assert check_books(db=api.db).ok


def unable(_: Path) -> Any:
    """A disk on which nothing opens."""
    raise OSError(errno.EIO, "I/O")


def test_a_full_disk_refuses_and_writes_nothing(api: Api) -> None:
    def full(connection: Any, *_: Any) -> None:
        pages = connection.connection.driver_connection.execute("PRAGMA page_count").fetchone()[0]
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(api.db._writer, "begin", full)
    last = post(api, "D-0")
    for number in range(1, 400):  # until the pages that are there are full
        if last.status_code != 201:
            break
        last = post(api, f"D-{number}")
    assert (last.status_code, last.get_json()["code"]) == (503, "not_written")
    kept = recorded(api)
    event.remove(api.db._writer, "begin", full)
    with api.db._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert post(api, "D-last").status_code == 201
    assert len(recorded(api)) == len(kept) + 1
    assert check_books(db=api.db).ok


@pytest.fixture
def on_postgresql(api_on: Callable[[str], Api]) -> Api:
    """The API over small books on PostgreSQL alone: a file has no connection to lose."""
    return api_on("postgresql")


@pytest.mark.postgresql
@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_commit_nobody_heard_of_is_asked_for_again(
    on_postgresql: Api, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """The connection breaks before the commit, or after it and before it was on the disk."""
    api = on_postgresql
    assert post(api, "D-0").status_code == 201
    cut = "SELECT pg_terminate_backend(pg_backend_pid())"
    with monkeypatch.context() as broken:
        if lost == "after":
            broken.setattr(postgres, "_FLUSH", cut)
        else:
            broken.setattr(postgres, "_COMMIT", f"{cut}; COMMIT")
        first = post(api)
        assert (first.status_code, first.get_json()["code"]) == (503, "not_on_disk")
    answer = post(api)
    assert answer.status_code == 201
    assert ("Idempotency-Replayed" in answer.headers) == (lost == "after")
    assert recorded(api) == ["D-0", "D-1"]
    assert check_books(db=api.db).ok


def test_a_mark_that_was_removed_is_held_by_one(tmp_path: Path) -> None:
    """Who opened the file of a mark before it was removed does not hold it."""
    books = tmp_path / "books.sqlite3"
    first, second, third = (Alive(books, "import-1") for _ in range(3))
    assert first.take()
    assert not second.take()
    real = os.stat
    late = os.open(f"{books}-import-1.lock", os.O_RDWR)
    first.drop()
    assert third.take()
    assert not os.path.samestat(os.fstat(late), real(f"{books}-import-1.lock"))
    assert not second.take()
    os.close(late)
    third.drop()
    assert second.take()
    second.drop()
