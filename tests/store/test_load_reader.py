"""Files read in a process of their own: the same books, the same refusals, no hang if it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.books import NOW, Books, load, write_rows
from tests.store.databases import row_counts
from tests.store.test_staging import ROWS, content, take, twin
from wasteflow import load_files, load_reader
from wasteflow.core.errors import RowsRefused, UnusableFile, WasteflowError
from wasteflow.load_files import Import, import_loads
from wasteflow.load_reader import Order, Reader

__all__ = ["twin"]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Reader]]:
    """Every file of several chunks is read by a process; the readers that were made."""
    made: list[Reader] = []

    class Noted(Reader):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(load_files, "READER_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(load_reader, "Reader", Noted)
    yield made
    assert all(reader._process is None for reader in made)


def test_a_process_leaves_the_same_books(
    books: Books, twin: Books, elsewhere: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = take(books, *ROWS[:-1])
    again = take(books, *ROWS[:-1])
    assert len(elsewhere) == 2
    monkeypatch.setattr(load_files, "READER_BYTES", 10**9)
    here = take(twin, *ROWS[:-1])
    assert len(elsewhere) == 2
    assert there.as_dict() == here.as_dict()
    assert (again.taken, again.skipped) == (0, 11)
    assert content(books) == content(twin)
    books.check()


def test_a_process_refuses_alike(books: Books, elsewhere: list[Reader]) -> None:
    before = row_counts(books.db)
    odd = load("O1", "30,5", "30.000")
    with pytest.raises(RowsRefused) as caught:
        take(books, *ROWS, odd)
    assert [(issue.line, issue.value) for issue in caught.value.issues] == [
        (13, "D1x"),
        (14, "30,5"),
    ]
    assert row_counts(books.db) == before


def test_a_file_that_turns_out_unusable_says_so(books: Books, elsewhere: list[Reader]) -> None:
    path = write_rows(books.folder / "quotes.csv", [load(f"Q{n}", "1.000") for n in range(9)])
    with path.open("a", encoding="utf-8") as file:
        file.write('Q9,"maker\n')
    before = row_counts(books.db)
    with pytest.raises(UnusableFile) as caught:
        import_loads(Import(books.db, path, NOW, chunk_rows=3))
    assert caught.value.code == "bad_quotes"
    assert row_counts(books.db) == before


def test_a_reader_that_dies_is_an_error_not_a_hang(
    books: Books, elsewhere: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its first chunk, as by the kernel when memory runs out."""
    before = row_counts(books.db)
    whole = load_reader.Reader._receive

    def dying(reader: Reader) -> tuple[str, Any]:
        answer = whole(reader)
        assert reader._process is not None
        reader._process.kill()
        reader._process.wait(10)
        return answer

    monkeypatch.setattr(load_reader.Reader, "_receive", dying)
    with pytest.raises(WasteflowError) as caught:
        take(
            books,
            *[load(f"L{n}", "10.000", "10.000", remark="x" * 900) for n in range(3000)],
            chunk_rows=500,
        )
    assert caught.value.code == "reader_died"
    assert str(-signal.SIGKILL) in caught.value.text("en")
    assert row_counts(books.db) == before


def test_without_a_process_the_file_is_read_here(
    books: Books, elsewhere: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert take(books, *ROWS[:-1]).taken == 9
    books.check()


CALLER = """
import sys, time
from wasteflow.load_reader import Reader
reader = Reader()
assert reader.start()
reader._process.stdin.write(bytes.fromhex(sys.argv[1]))
reader._process.stdin.flush()
print(reader._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the process in /proc")
@pytest.mark.parametrize("heard", ["", "00000000000003e8" + "80"])
def test_the_process_ends_with_its_caller(heard: str) -> None:
    """Also if the caller dies in the middle of an order."""
    command = [sys.executable, "-c", CALLER, heard]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        child = int(caller.stdout.readline())
        caller.kill()
    deadline = time.monotonic() + 60
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether a process still does something (a zombie does not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_what_goes_wrong_there_is_told_here(tmp_path: Path) -> None:
    reader = Reader()
    try:
        order: Any = Order(None, None, None, False, None)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="AttributeError"):
            list(reader.chunks(order))
    finally:
        reader.close()


def test_the_reading_process_needs_no_tables() -> None:
    """It starts in half the time without SQLAlchemy, and writes nothing."""
    asked = "import sys, wasteflow.load_reader; print('sqlalchemy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
