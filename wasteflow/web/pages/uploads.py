"""`/uploads`: send a file, say how it is read, see what was understood, publish, look back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound, UnusableFile, WasteflowError
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.uploads import (
    CHECK,
    PUBLISH,
    go_on,
    issue_text,
    kinds_for,
    take_upload,
)
from wasteflow.services.work import READY, Job, cancel_job, get_job, list_jobs
from wasteflow.services.work_files import find_file, pieces_of
from wasteflow.web.access import books, books_seen
from wasteflow.web.api.imports import download
from wasteflow.web.api.templates import template_response
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_words import firm, material, route, tonnes
from wasteflow.web.permits import needs
from wasteflow.web.texts import has_text, lang, text
from wasteflow.web.uploading import (
    owner_of,
    readable_uploads,
    senders_of,
    subject_of_upload,
    upload_bytes,
)

blueprint = Blueprint("uploads", __name__)
LISTED: Final = 200
TONES: Final[Mapping[str, str]] = {
    "arriving": "open",
    "waiting": "info",
    "running": "info",
    "ready": "warn",
    "done": "good",
    "refused": "bad",
    "failed": "bad",
    "cancelled": "open",
}


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "import.read")
    return actor


def _sender() -> Actor:
    """Who may send something for somebody."""
    actor = _actor()
    if not senders_of(actor):
        raise Denied(Verdict.NOT_ONES_RIGHT, "import.write")
    return actor


def _job(uid: UUID, right: str) -> Job:
    actor = _actor()
    job = get_job(db=books().db, uid=str(uid))
    if job.kind != "import":
        raise NotFound("record_unknown", value=str(uid))
    require(actor, right, subject_of_upload(job.organisation))
    return job


@blueprint.get("/uploads", endpoint="index")
@needs("import.read")
def show_list() -> str:
    """Files of one's organisations: who, when, what, how far."""
    actor = _actor()
    found = list_jobs(
        db=books().db,
        kind="import",
        organisations=readable_uploads(actor),
        account_id=actor.user_id,
        limit=LISTED,
    )
    return render_template(
        "uploads.html",
        jobs=[_shown(job) for job in found],
        may_send=bool(senders_of(actor)),
    )


@blueprint.get("/uploads/new", endpoint="new")
@needs("import.write")
def show_new() -> Response:
    """The form to send a file."""
    return _form("")


