"""`/park-inputs`: what parks state for their indicators; listed with its history, stated anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, post_load

from wasteflow.core.periods import shanghai_day
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.statements import PARK_INPUTS, list_inputs, record_park_input
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import json_object, out_fields, out_schema
from wasteflow.web.api.rights import need_scope, who
from wasteflow.web.api.shapes import (
    ApiSchema,
    FlagField,
    IntegerField,
    ScopeField,
    WholeObject,
    column_fields,
)
from wasteflow.web.api.words import MomentText, WordText

blueprint = ApiBlueprint("park-inputs", "What parks state for their indicators", "/park-inputs")
READ = "report.read"


class InputsQuery(ApiSchema):
    """Of which parks and year."""

    scope = ScopeField("park:… with its sub-parks, region:… or all", load_default="all")
    year = IntegerField(1900, 2200, "Calendar year", load_default=None)
    history = FlagField("What was corrected, too", load_default=False)


INPUT: dict[str, Any] = {
    **out_fields(PARK_INPUTS),
    "unit": fields.String(required=True),
    "take": fields.Integer(required=True, metadata={"description": "2 and more: a correction"}),
    "state": WordText("in_force", "replaced", required=True),
    "recorded_by": fields.String(required=True),
    "recorded_at": MomentText(required=True),
}
InputShape = out_schema("ParkInput", INPUT)
InputList = out_schema(
    "ParkInputs", {"items": fields.List(fields.Nested(InputShape), required=True)}
)


class _InputRow(WholeObject):
    """The columns of an input under the rules of its row."""

    @post_load
    def _rules(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        fault = complete_and_check(PARK_INPUTS, data, Clock(shanghai_day(now), now), lambda _: True)
        if fault:
            raise ValidationError([fault[1]], field_name=fault[0])
        return data


InputNew = type("ParkInputNew", (_InputRow,), column_fields(PARK_INPUTS))


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """An input as JSON."""
    return {
        **item,
        **json_object(PARK_INPUTS, item),
        "recorded_at": item["recorded_at"].isoformat(),
    }


@blueprint.endpoint("GET", "", READ, query=InputsQuery, returns=InputList)
def list_(query: dict[str, Any]) -> Response:
    """List by park, year and input; a park has some nine a year."""
    need_scope(READ, query["scope"])
    found = list_inputs(
        db=books().db, scope=query["scope"], year=query["year"], history=query["history"]
    )
    return as_json({"items": [shown(item) for item in found]})


@blueprint.endpoint(
    "POST", "", "indicator.write", returns=InputShape, status=201, body=InputNew, once=True
)
def create(given: dict[str, Any]) -> Response:
    """State an input; the same again is answered with 200, another value needs a reason."""
    item, new = record_park_input(
        db=books().db,
        actor=who(),
        values=given,
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    return as_json(shown(item), 201 if new else 200)
