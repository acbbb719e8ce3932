"""`/offers`: offers, asks and proposed links: listed, made, answered; rules are elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import InvalidValue, NotFound, WasteflowError
from wasteflow.core.periods import day_from_text, shanghai_day
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import organisations_with
from wasteflow.core.symbiosis.offers import Offer, OfferKind, OfferMove
from wasteflow.core.units import kg_from_tonnes
from wasteflow.services.offer_books import READ, WRITE
from wasteflow.services.offers import (
    STATES,
    Moving,
    OfferFilter,
    get_offer,
    list_offers,
    make_offer,
    move_offer,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import kg_of
from wasteflow.web.identity import current_actor, now, offers_key
from wasteflow.web.pages.detail import mass_cell
from wasteflow.web.pages.picking import code_of, firms_to_pick
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.texts import lang, name_of, text
from wasteflow_maps.style import colour_of

DAYS: Final = 90
MINE: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR)
_FIELDS: Final = (
    "kind", "from", "to", "material", "tonnes", "first", "last", "place", "quality"
)  # fmt: skip
_COLUMNS: Final = (
    Column("what", "offers.what"),
    Column("state", "offers.state"),
    Column("material", "col.material"),
    Column("tonnes", "col.mass", "t", True),
    Column("from", "potential.from"),
    Column("to", "potential.to"),
    Column("last", "offers.last"),
    Column("place", "offers.place"),
    Column("changed", "offers.changed"),
)


def may_offer() -> bool:
    """Whether the asker has any part in offers, for menus."""
    return offers_key()[0]


def may_propose() -> bool:
    """Whether the asker may propose links, for buttons."""
    return offers_key()[1]


def _signed_in() -> Actor:
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, READ)
    return actor


def _manages(actor: Actor) -> bool:
    return bool(actor.organisations(Role.PARK_MANAGER, Role.PLANNER))


def show() -> Response | str:
    """What one may see; waiting for one's own answer first."""
    actor = _signed_in()
    state, material = request.args.get("state", "alive"), request.args.get("material", "")
    state = state if state in (*STATES, "alive", "all") else "alive"
    wanted = OfferFilter("" if state == "all" else state, material)
    rows = list_offers(db=books().db, actor=actor, wanted=wanted, now=now())
    page = page_of(_COLUMNS, [_cells(row) for row in rows], sort="-changed")
    if wants_file():
        return file_response(page, "wasteflow-offers", text, books_seen().synthetic)
    waiting = [row for row in rows if set(row["moves"]) & {"accept", "respond"}]
    body = render_template(
        "offers.html",
        view=None,
        page=page,
        args=request.args,
        state=state,
        states=("alive", "all", *STATES),
        material=material,
        materials=_wastes(),
        waiting=[_words(row) for row in waiting],
        may_write=bool(actor.organisations(*MINE)),
        may_propose=_manages(actor),
    )
    return _fresh(body)


def new() -> Response:
    """The form; a link proposed from the list of potential links comes filled."""
    return _form({name: request.args.get(name, "") for name in _FIELDS}, "")


def _form(values: dict[str, str], problem: str, code: int = 200) -> Response:
    actor, registry = _signed_in(), books_seen().registry
    own = organisations_with(actor, WRITE, registry) if actor.organisations(*MINE) else ()
    kinds = [kind.value for kind in (OfferKind.OFFER, OfferKind.ASK) if own]
    kinds += [OfferKind.PROPOSAL.value] if _manages(actor) else []
    if not kinds:
        raise Denied(Verdict.NOT_ONES_RIGHT, WRITE)
    today = shanghai_day(now())
    kind = values["kind"] if values["kind"] in kinds else kinds[0]
    body = render_template(
        "offer_new.html",
        view=None,
        values={
            **values,
            "kind": kind,
            "first": values["first"] or today.isoformat(),
            "last": values["last"] or (today + timedelta(days=DAYS)).isoformat(),
        },
        kinds=kinds,
        own=[(code, name_of(registry.enterprises[code])) for code in own],
        names={
            side: name_of(registry.enterprises[values[side]])
            for side in ("from", "to")
            if values[side] in registry.enterprises
        },
        materials=_wastes(),
        firms=firms_to_pick(registry) if kind == OfferKind.PROPOSAL else [],
        problem=problem,
    )
    return _fresh(body, code)


