"""Statutory forms of the API: 附表1–7 of a firm as XLSX."""

from __future__ import annotations

from typing import Any

from flask import Response

from wasteflow.services.ledger_forms import ledger_forms
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.reports import RIGHT, period_of
from wasteflow.web.api.rights import need_scope
from wasteflow.web.api.shapes import ApiSchema, CodeField, PeriodField
from wasteflow.web.pages.ledger_forms import XLSX, file_of

blueprint = ApiBlueprint("office", "Statutory forms", "/reports")


class FormsQuery(ApiSchema):
    """Whose forms, and of when."""

    enterprise = CodeField("Code of the enterprise", required=True)
    period = PeriodField("A month or a year; default: the last year", load_default=None)
    material = CodeField("Material code; all wastes without one", load_default="")


@blueprint.endpoint(
    "GET",
    "/ledger-forms",
    RIGHT,
    query=FormsQuery,
    returns={"type": "string", "format": "binary"},
    content_type=XLSX,
)
def forms(query: dict[str, Any]) -> Response:
    """附表1–7 (announcement 82 of 2021) as a workbook."""
    need_scope(RIGHT, f"enterprise:{query['enterprise']}")
    period = period_of(query["period"])
    found = ledger_forms(
        db=books().db,
        enterprise=query["enterprise"],
        period=period,
        material=query["material"],
    )
    return file_of(query["enterprise"], found, period)
