"""`/regions` … `/filings`: objects of the registry, read by everybody, changed by role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response
from marshmallow import Schema

from wasteflow.core.actors import Subject
from wasteflow.services.registry_objects import (
    AlreadyThere,
    ObjectChanged,
    RegistryObject,
    change_object,
    create_object,
    get_object,
    list_objects,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, if_match, stale, versioned
from wasteflow.web.api.objects import json_object, out_fields, out_schema
from wasteflow.web.api.paging import PageQuery, page, page_schema, text_part
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import need, subject_of
from wasteflow.web.api.shapes import ApiSchema, WholeObject, column_fields

KINDS: Final[Mapping[str, str]] = {
    "regions": "registry.write",
    "parks": "registry.write",
    "enterprises": "registry.write",
    "facilities": "facility.write",
    "materials": "registry.write",
    "routes": "registry.write",
    "targets": "target.write",
    "filings": "filing.write",
}
"""Kind → the right to write it."""

_ONE: Final = "/<string(maxlength=80):code>"

EVERYWHERE: Final = frozenset({"regions", "materials", "routes"})
"""Kinds that lie nowhere: only whoever may write everywhere writes them."""


def subject_of_object(kind: str, values: Mapping[str, Any]) -> Subject:
    """Where an object lies, so that the table can say who may write it."""
    if kind == "parks":
        return subject_of(parks=[values.get("parent")], regions=[values.get("region")])
    if kind == "enterprises":
        return subject_of(parks=[values.get("park")], regions=[values.get("region")])
    if kind == "facilities":
        return subject_of(enterprise=values.get("enterprise"), parks=[values.get("park")])
    if kind == "filings":
        return subject_of(regions=[values.get("from_region"), values.get("to_region")])
    if kind == "targets":
        word, _, code = str(values.get("scope") or "").partition(":")
        places = {word: [code]} if code else {}
        return subject_of(
            enterprise=places.get("enterprise", [None])[0],
            parks=places.get("park", []),
            regions=places.get("region", []),
        )
    return Subject()


def resource(kind: str) -> ApiBlueprint:
    """The blueprint of one kind."""
    blueprint = ApiBlueprint(kind, f"Registry: {kind}", f"/{kind}")
    shown = out_schema(f"{kind.capitalize()}Object", out_fields(kind))
    _reading(blueprint, kind, shown)
    _creating(blueprint, kind, shown)
    _changing(blueprint, kind, shown)
    return blueprint


def _answer(kind: str, item: RegistryObject, status: int = 200) -> Response:
    return versioned(json_object(kind, item.values), item.version, status)


def _reading(blueprint: ApiBlueprint, kind: str, shown: type[Schema]) -> None:
    """List and get."""

    @blueprint.endpoint(
        "GET",
        "",
        "registry.read",
        returns=page_schema(kind.capitalize(), shown),
        query=PageQuery,
    )
    def list_(query: dict[str, Any]) -> Response:
        """List in order of code."""
        need("registry.read")
        after, limit = text_part(query["cursor"]), query["limit"]
        found = list_objects(db=books().db, kind=kind, after=after, limit=limit + 1)
        return page(found, limit, lambda item: json_object(kind, item.values), _code)

    @blueprint.endpoint("GET", _ONE, "registry.read", returns=shown, tagged=True)
    def get(code: str) -> Response:
        """One object with its ETag."""
        need("registry.read")
        return _answer(kind, get_object(db=books().db, kind=kind, code=code))


def _creating(blueprint: ApiBlueprint, kind: str, shown: type[Schema]) -> None:
    right = KINDS[kind]
    new = type(f"{kind.capitalize()}New", (WholeObject,), column_fields(kind))

    @blueprint.endpoint(
        "POST", "", right, returns=shown, status=201, tagged=True, body=new, once=True
    )
    def create(given: dict[str, Any]) -> Response:
        """Register a new object."""
        need(right, subject_of_object(kind, given))
        try:
            item = create_object(db=books().db, kind=kind, values=given, now=datetime.now(UTC))
        except AlreadyThere as error:
            fault = Pointed("/code", error.code, error.params)
            raise Problem(409, error.code, error.params, faults=[fault]) from error
        response = _answer(kind, item, 201)
        response.headers["Location"] = f"/api/v1/{kind}/{item.code}"
        return response


def _changing(blueprint: ApiBlueprint, kind: str, shown: type[Schema]) -> None:
    right = KINDS[kind]
    optional = column_fields(kind, optional=True, without=("code",))
    changed = type(f"{kind.capitalize()}Change", (ApiSchema,), optional)

    @blueprint.endpoint("PATCH", _ONE, right, returns=shown, tagged=True, change=True, body=changed)
    def change(given: dict[str, Any], code: str) -> Response:
        """Change the values given; the others stay."""
        stored = get_object(db=books().db, kind=kind, code=code)
        need(right, subject_of_object(kind, stored.values))
        need(right, subject_of_object(kind, {**stored.values, **given}))
        version = if_match()
        if not given:
            raise refused([Pointed("", "nothing_given")])
        try:
            item = change_object(
                db=books().db,
                kind=kind,
                code=code,
                changes=given,
                version=version,
                now=datetime.now(UTC),
            )
        except ObjectChanged as error:
            raise stale(error.version) from error
        return _answer(kind, item)


def _code(item: RegistryObject) -> str:
    return item.code
