"""The worker: claims jobs, keeps their lease while a handler works, and ends them; one at a time.

A handler is `run(work) -> Outcome`, named in `HANDLERS` by the kind of its jobs.  It may be begun
anew at any moment (its process was killed): it must do its work so that a second time changes
nothing, or write what it did with `Work.witness` in the transaction that does it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.errors import WasteflowError
from wasteflow.services import work as jobs
from wasteflow.services.work import Job, JobCancelled, LeaseLost
from wasteflow.services.work_files import JobFile, copy_to, find_file, keep_file, pieces_of
from wasteflow_models.engine import Database

HANDLERS: Final[dict[str, str]] = {
    "import": "wasteflow.uploads:run",
    "export": "wasteflow.export_job:run",
    "corrections": "wasteflow.corrections_job:run",
}
"""Kind of job → "module:function" of its handler, imported when the first such job comes."""
BEAT_S: Final = 1.0
RESTART_S: Final = 2.0
FIRST_PAGE_S: Final = 1.5
SWEEP_EVERY: Final = timedelta(minutes=10)
_log = logging.getLogger("wasteflow.worker")


class Outcome(Struct, frozen=True):
    """How a handler ended: `state` (done, ready, refused) and what is told of it (plain JSON)."""

    state: str = jobs.DONE
    result: Mapping[str, Any] = field(default_factory=dict)


class Work:
    """A claimed job in the hands of its handler; a thread beside renews the lease.

    folder: for files of this attempt, removed afterwards.
    """

    def __init__(
        self, db: Database, job: Job, folder: Path, clock: Callable[[], datetime], lease: timedelta
    ) -> None:
        self.db, self.job, self.folder, self.clock = db, job, folder, clock
        self.done, self.total = 0, job.total
        self._lease = lease
        self._stop: WasteflowError | None = None
        self._over = threading.Event()
        self._beat = threading.Thread(target=self._renew, name="job-heartbeat", daemon=True)

    def __enter__(self) -> Work:
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._beat.join()

    def progress(self, done: int, total: int = 0) -> None:
        """Tell how far the work is; raises JobCancelled or LeaseLost when it must stop."""
        self.done, self.total = done, total or self.total
        if self._stop is not None:
            raise self._stop

    def input(self, role: str = "input", name: str = "") -> Path:
        """The file of a role, copied into the folder of this attempt."""
        file = find_file(db=self.db, uid=self.job.uid, role=role)
        return copy_to(db=self.db, file=file, path=self.folder / (name or role))

    def keep(self, role: str, path: Path, filename: str, media_type: str) -> JobFile:
        """Keep a file the handler made, to be downloaded until the job expires."""
        with path.open("rb") as file:
            return self.keep_pieces(role, pieces_of(file), filename, media_type)

    def keep_pieces(
        self, role: str, pieces: Iterable[bytes], filename: str, media_type: str
    ) -> JobFile:
        """The same for bytes as they come."""
        return keep_file(
            db=self.db,
            job_id=self.job.id,
            role=role,
            filename=filename,
            media_type=media_type,
            pieces=pieces,
            lease=self.job.lease,
        )

    def _renew(self) -> None:
        """Renew the lease until the work is over, or somebody says stop."""
        while not self._over.wait(BEAT_S):
            try:
                asked = jobs.renew(
                    db=self.db,
                    job=self.job,
                    done=self.done,
                    total=self.total,
                    now=self.clock(),
                    lease=self._lease,
                )
            except LeaseLost as error:
                self._stop = error
                return
            except Exception:  # the database is busy or away: the lease says how long that may last
                _log.warning("job %s: no heartbeat", self.job.uid, exc_info=True)
                continue
            if asked:
                self._stop = JobCancelled("job_cancelled")


class Worker:
    """Does jobs one after the other until it is told to stop."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        *,
        kinds: tuple[str, ...] = (),
        lease: timedelta = jobs.LEASE,
    ) -> None:
        self._db, self._clock, self._kinds, self._lease = db, clock, kinds, lease
        self._swept: datetime | None = None

    def once(self) -> Job | None:
        """Do one job; returns it as it ended, None if there was nothing to do."""
        now = self._clock()
        if self._swept is None or now - self._swept >= SWEEP_EVERY:
            jobs.forget_jobs(db=self._db, now=now)
            jobs.end_arrivals(db=self._db, kind="import", error="upload_cut_off", now=now)
            _sign_left(self._db, self._clock)
            self._swept = now
        job = jobs.claim_job(db=self._db, now=now, kinds=self._kinds, lease=self._lease)
        if job is None:
            return None
        with tempfile.TemporaryDirectory(prefix="wasteflow-job-") as name:
            self._do(job, Path(name))
        return jobs.get_job(db=self._db, uid=job.uid)

    def run(self, stop: threading.Event, pause_s: float = 1.0) -> None:
        """Work until `stop` is set; troubles of the database are logged and waited out."""
        while not stop.is_set():
            try:
                busy = self.once() is not None
            except Exception:
                _log.warning("the worker could not ask for work", exc_info=True)
                busy = False
            if not busy:
                stop.wait(pause_s)

    def _do(self, job: Job, folder: Path) -> None:
        end = _Ending(self._db, job, self._clock)
        try:
            with Work(self._db, job, folder, self._clock, self._lease) as work:
                published = job.batch_id is not None  # its worker died before it could say so
                outcome = _signed(work) if published else handler(job.kind)(work)
            done = None if published else work.done
            end(outcome.state, result=outcome.result, done=done)
        except LeaseLost:
            _log.warning("job %s: another worker has it", job.uid)
        except JobCancelled as error:
            end(jobs.CANCELLED, error=error)
        except WasteflowError as error:
            end(jobs.FAILED, error=error)
        except Exception as error:
            _log.error("job %s broke", job.uid, exc_info=True)
            why = traceback.format_exception_only(error)[-1].strip()[:120]
            end(jobs.FAILED, error=WasteflowError("job_broke", job=job.uid, why=why))


