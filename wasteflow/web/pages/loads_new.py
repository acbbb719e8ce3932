"""`/loads/new` and `/loads/<id>/edit`: a load in a short form, saved, issued, or sent at once.

The draft is kept as soon as it can be: if issuing or dispatching fails after it, the page says so,
shows what is wrong beside its field, and goes on with the draft that exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import StaleVersion, WasteflowError
from wasteflow.core.lifecycle import Move
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.live.drafts import create_draft, edit_draft
from wasteflow.services.live.views import Outcome
from wasteflow.services.naming import Names
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_data import lately, read_one
from wasteflow.web.pages.loads_form import (
    FieldView,
    facility_choices,
    field_view,
    material_choices,
    partner_choices,
    route_choices,
    seen_version,
    typed,
    typed_name,
)
from wasteflow.web.pages.loads_moves import run
from wasteflow.web.pages.loads_words import (
    firm,
    number_of,
    problems_of,
    registry,
    remark_words,
)
from wasteflow.web.texts import lang, text

STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
PLAIN: Final = (
    "material", "route", "mode", "vehicle", "carrier", "handler", "dispatched_t", "moisture_pct",
    "basis", "weighed", "doc_no", "from_facility", "to_facility", "remark", "kind", "parent",
)  # fmt: skip
"""Fields that go to the draft as they are; the parties come from `own`, `side` and `partner`."""
_COPIED: Final = (
    "material", "route", "mode", "vehicle", "carrier", "handler", "moisture_pct", "basis",
    "weighed", "from_facility", "to_facility",
)  # fmt: skip
"""What one load has in common with the last of its kind; weight, ticket and number are its own."""
_MAIN: Final = ("dispatched_t", "moisture_pct", "vehicle", "ticket_no")
_MORE: Final = (
    "carrier", "handler", "basis", "weighed", "from_facility", "to_facility", "doc_no", "remark",
)  # fmt: skip
STEPS: Final = ("draft", "issue", "dispatch", "choose")


class Filled(Struct):
    """The form in the making: values by field, errors by field, the draft behind it."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    uid: UUID | None = None
    version: int | None = None
    saved: bool = False
    status: int = 200


def show_new() -> Response:
    """An empty form, one like an earlier load (`like`), or one for a refused part (`parent`)."""
    actor = _staff()
    values = _start(actor)
    for name in ("like", "parent"):
        if request.args.get(name):
            other = read_one(_uid(request.args[name]))["load"]
            values |= _child(other) if name == "parent" else _like(actor, other)
    return _page(Filled(values))


def show_edit(uid: UUID) -> Response:
    """The form of a draft."""
    load = read_one(uid)["load"]
    if Move.EDIT.value not in {item["move"] for item in load["moves"]}:
        return make_response(redirect(url_for("loads.one", uid=uid), 303))
    filled = Filled(_like(_staff(), load) | _own_values(load), uid=uid, version=load["version"])
    return _page(filled)


def save_new() -> Response:
    """Make the draft, and go as far as the button says."""
    _staff()
    filled = Filled(_typed())
    if request.form.get("step") == "choose":
        return _page(filled)
    try:
        outcome = create_draft(
            db=books().db, actor=current_actor(), content=_content(filled.values), now=now()
        )
    except Denied:
        raise
    except WasteflowError as error:
        return _refused(filled, error)
    return _further(filled, outcome)


def save_edit(uid: UUID) -> Response:
    """Keep the changes of a draft, and go as far as the button says."""
    _staff()
    filled = Filled(_typed(), uid=uid, version=seen_version())
    if request.form.get("step") == "choose":
        return _page(filled)
    try:
        outcome = edit_draft(
            db=books().db,
            actor=current_actor(),
            uid=uid,
            content=_content(filled.values),
            expected_version=filled.version,
            now=now(),
        )
    except Denied:
        raise
    except StaleVersion as error:
        filled.version = error.found
        return _refused(filled, error, 409)
    except WasteflowError as error:
        return _refused(filled, error)
    return _further(filled, outcome)


def _further(filled: Filled, outcome: Outcome) -> Response:
    """After the draft is kept: issue it, and dispatch it, as far as asked."""
    step, uid = request.form.get("step", "draft"), UUID(outcome.load["id"])
    warnings = remark_words(outcome.warnings)
    done = "draft"
    wanted = {"issue": (Move.ISSUE,), "dispatch": (Move.ISSUE, Move.DISPATCH)}.get(step, ())
    if wanted and filled.values["side"] == "consignee":
        flash(text("new.consignor_issues"), "warn")
        wanted = ()
    for move in wanted:
        try:
            made = run(move, uid, outcome.load["version"], _of_move(move, filled.values))
        except Denied:
            raise
        except WasteflowError as error:
            if done == "issue":  # it is a document now: its own page asks what is missing
                _told(warnings)
                flash(text("new.issued_only", number=number_of(outcome.load)), "warn")
                for message in [*problems_of(error)[0].values(), *problems_of(error)[1]]:
                    flash(message, "wrong")
                return _to(uid)
            filled.uid, filled.version = uid, outcome.load["version"]
            filled.saved = True
            return _refused(filled, error)
        assert made is not None  # only deleting gives nothing back
        outcome, done = made, move.value
        warnings += remark_words(made.warnings)
    flash(text(f"new.done.{done}", number=number_of(outcome.load)), "done")
    _told(warnings)
    return _to(uid)


def _of_move(move: Move, values: Mapping[str, str]) -> dict[str, str]:
    ticket = values.get("ticket_no", "")
    return {"ticket_no": ticket} if move is Move.DISPATCH and ticket else {}


def _told(warnings: list[str]) -> None:
    for words in dict.fromkeys(warnings):
        flash(words, "warn")


