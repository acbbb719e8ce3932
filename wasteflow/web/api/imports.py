"""`/imports`: files handed in, how far they are, their errors, publishing, cancelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import fields

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound, UnusableFile, WasteflowError
from wasteflow.services.uploads import (
    CHECK,
    PUBLISH,
    UPLOAD_RIGHTS,
    Owner,
    go_on,
    issue_text,
    take_upload,
)
from wasteflow.services.work import READY, Job, cancel_job, get_job, list_jobs
from wasteflow.services.work_files import find_file, pieces_of
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, number_part, page, page_schema
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import need, who
from wasteflow.web.api.words import MomentText, WordText
from wasteflow.web.files_out import download
from wasteflow.web.texts import lang
from wasteflow.web.uploading import owner_of, readable_uploads, subject_of_upload, upload_bytes

blueprint = ApiBlueprint("imports", "Files in: checked, published, reported", "/imports")
KINDS = tuple(UPLOAD_RIGHTS)
STATES = ("arriving", "waiting", "running", "ready", "done", "refused", "failed", "cancelled")
_TEXT_FIELDS = ("kind", "organisation", "sheet", "encoding", "header_row", "columns", "fixed")
_FLAGS = ("dry_run", "publish", "round_kg")
_UPLOAD: dict[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file", "kind"],
            "additionalProperties": False,
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "kind": {"type": "string", "enum": list(KINDS)},
                "organisation": {
                    "type": "string",
                    "maxLength": 80,
                    "description": "Code of the enterprise or park it is sent for",
                },
                "dry_run": {"type": "string", "enum": ["true", "false"]},
                "publish": {
                    "type": "string",
                    "enum": ["true", "false"],
                    "description": "Publish at once if every row is right",
                },
                "round_kg": {"type": "string", "enum": ["true", "false"]},
                "sheet": {"type": "string", "maxLength": 80},
                "header_row": {"type": "string", "pattern": "^[0-9]{1,7}$"},
                "encoding": {"type": "string", "enum": ["utf-8", "gb18030", "utf-16"]},
                "columns": {"type": "string", "description": "JSON: header → column"},
                "fixed": {"type": "string", "description": "JSON: column → value of every row"},
            },
        }
    }
}
ImportShape = out_schema(
    "Import",
    {
        "id": fields.UUID(required=True),
        "kind": WordText(*KINDS, required=True),
        "state": WordText(*STATES, required=True),
        "step": fields.String(required=True),
        "filename": fields.String(required=True),
        "organisation": fields.String(required=True),
        "by": fields.String(required=True),
        "done": fields.Integer(required=True),
        "total": fields.Integer(required=True),
        "rows_per_s": fields.Float(required=True, allow_none=True),
        "remaining_s": fields.Float(required=True, allow_none=True),
        "created_at": MomentText(required=True),
        "finished_at": MomentText(required=True, allow_none=True),
        "expires_at": MomentText(required=True),
        "error": fields.String(required=True, allow_none=True),
        "result": fields.Dict(required=True),
        "errors_file": fields.String(required=True, allow_none=True),
    },
)


def shown(job: Job) -> dict[str, Any]:
    """An import as JSON, its reasons worded in the language of the request."""
    result = {name: value for name, value in job.result.items() if name != "wrong"}
    if "issues" in result:
        result["issues"] = [
            {**issue, "message": issue_text(issue, lang())} for issue in result["issues"]
        ]
    return {
        "id": job.uid,
        "kind": job.subject,
        "state": job.state,
        "step": job.step,
        "filename": job.filename,
        "organisation": job.organisation,
        "by": job.login,
        "done": job.done,
        "total": job.total,
        "rows_per_s": job.rate,
        "remaining_s": job.remaining_s,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "expires_at": job.expires_at.isoformat(),
        "error": job.error_text(lang()) or None,
        "result": result,
        "errors_file": f"/api/v1/imports/{job.uid}/errors" if job.state == "refused" else None,
    }


@blueprint.endpoint(
    "GET", "", "import.read", returns=page_schema("Imports", ImportShape), query=PageQuery
)
def list_(query: dict[str, Any]) -> Response:
    """Files of one's organisations, newest first; of those one has left no longer."""
    found = list_jobs(
        db=books().db,
        kind="import",
        organisations=readable_uploads(who()),
        limit=query["limit"] + 1,
        before=number_part(query["cursor"]),
    )
    return page(found, query["limit"], shown, lambda job: job.id)


@blueprint.endpoint("POST", "", "import.write", returns=ImportShape, status=202, content=_UPLOAD)
def add() -> Response:
    """Hand in a file; it is looked at and checked in the background, and published when told."""
    actor = who()
    form = upload_form()
    owner = owner_for(actor, form.get("organisation", ""))
    file = request.files.get("file")
    if file is None:
        raise refused([Pointed("/file", "attachment_file_missing")])
    options = read_options(form)
    try:
        job = take_upload(
            db=books().db,
            kind=form.get("kind", ""),
            filename=file.filename or "upload",
            pieces=pieces_of(file.stream),
            owner=owner,
            options=options,
            now=datetime.now(UTC),
            most_bytes=upload_bytes(),
        )
    except UnusableFile as error:
        status = 413 if error.code == "file_too_large" else 422
        fault = Pointed("/file", error.code, error.params)
        raise Problem(status, error.code, error.params, faults=[fault]) from error
    except WasteflowError as error:
        raise refused([Pointed("/kind", error.code, error.params)]) from error
    return as_json(shown(job), 202)