class _Ending(Struct, frozen=True):
    """Writes the end of a job."""

    db: Database
    job: Job
    clock: Callable[[], datetime]

    def __call__(
        self,
        state: str,
        *,
        result: Mapping[str, Any] | None = None,
        error: WasteflowError | None = None,
        done: int | None = None,
    ) -> None:
        jobs.end_job(
            db=self.db,
            job=self.job,
            state=state,
            now=self.clock(),
            result=result,
            error=error,
            done=done,
        )


def _signed(work: Work) -> Outcome:
    """What was published needs nothing more than the signatures it may still owe."""
    from wasteflow.services.load_signing_parts import sign_due  # numbers take their time to load

    assert work.job.batch_id is not None
    sign_due(
        db=work.db,
        batch_id=work.job.batch_id,
        now=work.clock,
        progress=lambda signed: work.progress(work.done + signed),
    )
    return Outcome(jobs.DONE, work.job.result)


def _sign_left(db: Database, clock: Callable[[], datetime]) -> None:
    """What files owe whose import died after publishing, and whose job nobody goes on with."""
    from wasteflow.services.load_signing_parts import sign_left

    sign_left(db=db, now=clock)


def handler(kind: str) -> Callable[[Work], Outcome]:
    """The handler of a kind of job."""
    module, _, name = HANDLERS[kind].partition(":")
    found: Callable[[Work], Outcome] = getattr(import_module(module), name)
    return found


def keep_worker(url: str) -> None:
    """Run `wasteflow worker` on the database `url` beside this process, again whenever it ends.

    The worker ends by itself when this process is gone.  It begins when the first page is likely
    to be there, whose processor it would take.
    """

    def supervise() -> None:
        command = [sys.executable, "-m", "wasteflow.cli.work", "--parent", str(os.getpid())]
        threading.Event().wait(FIRST_PAGE_S)
        while True:
            env = os.environ | {"WASTEFLOW_DATABASE_URL": url}
            subprocess.Popen(command, env=env).wait()
            threading.Event().wait(RESTART_S)

    threading.Thread(target=supervise, name="worker-keeper", daemon=True).start()
