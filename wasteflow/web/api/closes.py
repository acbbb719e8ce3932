"""`/closes`: months closed by enterprises and parks, with the figures that were stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.reach import subject_of_scope
from wasteflow.core.reading import readable_firms
from wasteflow.services.close_rows import list_closes
from wasteflow.services.closing import close_month, reopen_month
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.problems import Pointed, refused
from wasteflow.web.api.rights import need, registry, who
from wasteflow.web.api.shapes import ApiSchema, CodeField, FlagField, MonthField, ShortField
from wasteflow.web.api.words import MomentText, MonthText, OpenShape, WordText, told

blueprint = ApiBlueprint("closes", "Month close", "/closes")


class ClosesQuery(PageQuery):
    """Which closes of one's business."""

    enterprise = CodeField("Of one enterprise", load_default="")
    park = CodeField("Of one park", load_default="")
    month = MonthField("Of one month", load_default=None)
    history = FlagField("Those that were reopened too", load_default=False)
    figures = FlagField("With the figures that were stored", load_default=False)


class CloseNew(ApiSchema):
    """Whose month to close: an enterprise's or a park's."""

    enterprise = CodeField("Code of an enterprise, or …", load_default="")
    park = CodeField("… of a park, for all its firms", load_default="")
    month = MonthField("Month, with every earlier open one", required=True)
    reason = ShortField("Remark", load_default="")


class Reopen(ApiSchema):
    """Whose month to open again, and why."""

    enterprise = CodeField("Code of an enterprise, or …", load_default="")
    park = CodeField("… of a park", load_default="")
    month = MonthField("The last closed month", required=True)
    reason = ShortField("Why", required=True)


CloseShape = out_schema(
    "Close",
    {
        "id": fields.Integer(required=True),
        "kind": WordText("enterprise", "park", required=True),
        "organisation": fields.String(required=True),
        "month": MonthText(required=True),
        "take": fields.Integer(required=True),
        "through": MonthText(required=True),
        "by_park": fields.Boolean(required=True),
        "closed_at": MomentText(required=True),
        "closed_by": fields.String(required=True),
        "reason": fields.String(required=True),
        "reopened_at": MomentText(required=True, allow_none=True),
        "reopened_by": fields.String(required=True),
        "reopened_reason": fields.String(required=True),
        "digest": fields.String(required=True),
        "figures": fields.Dict(),
    },
)


class CloseDone(OpenShape):
    """What was closed, and what looked open."""

    kind = fields.String(required=True)
    organisation = fields.String(required=True)
    month = MonthText(required=True)
    closed = fields.List(fields.String(), required=True)
    firms = fields.List(fields.Dict(), required=True)
    warnings = fields.List(fields.Dict(), required=True)


class ReopenDone(OpenShape):
    """What was opened again."""


def one_organisation(given: dict[str, Any]) -> None:
    """Problem 422 unless one enterprise or one park is named."""
    if bool(given["enterprise"]) == bool(given["park"]):
        raise refused([Pointed("", "close_needs_one")])


@blueprint.endpoint(
    "GET", "", "entry.read", returns=page_schema("Closes", CloseShape), query=ClosesQuery
)
def list_(query: dict[str, Any]) -> Response:
    """Closes by kind, organisation and month."""
    firms = readable_firms(who(), "entry.read", registry())
    for word in ("enterprise", "park"):
        if query[word]:
            need("entry.read", subject_of_scope(registry(), f"{word}:{query[word]}"))
    found = list_closes(
        db=books().db,
        month=query["month"] or 0,
        **{name: query[name] for name in ("enterprise", "park", "history", "figures")},
    )
    parks = {registry().park_of(firm) for firm in firms} if firms is not None else set()
    own = [
        row
        for row in found
        if firms is None or row["organisation"] in (firms if row["kind"] == "enterprise" else parks)
    ]
    return rows_page(own, query, told)


@blueprint.endpoint(
    "POST", "", "month.close", returns=CloseDone, status=201, body=CloseNew, once=True
)
def close(given: dict[str, Any]) -> Response:
    """Close a month; what is booked late from now on goes to the next open one."""
    one_organisation(given)
    done = close_month(db=books().db, **given, now=datetime.now(UTC), actor=who())
    return as_json(done, 201)


@blueprint.endpoint("POST", "/reopen", "month.reopen", returns=ReopenDone, body=Reopen, once=True)
def reopen(given: dict[str, Any]) -> Response:
    """Open the last closed month again; its close stays in the history."""
    one_organisation(given)
    return as_json(reopen_month(db=books().db, **given, now=datetime.now(UTC), actor=who()))
