"""Bulk calls of loads, entries (and revisions): up to 1,000 objects, a transaction for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar, Final

from flask import Response
from marshmallow import Schema, ValidationError, fields

from wasteflow.core.errors import WasteflowError
from wasteflow.schemas.field_base import Fault
from wasteflow.services.answered import (
    KeptAnswer,
    KeyReused,
    answer_once,
    claim_key,
    in_one_transaction,
)
from wasteflow.web.access import books
from wasteflow.web.api import load_shapes as shapes
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.entries import EntryNew, record
from wasteflow.web.api.idempotent import digest, key_given
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.parsing import faults_of
from wasteflow.web.api.problem_shapes import ProblemSchema
from wasteflow.web.api.problems import Problem, body_of, problem_of, refused
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ApiSchema, Shaped
from wasteflow.web.api.shipments import create_load, written_body

MOST: Final = 1000
blueprint = ApiBlueprint("bulk", "Many objects at once, with a result for each")


class ObjectsField(Shaped):
    """A list of objects; each is checked when its turn comes."""

    def __init__(self, item: type[Schema], **options: Any) -> None:
        super().__init__("At most 1,000 objects", required=True, **options)
        self.item = item

    shape: ClassVar[dict[str, Any]] = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST,
        "items": {},
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise ValidationError([Fault("not_a_list")])
        if not value:
            raise ValidationError([Fault("missing_value")])
        if len(value) > MOST:
            params = {"limit": str(MOST), "count": str(len(value))}
            raise ValidationError([Fault("too_many_objects", params)])
        return value


class BulkLoads(ApiSchema):
    """Loads, as `POST /shipments` takes one."""

    objects = ObjectsField(shapes.LoadNew)


class BulkEntries(ApiSchema):
    """Entries, as `POST /entries` takes one."""

    objects = ObjectsField(EntryNew)


class ResultShape(Schema):
    """What became of one object."""

    index = fields.Integer(required=True)
    status = fields.Integer(required=True)
    object = fields.Dict(required=True, allow_none=True)
    problem = fields.Nested(ProblemSchema, required=True, allow_none=True)


class BulkShape(Schema):
    """A result per object, in their order."""

    results = fields.List(fields.Nested(ResultShape), required=True)
    done = fields.Integer(required=True)
    failed = fields.Integer(required=True)


Take = Callable[[dict[str, Any]], tuple[dict[str, Any], int]]
"""Checked object → (its JSON, the status it would have had alone)."""


def bulk(objects: list[Any], schema: Schema, take: Take) -> Response:
    """The result of each object; with an Idempotency-Key each is done once."""
    key = key_given()
    if key:
        try:
            claim_key(
                db=books().db,
                account_id=who().user_id,
                key=key,
                digest=digest(),
                now=datetime.now(UTC),
            )
        except KeyReused as error:
            raise Problem(422, error.code) from error
    results = [
        one(index, item, schema, take, f"{key}/{index}" if key else "")
        for index, item in enumerate(objects)
    ]
    done = sum(item["problem"] is None for item in results)
    return as_json({"results": results, "done": done, "failed": len(results) - done})


def one(index: int, item: Any, schema: Schema, take: Take, key: str) -> dict[str, Any]:
    """The result of one object; what is wrong with it is its own affair."""
    try:
        if not isinstance(item, dict):
            raise refused([*faults_of([Fault("object_needed")])])
        given = checked(item, schema)
        body, status = kept(item, key, lambda: take(given))
    except WasteflowError as error:
        problem = problem_of(error)
        if problem.status >= 500 and problem.status != 503:
            raise
        told = body_of(problem)
        return {"index": index, "status": problem.status, "object": None, "problem": told}
    return {"index": index, "status": status, "object": body, "problem": None}


def checked(item: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """The object under its schema; Problem 422 with a fault for every place."""
    try:
        found: dict[str, Any] = schema.load(item)
    except ValidationError as error:
        raise refused(faults_of(error.messages_dict, schema=schema)) from error
    return found


def kept(
    item: Mapping[str, Any], key: str, make: Callable[[], tuple[dict[str, Any], int]]
) -> tuple[dict[str, Any], int]:
    """`make()` in one transaction, with its answer if there is a key."""
    if not key:
        return in_one_transaction(make, db=books().db)

    def answer() -> KeptAnswer:
        body, status = make()
        return KeptAnswer(status, {}, json.dumps(body, ensure_ascii=False))

    told = answer_once(
        db=books().db,
        account_id=who().user_id,
        key=key,
        digest=sha256(json.dumps(item, sort_keys=True).encode()).hexdigest(),
        now=datetime.now(UTC),
        make=answer,
    )
    return json.loads(told.body), told.status


def _take_load(given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    return written_body(create_load(given)), 201


def _take_entry(given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    body, new, _ = record(given)
    return body, 201 if new else 200


@blueprint.endpoint(
    "POST",
    "/shipments/bulk",
    "shipment.draft",
    returns=BulkShape,
    body=BulkLoads,
    takes_key=True,
)
def loads(given: dict[str, Any]) -> Response:
    """Make many loads."""
    return bulk(given["objects"], shapes.LoadNew(), _take_load)


@blueprint.endpoint(
    "POST", "/entries/bulk", "entry.write", returns=BulkShape, body=BulkEntries, takes_key=True
)
def entries(given: dict[str, Any]) -> Response:
    """Record many entries."""
    return bulk(given["objects"], EntryNew(), _take_entry)
