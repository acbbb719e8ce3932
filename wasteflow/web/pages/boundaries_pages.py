"""`/boundaries`: outlines of one's parks, a file of new ones, both on a map, then saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import RequestEntityTooLarge

from wasteflow.core.actors import Actor
from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.core.permissions import Denied
from wasteflow.outline_files import OutlineFile, digests, keep_outlines
from wasteflow.services.outlines import OutlineVersion, outline_versions
from wasteflow.services.work import cancel_job
from wasteflow.services.work_files import pieces_of
from wasteflow.web.access import books, books_seen
from wasteflow.web.assets import themed_url
from wasteflow.web.identity import current_actor, now
from wasteflow.web.outlines_in import (
    RIGHT,
    day_of,
    keep_upload,
    kept_upload,
    outlines_in,
    parks_of,
    wanted_of,
)
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.permits import needs
from wasteflow.web.report_files import rows_file
from wasteflow.web.security import nonce
from wasteflow.web.texts import lang, name_of, text, theme
from wasteflow_maps.geo_crs import SYSTEMS, ZONES
from wasteflow_maps.geo_places import Found, Outline
from wasteflow_maps.geo_unpack import MAX_BYTES

blueprint = Blueprint("boundaries", __name__)
_NAMED: Final = 6
_ASKED: Final = {"geo_crs_needed": "crs", "geo_which_layer": "layer", "geo_which_column": "column"}
"""What a good file may leave open → the field that answers it: a question, not a fault."""


def _actor() -> Actor:
    actor = current_actor()
    parks_of(actor)
    assert actor is not None
    return actor


@blueprint.get("/boundaries", endpoint="index")
@needs(RIGHT)
def show() -> Response:
    """One's parks with the outline each has, and the form for a file; as a file every version."""
    if wants_file():
        mine = set(parks_of(_actor()))
        held = outline_versions(db=books().db)
        return rows_file((_told(item) for item in held if item.park in mine), "outlines")
    return _list()


def _told(item: OutlineVersion) -> dict[str, Any]:
    """A version of an outline without its corners, which are geodata."""
    return {
        "park": item.park,
        "version": item.number,
        "area_km2": round(item.area_m2 / 1e6, 4),
        "crs": item.system,
        "source": item.source,
        "licence": item.licence,
        "dated": item.dated,
        "filename": item.filename,
        "notes": item.notes,
        "by": item.login,
        "at": item.at,
    }


