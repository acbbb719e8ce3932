"""Single durable writes: one load per transaction, by several processes at once on hot links.

What is measured is the service function of the import, so the web server's own time is missing from
these figures: `http_writes` measures whole requests.
"""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections import Counter
from itertools import islice
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from statistics import quantiles
from typing import Any

import numpy as np
import polars as pl

from benchmarks.ours import NOW
from wasteflow.core.periods import shanghai_day
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.batches import new_batch
from wasteflow.services.checking import check_books
from wasteflow.services.loads import LoadFile, record_loads
from wasteflow_models.engine import Database

READY_S = 120
"""How long the processes wait for each other before the clock starts."""


def hot_rows(shipments: str, links: int) -> list[dict[str, str]]:
    """A plain, received delivery of each of the first `links` links of a file, blanks left out."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    with open(shipments, encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), 20_000):
            plain = row["kind"] == "delivery" and not row["refused_t"] and row["received_at"]
            if plain and not row["reason"]:
                key = row["consignor"], row["consignee"]
                found.setdefault(key, {name: text for name, text in row.items() if text})
            if len(found) == links:
                break
    return list(found.values())


def record_one(db: Database, given: dict[str, str], number: str) -> None:
    """Check one load (every field, every rule) and record it in a transaction of its own.

    given: cells by column of the contract, blanks left out.  Raises RowsRefused.
    """
    cells = {**given, "doc_no": number}
    names = [column.name for column in columns_of("shipments") if column.name in cells]
    frame = pl.DataFrame({name: [cells[name]] for name in names}, dict.fromkeys(names, pl.String))
    chunk = TextChunk(frame, np.ones(1, np.int64))
    file = LoadFile(lambda: [chunk], Clock(shanghai_day(NOW), NOW), small=True)
    record_loads(
        db=db,
        file=file,
        batch=lambda: new_batch(kind="shipments", now=NOW, synthetic=True),
        now=NOW,
    )


def _writer(
    name: str,
    url: str,
    rows: list[dict[str, str]],
    seconds: float,
    start: Barrier,
    found: Queue[tuple[list[float], Counter[str]]],
) -> None:
    """One process: record loads until the time is up, send home how long each took."""
    db, errors = Database(url), Counter[str]()
    taken: list[float] = []
    try:
        record_one(db, rows[0], f"BENCH-{name}-warm")
        start.wait(READY_S)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            count = len(taken) + sum(errors.values())
            try:
                record_one(db, rows[count % len(rows)], f"BENCH-{name}-{count:07d}")
                taken.append(time.perf_counter() - began)
            except Exception as error:  # counted and shown by name: this is what is measured
                errors[type(getattr(error, "orig", None) or error).__name__] += 1
    finally:
        db.dispose()
        found.put((taken, errors))


def write_singly(
    url: str, shipments: str, *, processes: int, seconds: float, links: int
) -> dict[str, Any]:
    """Loads per second, milliseconds (median, 95th percentile, slowest), errors by name.

    Ends with the proof of the books: `faults` must be 0.
    """
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(processes), context.Queue()
    rows = hot_rows(shipments, links)
    workers = [
        context.Process(target=_writer, args=(f"{n}", url, rows, seconds, start, found))
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    taken: list[float] = []
    errors: Counter[str] = Counter()
    for _ in workers:
        times, failed = found.get(timeout=READY_S + 2 * seconds + 120)
        taken += times
        errors += failed
    for worker in workers:
        worker.join()
    db = Database(url)
    try:
        faults = len(check_books(db=db).faults)
    finally:
        db.dispose()
    cuts = quantiles(taken, n=20, method="inclusive") if len(taken) > 1 else [0.0] * 19
    return {
        "processes": processes,
        "seconds": seconds,
        "writes": len(taken),
        "per_second": len(taken) / seconds,
        "median_ms": 1000 * cuts[9],
        "p95_ms": 1000 * cuts[18],
        "slowest_ms": 1000 * max(taken, default=0.0),
        "errors": dict(sorted(errors.items())),
        "faults": faults,
    }
