"""Single durable writes through HTTP: a served program, clients on the same machine, one record a
request.

What is timed is the whole request as our client sends it: connection kept open, token, key of the
request, JSON, rules, transaction on disk, answer.  The load generator runs on the same processors
as the server.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import quantiles
from typing import Any

from argon2 import PasswordHasher

from benchmarks.writers import hot_rows
from wasteflow.client import ApiError, Client, Unreachable
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.services.account_log import commander
from wasteflow.services.acting import actor_of_login
from wasteflow.services.checking import check_books
from wasteflow.services.tokens import create_token
from wasteflow.services.users import NewUser, create_user
from wasteflow_models.engine import Database

READY_S = 60
_FIELDS = ("consignor", "consignee", "material", "route", "mode", "vehicle", "dispatched_t")


ENTRY, DRAFT, ISSUED = "entry", "draft", "issued"
KINDS = {
    ENTRY: "an entry",
    DRAFT: "a draft of a load",
    ISSUED: "a load made and issued",
}
"""What one request writes → its name in the table."""


def load_of(row: dict[str, str]) -> dict[str, Any]:
    """A load of a link of the file, as a client sends it: made and issued in one request."""
    told = {name: row[name] for name in _FIELDS if row.get(name)}
    return {**told, "mode": "road", "vehicle": "云A00001", "dispatched_t": "30.000", "issue": True}


def entry_of(load: dict[str, Any], number: str) -> dict[str, Any]:
    """What the consignor of a load generated of its material."""
    return {
        "enterprise": load["consignor"],
        "doc_no": number,
        "kind": "generation",
        "material": load["material"],
        "date": datetime.now(UTC).date().replace(day=1).isoformat(),
        "tonnes": "30.000",
    }


def send(client: Client, kind: str, load: dict[str, Any], number: str) -> None:
    """One request of a kind; number: of the entry, told once."""
    if kind == ENTRY:
        client.post("/entries", entry_of(load, number))
    else:
        client.create_load({**load, "issue": kind == ISSUED}, issue=kind == ISSUED)


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
    port = _free_port()
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
        server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def _writer(
    kind: str,
    address: str,
    token: str,
    rows: list[dict[str, Any]],
    seconds: float,
    start: Barrier,
    found: Queue[tuple[list[float], Counter[str], float]],
) -> None:
    """One client process: write until the time is up, send home how long each request took and
    the seconds of processor time of all of them.
    """
    number = f"BENCH-{os.getpid()}"
    taken: list[float] = []
    errors: Counter[str] = Counter()
    with Client(address, token=token, tries=1) as client:
        send(client, kind, rows[0], f"{number}-warm")
        start.wait(READY_S)
        end, used = time.perf_counter() + seconds, time.process_time()
        while (began := time.perf_counter()) < end:
            count = len(taken) + errors.total()
            try:
                send(client, kind, rows[count % len(rows)], f"{number}-{count}")
                taken.append(time.perf_counter() - began)
            except (ApiError, Unreachable) as error:  # counted and shown by name
                errors[f"{type(error).__name__} {getattr(error, 'code', '')}".strip()] += 1
        used = time.process_time() - used
    found.put((taken, errors, used))


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
    """Requests per second, milliseconds (p50, p95, p99, slowest), processor time of server and
    clients per request (ms), errors by name, faults.

    kind: what every request writes (`KINDS`).
    """
    rows = [load_of(row) for row in hot_rows(shipments, links)]
    by_firm: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_firm.setdefault(row["consignor"], []).append(row)
    firms = (sorted(by_firm) * clients)[:clients]
    tokens = writer_tokens(url, firms)
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(clients + 1), context.Queue()
    taken: list[float] = []
    errors: Counter[str] = Counter()
    asking = 0.0
    with served(url, workers) as (address, server):
        processes = [
            context.Process(
                target=_writer, args=(kind, address, token, by_firm[firm], seconds, start, found)
            )
            for firm, token in zip(firms, tokens, strict=True)
        ]
        for process in processes:
            process.start()
        start.wait(READY_S)
        answering = -used_by(server)
        for _ in processes:
            times, failed, used = found.get(timeout=READY_S + 2 * seconds + 120)
            taken += times
            errors += failed
            asking += used
        answering += used_by(server)
        for process in processes:
            process.join()
    db = Database(url)
    try:
        faults = len(check_books(db=db).faults)
    finally:
        db.dispose()
    cuts = quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else [0.0] * 99
    return {
        "clients": clients,
        "workers": workers,
        "seconds": seconds,
        "writes": len(taken),
        "per_second": len(taken) / seconds,
        "median_ms": 1000 * cuts[49],
        "p95_ms": 1000 * cuts[94],
        "p99_ms": 1000 * cuts[98],
        "slowest_ms": 1000 * max(taken, default=0.0),
        "server_cpu_ms": 1000 * answering / max(1, len(taken)),
        "clients_cpu_ms": 1000 * asking / max(1, len(taken)),
        "errors": dict(sorted(errors.items())),
        "faults": faults,
    }
