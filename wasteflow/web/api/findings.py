"""`/findings`: what looks wrong in the books, since when, and snoozing it with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.finding_kinds import KINDS, SEVERITIES
from wasteflow.core.messages import render
from wasteflow.services.finding_list import (
    STATES,
    Asked,
    list_findings,
    refresh_findings,
    snooze_finding,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.parsing import as_json
from wasteflow.web.api.reports import RIGHT, ScopeQuery, answered
from wasteflow.web.api.rights import need_scope, registry, who
from wasteflow.web.api.shapes import ApiSchema, DayField, PeriodField, ShortField, WordField
from wasteflow.web.api.words import OpenShape
from wasteflow.web.texts import lang

blueprint = ApiBlueprint("findings", "What looks wrong in the books", "/findings")


class FindingsQuery(ScopeQuery):
    """Which findings."""

    period = PeriodField("Those of its months, and those of no month", load_default=None)
    kind = WordField(*KINDS, load_default="")
    severity = WordField(*SEVERITIES, load_default="")
    state = WordField(*STATES, "all", load_default="open")


class FindingsReport(OpenShape):
    """Findings, most urgent first."""

    scope = fields.String(required=True)
    rows = fields.List(fields.Dict(), required=True)


class Snooze(ApiSchema):
    """Until when, and why; without `until` it is taken back."""

    until = DayField("Last day", load_default=None)
    reason = ShortField("Why", load_default="")


class FindingShape(OpenShape):
    """A finding."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    state = fields.String(required=True)


def worded(row: dict[str, Any]) -> dict[str, Any]:
    """A finding with what it says and what to do about it."""
    code = row["code"]
    message = render(f"finding_{code}", lang(), row["params"])
    return {**row, "message": message, "todo": render(f"todo_{code}", lang(), {})}


@blueprint.endpoint("GET", "", RIGHT, returns=FindingsReport, query=FindingsQuery, tagged=True)
def list_(query: dict[str, Any]) -> Response:
    """The findings of a scope, brought up to date first."""
    need_scope(RIGHT, query["scope"])
    refresh_findings(db=books().db, now=datetime.now(UTC), waits=books().config.waits, small=True)

    def make() -> dict[str, Any]:
        asked = Asked(
            registry().in_scope(query["scope"]),
            *(query[name] for name in ("kind", "severity", "state", "material", "period")),
        )
        rows = list_findings(db=books().db, asked=asked, now=datetime.now(UTC))
        told = {"scope": query["scope"], "synthetic": books_seen().synthetic}
        return {**told, "rows": [worded(row) for row in rows]}

    return answered(make, query["format"], "findings")


@blueprint.endpoint(
    "POST", "/<int:finding_id>/snooze", "finding.snooze", returns=FindingShape, body=Snooze
)
def snooze(given: dict[str, Any], finding_id: int) -> Response:
    """Put a finding aside for some days, with a reason; it stays listed as snoozed."""
    done = snooze_finding(
        db=books().db, actor=who(), finding_id=finding_id, **given, now=datetime.now(UTC)
    )
    return as_json(worded(done))
