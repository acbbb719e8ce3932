"""`/scenarios/new`, `/scenarios/<id>/edit`, `/delete`: the form, which works without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from wasteflow.core.actors import Role
from wasteflow.core.errors import FieldsRefused, WasteflowError
from wasteflow.core.reach import subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.core.scenarios.blocks import FIELDS, MOST_BLOCKS, PRICES
from wasteflow.core.scenarios.project import MOST_YEARS
from wasteflow.core.scenarios.projects import PROJECTS, project_block
from wasteflow.core.vocabulary import Fate
from wasteflow.services.registry_objects import ObjectChanged
from wasteflow.services.scenarios import (
    Draft,
    change_scenario,
    create_scenario,
    delete_scenario,
    get_scenario,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.identity import address, current_actor, now, reach
from wasteflow.web.pages.picking import code_of, firms_to_pick
from wasteflow.web.pages.view import Form, default_period, form_of
from wasteflow.web.permits import may
from wasteflow.web.texts import lang, name_of, text

LISTS: Final = ("materials", "routes")
_WORDS: Final = {Role.PLANNER: "region", Role.PARK_MANAGER: "park"}
Raw = dict[str, Any]


def new() -> Response:
    """An empty form, or what was typed into it, saved where it says so."""
    if request.method == "POST":
        return _posted(None)
    held = books_seen()
    period = default_period(held)
    raw: Raw = {
        "scope": request.args.get("scope", "") or reach().default,
        "base": period.text if period else "",
        "material": request.args.get("material", ""),
        "years": "0",
        "blocks": [],
    }
    return _form(raw, None)


def edit(uid: UUID) -> Response:
    """The form of a scenario."""
    item = get_scenario(db=books().db, uid=str(uid), actor=current_actor())
    if request.method == "POST":
        return _posted(str(uid))
    draft = item.draft
    raw: Raw = {
        "name": draft.name,
        "note": draft.note,
        "scope": draft.scope,
        "base": draft.base,
        "material": draft.material,
        "years": str(draft.years),
        "fill": draft.fill,
        "version": str(item.version),
        "blocks": [dict(block) for block in draft.blocks],
    }
    return _form(raw, str(uid))


def remove(uid: UUID) -> Response:
    """Delete a scenario."""
    actor = current_actor()
    assert actor is not None
    version = request.form.get("version", "") or "0"
    try:
        delete_scenario(
            db=books().db,
            uid=str(uid),
            version=version,
            actor=actor,
            now=now(),
            address=address(),
        )
    except ObjectChanged:
        flash(text("scenario.stale"), "warn")
        return _to("pages.scenario", uid=uid)
    flash(text("scenario.deleted"), "done")
    return _to("pages.scenarios")


def _to(endpoint: str, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, **values), 303))


def _posted(uid: str | None) -> Response:
    """Save, or add and remove blocks and show the form again."""
    raw, do = _typed(), request.form.get("do", "save")
    if do == "add":
        _add_block(raw, request.form.get("add", ""))
        return _form(raw, uid)
    if do.startswith("remove-"):
        number = do.removeprefix("remove-")
        if number.isdigit() and int(number) < len(raw["blocks"]):
            raw["blocks"].pop(int(number))
        return _form(raw, uid)
    actor = current_actor()
    assert actor is not None
    years = raw["years"]
    draft = Draft(
        raw["scope"],
        raw["name"],
        raw["base"],
        raw["note"],
        raw["material"],
        int(years) if years.isascii() and years.isdigit() and len(years) < 4 else -1,
        bool(raw["fill"]),
        tuple(raw["blocks"]),
    )
    try:
        if uid is None:
            item = create_scenario(
                db=books().db, draft=draft, actor=actor, now=now(), address=address()
            )
        else:
            item = change_scenario(
                db=books().db,
                uid=uid,
                draft=draft,
                version=raw["version"] or "0",
                actor=actor,
                now=now(),
                address=address(),
            )
    except FieldsRefused as error:
        faults = {issue.pointer: issue.text(lang()) for issue in error.issues}
        return _form(raw, uid, faults, 422)
    except ObjectChanged as error:
        return _form({**raw, "version": error.version}, uid, {"": text("scenario.stale")}, 409)
    flash(text("scenario.saved"), "done")
    return _to("pages.scenario", uid=item.uid)


def _typed() -> Raw:
    """The form as it was typed; names of firms and facilities become their codes."""
    form, registry = request.form, books_seen().registry
    blocks: list[Raw] = []
    for number in range(MOST_BLOCKS + 1):
        kind = form.get(f"b-{number}-kind")
        if kind is None:
            break
        block: Raw = {"kind": kind}
        for name in FIELDS.get(kind, ()):
            key = f"b-{number}-{name}"
            if name in LISTS:
                block[name] = [code for code in form.getlist(key) if code]
            else:
                block[name] = _code_of(registry, name, form.get(key, "").strip())
        blocks.append({name: value for name, value in block.items() if value not in ("", [])})
    return {
        name: form.get(name, "").strip()
        for name in ("name", "note", "scope", "base", "material", "years", "fill", "version")
    } | {"blocks": blocks}


def _code_of(registry: Registry, name: str, typed: str) -> str:
    """The code of a firm or facility that was named by its name."""
    table: Mapping[str, Any] = {
        "enterprise": registry.enterprises,
        "facility": registry.facilities,
    }.get(name, {})
    return code_of(table, typed) if table else typed


def _add_block(raw: Raw, what: str) -> None:
    registry = books_seen().registry
    if what in FIELDS:
        raw["blocks"].append({"kind": what})
    for project in PROJECTS:
        if what == f"project:{project.code}":
            block = project_block(project, registry)
            if block is not None:
                raw["blocks"].append(block)


def _form(
    raw: Raw, uid: str | None, faults: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    held = books_seen()
    registry = held.registry
    form = form_of(held, reach(), raw["scope"], raw["base"], raw["material"])
    body = render_template(
        "scenario_form.html",
        raw=raw,
        uid=uid,
        faults=faults or {},
        form=form,
        scopes=list(_scopes(form, registry)),
        fields=FIELDS,
        years=range(MOST_YEARS + 1),
        materials=[(code, name_of(item)) for code, item in registry.materials.items()],
        routes=[
            (code, name_of(item)) for code, item in registry.routes.items() if item.fate == Fate.USE
        ],
        parks=[(code, name_of(item)) for code, item in registry.parks.items()],
        targets=[(code, code) for code in registry.targets],
        prices=PRICES,
        firms=firms_to_pick(registry),
        facilities=[
            (code, item.name or code)
            for code, item in registry.facilities.items()
            if item.kind == Fate.USE
        ],
        projects=[(item, project_block(item, registry)) for item in PROJECTS],
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def may_plan() -> bool:
    """Whether the asker may make a scenario of some scope, for buttons."""
    actor, registry = current_actor(), books_seen().registry
    for item in actor.memberships if actor else ():
        scope = f"{_WORDS.get(item.role, 'enterprise')}:{item.organisation}"
        try:
            subject = subject_of_scope(registry, scope if item.organisation else "all")
        except WasteflowError:  # an organisation that is registered no more
            continue
        if may("scenario.write", subject):
            return True
    return False


def _scopes(form: Form, registry: Registry) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Scopes in which the asker may write scenarios, by group."""
    if may("scenario.write", subject_of_scope(registry, "all")):
        yield "", [("all", text("filter.all_scope"))]
    for group, choices in form.scopes:
        own = [
            (value, label)
            for value, label in choices
            if may("scenario.write", subject_of_scope(registry, value))
        ]
        if own:
            yield group, own
