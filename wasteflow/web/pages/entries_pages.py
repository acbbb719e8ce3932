"""`/entries`: what one enterprise records alone, by hand: list, new, reverse, correct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import (
    FieldIssue,
    FieldsRefused,
    InvalidValue,
    RowsRefused,
    WasteflowError,
)
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.reading import readable_firms
from wasteflow.core.vocabulary import LABELS, ROUTE_ENTRIES, EntryKind
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import field_of
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.entry_objects import EntryFilter, EntryObject, get_entry, list_entries
from wasteflow.services.entry_writing import correct_entry, record_entry
from wasteflow.services.identity import new_uids
from wasteflow.services.live.entries import reverse_entry
from wasteflow.services.naming import Names
from wasteflow.services.open_months import booking_month
from wasteflow.web.access import books
from wasteflow.web.formats import month_words
from wasteflow.web.identity import current_actor, now
from wasteflow.web.list_files import list_response
from wasteflow.web.pages.loads_form import facility_choices, field_view, material_choices, typed
from wasteflow.web.pages.loads_words import firm, problems_of, registry, remark_words
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.texts import has_text, lang, name_of, text

CHANNEL: Final = "page"
PAGE: Final = 50
FIRMS_LISTED: Final = 200
FIELDS: Final = tuple(column.name for column in columns_of("entries"))
KINDS: Final = tuple(kind for kind in EntryKind if kind is not EntryKind.OPENING)
"""Kinds offered first; opening stock stands last, it is stated once."""
_STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
_MORE: Final = ("facility", "moisture_pct", "basis", "weighed", "handler", "entry_doc_no", "remark")


class Filled(Struct):
    """The form in the making; `of`: the entry it corrects."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    of: EntryObject | None = None
    status: int = 200


def show_list() -> Response:
    """The entries of one's business, the newest first."""
    actor = reader()
    told = {
        name: request.args.get(name, "").strip()
        for name in ("enterprise", "kind", "material", "period")
    }
    problem, wrong, found = "", "", []
    firms = readable_firms(actor, "entry.read", registry())
    try:
        wanted = _filter(told, firms)
    except InvalidValue as error:
        problem, wrong, wanted = error.text(lang()), "period", None
    except WasteflowError as error:
        problem, wrong, wanted = error.text(lang()), "enterprise", None
    before = request.args.get("before", "")
    if wanted is not None and wants_file():
        only = told["enterprise"] and Names(registry()).enterprise(told["enterprise"])
        told |= {"enterprise": only, "kind": wanted.kind}
        return list_response(actor, "own_entries", told)
    if wanted is not None:
        found = list_entries(
            db=books().db,
            wanted=wanted,
            after=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0,
            newest=True,
            limit=PAGE + 1,
        )
    mine = frozenset(actor.organisations(*_STAFF))
    body = render_template(
        "entries.html",
        entries=found[:PAGE],
        next=found[PAGE - 1].key if len(found) > PAGE else 0,
        told=told,
        problem=problem,
        wrong=wrong,
        mine=mine,
        filtered=any(told.values()),
        kinds=[(kind.value, kind_words(kind.value)) for kind in (*KINDS, EntryKind.OPENING)],
        materials=material_choices(registry())[1:],
        firms=_listed(firms),
    )
    return make_response(body, 422 if problem else 200)


def _listed(firms: frozenset[str] | None) -> list[tuple[str, str]]:
    """Enterprises to choose from, where there are few."""
    if firms is None or len(firms) > FIRMS_LISTED:
        return []
    return sorted(((code, firm(code)) for code in firms), key=lambda choice: choice[1])


def _filter(told: Mapping[str, str], firms: frozenset[str] | None) -> EntryFilter:
    wanted = firms
    if told["enterprise"]:
        code = Names(registry()).enterprise(told["enterprise"])
        wanted = frozenset({code}) if firms is None else firms & {code}
    kind = told["kind"] if told["kind"] in set(EntryKind) else ""
    period = Period.parse(told["period"]) if told["period"] else None
    return EntryFilter(wanted, kind, told["material"], period)


def show_new() -> Response:
    """An empty form, or one that corrects an entry (`of`)."""
    actor = staff()
    of = _own_entry(request.args["of"]) if request.args.get("of") else None
    if of is not None:
        return _page(Filled(_values_of(of), of=of))
    firms = own_firms(actor)
    kind = request.args.get("kind", "")
    values = {
        "enterprise": firms[0],
        "kind": kind if kind in set(EntryKind) else EntryKind.GENERATION.value,
        "date": shanghai_day(now()).isoformat(),
    }
    return _page(Filled(values))


