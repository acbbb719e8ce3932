"""Everything at once on the same few links: loads, entries, decisions, corrections, reversals.

A month is closed half way, and somebody reads all the while.

Every process keeps a list of what it was told is done; afterwards the books must hold exactly that,
and `check` must prove them.  What is measured is the services, without a web server.
"""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from queue import Empty, SimpleQueue
from statistics import quantiles
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from benchmarks.ours import NOW
from benchmarks.writers import READY_S, record_one
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.errors import StaleVersion
from wasteflow.core.ids import load_of_uid
from wasteflow.core.lifecycle import IllegalMove
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.records import EventKind
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import load_object
from wasteflow.services import reports
from wasteflow.services.checking import check_books
from wasteflow.services.closing import close_month
from wasteflow.services.corrections import reverse
from wasteflow.services.entry_writing import correct_entry, record_entry
from wasteflow.services.live import creating, decisions, dispatching
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow, EventRow, ShipmentRow

DAY, MONTH = "2026-05-15", 202605
"""The day of every entry and imported load, and the month that is closed half way."""
MARK = "MIX-"
"""How every number of the run begins."""
TURNS = ("load", "entry", "sent", "decided", "entry", "corrected", "load", "reversed", "decided")
"""What a process does in turn."""
AFTER_CLOSE = 0.2
"""How long they go on after the close, as a part of the time of the run."""
LATER = NOW + timedelta(minutes=5)
"""The moment of a decision: after the dispatch."""


def hottest(shipments: str, links: int) -> list[dict[str, str]]:
    """A plain received delivery of each of some links of the busiest consignor and material."""
    with open(shipments, encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in islice(csv.DictReader(file), 20_000)
            if row["kind"] == "delivery" and not row["refused_t"] and row["received_at"]
        ]
    busy = Counter((row["consignor"], row["material"]) for row in rows)
    ((chosen, _),) = busy.most_common(1)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if (row["consignor"], row["material"]) == chosen and not row["reason"]:
            found.setdefault(row["consignee"], {name: text for name, text in row.items() if text})
    moved = {"dispatched_at": DAY, "received_at": DAY}
    return [{**row, **moved} for row in list(found.values())[:links]]


