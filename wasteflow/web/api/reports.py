"""Reports of the API: the objects of the commands' `--format json`, tagged by data version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Response
from marshmallow import Schema, fields

from wasteflow.core.flow_filter import GRADES, FlowFilter, waste_classes
from wasteflow.core.formulas import FORMULAS
from wasteflow.core.geodesy import CRS_NAMES, WGS84
from wasteflow.core.graph import LEVELS
from wasteflow.core.periods import Period, month_text
from wasteflow.exports import GEO_ENDINGS
from wasteflow.mapping import LEVELS as MAP_LEVELS
from wasteflow.mapping import LINKS, map_of
from wasteflow.services.flow_scope import flows_of_scope
from wasteflow.services.provenance import DOWNSTREAM, UPSTREAM, gap_report, trace_report
from wasteflow.services.rating import BASES, rates_report
from wasteflow.services.reports import balance_report, flows_report, overview
from wasteflow.services.target_status import targets_report
from wasteflow.web.access import books
from wasteflow.web.answers import kept
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.problems import Pointed, Problem, refused
from wasteflow.web.api.rights import need_scope, registry
from wasteflow.web.api.shapes import (
    ApiSchema,
    CodeField,
    FlagField,
    LeastField,
    MonthField,
    PeriodField,
    ScopeField,
    ShortField,
    WordField,
)
from wasteflow.web.api.words import OpenShape
from wasteflow.web.formats import month_words
from wasteflow.web.identity import reach
from wasteflow.web.pages.view import default_period
from wasteflow.web.report_files import FORMATS, geodata_file, report_file
from wasteflow.web.texts import lang
from wasteflow_maps.page import map_json

blueprint = ApiBlueprint("reports", "Reports: the same objects as the commands' --format json")
RIGHT: Final = "report.read"


class FormatQuery(ApiSchema):
    """A report that can also be a file."""

    format = WordField("json", *FORMATS, load_default="json")


class ScopeQuery(FormatQuery):
    """What every report is about."""

    scope = ScopeField("all, region:…, park:… or enterprise:…", load_default="all")
    period = PeriodField("Default: the last year of the books", load_default=None)
    material = CodeField("Material code; all without one", load_default="")


class AsOfQuery(ScopeQuery):
    """A report that can be told as it was when a month was closed."""

    as_of = MonthField("As it was booked by the end of that month", load_default=None)


class RatesQuery(AsOfQuery):
    """Parameters of the rates."""

    formula = WordField(*FORMULAS, load_default="official")
    basis = WordField(*BASES, load_default="declared")
    by = ShortField(
        "region park enterprise material route evidence month quarter year, by comma",
        load_default="",
    )
    include_products = FlagField("Count products too", load_default=False)


class FlowsQuery(AsOfQuery):
    """Parameters of the flow graph."""

    level = WordField(*LEVELS, load_default="enterprise")
    transit = FlagField("Keep loads on the road as nodes", load_default=False)


class MapQuery(ScopeQuery):
    """Parameters of the map's data."""

    level = WordField(*MAP_LEVELS, load_default=MAP_LEVELS[0])
    format = WordField("json", *GEO_ENDINGS, load_default="json")
    crs = WordField(*CRS_NAMES, load_default=WGS84)
    waste_class = ShortField(
        "Only links of materials of this waste class, as the registry writes it",
        data_key="class",
        load_default="",
    )
    least = LeastField("Only links of at least so many tonnes", load_default=0)
    evidence = WordField(
        *GRADES, description="Only links whose worst evidence is this", load_default=""
    )
    links = WordField(
        *(str(number) for number in LINKS),
        description="How many links are drawn at most",
        load_default=str(LINKS[0]),
    )
    month = MonthField("Only this month of the period", load_default=None)


class TargetsQuery(FormatQuery):
    """Parameters of the target status."""

    period = PeriodField("Status at its end; default: the end of the books", load_default=None)


class TraceQuery(FormatQuery):
    """Parameters of the provenance of a firm."""

    enterprise = CodeField("Code of the enterprise", required=True)
    material = CodeField("Material code", required=True)
    period = PeriodField(load_default=None)
    direction = WordField(DOWNSTREAM, UPSTREAM, load_default=DOWNSTREAM)


class RowsReport(OpenShape):
    """A report that is rows, with the period they are of."""

    period = fields.String()
    rows = fields.List(fields.Dict(), required=True)


class GraphReport(OpenShape):
    """NetworkX node-link data with edges="edges"."""

    period = fields.String(required=True)
    level = fields.String(required=True)
    directed = fields.Boolean(required=True)
    multigraph = fields.Boolean(required=True)
    graph = fields.Dict(required=True)
    nodes = fields.List(fields.Dict(), required=True)
    edges = fields.List(fields.Dict(), required=True)


def period_of(given: Period | None) -> Period:
    """The period asked for, else the last year of the books; Problem 404 if they are empty."""
    found = given or default_period(overview(db=books().db))
    if found is None:
        raise Problem(404, "no_data")
    return found


def check_level(scope: str, level: str) -> None:
    """Problem 422 if nodes of `level` would take in firms outside the scope."""
    word = scope.partition(":")[0]
    wider = {"enterprise": ("park", "region"), "park": ("region",)}.get(word, ())
    if level in wider:
        params = {
            "level": level,
            "scope": scope,
            "known": " ".join(sorted(set(LEVELS) - set(wider))),
        }
        raise refused([Pointed("/level", "level_wider", params)])


def answered(
    make: Callable[[], dict[str, Any]], shape: str = "json", name: str = "report"
) -> Response:
    """The report as JSON, XLSX or CSV; computed once for a version of the data, 304 if known."""
    if shape == "json":
        return kept(lambda: as_json(make()))()
    return kept(lambda: report_file(make(), shape, name))()