def save() -> Response:
    """Record the entry; one that corrects another takes that back first."""
    actor = staff()
    of = _own_entry(request.form["of"]) if request.form.get("of") else None
    names = ["entry_doc_no" if name == "doc_no" else name for name in FIELDS]
    filled = Filled(typed([*names, "stocktake_reason", "why"]), of=of)
    if request.form.get("step") == "choose":
        return _page(filled)
    try:
        values = typed_values(filled.values, of)
        common: dict[str, Any] = {"db": books().db, "actor": actor, "now": now()}
        if of is None:
            done = record_entry(**common, values=values, channel=CHANNEL)
        else:
            why = filled.values.get("why", "")
            done = correct_entry(**common, uid=of.uid, values=values, reason=why, channel=CHANNEL)
    except Denied:
        raise
    except WasteflowError as error:
        return _refused(filled, error)
    item = get_entry(db=books().db, uid=done.uid)
    flash(
        text(
            "entries.done.corrected" if of else "entries.done.recorded",
            number=item.values["doc_no"],
        ),
        "done",
    )
    if item.booked_month != item.month:
        flash(booked_elsewhere(item.month, item.booked_month), "warn")
    for words in remark_words(done.warnings):
        flash(words, "warn")
    return make_response(redirect(url_for("loads.entries"), 303))


def reverse(uid: UUID) -> Response:
    """Take an entry back."""
    actor = staff()
    try:
        reverse_entry(
            db=books().db,
            actor=actor,
            uid=uid,
            reason=request.form.get("why", "").strip(),
            now=now(),
            channel=CHANNEL,
        )
    except Denied:
        raise
    except WasteflowError as error:
        flash(error.text(lang()), "wrong")
        return make_response(redirect(url_for("loads.entry", uid=uid), 303))
    flash(text("entries.done.reversed"), "done")
    if request.form.get("back") == "log":
        return make_response(redirect(url_for("loads.log", like=uid), 303))
    return make_response(redirect(url_for("loads.entry", uid=uid), 303))


def show_one(uid: UUID) -> Response:
    """One entry: what it says, what the books made of it, and how to take it back."""
    actor = reader()
    item = get_entry(db=books().db, uid=uid)
    require(actor, "entry.read", subject_of_firms(registry(), item.enterprise))
    body = render_template(
        "entry.html",
        item=item,
        names=[name for name in FIELDS if item.values.get(name) not in (None, "", False)],
        mine=item.enterprise in actor.organisations(*_STAFF),
        booked=booked_elsewhere(item.month, item.booked_month)
        if item.booked_month != item.month
        else "",
    )
    return make_response(body)


# --- values ----------------------------------------------------------------------------------


def typed_values(told: Mapping[str, str], of: EntryObject | None) -> dict[str, Any]:
    """Typed values of every column, by the rules of the file of entries; FieldsRefused."""
    texts = {name: told.get(name, "") for name in FIELDS}
    texts["doc_no"] = told.get("entry_doc_no", "") or new_number(told, of)
    if texts["kind"] == EntryKind.STOCKTAKE:
        texts["reason"] = told.get("stocktake_reason", "")
    values: dict[str, Any] = {}
    issues = []
    if of is not None and not told.get("why"):
        issues.append(FieldIssue("/why", "reason_needed"))
    for column in columns_of("entries"):
        found = field_of(column).of_cell(texts[column.name])
        if isinstance(found, Fault):
            issues.append(FieldIssue(f"/{column.name}", found.code, found.params))
        values[column.name] = found
    if issues:
        raise FieldsRefused(issues)
    moment = now()
    wrong = complete_and_check(
        "entries", values, Clock(shanghai_day(moment), moment), lambda _: True
    )
    if wrong:
        raise FieldsRefused([FieldIssue(f"/{wrong[0]}", wrong[1].code, wrong[1].params)])
    return values


def new_number(told: Mapping[str, str], of: EntryObject | None) -> str:
    """A number for an entry that was given none: the corrected one's, or a new one."""
    if of is not None:
        base = str(of.values["doc_no"])
        head, slash, tail = base.rpartition("/")
        return f"{head}/{int(tail) + 1}" if slash and tail.isdigit() else f"{base}/2"
    return f"E{told.get('date', '').replace('-', '')}-{new_uids(1, now())[0].hex[-6:]}"


def _values_of(item: EntryObject) -> dict[str, str]:
    found = {}
    for column in columns_of("entries"):
        value = item.values.get(column.name)
        if value not in (None, "", False):
            found[column.name] = (
                value if isinstance(value, str) else field_of(column).to_text(value)
            )
    found.pop("doc_no", None)
    if found.get("kind") == EntryKind.STOCKTAKE:
        found["stocktake_reason"] = found.pop("reason", "")
    return found


