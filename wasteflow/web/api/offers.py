"""Offers, asks and proposed links of the API: list, make, answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from flask import Response
from marshmallow import fields

from wasteflow.core.symbiosis.offers import Offer, OfferKind, OfferMove
from wasteflow.core.units import kg_from_tonnes
from wasteflow.services.offer_books import PROPOSE, READ, WRITE
from wasteflow.services.offers import (
    STATES,
    Moving,
    OfferFilter,
    get_offer,
    list_offers,
    make_offer,
    move_offer,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, versioned
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import (
    ApiSchema,
    CodeField,
    DayField,
    Shaped,
    ShortField,
    WordField,
)
from wasteflow.web.api.shipments import version_given
from wasteflow.web.api.words import OpenShape

blueprint = ApiBlueprint("offers", "Offers of wastes, asks for them, proposed links", "/offers")
MOVES: Final = (
    OfferMove.RESPOND,
    OfferMove.PROPOSE,
    OfferMove.ACCEPT,
    OfferMove.DECLINE,
    OfferMove.WITHDRAW,
    OfferMove.NOTE,
)


class TonnesField(Shaped):
    """A mass in tonnes as decimal string → kilograms."""

    shape: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": r"^(0|[1-9][0-9]{0,10})(\.[0-9]{1,3})?$",
    }

    def convert(self, value: Any) -> Any:
        return kg_from_tonnes(value)


class OffersQuery(PageQuery):
    """What a list holds."""

    state = WordField(*STATES, description="Only in this state", load_default="")
    material = CodeField("Material code; all without one", load_default="")


class OfferNew(ApiSchema):
    """An offer (`from`), an ask (`to`) or a proposal (both)."""

    kind = WordField(*(kind.value for kind in OfferKind), required=True)
    material = CodeField("Material code", required=True)
    tonnes = TonnesField("Wet tonnes over the days", required=True)
    giver = CodeField("Code of the producer", data_key="from", load_default="")
    taker = CodeField("Code of the receiver", data_key="to", load_default="")
    first = DayField("First day", required=True)
    last = DayField("Last day; it lapses after it", required=True)
    place = ShortField("Where it lies or is wanted", load_default="")
    quality = ShortField("What must be known of its quality", load_default="")


class OfferAnswer(ApiSchema):
    """What goes with a move; `firm`: who responds, or who is proposed."""

    firm = CodeField("Code of the firm", load_default="")
    note = ShortField("A note for the other side", load_default="")


class OfferShape(OpenShape):
    """An offer as the caller may see it."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    material = fields.String(required=True)
    tonnes = fields.String(required=True)
    version = fields.Integer(required=True)
    moves = fields.List(fields.String(), required=True)
    events = fields.List(fields.Dict(), required=True)


def _now() -> datetime:
    return datetime.now(UTC)


@blueprint.endpoint(
    "GET", "", READ, returns=page_schema("Offers", OfferShape), query=OffersQuery
)  # fmt: skip
def list_(query: dict[str, Any]) -> Response:
    """What concerns one's firms, park or region, and open ones that would fit, the newest first."""
    wanted = OfferFilter(query["state"], query["material"])
    found = list_offers(db=books().db, actor=who(), wanted=wanted, now=_now())
    return rows_page(found, query, lambda row: row)


@blueprint.endpoint(
    "POST", "", WRITE, returns=OfferShape, status=201, body=OfferNew, tagged=True, once=True
)
def create(given: dict[str, Any]) -> Response:
    """Offer a waste, ask for one, or propose a link between two firms."""
    offer = Offer(
        OfferKind(given["kind"]),
        given["material"],
        given["tonnes"],
        given["first"],
        given["last"],
        given["giver"],
        given["taker"],
        place=given["place"],
        quality=given["quality"],
    )
    made = make_offer(db=books().db, actor=who(), offer=offer, now=_now())
    return versioned(made, made["version"], 201)


@blueprint.endpoint("GET", "/<uuid:uid>", READ, returns=OfferShape, tagged=True)
def get(uid: UUID) -> Response:
    """One with its events."""
    found = get_offer(db=books().db, actor=who(), uid=str(uid), now=_now())
    return versioned(found, found["version"])


def _move(move: OfferMove) -> Callable[[dict[str, Any], UUID], Response]:
    def view(given: dict[str, Any], uid: UUID) -> Response:
        asked = Moving(str(uid), move, version_given(), given["firm"], given["note"])
        after = move_offer(db=books().db, actor=who(), asked=asked, now=_now())
        return versioned(after, after["version"])

    view.__name__ = move.value
    view.__doc__ = f"{_WORDS[move]}; the version seen in If-Match."
    return view


_WORDS: Final = {
    OfferMove.RESPOND: "A firm that could use (or has) the material answers an open one",
    OfferMove.PROPOSE: "A park manager or planner names a partner for an open one",
    OfferMove.ACCEPT: "One's own side says yes; with both it is in talks",
    OfferMove.DECLINE: "One's own side says no, or breaks the talks off",
    OfferMove.WITHDRAW: "Who began takes it back",
    OfferMove.NOTE: "A note for both sides",
}
for _one in MOVES:
    blueprint.endpoint(
        "POST",
        f"/<uuid:uid>/{_one.value}",
        PROPOSE if _one is OfferMove.PROPOSE else WRITE,
        returns=OfferShape,
        body=OfferAnswer,
        tagged=True,
        change=True,
        once=True,
    )(_move(_one))
