"""Many corrections as background work: asked for, each proposed once, each told.

A worker that dies is followed by another, which begins anew: what was proposed is kept with its
transaction and told again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from wasteflow.core.actors import Actor
from wasteflow.core.errors import FieldsRefused, NotFound, WasteflowError
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.services.acting import actor_of_login
from wasteflow.services.answered import KeptAnswer, answer_once
from wasteflow.services.live.many import RIGHT, Corrected, Wanted, propose_one
from wasteflow.services.work import Job, NewJob, create_job, get_job, list_jobs
from wasteflow_models.engine import Database

KIND: Final = "corrections"
MANY: Final = 50
"""More corrections than these are proposed in the background."""
RECENT: Final = 5
View = dict[str, Any]


def ask_corrections(
    *,
    db: Database,
    actor: Actor,
    items: Sequence[Wanted | View],
    channel: str,
    now: datetime,
    filename: str = "",
) -> Job:
    """Let a worker propose corrections; the job that does.

    items: what is wanted, or what is told of one that cannot be proposed at all (`refused_view`).
    The job acts for the actor, by his token if it is one, and with no more than its scopes.
    """
    options = {
        "items": [_kept(item) if isinstance(item, Wanted) else {"told": item} for item in items],
        "channel": channel,
        "token": actor.token_id,
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
    }
    firms = sorted(actor.organisations() - {""})
    job = NewJob(
        kind=KIND,
        step="propose",
        organisation=firms[0] if firms else "",
        account_id=actor.user_id,
        login=actor.login,
        filename=filename,
        options=options,
    )
    return create_job(db=db, job=job, now=now)


def own_corrections(*, db: Database, actor: Actor | None, uid: UUID) -> Job:
    """What somebody asked for; NotFound `record_unknown` for another's or an unknown one."""
    job = get_job(db=db, uid=str(uid))
    if actor is None or job.kind != KIND or job.account_id != actor.user_id:
        raise NotFound("record_unknown", value=str(uid))
    return job


def recent_corrections(*, db: Database, actor: Actor) -> list[Job]:
    """The last that somebody asked for, newest first."""
    mine: Any = {"organisations": frozenset(), "account_id": actor.user_id}
    return list_jobs(db=db, kind=KIND, limit=RECENT, **mine)


def actor_of_job(*, db: Database, job: Job, now: datetime) -> Actor:
    """Who asked for it, with the rights of now and no more than the token had; Denied if gone."""
    found = actor_of_login(db=db, login=job.login, now=now)
    if found is None:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    scopes = job.options["scopes"]
    given = None if scopes is None else frozenset(scopes)
    return replace(found, token_id=int(job.options["token"]), scopes=given)


def propose_of_job(
    *,
    db: Database,
    job: Job,
    index: int,
    actor: Actor,
    now: datetime,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> View:
    """Propose the correction at a place of a job, once however often it is asked; its view."""
    item = job.options["items"][index]
    if "told" in item:
        told: View = {"index": index, **item["told"]}
        return told
    wanted = _wanted(item)

    def propose() -> KeptAnswer:
        found = propose_one(db, actor, wanted, now, job.options["channel"], tolerance)
        if found.problem is not None:
            raise found.problem  # nothing is kept of it
        return KeptAnswer(201, {}, json.dumps(corrected_view(found), ensure_ascii=False))

    try:
        answer = answer_once(
            db=db,
            account_id=job.account_id,
            key=f"corrections/{job.uid}/{index}",
            digest=job.uid,
            now=now,
            make=propose,
        )
    except WasteflowError as error:
        found = Corrected(wanted, uid=wanted.uid, version=wanted.version, problem=error)
        return {"index": index, **corrected_view(found)}
    return {"index": index, **json.loads(answer.body)}


def corrected_view(found: Corrected) -> View:
    """What became of a correction, as plain JSON with the words of both languages."""
    revision: Mapping[str, Any] = found.revision or {"status": "refused"}
    answers: Iterable[Mapping[str, Any]] = revision.get("answers", ())
    return {
        "doc_no": found.wanted.doc_no,
        "shipment": str(found.uid) if found.uid else None,
        "version": found.version,
        "status": revision["status"],
        "revision": revision.get("id"),
        "asked": [answer["organisation"] for answer in answers],
        "before": dict(revision.get("before", {})),
        "after": dict(revision.get("after", found.wanted.changes)),
        "why": found.wanted.why,
        "warnings": [
            {"code": item.code, "zh": item.text("zh"), "en": item.text("en")}
            for item in found.warnings
        ],
        "problem": _problem(found.problem),
    }


def refused_view(changes: Mapping[str, Any], why: str, problem: View, **named: Any) -> View:
    """What is told of one that cannot be proposed; problem: code, zh, en and its `errors`."""
    wanted = Wanted(str(named.get("doc_no", "")), dict(changes), why)
    return {**corrected_view(Corrected(wanted)), "problem": problem}


def _problem(error: WasteflowError | None) -> View | None:
    if error is None:
        return None
    issues = error.issues if isinstance(error, FieldsRefused) else ()
    return {
        "code": error.code,
        "zh": error.text("zh"),
        "en": error.text("en"),
        "errors": [
            {
                "pointer": item.pointer,
                "code": item.code,
                "zh": item.text("zh"),
                "en": item.text("en"),
            }
            for item in issues
        ],
    }


def _kept(item: Wanted) -> View:
    return {
        "doc_no": item.doc_no,
        "consignor": item.consignor,
        "changes": dict(item.changes),
        "why": item.why,
        "version": item.version,
        "shipment": str(item.uid) if item.uid else None,
        "annul": item.annul,
    }


def _wanted(item: Mapping[str, Any]) -> Wanted:
    uid = UUID(item["shipment"]) if item["shipment"] else None
    named = item["doc_no"], item["changes"], item["why"], item["consignor"]
    return Wanted(*named, version=item["version"], uid=uid, annul=item["annul"])
