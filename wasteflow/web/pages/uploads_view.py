"""What the pages of uploads show of a job: a row, its mapping form, its preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.uploads import issue_text
from wasteflow.services.work import READY, Job
from wasteflow.web.access import books_seen
from wasteflow.web.pages.loads_words import firm, material, route, tonnes
from wasteflow.web.texts import has_text, lang, text

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


def organisation_name(code: str) -> str:
    """Name of a firm or park, or that of the whole system."""
    registry = books_seen().registry
    if code in registry.parks:
        park = registry.parks[code]
        return park.name_en if lang() == "en" and park.name_en else park.name_zh
    return firm(code) if code else text("uploads.system")


def shown(job: Job) -> dict[str, Any]:
    """A file as a row of the list and the head of its page."""
    sums = job.result.get("sums", {})
    main = next((name for name in ("dispatched_t", "tonnes", "accepted_t") if name in sums), "")
    rate, left = job.rate, job.remaining_s
    return {
        "uid": job.uid,
        "kind": text(f"uploads.kind.{job.subject}"),
        "filename": job.filename,
        "organisation": organisation_name(job.organisation),
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


def mapping(job: Job) -> dict[str, Any]:
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
            "sample": list(dict.fromkeys(row[place] for row in sample if place < len(row)))[:3],
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


_NAMES: Final[Mapping[str, Callable[[str | None], str]]] = {
    "consignor": firm,
    "consignee": firm,
    "enterprise": firm,
    "generator": firm,
    "material": material,
    "route": route,
}


def _named(values: Mapping[str, str]) -> dict[str, str]:
    """A row as understood, with the names of what stands there as codes; blanks stay blank."""
    return {
        name: _NAMES[name](value) if value and name in _NAMES else value
        for name, value in values.items()
    }


def wrong_rows(job: Job) -> dict[str, Any] | None:
    """The first wrong rows as they were written, wrong cells with their reasons.

    Columns with a wrong cell stand first, under the titles of the file; what is wrong with no cell
    of the file stands with the row.  None where there is nothing to show.
    """
    rows = job.result.get("wrong", [])
    if not rows:
        return None
    titles, layout = _titles(job.subject), job.result["layout"]
    heads = {name: title for title, name in zip(layout["header"], layout["columns"], strict=True)}
    faulty = {item["field"] for row in rows for item in row["issues"]}
    names = [name for name in heads if name and any(row["cells"].get(name) for row in rows)]
    names = [name for name in heads if name in faulty] + [n for n in names if n not in faulty]
    return {
        "names": [(name, heads[name]) for name in names],
        "rows": [
            {
                "line": row["line"],
                "cells": [
                    (name, heads[name], row["cells"].get(name, ""), _reasons(row, name))
                    for name in names
                ],
                "whole": [
                    (titles.get(item["field"], item["field"]), issue_text(item, lang()))
                    for item in row["issues"]
                    if item["field"] not in heads
                ],
            }
            for row in rows
        ],
    }


def _reasons(row: Mapping[str, Any], name: str) -> list[str]:
    found = [issue_text(item, lang()) for item in row["issues"] if item["field"] == name]
    return list(dict.fromkeys(found))


def preview(job: Job) -> dict[str, Any]:
    """What was understood: counts, sums, first rows, rows left out, first wrong rows."""
    result, titles = job.result, _titles(job.subject)
    first = result.get("shown", [])
    names = [name for name in titles if any(item["values"].get(name) for item in first)]
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
        "signer": organisation_name(result["signer"]) if result.get("signer") else "",
        "names": [(name, titles[name]) for name in names],
        "shown": [{**item, "values": _named(item["values"])} for item in first],
        "skipped": [
            (line, text(f"uploads.role.{role}"), words) for line, role, words in
            result.get("skipped", [])
        ],
        "skipped_count": result.get("skipped_count", 0),
        "warnings": warnings,
        "bad_rows": result.get("bad_rows", 0),
        "errors_whole": result.get("errors_whole", True),
        "wrong": wrong_rows(job),
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