def _own_entry(value: str) -> EntryObject:
    """An entry the asker may take back; Denied otherwise."""
    try:
        item = get_entry(db=books().db, uid=UUID(value))
    except (ValueError, WasteflowError) as error:
        raise Denied(Verdict.NOT_ONES_BUSINESS, "entry.read") from error
    require(current_actor(), "entry.write", subject_of_firms(registry(), item.enterprise))
    return item


def reader() -> Actor:
    """Who reads entries; Denied if nobody is signed in."""
    actor = current_actor()
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "entry.read")
    return actor


def staff() -> Actor:
    """Who writes entries of some firm; Denied otherwise."""
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "entry.write")
    if not own_firms(actor):
        raise Denied(Verdict.NOT_ONES_RIGHT, "entry.write")
    return actor


def own_firms(actor: Actor) -> list[str]:
    """Enterprises whose entries the asker writes, by code."""
    held = registry().enterprises
    return sorted(
        item.organisation
        for item in actor.memberships
        if item.role in _STAFF and item.covers("entry.write") and item.organisation in held
    )


def _refused(filled: Filled, error: WasteflowError) -> Response:
    errors, whole = problems_of_entry(error)
    if "reason" in errors and filled.values.get("kind") == EntryKind.STOCKTAKE:
        errors["stocktake_reason"] = errors.pop("reason")
    filled.errors, filled.problems, filled.status = errors, whole, 422
    return _page(filled)


def problems_of_entry(error: WasteflowError) -> tuple[dict[str, str], list[str]]:
    """(field of a form of entries → what is wrong with it, what is wrong with the whole)."""
    if isinstance(error, RowsRefused):
        errors = {issue.field: without_line(issue) for issue in error.issues}
        whole: list[str] = []
    else:
        errors, whole = problems_of(error)
    if "doc_no" in errors:
        errors["entry_doc_no"] = errors.pop("doc_no")
    return errors, whole


def without_line(issue: Any) -> str:
    """What is wrong with a field, without the line of a file that is none."""
    return FieldIssue(f"/{issue.field}", issue.code, {"value": issue.value, **issue.params}).text(
        lang()
    )


# --- the page --------------------------------------------------------------------------------


def kind_words(kind: str) -> str:
    """A kind of entry in words."""
    key = f"entry.{kind}"
    return text(key) if has_text(key) else LABELS["kind"].get(kind, kind)


def booked_elsewhere(month: int, booked: int) -> str:
    return text(
        "entries.booked", month=month_words(month, lang()), booked=month_words(booked, lang())
    )


def _page(filled: Filled) -> Response:
    actor = staff()
    values, errors = filled.values, filled.errors
    code = values.get("enterprise", "") or own_firms(actor)[0]
    body = render_template(
        "entry_new.html",
        filled=filled,
        values=values,
        errors=errors,
        own=[(item, firm(item)) for item in own_firms(actor)],
        kinds=[(kind.value, kind_words(kind.value)) for kind in (*KINDS, EntryKind.OPENING)],
        materials=material_choices(registry(), values.get("material", "")),
        routes=_routes(values),
        more=[
            view
            for name in _MORE
            if (view := _view(name, values, errors, code)).kind != "select" or view.choices
        ],
        reasons=LABELS["reason"],
        booked=_late(code, values.get("date", "")),
    )
    response = make_response(body, filled.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _view(name: str, values: Mapping[str, str], errors: Mapping[str, str], code: str) -> Any:
    choices = facility_choices(registry(), code, receiving=False) if name == "facility" else ()
    return field_view(name, values.get(name, ""), error=errors.get(name, ""), choices=choices)


def _routes(values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(code, name, kind of entry it is for) of the routes that fit the material."""
    fates = {fate.value: kind.value for kind, fate in ROUTE_ENTRIES.items()}
    stuff = values.get("material", "")
    return [
        (item.code, name_of(item), fates[item.fate])
        for item in registry().routes.values()
        if item.fate in fates and (not stuff or item.fits(stuff))
    ]


def _late(code: str, day: str) -> str:
    """In which month an entry of this day is booked, where its own is closed; else ""."""
    if len(day) < 7 or not day[:4].isdigit() or not day[5:7].isdigit():
        return ""
    month = int(day[:4]) * 100 + int(day[5:7])
    if not 1 <= month % 100 <= 12:
        return ""
    booked = booking_month(db=books().db, firms=[code], month=month)
    return booked_elsewhere(month, booked) if booked != month else ""
