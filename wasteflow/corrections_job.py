"""The handler of many corrections: each is proposed by itself, and what became of it told."""

from __future__ import annotations

from wasteflow.config import load_config
from wasteflow.services.live.many_job import actor_of_job, propose_of_job
from wasteflow.worker import Outcome, Work


def run(work: Work) -> Outcome:
    """Propose them one by one (`worker.HANDLERS`); a second time tells what was proposed before."""
    total = len(work.job.options["items"])
    tolerance = load_config().tolerance
    results = []
    for index in range(total):
        work.progress(index, total)
        now = work.clock()
        actor = actor_of_job(db=work.db, job=work.job, now=now)
        results.append(
            propose_of_job(
                db=work.db, job=work.job, index=index, actor=actor, now=now, tolerance=tolerance
            )
        )
    work.progress(total, total)
    failed = sum(item["problem"] is not None for item in results)
    return Outcome(result={"results": results, "proposed": total - failed, "failed": failed})
