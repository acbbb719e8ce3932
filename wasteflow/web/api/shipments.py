"""`/shipments`: loads between two enterprises, move by move; the services judge every one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response

from wasteflow.core.vocabulary import LoadState
from wasteflow.services.external_ids import find_external_ids
from wasteflow.services.live import (
    creating,
    decisions,
    dispatching,
    disputes,
    drafts,
    listing,
    moves,
    one_sided,
    reading,
)
from wasteflow.services.live.views import Outcome
from wasteflow.web.access import books
from wasteflow.web.api import load_shapes as shapes
from wasteflow.web.api.blueprint import ApiBlueprint, etag, if_match, versioned
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.paging import ChangedPageQuery, page_schema
from wasteflow.web.api.problems import Pointed, Problem, refused, told_warnings
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import (
    CodeField,
    ExternalIdField,
    PeriodField,
    ShortField,
    WordField,
)
from wasteflow_models.engine import Alone

blueprint = ApiBlueprint("shipments", "Loads between two enterprises", "/shipments")
CHANNEL = "api"


def version_given() -> int | None:
    """The version in If-Match, None for `*`; Problem 428 without one, 412 for what is none."""
    given = if_match()
    if given and not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem(412, "version_stale")
    return int(given) if given else None


def written(done: Outcome, status: int = 200) -> Response:
    """A load as it stands after a write, with its ETag and the warnings that did not stop it."""
    response = as_json(written_body(done), status)
    response.headers["ETag"] = etag(done.load["version"])
    return response


def written_body(done: Outcome) -> dict[str, Any]:
    """The body of `written`."""
    return {**done.load, "warnings": told_warnings(done.warnings)}


def create_load(given: dict[str, Any]) -> Outcome:
    """A draft from what was given, issued at once if asked."""
    fields = dict(given)
    issue, outside = fields.pop(shapes.ISSUE), fields.pop(shapes.EXTERNAL)
    return creating.create_load(
        db=books().db,
        actor=who(),
        content=fields,
        now=datetime.now(UTC),
        issue=bool(issue),
        external_id=outside or "",
        channel=CHANNEL,
    )


@blueprint.endpoint(
    "POST",
    "",
    "shipment.draft",
    returns=shapes.LoadWritten,
    status=201,
    body=shapes.LoadNew,
    tagged=True,
    once=True,
    single=Alone.NOBODY,
)
def create(given: dict[str, Any]) -> Response:
    """Make a draft, or with `issue` a document at once."""
    done = create_load(given)
    response = written(done, 201)
    response.headers["Location"] = f"/api/v1/shipments/{done.load['id']}"
    return response


@blueprint.endpoint(
    "PATCH",
    "/<uuid:shipment>",
    "shipment.draft",
    returns=shapes.LoadWritten,
    body=shapes.LoadChange,
    tagged=True,
    change=True,
)
def edit(given: dict[str, Any], shipment: UUID) -> Response:
    """Change fields of a draft; null takes one out."""
    if not given:
        raise refused([Pointed("", "nothing_given")])
    return written(
        drafts.edit_draft(
            db=books().db,
            actor=who(),
            uid=shipment,
            content=given,
            expected_version=version_given(),
            now=datetime.now(UTC),
        )
    )


@blueprint.endpoint("DELETE", "/<uuid:shipment>", "shipment.draft", status=204, change=True)
def delete(shipment: UUID) -> Response:
    """Throw a draft away."""
    drafts.delete_draft(
        db=books().db,
        actor=who(),
        uid=shipment,
        expected_version=version_given(),
        now=datetime.now(UTC),
    )
    return Response(status=204)


STATES = (*LoadState, "disputed", "waiting")


class LoadsQuery(ChangedPageQuery):
    """Which loads of one's business."""

    state = WordField(
        *STATES, description="Default: all but drafts; waiting: for one of yours", load_default=""
    )
    party = CodeField("Code of consignor or consignee", load_default="")
    material = CodeField("Material code", load_default="")
    period = PeriodField("By month of dispatch", load_default=None)
    doc_no = ShortField("Number of the document", load_default="")
    external_id = ExternalIdField("Number in your software", load_default="")


@blueprint.endpoint(
    "GET",
    "",
    "shipment.read",
    returns=page_schema("Shipments", shapes.LoadShape),
    query=LoadsQuery,
)
def list_(query: dict[str, Any]) -> Response:
    """Loads, the newest first."""
    if query["external_id"]:
        return as_json({"items": _by_external_id(query["external_id"]), "next": None})
    wanted = listing.LoadFilter(
        **{name: query[name] or "" for name in ("state", "party", "material", "doc_no")},
        period=query["period"],
        updated_after=query["updated_after"],
    )
    return as_json(
        listing.list_loads(
            db=books().db,
            actor=who(),
            wanted=wanted,
            limit=query["limit"],
            cursor=query["cursor"],
        )
    )


