"""`/uploads`: send a file, say how it is read, see what was understood, publish, look back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound, UnusableFile, WasteflowError
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.uploads import (
    CHECK,
    PUBLISH,
    go_on,
    kinds_for,
    take_upload,
)
from wasteflow.services.work import READY, Job, cancel_job, get_job, list_jobs
from wasteflow.services.work_files import find_file, pieces_of
from wasteflow.web.access import books
from wasteflow.web.files_out import download, template_response
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.uploads_view import mapping, organisation_name, preview, shown
from wasteflow.web.permits import needs
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, text
from wasteflow.web.uploading import (
    owner_of,
    readable_uploads,
    senders_of,
    subject_of_upload,
    upload_bytes,
)

blueprint = Blueprint("uploads", __name__)
LISTED: Final = 200
_FILE: Final = ("at", "filename", "kind", "organisation", "by", "state", "rows", "tonnes", "error")

_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "shipments": ("loads.index", "loads.title"),
    "entries": ("loads.entries", "entries.title"),
    "products": ("loads.products", "products.title"),
}
"""Kind of file → the page that lists what it brought, and its title."""


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "import.read")
    return actor


def _sender() -> Actor:
    """Who may send something for somebody."""
    actor = _actor()
    if not senders_of(actor):
        raise Denied(Verdict.NOT_ONES_RIGHT, "import.write")
    return actor


def _job(uid: UUID, right: str) -> Job:
    actor = _actor()
    job = get_job(db=books().db, uid=str(uid))
    if job.kind != "import":
        raise NotFound("record_unknown", value=str(uid))
    require(actor, right, subject_of_upload(job.organisation))
    return job


@blueprint.get("/uploads", endpoint="index")
@needs("import.read")
def show_list() -> str | Response:
    """Files of one's organisations: who, when, what, how far."""
    actor = _actor()
    found = list_jobs(
        db=books().db,
        kind="import",
        organisations=readable_uploads(actor),
        limit=LISTED,
    )
    rows = [shown(job) for job in found]
    if wants_file():
        return rows_file(({name: row[name] for name in _FILE} for row in rows), "uploads")
    return render_template(
        "uploads.html",
        jobs=rows,
        may_send=bool(senders_of(actor)),
    )


@blueprint.get("/uploads/new", endpoint="new")
@needs("import.write")
def show_new() -> Response:
    """The form to send a file."""
    return _form("")