@dataclass(slots=True)
class Told:
    """What one process was told is done; `kg` by public id of an entry in force.

    taken: (what, seconds) of each; late: second answers to a decision, which must be refused.
    """

    taken: list[tuple[str, float]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    kg: dict[str, int] = field(default_factory=dict)
    loads: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    decided: list[str] = field(default_factory=list)
    late: int = 0


class Writer:
    """One process of the run: its books, its links, what it has written so far.

    offered: documents that two of them shall decide, and their receivers.
    """

    def __init__(
        self,
        name: str,
        url: str,
        rows: list[dict[str, str]],
        offered: Queue[tuple[str, str]] | SimpleQueue[tuple[str, str]],
    ) -> None:
        self.db = Database(url)
        self.told = Told()
        self._name, self._rows, self._offered = name, rows, offered
        self._count = 0
        self._clock = Clock(shanghai_day(NOW), NOW)

    def turn(self, what: str) -> bool:
        """Do one thing; False if there was nothing to do it with."""
        self._count += 1
        done: bool = getattr(self, f"_{what}")(self._rows[self._count % len(self._rows)])
        return done

    def _number(self) -> str:
        return f"{MARK}{self._name}-{self._count:07d}"

    def _load(self, row: dict[str, str]) -> bool:
        number = self._number()
        record_one(self.db, row, number)
        self.told.loads.add(number)
        return True

    def _values(self, row: dict[str, str], tonnes: int) -> dict[str, Any]:
        told = {"doc_no": self._number(), "enterprise": row["consignor"], "kind": "generation"}
        told |= {"material": row["material"], "date": DAY, "tonnes": f"{tonnes}.000"}
        values, faults = load_object("entries", told, self._clock)
        assert not faults, faults
        return values

    def _entry(self, row: dict[str, str]) -> bool:
        actor = _operator(row["consignor"])
        values = self._values(row, 10)
        done = record_entry(db=self.db, actor=actor, values=values, now=NOW)
        self.told.kg[str(done.uid)] = done.item.kg
        return True

    def _corrected(self, row: dict[str, str]) -> bool:
        if not self.told.kg:
            return False
        uid = next(iter(self.told.kg))
        done = correct_entry(
            db=self.db,
            actor=_operator(row["consignor"]),
            uid=UUID(uid),
            values=self._values(row, 11),
            reason="weighed again",
            now=NOW,
        )
        del self.told.kg[uid]
        self.told.kg[str(done.uid)] = done.item.kg
        return True

    def _reversed(self, row: dict[str, str]) -> bool:
        if not self.told.loads:
            return False
        number = min(self.told.loads)
        reverse(db=self.db, doc_no=number, reason="recorded twice", now=NOW)
        self.told.loads.remove(number)
        self.told.gone.add(number)
        return True

    def _sent(self, row: dict[str, str]) -> bool:
        """A document made, issued and dispatched; two processes are asked to decide it."""
        names = ("consignor", "consignee", "material", "route", "dispatched_t")
        content = {name: row[name] for name in names} | {"mode": "road", "vehicle": "云A00001"}
        actor = _operator(row["consignor"])
        made = creating.create_load(
            db=self.db, actor=actor, content=content, now=NOW, issue=True
        ).load
        dispatching.dispatch(
            db=self.db,
            actor=actor,
            uid=UUID(made["id"]),
            content={},
            expected_version=None,
            now=NOW,
        )
        self.told.sent.add(made["id"])
        for _ in range(2):
            self._offered.put((made["id"], row["consignee"]))
        return True

    def _decided(self, row: dict[str, str]) -> bool:
        try:
            uid, consignee = self._offered.get_nowait()
        except Empty:
            return False
        try:
            decisions.decide(
                db=self.db,
                actor=_operator(consignee),
                uid=UUID(uid),
                content={"accepted_t": "30.000", "reason": "weighed"},
                expected_version=None,
                now=LATER,
            )
        except (IllegalMove, StaleVersion):  # somebody else was first
            self.told.late += 1
        else:
            self.told.decided.append(uid)
        return True


def _operator(firm: str) -> Actor:
    return Actor(1, "bench", memberships=(Membership(Role.OPERATOR, firm),))


def _write(
    name: str,
    url: str,
    rows: list[dict[str, str]],
    start: Barrier,
    stop: Event,
    offered: Queue[tuple[str, str]],
    found: Queue[Told],
) -> None:
    """One process: one thing after another until it is told to stop."""
    writer = Writer(name, url, rows, offered)
    told = writer.told
    try:
        writer.turn("load")
        start.wait(READY_S)
        turns = int(name)
        while not stop.is_set():
            began = time.perf_counter()
            what = TURNS[turns % len(TURNS)]
            turns += 1
            try:
                if writer.turn(what):
                    told.taken.append((what, time.perf_counter() - began))
            except Exception as error:  # counted and shown by name: this is what is measured
                told.errors[f"{what}: {_name_of(error)}"] += 1
    finally:
        writer.db.dispose()
        found.put(told)
        offered.cancel_join_thread()  # what nobody decided needs nobody


def _name_of(error: Exception) -> str:
    return type(getattr(error, "orig", None) or error).__name__


def _read(url: str, stop: Event, found: Queue[tuple[int, Counter[str]]]) -> None:
    """One process that asks for the flows of the year over and over."""
    db, errors, count = Database(url), Counter[str](), 0
    try:
        while not stop.wait(0.2):
            try:
                reports.flows_report(db=db, period=Period.parse("2026"))
                count += 1
            except Exception as error:  # as above
                errors[f"reading: {_name_of(error)}"] += 1
    finally:
        db.dispose()
        found.put((count, errors))


def write_everything(
    url: str, shipments: str, *, processes: int, seconds: float, links: int
) -> dict[str, Any]:
    """Writes per second, milliseconds (median, 95th percentile, slowest), errors by name, `lost`.

    Everybody writes for `seconds` at least, and for some after the month is closed.  lost: in
    words, what the books hold other than what the processes were told; must be empty, and
    `faults`, those of the proof of the books, must be 0.
    """
    context = multiprocessing.get_context("spawn")
    rows = hottest(shipments, links)
    _close(url, rows[0]["consignor"], MONTH - 1)
    start, stop = context.Barrier(processes + 1), context.Event()
    offered, found, read = context.Queue(), context.Queue(), context.Queue()
    writers = [
        context.Process(target=_write, args=(f"{n}", url, rows, start, stop, offered, found))
        for n in range(processes)
    ]
    reader = context.Process(target=_read, args=(url, stop, read), daemon=True)
    for process in (*writers, reader):
        process.start()
    start.wait(READY_S)
    began = time.perf_counter()
    time.sleep(seconds / 2)
    close_s = _close(url, rows[0]["consignor"], MONTH)
    time.sleep(max(seconds - (time.perf_counter() - began), seconds * AFTER_CLOSE))
    stop.set()
    lasted = time.perf_counter() - began
    told = [found.get(timeout=READY_S) for _ in writers]
    reads, failed = read.get(timeout=READY_S)
    for process in (*writers, reader):
        process.join()
    offered.cancel_join_thread()
    db = Database(url)
    try:
        lost, late = books_hold(db, told), _booked_late(db)
        faults = len(check_books(db=db).faults)
    finally:
        db.dispose()
    errors = sum((part.errors for part in told), failed)
    return _figures(told, lasted) | {
        "close_s": close_s,
        "processes": processes,
        "reads": reads,
        "late": late,
        "errors": dict(sorted(errors.items())),
        "lost": lost,
        "faults": faults,
    }


def _close(url: str, firm: str, month: int) -> float:
    """Close a month and all before it that are open; seconds."""
    db, began = Database(url), time.perf_counter()
    try:
        close_month(db=db, month=month, now=NOW, enterprise=firm)
        return time.perf_counter() - began
    finally:
        db.dispose()


def _figures(told: list[Told], seconds: float) -> dict[str, Any]:
    taken = [long for part in told for _, long in part.taken]
    cuts = quantiles(taken, n=20, method="inclusive") if len(taken) > 1 else [0.0] * 19
    return {
        "seconds": seconds,
        "writes": len(taken),
        "by_kind": dict(sorted(Counter(what for part in told for what, _ in part.taken).items())),
        "second_answers": sum(part.late for part in told),
        "per_second": len(taken) / seconds,
        "median_ms": 1000 * cuts[9],
        "p95_ms": 1000 * cuts[18],
        "slowest_ms": 1000 * max(taken, default=0.0),
    }


# --- nothing lost, nothing twice -------------------------------------------------------------


def books_hold(db: Database, told: list[Told]) -> list[str]:
    """What the books hold other than the processes were told, in words; [] if nothing."""
    found: list[str] = []

    def same(what: str, books: Any, words: Any) -> None:
        if books != words:
            found.append(f"{what}: books {_short(books, words)}, told {_short(words, books)}")

    with db.read() as session:
        later = aliased(EntryRow)
        standing = sa.select(EntryRow.uid, EntryRow.kg).where(
            EntryRow.doc_no.startswith(MARK),
            EntryRow.reverses_id.is_(None),
            ~sa.exists().where(later.reverses_id == EntryRow.id),
        )
        entries = {str(uid): kg for uid, kg in session.execute(standing)}
        loads = sa.select(ShipmentRow.doc_no).where(ShipmentRow.doc_no.startswith(MARK))
        in_force = set(session.scalars(loads.where(~ShipmentRow.reversed_)))
        gone = set(session.scalars(loads.where(ShipmentRow.reversed_)))
        answers = _decisions(session, set().union(*(part.sent for part in told)))
    same("entries", entries, {uid: kg for part in told for uid, kg in part.kg.items()})
    same("loads", in_force, set().union(*(part.loads for part in told)))
    same("reversed loads", gone, set().union(*(part.gone for part in told)))
    decided = Counter(uid for part in told for uid in part.decided)
    same("decided once", max(decided.values(), default=1), 1)
    same("decisions", answers, dict.fromkeys(decided, 1))
    return found


def _booked_late(db: Database) -> int:
    """Entries of the run that came for the closed month after it was closed."""
    query = sa.select(sa.func.count()).where(
        EntryRow.doc_no.startswith(MARK), EntryRow.booked_month > EntryRow.month
    )
    with db.read() as session:
        return int(session.scalar(query) or 0)


def _decisions(session: Session, sent: set[str]) -> dict[str, int]:
    """Public id of a document → how many decisions it has, those that have any."""
    refs = {uid: load_of_uid(UUID(uid)) for uid in sent}
    ids = {ref.key: uid for uid, ref in refs.items() if ref is not None}
    rows = session.execute(
        sa.select(EventRow.shipment_id, sa.func.count())
        .where(EventRow.shipment_id.in_(ids), EventRow.kind == EventKind.DECIDED.value)
        .group_by(EventRow.shipment_id)
    )
    return {ids[shipment]: count for shipment, count in rows}


def _short(one: Any, other: Any) -> str:
    if isinstance(one, (dict, set)):
        more = sorted(set(one) - set(other))
        return f"{len(one)}" + (f" with {', '.join(more[:3])}" if more else "")
    return str(one)