def upload_form() -> dict[str, str]:
    """The text parts of the form; Problem 415, 422 for what is not documented."""
    if request.mimetype != "multipart/form-data":
        params = {"value": request.mimetype or "–", "known": "multipart/form-data"}
        raise Problem(415, "media_type", params)
    form = request.form.to_dict()
    known = {"file", *_TEXT_FIELDS, *_FLAGS}
    unknown = sorted({*form, *request.files} - known)
    if unknown:
        params = {"value": unknown[0][:60], "known": ", ".join(sorted(known))}
        raise refused([Pointed(f"/{unknown[0][:60]}", "unknown_parameter", params)])
    return form


def read_options(form: Mapping[str, str]) -> dict[str, Any]:
    """How the file is to be read and what becomes of it; Problem 422 for what is not so."""
    options: dict[str, Any] = {"lang": lang()}
    for name in _FLAGS:
        if form.get(name, "false") not in ("true", "false"):
            raise _bad(name, form[name], "true, false")
        if form.get(name) == "true":
            options[name] = True
    if options.get("dry_run") and options.get("publish"):
        raise refused([Pointed("/publish", "upload_dry_and_publish", {})])
    row = form.get("header_row", "")
    if row:
        if not (row.isascii() and row.isdigit() and len(row) <= 7):
            raise _bad("header_row", row, "^[0-9]{1,7}$")
        options["header_row"] = int(row)
    encoding = form.get("encoding", "")
    if encoding not in ("", "utf-8", "gb18030", "utf-16"):
        raise _bad("encoding", encoding, "utf-8, gb18030, utf-16")
    options |= {name: form[name] for name in ("sheet", "encoding") if form.get(name)}
    for name in ("columns", "fixed"):
        if form.get(name):
            options[name] = _texts(name, form[name])
    return options


def _texts(name: str, text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(name, text, "JSON") from error
    if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
        raise _bad(name, text, "{text: text}")
    return found


def _bad(name: str, value: str, pattern: str) -> Exception:
    params = {"value": value[:60], "pattern": pattern}
    return refused([Pointed(f"/{name}", "bad_shape", params)])


def owner_for(actor: Actor, organisation: str) -> Owner:
    """Whose file it is, if the table lets the actor send it; Denied otherwise."""
    owner = owner_of(actor, organisation)
    need("import.write", subject_of_upload(owner.organisation))
    return owner


def one(uid: UUID, right: str) -> Job:
    """The upload, if `right` holds on it; Denied or NotFound."""
    who()
    job = get_job(db=books().db, uid=str(uid))
    if job.kind != "import":  # exports and outlines have doors of their own
        raise NotFound("record_unknown", value=str(uid))
    need(right, subject_of_upload(job.organisation))
    return job


@blueprint.endpoint("GET", "/<uuid:import_>", "import.read", returns=ImportShape)
def get(import_: UUID) -> Response:
    """How far a file is, what was understood of it, its first wrong rows."""
    return as_json(shown(one(import_, "import.read")))


@blueprint.endpoint("POST", "/<uuid:import_>/publish", "import.write", returns=ImportShape)
def publish(import_: UUID) -> Response:
    """Put the rows into the books, exactly as they were checked; 409 unless it was."""
    job = one(import_, "import.write")
    if job.state != READY or job.result.get("stage") != "checked":
        raise Problem(409, "job_state", {"state": job.state, "action": PUBLISH})
    return as_json(shown(_go(job, PUBLISH, {})))


@blueprint.endpoint(
    "POST",
    "/<uuid:import_>/check",
    "import.write",
    returns=ImportShape,
    content={
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    name: {"type": "string"}
                    for name in ("sheet", "header_row", "encoding", "columns", "fixed")
                },
            }
        }
    },
)
def check(import_: UUID) -> Response:
    """Check a file again, with what was told of its sheet, header and columns."""
    job = one(import_, "import.write")
    return as_json(shown(_go(job, CHECK, read_options(upload_form()))))


def _go(job: Job, step: str, told: Mapping[str, Any]) -> Job:
    try:
        return go_on(
            db=books().db,
            job=job,
            step=step,
            told=told,
            by=who().login,
            now=datetime.now(UTC),
        )
    except WasteflowError as error:
        raise Problem(409, error.code, error.params) from error


@blueprint.endpoint("POST", "/<uuid:import_>/cancel", "import.write", returns=ImportShape)
def cancel(import_: UUID) -> Response:
    """Stop it: nothing of it gets into the books; 409 if it has ended."""
    job = one(import_, "import.write")
    try:
        return as_json(shown(cancel_job(db=books().db, uid=job.uid, now=datetime.now(UTC))))
    except WasteflowError as error:
        raise Problem(409, error.code, error.params) from error


@blueprint.endpoint(
    "GET",
    "/<uuid:import_>/errors",
    "import.read",
    returns={"type": "string"},
    content_type="application/octet-stream",
)
def errors(import_: UUID) -> Response:
    """The file back, the reasons in its last column."""
    job = one(import_, "import.read")
    return download(find_file(db=books().db, uid=job.uid, role="errors"))
