"""`/findings`: what looks wrong in the books, since when, and snoozing it with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.finding_kinds import KINDS, SEVERITIES
from wasteflow.core.finding_masks import masked
from wasteflow.core.finding_words import finding_words
from wasteflow.core.messages import render
from wasteflow.core.reach import subject_of_firms
from wasteflow.services.finding_list import (
    STATES,
    Asked,
    Place,
    page_findings,
    snooze_finding,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.paging import PageQuery, bad_cursor, cursor_of, parts_of
from wasteflow.web.api.reports import RIGHT, ScopeQuery, answered
from wasteflow.web.api.rights import need_scope, registry, who
from wasteflow.web.api.shapes import ApiSchema, DayField, PeriodField, ShortField, WordField
from wasteflow.web.api.words import OpenShape
from wasteflow.web.finding_making import list_as_it_stands
from wasteflow.web.permits import may
from wasteflow.web.texts import lang, text

blueprint = ApiBlueprint("findings", "What looks wrong in the books", "/findings")


class FindingsQuery(ScopeQuery, PageQuery):
    """Which findings; files hold all of them."""

    period = PeriodField("Those of its months, and those of no month", load_default=None)
    kind = WordField(*KINDS, load_default="")
    severity = WordField(*SEVERITIES, load_default="")
    state = WordField(*STATES, "all", load_default="open")


class FindingsReport(OpenShape):
    """Findings, most urgent first."""

    scope = fields.String(required=True)
    rows = fields.List(fields.Dict(), required=True)
    as_of = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When the list was last made; null: before that was noted"},
    )
    up_to_date = fields.Boolean(
        required=True, metadata={"description": "Nothing it rests on has changed since"}
    )
    total = fields.Integer(required=True)
    next = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Cursor of the next page, null on the last one"},
    )


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
    code, params = row["code"], masked(row["params"], sees, text("findings.other_firm"))
    message = finding_words(code, lang(), params)
    todo = render(f"todo_{code}", lang(), {})
    return {**row, "params": params, "message": message, "todo": todo}


def sees(code: str) -> bool:
    """Whether the asker may read reports of a firm."""
    return may(RIGHT, subject_of_firms(registry(), code))


@blueprint.endpoint("GET", "", RIGHT, returns=FindingsReport, query=FindingsQuery, tagged=True)
def list_(query: dict[str, Any]) -> Response:
    """The findings of a scope: of small books brought up to date, of large ones as last made.

    503 `findings_being_made` with `Retry-After` while the first list of large books is made.
    """
    need_scope(RIGHT, query["scope"])
    state = list_as_it_stands()

    def make() -> dict[str, Any]:
        asked = Asked(
            registry().in_scope(query["scope"]),
            *(query[name] for name in ("kind", "severity", "state", "material", "period")),
        )
        place = parts_of(query["cursor"], 4) if query["cursor"] else None
        found = page_findings(
            db=books().db,
            asked=asked,
            now=datetime.now(UTC),
            limit=query["limit"] if query["format"] == "json" else None,
            after=_place(place) if place else None,
        )
        told = {"scope": query["scope"], "synthetic": books_seen().synthetic}
        told |= {"as_of": state.made_at.isoformat() if state.made_at else None}
        told |= {"up_to_date": state.up_to_date}
        told |= {"total": found.total, "next": cursor_of(*found.place) if found.place else None}
        return {**told, "rows": [worded(row) for row in found.rows]}

    return answered(make, query["format"], "findings")


def _place(parts: list[Any]) -> Place:
    """A place in the list out of a cursor; Problem 422 `bad_cursor` for anything else."""
    severity, kind, since, number = parts
    if all(isinstance(part, int) for part in (severity, kind, number)) and isinstance(since, str):
        return severity, kind, since, number
    raise bad_cursor(str(parts))


@blueprint.endpoint(
    "POST", "/<int:finding_id>/snooze", "finding.snooze", returns=FindingShape, body=Snooze
)
def snooze(given: dict[str, Any], finding_id: int) -> Response:
    """Put a finding aside for some days, with a reason; it stays listed as snoozed."""
    done = snooze_finding(
        db=books().db, actor=who(), finding_id=finding_id, **given, now=datetime.now(UTC)
    )
    return as_json(worded(done))