def create() -> Response:
    """Make what the form says."""
    actor = _signed_in()
    values = {name: request.form.get(name, "").strip() for name in _FIELDS}
    firms = books_seen().registry.enterprises
    values |= {side: code_of(firms, values[side]) for side in ("from", "to")}
    own = request.form.get("own", "").strip()
    if values["kind"] == OfferKind.OFFER and not values["from"]:
        values["from"] = own
    if values["kind"] == OfferKind.ASK and not values["to"]:
        values["to"] = own
    try:
        offer = _offer_of(values)
        made = make_offer(db=books().db, actor=actor, offer=offer, now=now())
    except Denied:
        raise
    except (InvalidValue, NotFound) as error:
        return _form(values, error.text(lang()), 422)
    flash(text("offers.made"), "done")
    return make_response(redirect(url_for("pages.offer", uid=made["id"]), 303))


def _offer_of(values: Mapping[str, str]) -> Offer:
    """Raises InvalidValue for a word, number or day that is none."""
    if values["kind"] not in list(OfferKind):
        raise InvalidValue("bad_word", value=values["kind"], known=" ".join(OfferKind))
    kind = OfferKind(values["kind"])
    return Offer(
        kind,
        values["material"],
        kg_from_tonnes(values["tonnes"]),
        day_from_text(values["first"]),
        day_from_text(values["last"]),
        "" if kind is OfferKind.ASK else values["from"],
        "" if kind is OfferKind.OFFER else values["to"],
        place=values["place"],
        quality=values["quality"],
    )


def one(uid: UUID) -> Response:
    """One with what happened and what can be done."""
    found = get_offer(db=books().db, actor=_signed_in(), uid=str(uid), now=now())
    registry = books_seen().registry
    could = [(code, name_of(registry.enterprises[code])) for code in found["may_respond_for"]]
    picks = firms_to_pick(registry, found.get("fitting", ())) if "fitting" in found else []
    body = render_template("offer.html", view=None, offer=_words(found), could=could, picks=picks)
    return _fresh(body)


def move(uid: UUID, move: str) -> Response:
    """Make a move; a refusal is told where one came from."""
    actor, back = _signed_in(), url_for("pages.offer", uid=uid)
    given = request.form
    version = given.get("version", "")
    if move not in list(OfferMove) or not (version.isascii() and version.isdigit()):
        raise NotFound("unknown_code", what="offer", value=move)
    asked = Moving(
        str(uid),
        OfferMove(move),
        int(version[:9]),
        code_of(books_seen().registry.enterprises, given.get("firm", "").strip()),
        given.get("note", ""),
    )
    try:
        move_offer(db=books().db, actor=actor, asked=asked, now=now())
    except Denied:
        raise
    except WasteflowError as error:
        flash(error.text(lang()), "warn")
    else:
        flash(text(f"offers.did.{move}"), "done")
    return make_response(redirect(back, 303))


def _fresh(body: str, code: int = 200) -> Response:
    response = make_response(body, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def _wastes() -> list[tuple[str, str]]:
    stuff = books_seen().registry.materials.values()
    return [(item.code, name_of(item)) for item in stuff if item.is_waste]


def _firm(row: Mapping[str, Any], side: str) -> str:
    """The name of a side, or why there is none."""
    code = row[side]
    if code:
        item = books_seen().registry.enterprises.get(code)
        return name_of(item) if item else code
    author = {"offer": "from", "ask": "to"}.get(row["kind"])
    return text("offers.nameless") if side == author else text("offers.nobody")


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """An offer with its names and words for a page."""
    registry = books_seen().registry
    return {
        **row,
        "giver": _firm(row, "from"),
        "taker": _firm(row, "to"),
        "kg": kg_of(row["tonnes"]),
        "stuff": name_of(registry.materials[row["material"]]),
        "colour": colour_of(row["material"]),
        "events": [
            {**event, "firm": name_of(registry.enterprises[event["enterprise"]])
             if event["enterprise"] in registry.enterprises else ""}
            for event in row["events"]
        ],
    }  # fmt: skip


def _cells(row: Mapping[str, Any]) -> Row:
    stuff = name_of(books_seen().registry.materials[row["material"]])
    state = text(f"offers.state.{row['state']}")
    return {
        "what": Cell(
            text(f"offers.kind.{row['kind']}"),
            row["kind"],
            url_for("pages.offer", uid=row["id"]),
        ),
        "state": Cell(state, state),
        "material": Cell(stuff, stuff, mark=colour_of(row["material"])),
        "tonnes": mass_cell(kg_of(row["tonnes"])),
        "from": Cell(_firm(row, "from"), row["from"], muted=not row["from"]),
        "to": Cell(_firm(row, "to"), row["to"], muted=not row["to"]),
        "last": Cell(row["last"], row["last"]),
        "place": Cell(row["place"], row["place"]),
        "changed": Cell(row["changed_at"][:10], row["changed_at"]),
    }
