"""What a job of background work is: its states, how it is asked for, how it stands; no queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.errors import WasteflowError
from wasteflow.core.messages import render

ARRIVING, WAITING, RUNNING, READY = "arriving", "waiting", "running", "ready"
DONE, REFUSED, FAILED, CANCELLED = "done", "refused", "failed", "cancelled"
ENDED: Final = (DONE, REFUSED, FAILED, CANCELLED)
"""`arriving`: its files are not whole yet; `ready`: checked, its user decides what next;
`refused`: rows are wrong, nothing was taken."""
LEASE: Final = timedelta(seconds=30)
MOST_ATTEMPTS: Final = 5
ARRIVAL: Final = timedelta(hours=1)
"""How long a file may take from the server into the database: ten minutes at the most, and room."""
KEPT: Final = timedelta(days=30)
"""How long a job and its files are kept unless it says otherwise."""


class LeaseLost(WasteflowError):
    """Another worker has the job now; whatever is under way is rolled back."""


class JobCancelled(WasteflowError):
    """Its user asked to stop."""


class NewJob(Struct, frozen=True):
    """What is asked for; `organisation` and `account_id` own it, `subject` is what it is about.

    organisation: code of an enterprise or park, "" of the system; subject: a kind of file or
    report, free for the handler.
    """

    kind: str
    step: str = ""
    organisation: str = ""
    account_id: int = 0
    login: str = ""
    subject: str = ""
    filename: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    kept: timedelta = KEPT


class Job(Struct, frozen=True):
    """A job as it stands; `rate` units a second and `remaining_s` of the running step, or None."""

    id: int
    uid: str
    kind: str
    step: str
    state: str
    organisation: str
    account_id: int
    login: str
    subject: str
    filename: str
    options: Mapping[str, Any]
    result: Mapping[str, Any]
    error: str
    error_params: Mapping[str, str]
    done: int
    total: int
    attempts: int
    cancel_asked: bool
    lease: str
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
    batch_id: int | None

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED

    @property
    def rate(self) -> float | None:
        """Units done a second in this step; None before there is anything to tell."""
        if self.started_at is None or self.heartbeat_at is None or not self.done:
            return None
        took = (self.heartbeat_at - self.started_at).total_seconds()
        return self.done / took if took > 0 else None

    @property
    def remaining_s(self) -> float | None:
        """Seconds the step will still take at its rate so far; None if that is not known."""
        rate = self.rate
        if self.state != RUNNING or rate is None or self.total <= 0:
            return None
        return max(0.0, (self.total - self.done) / rate)

    def error_text(self, lang: str = "zh") -> str:
        """Why it failed, in `lang`; "" if it did not."""
        return render(self.error, lang, self.error_params) if self.error else ""