def _by_external_id(external_id: str) -> list[dict[str, Any]]:
    """The loads that carry a number in one of the actor's organisations."""
    actor = who()
    mine = actor.organisations() - {""}
    refs = find_external_ids(
        db=books().db, organisations=mine, kind="shipment", external_id=external_id
    )
    return [reading.get_load(db=books().db, actor=actor, uid=UUID(ref)) for ref in refs]


@blueprint.endpoint(
    "GET", "/<uuid:shipment>", "shipment.read", returns=shapes.LoadShape, tagged=True
)
def get(shipment: UUID) -> Response:
    """One load, with the moves one may make."""
    found = reading.get_load(db=books().db, actor=who(), uid=shipment)
    return versioned(found, found["version"])


@blueprint.endpoint("GET", "/<uuid:shipment>/events", "shipment.read", returns=shapes.EventsShape)
def events(shipment: UUID) -> Response:
    """Everything that happened to a load: what, when, by whom."""
    return as_json({"items": reading.get_events(db=books().db, actor=who(), uid=shipment)})


Service = Callable[..., Outcome]


WAITING = (disputes.settle, one_sided.close_one_sided)


def move(word: str, right: str, body: Any, service: Service, about: str) -> None:
    """Register the call of one move."""

    def view(given: dict[str, Any], shipment: UUID) -> Response:
        content: dict[str, Any] = {} if body is shapes.NoFields else {"content": given}
        if shapes.BOOKED in given:
            content["asked_month"] = given.pop(shapes.BOOKED) or 0
        if service in WAITING:
            content["waits"] = books().config.waits
        if service is decisions.decide:
            content["tolerance"] = books().config.tolerance
        return written(
            service(
                db=books().db,
                actor=who(),
                uid=shipment,
                **content,
                expected_version=version_given(),
                now=datetime.now(UTC),
                channel=CHANNEL,
            )
        )

    view.__name__ = word.replace("-", "_")
    view.__doc__ = about
    blueprint.endpoint(
        "POST",
        f"/<uuid:shipment>/{word}",
        right,
        returns=shapes.LoadWritten,
        body=body,
        tagged=True,
        change=True,
        once=True,
    )(view)


MOVES: tuple[tuple[str, str, Any, Service, str], ...] = (
    ("issue", "shipment.issue", shapes.NoFields, moves.issue, "Make a draft a document."),
    ("dispatch", "shipment.dispatch", shapes.Dispatch, dispatching.dispatch, "It leaves its site."),
    ("hand-over", "shipment.hand_over", shapes.HandOver, moves.hand_over, "The next carrier."),
    ("receive", "shipment.receive", shapes.Receive, moves.receive, "Weighed at the gate."),
    ("decide", "shipment.decide", shapes.Decide, decisions.decide, "Accept, or refuse a part."),
    ("cancel", "shipment.cancel", shapes.End, moves.cancel, "Take an undelivered load back."),
    ("lost", "shipment.lost", shapes.End, moves.lose, "It was lost on the road."),
    ("settle", "shipment.settle", shapes.Settle, disputes.settle, "The park decides a dispute."),
    (
        "remind",
        "shipment.close_one_sided",
        shapes.Reason,
        one_sided.remind,
        "Remind the other side of the answer it owes.",
    ),
    (
        "close-one-sided",
        "shipment.close_one_sided",
        shapes.CloseOneSided,
        one_sided.close_one_sided,
        "Close alone what the other side does not answer.",
    ),
    (
        "confirm",
        "shipment.confirm",
        shapes.Reason,
        one_sided.confirm,
        "Sign what the other side closed alone, or a file brought.",
    ),
)
"""Word of the address, right, body, service, summary."""
for _row in MOVES:
    move(*_row)


@blueprint.endpoint(
    "POST",
    "/<uuid:shipment>/dispute",
    "shipment.dispute",
    returns=shapes.LoadWritten,
    body=shapes.Dispute,
    tagged=True,
    change=True,
    once=True,
)
def dispute(given: dict[str, Any], shipment: UUID) -> Response:
    """Acknowledge or contest disputed weights."""
    fields = dict(given)
    return written(
        disputes.answer_dispute(
            db=books().db,
            actor=who(),
            uid=shipment,
            answer=fields.pop("answer"),
            content=fields,
            expected_version=version_given(),
            now=datetime.now(UTC),
            channel=CHANNEL,
        )
    )
