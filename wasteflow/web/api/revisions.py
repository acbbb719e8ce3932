"""Corrections of signed loads: proposed on a load, approved, refused or withdrawn by their id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from wasteflow.core.errors import FieldIssue, FieldsRefused
from wasteflow.core.revisions import REVISABLE
from wasteflow.services.live import reading, revisions
from wasteflow.services.live.views import Outcome, View
from wasteflow.web.access import books
from wasteflow.web.api import load_shapes as shapes
from wasteflow.web.api.blueprint import ApiBlueprint, etag
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ApiSchema, BooleanField, ShortField
from wasteflow.web.api.shipments import CHANNEL, version_given, written_body

blueprint = ApiBlueprint("revisions", "Corrections of signed loads")


class RevisionNew(ApiSchema):
    """What to change in a signed load, or to take it out of the books altogether."""

    changes = fields.Nested(
        shapes.load_body("RevisionChanges", REVISABLE), load_default=dict, required=False
    )
    reason = ShortField("Why", required=True)
    annul = BooleanField("Take the load out of the books", load_default=False)


class RevisionDone(Schema):
    """The revision as it stands, and its load."""

    revision = fields.Nested(shapes.RevisionShape, required=True)
    shipment = fields.Nested(shapes.LoadWritten, required=True)


class RevisionsShape(Schema):
    """Every revision of a load."""

    items = fields.List(fields.Nested(shapes.RevisionShape), required=True)


def answered(done: tuple[Outcome, View], status: int = 200) -> Response:
    """The revision and its load, with the ETag of the load."""
    outcome, revision = done
    response = as_json({"revision": revision, "shipment": written_body(outcome)}, status)
    response.headers["ETag"] = etag(outcome.load["version"])
    return response


@blueprint.endpoint(
    "GET", "/shipments/<uuid:shipment>/revisions", "shipment.read", returns=RevisionsShape
)
def list_(shipment: UUID) -> Response:
    """Every revision of a load, with before, after and answers."""
    return as_json({"items": reading.get_revisions(db=books().db, actor=who(), uid=shipment)})


@blueprint.endpoint(
    "POST",
    "/shipments/<uuid:shipment>/revisions",
    "revision.propose",
    returns=RevisionDone,
    status=201,
    body=RevisionNew,
    tagged=True,
    change=True,
    once=True,
)
def propose(given: dict[str, Any], shipment: UUID) -> Response:
    """Propose a correction; where nobody else is touched it is in force at once."""
    return answered(proposed(given, shipment, version_given()), 201)


def proposed(given: dict[str, Any], shipment: UUID, version: int | None) -> tuple[Outcome, View]:
    """The load and its new revision; what is wrong is told where it stands in the body."""
    why = given["reason"] or ""
    try:
        return revisions.propose_revision(
            db=books().db,
            actor=who(),
            uid=shipment,
            content=given["changes"],
            reason=why,
            annul=given["annul"],
            expected_version=version,
            now=datetime.now(UTC),
            channel=CHANNEL,
            tolerance=books().config.tolerance,
        )
    except FieldsRefused as error:
        raise FieldsRefused(_in_changes(item, why) for item in error.issues) from error


def _in_changes(issue: FieldIssue, why: str) -> FieldIssue:
    """The issue where it stands in the body: under `changes`, but for why one corrects."""
    name = issue.pointer.removeprefix("/")
    if name == "reason" and not why.strip():
        return issue
    return FieldIssue(f"/changes/{name}", issue.code, {"field": name, **issue.params})


@blueprint.endpoint(
    "GET", "/revisions/<uuid:revision>", "shipment.read", returns=shapes.RevisionShape
)
def get(revision: UUID) -> Response:
    """One revision."""
    return as_json(reading.get_revision(db=books().db, actor=who(), uid=revision))


class RefuseBody(ApiSchema):
    """Why a revision is refused."""

    reason = ShortField("Why", required=True)


def answer(
    word: str, right: str, body: Any, service: Callable[..., tuple[Outcome, View]], about: str
) -> None:
    """Register the call of one answer to a revision."""

    def view(given: dict[str, Any], revision: UUID) -> Response:
        return answered(
            service(
                db=books().db,
                actor=who(),
                uid=revision,
                **given,
                expected_version=version_given(),
                now=datetime.now(UTC),
                channel=CHANNEL,
            )
        )

    view.__name__, view.__doc__ = word, about
    blueprint.endpoint(
        "POST",
        f"/revisions/<uuid:revision>/{word}",
        right,
        returns=RevisionDone,
        body=body,
        tagged=True,
        change=True,
        once=True,
    )(view)


answer(
    "approve",
    "revision.answer",
    shapes.NoFields,
    revisions.approve_revision,
    "Approve; the last approval puts it in force.",
)
answer("refuse", "revision.answer", RefuseBody, revisions.refuse_revision, "Refuse with a reason.")
answer(
    "withdraw",
    "revision.propose",
    shapes.NoFields,
    revisions.withdraw_revision,
    "Take one's own proposal back.",
)
