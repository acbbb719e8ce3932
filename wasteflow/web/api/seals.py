"""`/seals`: seals of the books, and proofs that a record is in one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.errors import NotFound
from wasteflow.services.seal_proofs import kind_of_record, prove_record
from wasteflow.services.seals import list_seals, seal_books
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.problems import Problem
from wasteflow.web.api.rights import need, who
from wasteflow.web.api.shapes import ApiSchema, UuidField
from wasteflow.web.api.words import MomentText, OpenShape, told
from wasteflow.web.papers_kept import subject_of_record

blueprint = ApiBlueprint("seals", "Seals and proofs", "/seals")
SealShape = out_schema(
    "Seal",
    {
        "number": fields.Integer(required=True),
        "head": fields.String(required=True, metadata={"description": "Stands for all before too"}),
        "root": fields.String(required=True, metadata={"description": "Merkle root, hex"}),
        "prev_head": fields.String(required=True),
        "count": fields.Integer(required=True),
        "counts": fields.Dict(required=True),
        "sealed_at": MomentText(required=True),
        "sealed_by": fields.String(required=True),
    },
)


class ProofQuery(ApiSchema):
    """Of which record."""

    record = UuidField("Id of a load or an entry", required=True)


class ProofShape(OpenShape):
    """Proofs of a record; docs/verify_proof.py checks them."""

    record = fields.String(required=True)
    head = fields.String(required=True)
    seals = fields.List(fields.Dict(), required=True)
    proofs = fields.List(fields.Dict(), required=True)


@blueprint.endpoint(
    "GET", "", "seal.read", returns=page_schema("Seals", SealShape), query=PageQuery
)
def list_(query: dict[str, Any]) -> Response:
    """Seals, the newest first."""
    need("seal.read")
    return rows_page(list_seals(db=books().db), query, told)


@blueprint.endpoint("POST", "", "seal.write", returns=SealShape, status=201, once=True)
def seal() -> Response:
    """Seal what no seal holds yet; 409 if there is nothing, or another process is sealing."""
    need("seal.write")
    done = seal_books(db=books().db, now=datetime.now(UTC), by=who().login)
    if done is None:
        raise Problem(409, "nothing_to_seal")
    return as_json(done, 201)


@blueprint.endpoint("GET", "/<int:number>", "seal.read", returns=SealShape)
def one(number: int) -> Response:
    """A seal by its number."""
    need("seal.read")
    for row in list_seals(db=books().db):
        if row["number"] == number:
            return as_json(row)
    raise NotFound("seal_unknown", number=number)


@blueprint.endpoint("GET", "/<int:number>/proof", "seal.read", returns=ProofShape, query=ProofQuery)
def proof(query: dict[str, Any], number: int) -> Response:
    """Proof that a record one may read is in this seal (0: in whatever seal it is)."""
    uid = query["record"]
    kind = kind_of_record(db=books().db, uid=uid)
    need(f"{kind}.read", subject_of_record(kind, str(uid)))
    return as_json(prove_record(db=books().db, uid=uid, number=number))
