"""`/log`: generation or use of the day on one screen; what was chosen last stands there again.

Values are judged by the rules of the file of entries, as the long form of `/entries/new` is.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.core.periods import shanghai_day
from wasteflow.core.permissions import Denied
from wasteflow.core.vocabulary import ROUTE_ENTRIES, EntryKind
from wasteflow.services.entry_objects import EntryFilter, EntryObject, get_entry, list_entries
from wasteflow.services.entry_writing import record_entry
from wasteflow.web.access import books
from wasteflow.web.identity import now
from wasteflow.web.pages.entries_pages import (
    CHANNEL,
    booked_elsewhere,
    own_firms,
    problems_of_entry,
    staff,
    typed_values,
)
from wasteflow.web.pages.loads_form import facility_choices, material_choices, typed
from wasteflow.web.pages.loads_words import firm, registry, remark_words
from wasteflow.web.texts import name_of

KINDS: Final = (EntryKind.GENERATION.value, EntryKind.USE.value)
KEPT: Final = ("facility", "material", "route")
"""What the next entry of the same firm and kind most likely says again."""
FIELDS: Final = ("enterprise", "kind", "date", *KEPT, "tonnes", "entry_doc_no", "remark")
_LATELY: Final = 6


class Logged(Struct):
    """The form in the making."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    status: int = 200


def show() -> Response:
    """The form, filled in as far as the last entry of this kind tells."""
    actor = staff()
    firms = own_firms(actor)
    code = request.args.get("enterprise", "")
    code = code if code in firms else firms[0]
    kind = request.args.get("kind", "")
    like = _one(actor, request.args.get("like", ""))
    if like is not None:
        code, kind = like.enterprise, str(like.values["kind"])
    kind = kind if kind in KINDS else _usual_kind(code)
    values = {"enterprise": code, "kind": kind, "date": shanghai_day(now()).isoformat()}
    return _page(actor, Logged(values | _remembered(code, kind)))


def save() -> Response:
    """Record it; then the same form for the next one, with a way to take this one back."""
    actor = staff()
    logged = Logged(typed(FIELDS))
    if logged.values.get("kind") not in KINDS:
        logged.values["kind"] = KINDS[0]
    if logged.values["kind"] == EntryKind.GENERATION.value:
        logged.values["route"] = ""
    if request.form.get("step") == "choose":
        code, kind = logged.values.get("enterprise", ""), logged.values["kind"]
        return _page(actor, Logged(logged.values | _remembered(code, kind)))
    try:
        values = typed_values(logged.values, None)
        done = record_entry(db=books().db, actor=actor, now=now(), values=values, channel=CHANNEL)
    except Denied:
        raise
    except WasteflowError as error:
        logged.errors, logged.problems = problems_of_entry(error)
        logged.status = 422
        return _page(actor, logged)
    item = get_entry(db=books().db, uid=done.uid)
    if item.booked_month != item.month:
        flash(booked_elsewhere(item.month, item.booked_month), "warn")
    for words in remark_words(done.warnings):
        flash(words, "warn")
    return make_response(redirect(url_for("loads.log", done=done.uid, like=done.uid), 303))


def _one(actor: Actor, told: str) -> EntryObject | None:
    """The entry an address names, if it is one the asker writes."""
    try:
        item = get_entry(db=books().db, uid=UUID(told))
    except (ValueError, NotFound):
        return None
    return item if item.enterprise in own_firms(actor) else None


def _last(code: str, kind: str) -> EntryObject | None:
    """The last entry of a firm and kind that stands."""
    found = list_entries(
        db=books().db, wanted=EntryFilter([code], kind), newest=True, limit=_LATELY
    )
    return next((item for item in found if item.reverses is None), None)


def _remembered(code: str, kind: str) -> dict[str, str]:
    if code not in registry().enterprises:
        return {}
    item = _last(code, kind)
    if item is None:
        return {}
    return {name: str(item.values.get(name) or "") for name in KEPT}


def _usual_kind(code: str) -> str:
    """Use for a firm that only uses, generation otherwise."""
    kinds = {item.kind for item in registry().facilities_of.get(code, [])}
    uses = "use" in kinds and "generation" not in kinds
    return EntryKind.USE.value if uses else EntryKind.GENERATION.value


def _page(actor: Actor, logged: Logged) -> Response:
    values = logged.values
    firms = own_firms(actor)
    code = values.get("enterprise", "") or firms[0]
    done = _one(actor, request.args.get("done", "")) if request.method == "GET" else None
    lately = list_entries(
        db=books().db, wanted=EntryFilter([code] if code in firms else firms[:1]),
        newest=True, limit=_LATELY,
    )  # fmt: skip
    body = render_template(
        "quick_log.html",
        values=values,
        errors=logged.errors,
        problems=logged.problems,
        own=[(item, firm(item)) for item in firms],
        kinds=KINDS,
        materials=material_choices(registry(), values.get("material", "")),
        routes=_routes(),
        facilities=facility_choices(registry(), code, receiving=False),
        done=done if done is not None and done.state == "in_force" else None,
        lately=[item for item in lately if item.reverses is None],
        login=actor.login,
    )
    response = make_response(body, logged.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _routes() -> list[tuple[str, str, str]]:
    """(code, name, materials it fits) of the routes of use."""
    held = registry()
    return [
        (item.code, name_of(item), " ".join(code for code in held.materials if item.fits(code)))
        for item in held.routes.values()
        if item.fate == ROUTE_ENTRIES[EntryKind.USE].value
    ]