def report(
    path: str, query: type[ApiSchema], shape: type[Schema]
) -> Callable[[Callable[[dict[str, Any]], Response]], Callable[[dict[str, Any]], Response]]:
    """Route and documentation of a report."""
    return blueprint.endpoint("GET", path, RIGHT, returns=shape, query=query, tagged=True)


@report("/balances", AsOfQuery, RowsReport)
def balances(query: dict[str, Any]) -> Response:
    """Opening, in, out, closing and residual per firm, compartment and material."""
    need_scope(RIGHT, query["scope"])
    return answered(
        lambda: balance_report(
            db=books().db,
            scope=query["scope"],
            period=period_of(query["period"]),
            material=query["material"],
            as_of=query["as_of"] or 0,
        ),
        query["format"],
        "balances",
    )


@report("/flows", FlowsQuery, GraphReport)
def flows(query: dict[str, Any]) -> Response:
    """The flow graph; of a scope the links with an end in it."""
    check_level(query["scope"], query["level"])
    need_scope(RIGHT, query["scope"])

    def make() -> dict[str, Any]:
        graph = flows_report(
            db=books().db,
            period=period_of(query["period"]),
            level=query["level"],
            material=query["material"],
            keep_transit=query["transit"],
            as_of=query["as_of"] or 0,
        )
        return flows_of_scope(registry(), graph, query["scope"], query["level"])

    return answered(make, query["format"], "flows")


@report("/rates", RatesQuery, RowsReport)
def rates(query: dict[str, Any]) -> Response:
    """Utilisation rates with the tonnes they are made of."""
    need_scope(RIGHT, query["scope"])
    options = {name: query[name] for name in ("scope", "material", "formula", "basis", "by")}
    return answered(
        lambda: rates_report(
            db=books().db,
            period=period_of(query["period"]),
            include_products=query["include_products"],
            as_of=query["as_of"] or 0,
            **options,
        ),
        query["format"],
        "rates",
    )


@report("/targets/status", TargetsQuery, RowsReport)
def targets(query: dict[str, Any]) -> Response:
    """Status of every target of one's own scopes."""
    held, own = registry(), reach()

    def make() -> dict[str, Any]:
        found = targets_report(db=books().db, period=query["period"])
        if own.everything:
            return found
        rows = [row for row in found["rows"] if own.holds(held, row["scope"])]
        return {**found, "rows": rows}

    return answered(make, query["format"], "target_status")


@report("/trace", TraceQuery, RowsReport)
def trace(query: dict[str, Any]) -> Response:
    """What became of a firm's waste, or whose waste it used."""
    need_scope(RIGHT, f"enterprise:{query['enterprise']}")
    return answered(
        lambda: trace_report(
            db=books().db,
            enterprise=query["enterprise"],
            material=query["material"],
            period=period_of(query["period"]),
            direction=query["direction"],
        ),
        query["format"],
        "trace",
    )


class LinksReport(OpenShape):
    """Paper reuse: declared against verified per generator, accepted against used per link."""

    period = fields.String(required=True)
    firms = fields.List(fields.Dict(), required=True)
    receivers = fields.List(fields.Dict(), required=True)


@report("/links", ScopeQuery, LinksReport)
def links(query: dict[str, Any]) -> Response:
    """Every link accepted for use, with what its receiver really used."""
    need_scope(RIGHT, query["scope"])
    return answered(
        lambda: gap_report(
            db=books().db,
            period=period_of(query["period"]),
            scope=query["scope"],
            material=query["material"],
        ),
        query["format"],
        "links",
    )


class MapReport(OpenShape):
    """What the map draws."""


@report("/map", MapQuery, MapReport)
def map_data(query: dict[str, Any]) -> Response:
    """What the map of a scope draws: links, bubbles, parks; or the same as geodata.

    The filters are those of the page of the map; an unknown class or a month outside the period
    is refused.
    """
    check_level(query["scope"], query["level"])
    need_scope(RIGHT, query["scope"])
    period, wanted = _map_month(query), _map_filter(query)
    if query["format"] != "json":
        return geodata_file(
            scope=query["scope"],
            period=period,
            material=query["material"],
            level=query["level"],
            ending=query["format"],
            crs=query["crs"],
            wanted=wanted,
        )
    basemap = books().config.basemap

    def make() -> Response:
        data = map_of(
            db=books().db,
            period=period_of(period),
            scope=query["scope"],
            material=query["material"],
            level=query["level"],
            links=int(query["links"]),
            wanted=wanted,
            basemap=basemap.as_dict() if basemap else None,
            month_word=lambda month: month_words(month, lang()),
        )
        return Response(map_json(data, lang()), mimetype="application/json")

    return kept(make)()


def _map_month(query: dict[str, Any]) -> Period | None:
    """The period of a map; the one month of it that is asked for.  Problem 422 outside of it."""
    given: Period | None = query["period"]
    month: int | None = query["month"]
    if month is None:
        return given
    whole = period_of(given)
    if month not in whole.months():
        params = {"value": month_text(month), "period": whole.text}
        raise refused([Pointed("/month", "month_outside", params)])
    return Period.of(month, month)


def _map_filter(query: dict[str, Any]) -> FlowFilter:
    """Which links of a map are asked for.  Problem 422 for a class no material has."""
    wanted = query["waste_class"]
    classes = waste_classes(registry())
    if wanted and wanted not in classes:
        params = {"value": wanted[:60], "known": ", ".join(classes) or "–"}
        raise refused([Pointed("/class", "bad_word", params)])
    return FlowFilter(wanted, query["least"], query["evidence"])
