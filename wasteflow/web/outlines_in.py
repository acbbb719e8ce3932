"""Outlines of parks over the web: who may change which, the file between upload and saving."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Flask, request

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import NotFound
from wasteflow.core.periods import day_from_text
from wasteflow.core.permissions import Denied, Verdict, judge
from wasteflow.outline_files import OutlineFile, find_outlines, read_outline_file
from wasteflow.services.work import Job, NewJob, create_job, get_job
from wasteflow.services.work_files import find_file, keep_file, read_pieces
from wasteflow.web.access import books, books_seen
from wasteflow.web.api.rights import subject_of
from wasteflow_maps.geo_places import Found, Wanted
from wasteflow_maps.geo_unpack import MAX_BYTES

RIGHT: Final = "outline.write"
KIND: Final = "outline"
KEPT: Final = timedelta(days=1)
_ENDPOINTS: Final = frozenset({"boundaries.upload", "api_outlines.add"})
_FORM_BYTES: Final = 1024 * 1024


def install(app: Flask) -> None:
    """Bodies that carry a file of outlines may be as large as such a file."""

    def allow() -> None:
        if request.endpoint in _ENDPOINTS:
            request.max_content_length = MAX_BYTES + _FORM_BYTES

    app.before_request(allow)


def may_draw(actor: Actor, park: str) -> bool:
    """Whether the actor may change the outline of a park."""
    subject = subject_of(parks=[park])
    return judge(actor, RIGHT, subject, "registry.read") is Verdict.ALLOWED


def parks_of(actor: Actor | None) -> list[str]:
    """Codes of the parks whose outline the actor may change; Denied if there is none."""
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    found = [code for code in sorted(books_seen().registry.parks) if may_draw(actor, code)]
    if not found and judge(actor, RIGHT, Subject(), "registry.read") is not Verdict.ALLOWED:
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)
    return found


def outlines_in(file: OutlineFile, wanted: Wanted, actor: Actor) -> Found:
    """The outlines of a file for the parks of the actor; UnusableFile says what is missing."""
    mine = set(parks_of(actor))
    return find_outlines(file, wanted, books_seen().registry, lambda code: code in mine)


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """How to read the file, from a form or an address."""
    return Wanted(
        layer=str(given.get("layer") or ""),
        column=str(given.get("column") or ""),
        park=str(given.get("park") or ""),
        system=str(given.get("crs") or ""),
    )


def day_of(text: str) -> date | None:
    """The day an outline is as of; None if it is not known.  Raises InvalidValue."""
    return day_from_text(text.strip()) if text.strip() else None


def keep_upload(actor: Actor, data: bytes, filename: str, now: datetime) -> Job:
    """Read a file once, so that a bad one is refused at once, and keep it until it is saved."""
    read_outline_file(data, filename)
    job = create_job(
        db=books().db,
        job=NewJob(
            kind=KIND, account_id=actor.user_id, login=actor.login, filename=filename, kept=KEPT
        ),
        now=now,
        begin=False,
    )
    keep_file(
        db=books().db,
        job_id=job.id,
        role="input",
        filename=filename,
        media_type="application/octet-stream",
        pieces=[data],
    )
    return job


def kept_upload(actor: Actor, uid: UUID, now: datetime) -> tuple[Job, OutlineFile]:
    """One's own upload, read again; NotFound `job_file_gone`."""
    job = get_job(db=books().db, uid=str(uid))
    if job.kind != KIND or job.account_id != actor.user_id or job.expires_at <= now or job.over:
        raise NotFound("job_file_gone", value=str(uid))
    file = find_file(db=books().db, uid=job.uid, role="input")
    data = b"".join(read_pieces(db=books().db, file=file))
    return job, read_outline_file(data, job.filename)