def _list(problem: str = "", status: int = 200) -> Response:
    actor = _actor()
    registry = books_seen().registry
    newest: dict[str, Any] = {}
    for item in outline_versions(db=books().db):
        newest.setdefault(item.park, item)
    rows = [
        {
            "code": code,
            "name": name_of(registry.parks[code]),
            "has": bool(registry.parks[code].boundary),
            "version": newest.get(code),
        }
        for code in parks_of(actor)
    ]
    body = render_template("boundaries.html", rows=rows, problem=problem, limit=MAX_BYTES // 10**6)
    return _answer(body, status)


def _answer(body: str, status: int = 200) -> Response:
    response = make_response(body, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/boundaries", endpoint="upload")
@needs(RIGHT)
def upload() -> Response:
    """Take a file; its page shows what is in it."""
    actor = _actor()
    try:
        file = request.files.get("file")
    except RequestEntityTooLarge:
        return _list(
            UnusableFile("geo_too_large", file="", limit=MAX_BYTES // 10**6).text(lang()), 413
        )
    if file is None or not file.filename:
        return _list(text("uploads.no_file"), 422)
    try:
        job = keep_upload(actor, b"".join(pieces_of(file.stream)), file.filename, now())
    except UnusableFile as error:
        return _list(error.text(lang()), 422)
    return make_response(redirect(url_for("boundaries.one", uid=job.uid), 303))


@blueprint.get("/boundaries/<uuid:uid>", endpoint="one")
@needs(RIGHT)
def show_one(uid: UUID) -> Response:
    """What the file gives under the settings of the address, beside what is there."""
    return _preview(uid)


def _preview(uid: UUID, problem: str = "", status: int = 200) -> Response:
    actor = _actor()
    _, file = kept_upload(actor, uid, now())
    given = request.values
    found: Found | None = None
    ask: dict[str, Any] | None = None
    try:
        found = outlines_in(file, wanted_of(given), actor)
    except UnusableFile as error:
        ask = None if problem else _question(uid, file, given, error)
        problem = problem or ("" if ask else error.text(lang()))
    registry = books_seen().registry
    parks = parks_of(actor)
    shown = found.outlines if found else ()
    body = render_template(
        "boundary.html",
        uid=uid,
        file=file,
        given=given,
        systems=[name for name in SYSTEMS if name not in ZONES],
        zones=list(ZONES.values()),
        columns=_columns(file, given.get("layer", "")),
        parks=[(code, name_of(registry.parks[code])) for code in parks],
        rows=[_row(item) for item in shown],
        found=found,
        unmatched=_unmatched(found),
        seen=json.dumps(digests(registry, [item.park for item in shown]), sort_keys=True),
        problem=problem,
        ask=ask,
        source=given.get("source", ""),
    )
    return _answer(body, status)


def _question(
    uid: UUID, file: OutlineFile, given: Mapping[str, str], error: UnusableFile
) -> dict[str, Any] | None:
    """What is still to be told of the file, with its answers; None for a fault of the file."""
    name = _ASKED.get(error.code, "")
    if not name or given.get(name):
        return None
    layer = given.get("layer", "")
    answers = {
        "crs": str(error.params.get("likely", "")).split() or SYSTEMS[:4],
        "layer": [item.name for item in file.layers],
        "column": _columns(file, layer),
    }
    told: dict[str, Any] = {
        key: given[key] for key in ("crs", "layer", "column", "park") if given.get(key)
    }
    return {
        "name": name,
        "answers": [
            (answer, url_for("boundaries.one", uid=uid, **told | {name: answer}))
            for answer in answers[name]
        ],
    }


def _columns(file: OutlineFile, layer: str) -> list[str]:
    return list(
        dict.fromkeys(
            column
            for item in file.layers
            if not layer or item.name == layer
            for column in item.columns
        )
    )


def _unmatched(found: Found | None) -> str:
    if found is None:
        return ""
    values = [value or "–" for _, value in found.unmatched]
    return ", ".join(values[:_NAMED]) + (" …" if len(values) > _NAMED else "")


def _row(item: Outline) -> dict[str, Any]:
    park = books_seen().registry.parks[item.park]
    return {
        "name": name_of(park),
        "code": item.park,
        "area": f"{item.area_m2 / 1e6:,.3f}",
        "corners": item.corners,
        "features": len(item.features),
        "notes": "、".join(text(f"geo.note.{note}") for note in item.notes)
        if lang() == "zh"
        else ", ".join(text(f"geo.note.{note}") for note in item.notes),
        "changed": text("geo.first") if item.changed is None else f"{100 * item.changed:.2f} %",
        "shift": "–" if item.shift_m is None else f"{item.shift_m:,.0f}",
        "away": "–" if item.away_km is None else f"{item.away_km:,.1f}",
    }


@blueprint.get("/boundaries/<uuid:uid>/map", endpoint="frame")
@needs(RIGHT)
def frame(uid: UUID) -> Response:
    """Old and new outlines on a map."""
    from wasteflow_maps.outline_map import render_outlines

    actor = _actor()
    _, file = kept_upload(actor, uid, now())
    try:
        found = outlines_in(file, wanted_of(request.args), actor)
    except UnusableFile as error:
        return _preview(uid, error.text(lang()), 422)
    parks = books_seen().registry.parks
    pairs = [
        (
            name_of(parks[item.park]),
            json.loads(parks[item.park].boundary) if parks[item.park].boundary else None,
            item.geometry,
        )
        for item in found.outlines
    ]
    return _answer(
        render_outlines(
            pairs,
            lang=lang(),
            theme=theme(),
            asset_url=lambda name: themed_url(name, theme()),
            nonce=nonce(),
        )
    )


@blueprint.post("/boundaries/<uuid:uid>/save", endpoint="save")
@needs(RIGHT)
def save(uid: UUID) -> Response:
    """Keep the outlines that were shown."""
    actor = _actor()
    job, file = kept_upload(actor, uid, now())
    form = request.form
    try:
        seen = json.loads(form.get("seen", "{}"))
        found = outlines_in(file, wanted_of(form), actor)
        changed = keep_outlines(
            db=books().db,
            file=file,
            found=found,
            now=now(),
            source=form.get("source", ""),
            licence=form.get("licence", ""),
            dated=day_of(form.get("dated", "")),
            login=actor.login,
            expected={item.park: str(seen.get(item.park, "-")) for item in found.outlines},
        )
    except Denied:
        raise
    except (WasteflowError, ValueError, AttributeError) as error:
        words = error.text(lang()) if isinstance(error, WasteflowError) else text("geo.unchanged")
        return _preview(uid, words, 422)
    cancel_job(db=books().db, uid=job.uid, now=now())
    flash(text("geo.saved", number=len(changed)) if changed else text("geo.unchanged"))
    return make_response(redirect(url_for("boundaries.index"), 303))
