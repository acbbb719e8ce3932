"""`/reminders`: what waits for the caller, the longest waiting first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.services.reminders import AHEAD_DAYS, KINDS, Reminder, reminders
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import IntegerField
from wasteflow.web.api.words import WordText

blueprint = ApiBlueprint("reminders", "What waits for the caller")


class RemindersQuery(PageQuery):
    """How far ahead."""

    days = IntegerField(0, 366, "Days in which a filing or permit ends", load_default=AHEAD_DAYS)


ReminderShape = out_schema(
    "Reminder",
    {
        "kind": WordText(*KINDS, required=True),
        "organisation": fields.String(required=True),
        "move": fields.String(required=True),
        "ref": fields.String(required=True),
        "title": fields.String(required=True),
        "since": fields.String(required=True, allow_none=True),
        "due": fields.Date(required=True, allow_none=True),
    },
)


def shown(item: Reminder) -> dict[str, Any]:
    """A reminder as JSON."""
    return {
        "kind": item.kind,
        "organisation": item.organisation,
        "move": item.move,
        "ref": item.ref,
        "title": item.title,
        "since": item.since,
        "due": item.due.isoformat() if item.due else None,
    }


@blueprint.endpoint(
    "GET",
    "/reminders",
    "registry.read",
    returns=page_schema("Reminders", ReminderShape),
    query=RemindersQuery,
)
def list_(query: dict[str, Any]) -> Response:
    """Answers owed, revisions to answer, filings and permits about to end."""
    found = reminders(db=books().db, actor=who(), now=datetime.now(UTC), ahead_days=query["days"])
    return rows_page(found, query, shown)
