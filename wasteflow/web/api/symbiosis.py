"""Potential and realised links of the API: the objects of `wasteflow match --format json`."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.symbiosis.allocate import Side
from wasteflow.core.symbiosis.links import Limits
from wasteflow.core.symbiosis.realised_rows import ACROSS, INSIDE
from wasteflow.services.break_even import break_even_report
from wasteflow.services.link_plan import plan_report
from wasteflow.services.matching import Asked, link_verdict, match_report
from wasteflow.services.realised import realised_report
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.reports import (
    RIGHT,
    FormatQuery,
    RowsReport,
    ScopeQuery,
    answered,
    period_of,
)
from wasteflow.web.api.rights import need_scope, registry
from wasteflow.web.api.shapes import CodeField, FlagField, WordField
from wasteflow.web.api.words import OpenShape
from wasteflow.web.identity import reach

blueprint = ApiBlueprint("symbiosis", "Symbiosis: links that exist, links that could be made")
FARTHEST_KM, DEAREST_FEN, MOST_PARTNERS = 20_000, 10_000_000, 1_000


class PotentialQuery(ScopeQuery):
    """Parameters of the allocation."""

    planned = FlagField("Count facilities being built or planned too", load_default=False)
    max_km = fields.Integer(
        load_default=None,
        validate=validate.Range(1, FARTHEST_KM),
        metadata={"description": "Farthest road distance in km; without it the rule of thumb"},
    )
    max_cost_fen = fields.Integer(
        load_default=None,
        validate=validate.Range(-DEAREST_FEN, DEAREST_FEN),
        metadata={"description": "Ceiling of the net cost in fen (0.01 CNY) per tonne"},
    )
    max_partners = fields.Integer(
        load_default=None,
        validate=validate.Range(1, MOST_PARTNERS),
        metadata={"description": "Receivers a producer may have at most"},
    )


class PlanQuery(PotentialQuery):
    """Which target; what the page asks for unless told otherwise."""

    planned = FlagField("Count facilities being built or planned too", load_default=True)
    target = CodeField("Code of a target that fits; without it the fittest", load_default="")


class PlanReport(OpenShape):
    """At most three links that close the gap to a target, or why there is no plan."""

    period = fields.String(required=True)
    target = fields.Dict(required=True, allow_none=True)
    targets = fields.List(fields.Dict(), required=True)
    plan = fields.Dict(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)


class VerdictQuery(PotentialQuery):
    """One pair."""

    giver = CodeField("Code of the producer", required=True)
    taker = CodeField("Code of the receiver, or of a project's facility", required=True)


class PotentialReport(OpenShape):
    """Proposed links with cost and reason, and what stays unserved with its reason."""

    period = fields.String(required=True)
    total = fields.Dict(required=True)
    links = fields.List(fields.Dict(), required=True)
    unserved = fields.List(fields.Dict(), required=True)


class RealisedQuery(ScopeQuery):
    """Parameters of the realised links."""

    place = WordField(
        ACROSS,
        INSIDE,
        description="Only links across parks, or inside one; both without it",
        load_default="",
    )


class RadiusQuery(FormatQuery):
    """Parameters of the break-even distances."""

    material = CodeField("Material code; all wastes without one", load_default="")


def _asked(query: dict[str, Any]) -> Asked:
    return Asked(
        query["scope"],
        query["material"],
        query["planned"],
        Limits(query["max_km"], query["max_cost_fen"]),
        Side(query["max_partners"]),
    )


@blueprint.endpoint(
    "GET", "/potential-links", RIGHT, returns=PotentialReport, query=PotentialQuery, tagged=True
)
def potential_links(query: dict[str, Any]) -> Response:
    """Unmet supply of a scope against free capacity: most tonnes, then least cost."""
    need_scope(RIGHT, query["scope"])
    shape, own, held = query["format"], reach(), registry()

    def make() -> dict[str, Any]:
        asked, period = _asked(query), period_of(query["period"])
        report = match_report(db=books().db, period=period, asked=asked)
        for row in report["links"]:  # what a receiver has free is told to those who may see it
            if not (own.everything or own.holds(held, f"enterprise:{row['to']}")):
                row["share_of_capacity"] = None
        return report if shape == "json" else {**report, "rows": report["links"]}

    return answered(make, shape, "potential-links")


@blueprint.endpoint(
    "GET", "/potential-links/plan", RIGHT, returns=PlanReport, query=PlanQuery, tagged=True
)
def plan(query: dict[str, Any]) -> Response:
    """Which three links bring the scope's waste to its target, at what cost."""
    need_scope(RIGHT, query["scope"])
    shape, own, held = query["format"], reach(), registry()

    def make() -> dict[str, Any]:
        report = plan_report(
            db=books().db,
            period=period_of(query["period"]),
            asked=_asked(query),
            target=query["target"],
        )
        rows = report["plan"]["links"] if report["plan"] else []
        for row in rows:  # what a receiver has free is told to those who may see it
            if not (own.everything or own.holds(held, f"enterprise:{row['to']}")):
                row["share_of_capacity"] = None
        return report if shape == "json" else {**report, "rows": rows}

    return answered(make, shape, "link-plan")


@blueprint.endpoint(
    "GET", "/potential-links/verdict", RIGHT, returns=RowsReport, query=VerdictQuery, tagged=True
)
def verdict(query: dict[str, Any]) -> Response:
    """Whether one link could be made, and what stands against it, with the numbers."""
    need_scope(RIGHT, f"enterprise:{query['giver']}")
    return answered(
        lambda: link_verdict(
            db=books().db,
            period=period_of(query["period"]),
            giver=query["giver"],
            taker=query["taker"],
            asked=_asked(query),
        ),
        query["format"],
        "potential-link",
    )


@blueprint.endpoint(
    "GET", "/symbiosis/realised", RIGHT, returns=RowsReport, query=RealisedQuery, tagged=True
)
def realised(query: dict[str, Any]) -> Response:
    """Links that exist: mass, loads, distance, freight, CO2, shares, trend, evidence."""
    need_scope(RIGHT, query["scope"])
    own, held = reach(), registry()
    sees = None if own.everything else lambda firm: own.holds(held, f"enterprise:{firm}")
    return answered(
        lambda: realised_report(
            db=books().db,
            period=period_of(query["period"]),
            scope=query["scope"],
            material=query["material"],
            place=query["place"],
            sees=sees,
        ),
        query["format"],
        "realised-links",
    )


@blueprint.endpoint(
    "GET", "/symbiosis/break-even", RIGHT, returns=RowsReport, query=RadiusQuery, tagged=True
)
def break_even(query: dict[str, Any]) -> Response:
    """How far hauling a waste pays, by route, from the operator's prices."""
    if not reach().scopes:
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)
    return answered(
        lambda: break_even_report(db=books().db, material=query["material"]),
        query["format"],
        "break-even",
    )
