"""Shapes of loads: what the calls of `/shipments` take and answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, ValidationError, fields

from wasteflow.core.lifecycle import Move
from wasteflow.core.vocabulary import LoadState
from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.live import content
from wasteflow.services.live.decisions import DECIDE_FIELDS
from wasteflow.services.live.dispatching import DISPATCH_FIELDS
from wasteflow.services.live.disputes import ANSWERS, SETTLE_FIELDS
from wasteflow.services.live.moves import END_FIELDS, HAND_OVER_FIELDS, RECEIVE_FIELDS
from wasteflow.services.live.one_sided import CLOSE_FIELDS
from wasteflow.web.api.objects import OutField, out_schema
from wasteflow.web.api.problem_shapes import FaultSchema
from wasteflow.web.api.shapes import (
    ApiSchema,
    BooleanField,
    ColumnField,
    ExternalIdField,
    MonthField,
    WordField,
    broken,
)
from wasteflow.web.api.words import MomentText, MonthText, TonnesText, WordText

ISSUE, EXTERNAL = "issue", "external_id"
"""What a new load takes beside its fields: make it a document at once, its number elsewhere."""
BOOKED = "booked_month"
"""What a move that posts takes beside its fields."""


class RawField(ColumnField):
    """A field of a load given by hand: of the documented shape, handed on as it was written."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        wrong = broken(self.shape, value)
        if wrong is not None and wrong.code == "bad_shape" and self.column.type == "tonnes":
            self.inner.deserialize(value)  # it knows better why
        if wrong is not None:
            raise ValidationError([wrong])
        return value


def load_body(name: str, allowed: Iterable[str]) -> type[ApiSchema]:
    """The schema of the fields of a move."""
    known = content.fields()
    members: dict[str, Any] = {word: RawField(known[word].column) for word in allowed}
    return type(name, (ApiSchema,), members)


def booked_body(name: str, allowed: Iterable[str]) -> type[ApiSchema]:
    """The schema of the fields of a move that posts: it may ask for a month."""
    month = MonthField("Month it asks to be booked in: 409 if closed", load_default=None)
    return type(name, (load_body(f"_{name}", allowed),), {BOOKED: month})


LoadChange = load_body("ShipmentChange", content.DRAFT_FIELDS)
LoadNew = type(
    "ShipmentNew",
    (load_body("_LoadNew", content.DRAFT_FIELDS),),
    {
        ISSUE: BooleanField("Issue it at once", load_default=False),
        EXTERNAL: ExternalIdField("Its number in your software, once", load_default=None),
    },
)
Dispatch = booked_body("Dispatch", DISPATCH_FIELDS)
HandOver = load_body("HandOver", HAND_OVER_FIELDS)
Receive = load_body("Receive", RECEIVE_FIELDS)
Decide = booked_body("Decide", DECIDE_FIELDS)
End = booked_body("End", END_FIELDS)
Settle = booked_body("Settle", SETTLE_FIELDS)
CloseOneSided = booked_body("CloseOneSided", CLOSE_FIELDS)
Reason = load_body("Reason", ("reason",))


Dispute = type(
    "Dispute",
    (load_body("_Dispute", ("reason",)),),
    {"answer": WordField(*ANSWERS, description="Of the consignor", required=True)},
)


class NoFields(ApiSchema):
    """A move that takes nothing."""


MoveShape = out_schema(
    "OpenMove",
    {
        "move": WordText(*Move, required=True),
        "who": fields.List(fields.String(), required=True),
        "needs": fields.List(fields.String(), required=True),
    },
)
AnswerShape = out_schema(
    "RevisionAnswer",
    {
        "organisation": fields.String(required=True),
        "answer": fields.String(required=True, allow_none=True),
        "reason": fields.String(required=True, allow_none=True),
        "user_id": fields.Integer(required=True, allow_none=True),
        "at": MomentText(required=True, allow_none=True),
    },
)
RevisionShape = out_schema(
    "Revision",
    {
        "id": fields.UUID(required=True),
        "number": fields.Integer(required=True),
        "shipment": fields.UUID(required=True),
        "status": WordText("pending", "approved", "refused", "withdrawn", required=True),
        "annuls": fields.Boolean(required=True),
        "reason": fields.String(required=True),
        "before": fields.Dict(required=True),
        "after": fields.Dict(required=True),
        "proposed_by": fields.Dict(required=True),
        "proposed_at": MomentText(required=True),
        "closed_at": MomentText(required=True, allow_none=True),
        "event": fields.Integer(required=True, allow_none=True),
        "answers": fields.List(fields.Nested(AnswerShape), required=True),
    },
)


def _loose(column: Any) -> OutField:
    """A column of a load as it is told: text or nothing, numbers where they are counts."""
    item = OutField(column)
    item.shape = {"type": ["string", "integer", "boolean", "null"]}  # type: ignore[misc]
    if column.type == "tonnes":
        item.shape = {"type": ["string", "null"]}  # type: ignore[misc]
    return item


_LOAD: dict[str, Any] = {
    "id": fields.UUID(required=True),
    EXTERNAL: fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Its number in the software of one's own organisation"},
    ),
    "version": fields.Integer(required=True),
    "state": WordText(*LoadState, required=True),
    "parent": fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Id of the load whose refused part a return or redirect moves"},
    ),
    "disputed": fields.Boolean(required=True),
    "contested": fields.Boolean(required=True),
    "reversed": fields.Boolean(required=True),
    **{column.name: _loose(column) for column in columns_of("shipments")},
    "declared_t": TonnesText(required=True, allow_none=True),
    "holder": fields.String(required=True, allow_none=True),
    "signed_by": fields.List(fields.String(), required=True),
    "revision": fields.Nested(RevisionShape, required=True, allow_none=True),
    "booked_late": MonthText(required=True, allow_none=True),
    "created_at": MomentText(required=True),
    "updated_at": MomentText(required=True),
    "moves": fields.List(fields.Nested(MoveShape), required=True),
    "open_moves": fields.List(fields.Nested(MoveShape), required=True),
}
LoadShape = out_schema("Shipment", _LOAD)
LoadWritten = out_schema(
    "ShipmentWritten",
    {**_LOAD, "warnings": fields.List(fields.Nested(FaultSchema), required=True)},
)
EventShape = out_schema(
    "ShipmentEvent",
    {
        "seq": fields.Integer(required=True),
        "event": fields.String(required=True),
        "at": MomentText(required=True),
        "recorded_at": MomentText(required=True),
        "booked_month": MonthText(required=True),
        "evidence": fields.String(required=True),
        "reason": fields.String(required=True, allow_none=True),
        "batch": fields.Integer(required=True, allow_none=True),
        "file_of": fields.String(required=True, allow_none=True),
        "by": fields.Dict(required=True, allow_none=True),
        "details": fields.Dict(required=True),
        "tonnes": TonnesText(),
        "accepted_t": TonnesText(),
        "refused_t": TonnesText(),
        "moisture_pct": fields.String(allow_none=True),
        "basis": fields.String(),
        "weighed": fields.String(),
    },
)


class EventsShape(Schema):
    """Everything that happened to a load, in order."""

    items = fields.List(fields.Nested(EventShape), required=True)
