"""A second connection to PostgreSQL that writes the events of loads while the first writes loads.

One connection is one process of the server, and it has most of an import's work.  The transaction
of the loads notes where they lie and commits first: whatever a crash leaves is found by that.  The
second takes no lock of writers: the first, which waits for it, holds one, and would wait for ever
if somebody who wants to be alone came in between.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

from sqlalchemy.orm import Session

from wasteflow_models.copied_moves import copy_events, copy_headers
from wasteflow_models.engine import Database
from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.months_apart import MonthsApart
from wasteflow_models.partitions import ensure_partitions


class _Dropped(Exception):
    """The loads of these events are not committed."""


class EventLane:
    """One chunk at a time: `hold`, `copy`, then, when its loads are committed, `finish`."""

    def __init__(self, db: Database, batch_id: int) -> None:
        self._db = db
        self._worker = ThreadPoolExecutor(max_workers=1)
        self.apart = MonthsApart(db, batch_id)
        self._answer: Callable[[bool], None] = lambda commit: None
        self._running: Future[None] | None = None
        self._copies: CopiedLoads | None = None

    def hold(self, copies: CopiedLoads) -> None:
        """Find the tables of the loads; called before their numbers are claimed."""
        self.apart.ask(copies.months)

    def copy(self, session: Session, copies: CopiedLoads) -> None:
        """Write loads whose numbers are claimed, and begin to write their events."""
        decided, commit = Event(), False

        def answer(whether: bool) -> None:
            nonlocal commit
            commit = whether
            decided.set()

        def work() -> None:
            with suppress(_Dropped), self._db.write(None, settled=False) as own:
                self.apart.make(own, "event", copies.months)
                copy_events(own, copies, self.apart.table_of)
                self.apart.read_over(own, "event", copies.months)
                decided.wait()
                if not commit:
                    raise _Dropped

        self._answer, self._running = answer, self._worker.submit(work)
        self._copies = copies
        self.apart.make(session, "shipment", copies.months)
        copy_headers(session, copies, self.apart.table_of)
        self.apart.read_over(session, "shipment", copies.months)

    def finish(self) -> None:
        """Commit the events `copy` began, and return when it is; raises what went wrong there."""
        copies = self._copies
        self._end(commit=True)
        if copies is not None:
            self.apart.note(copies)
            self.apart.give_way()

    def close(self) -> None:
        """Drop what is not finished."""
        try:
            self._end(commit=False)
        finally:
            self._worker.shutdown()

    def _end(self, commit: bool) -> None:
        running, self._running, self._copies = self._running, None, None
        if running is not None:
            self._answer(commit)
            running.result()


def insert_copies(session: Session, copies: CopiedLoads) -> None:
    """Headers and events of loads whose numbers are claimed, in one transaction."""
    ensure_partitions(session, copies.months)
    copy_headers(session, copies)
    copy_events(session, copies)
