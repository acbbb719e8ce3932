"""The handler of uploads: a file is looked at, checked, shown to its user, published, reported.

Each step begins with the bytes as they were handed in; nothing of a step that was killed is needed
by the next.  `options` say how the file is read, `result` what is shown:
`stage` mapping → checked → published, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wasteflow.config import load_config
from wasteflow.core.actors import Actor
from wasteflow.core.errors import RowIssue, RowsRefused, WasteflowError
from wasteflow.importing.layout import Layout, header_digest, titles_of
from wasteflow.importing.marking import mark_file
from wasteflow.importing.opening import Asked, Source
from wasteflow.importing.package import Limits
from wasteflow.importing.sheets import plain_text
from wasteflow.services import work as jobs
from wasteflow.services.acting import actor_of_login
from wasteflow.services.batches import witnessed
from wasteflow.services.outcome import ImportReport
from wasteflow.services.uploads import (
    LOOK,
    PUBLISH,
    recall_columns,
    remember_columns,
    row_rights,
    signs_for,
)
from wasteflow.services.work_files import XLSX, csv_type, find_file
from wasteflow.sheet_files import Prepared, prepare, record
from wasteflow.worker import Outcome, Work

SHOWN_ISSUES: Final = 50
SHOWN_WRONG: Final = 20
"""Wrong rows that are shown whole."""
SAMPLE_ROWS: Final = 12
_CELL_CHARS: Final = 200


def run(work: Work) -> Outcome:
    """Do the step of an upload."""
    job = work.job
    options = job.options
    file = find_file(db=work.db, uid=job.uid, role="input")
    if options.get("sha256", file.sha256) != file.sha256:
        raise WasteflowError("upload_changed", file=job.filename)
    ending = "." + job.filename.rpartition(".")[2].lower()
    path = work.input(name=f"input{ending}")
    asked = _asked(options)
    source = Source(path, job.filename, asked.encoding, limits())
    layout = _layout(work, source, asked)
    if job.step == LOOK and (layout.missing or layout.unread or not layout.header_row):
        return Outcome(jobs.READY, _mapping(source, layout))
    actor = actor_of_login(db=work.db, login=job.login, now=work.clock())
    try:
        prepared = prepare(
            db=work.db,
            source=source,
            layout=layout,
            folder=work.folder,
            fault=_rights(work, actor),
            tick=lambda rows: work.progress(rows),
        )
        return _recorded(work, source, layout, prepared)
    except RowsRefused as error:
        back = mark_file(path, source, layout, error.issues, _lang(options), work.folder)
        work.keep("errors", back.path, back.name, csv_type(back.encoding) or XLSX)
        told = _refusal(source, layout, prepared, error)
        return Outcome(jobs.REFUSED, told | {"errors_whole": back.whole})


def _recorded(work: Work, source: Source, layout: Layout, prepared: Prepared) -> Outcome:
    """Check or publish the rows."""
    job, now = work.job, work.clock()
    rounding = bool(job.options.get("round_kg"))
    common: dict[str, Any] = {
        "db": work.db,
        "prepared": prepared,
        "now": now,
        "round_kg": rounding,
        "signer": _signer(work),
    }
    told = _told(source, layout, prepared) | {"signer": common["signer"]}
    if job.step != PUBLISH:
        done = record(**common, dry_run=True, progress=work.progress)
        told |= {"stage": "checked", "report": _plain(done.report)}
        if job.options.get("publish") and not job.options.get("dry_run"):
            return _published(work, common, told, layout)
        state = jobs.DONE if job.options.get("dry_run") else jobs.READY
        return Outcome(state, told)
    return _published(work, common, told, layout)


def _published(work: Work, common: dict[str, Any], told: dict[str, Any], layout: Layout) -> Outcome:
    """Publish, and note in the same transaction that this job did."""
    told = told | {"stage": "published"}
    with witnessed(lambda session, batch: jobs.holds(session, work.job, batch.id, told | {
        "batch": batch.id, "taken": batch.taken,
    })):  # fmt: skip
        # Checking may have taken long: a seal holds that nothing recorded after it is dated before.
        done = record(**common | {"now": work.clock()}, progress=work.progress)
    columns = dict(zip(layout.header, layout.columns, strict=True))
    remember_columns(
        db=work.db,
        organisation=work.job.organisation,
        kind=layout.kind,
        header=header_digest(layout.header),
        columns=columns,
        fixed=layout.fixed,
        now=work.clock(),
    )
    return Outcome(jobs.DONE, told | {"report": _plain(done.report)})


def limits() -> Limits:
    """Limits of spreadsheets, by the settings."""
    held = load_config().files
    return Limits(
        bytes=held.sheet_mb * 2**20,
        inflated=held.inflated_mb * 2**20,
        ratio=held.ratio,
        cells=held.cells,
    )


def _asked(options: Mapping[str, Any]) -> Asked:
    return Asked(
        sheet=options.get("sheet", ""),
        header_row=int(options.get("header_row", 0)),
        encoding=options.get("encoding", ""),
        chosen=options.get("columns") or None,
        fixed=options.get("fixed") or None,
    )


def _layout(work: Work, source: Source, asked: Asked) -> Layout:
    """How the file is read: published as it was checked, else as asked, else as the organisation
    last told for this header.
    """
    kind, checked = work.job.subject, work.job.options.get("checked")
    if work.job.step == PUBLISH and checked:
        return Layout.from_dict(checked)
    layout = source.guess(kind, asked)
    if asked.chosen is None and layout.header_row:
        kept, fixed = recall_columns(
            db=work.db,
            organisation=work.job.organisation,
            kind=kind,
            header=header_digest(layout.header),
        )
        if kept:
            values = asked.fixed or fixed
            where = layout.sheet, layout.header_row, asked.encoding
            return source.guess(kind, Asked(*where, kept, values))
    return layout


def _signer(work: Work) -> str:
    """The firm whose own file of loads it is, if all who send it may sign for it; else ""."""
    job, firm = work.job, work.job.organisation
    if job.subject != "shipments" or job.account_id == 0:
        return ""
    logins = {job.login, str(job.options.get("by", ""))} - {""}
    actors = [actor_of_login(db=work.db, login=login, now=work.clock()) for login in sorted(logins)]
    return firm if all(signs_for(db=work.db, actor=item, firm=firm) for item in actors) else ""


def _rights(work: Work, actor: Actor | None) -> Any:
    """Who sent it may have lost the right since; a command has no account and every right."""
    if work.job.account_id == 0:
        return None
    kind, login = work.job.subject, str(work.job.options.get("by", ""))
    found = [row_rights(db=work.db, actor=actor, kind=kind)]
    if login and login != work.job.login:  # who let it go on may not send for others either
        other = actor_of_login(db=work.db, login=login, now=work.clock())
        found.append(row_rights(db=work.db, actor=other, kind=kind))
    faults = [fault for fault in found if fault is not None]
    if not faults:
        return None
    return lambda row: next((said for fault in faults if (said := fault(row))), None)


def _mapping(source: Source, layout: Layout) -> dict[str, Any]:
    """What the page needs to ask how the file is to be read."""
    rows = source.first_rows(layout.sheet, SAMPLE_ROWS)
    return {
        "stage": "mapping",
        "layout": layout.as_dict(),
        "missing": list(layout.missing),
        "unread": list(layout.unread),
        "sheets": [{"name": s.name, "hidden": s.hidden} for s in source.sheets],
        "encoding": source.encoding,
        "sample": [[number, list(titles_of(cells))] for number, cells in rows],
        "sample_text": [
            [number, [plain_text(cell)[:60] for cell in cells[:40]]] for number, cells in rows
        ],
    }


def _told(source: Source, layout: Layout, prepared: Prepared) -> dict[str, Any]:
    """What was understood of the file."""
    done = prepared.normalised
    return {
        "layout": layout.as_dict(),
        "sheets": [{"name": s.name, "hidden": s.hidden} for s in source.sheets],
        "rows": len(done.lines),
        "sums": {name: format(total, "f") for name, total in sorted(done.sums.items())},
        "shown": [{"line": line, "values": values} for line, values in done.shown],
        "skipped": [list(item) for item in done.skipped],
        "skipped_count": done.skipped_count,
    }


def _refusal(
    source: Source, layout: Layout, prepared: Prepared, error: RowsRefused
) -> dict[str, Any]:
    rows = {issue.line for issue in error.issues}
    return _told(source, layout, prepared) | {
        "stage": "refused",
        "bad_rows": len(rows),
        "issue_count": len(error.issues),
        "issues": [_issue(issue) for issue in error.issues[:SHOWN_ISSUES]],
        "wrong": _wrong_rows(source, layout, error.issues),
    }


def _wrong_rows(source: Source, layout: Layout, issues: Sequence[RowIssue]) -> list[dict[str, Any]]:
    """The first wrong rows as they stand in the file, each with all that is wrong with it."""
    by_line: dict[int, list[RowIssue]] = {}
    for issue in issues:
        by_line.setdefault(issue.line, []).append(issue)
    lines = sorted(by_line)[:SHOWN_WRONG]
    found: dict[int, dict[str, str]] = {}
    for number, row in source.rows(layout.sheet):
        if number in lines:
            found[number] = {
                name: plain_text(cell)[:_CELL_CHARS]
                for name, cell in zip(layout.columns, row, strict=False)
                if name
            }
        if len(found) == len(lines):
            break
    return [
        {
            "line": line,
            "cells": found.get(line, {}),
            "issues": [_issue(issue) for issue in by_line[line]],
        }
        for line in lines
    ]


def _issue(issue: RowIssue) -> dict[str, Any]:
    return {
        "line": issue.line,
        "field": issue.field,
        "value": issue.value[:200],
        "code": issue.code,
        "params": dict(issue.params),
    }


def _plain(report: ImportReport) -> dict[str, Any]:
    """The report with its warnings in both languages."""
    zh, en = report.as_dict("zh"), report.as_dict("en")
    for warning, other in zip(zh["warnings"], en["warnings"], strict=True):
        for example, twin in zip(warning["examples"], other["examples"], strict=True):
            example["message_en"] = twin["message"]
    return zh


def _lang(options: Mapping[str, Any]) -> str:
    return "en" if options.get("lang") == "en" else "zh"
