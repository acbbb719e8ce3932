"""`/month`: the month of a park at a glance, beside the month before and that of a year ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response, render_template, url_for
from msgspec import Struct

from wasteflow.core.finding_kinds import SEVERITIES
from wasteflow.core.periods import Period, month_from_text, month_text, next_month
from wasteflow.services.finding_list import open_by_firm
from wasteflow.services.live.listing import LoadFilter, list_loads
from wasteflow.services.month_sheet import MONTHS, month_rows, month_sheet
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import cell, kg_of, mass, month_words, percent
from wasteflow.web.identity import current_actor, now, this_month
from wasteflow.web.pages.loads_data import waits
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, name_of, short_reason, text

FIRMS: Final = 8
DISPUTES: Final = 50
_STEADY: Final = frozenset(
    {"generated", "declared", "verified", "spent", "disposed", "received", "dispatched", "stock"}
)
"""Figures of which a change in percent says something; the others may be 0 or change sign."""
_LEADS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "generated": ("rates", {"by": "enterprise,material"}),
    "declared": ("rates", {"by": "enterprise,material"}),
    "verified": ("rates", {"by": "enterprise,material", "basis": "verified"}),
    "spent": ("rates", {"by": "enterprise,material", "basis": "territorial"}),
    "disposed": ("balances", {}),
    "received": ("flows", {}),
    "dispatched": ("flows", {}),
    "stock": ("balances", {}),
    "stored": ("balances", {}),
    "transit": ("balances", {"compartment": "transit"}),
    "residual": ("balances", {"sort": "-residual"}),
}
"""Figure → the page its records are found by."""


class Shown(Struct, frozen=True):
    """A figure in one month: words, why there are none, and where it leads."""

    words: str
    why: str = ""
    address: str = ""
    exact: str = ""


class Line(Struct, frozen=True):
    """A figure over its months: `now`, then each other month with the change to it in words."""

    name: str
    now: Shown
    others: Sequence[tuple[Shown, str]]


class FirmLine(Struct, frozen=True):
    """A firm with something to look at: number, the gravest severity, where it is listed."""

    name: str
    number: int
    severity: str
    address: str


def show() -> str | Response:
    """The page, or its figures as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    month = view.span.last
    told = sheet(view.scope, month, view.material)
    if wants_file():
        return rows_file(month_rows(told), f"month-{told['month']}")
    firms = _finding_firms(view)
    return render_template(
        "month.html",
        view=view,
        month=month_words(month, lang()),
        running=month >= this_month(),
        begin=_begin(view, month),
        told=told,
        lines=[_figure(view, row, told) for row in told["figures"]],
        rates=[_rate(view, row, told) for row in told["rates"]],
        heads=[month_words(month_from_text(told["months"][word]), lang()) for word in MONTHS],
        steps=_steps(view, month),
        silent=_named(view, told["silent"], "loads.entries"),
        silent_left=max(0, len(told["silent"]) - FIRMS),
        unclosed=_named(view, told["open"], "loads.months"),
        unclosed_left=max(0, len(told["open"]) - FIRMS),
        firms=firms[:FIRMS],
        firms_left=max(0, len(firms) - FIRMS),
        disputes=_disputes(view),
        settle_days=waits().settle_days,
        close_address=_close_address(view),
    )


def sheet(scope: str, month: int, material: str) -> dict[str, Any]:
    """The `month_sheet` of the books, kept for the page and the API."""
    return once(
        ("month", scope, month, material),
        lambda: month_sheet(db=books().db, scope=scope, month=month, material=material),
    )


def _begin(view: View, month: int) -> str:
    """The month the books begin in, where `month` lies before it; else ""."""
    first = view.books.first or 0
    return month_words(first, lang()) if month < first else ""


def _period(told: Mapping[str, Any], word: str) -> str:
    month = month_from_text(told["months"][word])
    return Period.of(month, month).text


