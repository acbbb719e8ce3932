"""`/gate`: a load comes to the gate: found by plate or ticket, weighed, photographed, taken in.

One screen per load and one tap to finish; whether the tap weighs or accepts is the life cycle's
word.  The photo is kept after the move, so that a bad picture never costs a weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from wasteflow.core.actors import Actor
from wasteflow.core.errors import StaleVersion, WasteflowError
from wasteflow.core.lifecycle import IllegalMove, Move
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.live.gate import LONGEST, arriving
from wasteflow.services.live.reading import get_load
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor
from wasteflow.web.pages import papers
from wasteflow.web.pages.loads_form import FieldView, field_view, given, seen_version, typed
from wasteflow.web.pages.loads_moves import moves_of, run
from wasteflow.web.pages.loads_words import number_of, problems_of, registry, remark_words
from wasteflow.web.pages.today import GATE
from wasteflow.web.texts import lang, text

RIGHT: Final = "shipment.receive"
_MAIN: Final = ("received_t", "ticket_no")
_MORE: Final = ("refused_t", "received_moisture_pct", "reason", "remark")
_WEIGHED: Final = frozenset({"refused_t", "reason"})
"""Fields of a decision that a weighing alone does not have."""
_PHOTOS: Final = ",".join(papers.PICTURES)


def show() -> Response:
    """What is on the road to us; one hit of a search is opened at once."""
    actor = _at_the_gate()
    find = request.args.get("q", "").strip()[:LONGEST]
    found = arriving(db=books().db, actor=actor, find=find)
    items = found["items"]
    if find and len(items) == 1 and _move(items[0]) is not None:
        return make_response(redirect(url_for("loads.gate_load", uid=items[0]["id"], q=find), 302))
    body = render_template(
        "gate.html",
        loads=items,
        more=found["more"],
        find=find,
        login=actor.login,
        done=request.args.get("done", ""),
    )
    return _fresh(make_response(body))


def show_one(uid: UUID) -> Response:
    """The form of one load."""
    actor = _at_the_gate()
    load = get_load(db=books().db, actor=actor, uid=uid)
    return _form(load, actor)


def save(uid: UUID) -> Response:
    """Take it in: accepted if the asker may decide, weighed otherwise; then the photo."""
    actor = _at_the_gate()
    load = get_load(db=books().db, actor=actor, uid=uid)
    move = _move(load)
    if move is None:
        return _form(load, actor, problems=[text("gate.not_open")], status=409)
    content = given(_names(move, load))
    if move is Move.DECIDE and load["state"] != "received":
        content.setdefault("received_t", str(load.get("dispatched_t") or ""))
    try:
        outcome = run(move, uid, seen_version(), content)
    except Denied:
        raise
    except (StaleVersion, IllegalMove) as error:
        again = get_load(db=books().db, actor=actor, uid=uid)
        return _form(again, actor, problems=[error.text(lang())], status=409)
    except WasteflowError as error:
        errors, whole = problems_of(error)
        return _form(load, actor, errors=errors, problems=whole, status=422)
    assert outcome is not None  # neither weighing nor deciding deletes a load
    _told(outcome.load, outcome.warnings, move)
    file = request.files.get("file")
    if file is not None and file.filename:
        papers.keep(uid, file, text("gate.photo_remark"))
    return make_response(redirect(url_for("loads.gate", done=uid), 303))


def _told(load: Mapping[str, Any], warnings: Any, move: Move) -> None:
    flash(text(f"gate.done.{move.value}", number=number_of(load)), "done")
    for words in remark_words(warnings):
        flash(words, "warn")


def _at_the_gate() -> Actor:
    """Who takes loads in for some firm; Denied otherwise."""
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    if not actor.organisations(*GATE) & registry().enterprises.keys():
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)
    return actor


def _move(load: Mapping[str, Any]) -> Move | None:
    """The move one tap makes: the decision where it is open to the asker, else the weighing."""
    open_ = moves_of(load)
    return next((move for move in (Move.DECIDE, Move.RECEIVE) if move in open_), None)


def _names(move: Move, load: Mapping[str, Any]) -> tuple[str, ...]:
    names = (*_MAIN, *_MORE)
    return names if move is Move.DECIDE else tuple(n for n in names if n not in _WEIGHED)


def _form(
    load: Mapping[str, Any],
    actor: Actor,
    *,
    errors: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
    status: int = 200,
) -> Response:
    move = _move(load)
    wrong = errors or {}
    told = typed((*_MAIN, *_MORE))
    if not told and load["state"] == "received":
        told = {name: str(load.get(name) or "") for name in _MAIN}
    names = _names(move, load) if move else ()
    views: dict[str, FieldView] = {
        name: field_view(
            name,
            told.get(name, ""),
            error=wrong.get(name, ""),
            required=name == "received_t" and move is Move.RECEIVE,
            hinted=False,
        )
        for name in names
    }
    body = render_template(
        "gate_load.html",
        load=load,
        move=move.value if move else "",
        main=[views[name] for name in _MAIN if name in views],
        more=[views[name] for name in _MORE if name in views],
        problems=[*problems, *(words for name, words in wrong.items() if name not in views)],
        photos=_PHOTOS,
        may_photo=papers.papers_of(str(load["id"]))[1],
        login=actor.login,
        find=request.args.get("q", ""),
    )
    return _fresh(make_response(body, status))


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
