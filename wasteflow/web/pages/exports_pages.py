"""`/exports`: ask for a file, see how far it is, fetch it until it expires."""

from __future__ import annotations

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

from wasteflow.core.errors import WasteflowError
from wasteflow.core.geodesy import CRS_NAMES
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied
from wasteflow.exports import GEO, GEO_ENDINGS, KEPT, KINDS, REPORTS, TABLE_ENDINGS, Export
from wasteflow.services.work import DONE, FAILED, Job
from wasteflow.web.exports_out import account_of, ask_export, export_content, own_exports
from wasteflow.web.files_out import download
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.view import read_view
from wasteflow.web.permits import needs
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, text

blueprint = Blueprint("exports", __name__)
FIRST: Final = ("shipments", "entries", "balances", "rates", "target_status", "geodata")
_LISTED: Final = ("kind", "filename", "state", "error", "rows", "size", "at", "until")
_LIVE: Final = ("arriving", "waiting", "running")


@blueprint.get("/exports", endpoint="index")
@needs("export.read")
def show() -> Response:
    """The form and one's own exports; the list of them as a file."""
    if request.args.get("part") == "list" and wants_file():
        held = own_exports(account_of(current_actor()), now())
        return rows_file(({name: _shown(job)[name] for name in _LISTED} for job in held), "exports")
    return _page()


@blueprint.post("/exports", endpoint="ask")
@needs("export.read")
def ask() -> Response:
    """Ask for a file."""
    actor = account_of(current_actor())
    form = request.form
    period = form.get("period_text", "").strip() or form.get("period", "")
    try:
        asked = Export(
            kind=form.get("kind", ""),
            ending=form.get("format", ""),
            scope=form.get("scope") or "all",
            period=Period.parse(period) if period else None,
            material=form.get("material", ""),
            encoding=form.get("encoding", "utf-8-sig"),
            crs=form.get("crs", CRS_NAMES[0]),
            lang=lang(),
        )
        ask_export(actor, asked, now())
    except Denied:
        raise
    except WasteflowError as error:
        return _page(error.text(lang()), 422)
    flash(text("export.started"))
    return make_response(redirect(url_for("exports.index"), 303))


@blueprint.get("/exports/<uuid:uid>/file", endpoint="file")
@needs("export.read")
def file(uid: UUID) -> Response:
    """The bytes."""
    try:
        return download(export_content(account_of(current_actor()), uid, now()))
    except Denied:
        raise
    except WasteflowError as error:
        return _page(error.text(lang()), 404 if error.code != "export_not_ready" else 409)


def _page(problem: str = "", status: int = 200) -> Response:
    actor = account_of(current_actor())
    jobs = own_exports(actor, now())
    first = [kind for kind in FIRST if kind]
    rest = [kind for kind in (*KINDS, *REPORTS, *GEO) if kind not in first]
    view = read_view()
    body = render_template(
        "exports.html",
        form=None if view.empty else view.form,
        kinds=[(kind, text(f"export.of.{kind}")) for kind in (*first, *rest)],
        formats=(*TABLE_ENDINGS, *GEO_ENDINGS),
        chosen=request.values.get("kind", ""),
        ending=request.values.get("format", "xlsx"),
        crs_names=CRS_NAMES,
        jobs=[_shown(job) for job in jobs],
        live=any(job.state in _LIVE for job in jobs),
        days=KEPT.days,
        problem=problem,
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _shown(job: Job) -> dict[str, Any]:
    size = job.result.get("size")
    tones = {DONE: "good", FAILED: "bad"}
    return {
        "uid": job.uid,
        "kind": text(f"export.of.{job.subject}"),
        "filename": job.filename,
        "state": text(f"export.state.{job.state}"),
        "tone": tones.get(job.state, "info"),
        "ready": job.state == DONE,
        "error": job.error_text(lang()),
        "rows": job.result.get("rows", job.done or None),
        "size": _size(size) if size is not None else "–",
        "at": job.created_at.isoformat(),
        "until": job.expires_at.isoformat(),
    }


def _size(size: int) -> str:
    """Bytes as people read them.

    >>> _size(900), _size(20_480), _size(5_000_000)
    ('1 KB', '20 KB', '4.8 MB')
    """
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB"
