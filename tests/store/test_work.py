"""Background work on both databases: one worker a job, leases, cancelling, files, exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from wasteflow import worker
from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.services import work as jobs
from wasteflow.services.uploads import recall_columns, remember_columns
from wasteflow.services.work import JobCancelled, LeaseLost, NewJob
from wasteflow.services.work_files import PIECE, copy_to, find_file, keep_file, read_pieces
from wasteflow.worker import Outcome, Work, Worker
from wasteflow_models.engine import Alone, Database
from wasteflow_models.jobs import JobChunkRow, JobFileRow

NOW = datetime(2026, 8, 1, 4, tzinfo=UTC)
LATER = NOW + jobs.LEASE + timedelta(seconds=1)


@pytest.fixture
def base(database_url: str) -> Iterator[Database]:
    """An empty database at its head."""
    database = Database(database_url)
    yield database
    database.dispose()


def made(db: Database, kind: str = "import", **options: object) -> jobs.Job:
    """A job that waits."""
    return jobs.create_job(db=db, job=NewJob(kind, "check", "ent.p1", options=options), now=NOW)


def test_a_job_has_one_worker_until_its_lease_runs_out(base: Database) -> None:
    first, second = made(base), made(base)
    mine = jobs.claim_job(db=base, now=NOW)
    other = jobs.claim_job(db=base, now=NOW)
    assert mine and other and (mine.uid, other.uid) == (first.uid, second.uid)
    assert jobs.claim_job(db=base, now=NOW) is None

    assert not jobs.renew(db=base, job=other, done=10, total=40, now=NOW + timedelta(seconds=20))
    again = jobs.claim_job(db=base, now=LATER)
    assert again and again.uid == mine.uid and again.attempts == 2
    assert jobs.claim_job(db=base, now=LATER) is None  # the second renewed its lease

    with pytest.raises(LeaseLost):
        jobs.renew(db=base, job=mine, done=1, total=2, now=LATER)
    with pytest.raises(LeaseLost), base.write(Alone.NOBODY) as session:
        jobs.holds(session, mine, 1, {})
    assert not jobs.end_job(db=base, job=mine, state=jobs.DONE, now=LATER)
    with base.write(Alone.NOBODY) as session:
        jobs.holds(session, again, 7, {"taken": 3})
    assert jobs.end_job(db=base, job=again, state=jobs.DONE, now=LATER)
    ended = jobs.get_job(db=base, uid=first.uid)
    assert (ended.state, ended.batch_id, ended.result) == ("done", 7, {"taken": 3})

    running = jobs.get_job(db=base, uid=second.uid)
    assert running.rate == 0.5 and running.remaining_s == 60


def test_a_job_that_never_ends_is_given_up(base: Database) -> None:
    job = made(base)
    moment = NOW
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim_job(db=base, now=moment) is not None
        moment += jobs.LEASE + timedelta(seconds=1)
    assert jobs.claim_job(db=base, now=moment) is None
    ended = jobs.get_job(db=base, uid=job.uid)
    assert (ended.state, ended.error) == ("failed", "job_gave_up")
    assert "5" in ended.error_text("zh") and "5" in ended.error_text("en")


def test_published_is_published_whatever_happens_afterwards(base: Database) -> None:
    made(base)
    moment = NOW
    for number in range(jobs.MOST_ATTEMPTS):
        mine = jobs.claim_job(db=base, now=moment)
        assert mine is not None
        if number == jobs.MOST_ATTEMPTS - 1:  # the last attempt publishes, and its worker dies
            with base.write(Alone.NOBODY) as session:
                jobs.holds(session, mine, 12, {"rows": 5})
        moment += jobs.LEASE + timedelta(seconds=1)
    ended = Worker(base, lambda: moment).once()
    assert ended is not None and (ended.state, ended.error, ended.result) == (
        "done",
        "",
        {"rows": 5},
    )

    made(base)
    held = jobs.claim_job(db=base, now=NOW)
    assert held is not None
    with base.write(Alone.NOBODY) as session:
        jobs.holds(session, held, 13, {"rows": 6})
    broke = WasteflowError("job_broke", job=held.uid, why="later")
    assert jobs.end_job(db=base, job=held, state=jobs.FAILED, now=NOW, error=broke)
    after = jobs.get_job(db=base, uid=held.uid)
    assert (after.state, after.error, after.batch_id, after.result) == ("done", "", 13, {"rows": 6})


def test_who_asked_to_stop_while_it_was_checked_has_stopped_it(base: Database) -> None:
    job = made(base)
    held = jobs.claim_job(db=base, now=NOW)
    assert held is not None
    jobs.cancel_job(db=base, uid=job.uid, now=NOW)
    assert jobs.end_job(db=base, job=held, state=jobs.READY, now=NOW)
    ended = jobs.get_job(db=base, uid=job.uid)
    assert (ended.state, ended.error) == ("cancelled", "job_cancelled")
    with pytest.raises(WasteflowError, match="cancelled"):
        jobs.begin_job(db=base, uid=job.uid, step="publish", options={}, now=NOW)


def test_files_are_written_under_the_lease(base: Database) -> None:
    job = made(base)
    old = jobs.claim_job(db=base, now=NOW)
    assert old is not None
    asked: dict[str, Any] = {"db": base, "job_id": job.id, "role": "errors", "media_type": ""}

    def overtaken() -> Iterator[bytes]:
        yield b"first"
        assert jobs.claim_job(db=base, now=LATER) is not None
        yield b"second"

    with pytest.raises(LeaseLost):
        keep_file(**asked, filename="a", pieces=overtaken(), lease=old.lease)
    now_at = jobs.get_job(db=base, uid=job.uid)
    kept = keep_file(**asked, filename="b", pieces=[b"mine"], lease=now_at.lease)
    with pytest.raises(LeaseLost):
        keep_file(**asked, filename="c", pieces=[b"late"], lease=old.lease)
    assert find_file(db=base, uid=job.uid, role="errors") == kept


def test_a_header_is_remembered_by_several_at_once(base: Database) -> None:
    asked: dict[str, Any] = {"db": base, "organisation": "ent.p1", "kind": "entries", "now": NOW}

    def remember(number: int) -> None:
        columns = {"数量": f"tonnes{number}"}
        remember_columns(**asked, header="h", columns=columns, fixed={})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remember, range(8)))
    remember(9)
    got = recall_columns(db=base, organisation="ent.p1", kind="entries", header="h")
    assert got == ({"数量": "tonnes9"}, {})


def test_cancelling(base: Database) -> None:
    waiting, running = made(base), made(base)
    assert jobs.cancel_job(db=base, uid=waiting.uid, now=NOW).state == "cancelled"
    held = jobs.claim_job(db=base, now=NOW)
    assert held and held.uid == running.uid
    assert jobs.cancel_job(db=base, uid=running.uid, now=NOW).state == "running"
    assert jobs.renew(db=base, job=held, done=0, total=0, now=NOW)
    with pytest.raises(JobCancelled), base.write(Alone.NOBODY) as session:
        jobs.holds(session, held, 1, {})
    assert jobs.get_job(db=base, uid=running.uid).batch_id is None
    jobs.end_job(db=base, job=held, state=jobs.DONE, now=NOW)
    with pytest.raises(WasteflowError, match="cannot cancel"):
        jobs.cancel_job(db=base, uid=running.uid, now=NOW)


def test_files_are_kept_in_pieces_and_go_with_their_job(base: Database, tmp_path: Path) -> None:
    job = made(base)
    pieces = [b"a" * PIECE, b"b" * 10]
    asked: dict[str, Any] = {
        "db": base,
        "job_id": job.id,
        "role": "input",
        "media_type": "text/csv",
    }
    keep_file(**asked, filename="old.csv", pieces=[b"old"])
    kept = keep_file(**asked, filename="七月.csv", pieces=pieces)
    found = find_file(db=base, uid=job.uid, role="input")
    assert found == kept and found.size == PIECE + 10 and found.filename == "七月.csv"
    assert b"".join(read_pieces(db=base, file=found)) == b"".join(pieces)
    copied = copy_to(db=base, file=found, path=tmp_path / "copy")
    assert copied.read_bytes() == b"".join(pieces)
    assert jobs.forget_jobs(db=base, now=NOW + jobs.KEPT) == 1
    with pytest.raises(NotFound):
        find_file(db=base, uid=job.uid, role="input")


def test_a_file_that_did_not_arrive_whole_is_ended_and_removed(base: Database) -> None:
    """Its server died under it; one that only takes long is left alone, a late piece refused."""

    def arriving(kind: str, at: datetime) -> jobs.Job:
        job = jobs.create_job(db=base, job=NewJob(kind, filename="七月.csv"), now=at, begin=False)
        asked: dict[str, Any] = {"job_id": job.id, "role": "input", "filename": job.filename}
        keep_file(db=base, **asked, media_type="text/csv", pieces=[b"a" * 10])
        return job

    cut, outline = arriving("import", NOW), arriving("outline", NOW)
    slow = arriving("import", NOW + timedelta(minutes=50))
    assert Worker(base, lambda: NOW + jobs.ARRIVAL).once() is None
    ended = jobs.get_job(db=base, uid=cut.uid)
    assert (ended.state, ended.error) == ("failed", "upload_cut_off")
    assert ended.error_text("zh").startswith("文件没有传完")
    states = [jobs.get_job(db=base, uid=job.uid).state for job in (outline, slow)]
    assert states == ["arriving", "arriving"]
    with base.read() as session:
        left = session.scalars(select(JobFileRow.job_id).order_by(JobFileRow.job_id)).all()
        pieces = session.scalar(select(func.count()).select_from(JobChunkRow))
    assert (left, pieces) == ([outline.id, slow.id], 2)
    with pytest.raises(WasteflowError, match="failed"):
        keep_file(
            db=base, job_id=cut.id, role="input", filename="", media_type="", pieces=[b"late"]
        )


def echo(work: Work) -> Outcome:
    """A handler for tests: what the options tell it to do."""
    work.progress(3, 4)
    if work.job.options.get("break"):
        raise ZeroDivisionError("by zero")
    return Outcome(result={"said": work.job.options["say"], "folder": work.folder.is_dir()})


def test_the_worker_ends_what_it_begins(base: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(worker.HANDLERS, "echo", f"{__name__}:echo")
    said = made(base, "echo", say="你好")
    at_work = Worker(base, lambda: NOW)
    done = at_work.once()
    assert done is not None and done.uid == said.uid
    assert (done.state, done.result) == ("done", {"said": "你好", "folder": True})
    assert (done.done, done.total) == (3, 3)

    made(base, "echo", **{"break": True})
    broke = at_work.once()
    assert broke is not None and (broke.state, broke.error) == ("failed", "job_broke")
    assert broke.uid in broke.error_text("en") and "by zero" in broke.error_text("en")
    assert at_work.once() is None


def test_what_was_published_before_its_worker_died_is_done(base: Database) -> None:
    job = made(base)
    dead = jobs.claim_job(db=base, now=NOW)
    assert dead is not None
    with base.write(Alone.NOBODY) as session:
        jobs.holds(session, dead, 12, {"rows": 5})
    ended = Worker(base, lambda: LATER).once()
    assert ended is not None and ended.uid == job.uid
    assert (ended.state, ended.batch_id, ended.result) == ("done", 12, {"rows": 5})
