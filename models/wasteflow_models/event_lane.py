"""A second connection to PostgreSQL that writes the events of loads while the first writes loads.

One connection is one process of the server, and it has most of an import's work.  The transaction
of the loads notes where they lie and commits first: whatever a crash leaves is found by that.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import numpy as np
from sqlalchemy.orm import Session

from wasteflow_models.engine import Alone, Database
from wasteflow_models.load_copy import CopiedLoads, copy_events, copy_headers
from wasteflow_models.partitions import STEP, ensure_partitions


class _Dropped(Exception):
    """The loads of these events are not committed."""


class EventLane:
    """One chunk at a time: `ready_for`, `copy`, then, when its loads are committed, `finish`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._months: set[int] = set()
        self._answer: Callable[[bool], None] = lambda commit: None
        self._running: Future[None] | None = None

    def ready_for(self, copies: CopiedLoads) -> None:
        """Make the partitions of its months: the lane sees none that are not committed."""
        months = set(np.unique(copies.ids // STEP).tolist()) - self._months
        if months:
            with self._db.write(Alone.NOBODY) as session:
                ensure_partitions(session, months)
            self._months |= months

    def copy(self, copies: CopiedLoads) -> None:
        """Begin to write the events of loads whose numbers are claimed."""
        decided, commit = Event(), False

        def answer(whether: bool) -> None:
            nonlocal commit
            commit = whether
            decided.set()

        def work() -> None:
            with suppress(_Dropped), self._db.write(Alone.NOBODY) as session:
                copy_events(session, copies)
                decided.wait()
                if not commit:
                    raise _Dropped

        self._answer, self._running = answer, self._worker.submit(work)

    def finish(self) -> None:
        """Commit what `copy` began, and return when it is; raises what went wrong there."""
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


def insert_copies(session: Session, copies: CopiedLoads, lane: EventLane | None) -> None:
    """Headers and events of loads whose numbers are claimed; without a lane in one transaction."""
    if lane is None:
        ensure_partitions(session, np.unique(copies.ids // STEP).tolist())
        copy_headers(session, copies)
        copy_events(session, copies)
    else:
        lane.copy(copies)
        copy_headers(session, copies)
