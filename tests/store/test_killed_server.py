"""SIGKILL of the server while files are handed in: nothing lost, nothing twice, its user sees it.

The quick test kills once; `-m slow` kills 50 times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from benchmarks.http_writes import free_port
from tests import people
from tests.store.books import Books, load, write_rows
from tests.store.databases import row_counts
from wasteflow.core.actors import Membership, Role
from wasteflow.services import work as jobs
from wasteflow.services.account_log import commander
from wasteflow.services.users import NewUser, create_user
from wasteflow.worker import Worker

LOADS = 60
SERVER = """
import sys
from werkzeug.serving import run_simple
from wasteflow.app import create_app
from wasteflow.config import Config

app = create_app(Config(sys.argv[1]))
run_simple("127.0.0.1", int(sys.argv[2]), app, threaded=True)
"""
"""A server without workers of its own: what it took lies in the database, whoever does it."""


class Server:
    """The web server in a process of its own, to be killed at any moment."""

    def __init__(self, url: str, port: int) -> None:
        self._url, self.port = url, port
        self.base = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-c", SERVER, self._url, str(self.port)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                httpx.get(f"{self.base}/healthz", timeout=5)
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def served(books: Books) -> Iterator[Server]:
    with free_port() as port:
        server = Server(books.db.url, port)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def hand_in(server: Server, token: str, number: int, content: bytes, told: list[Any]) -> None:
    """Send a file to be published at once; what was answered, if anything was."""
    try:
        answer = httpx.post(
            f"{server.base}/api/v1/imports",
            headers={"Authorization": f"Bearer {token}"},
            data={"kind": "shipments", "publish": "true", "organisation": "maker"},
            files={"file": (f"{number}.csv", content)},
            timeout=60,
        )
    except httpx.TransportError:
        return
    told.append((answer.status_code, answer.json()))


def enrolled(books: Books) -> str:
    """A token of the admin of the firm."""
    create_user(
        db=books.db,
        user=NewUser("clerk", "Clerk", password=people.PASSWORD, must_change=False),
        actor=commander(),
        now=people.now(),
        membership=Membership(Role.ENTERPRISE_ADMIN, "maker"),
        hasher=people.CHEAP,
    )
    return people.token(books.db, "clerk")


def survive(books: Books, kills: int, seed: int) -> tuple[int, int]:
    """Kill the server while a file is sent, send it again; (answered, of these cut off)."""
    token = enrolled(books)
    chance, cut = random.Random(seed), 0
    accepted: list[str] = []
    with served(books) as server:
        for number in range(kills):
            rows = [load(f"S{number:03d}-{place}", "30.000", "29.900") for place in range(LOADS)]
            content = write_rows(books.folder / "s.csv", rows).read_bytes()
            told: list[Any] = []
            asked = (server, token, number, content, told)
            sender = threading.Thread(target=hand_in, args=asked)
            sender.start()
            time.sleep(chance.uniform(0.0, 0.15))
            server.kill()
            sender.join()
            server.start()
            if not told:
                cut += 1
                hand_in(*asked)
            (status, job), *_ = told
            assert status == 202, told
            accepted.append(job["id"])
    work = Worker(books.db, lambda: datetime.now(UTC))
    while work.once() is not None:
        pass
    for uid in accepted:  # what was answered is done; what was not can be seen where it stands
        seen = jobs.get_job(db=books.db, uid=uid)
        assert (seen.state, seen.error) == ("done", ""), seen
    states = {job.state for job in jobs.list_jobs(db=books.db, kind="import")}
    assert states <= {"done", "arriving"}
    late = datetime.now(UTC) + jobs.ARRIVAL  # what never became whole is ended and says so
    assert Worker(books.db, lambda: late).once() is None
    ended = {(job.state, job.error) for job in jobs.list_jobs(db=books.db, kind="import")}
    assert ended <= {("done", ""), ("failed", "upload_cut_off")}
    assert row_counts(books.db)["shipment"] == kills * LOADS
    books.check()
    return len(accepted), cut


def test_a_killed_server_loses_nothing_and_doubles_nothing(books: Books) -> None:
    if not books.db.is_sqlite:
        pytest.skip("what a server writes of a file is the same transaction on both")
    survive(books, 1, 3)


@pytest.mark.slow
def test_really_many_kills(books: Books) -> None:
    answered, cut = survive(books, 50, 5)
    print(f"50 kills, {cut} of them before an answer")
    assert answered == 50 and 0 < cut < 50