def _figure(view: View, row: Mapping[str, Any], told: Mapping[str, Any]) -> Line:
    """Tonnes, each leading to its records, with the change in percent."""
    page, asked = _LEADS[row["figure"]]
    shown, amounts = {}, {}
    for word in MONTHS:
        kg = amounts[word] = kg_of(row[f"{word}_t"])
        if kg is None:
            shown[word] = Shown("–", short_reason(row[f"{word}_not_computable"] or ""))
            continue
        address = view.address(page, **{**asked, "period": _period(told, word)})
        shown[word] = Shown(cell(kg), "", address, mass(kg, lang()).exact)
    return Line(
        row["figure"],
        shown["now"],
        [
            (
                shown[word],
                _change(amounts["now"], amounts[word]) if row["figure"] in _STEADY else "",
            )
            for word in MONTHS[1:]
        ],
    )


def _change(now_kg: int | None, then_kg: int | None) -> str:
    """ "▲ 12.5 %"; "" where one of the two is unknown or there is nothing to divide by."""
    if now_kg is None or not then_kg or then_kg < 0:
        return ""
    share = (now_kg - then_kg) / then_kg
    return f"{_sign(share)} {abs(share) * 100:.1f} %"


def _sign(value: float) -> str:
    return "▲" if value > 0 else "▼" if value < 0 else "="


def _rate(view: View, row: Mapping[str, Any], told: Mapping[str, Any]) -> Line:
    """The rate by a basis, with the change in percentage points."""
    shown = {}
    for word in MONTHS:
        if row[word] is None:
            shown[word] = Shown("–", short_reason(row[f"{word}_not_computable"] or ""))
            continue
        address = view.address("rates", period=_period(told, word), basis=row["basis"])
        shown[word] = Shown(f"{percent(row[word])} %", "", address)
    others = []
    for word in MONTHS[1:]:
        known = row["now"] is not None and row[word] is not None
        points = round((row["now"] - row[word]) * 100, 1) if known else 0.0
        told_words = text("month.points", sign=_sign(points), points=f"{abs(points):.1f}")
        others.append((shown[word], told_words if known else ""))
    return Line(row["basis"], shown["now"], others)


def _steps(view: View, month: int) -> list[tuple[str, str]]:
    """The months beside this one that the books hold: (text key, address)."""
    found = []
    for key, other in (
        ("month.previous", next_month(month, -1)),
        ("month.next", next_month(month)),
    ):
        if (view.books.first or 0) <= other <= (view.books.last or 0):
            found.append((key, view.address("month", period=Period.of(other, other).text)))
    return found


def _named(view: View, codes: Sequence[str], endpoint: str) -> list[tuple[str, str]]:
    """(name, address) of the first firms of a list."""
    month = month_text(view.span.last)
    found = []
    for code in codes[:FIRMS]:
        asked: dict[str, Any] = (
            {"of": f"enterprise:{code}"}
            if endpoint == "loads.months"
            else {"enterprise": code, "period": month}
        )
        found.append((name_of(view.registry.enterprises[code]), url_for(endpoint, **asked)))
    return found


def _finding_firms(view: View) -> list[FirmLine]:
    """Firms with open findings, the gravest and most first."""
    found = []
    for code, counts in open_by_firm(db=books().db, firms=view.firms, now=now()).items():
        worst = next(word for word in SEVERITIES if counts.get(word))
        firm = view.registry.enterprises.get(code)
        address = url_for("pages.findings", scope=f"enterprise:{code}")
        name = name_of(firm) if firm else code
        found.append(FirmLine(name, sum(counts.values()), worst, address))
    return sorted(found, key=lambda f: (SEVERITIES.index(f.severity), -f.number, f.name))


def _disputes(view: View) -> list[Mapping[str, Any]] | None:
    """Disputed loads of the scope that the asker sees; None for somebody without loads to see."""
    actor = current_actor()
    if actor is None or actor.guest:
        return None
    wanted = LoadFilter(state="disputed")
    found = list_loads(db=books().db, actor=actor, wanted=wanted, limit=DISPUTES)
    return [row for row in found["items"] if {row["consignor"], row["consignee"]} & view.firms]


def _close_address(view: View) -> str:
    """The close of the park or firm of the scope; "" for a region."""
    word = view.scope.partition(":")[0]
    return url_for("loads.months", of=view.scope) if word in ("park", "enterprise") else ""
