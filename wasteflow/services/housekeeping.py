"""What a server does beside requests, one process at a time.

Webhooks are told, findings looked up, records sealed, old answers dropped, months packed, offers
followed to their first load or their last day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from wasteflow.core.lifecycle import USUAL_WAITS, Waits
from wasteflow.services.answered import forget_answers
from wasteflow.services.delivering import Round, deliver, forget_deliveries
from wasteflow.services.finding_list import forget_findings, refresh_findings
from wasteflow.services.offers import follow_offers
from wasteflow.services.packing import Packer
from wasteflow.services.seals import seal_books
from wasteflow_models.engine import Database
from wasteflow_models.seals import last_seal
from wasteflow_models.turns import turn_of

TURN: Final = "webhooks"
SWEEP_EVERY: Final = timedelta(hours=1)
PACK_EVERY: Final = timedelta(minutes=1)
FOLLOW_EVERY: Final = timedelta(minutes=10)
REST: Final = timedelta(seconds=10)
REST_FACTOR: Final = 10
AFTER_FAILURE: Final = timedelta(minutes=10)
"""How long a part that failed is left alone."""


class Housekeeping:
    """Rounds of one process; it does nothing while another has the turn."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        *,
        private: bool = False,
        answer_days: int = 7,
        seal_hours: int = 0,
        finding_days: int = 400,
        waits: Waits = USUAL_WAITS,
    ) -> None:
        self._db, self._clock = db, clock
        self._private, self._answer_days = private, answer_days
        self._finding_days = finding_days
        self._swept: datetime | None = None
        self._packed: datetime | None = None
        self._followed: datetime | None = None
        self._packer = Packer(db)
        self._seal_every = timedelta(hours=seal_hours) if seal_hours else None
        self._waits = waits
        self._looked: datetime | None = None
        self._find_next: datetime | None = None

    def round(self) -> Round | None:
        """Tell what is due, pack and sweep in their time; None if another process has the turn."""
        with turn_of(self._db, TURN) as mine:
            if not mine:
                return None
            done = deliver(db=self._db, clock=self._clock, private=self._private)
            now = self._clock()
            for part in (self._sweep, self._pack, self._follow, self._find, self._seal):
                try:
                    part(now)
                except Exception:  # what fails is told, and holds up nothing else
                    name = part.__name__.strip("_")
                    logging.getLogger("wasteflow").warning("%s failed", name, exc_info=True)
            return done

    def _sweep(self, now: datetime) -> None:
        """Forget what is over, once an hour."""
        if self._swept is None or now - self._swept >= SWEEP_EVERY:
            self._swept = now
            forget_answers(db=self._db, now=now, days=self._answer_days)
            forget_deliveries(db=self._db, now=now)
            forget_findings(db=self._db, now=now, days=self._finding_days)

    def _pack(self, now: datetime) -> None:
        """Pack months that have settled, once a minute."""
        if self._packed is None or now - self._packed >= PACK_EVERY:
            self._packed = now
            self._packer.round()

    def _follow(self, now: datetime) -> None:
        """Mark offers that a load realised or whose day is past, every ten minutes."""
        if self._followed is None or now - self._followed >= FOLLOW_EVERY:
            self._followed = now
            follow_offers(db=self._db, now=now)

    def _find(self, now: datetime) -> None:
        """Bring the findings up to date, with rests ten times as long as the work."""
        if self._find_next is not None and now < self._find_next:
            return
        self._find_next = now + AFTER_FAILURE  # unless it ends well
        worked = refresh_findings(db=self._db, now=now, waits=self._waits)
        rest = max(REST, REST_FACTOR * (self._clock() - now))
        self._find_next = self._clock() + rest if worked else None

    def _seal(self, now: datetime) -> None:
        """Seal what is new when it is time; a seal by command counts too."""
        if self._seal_every is None:
            return
        if self._looked is None or now - self._looked >= self._seal_every:
            with self._db.read() as session:
                last = last_seal(session)
                self._looked = last.sealed_at if last else now - self._seal_every
            if now - self._looked >= self._seal_every:
                self._looked = now - self._seal_every + AFTER_FAILURE
                seal_books(db=self._db, now=now, by="schedule")
                self._looked = now
