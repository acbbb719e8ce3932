"""`/findings`: what looks wrong in a scope, since when, where it leads, and snoozing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct

from wasteflow.core.errors import WasteflowError
from wasteflow.core.finding_kinds import KINDS, SEVERITIES
from wasteflow.core.finding_masks import masked
from wasteflow.core.finding_words import finding_words
from wasteflow.core.messages import render
from wasteflow.core.periods import month_text, shanghai_day
from wasteflow.core.permissions import Denied
from wasteflow.core.reach import subject_of_firms
from wasteflow.services.finding_list import (
    OPEN,
    STATES,
    Asked,
    FindingPage,
    list_findings,
    open_counts,
    page_findings,
    snooze_finding,
)
from wasteflow.web.access import books
from wasteflow.web.finding_making import list_as_it_stands
from wasteflow.web.formats import moment_words
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_words import firm, material, registry, route
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.view import read_view
from wasteflow.web.permits import may
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, text

PAGE: Final = 25
LAST_PAGE: Final = 1_000_000
SNOOZE_DAYS: Final = 14
RIGHT: Final = "report.read"


class Line(Struct, frozen=True):
    """A finding as the page shows it."""

    id: int
    code: str
    severity: str
    state: str
    firm: str
    material: str
    message: str
    todo: str
    since: date
    resolved: str
    snoozed: str
    address: str
    may_snooze: bool


def show() -> Response:
    """The list of a scope, filtered by its address."""
    view = read_view()
    listed = list_as_it_stands()
    old = not listed.up_to_date
    kind, severity = _word("kind", KINDS), _word("severity", SEVERITIES)
    state = _word("state", (*STATES, "all")) or OPEN
    asked = Asked(view.firms, kind, severity, state, view.material)
    if wants_file():
        whole = list_findings(db=books().db, asked=asked, now=now())
        told = [{**row, "params": _worded(row["params"])} for row in whole]
        return rows_file(told, "findings")
    number = min(max(1, request.args.get("page", 1, int)), LAST_PAGE)
    found = _page(asked, number)
    page_count = max(1, -(-found.total // PAGE))
    if number > page_count:  # the list grew shorter
        number, found = page_count, _page(asked, page_count)
    body = render_template(
        "findings.html",
        view=view,
        lines=[_line(row) for row in found.rows],
        total=found.total,
        page=number,
        page_count=page_count,
        counts=open_counts(db=books().db, firms=view.firms, now=now()),
        chosen={"kind": kind, "severity": severity, "state": state},
        made=moment_words(listed.made_at) if old and listed.made_at else "",
        old=old,
        kinds=KINDS,
        severities=SEVERITIES,
        states=(*STATES, "all"),
        snooze_until=shanghai_day(now()) + timedelta(days=SNOOZE_DAYS),
    )
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(asked: Asked, number: int) -> FindingPage:
    start = (number - 1) * PAGE
    return page_findings(db=books().db, asked=asked, now=now(), limit=PAGE, start=start)


def snooze(finding_id: int) -> Response:
    """Put a finding aside, or take it back."""
    told = request.form.get("until", "").strip()
    asked: dict[str, Any] = {k: v for k, v in request.args.to_dict().items() if v}
    back = url_for("pages.findings", **asked)
    try:
        until = date.fromisoformat(told) if told else None
    except ValueError:
        flash(text("findings.bad_day"), "warn")
        return make_response(redirect(back, 303))
    try:
        snooze_finding(
            db=books().db,
            actor=current_actor(),
            finding_id=finding_id,
            until=until,
            reason=request.form.get("why", ""),
            now=now(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        flash(error.text(lang()), "warn")
    else:
        flash(text("findings.snoozed" if until else "findings.woken"), "done")
    return make_response(redirect(back, 303))


def _word(name: str, known: tuple[str, ...]) -> str:
    told = request.args.get(name, "")
    return told if told in known else ""


def _line(row: Mapping[str, Any]) -> Line:
    code, params = row["code"], _worded(row["params"])
    snoozed = ""
    if row["snoozed_until"]:
        snoozed = text(
            "findings.snoozed_words",
            until=row["snoozed_until"],
            who=row["snoozed_by"],
            why=row["snooze_reason"],
        )
    return Line(
        id=row["id"],
        code=code,
        severity=row["severity"],
        state=row["state"],
        firm=firm(row["enterprise"]),
        material=material(row["material"]) if row["material"] else "",
        message=finding_words(code, lang(), params),
        todo=render(f"todo_{code}", lang(), {}),
        since=shanghai_day(datetime.fromisoformat(row["since"])),
        resolved=(row["resolved_at"] or "")[:10],
        snoozed=snoozed,
        address=address_of(row),
        may_snooze=may("finding.snooze", subject_of_firms(registry(), row["enterprise"])),
    )


def _worded(params: Mapping[str, str]) -> dict[str, str]:
    """Names instead of codes."""
    told = masked(params, _sees, "")
    if "partner" in told:
        told["partner"] = firm(told["partner"])
    if "route" in told:
        told["route"] = route(told["route"])
    if "firms" in told:
        other = text("findings.other_firm")
        names = (firm(code) if code else other for code in told["firms"].split(", "))
        told["firms"] = text("list.comma").join(names)
    return told


def _sees(code: str) -> bool:
    return may(RIGHT, subject_of_firms(registry(), code))


def address_of(row: Mapping[str, Any]) -> str:
    """Where a finding leads: to its record, or to the page of what it is about."""
    kind, ref, scope = row["ref_kind"], row["ref"], f"enterprise:{row['enterprise']}"
    if kind == "load":
        return url_for("loads.one", uid=ref)
    if kind == "entry":
        return url_for("loads.entry", uid=ref)
    if kind == "loads":
        return url_for("loads.index", **dict(parse_qsl(ref)))
    told: dict[str, Any] = {"scope": scope, "material": row["material"] or None}
    if kind == "balance":
        month = month_text(row["month"]) if row["month"] else None
        return url_for("pages.balances", **told, period=month)
    if kind == "crosscheck":
        return url_for("pages.crosscheck", **told, period=ref)
    if kind == "gap":
        return url_for("pages.gap", **told)
    return url_for("loads.index", party=row["enterprise"], material=row["material"] or None)
