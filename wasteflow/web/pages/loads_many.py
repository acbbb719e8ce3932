"""`/loads/corrections`: a file of corrections shown before and after, then proposed.

Many are proposed in the background, on a page of their own.

Nothing is kept between the two: the page carries what it shows, the service judges it anew.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request, url_for
from msgspec import Struct

from wasteflow.core.actors import Role
from wasteflow.core.errors import RowIssue, UnusableFile, WasteflowError
from wasteflow.core.messages import render
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.schemas.correction_rows import COLUMNS, MOST, Correction
from wasteflow.services.live.many import (
    RIGHT,
    Corrected,
    Wanted,
    preview_corrections,
    propose_corrections,
)
from wasteflow.services.live.many_job import (
    MANY,
    ask_corrections,
    own_corrections,
    recent_corrections,
)
from wasteflow.services.work import DONE, FAILED, Job
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_corrected import booked_words
from wasteflow.web.pages.loads_moves import CHANNEL
from wasteflow.web.pages.loads_words import field_label, firm, problems_of, remark_words
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.uploads_view import TONES
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, text
from wasteflow.web.uploading import CORRECTION_BYTES

SHOWN_ISSUES: Final = 50
_OVER: Final = {DONE: "many.job_done", FAILED: "many.job_failed"}
"""What is said of a job that is over; the rest is worded as for uploads."""
_STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
_EXAMPLE: Final = ("W20260100000001", "", "dispatched_t", "30.120", "")


class Line(Struct, frozen=True):
    """One load in words: number, page, (field, before, after), who is asked, what is wrong."""

    number: str
    url: str
    changes: tuple[tuple[str, str | None, str | None], ...]
    why: str
    state: str
    tone: str
    told: tuple[str, ...] = ()


def show() -> Response:
    """The form, or the empty file to fill in."""
    _staff()
    if wants_file():
        return rows_file([dict(zip(COLUMNS, _example(), strict=True))], "corrections")
    return _page()


def _example() -> tuple[str, ...]:
    """A row that shows how it is filled in: its number is nobody's."""
    return (*_EXAMPLE[:-1], text("many.example_why"))


def _staff() -> None:
    """Nobody else proposes anything, whatever the load."""
    actor = current_actor()
    if actor is None or not actor.organisations(*_STAFF):
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)


