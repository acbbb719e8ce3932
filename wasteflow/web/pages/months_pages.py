"""`/months`: month close of an enterprise or a park: what is open, close, reopen with reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import WasteflowError
from wasteflow.core.messages import render
from wasteflow.core.periods import Period, month_of_day, month_text, next_month, shanghai_day
from wasteflow.core.permissions import Denied, Verdict, judge, read_of
from wasteflow.core.reach import subject_of_scope
from wasteflow.services.close_checks import CloseCheck, close_checks
from wasteflow.services.close_rows import list_closes
from wasteflow.services.closing import close_month, reopen_month
from wasteflow.services.finding_list import open_counts
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import month_words
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_data import month_of_text
from wasteflow.web.pages.loads_words import firm, material, registry, tonnes
from wasteflow.web.texts import lang, text

SHOWN: Final = 24
NUMBERS: Final = 12
CHOICES: Final = 200


class Check(Struct, frozen=True):
    """A line of the checklist: how many, examples with where they lead, and where all stand."""

    code: str
    count: int
    items: Sequence[tuple[str, str]] = ()
    address: str = ""


class MonthLine(Struct):
    """One month: closed (by whom, when) or open, and what to look over before it is closed.

    through: how many earlier months close with it.
    """

    month: int
    words: str
    close: Mapping[str, Any] | None = None
    history: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[Check] = ()
    may_close: bool = False
    may_reopen: bool = False
    through: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """ "2026-07"."""
        return month_text(self.month)


def show(problem: str = "", status: int = 200) -> Response:
    """The months of the organisation asked for, by default the first one may close for."""
    actor = _signed_in()
    choices = organisations(actor)
    asked = request.values.get("of", "")
    of = asked or (choices[0][0] if choices else "")
    if not of:
        raise Denied(Verdict.NOT_ONES_RIGHT, "month.close")
    subject = _subject(of)
    verdict = judge(actor, "entry.read", subject, "entry.read")
    if verdict is not Verdict.ALLOWED:
        raise Denied(verdict, "entry.read")
    lines = _lines(actor, of, subject)
    body = render_template(
        "months.html",
        of=of,
        name=_name(of),
        choices=choices,
        lines=lines,
        next=_next(of, lines),
        problem=problem,
        is_park=of.startswith("park:"),
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def close() -> Response:
    """Close a month, with every earlier one that is open."""
    of, month = _target()
    try:
        done = close_month(
            db=books().db,
            month=month,
            now=now(),
            actor=_signed_in(),
            **_named(of),
            reason=request.form.get("remark", "").strip(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        return show(error.text(lang()), 422)
    flash(text("months.done.closed", months=text("list.comma").join(done["closed"])), "done")
    for words in [_warning(item) for item in done["warnings"]][:NUMBERS]:
        flash(words, "warn")
    return make_response(redirect(url_for("loads.months", of=of), 303))


def reopen() -> Response:
    """Open the last closed month again."""
    of, month = _target()
    try:
        reopen_month(
            db=books().db,
            month=month,
            now=now(),
            actor=_signed_in(),
            **_named(of),
            reason=request.form.get("why", "").strip(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        return show(error.text(lang()), 422)
    flash(text("months.done.reopened", month=month_words(month, lang())), "done")
    return make_response(redirect(url_for("loads.months", of=of), 303))


def organisations(actor: Actor) -> list[tuple[str, str]]:
    """(scope, name) of the enterprises and parks whose months the asker may see and close."""
    held = registry()
    scopes = [
        f"park:{item.organisation}" for item in actor.memberships if item.organisation in held.parks
    ]
    scopes += [
        f"enterprise:{item.organisation}"
        for item in actor.memberships
        if item.organisation in held.enterprises
    ]
    for scope in list(scopes):
        if scope.startswith("park:"):
            scopes += [f"enterprise:{code}" for code in sorted(held.in_scope(scope))][:CHOICES]
    readable = [
        scope
        for scope in dict.fromkeys(scopes)
        if judge(actor, "entry.read", _subject(scope), "entry.read") is Verdict.ALLOWED
        and not _external(scope)
    ]
    return [(scope, _name(scope)) for scope in readable]


def _external(scope: str) -> bool:
    item = registry().enterprises.get(scope.partition(":")[2])
    return item is not None and item.external


def _signed_in() -> Actor:
    actor = current_actor()
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "month.close")
    return actor


def _subject(of: str) -> Subject:
    """Raises InvalidValue `bad_scope`, NotFound `unknown_code`."""
    if not of.startswith(("enterprise:", "park:")):
        raise Denied(Verdict.NOT_ONES_BUSINESS, "entry.read")
    return subject_of_scope(registry(), of)


def _name(of: str) -> str:
    return firm(of.partition(":")[2])


def _named(of: str) -> dict[str, str]:
    word, _, code = of.partition(":")
    return {word: code} if word in ("enterprise", "park") else {}


def _target() -> tuple[str, int]:
    of, told = request.form.get("of", ""), request.form.get("month", "")
    _subject(of)
    return of, Period.parse(told).first


# --- the months ------------------------------------------------------------------------------


def _lines(actor: Actor, of: str, subject: Subject) -> list[MonthLine]:
    """The months that are over, the newest first; the next to close with what is wrong in it."""
    word, _, code = of.partition(":")
    rows = list_closes(
        db=books().db,
        history=True,
        enterprise=code if word == "enterprise" else "",
        park=code if word == "park" else "",
    )
    closed: dict[int, Mapping[str, Any]] = {}
    past: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        month = month_of_text(row["month"])
        if row["reopened_at"] is None:
            closed[month] = row
        else:
            past.setdefault(month, []).append(row)
    last = next_month(month_of_day(shanghai_day(now())), -1)
    first = max(books_seen().first or last, next_month(last, -(SHOWN - 1)))
    if first > last:
        return []
    may_close = _may(actor, "month.close", subject)
    may_reopen = _may(actor, "month.reopen", subject)
    latest = max(closed, default=0)
    found = []
    for month in reversed(list(Period.of(first, last).months())):
        line = MonthLine(month, month_words(month, lang()), closed.get(month), past.get(month, ()))
        if line.close is None and month > latest:
            line.may_close = may_close
        elif month == latest and line.close is not None:
            line.may_reopen = may_reopen and not line.close["by_park"]
        found.append(line)
    return found


def _next(of: str, lines: Sequence[MonthLine]) -> MonthLine | None:
    """The month asked for, or else the first that is not closed, with its checklist."""
    latest = max((line.month for line in lines if line.close is not None), default=0)
    waiting = [line for line in lines if line.close is None and line.month > latest]
    if not waiting:
        return None
    asked = request.values.get("month", "")
    line = next((line for line in waiting if line.name == asked), waiting[-1])
    line.through = sum(1 for item in waiting if item.month < line.month)
    _look(of, line)
    return line


def _look(of: str, line: MonthLine) -> None:
    """What somebody who closes this month looks over."""
    found = close_checks(db=books().db, scope=of, month=line.month)
    alone = of.startswith("enterprise:")
    line.checks = [_check(of, line, item) for item in found if item.code != "silent" or not alone]
    firms = registry().in_scope(of)
    count = sum(open_counts(db=books().db, firms=firms, now=now()).values())
    line.checks.append(Check("findings", count, (), url_for("pages.findings", scope=of)))


def _check(of: str, line: MonthLine, item: CloseCheck) -> Check:
    """A thing to look over in words, with its first records."""
    items = [(number, url_for("loads.index", doc_no=number)) for number in item.records[:NUMBERS]]
    asked: dict[str, Any] = {"scope": of, "period": line.name}
    for row in item.lines[:NUMBERS]:
        scope = f"enterprise:{row['enterprise']}"
        items.append((_line_words(row), url_for("pages.balances", **{**asked, "scope": scope})))
    for code in item.firms[:NUMBERS]:
        goal = url_for("loads.entries", enterprise=code, period=line.name)
        items.append((firm(code), goal))
    address = ""
    if item.code == "disputed":
        address = url_for("loads.index", state="disputed")
    elif item.code in ("negative_stock", "unbalanced"):
        address = url_for("pages.balances", **asked, finding=item.code)
    return Check(item.code, item.count, items, address if item.count else "")


def _line_words(row: Mapping[str, Any]) -> str:
    return text(
        "months.line",
        firm=firm(row["enterprise"]),
        material=material(row["material"]),
        where=text(f"compartment.{row['compartment']}"),
        tonnes=tonnes(row["tonnes"]),
    )


def _may(actor: Actor, right: str, subject: Subject) -> bool:
    return judge(actor, right, subject, read_of(right)) is Verdict.ALLOWED


def _warning(item: Mapping[str, Any]) -> str:
    """A warning of a close in words."""
    params = {name: str(value) for name, value in item.items()}
    params["enterprise"] = firm(item.get("enterprise"))
    if "material" in item:
        params["material"] = material(item["material"])
        params["residual"] = tonnes(str((item.get("residual_kg") or 0) / 1000))
        params["closing"] = tonnes(str((item.get("closing_kg") or 0) / 1000))
    if "records" in item:
        params["records"] = text("list.comma").join(item["records"][:NUMBERS])
    return render(str(item["code"]), lang(), params)
