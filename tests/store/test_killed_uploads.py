"""SIGKILL of the worker at any moment of an upload: nothing lost, nothing twice, its user sees it.

The quick test runs always; `-m slow` kills 50 times on each.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.store.books import NOW, Books, load, write_rows
from tests.store.databases import row_counts
from wasteflow.services import work as jobs
from wasteflow.services.uploads import Owner, take_upload

LEASE_S = 2
LOADS = 400
WORKER = f"""
import sys, threading
from datetime import timedelta
from wasteflow import load_files
from wasteflow.cli.common import now
from wasteflow.worker import Worker
from wasteflow_models.engine import Database

load_files.CHUNK_ROWS = 50
print("up", flush=True)
Worker(Database(sys.argv[1]), now, lease=timedelta(seconds={LEASE_S})).run(threading.Event(), 0.05)
"""


def started(books: Books) -> subprocess.Popen[bytes]:
    """A worker in a process of its own, ready to claim."""
    made = subprocess.Popen(
        [sys.executable, "-c", WORKER, books.db.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert made.stdout is not None and made.stdout.readline() == b"up\n"
    return made


def killed(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def survive(books: Books, kills: int, seed: int) -> None:
    """Upload a file that is published at once, kill its worker `kills` times, let the last end."""
    rows = [load(f"K{number:05d}", "30.000", "29.900") for number in range(LOADS)]
    content = write_rows(books.folder / "k.csv", rows).read_bytes()
    owner = Owner("maker", 0, "")
    chance = random.Random(seed)
    asked: dict[str, Any] = {"kind": "shipments", "filename": "k.csv", "owner": owner, "now": NOW}
    done = 0
    while done < kills:
        job = take_upload(db=books.db, pieces=[content], options={"publish": True}, **asked)
        for _ in range(min(kills - done, jobs.MOST_ATTEMPTS - 1)):
            process = started(books)
            time.sleep(chance.uniform(0.0, 1.2))
            killed(process)
            done += 1
            seen = jobs.get_job(db=books.db, uid=job.uid)
            assert seen.state in ("waiting", "running", "done"), seen
            found = row_counts(books.db)["batch"]
            if seen.state == "done":
                break
            time.sleep(LEASE_S if seen.state == "running" else 0)
            assert found >= 0
        process = started(books)
        wait(books, job.uid)
        killed(process)
        ended = jobs.get_job(db=books.db, uid=job.uid)
        assert (ended.state, ended.error) == ("done", ""), ended
        assert row_counts(books.db)["shipment"] == LOADS
    books.check()
    assert row_counts(books.db)["shipment"] == LOADS


def wait(books: Books, uid: str) -> None:
    """Until the job is over; a minute at most."""
    for _ in range(600):
        if jobs.get_job(db=books.db, uid=uid).over:
            return
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def test_a_killed_worker_loses_nothing_and_doubles_nothing(books: Books) -> None:
    survive(books, 2, 7)


@pytest.mark.slow
def test_really_many_kills(books: Books) -> None:
    survive(books, 50, 11)