def check() -> Response:
    """What the file would change, load by load; nothing is written."""
    _staff()
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(problem=text("uploads.no_file"), status=422)
    content = file.stream.read(CORRECTION_BYTES + 1)
    if len(content) > CORRECTION_BYTES:
        problem = text("many.too_large", limit=CORRECTION_BYTES // 2**20)
        return _page(problem=problem, status=413)
    try:
        items, issues = _read(content, file.filename)
    except UnusableFile as error:
        return _page(problem=error.text(lang()), status=422)
    found = preview_corrections(
        db=books().db,
        actor=current_actor(),
        wanted=[Wanted(item.doc_no, item.changes, item.why, item.consignor) for item in items],
        now=now(),
        tolerance=books().config.tolerance,
    )
    good = [item for item in found if item.problem is None]
    return _page(
        lines=[_previewed(item) for item in found],
        issues=issues,
        good=len(good),
        carried=json.dumps([_carried(item) for item in good], ensure_ascii=False),
    )


def _read(content: bytes, filename: str) -> tuple[list[Correction], list[RowIssue]]:
    from wasteflow.importing.corrections import open_corrections  # spreadsheets take their time

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corrections"
        path.write_bytes(content)
        return open_corrections(path, filename)


def send() -> Response:
    """Propose what the page showed; each load stands alone."""
    _staff()
    try:
        wanted = _back(request.form.get("rows", ""))
    except (ValueError, TypeError, KeyError):
        return _page(problem=WasteflowError("corrections_lost").text(lang()), status=422)
    if len(wanted) > MANY:
        return _in_background(wanted)
    found = propose_corrections(
        db=books().db,
        actor=current_actor(),
        wanted=wanted,
        now=now(),
        channel=CHANNEL,
        tolerance=books().config.tolerance,
    )
    done = sum(item.problem is None for item in found)
    return _page(lines=[_proposed(item) for item in found], done=done, failed=len(found) - done)


def _in_background(wanted: Sequence[Wanted]) -> Response:
    """Let a worker propose them; its page shows how far it is."""
    actor = current_actor()
    assert actor is not None  # `_staff` has refused nobody
    job = ask_corrections(db=books().db, actor=actor, items=wanted, channel=CHANNEL, now=now())
    return make_response(redirect(url_for("loads.corrections_job", uid=job.uid), 303))


def show_job(uid: UUID) -> Response:
    """How far one's own corrections are; what became of each."""
    _staff()
    job = own_corrections(db=books().db, actor=current_actor(), uid=uid)
    if job.state != DONE:
        return _page(job=job_row(job), problem=job.error_text(lang()))
    told = job.result
    lines = [_told(item) for item in told["results"]]
    return _page(lines=lines, done=told["proposed"], failed=told["failed"], job=job_row(job))


def _carried(item: Corrected) -> dict[str, Any]:
    asked = item.wanted
    return {
        "doc_no": asked.doc_no,
        "consignor": asked.consignor,
        "changes": dict(asked.changes),
        "why": asked.why,
        "version": item.version,
    }


def _back(rows: str) -> list[Wanted]:
    """What the page carried; ValueError, TypeError or KeyError where it is not that."""
    found = []
    for item in json.loads(rows):
        texts = [item["doc_no"], item["why"], item["consignor"]]
        changes, version = item["changes"], item["version"]
        if not all(isinstance(one, str) for one in (*texts, *changes, *changes.values())):
            raise TypeError
        if not isinstance(version, int):
            raise TypeError
        found.append(Wanted(texts[0], changes, texts[1], texts[2], version))
    if not 0 < len(found) <= MOST:
        raise ValueError
    return found


# --- in words ----------------------------------------------------------------------------------


def _previewed(item: Corrected) -> Line:
    change = item.change
    if change is None:
        return _refused(item)
    asked = text("list.comma").join(firm(code) for code in change["asked"])
    state = text("many.asks", firms=asked) if asked else text("many.at_once")
    told = [booked_words(change["month"], change["booked"]), *remark_words(item.warnings)]
    return _line(item, change, state, "info", tuple(filter(None, told)))


def _proposed(item: Corrected) -> Line:
    revision = item.revision
    if revision is None:
        return _refused(item)
    waits = revision["status"] == "pending"
    state, tone = text("many.waits" if waits else "many.in_force"), "open" if waits else "good"
    return _line(item, revision, state, tone, tuple(remark_words(item.warnings)))


def _told(view: Mapping[str, Any]) -> Line:
    """What a job tells of one correction."""
    changes = tuple(
        (name, view["before"].get(name), value) for name, value in view["after"].items()
    )
    url = url_for("loads.one", uid=view["shipment"]) if view["shipment"] else ""
    problem, warnings = view["problem"], [item[lang()] for item in view["warnings"]]
    if problem is None:
        waits = view["status"] == "pending"
        state, tone = text("many.waits" if waits else "many.in_force"), "open" if waits else "good"
    else:
        state, tone = text("many.refused"), "bad"
        fields = [(item["pointer"].removeprefix("/"), item[lang()]) for item in problem["errors"]]
        warnings = [f"{field_label(name)}: {words}" for name, words in fields] or [problem[lang()]]
    return Line(view["doc_no"], url, changes, view["why"], state, tone, tuple(warnings))


def job_row(job: Job) -> dict[str, Any]:
    """Corrections in the background as the page shows them."""
    total = job.total or len(job.options["items"])
    return {
        "url": url_for("loads.corrections_job", uid=job.uid),
        "at": job.created_at.isoformat(),
        "state": text(_OVER.get(job.state, f"uploads.state.{job.state}")),
        "tone": TONES.get(job.state, "open"),
        "live": not job.over,
        "done": job.done,
        "total": total,
        "percent": min(100, 100 * job.done // total),
        "again": job.attempts > 1,
    }


def _recent() -> list[dict[str, Any]]:
    actor = current_actor()
    return [job_row(job) for job in recent_corrections(db=books().db, actor=actor)] if actor else []


def _line(
    item: Corrected, change: Mapping[str, Any], state: str, tone: str, told: tuple[str, ...]
) -> Line:
    changes = tuple(
        (name, change["before"].get(name), value) for name, value in change["after"].items()
    )
    return Line(item.wanted.doc_no, _url(item), changes, item.wanted.why, state, tone, told)


def _refused(item: Corrected) -> Line:
    assert item.problem is not None
    by_field, whole = problems_of(item.problem)
    told = [f"{field_label(name)}：{words}" if lang() == "zh" else f"{field_label(name)}: {words}"
            for name, words in by_field.items()]  # fmt: skip
    changes = tuple((name, None, value) for name, value in item.wanted.changes.items())
    words = (*whole, *told)
    return Line(
        item.wanted.doc_no, _url(item), changes, item.wanted.why, text("many.refused"), "bad", words
    )


def _reason(issue: RowIssue) -> str:
    """What is wrong with a row of the file, with the title of its column."""
    title = COLUMNS[issue.field] if lang() == "zh" else issue.field
    words = render(issue.code, lang(), {"field": issue.field, "value": issue.value, **issue.params})
    return f"{title}：{words}" if lang() == "zh" else f"{title}: {words}"


def _url(item: Corrected) -> str:
    return url_for("loads.one", uid=item.uid) if item.uid is not None else ""


def _page(
    *,
    problem: str = "",
    status: int = 200,
    lines: Sequence[Line] = (),
    issues: Sequence[RowIssue] = (),
    good: int = 0,
    carried: str = "",
    done: int = 0,
    failed: int = 0,
    job: Mapping[str, Any] | None = None,
) -> Response:
    titles = [(key, label if lang() == "zh" else key) for key, label in COLUMNS.items()]
    body = render_template(
        "load_corrections.html",
        problem=problem,
        lines=lines,
        issues=[(issue.line, _reason(issue)) for issue in issues[:SHOWN_ISSUES]],
        issue_count=len(issues),
        good=good,
        shown_rows=carried,
        done=done,
        failed=failed,
        job=job,
        recent=[] if lines or job else _recent(),
        titles=titles,
        most=MOST,
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response
