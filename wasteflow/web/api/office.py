"""Papers of the office over the API: 附表1–7, the bulletin, park indicators and their inputs."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.bulletin import MAX_PLACES
from wasteflow.services.ledger_forms import ledger_forms
from wasteflow.services.month_sheet import month_rows
from wasteflow.web.access import books
from wasteflow.web.answers import kept
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.reports import RIGHT, ScopeQuery, answered, period_of
from wasteflow.web.api.rights import need, need_scope
from wasteflow.web.api.shapes import (
    ApiSchema,
    CodeField,
    FlagField,
    IntegerField,
    PeriodField,
    ScopeField,
    WordField,
)
from wasteflow.web.api.words import OpenShape
from wasteflow.web.office_papers import RIGHT as SUMS
from wasteflow.web.office_papers import (
    as_print,
    as_workbook,
    bulletin_document,
    bulletin_of,
    indicators_document,
    indicators_of,
    reader_of,
    told_of,
)
from wasteflow.web.pages.ledger_forms import XLSX, file_of
from wasteflow.web.pages.month import sheet

blueprint = ApiBlueprint("office", "Statutory forms, bulletin, park indicators, month", "/reports")


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


class BulletinQuery(ApiSchema):
    """Which bulletin, for whom, and as what."""

    scope = ScopeField("all, region:…, park:… or enterprise:…", load_default="all")
    period = PeriodField("A year; default: the last year of the books", load_default=None)
    public = FlagField("For publication: figures of few firms hidden", load_default=False)
    places = IntegerField(0, MAX_PLACES, "Decimals of 10,000 t", load_default=None)
    format = WordField("json", "xlsx", "html", load_default="json")


class BulletinReport(OpenShape):
    """The bulletin: amounts in tonnes and as printed, rates, stock, transfers, self-audit."""

    scope = fields.String(required=True)
    period = fields.String(required=True)
    total = fields.Dict(required=True)
    rows = fields.List(fields.Dict(), required=True)
    industries = fields.List(fields.Dict(), required=True)
    transfers = fields.List(fields.Dict(), required=True)
    stock = fields.List(fields.Dict(), required=True)
    notes = fields.List(fields.Dict(), required=True)
    audit = fields.List(fields.Dict(), required=True)


@blueprint.endpoint(
    "GET", "/bulletin", SUMS, query=BulletinQuery, returns=BulletinReport, tagged=True
)
def bulletin(query: dict[str, Any]) -> Response:
    """The bulletin of an area; of one whose firms one may not see, with few firms hidden."""
    need(SUMS)
    scope, shape = query["scope"], query["format"]
    reader = reader_of(scope, public=query["public"])

    def make() -> Response:
        period = period_of(query["period"])
        if not query["period"]:
            period = told_of(period, reader)
        report = bulletin_of(scope, period, query["places"], reader)
        if shape == "json":
            return as_json(report)
        document = bulletin_document(report, period)
        name = f"wasteflow-bulletin-{scope.replace(':', '-')}-{period.text}"
        return as_workbook(document, name) if shape == "xlsx" else as_print(document)

    return kept(make)()


class IndicatorsQuery(ApiSchema):
    """Of which parks, of which year, and as what."""

    scope = ScopeField("park:… with its sub-parks, region:… or all", load_default="all")
    period = PeriodField("A calendar year; default: the last year of the books", load_default=None)
    format = WordField("json", "xlsx", "html", load_default="json")


class IndicatorsReport(OpenShape):
    """Per park: indicators with value or reason, formula's evidence, inputs, thresholds."""

    scope = fields.String(required=True)
    period = fields.String(required=True)
    parks = fields.List(fields.Dict(), required=True)


@blueprint.endpoint(
    "GET", "/park-indicators", RIGHT, query=IndicatorsQuery, returns=IndicatorsReport, tagged=True
)
def park_indicators(query: dict[str, Any]) -> Response:
    """Indicators of parks (HJ 274, green parks, waste-free cities) of a year."""
    scope, shape = query["scope"], query["format"]
    need_scope(RIGHT, scope)

    def make() -> Response:
        period = period_of(query["period"])
        report = indicators_of(scope, period.text)
        if shape == "json":
            return as_json(report)
        document = indicators_document(report)
        name = f"wasteflow-indicators-{scope.replace(':', '-')}-{period.text}"
        return as_workbook(document, name) if shape == "xlsx" else as_print(document)

    return kept(make)()


class MonthReport(OpenShape):
    """Figures and rates of a month, of the month before and of that of a year ago."""

    scope = fields.String(required=True)
    month = fields.String(required=True)
    figures = fields.List(fields.Dict(), required=True)
    rates = fields.List(fields.Dict(), required=True)
    silent = fields.List(fields.String(), required=True)
    open = fields.List(fields.String(), required=True)


@blueprint.endpoint("GET", "/month", RIGHT, query=ScopeQuery, returns=MonthReport, tagged=True)
def month(query: dict[str, Any]) -> Response:
    """The last month of the period at a glance; firms without records, and with it open."""
    need_scope(RIGHT, query["scope"])
    shape = query["format"]

    def make() -> dict[str, Any]:
        last = period_of(query["period"]).last
        told = sheet(query["scope"], last, query["material"])
        return told if shape == "json" else {"rows": month_rows(told)}

    return answered(make, shape, "month")