def _to(uid: UUID) -> Response:
    return make_response(redirect(url_for("loads.one", uid=uid), 303))


def _refused(filled: Filled, error: WasteflowError, status: int = 422) -> Response:
    by_field, whole = problems_of(error)
    own = filled.values["side"]
    other = "consignee" if own == "consignor" else "consignor"
    for name, shown in ((own, "own"), (other, "partner")):
        if name in by_field:
            by_field[shown] = by_field.pop(name)
    filled.errors, filled.problems, filled.status = by_field, whole, status
    return _page(filled)


# --- values ----------------------------------------------------------------------------------


def _staff() -> Actor:
    """The asker, who may draft for some firm of his own; Denied otherwise."""
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.draft")
    if not own_firms(actor):
        raise Denied(Verdict.NOT_ONES_RIGHT, "shipment.draft")
    return actor


def own_firms(actor: Actor) -> list[str]:
    """Enterprises for which the asker may draft, by code."""
    held = registry().enterprises
    return sorted(
        item.organisation
        for item in actor.memberships
        if item.role in STAFF and item.covers("shipment.draft") and item.organisation in held
    )


def _uid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise Denied(Verdict.NOT_ONES_BUSINESS, "shipment.read") from error


def _start(actor: Actor) -> dict[str, str]:
    firms = own_firms(actor)
    side = "consignee" if request.args.get("side") == "consignee" else "consignor"
    return {"own": firms[0], "side": side, "mode": "road", "basis": "wet", "weighed": "measured"}


def _like(actor: Actor, load: Mapping[str, Any]) -> dict[str, str]:
    """The parties and everything that stays from load to load."""
    own = own_firms(actor)
    side = "consignor" if load.get("consignor") in own or not load.get("consignor") else "consignee"
    other = "consignee" if side == "consignor" else "consignor"
    mine = load.get(side)
    return {
        "own": str(mine) if mine in own else own[0],
        "side": side,
        "partner": typed_name(registry(), str(load.get(other) or "")),
        **{name: str(load[name]) for name in _COPIED if load.get(name)},
    }


def _own_values(load: Mapping[str, Any]) -> dict[str, str]:
    """What belongs to this very draft."""
    return {name: str(load[name]) for name in PLAIN if load.get(name)}


def _child(load: Mapping[str, Any]) -> dict[str, str]:
    """A return or redirect of the refused part of a load: sent by who refused it."""
    kind = "redirect" if request.args.get("kind") == "redirect" else "return"
    values = {
        "own": str(load["consignee"]),
        "side": "consignor",
        "kind": kind,
        "parent": str(load["id"]),
        "dispatched_t": str(load.get("open_refused_t") or load.get("refused_t") or ""),
    }
    if kind == "return":
        values["partner"] = typed_name(registry(), str(load.get("holder") or load["consignor"]))
    copied = ("material", "mode", "vehicle", "carrier", "moisture_pct", "basis")
    values |= {name: str(load[name]) for name in copied if load.get(name)}
    if kind == "return" and load.get("route"):
        values["route"] = str(load["route"])
    return values


def _typed() -> dict[str, str]:
    found = typed((*PLAIN, "own", "side", "partner", "ticket_no"))
    found["side"] = "consignee" if found.get("side") == "consignee" else "consignor"
    return found


def _content(values: Mapping[str, str]) -> dict[str, str]:
    """The fields of the draft: parties by side, the rest as typed."""
    sides = ("own", "partner") if values["side"] == "consignor" else ("partner", "own")
    parties = {
        name: values.get(key, "")
        for name, key in zip(("consignor", "consignee"), sides, strict=True)
    }
    return parties | {name: values[name] for name in PLAIN if name in values}


# --- the page --------------------------------------------------------------------------------


def _page(filled: Filled) -> Response:
    actor, held = _staff(), registry()
    values, errors = filled.values, filled.errors
    mine = own_firms(actor)
    seen = lately(mine)
    consignee = (
        values.get("own", "") if values["side"] == "consignee" else values.get("partner", "")
    )
    receiver = _code_of(consignee)
    sender = (
        values.get("own", "")
        if values["side"] == "consignor"
        else _code_of(values.get("partner", ""))
    )
    body = render_template(
        "load_new.html",
        filled=filled,
        values=values,
        errors=errors,
        own=[(code, firm(code)) for code in mine],
        partners=partner_choices(held, [item["partner"] for item in seen], mine),
        lately=seen if filled.uid is None and not values.get("parent") else [],
        materials=material_choices(held, values.get("material", "")),
        routes=route_choices(
            held,
            values.get("material", ""),
            receiver,
            values.get("route", ""),
            returned=values.get("kind") == "return",
        ),
        receiver=firm(receiver) if receiver else "",
        mode=field_view("mode", values.get("mode", ""), error=errors.get("mode", "")),
        main=_views(_MAIN, filled, sender, receiver),
        more=_views(_MORE, filled, sender, receiver),
        lang_=lang(),
    )
    response = make_response(body, filled.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _views(
    names: tuple[str, ...], filled: Filled, sender: str, receiver: str
) -> tuple[FieldView, ...]:
    held, found = registry(), []
    for name in names:
        choices = {
            "from_facility": lambda: facility_choices(held, sender, receiving=False),
            "to_facility": lambda: facility_choices(held, receiver, receiving=True),
        }.get(name, list)()
        view = field_view(
            name,
            filled.values.get(name, ""),
            error=filled.errors.get(name, ""),
            choices=choices,
        )
        if view.kind != "select" or view.choices:
            found.append(view)
    return tuple(found)


def _code_of(name: str) -> str:
    """Code of an enterprise by what was typed; "" if it names none."""
    try:
        return Names(registry()).enterprise(name) if name else ""
    except WasteflowError:
        return ""
