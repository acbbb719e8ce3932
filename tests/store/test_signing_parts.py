"""A large own file signs in parts after publishing: killed between them, overtaken, taken up."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, load, write_rows
from tests.store.live import CEMENT, MAKER, Gate
from tests.store.test_own_files import grades
from wasteflow import load_files
from wasteflow.services import load_signing_parts as parts
from wasteflow.services import work as jobs
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import reverse
from wasteflow.services.live import listing
from wasteflow.services.live.listing import LoadFilter
from wasteflow.services.seals import seal_books
from wasteflow.services.uploads import Owner, take_upload
from wasteflow.worker import Worker
from wasteflow_models.ledger import BatchRow, EventRow
from wasteflow_models.live import ChangeRow
from wasteflow_models.signing_due import SigningDueRow

LOADS, CHUNK, SIGNED = 12, 5, 4
"""Loads of a file, of a chunk of it, and of a part that is signed at once."""
KILLED = f"""
import os, signal, sys, threading
from datetime import timedelta
from wasteflow import load_files, uploads
from wasteflow.cli.common import now
from wasteflow.services import load_signing_parts as parts
from wasteflow.worker import Worker
from wasteflow_models.engine import Database

load_files.CHUNK_ROWS, parts.PART = {CHUNK}, {SIGNED}
uploads._signer = lambda work: "cement"
one, left = parts._sign_part, int(sys.argv[2])

def sign_part(*given):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return one(*given)

parts._sign_part = sign_part
Worker(Database(sys.argv[1]), now, lease=timedelta(seconds=1)).once()
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_files, "CHUNK_ROWS", CHUNK)
    monkeypatch.setattr(parts, "PART", SIGNED)


def rows() -> list[dict[str, str]]:
    """The loads of the file."""
    return [load(f"L{n:02d}", "30.000", "29.900", vehicle="云A1") for n in range(LOADS)]


def due(books: Books) -> int:
    """How many signatures are owed."""
    with books.db.read() as session:
        return int(session.scalar(sa.select(sa.func.count()).select_from(SigningDueRow)) or 0)


def counted(books: Books) -> tuple[int, int, int]:
    """Confirmations, distinct loads among them, changes of imports."""
    confirmed = EventRow.kind == "confirmed"
    with books.db.read() as session:
        ids = session.scalars(sa.select(EventRow.shipment_id).where(confirmed)).all()
        told = session.scalars(sa.select(ChangeRow.id).where(ChangeRow.kind == "import")).all()
    return len(ids), len(set(ids)), len(told)


