"""Exports in the background: who may ask for what, whose they are; shared by API and pages."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.core.permissions import Denied, Verdict, in_scope, require
from wasteflow.core.reach import subject_of_scope
from wasteflow.exports import KEPT, KINDS, Export, check
from wasteflow.own_tables import OWN
from wasteflow.services.work import DONE, Job, NewJob, create_job, get_job, list_jobs
from wasteflow.services.work_files import JobFile, find_file
from wasteflow.web.access import books, books_seen

LISTED: Final = 100
OPEN_KINDS: Final = frozenset(
    {*KINDS, "boundaries"} - {"products", "profiles", "park_inputs", "entries", "shipments"}
)
"""The registry: what everybody with an account may read."""
WHOLE_KINDS: Final = frozenset({"target_status", "closes"})
"""Reports that know no scope: of the whole country."""


def account_of(actor: Actor | None) -> Actor:
    """Somebody with an account; a file waits for nobody else."""
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "export.read")
    return actor


def may_export(actor: Actor, asked: Export) -> None:
    """Raise Denied unless the actor may read every record the export would hold."""
    if asked.kind in OWN:
        if not set(asked.reach.split("\n")) <= set(reach_of(actor)):
            raise Denied(Verdict.NOT_ONES_RIGHT, "export.read")
        if not in_scope(actor, OWN[asked.kind]):
            raise Denied(Verdict.NOT_ONES_RIGHT, OWN[asked.kind])
        return
    if asked.kind in OPEN_KINDS:
        require(actor, "registry.read", Subject())
        return
    scope = "all" if asked.kind in WHOLE_KINDS else asked.scope
    subject = subject_of_scope(books_seen().registry, scope)
    require(actor, "export.read", subject, read="export.read")


def reach_of(actor: Actor) -> list[str]:
    """The memberships that what somebody sees rests on; its file is given while they last.

    A delegation counts by each kind of records it reaches.
    """
    found = set()
    for item in actor.memberships:
        word = f"{item.role.value} {item.organisation}"
        families = item.families
        found |= {word} if families is None else {f"{word} {family}" for family in families}
    return sorted(found)


def ask_export(actor: Actor, asked: Export, now: datetime) -> Job:
    """Put an export to be made in the background; it belongs to who asked.

    Raises Denied, UnusableFile (`export_unknown_kind`, `unknown_format`), NotFound and InvalidValue
    for a scope, an encoding or a coordinate system there is not.
    """
    check(asked)
    books_seen().registry.in_scope(asked.scope)  # it stands in the name of the file
    asked = replace(asked, login=actor.login, reach="\n".join(reach_of(account_of(actor))))
    may_export(actor, asked)
    job = NewJob(
        kind="export",
        account_id=actor.user_id,
        login=actor.login,
        subject=asked.kind,
        filename=asked.filename,
        options=asked.as_dict(),
        kept=KEPT,
    )
    return create_job(db=books().db, job=job, now=now)


def own_exports(actor: Actor, now: datetime) -> list[Job]:
    """What the actor asked for and can still fetch, newest first."""
    jobs = list_jobs(
        db=books().db,
        kind="export",
        organisations=frozenset(),
        account_id=account_of(actor).user_id,
        limit=LISTED,
    )
    return [job for job in jobs if job.expires_at > now]


def own_export(actor: Actor, uid: UUID, now: datetime) -> Job:
    """One's own export; NotFound `export_expired` for another's, an expired or an unknown one."""
    try:
        job = get_job(db=books().db, uid=str(uid))
    except NotFound as error:
        raise NotFound("export_expired") from error
    mine = job.kind == "export" and job.account_id == account_of(actor).user_id
    if not mine or job.expires_at <= now:
        raise NotFound("export_expired")
    return job


def export_content(actor: Actor, uid: UUID, now: datetime) -> JobFile:
    """The finished file; what one may no longer read is no longer given.

    Raises NotFound `export_expired`, WasteflowError `export_not_ready`, Denied.
    """
    job = own_export(actor, uid, now)
    may_export(actor, Export.of(job.options))
    if job.state != DONE:
        raise WasteflowError("export_not_ready", state=job.state)
    return find_file(db=books().db, uid=job.uid, role="result")