@blueprint.post("/uploads/new", endpoint="save")
@needs("import.write")
def save() -> Response:
    """Take the file; what becomes of it is on its page."""
    actor = _sender()
    try:
        form = request.form
    except RequestEntityTooLarge:
        return _form(text("uploads.too_large", limit=upload_bytes() // 2**20), 413)
    owner = owner_of(actor, form.get("organisation", ""))
    require(actor, "import.write", subject_of_upload(owner.organisation))
    file = request.files.get("file")
    if file is None or not file.filename:
        return _form(text("uploads.no_file"), 422)
    options: dict[str, Any] = {"lang": lang()}
    if form.get("encoding") in ("utf-8", "gb18030"):
        options["encoding"] = form["encoding"]
    try:
        job = take_upload(
            db=books().db,
            kind=form.get("kind", ""),
            filename=file.filename,
            pieces=pieces_of(file.stream),
            owner=owner,
            options=options,
            now=now(),
            most_bytes=upload_bytes(),
        )
    except (UnusableFile, WasteflowError) as error:
        return _form(error.text(lang()), 422)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


def _form(problem: str, status: int = 200) -> Response:
    actor = _sender()
    asked = "kind" if status == 413 else request.form.get("kind", request.args.get("kind", ""))
    kinds = kinds_for(db=books().db, actor=actor)
    body = render_template(
        "upload_new.html",
        kinds=[(kind, text(f"uploads.kind.{kind}")) for kind in kinds],
        chosen=asked if asked in kinds else next(iter(kinds), ""),
        senders=[(code, organisation_name(code)) for code in senders_of(actor)],
        problem=problem,
        limit=upload_bytes() // 2**20,
    )
    return make_response(body, status)


@blueprint.get("/uploads/<uuid:uid>", endpoint="one")
@needs("import.read")
def show_one(uid: UUID) -> Response:
    """Where a file stands and what is to be done next."""
    return _page(_job(uid, "import.read"))


def _page(job: Job, problem: str = "", status: int = 200) -> Response:
    view = shown(job)
    stage = job.result.get("stage", "") if job.state in ("ready", "refused", "done") else ""
    body = render_template(
        "upload.html",
        job=view,
        stage=stage,
        mapping=mapping(job) if job.state == READY else None,
        preview=preview(job) if stage in ("checked", "refused", "published") else None,
        may_change=not job.over and bool(senders_of(_actor())),
        problem=problem,
        list_of=_LISTS.get(job.subject),
        live=job.state in ("waiting", "running", "arriving"),
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/uploads/<uuid:uid>/check", endpoint="check")
@needs("import.write")
def check(uid: UUID) -> Response:
    """Check the file again with what was told of its columns."""
    job = _job(uid, "import.write")
    told: dict[str, Any] = {"columns": {}, "fixed": {}, "lang": lang()}
    header = job.result.get("layout", {}).get("header", [])
    for place, title in enumerate(header):
        name = request.form.get(f"column-{place}")
        if name is not None and title:
            told["columns"][title] = name
    for name in [item.name for item in columns_of(job.subject)]:
        value = request.form.get(f"fixed-{name}", "").strip()
        if value:
            told["fixed"][name] = value
    row = request.form.get("header_row", "")
    moved = row.isascii() and row.isdigit() and int(row[:7]) != job.result["layout"]["header_row"]
    sheet = request.form.get("sheet", "")
    encoding = request.form.get("encoding", "")
    other = moved or sheet != job.result["layout"]["sheet"]
    other = other or encoding not in ("", job.result["layout"]["encoding"])
    if other:  # another table: what was told of the columns of this one does not hold
        told["columns"] = None
    told |= {"sheet": sheet, "header_row": int(row[:7]) if moved else 0}
    if not moved and not other:
        told["header_row"] = job.result["layout"]["header_row"]
    if encoding in ("utf-8", "gb18030"):
        told["encoding"] = encoding
    return _go(job, "look" if other else CHECK, told)


@blueprint.post("/uploads/<uuid:uid>/publish", endpoint="publish")
@needs("import.write")
def publish(uid: UUID) -> Response:
    """Put the checked rows into the books."""
    job = _job(uid, "import.write")
    if job.state != READY or job.result.get("stage") != "checked":
        return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))
    return _go(job, PUBLISH, {})


@blueprint.post("/uploads/<uuid:uid>/cancel", endpoint="cancel")
@needs("import.write")
def cancel(uid: UUID) -> Response:
    """Stop it."""
    job = _job(uid, "import.write")
    try:
        cancel_job(db=books().db, uid=job.uid, now=now())
    except WasteflowError as error:
        return _page(get_job(db=books().db, uid=job.uid), error.text(lang()), 409)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


def _go(job: Job, step: str, told: Mapping[str, Any]) -> Response:
    try:
        go_on(db=books().db, job=job, step=step, told=told, by=_actor().login, now=now())
    except WasteflowError as error:
        return _page(get_job(db=books().db, uid=job.uid), error.text(lang()), 409)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


@blueprint.get("/uploads/<uuid:uid>/errors", endpoint="errors")
@needs("import.read")
def errors(uid: UUID) -> Response:
    """The file back with its reasons."""
    job = _job(uid, "import.read")
    return download(find_file(db=books().db, uid=job.uid, role="errors"))


@blueprint.get("/uploads/templates/<kind>.xlsx", endpoint="template")
@needs("import.write")
def template(kind: str) -> Response:
    """The workbook to fill in."""
    return template_response(kind, _sender())