def between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Do `act` once, after the first part."""
    one, calls = parts._sign_part, [0]

    def sign_part(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            act()
        return one(*given)

    monkeypatch.setattr(parts, "_sign_part", sign_part)


def uid_of(books: Books, number: str) -> UUID:
    """Public id of a load."""
    wanted = LoadFilter(doc_no=number)
    (item,) = listing.list_loads(db=books.db, actor=MAKER, wanted=wanted)["items"]
    return UUID(item["id"])


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_worker_killed_between_parts_is_gone_on_from(books: Books, killed_after: int) -> None:
    books.sign("maker", *rows())
    content = write_rows(books.folder / "own.csv", rows()).read_bytes()
    job = take_upload(
        db=books.db,
        kind="shipments",
        filename="own.csv",
        pieces=[content],
        owner=Owner("cement", 0, ""),
        options={"publish": True},
        now=NOW,
    )
    command = [sys.executable, "-c", KILLED, books.db.url, str(killed_after)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert due(books) == LOADS - killed_after * SIGNED
    assert counted(books)[:2] == (killed_after * SIGNED,) * 2
    seen = jobs.get_job(db=books.db, uid=job.uid)
    assert seen.state == "running" and seen.batch_id
    books.check()
    worker = Worker(books.db, lambda: NOW + timedelta(days=400))
    worker._swept = NOW + timedelta(days=400)
    ended = worker.once()
    assert ended is not None and (ended.uid, ended.state) == (job.uid, "done")
    assert (due(books), counted(books)[:2]) == (0, (LOADS, LOADS))
    assert set(grades(books).values()) == {"both"}
    again = books.sign("cement", *rows())
    assert (again.taken, again.confirmed, again.skipped) == (0, 0, LOADS)
    books.check()


def test_what_nobody_goes_on_with_is_signed_by_the_next_worker(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.sign("maker", *rows())

    def broken() -> None:
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        between(patch, broken)
        with pytest.raises(RuntimeError):
            books.sign("cement", *rows())
    assert due(books) == LOADS - SIGNED
    books.check()
    assert Worker(books.db, lambda: NOW + timedelta(hours=1)).once() is None
    assert (due(books), counted(books)[:2]) == (0, (LOADS, LOADS))
    books.check()


def test_an_import_that_is_not_published_owes_nothing(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.sign("maker", *rows())
    wrong = load("L99", "30.000", "29.900", consignee="nobody")
    with pytest.raises(Exception, match="refused"):
        books.sign("cement", *rows(), wrong)
    report = books.sign("cement", *rows(), dry_run=True)
    assert (report.confirmed, due(books), counted(books)[0]) == (LOADS, 0, 0)
    with books.db.write() as session:  # a dead one
        session.add(BatchRow(id=77, kind="shipments", recorded_at=NOW, published=False))
        session.flush()
        session.add(SigningDueRow(batch_id=77, shipment_id=1, events=2))
    assert parts.sign_left(db=books.db, now=lambda: NOW) == 0
    assert books.sign("cement", *rows()).confirmed == LOADS
    assert (due(books), counted(books)[:2]) == (0, (LOADS, LOADS))
    books.check()


def test_parts_leave_what_one_transaction_leaves(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: the loads, grades and flows of a file that signs in parts and of one that does not."""
    books.sign("maker", *rows())
    monkeypatch.setattr(load_files, "CHUNK_ROWS", 1000)
    half = rows()[: LOADS // 2]
    assert books.sign("cement", *half).confirmed == len(half)
    once = counted(books)
    monkeypatch.setattr(load_files, "CHUNK_ROWS", CHUNK)
    report = books.sign("cement", *rows())
    assert (report.confirmed, report.skipped, report.taken) == (LOADS - len(half), len(half), 0)
    assert counted(books)[2] == once[2] + 2  # told when it is published, and when it is signed
    with books.db.read() as session:
        query = sa.select(
            EventRow.kind, EventRow.seq, EventRow.evidence, EventRow.booked_month, EventRow.kg
        ).order_by(EventRow.shipment_id, EventRow.seq)
        found = [tuple(row) for row in session.execute(query)]
    each = len(found) // LOADS
    assert all(found[at : at + each] == found[:each] for at in range(0, len(found), each))
    books.check()


def test_what_changed_between_parts_is_signed_only_as_it_was_seen(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirmed by hand meanwhile, revised, taken back; a seal made in between stands."""
    gate = Gate(books)
    books.loads(*rows())

    def act() -> None:
        gate.act("confirm", MAKER, uid_of(books, "L10"))
        revised = gate.revise(MAKER, uid_of(books, "L11"), dispatched_t="29.950")
        gate.answer("approve", CEMENT, revised)
        reverse(db=books.db, doc_no="L09", reason="双录", now=gate.now)
        gate.act("confirm", CEMENT, uid_of(books, "L08"))
        seal_books(db=books.db, now=gate.now)

    between(monkeypatch, act)
    report = books.sign("cement", *rows())
    assert (report.confirmed, due(books)) == (LOADS - 3, 0)
    found = grades(books)
    assert found["L10"] == "both" and found["L00"] == found["L08"] == "one_sided"
    assert check_books(db=books.db, full=True).faults == []
