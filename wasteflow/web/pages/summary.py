"""`/summary`: sums of the park and regions around one's own firms, small cells hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, make_response, redirect, render_template, request

from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import around
from wasteflow.core.told import quarters_of, told_period
from wasteflow.services.summary import summary_report
from wasteflow.services.told import Reader
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import kg_of, period_words
from wasteflow.web.identity import reach, this_month
from wasteflow.web.office_papers import told_of
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.pages.view import View, default_period, may_read, read_view, scope_name
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang

RIGHT = "report.summary"


def show() -> str | Response:
    """The page; an area one may read in full leads to its rates.

    Raises Denied for an area in which none of one's firms lies.
    """
    if not may_read():
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)
    seen, registry = reach(), books_seen().registry
    wider = around(seen, registry)
    asked = request.args.get("area", "") or next(iter(wider), seen.default)
    view = read_view()
    if seen.holds(registry, asked):
        return make_response(redirect(view.address("rates", scope=asked)))
    if asked not in wider:
        raise Denied(Verdict.NOT_ONES_BUSINESS, RIGHT)
    if view.empty:
        return render_template("empty.html", view=view)
    period = view.period or default_period(view.books)
    assert period is not None
    reader = Reader(this_month(), seen.firms)
    period = told_of(period, reader)
    view = replace(view, period=period)
    report = summary_report(db=books().db, scope=asked, period=period, reader=reader)
    if wants_file():
        rows = ({"scope": asked, "period": report["period"], **row} for row in report["rows"])
        return rows_file(rows, "summary")
    return render_template(
        "summary.html",
        view=view,
        area=asked,
        area_name=scope_name(registry, asked),
        periods=list(_periods(view, reader.running)),
        areas=[(scope, scope_name(registry, scope)) for scope in wider],
        report=report,
        rows=[_shown(view, row) for row in report["rows"]],
        total=_shown(view, report["total"]),
    )


def _periods(view: View, running: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Years to date and quarters of the books, as far as they are told, newest first."""
    first, last = view.books.first, view.books.last
    assert first is not None and last is not None
    years = [Period.parse(str(year)) for year in range(last // 100, first // 100 - 1, -1)]
    quarters = [
        quarter for year in years for quarter in quarters_of(year.first // 100, running)[::-1]
    ]
    groups = {
        "filter.years": [told for year in years if (told := told_period(year, running))],
        "filter.quarters": [quarter for quarter in quarters if first <= quarter.last],
    }
    for key, periods in groups.items():
        yield key, [(period.text, period_words(period, lang())) for period in periods]


def _shown(view: View, row: dict[str, Any]) -> dict[str, Any]:
    """A row with whole kilograms for the page."""
    kilograms = {f"{word}_kg": kg_of(row[f"{word}_t"]) for word in ("generated", "utilised")}
    return {**row, **kilograms}
