"""Dependence of a scope on its receivers over HTTP: the object of `wasteflow dependence`."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wasteflow.core.formulas import FORMULAS
from wasteflow.services.dependence import MOST_REROUTED, REROUTED_FIRST, dependence_report
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.reports import RIGHT, ScopeQuery, answered, period_of
from wasteflow.web.api.rights import need_scope
from wasteflow.web.api.shapes import CodeField, WordField
from wasteflow.web.api.words import OpenShape
from wasteflow.web.identity import reach

blueprint = ApiBlueprint("dependence", "Dependence: what breaks if a receiver closes")


class DependenceQuery(ScopeQuery):
    """Parameters of N-1."""

    formula = WordField(*FORMULAS, load_default="official")
    reroute = fields.Integer(
        load_default=REROUTED_FIRST,
        validate=validate.Range(0, MOST_REROUTED),
        metadata={"description": "So many of the largest receivers are re-routed too"},
    )
    receiver = CodeField("Re-route this receiver too", load_default="")


class DependenceReport(OpenShape):
    """N-1 over receivers, concentration of producers, articulation points and bridges."""

    period = fields.String(required=True)
    rate = fields.Float(required=True, allow_none=True)
    rows = fields.List(fields.Dict(), required=True)
    producers = fields.List(fields.Dict(), required=True)
    concentration = fields.Dict(required=True)
    articulation = fields.List(fields.Dict(), required=True)
    bridges = fields.List(fields.Dict(), required=True)


@blueprint.endpoint(
    "GET", "/dependence", RIGHT, returns=DependenceReport, query=DependenceQuery, tagged=True
)
def dependence(query: dict[str, Any]) -> Response:
    """Which receiver's closure costs how many points, with and without re-routing."""
    need_scope(RIGHT, query["scope"])
    own = reach()
    asked = {name: query[name] for name in ("scope", "material", "formula", "reroute", "receiver")}
    return answered(
        lambda: dependence_report(
            db=books().db,
            period=period_of(query["period"]),
            may_name=None if own.everything else own.firms,
            **asked,
        ),
        query["format"],
        "dependence",
    )