@blueprint.post("/uploads/new", endpoint="save")
@needs("import.write")
def save() -> Response:
    """Take the file; what becomes of it is on its page."""
    actor = _sender()
    try:
        form = request.form
    except RequestEntityTooLarge:
        return _form(text("uploads.too_large", limit=upload_bytes() // 2**20), 413)
    owner = owner_of(actor, form.get("organisation", ""))
    require(actor, "import.write", subject_of_upload(owner.organisation))
    file = request.files.get("file")
    if file is None or not file.filename:
        return _form(text("uploads.no_file"), 422)
    options: dict[str, Any] = {"lang": lang()}
    if form.get("encoding") in ("utf-8", "gb18030"):
        options["encoding"] = form["encoding"]
    try:
        job = take_upload(
            db=books().db,
            kind=form.get("kind", ""),
            filename=file.filename,
            pieces=pieces_of(file.stream),
            owner=owner,
            options=options,
            now=now(),
            most_bytes=upload_bytes(),
        )
    except (UnusableFile, WasteflowError) as error:
        return _form(error.text(lang()), 422)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


def _form(problem: str, status: int = 200) -> Response:
    actor = _sender()
    asked = "kind" if status == 413 else request.form.get("kind", request.args.get("kind", ""))
    kinds = kinds_for(db=books().db, actor=actor)
    body = render_template(
        "upload_new.html",
        kinds=[(kind, text(f"uploads.kind.{kind}")) for kind in kinds],
        chosen=asked if asked in kinds else next(iter(kinds), ""),
        senders=[(code, _organisation(code)) for code in senders_of(actor)],
        problem=problem,
        limit=upload_bytes() // 2**20,
    )
    return make_response(body, status)


@blueprint.get("/uploads/<uuid:uid>", endpoint="one")
@needs("import.read")
def show_one(uid: UUID) -> Response:
    """Where a file stands and what is to be done next."""
    return _page(_job(uid, "import.read"))


def _page(job: Job, problem: str = "", status: int = 200) -> Response:
    view = _shown(job)
    stage = job.result.get("stage", "") if job.state in ("ready", "refused", "done") else ""
    body = render_template(
        "upload.html",
        job=view,
        stage=stage,
        mapping=_mapping(job) if job.state == READY else None,
        preview=_preview(job) if stage in ("checked", "refused", "published") else None,
        may_change=not job.over and bool(senders_of(_actor())),
        problem=problem,
        live=job.state in ("waiting", "running", "arriving"),
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/uploads/<uuid:uid>/check", endpoint="check")
@needs("import.write")
def check(uid: UUID) -> Response:
    """Check the file again with what was told of its columns."""
    job = _job(uid, "import.write")
    told: dict[str, Any] = {"columns": {}, "fixed": {}, "lang": lang()}
    header = job.result.get("layout", {}).get("header", [])
    for place, title in enumerate(header):
        name = request.form.get(f"column-{place}")
        if name is not None and title:
            told["columns"][title] = name
    for name in [item.name for item in columns_of(job.subject)]:
        value = request.form.get(f"fixed-{name}", "").strip()
        if value:
            told["fixed"][name] = value
    row = request.form.get("header_row", "")
    moved = row.isascii() and row.isdigit() and int(row[:7]) != job.result["layout"]["header_row"]
    sheet = request.form.get("sheet", "")
    encoding = request.form.get("encoding", "")
    other = moved or sheet != job.result["layout"]["sheet"]
    other = other or encoding not in ("", job.result["layout"]["encoding"])
    if other:  # another table: what was told of the columns of this one does not hold
        told["columns"] = None
    told |= {"sheet": sheet, "header_row": int(row[:7]) if moved else 0}
    if not moved and not other:
        told["header_row"] = job.result["layout"]["header_row"]
    if encoding in ("utf-8", "gb18030"):
        told["encoding"] = encoding
    return _go(job, "look" if other else CHECK, told)


@blueprint.post("/uploads/<uuid:uid>/publish", endpoint="publish")
@needs("import.write")
def publish(uid: UUID) -> Response:
    """Put the checked rows into the books."""
    job = _job(uid, "import.write")
    if job.state != READY or job.result.get("stage") != "checked":
        return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))
    return _go(job, PUBLISH, {})


@blueprint.post("/uploads/<uuid:uid>/cancel", endpoint="cancel")
@needs("import.write")
def cancel(uid: UUID) -> Response:
    """Stop it."""
    job = _job(uid, "import.write")
    try:
        cancel_job(db=books().db, uid=job.uid, now=now())
    except WasteflowError as error:
        return _page(get_job(db=books().db, uid=job.uid), error.text(lang()), 409)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


def _go(job: Job, step: str, told: Mapping[str, Any]) -> Response:
    try:
        go_on(db=books().db, job=job, step=step, told=told, now=now())
    except WasteflowError as error:
        return _page(get_job(db=books().db, uid=job.uid), error.text(lang()), 409)
    return make_response(redirect(url_for("uploads.one", uid=job.uid), 303))


@blueprint.get("/uploads/<uuid:uid>/errors", endpoint="errors")
@needs("import.read")
def errors(uid: UUID) -> Response:
    """The file back with its reasons."""
    job = _job(uid, "import.read")
    return download(find_file(db=books().db, uid=job.uid, role="errors"))


@blueprint.get("/uploads/templates/<kind>.xlsx", endpoint="template")
@needs("import.write")
def template(kind: str) -> Response:
    """The workbook to fill in."""
    return template_response(kind, _sender())


# --- what the pages show ---------------------------------------------------------------------


def _organisation(code: str) -> str:
    registry = books_seen().registry
    if code in registry.parks:
        park = registry.parks[code]
        return park.name_en if lang() == "en" and park.name_en else park.name_zh
    return firm(code) if code else text("uploads.system")


def _shown(job: Job) -> dict[str, Any]:
    """A file as a row of the list and the head of its page."""
    sums = job.result.get("sums", {})
    main = next((name for name in ("dispatched_t", "tonnes", "accepted_t") if name in sums), "")
    rate, left = job.rate, job.remaining_s
    return {
        "uid": job.uid,
        "kind": text(f"uploads.kind.{job.subject}"),
        "filename": job.filename,
        "organisation": _organisation(job.organisation),
        "by": job.login,
        "at": job.created_at.isoformat(),
        "state": _state(job),
        "tone": TONES.get(job.state, "open"),
        "rows": job.result.get("rows"),
        "tonnes": tonnes(sums[main]) if main else "",
        "errors": job.state == "refused",
        "error": job.error_text(lang()),
        "done": job.done,
        "total": job.total,
        "percent": min(100, 100 * job.done // job.total) if job.total > 0 else None,
        "rate": f"{rate:,.0f}" if rate else "",
        "remaining": _span(left) if left is not None else "",
        "again": job.attempts > 1,
        "cancelling": job.cancel_asked and not job.over,
        "step": text(f"uploads.step.{job.step}") if job.step else "",
    }


def _state(job: Job) -> str:
    if job.state == READY:
        stage = job.result.get("stage", "checked")
        return text(f"uploads.stage.{stage}")
    return text(f"uploads.state.{job.state}")


def _span(seconds: float) -> str:
    if seconds < 60:
        return text("uploads.seconds", number=max(1, round(seconds)))
    return text("uploads.minutes", number=round(seconds / 60))


def _titles(kind: str) -> dict[str, str]:
    return {
        item.name: item.label_zh if lang() == "zh" else _english(item.name)
        for item in columns_of(kind)
    }


def _english(name: str) -> str:
    """The English title of a column."""
    key = f"field.{name}"
    return text(key) if has_text(key) else name.replace("_", " ").capitalize()


def _mapping(job: Job) -> dict[str, Any]:
    """How the file is read, as a form; the parts nobody knows stand first."""
    layout = job.result["layout"]
    unread = set(job.result.get("unread", []))
    titles = _titles(job.subject)
    sample = _samples(job)
    columns = [
        {
            "place": place,
            "title": title,
            "column": name,
            "unknown": title in unread,
            "sample": [row[place] for row in sample if place < len(row)][:3],
        }
        for place, (title, name) in enumerate(zip(layout["header"], layout["columns"], strict=True))
        if title
    ]
    missing = job.result.get("missing", [])
    return {
        "columns": sorted(columns, key=lambda item: not item["unknown"]),
        "choices": list(titles.items()),
        "missing": [
            {
                "name": name,
                "title": titles[name],
                "value": layout["fixed"].get(name, _usual(job, name)),
                "choices": _fixed_choices(job, name),
            }
            for name in [*missing, *(n for n in layout["fixed"] if n not in missing)]
        ],
        "sheets": [item for item in job.result.get("sheets", []) if item["name"]],
        "sheet": layout["sheet"],
        "header_row": layout["header_row"],
        "encoding": layout["encoding"],
        "sample": job.result.get("sample_text", []),
    }


def _usual(job: Job, name: str) -> str:
    """Offered where a file says nothing: loads and records of one's own firm."""
    own = (
        name in ("consignor", "enterprise")
        and job.organisation in books_seen().registry.enterprises
    )
    return job.organisation if own else ""


def _samples(job: Job) -> list[list[str]]:
    head = job.result["layout"]["header_row"]
    return [cells for number, cells in job.result.get("sample_text", []) if number > head]


def _fixed_choices(job: Job, name: str) -> list[tuple[str, str]]:
    """What a column that the file lacks may be for every row, where that is a short list."""
    registry = books_seen().registry
    if name == "material":
        return [(code, material(code)) for code in sorted(registry.materials)]
    if name == "route":
        return [(code, route(code)) for code in sorted(registry.routes)]
    if name in ("consignor", "enterprise") and job.organisation in registry.enterprises:
        return [(job.organisation, firm(job.organisation))]
    return []


def _preview(job: Job) -> dict[str, Any]:
    """What was understood: counts, sums, first rows, rows left out, first wrong rows."""
    result, titles = job.result, _titles(job.subject)
    shown = result.get("shown", [])
    names = [name for name in titles if any(item["values"].get(name) for item in shown)]
    report = result.get("report", {})
    warnings = [
        {
            "rows": item["rows"],
            "line": item["examples"][0]["line"],
            "message": item["examples"][0]["message" if lang() == "zh" else "message_en"],
        }
        for item in report.get("warnings", [])
        if item["examples"]
    ]
    return {
        "rows": result.get("rows", 0),
        "sums": [(titles[name], tonnes(value)) for name, value in result.get("sums", {}).items()],
        "report": report,
        "names": [(name, titles[name]) for name in names],
        "shown": shown,
        "skipped": [
            (line, text(f"uploads.role.{role}"), words) for line, role, words in
            result.get("skipped", [])
        ],
        "skipped_count": result.get("skipped_count", 0),
        "warnings": warnings,
        "bad_rows": result.get("bad_rows", 0),
        "issue_count": result.get("issue_count", 0),
        "issues": [
            {
                "line": item["line"],
                "title": titles.get(item["field"], item["field"]),
                "value": item["value"],
                "text": issue_text(item, lang()),
            }
            for item in result.get("issues", [])
        ],
    }  # fmt: skip
