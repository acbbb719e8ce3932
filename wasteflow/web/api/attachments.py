"""`/attachments`: weigh tickets and documents; whoever may read a record may read its papers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, request
from marshmallow import fields
from werkzeug.exceptions import RequestEntityTooLarge

from wasteflow.services.attachments import (
    Attachment,
    AttachmentRefused,
    NewAttachment,
    add_attachment,
    get_attachment,
    list_attachments,
    read_content,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, versioned
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import need, who
from wasteflow.web.api.shapes import UuidField
from wasteflow.web.api.words import MomentText, WordText
from wasteflow.web.papers_kept import folder, subject_of_record

blueprint = ApiBlueprint("attachments", "Weigh tickets and documents", "/attachments")
KINDS = ("shipment", "entry")
_TOO_LARGE = "attachment_too_large"


class AttachmentsQuery(PageQuery):
    """Whose papers: of one load or of one entry."""

    shipment = UuidField("Id of the load", load_default=None)
    entry = UuidField("Id of the entry", load_default=None)


AttachmentShape = out_schema(
    "Attachment",
    {
        "id": fields.UUID(required=True),
        "kind": WordText(*KINDS, required=True),
        "record": fields.UUID(required=True),
        "filename": fields.String(required=True),
        "media_type": fields.String(required=True),
        "size": fields.Integer(required=True),
        "sha256": fields.String(required=True),
        "remark": fields.String(required=True),
        "organisation": fields.String(required=True),
        "at": MomentText(required=True),
        "content": fields.String(required=True, metadata={"description": "Where its bytes are"}),
    },
)
_UPLOAD: dict[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "additionalProperties": False,
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "shipment": {"type": "string", "format": "uuid"},
                "entry": {"type": "string", "format": "uuid"},
                "remark": {"type": "string", "maxLength": 500},
            },
        }
    }
}


def shown(item: Attachment) -> dict[str, Any]:
    """A document as JSON."""
    return {
        "id": item.uid,
        "kind": item.kind,
        "record": item.ref,
        "filename": item.filename,
        "media_type": item.media_type,
        "size": item.size,
        "sha256": item.sha256,
        "remark": item.remark,
        "organisation": item.organisation,
        "at": item.at.isoformat(),
        "content": f"/api/v1/attachments/{item.uid}/content",
    }


def one_record(shipment: UUID | None, entry: UUID | None) -> tuple[str, str]:
    """(kind, id) of the one record that was named; Problem 422 for none or both."""
    if (shipment is None) == (entry is None):
        raise refused([Pointed("", "attachment_record")])
    return ("shipment", str(shipment)) if shipment else ("entry", str(entry))


@blueprint.endpoint(
    "GET",
    "",
    "attachment.read",
    returns=page_schema("Attachments", AttachmentShape),
    query=AttachmentsQuery,
)
def list_(query: dict[str, Any]) -> Response:
    """Papers of one record."""
    kind, ref = one_record(query["shipment"], query["entry"])
    need("attachment.read", subject_of_record(kind, ref))
    return rows_page(list_attachments(db=books().db, kind=kind, ref=ref), query, shown)


@blueprint.endpoint(
    "POST", "", "attachment.write", returns=AttachmentShape, status=201, content=_UPLOAD
)
def add() -> Response:
    """Hand in a document of a record; the same bytes twice are one document (200)."""
    form, files = _form(), request.files
    unknown = sorted({*form, *files} - {"file", "shipment", "entry", "remark"})
    if unknown:
        params = {"value": unknown[0], "known": "file, shipment, entry, remark"}
        raise refused([Pointed(f"/{unknown[0]}", "unknown_parameter", params)])
    file = files.get("file")
    if file is None:
        raise refused([Pointed("/file", "attachment_file_missing")])
    record = [_uuid(name, form.get(name, "")) for name in KINDS]
    kind, ref = one_record(*record)
    actor = need("attachment.write", subject_of_record(kind, ref))
    document = NewAttachment(
        kind=kind,
        ref=ref,
        content=file.stream.read(),
        media_type=file.mimetype,
        filename=file.filename or "",
        remark=_remark(form.get("remark", "")),
        organisation=min(actor.organisations() - {""}, default=""),
    )
    try:
        item, new = add_attachment(
            db=books().db,
            folder=folder(),
            document=document,
            actor=actor,
            now=datetime.now(UTC),
        )
    except AttachmentRefused as error:
        status = 413 if error.code == _TOO_LARGE else 422
        fault = Pointed("/file", error.code, error.params)
        raise Problem(status, error.code, error.params, faults=[fault]) from error
    return as_json(shown(item), 201 if new else 200)


def _form() -> dict[str, str]:
    """The text parts of the form; Problem 415 for another kind of body, 413 for too much."""
    if request.mimetype != "multipart/form-data":
        params = {"value": request.mimetype or "–", "known": "multipart/form-data"}
        raise Problem(415, "media_type", params)
    try:
        return request.form.to_dict()
    except RequestEntityTooLarge as error:
        raise Problem(413, "body_too_large", {"limit": ""}) from error


def _uuid(name: str, text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        params = {"value": text[:60], "pattern": "uuid"}
        raise refused([Pointed(f"/{name}", "bad_shape", params)]) from error


def _remark(text: str) -> str:
    from wasteflow.core.errors import InvalidValue
    from wasteflow.schemas.field_base import clean_text

    try:
        return clean_text(text)
    except InvalidValue as error:
        raise refused([Pointed("/remark", error.code, error.params)]) from error


@blueprint.endpoint(
    "GET", "/<uuid:attachment>", "attachment.read", returns=AttachmentShape, tagged=True
)
def get(attachment: UUID) -> Response:
    """A document without its bytes."""
    item = _readable(attachment)
    return versioned(shown(item), item.sha256[:20])


@blueprint.endpoint(
    "GET",
    "/<uuid:attachment>/content",
    "attachment.read",
    returns={"type": "string"},
    content_type="application/octet-stream",
)
def content(attachment: UUID) -> Response:
    """The bytes of a document, always as a download."""
    item = _readable(attachment)
    found = read_content(folder=folder(), attachment=item)
    response = Response(found, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"document\"; filename*=UTF-8''{quote(item.filename)}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _readable(attachment: UUID) -> Attachment:
    who()
    item = get_attachment(db=books().db, uid=str(attachment))
    need("attachment.read", subject_of_record(item.kind, item.ref))
    return item
