"""Clients that write through HTTP from processes of their own, and what they found.

Nothing of the program but its client is imported: every process begins by importing this.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from statistics import quantiles
from typing import Any

from wasteflow.client import ApiError, Client, Unreachable

READY_S = 600
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


@dataclass(slots=True)
class Written:
    """Seconds of each request that was answered, errors by name, processor time of both sides."""

    taken: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    asking_s: float = 0.0
    answering_s: float = 0.0

    def figures(self, seconds: float) -> dict[str, Any]:
        """Requests per second, milliseconds (p50, p95, p99, slowest), processor time of server and
        clients per request (ms), errors by name.
        """
        taken = self.taken
        cuts = quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else [0.0] * 99
        return {
            "seconds": seconds,
            "writes": len(taken),
            "per_second": len(taken) / seconds,
            "median_ms": 1000 * cuts[49],
            "p95_ms": 1000 * cuts[94],
            "p99_ms": 1000 * cuts[98],
            "slowest_ms": 1000 * max(taken, default=0.0),
            "server_cpu_ms": 1000 * self.answering_s / max(1, len(taken)),
            "clients_cpu_ms": 1000 * self.asking_s / max(1, len(taken)),
            "errors": dict(sorted(self.errors.items())),
        }


def write(
    address: str,
    writers: Sequence[tuple[str, list[dict[str, Any]]]],
    kind: str,
    seconds: float,
    used_by_server: Callable[[], float],
) -> Written:
    """One process for each of `writers` (token, loads to write), all at once."""
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(len(writers) + 1), context.Queue()
    processes = [
        context.Process(target=_writer, args=(kind, address, token, rows, seconds, start, found))
        for token, rows in writers
    ]
    for process in processes:
        process.start()
    start.wait(READY_S)
    done = Written(answering_s=-used_by_server())
    for _ in processes:
        times, failed, used = found.get(timeout=READY_S + 2 * seconds + 120)
        done.taken += times
        done.errors += failed
        done.asking_s += used
    done.answering_s += used_by_server()
    for process in processes:
        process.join()
    return done


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
