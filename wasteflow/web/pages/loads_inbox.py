"""`/inbox`, the page of the day: what waits for me, answered by a tap, many by ticking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import WasteflowError
from wasteflow.core.lifecycle import Move
from wasteflow.core.periods import shanghai_day
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.live.inbox import inbox, open_refusals
from wasteflow.services.live.listing import LoadFilter, list_loads
from wasteflow.services.live.reading import get_load
from wasteflow.services.offers import waiting_offers
from wasteflow.services.reminders import AHEAD_DAYS, Reminder, ending
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_corrected import closed_words
from wasteflow.web.pages.loads_data import waits
from wasteflow.web.pages.loads_moves import run
from wasteflow.web.pages.loads_words import number_of, problems_of, registry, remark_words
from wasteflow.web.pages.today import day_of
from wasteflow.web.texts import text

ORDER: Final = ("decide", "approve", "acknowledge", "dispatch", "issue", "confirm")
"""What is due, the most pressing first."""
SHOWN: Final = 100
BATCH: Final = 100
TOLD: Final = 8
_FIRM: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.DELEGATE)


class Section(Struct, frozen=True):
    """Items of one kind: what is due, those shown, how many there are."""

    move: str
    items: list[dict[str, Any]]
    total: int
    batch: bool


def show() -> Response:
    """The page."""
    actor = _signed_in()
    due = inbox(db=books().db, actor=actor)
    refusals = open_refusals(db=books().db, actor=actor, now=now(), waits=waits())
    mine = actor.organisations(*_FIRM)
    body = render_template(
        "inbox.html",
        sections=_sections(due),
        refusals=[item for item in refusals if _concerns(item, mine, actor)],
        disputes=_disputes(actor),
        on_road=_on_road(actor),
        endings=_endings(actor),
        offers=waiting_offers(db=books().db, actor=actor, now=now()),
        today=shanghai_day(now()),
        firms=sorted(mine) or sorted(actor.organisations(Role.READER)),
        day=day_of(actor, due),
        waits=waits(),
    )
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def accept_many() -> Response:
    """Accept the ticked loads as they were dispatched; each stands or falls alone."""
    actor = _signed_in()
    taken, failed, warnings = 0, [], []
    for ticked in request.form.getlist("id")[:BATCH]:
        uid, _, version = ticked.partition(" ")
        try:
            load = get_load(db=books().db, actor=actor, uid=UUID(uid))
            content = quick_content(load)
            outcome = run(Move.DECIDE, UUID(uid), int(version), content)
        except ValueError:
            continue
        except WasteflowError as error:
            by_field, whole = problems_of(error)
            words = next(iter([*by_field.values(), *whole]), "")
            failed.append(f"{_number(actor, uid)}: {words}")
            continue
        taken += 1
        if outcome is not None:
            number = number_of(outcome.load)
            warnings += [f"{number}: {words}" for words in remark_words(outcome.warnings)]
    if not taken and not failed:
        flash(text("inbox.none_ticked"), "warn")
    if taken:
        flash(text("inbox.accepted", number=taken), "done")
    for category, messages in (("warn", warnings), ("wrong", failed)):
        for words in messages[:TOLD]:
            flash(words, category)
        if len(messages) > TOLD:
            flash(text("inbox.more", number=len(messages) - TOLD), category)
    return make_response(redirect(url_for("loads.inbox"), 303))


def quick_content(load: Mapping[str, Any]) -> dict[str, str]:
    """The common decision: all of it, as weighed at the gate, else as dispatched."""
    if load["state"] == "received":
        return {}
    return {"received_t": str(load.get("dispatched_t") or "")}


def _number(actor: Actor, uid: str) -> str:
    try:
        return number_of(get_load(db=books().db, actor=actor, uid=UUID(uid)))
    except Denied:
        return uid


def _signed_in() -> Actor:
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    return actor


def _sections(due: list[dict[str, Any]]) -> list[Section]:
    found = []
    for move in ORDER:
        items = [item for item in due if item["move"] == move]
        if items:
            batch = move == "decide" and any(_decidable(item) for item in items)
            shown = items[:SHOWN]
            if move == Move.APPROVE:
                shown = [item | {"booked": closed_words(item["load"])} for item in shown]
            found.append(Section(move, shown, len(items), batch))
    return found


def _decidable(item: Mapping[str, Any]) -> bool:
    return any(move["move"] == Move.DECIDE for move in item["load"]["moves"])


def _concerns(item: Mapping[str, Any], mine: frozenset[str], actor: Actor) -> bool:
    """A refused part is told to whoever refused it, whoever sent it, and their park."""
    parks = actor.organisations(Role.PARK_MANAGER)
    return bool(parks) or bool({item["consignor"], item["consignee"], item["holder"]} & mine)


def _disputes(actor: Actor) -> list[dict[str, Any]]:
    """Disputes of the park manager's park."""
    if not actor.organisations(Role.PARK_MANAGER):
        return []
    wanted = LoadFilter(state="disputed")
    found = list_loads(db=books().db, actor=actor, wanted=wanted, limit=SHOWN)
    return [item for item in found["items"] if item["disputed"]]


def _on_road(actor: Actor) -> list[dict[str, Any]]:
    """Loads a carrier has on the road."""
    mine = actor.organisations(Role.CARRIER)
    if not mine:
        return []
    wanted = LoadFilter(state="in_transit")
    items: list[dict[str, Any]] = list_loads(
        db=books().db, actor=actor, wanted=wanted, limit=SHOWN
    )["items"]
    return [item for item in items if item["carrier"] in mine]  # not what was handed over


def _endings(actor: Actor) -> list[Reminder]:
    """Permits and filings of the records one keeps that end soon, the first to end first."""
    today = shanghai_day(now())
    found = ending(registry(), actor, today, today + timedelta(days=AHEAD_DAYS))
    return sorted(found, key=lambda item: (item.due or today, item.kind, item.ref))
