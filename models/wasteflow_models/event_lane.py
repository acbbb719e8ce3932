"""A second connection to PostgreSQL that writes the events of loads while the first writes loads.

One connection is one process of the server, and it has most of an import's work.  The transaction
of the loads notes where they lie and commits first: whatever a crash leaves is found by that.
Each makes the partitions of its table for months that are new to it (`partitions`); the loads are
not committed before the lane has the lock of its own, so that nobody makes them in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

from sqlalchemy.orm import Session

from wasteflow_models.copied_moves import copy_events, copy_headers
from wasteflow_models.engine import Alone, Database
from wasteflow_models.load_copy import CopiedLoads
from wasteflow_models.partitions import ensure_partitions, missing_months


class _Dropped(Exception):
    """The loads of these events are not committed."""


class EventLane:
    """One chunk at a time: `hold`, `copy`, then, when its loads are committed, `finish`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._months: set[int] = set()
        self._answer: Callable[[bool], None] = lambda commit: None
        self._running: Future[None] | None = None

    def hold(self, session: Session, copies: CopiedLoads) -> set[int]:
        """Months of the loads of which there is no partition; nobody else makes one now.

        Called before their numbers are claimed, as every writer does: locks are taken in one order.
        """
        asked = copies.months - self._months
        return missing_months(session, "shipment", asked) if asked else set()

    def copy(self, session: Session, copies: CopiedLoads, new: Collection[int]) -> None:
        """Write loads whose numbers are claimed, and begin to write their events.

        new: what `hold` said.
        """
        asked = copies.months - self._months
        held, decided, commit = Event(), Event(), False

        def answer(whether: bool) -> None:
            nonlocal commit
            commit = whether
            decided.set()

        def work() -> None:
            try:
                with suppress(_Dropped), self._db.write(Alone.NOBODY) as own:
                    copy_events(own, copies, _missing_events(own, asked, held))
                    decided.wait()
                    if not commit:
                        raise _Dropped
            finally:
                held.set()

        self._answer, self._running = answer, self._worker.submit(work)
        copy_headers(session, copies, new)
        held.wait()
        self._months |= asked

    def finish(self) -> None:
        """Commit the events `copy` began, and return when it is; raises what went wrong there."""
        self._end(commit=True)

    def close(self) -> None:
        """Drop what is not finished."""
        try:
            self._end(commit=False)
        finally:
            self._worker.shutdown()

    def _end(self, commit: bool) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._answer(commit)
            running.result()


def _missing_events(session: Session, months: set[int], held: Event) -> set[int]:
    """Months that have no partition of events; `held` is set once the lock is held that asks."""
    found = missing_months(session, "event", months) if months else set()
    held.set()
    return found


def insert_copies(session: Session, copies: CopiedLoads) -> None:
    """Headers and events of loads whose numbers are claimed, in one transaction."""
    ensure_partitions(session, copies.months)
    copy_headers(session, copies)
    copy_events(session, copies)
