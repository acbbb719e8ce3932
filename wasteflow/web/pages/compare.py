"""`/compare`: rates of parks, regions or firms beside each other, the same months of each year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.formulas import FORMULAS
from wasteflow.core.periods import Period
from wasteflow.services.rating import rates_report
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import kg_of, percent, period_words
from wasteflow.web.pages.compare_chart import chart_of
from wasteflow.web.pages.detail import group_cell, mass_cell
from wasteflow.web.pages.tables import (
    Cell,
    Column,
    Row,
    file_response,
    page_of,
    wants_file,
)
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, short_reason, text

BY: Final = ("park", "region", "enterprise")
BASES: Final = ("declared", "verified")
YEARS: Final = 4


def show() -> str | Response:
    """The page, or its table as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    by = _choice("by", BY, "enterprise" if view.scope.startswith("park:") else "park")
    formula = _choice("formula", tuple(FORMULAS), "official")
    basis = _choice("basis", BASES, "declared")
    periods = same_months(view.span, view.books.first or 0, view.books.last or 0)
    reports = [_report(view, period, formula, basis, by) for period in periods]
    columns = (
        Column(by, f"col.{by}"),
        Column("generated", "col.generated", "t", True),
        *(Column(period.text, "", "%", True, period_words(period, lang())) for period in periods),
        Column("change", "compare.change", "", True),
    )
    rows = _rows(view, by, periods, reports, {"formula": formula, "basis": basis})
    page = page_of(columns, rows, sort="-generated")
    if wants_file():
        name = f"wasteflow-compare-{by}-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "compare.html",
        view=view,
        page=page,
        chart=chart_of(rows, by, periods),
        args=request.args,
        by=by,
        choices=BY,
        formula=formula,
        formulas=tuple(FORMULAS),
        basis=basis,
        bases=BASES,
        periods=periods,
        period_words=period_words,
        totals=[report["total"] for report in reports],
    )


def same_months(span: Period, first: int, last: int) -> list[Period]:
    """The same months of up to 4 years ending with that of `span`, as far as the books go back.

    A span of more than a year stands alone.

    >>> [period.text for period in same_months(Period.parse("2026Q1"), 202407, 202603)]
    ['2025Q1', '2026Q1']
    """
    if span.first // 100 != span.last // 100:
        return [span]
    found = []
    for back in range(YEARS - 1, -1, -1):
        period = Period.of(span.first - 100 * back, span.last - 100 * back)
        if not back or (period.first >= first and period.last <= last):
            found.append(period)
    return found


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    word = request.args.get(name, "")
    return word if word in allowed else default


def _report(view: View, period: Period, formula: str, basis: str, by: str) -> dict[str, Any]:
    key = ("compare", view.scope, period, view.material, formula, basis, by, view.products)
    return once(
        key,
        lambda: rates_report(
            db=books().db,
            scope=view.scope,
            period=period,
            material=view.material,
            formula=formula,
            basis=basis,
            by=by,
            include_products=view.products,
        ),
    )


def _rows(
    view: View,
    by: str,
    periods: list[Period],
    reports: list[dict[str, Any]],
    asked: Mapping[str, str],
) -> list[Row]:
    """One row per park, region or firm of any of the periods."""
    found: dict[str, list[Mapping[str, Any] | None]] = {}
    for number, report in enumerate(reports):
        for row in report["rows"]:
            found.setdefault(row[by], [None] * len(reports))[number] = row
    return [_row(view, by, key, periods, rows, asked) for key, rows in sorted(found.items())]


def _row(
    view: View,
    by: str,
    key: str,
    periods: list[Period],
    rows: list[Mapping[str, Any] | None],
    asked: Mapping[str, str],
) -> Row:
    cells: dict[str, Cell] = {by: group_cell(view, by, key)}
    last = rows[-1]
    cells["generated"] = mass_cell(kg_of(last["generated_t"]) if last else None)
    scope = f"{by}:{key}" if key else ""
    for period, row in zip(periods, rows, strict=True):
        cells[period.text] = _rate(view, period, row, scope, asked)
    values = [row["value"] for row in rows if row is not None and row["value"] is not None]
    known = len(values) > 1 and rows[-1] is not None and rows[-1]["value"] is not None
    cells["change"] = _change(values[-1] - values[-2]) if known else Cell("–", None, muted=True)
    return cells


def _rate(
    view: View,
    period: Period,
    row: Mapping[str, Any] | None,
    scope: str,
    asked: Mapping[str, str],
) -> Cell:
    if row is None:
        return Cell("–", None, muted=True)
    if row["value"] is None:
        return Cell(short_reason(row["not_computable"]), None, muted=True)
    opens = scope and view.opens(scope)
    address = view.address("rates", scope=scope, period=period.text, **asked) if opens else ""
    return Cell(percent(row["value"]), round(row["value"] * 100, 6), address)


def _change(points: float) -> Cell:
    """Percentage points against the year before that has a figure."""
    rounded = round(points * 100, 1)
    sign = "▲" if rounded > 0 else "▼" if rounded < 0 else "="
    shown = text("compare.points", sign=sign, points=f"{abs(rounded):.1f}")
    return Cell(shown, round(points * 100, 6))
