"""The reminders a server mails by itself: once a day, by one process, tried again if it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from wasteflow.core.periods import SHANGHAI, shanghai_day
from wasteflow.services.mailing import Mailed, Send, mail_digests
from wasteflow_models.api import DailyWorkRow
from wasteflow_models.engine import Alone, Database
from wasteflow_models.turns import turn_of

TURN: Final = "mail"
WORK: Final = "reminders"
AFTER_FAILURE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(hours=2)
"""Pauses after failures: the first, doubled each time up to the longest."""


class DailyMail:
    """Rounds of one process; it does nothing while another has the turn.

    What is done is a row of the books: processes that start later in the day mail nothing again.
    Of a round that failed in part the rest is tried again; who has his mail gets no second one.
    """

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        *,
        send: Send,
        sender: str,
        hour: int,
        site: str = "",
        lang: str = "zh",
    ) -> None:
        self._db, self._clock, self._hour = db, clock, hour
        self._send, self._sender, self._site, self._lang = send, sender, site, lang
        self._done: date | None = None
        self._not_before: datetime | None = None
        self._pause = AFTER_FAILURE

    def round(self) -> Mailed | None:
        """Mail what waits if the hour of the day (Asia/Shanghai) is come; None if there is nothing
        to do now.  Raises what goes wrong with the books.
        """
        now = self._clock()
        day = shanghai_day(now)
        if self._done == day or now.astimezone(SHANGHAI).hour < self._hour:
            return None
        if self._not_before is not None and now < self._not_before:
            return None
        with turn_of(self._db, TURN) as mine:
            if not mine:
                return None
            if self._is_done(day):
                self._done = day
                return None
            self._not_before = now + self._pause  # unless it ends well
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            done = mail_digests(
                db=self._db,
                now=now,
                send=self._send,
                sender=self._sender,
                site=self._site,
                lang=self._lang,
            )
            log = logging.getLogger("wasteflow")
            for line in done.failed or []:
                log.warning("a reminder was not mailed: %s", line)
            if done.left:
                log.warning("the mail server fails; %s users are left for later", done.left)
            if not done.failed and not done.left:
                self._note(day, now)
                self._done, self._not_before, self._pause = day, None, AFTER_FAILURE
            return done

    def _is_done(self, day: date) -> bool:
        with self._db.read() as session:
            row = session.get(DailyWorkRow, WORK)
            return row is not None and row.day >= day

    def _note(self, day: date, now: datetime) -> None:
        with self._db.write(Alone.NOBODY) as session:
            session.merge(DailyWorkRow(work=WORK, day=day, done_at=now))
