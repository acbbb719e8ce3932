"""`/changes?after=`: what happened to one's records, for software that keeps up with it."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from wasteflow.core.actors import Subject
from wasteflow.core.reading import (
    carrier_word,
    carriers_of,
    holder_word,
    holders_of,
    readable_firms,
)
from wasteflow.services.changes import Change, Readers, list_changes
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import DEFAULT_LIMIT
from wasteflow.web.api.rights import firm_subject, need, registry, who
from wasteflow.web.api.shapes import ApiSchema, IntegerField, LimitField
from wasteflow.web.api.words import MomentText

blueprint = ApiBlueprint("changes", "Change feed")


class ChangesQuery(ApiSchema):
    """Where to go on."""

    after = IntegerField(0, 2**62, "Number of the last change you know", load_default=0)
    limit = LimitField("Changes at most", load_default=DEFAULT_LIMIT)


ChangeShape = out_schema(
    "Change",
    {
        "id": fields.Integer(required=True),
        "at": MomentText(required=True),
        "kind": fields.String(required=True),
        "action": fields.String(required=True),
        "ref": fields.String(required=True, metadata={"description": "Public id of the record"}),
    },
)


class ChangesShape(Schema):
    """Some changes, and where to go on."""

    items = fields.List(fields.Nested(ChangeShape), required=True)
    after = fields.Integer(required=True)
    more = fields.Boolean(required=True)


def told_change(item: Change) -> dict[str, Any]:
    """A change as JSON, in the feed and in webhooks alike."""
    return {
        "id": item.id,
        "at": item.at.isoformat(),
        "kind": item.kind,
        "action": item.action,
        "ref": item.ref,
    }


def feed_readers() -> Readers:
    """Enterprises whose changes the actor follows, by kind of record."""
    found = {}
    for kind, right in (("entry", "entry.read"), ("shipment", "shipment.read")):
        firms = found[kind] = readable_firms(who(), right, registry())
        if firms is None:
            need(right, Subject())
        for firm in sorted(firms or ())[:1]:
            need(right, firm_subject(firm) if kind == "entry" else firm_subject(firm, ""))
    carriers = carriers_of(who(), "shipment.read")
    for name in sorted(carriers)[:1]:
        need("shipment.read", firm_subject("", "", carrier=name))
    loads = found["shipment"]
    if loads is not None:
        loads |= {carrier_word(name) for name in carriers}
        loads |= {holder_word(firm) for firm in holders_of(who(), "shipment.read")}
    return {**found, "shipment": loads, "": found["entry"]}


@blueprint.endpoint("GET", "/changes", "entry.read", returns=ChangesShape, query=ChangesQuery)
def changes(query: dict[str, Any]) -> Response:
    """Changes after a number, oldest first."""
    found = list_changes(
        db=books().db,
        after=query["after"],
        limit=query["limit"],
        readers=feed_readers(),
    )
    return as_json(
        {
            "items": [told_change(item) for item in found.items],
            "after": found.after,
            "more": found.more,
        }
    )
