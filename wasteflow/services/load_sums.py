"""The postings of a large import, added up in a thread while its writer waits for the database."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from wasteflow.core.postings_bulk import BulkRollup, merge
from wasteflow.services.load_staging import Staging

MERGE_ROWS = 2_000_000
"""Rows of postings that are added up at a time: they take half a second, and memory until then."""


class Adding:
    """Adds up what a `Staging` has gathered; to be closed by who made it."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._running: Future[BulkRollup] | None = None

    def look(self) -> None:
        """Begin to add up if there is much of it and nothing is being added up."""
        if self._running is not None and self._running.done():
            self.end()
        staging = self._staging
        if self._running is None and sum(len(part.kg) for part in staging.rollups) > MERGE_ROWS:
            rollups, staging.rollups = staging.rollups, []
            self._running = self._worker.submit(merge, rollups)

    def end(self) -> None:
        """Give the sum back to the staging; return when it has it."""
        running, self._running = self._running, None
        if running is not None:
            self._staging.rollups.append(running.result())

    def close(self) -> None:
        """Wait for what is being added up; nobody wants it any more."""
        self._worker.shutdown(cancel_futures=True)
