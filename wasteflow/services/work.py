"""Background work: jobs asked for, claimed by lease, kept alive, ended, cancelled, listed, swept.

The `job` table is the truth.  A worker claims by compare-and-set and gets a lease; while it renews
it nobody else touches the job.  A worker that dies or hangs loses its lease, the job is claimed
again, and whatever the first still writes under the old lease finds no row: `holds` in the very
transaction that changes the books makes a step happen exactly once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.services.identity import new_uids
from wasteflow.services.work_job import (
    ARRIVAL,
    ARRIVING,
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    KEPT,
    LEASE,
    MOST_ATTEMPTS,
    READY,
    REFUSED,
    RUNNING,
    WAITING,
    Job,
    JobCancelled,
    LeaseLost,
    NewJob,
)
from wasteflow_models.engine import Alone, Database
from wasteflow_models.jobs import JobFileRow, JobRow

__all__ = [
    "ARRIVAL", "ARRIVING", "CANCELLED", "DONE", "ENDED", "FAILED", "KEPT", "LEASE",
    "MOST_ATTEMPTS", "READY", "REFUSED", "RUNNING", "WAITING", "Job", "JobCancelled", "LeaseLost",
    "NewJob", "begin_job", "cancel_job", "claim_job", "create_job", "drop_job", "end_arrivals",
    "end_job", "forget_jobs", "get_job", "hold", "holds", "list_jobs", "renew",
]  # fmt: skip


def create_job(*, db: Database, job: NewJob, now: datetime, begin: bool = True) -> Job:
    """Note what is asked for; without `begin` it waits for `begin_job` (its files come first)."""
    row = JobRow(
        uid=str(new_uids(1, now)[0]),
        kind=job.kind,
        step=job.step,
        state=WAITING if begin else ARRIVING,
        organisation=job.organisation,
        account_id=job.account_id,
        login=job.login,
        subject=job.subject,
        filename=job.filename[:500],
        options=_text(job.options),
        result="{}",
        created_at=now,
        expires_at=now + job.kept,
    )
    with db.write(Alone.NOBODY) as session:
        session.add(row)
        session.flush()
        return _told(row)


def begin_job(
    *,
    db: Database,
    uid: str,
    step: str,
    options: Mapping[str, Any],
    kept: timedelta = KEPT,
    now: datetime,
) -> Job:
    """Let a job that is `ready` or `arriving` go on with `step`; WasteflowError `job_state`."""
    with db.write(Alone.NOBODY) as session:
        done = session.execute(
            update(JobRow)
            .where(JobRow.uid == uid, JobRow.state.in_((ARRIVING, READY)))
            .values(
                state=WAITING,
                step=step,
                options=_text(options),
                attempts=0,
                done=0,
                total=0,
                cancel_asked=False,
                expires_at=now + kept,
            )
        )
        row = _row(session, uid)
        if not _count(done):
            raise WasteflowError("job_state", state=row.state, action=step)
        return _told(row)


def claim_job(
    *, db: Database, now: datetime, kinds: Sequence[str] = (), lease: timedelta = LEASE
) -> Job | None:
    """Take the oldest job that waits, or whose worker is gone; None if there is none.

    A job that was begun `MOST_ATTEMPTS` times without an end is given up (`job_gave_up`), unless
    it published before its worker died: then it is claimed once more, to be told as done.
    """
    free = or_(
        JobRow.state == WAITING,
        (JobRow.state == RUNNING) & (JobRow.lease_until <= now),
    )
    query = select(JobRow.id, JobRow.lease, JobRow.attempts, JobRow.batch_id).where(free)
    if kinds:
        query = query.where(JobRow.kind.in_(kinds))
    with db.read() as session:
        found = session.execute(query.order_by(JobRow.id)).all()
    for job_id, old, attempts, batch in found:
        secret = secrets.token_hex(16)
        gave_up = attempts >= MOST_ATTEMPTS and batch is None
        with db.write(Alone.NOBODY) as session:
            values: dict[str, Any] = {"lease": "" if gave_up else secret}
            if gave_up:
                values |= _end(FAILED, now) | {
                    "error": "job_gave_up",
                    "error_params": _text({"count": str(attempts)}),
                }
            else:
                values |= {
                    "state": RUNNING,
                    "lease_until": now + lease,
                    "attempts": attempts + 1,
                    "started_at": now,
                    "heartbeat_at": now,
                    "done": 0,
                }
            done = session.execute(
                update(JobRow).where(JobRow.id == job_id, JobRow.lease == old, free).values(values)
            )
            if _count(done) and not gave_up:
                row = session.get(JobRow, job_id, populate_existing=True)
                assert row is not None
                return _told(row)
    return None


def renew(
    *, db: Database, job: Job, done: int, total: int, now: datetime, lease: timedelta = LEASE
) -> bool:
    """Keep the lease and tell how far it is; True if its user asked to stop.

    Raises LeaseLost.
    """
    with db.write(Alone.NOBODY) as session:
        kept = session.execute(
            update(JobRow)
            .where(JobRow.id == job.id, JobRow.lease == job.lease, JobRow.state == RUNNING)
            .values(done=done, total=total, heartbeat_at=now, lease_until=now + lease)
        )
        if not _count(kept):
            raise LeaseLost("job_lease_lost", job=job.uid)
        asked = session.scalars(select(JobRow.cancel_asked).where(JobRow.id == job.id)).one()
        return bool(asked)


def hold(session: Session, job_id: int, lease: str | None) -> None:
    """Raise LeaseLost unless the worker with this lease has the job until the transaction ends.

    lease: None for whoever writes before any worker has it; WasteflowError `job_state` when the
    job has ended by then.
    """
    if lease is None:
        stands = select(JobRow.state).where(JobRow.id == job_id).with_for_update()
        state = session.scalars(stands).one_or_none() or CANCELLED
        if state in ENDED:
            raise WasteflowError("job_state", state=state, action="upload")
        return
    query = select(JobRow.id).where(
        JobRow.id == job_id, JobRow.lease == lease, JobRow.state == RUNNING
    )
    if session.scalars(query.with_for_update()).one_or_none() is None:
        raise LeaseLost("job_lease_lost", job=str(job_id))


def holds(session: Session, job: Job, batch_id: int, result: Mapping[str, Any]) -> None:
    """Write, in the transaction that changes the books, that this job did it.

    Raises LeaseLost if another worker has it: the transaction must be rolled back.  JobCancelled
    if its user asked to stop before.
    """
    kept = session.execute(
        update(JobRow)
        .where(
            JobRow.id == job.id,
            JobRow.lease == job.lease,
            JobRow.state == RUNNING,
            JobRow.batch_id.is_(None),
        )
        .values(batch_id=batch_id, result=_text(result))
    )
    if not _count(kept):
        raise LeaseLost("job_lease_lost", job=job.uid)
    query = select(JobRow.cancel_asked).where(JobRow.id == job.id)
    if session.scalars(query).one():
        raise JobCancelled("job_cancelled")


def end_job(
    *,
    db: Database,
    job: Job,
    state: str,
    now: datetime,
    result: Mapping[str, Any] | None = None,
    error: WasteflowError | None = None,
    done: int | None = None,
) -> bool:
    """Give the job its end, or hand it to its user (`ready`); False if the lease was lost.

    What was published is `done`, whatever broke afterwards.  Its user asked to stop while it was
    being checked: it is `cancelled`, not `ready`.
    """
    held = JobRow.id == job.id, JobRow.lease == job.lease, JobRow.state == RUNNING
    with db.write(Alone.NOBODY) as session:
        query = select(JobRow.batch_id, JobRow.cancel_asked).where(*held)
        found = session.execute(query.with_for_update()).one_or_none()
        if found is None:
            return False
        if found.batch_id is not None and state != DONE:
            state, result, error = DONE, None, None
        elif found.cancel_asked and state == READY:
            state, error = CANCELLED, JobCancelled("job_cancelled")
        values = _end(state, now)
        if result is not None:
            values["result"] = _text(result)
        if error is not None:
            values |= {"error": error.code, "error_params": _text(error.params)}
        if done is not None:
            values |= {"done": done, "total": done}
        return bool(_count(session.execute(update(JobRow).where(*held).values(values))))


def cancel_job(*, db: Database, uid: str, now: datetime) -> Job:
    """Stop a job: at once if nobody works on it, else its worker stops at its next step.

    WasteflowError `job_state` for one that has ended.
    """
    with db.write(Alone.NOBODY) as session:
        idle = session.execute(
            update(JobRow)
            .where(JobRow.uid == uid, JobRow.state.in_((ARRIVING, WAITING, READY)))
            .values(_end(CANCELLED, now) | {"error": "job_cancelled"})
        )
        asked = session.execute(
            update(JobRow)
            .where(JobRow.uid == uid, JobRow.state == RUNNING, JobRow.batch_id.is_(None))
            .values(cancel_asked=True)
        )
        row = _row(session, uid)
        if not _count(idle) and not _count(asked) and row.state != CANCELLED:
            raise WasteflowError("job_state", state=row.state, action="cancel")
        return _told(row)


def get_job(*, db: Database, uid: str) -> Job:
    """A job by its public id; NotFound `record_unknown`."""
    with db.read() as session:
        return _told(_row(session, uid))


def list_jobs(
    *,
    db: Database,
    kind: str,
    organisations: frozenset[str] | None = None,
    account_id: int = 0,
    limit: int = 0,
    before: int = 0,
) -> list[Job]:
    """Jobs of a kind, newest first: of these organisations (None: all), or of this account.

    before: only jobs older than the one of this id.
    """
    query = select(JobRow).where(JobRow.kind == kind)
    if organisations is not None:
        mine = JobRow.organisation.in_(sorted(organisations))
        query = query.where(or_(mine, JobRow.account_id == account_id) if account_id else mine)
    if before:
        query = query.where(JobRow.id < before)
    query = query.order_by(JobRow.id.desc())
    with db.read() as session:
        return [_told(row) for row in session.scalars(query.limit(limit) if limit else query)]


def drop_job(*, db: Database, uid: str) -> None:
    """Take a job that nobody works on away, with its files."""
    with db.write(Alone.NOBODY) as session:
        session.execute(delete(JobRow).where(JobRow.uid == uid, JobRow.state != RUNNING))


def end_arrivals(*, db: Database, kind: str, error: str, now: datetime) -> int:
    """End jobs whose files did not become whole in `ARRIVAL`; what came of them is removed.

    They were handed to a server that died or lost its database.  error: the code their user is
    told.  Returns how many.
    """
    late = (
        JobRow.kind == kind,
        JobRow.state == ARRIVING,
        JobRow.created_at <= now - ARRIVAL,
    )
    with db.write(Alone.NOBODY) as session:
        found = session.scalars(select(JobRow.id).where(*late).order_by(JobRow.id)).all()
        if found:
            ended = _end(FAILED, now) | {"error": error}
            session.execute(update(JobRow).where(*late).values(ended))
            session.execute(delete(JobFileRow).where(JobFileRow.job_id.in_(found)))
        return len(found)


def forget_jobs(*, db: Database, now: datetime) -> int:
    """Drop jobs past their expiry, with their files; those at work stay.  Returns how many."""
    old = delete(JobRow).where(JobRow.expires_at <= now, JobRow.state != RUNNING)
    with db.write(Alone.NOBODY) as session:
        return _count(session.execute(old))


def _end(state: str, now: datetime) -> dict[str, Any]:
    return {
        "state": state,
        "lease": "",
        "lease_until": None,
        "heartbeat_at": now,
        "finished_at": None if state == READY else now,
    }


def _row(session: Session, uid: str) -> JobRow:
    query = select(JobRow).where(JobRow.uid == uid).execution_options(populate_existing=True)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound("record_unknown", value=uid)
    return row


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _count(result: Any) -> int:
    return int(getattr(result, "rowcount", 0))


def _told(row: JobRow) -> Job:
    return Job(
        id=row.id,
        uid=row.uid,
        kind=row.kind,
        step=row.step,
        state=row.state,
        organisation=row.organisation,
        account_id=row.account_id,
        login=row.login,
        subject=row.subject,
        filename=row.filename,
        options=json.loads(row.options),
        result=json.loads(row.result),
        error=row.error,
        error_params=json.loads(row.error_params),
        done=row.done,
        total=row.total,
        attempts=row.attempts,
        cancel_asked=row.cancel_asked,
        lease=row.lease,
        created_at=row.created_at,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        batch_id=row.batch_id,
    )
