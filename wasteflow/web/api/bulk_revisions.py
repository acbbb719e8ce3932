"""`/revisions/bulk`: corrections of many loads, above fifty proposed in the background."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from wasteflow.core.errors import WasteflowError
from wasteflow.schemas.field_base import Fault
from wasteflow.services.answered import KeptAnswer
from wasteflow.services.live.many import Wanted, load_of_number
from wasteflow.services.live.many_job import (
    MANY,
    View,
    ask_corrections,
    own_corrections,
    refused_view,
)
from wasteflow.services.work import Job
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.bulk import BulkShape, ObjectsField, bulk, checked
from wasteflow.web.api.idempotent import answer_of_key, key_given
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.parsing import faults_of
from wasteflow.web.api.problem_shapes import FaultSchema
from wasteflow.web.api.problems import Pointed, problem_of, refused
from wasteflow.web.api.revisions import RevisionNew, proposed
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ApiSchema, IntegerField, ShortField, UuidField
from wasteflow.web.api.shipments import CHANNEL, written_body
from wasteflow.web.api.words import MomentText
from wasteflow.web.texts import lang

blueprint = ApiBlueprint("bulk_revisions", "Corrections of many loads at once")


class RevisionOfLoad(RevisionNew):
    """A correction, as `POST /shipments/{id}/revisions` takes one, and the load it is of."""

    shipment = UuidField("Id of the load", load_default=None)
    doc_no = ShortField("Its number, where the id is not given", load_default=None)
    consignor = ShortField("Code or name of its sender, where the number is not alone",
                           load_default=None)  # fmt: skip
    version = IntegerField(1, 2**31 - 1, "Version it rests on (default: any)", load_default=None)


class BulkRevisions(ApiSchema):
    """Corrections of many loads."""

    objects = ObjectsField(RevisionOfLoad)


class WhyNot(Schema):
    """Why a correction was not proposed."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema), required=True)


class CorrectedShape(Schema):
    """What became of one correction of a job."""

    index = fields.Integer(required=True)
    doc_no = fields.String(required=True)
    shipment = fields.UUID(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"description": "pending, approved, refused"})
    revision = fields.UUID(required=True, allow_none=True)
    asked = fields.List(fields.String(), required=True)
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)
    why = fields.String(required=True)
    warnings = fields.List(fields.Dict(), required=True)
    problem = fields.Nested(WhyNot, required=True, allow_none=True)


CorrectionsShape = out_schema(
    "Corrections",
    {
        "id": fields.UUID(required=True),
        "state": fields.String(required=True),
        "done": fields.Integer(required=True),
        "total": fields.Integer(required=True),
        "remaining_s": fields.Float(required=True, allow_none=True),
        "created_at": MomentText(required=True),
        "finished_at": MomentText(required=True, allow_none=True),
        "expires_at": MomentText(required=True),
        "error": fields.String(required=True, allow_none=True),
        "proposed": fields.Integer(required=True),
        "failed": fields.Integer(required=True),
        "results": fields.List(fields.Nested(CorrectedShape), required=True),
    },
)


@blueprint.endpoint(
    "POST",
    "/revisions/bulk",
    "revision.propose",
    returns=BulkShape,
    body=BulkRevisions,
    takes_key=True,
    later=CorrectionsShape,
)
def revisions(given: dict[str, Any]) -> Response:
    """Propose corrections of many loads; the other party of each is asked as always.

    More than 50 are proposed in the background: 202 with where they are told.
    """
    if len(given["objects"]) <= MANY:
        return bulk(given["objects"], RevisionOfLoad(), _take)
    key = key_given()
    if not key:
        return _later(json.dumps(_asked(given["objects"]), ensure_ascii=False))

    def make() -> KeptAnswer:
        return KeptAnswer(202, {}, json.dumps(_asked(given["objects"]), ensure_ascii=False))

    return _later(answer_of_key(key, make).body)


@blueprint.endpoint(
    "GET", "/revisions/bulk/<uuid:job>", "revision.propose", returns=CorrectionsShape
)
def get(job: UUID) -> Response:
    """How far one's own corrections are, and what became of each."""
    return as_json(shown(own_corrections(db=books().db, actor=who(), uid=job)))


def _take(given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    uid = given["shipment"]
    if uid is None:
        number, sender = _named(given), given["consignor"] or ""
        uid, _ = load_of_number(db=books().db, actor=who(), doc_no=number, consignor=sender)
    done, revision = proposed(given, uid, given["version"])
    return {"revision": revision, "shipment": written_body(done)}, 201


def _named(given: dict[str, Any]) -> str:
    number = given["doc_no"] or ""
    if not number.strip():
        raise refused([Pointed("/doc_no", "load_named")])
    return number


def _asked(objects: list[Any]) -> dict[str, Any]:
    """The job of these objects, as JSON."""
    items = [_item(item) for item in objects]
    actor, now = who(), datetime.now(UTC)
    return shown(ask_corrections(db=books().db, actor=actor, items=items, channel=CHANNEL, now=now))


def _item(item: Any) -> Wanted | View:
    """What is wanted, or what is told of one that is wrong by itself."""
    try:
        if not isinstance(item, dict):
            raise refused([*faults_of([Fault("object_needed")])])
        given = checked(item, RevisionOfLoad())
        uid = given["shipment"]
        return Wanted(
            given["doc_no"] or "" if uid else _named(given),
            given["changes"],
            given["reason"] or "",
            given["consignor"] or "",
            given["version"],
            uid,
            given["annul"],
        )
    except WasteflowError as error:
        problem = problem_of(error)
        pairs = [(fault.as_dict("zh"), fault.as_dict("en")) for fault in problem.faults]
        errors = [
            {"pointer": zh["pointer"], "code": zh["code"], "zh": zh["message"], "en": en["message"]}
            for zh, en in pairs
        ]
        words = {"zh": problem.told("zh"), "en": problem.told("en")}
        return refused_view({}, "", {"code": problem.code, **words, "errors": errors})


def _later(body: str) -> Response:
    told = json.loads(body)
    response = as_json(told, 202)
    response.headers["Location"] = f"/api/v1/revisions/bulk/{told['id']}"
    return response


def shown(job: Job) -> dict[str, Any]:
    """Corrections in the background as JSON, in the language of the request."""
    return {
        "id": job.uid,
        "state": job.state,
        "done": job.done,
        "total": job.total or len(job.options["items"]),
        "remaining_s": job.remaining_s,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "expires_at": job.expires_at.isoformat(),
        "error": job.error_text(lang()) or None,
        "proposed": job.result.get("proposed", 0),
        "failed": job.result.get("failed", 0),
        "results": [_worded(item) for item in job.result.get("results", ())],
    }


def _worded(item: View) -> View:
    language, problem = lang(), item["problem"]
    told = None
    if problem is not None:
        told = {
            "code": problem["code"],
            "detail": problem[language],
            "errors": [
                {"pointer": e["pointer"], "code": e["code"], "message": e[language]}
                for e in problem["errors"]
            ],
        }
    warnings = [{"code": at["code"], "message": at[language]} for at in item["warnings"]]
    return {**item, "warnings": warnings, "problem": told}
