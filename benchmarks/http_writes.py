"""Single durable writes through HTTP: a served program, clients on the same machine, one record a
request.

What is timed is the whole request as our client sends it: connection kept open, token, key of the
request, JSON, rules, transaction on disk, answer.  The load generator runs on the same processors
as the server.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from benchmarks import http_clients
from benchmarks.http_clients import ISSUED, load_of
from benchmarks.writers import hot_rows
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.services.account_log import commander
from wasteflow.services.acting import actor_of_login
from wasteflow.services.checking import check_books
from wasteflow.services.tokens import create_token
from wasteflow.services.users import NewUser, create_user
from wasteflow_models.engine import Database

READY_S = 600
END_S = 60


def writer_tokens(url: str, firms: list[str]) -> list[str]:
    """A token for each firm: that of a user who is its operator."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    now, made = datetime.now(UTC), []
    db = Database(url)
    try:
        for number, firm in enumerate(firms):
            login = f"bench{number}"
            create_user(
                db=db,
                user=NewUser(login),
                actor=commander(),
                now=now,
                membership=Membership(Role.OPERATOR, firm),
                hasher=quick,
            )
            actor = actor_of_login(db=db, login=login, now=now)
            assert isinstance(actor, Actor)
            made.append(create_token(db=db, actor=actor, name="bench", now=now).secret)
    finally:
        db.dispose()
    return made


@contextlib.contextmanager
def served(url: str, workers: int) -> Iterator[tuple[str, int]]:
    """Address and process id of the program served as `wasteflow serve` serves it."""
    with free_port() as port:
        server = subprocess.Popen(
            [sys.executable, "-c", "from wasteflow.cli import main; main()", "serve",
             "--port", str(port), "--workers", str(workers)],
            env={**os.environ, "WASTEFLOW_DATABASE_URL": url, "WASTEFLOW_LIMIT_API": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, server)
            _wait_until_warm(server.pid)
            yield address, server.pid
        finally:
            server.terminate()
            try:
                server.wait(END_S)
            except subprocess.TimeoutExpired:  # a busy machine; what was measured is measured
                server.kill()
                server.wait()


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port of this machine that nobody else is given until the block ends.

    On Linux the probe stays bound while a server listens on the port, which is allowed as long as
    only one of them listens.  Elsewhere it is let go first, and another process may be quicker.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        if sys.platform != "linux":
            probe.close()
        yield port


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError("the server ended before it was ready")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/readyz", timeout=2).close()
            return
        time.sleep(0.1)
    raise RuntimeError("the server was not ready in time")


def _wait_until_warm(process: int) -> None:
    """Wait while the server makes reports ready: what it does once belongs to no request."""
    end, before = time.monotonic() + READY_S, -1.0
    while time.monotonic() < end and (now := used_by(process)) - before > 0.1:
        before = now
        time.sleep(1)


def used_by(process: int) -> float:
    """Seconds of processor time of a process and its children; 0 where the system tells nobody."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    own = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return own + sum(used_by(int(child)) for child in children)


def write_over_http(
    url: str,
    shipments: str,
    *,
    kind: str = ISSUED,
    workers: int = 2,
    clients: int = 8,
    seconds: float,
    links: int,
) -> dict[str, Any]:
    """What `http_clients.Written.figures` says of a served copy of books, and its faults after.

    kind: what every request writes (`http_clients.KINDS`).
    """
    rows = [load_of(row) for row in hot_rows(shipments, links)]
    by_firm: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_firm.setdefault(row["consignor"], []).append(row)
    firms = (sorted(by_firm) * clients)[:clients]
    tokens = writer_tokens(url, firms)
    writers = [(token, by_firm[firm]) for firm, token in zip(firms, tokens, strict=True)]
    with served(url, workers) as (address, server):
        found = http_clients.write(address, writers, kind, seconds, lambda: used_by(server))
    db = Database(url)
    try:
        faults = len(check_books(db=db).faults)
    finally:
        db.dispose()
    return {"clients": clients, "workers": workers, "faults": faults, **found.figures(seconds)}
