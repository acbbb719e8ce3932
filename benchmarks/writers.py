"""Single durable writes: one load per transaction, by several processes at once on hot links,
and by one beside the import of a large file.

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
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np
import polars as pl

from benchmarks.ours import NOW
from wasteflow.core.periods import shanghai_day
from wasteflow.jobs import import_file
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.batches import new_batch
from wasteflow.services.checking import check_books
from wasteflow.services.loads import LoadFile, record_loads
from wasteflow_models.engine import Database

READY_S = 600
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
        batch=lambda now: new_batch(kind="shipments", now=now, synthetic=True),
        now=lambda: NOW,
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


# --- beside an import ------------------------------------------------------------------------

PAUSE_S = 0.02


def _clerk(
    url: str,
    rows: list[dict[str, str]],
    ready: Event,
    stop: Event,
    found: Queue[tuple[list[tuple[float, float]], Counter[str]]],
) -> None:
    """One process: record a load now and then until told to stop; (when, how long) of each."""
    db, errors = Database(url), Counter[str]()
    taken: list[tuple[float, float]] = []
    try:
        record_one(db, rows[0], "CLERK-warm")
        ready.set()
        while not stop.wait(PAUSE_S):
            count, began = len(taken) + sum(errors.values()), time.monotonic()
            try:
                record_one(db, rows[count % len(rows)], f"CLERK-{count:07d}")
                taken.append((began, time.monotonic() - began))
            except Exception as error:  # as above
                errors[type(getattr(error, "orig", None) or error).__name__] += 1
    finally:
        db.dispose()
        found.put((taken, errors))


def write_beside(url: str, shipments: str, again: str, *, links: int) -> dict[str, Any]:
    """How long single writes take while two files are imported, the second onto the same links.

    again: where the second file is put; it holds the deliveries of the first under other numbers.
    """
    frame = pl.read_csv(shipments, infer_schema=False)
    fresh = frame.filter(pl.col("parent_doc_no").fill_null("") == "")
    fresh.with_columns((pl.lit("B") + pl.col("doc_no")).alias("doc_no")).write_csv(again)
    del frame, fresh
    context = multiprocessing.get_context("spawn")
    ready, stop, found = context.Event(), context.Event(), context.Queue()
    arguments = url, hot_rows(shipments, links), ready, stop, found
    clerk = context.Process(target=_clerk, args=arguments)
    clerk.start()
    if not ready.wait(READY_S):
        raise RuntimeError("the writer beside the import did not start")
    db = Database(url)
    spans = []
    try:
        for path in (shipments, again):
            began = time.monotonic()
            import_file(db=db, kind="shipments", path=Path(path), now=NOW, synthetic=True)
            spans.append((began, time.monotonic()))
        stop.set()
        taken, errors = found.get(timeout=READY_S)
        clerk.join()
        faults = len(check_books(db=db).faults)
    finally:
        stop.set()
        db.dispose()
    waits = [[long for at, long in taken if first <= at <= last] for first, last in spans]
    return {
        "writes": len(taken),
        "written": [len(part) for part in waits],
        "seconds": [last - first for first, last in spans],
        "slowest_s": [max(part, default=0.0) for part in waits],
        "over_a_second": [sum(long > 1 for long in part) for part in waits],
        "errors": dict(sorted(errors.items())),
        "faults": faults,
    }
