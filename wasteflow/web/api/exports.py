"""`/exports`: files made in the background, how far they are, and their bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from wasteflow.core.errors import NotFound, UnusableFile, WasteflowError
from wasteflow.core.geodesy import CRS_NAMES, WGS84
from wasteflow.exporting.tables import CSV_ENCODINGS
from wasteflow.exports import GEO, GEO_ENDINGS, GRAPH_ENDINGS, KINDS, REPORTS, TABLE_ENDINGS, Export
from wasteflow.services.work import Job
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ApiSchema, CodeField, PeriodField, ScopeField, WordField
from wasteflow.web.api.words import MomentText
from wasteflow.web.exports_out import ask_export, export_content, own_export, own_exports
from wasteflow.web.files_out import download
from wasteflow.web.texts import lang

blueprint = ApiBlueprint("exports", "Files out, made in the background", "/exports")
ENDINGS = tuple(dict.fromkeys((*TABLE_ENDINGS, *GRAPH_ENDINGS, *GEO_ENDINGS)))


class NewExport(ApiSchema):
    """What is to be exported."""

    kind = WordField(*KINDS, *REPORTS, *GEO, required=True)
    format = WordField(*ENDINGS, load_default="xlsx")
    scope = ScopeField("all, region:…, park:… or enterprise:…", load_default="all")
    period = PeriodField("Default: all the books", load_default=None)
    material = CodeField("Material code; all without one", load_default="")
    encoding = WordField(*CSV_ENCODINGS, load_default="utf-8-sig")
    crs = WordField(*CRS_NAMES, load_default=WGS84)


ExportShape = out_schema(
    "Export",
    {
        "id": fields.UUID(required=True),
        "kind": fields.String(required=True),
        "filename": fields.String(required=True),
        "state": fields.String(required=True),
        "done": fields.Integer(required=True),
        "rows": fields.Integer(required=True, allow_none=True),
        "size": fields.Integer(required=True, allow_none=True),
        "error": fields.String(required=True),
        "created_at": MomentText(required=True),
        "expires_at": MomentText(required=True),
        "file": fields.String(required=True, metadata={"description": "Where its bytes are"}),
    },
)


def shown(job: Job) -> dict[str, Any]:
    """An export as JSON."""
    return {
        "id": job.uid,
        "kind": job.subject,
        "filename": job.filename,
        "state": job.state,
        "done": job.done,
        "rows": job.result.get("rows"),
        "size": job.result.get("size"),
        "error": job.error_text(lang()),
        "created_at": job.created_at.isoformat(),
        "expires_at": job.expires_at.isoformat(),
        "file": f"/api/v1/exports/{job.uid}/file",
    }


@blueprint.endpoint(
    "POST", "", "export.read", returns=ExportShape, status=202, body=NewExport, once=True
)
def add(given: dict[str, Any]) -> Response:
    """Ask for an export; `file` can be fetched when its state is `done`, until it expires."""
    asked = Export(
        kind=given["kind"],
        ending=given["format"],
        scope=given["scope"],
        period=given["period"],
        material=given["material"],
        encoding=given["encoding"],
        crs=given["crs"],
        lang=lang(),
    )
    try:
        job = ask_export(who(), asked, datetime.now(UTC))
    except UnusableFile as error:
        raise refused([Pointed("/format", error.code, error.params)]) from error
    response = as_json(shown(job), 202)
    response.headers["Location"] = f"/api/v1/exports/{job.uid}"
    return response


@blueprint.endpoint(
    "GET", "", "export.read", returns=page_schema("Exports", ExportShape), query=PageQuery
)
def list_(query: dict[str, Any]) -> Response:
    """One's own exports, newest first."""
    return rows_page(own_exports(who(), datetime.now(UTC)), query, shown)


@blueprint.endpoint("GET", "/<uuid:uid>", "export.read", returns=ExportShape)
def get(uid: UUID) -> Response:
    """How far an export is."""
    return as_json(shown(_found(uid)))


@blueprint.endpoint(
    "GET",
    "/<uuid:uid>/file",
    "export.read",
    returns={"type": "string"},
    content_type="application/octet-stream",
)
def file(uid: UUID) -> Response:
    """The bytes of an export; 409 while it is being made, 404 once it has expired."""
    _found(uid)
    try:
        return download(export_content(who(), uid, datetime.now(UTC)))
    except NotFound as error:
        raise Problem(404, error.code, error.params) from error
    except WasteflowError as error:
        if error.code != "export_not_ready":
            raise
        raise Problem(409, error.code, error.params) from error


def _found(uid: UUID) -> Job:
    try:
        return own_export(who(), uid, datetime.now(UTC))
    except NotFound as error:
        raise Problem(404, error.code, error.params) from error
