"""`/audit`: who did what to whose account."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.services.account_log import log_report
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, number_part, page, page_schema
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ShortField
from wasteflow.web.api.words import MomentText, told

blueprint = ApiBlueprint("audit", "Who did what to whose account")


class AuditQuery(PageQuery):
    """Which lines of the account log."""

    search = ShortField("Part of a login, action, organisation or address", load_default="")


AuditShape = out_schema(
    "AuditLine",
    {
        "id": fields.Integer(required=True),
        "at": MomentText(required=True),
        "actor": fields.String(required=True),
        "action": fields.String(required=True),
        "about": fields.String(required=True),
        "organisation": fields.String(required=True),
        "address": fields.String(required=True),
        "token_id": fields.Integer(required=True),
        "sign_in_id": fields.Integer(required=True),
        "detail": fields.String(required=True),
    },
)


@blueprint.endpoint(
    "GET", "/audit", "audit.read", returns=page_schema("Audit", AuditShape), query=AuditQuery
)
def audit(query: dict[str, Any]) -> Response:
    """Who did what to whose account, newest first."""
    found = log_report(
        db=books().db,
        actor=who(),
        search=query["search"] or "",
        before=number_part(query["cursor"]),
        limit=query["limit"] + 1,
    )
    return page(found["rows"], query["limit"], told, lambda row: int(row["id"]))
