"""`/indicators`: indicators of parks on the screen, for printing, as XLSX; their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from wasteflow.core.errors import FieldIssue, FieldsRefused, WasteflowError
from wasteflow.core.indicator_tables import input_choices
from wasteflow.core.indicator_words import indicator_word
from wasteflow.core.messages import render
from wasteflow.core.periods import shanghai_day
from wasteflow.core.permissions import Denied
from wasteflow.core.reach import subject_of_scope
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import field_of
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.account_log import COMMAND
from wasteflow.services.statements import PARK_INPUTS, list_inputs, record_park_input
from wasteflow.web.access import books
from wasteflow.web.formats import moment_words
from wasteflow.web.identity import current_actor, now
from wasteflow.web.office_papers import (
    as_workbook,
    indicators_document,
    indicators_of,
    last_year,
)
from wasteflow.web.pages.tables import Cell, Column, Page, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.permits import may
from wasteflow.web.texts import lang, text

RIGHT: Final = "indicator.write"
PARK: Final = "park:"
FIELDS: Final = ("input", "year", "value", "date", "source", "reason")


def show() -> str | Response:
    """The indicators of the parks in scope; of one park with formulas, inputs and sources."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    year = _year(view)
    report = indicators_of(view.scope, year)
    document = indicators_document(report)
    if request.args.get("format") == "xlsx":
        name = f"wasteflow-indicators-{view.scope.replace(':', '-')}-{year}"
        return as_workbook(document, name)
    return render_template(
        "indicators.html",
        view=view,
        document=document,
        year=year,
        years=_years(view),
        park=view.scope.startswith(PARK),
        firm=view.scope.startswith("enterprise:"),
    )


def inputs() -> str | Response:
    """What was stated for a park, with what was replaced, and the form for more."""
    return _inputs(read_view(), {}, ())


def _inputs(view: View, typed: Mapping[str, str], problems: tuple[str, ...]) -> str | Response:
    rows = list_inputs(db=books().db, scope=view.scope)
    columns = (
        Column("park", "indicators.park"),
        Column("input", "indicators.input"),
        Column("year", "indicators.year", "", True),
        Column("value", "indicators.value", "", True),
        Column("unit", "indicators.unit"),
        Column("source", "indicators.source"),
        Column("date", "indicators.date"),
        Column("state", "indicators.state"),
        Column("by", "indicators.by"),
        Column("at", "indicators.at"),
        Column("reason", "indicators.reason"),
    )
    page = page_of(columns, [_cells(view, row) for row in rows], sort="-year")
    if wants_file():
        return file_response(page, "wasteflow-park-inputs", text, view.books.synthetic)
    return _form(view, page, typed, problems)


def _form(view: View, page: Page, typed: Mapping[str, str], problems: tuple[str, ...]) -> Response:
    subject = subject_of_scope(view.registry, view.scope)
    park = view.scope.removeprefix(PARK) if view.scope.startswith(PARK) else ""
    body = render_template(
        "park_inputs.html",
        view=view,
        page=page,
        args=request.args,
        park=park,
        may_write=bool(park) and may(RIGHT, subject),
        choices=input_choices(lang()),
        typed=typed or {"year": last_year(view.books) or str(now().year)},
        problems=problems,
        today=shanghai_day(now()).isoformat(),
    )
    response = make_response(body, 422 if problems else 200)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def state() -> str | Response:
    """Take one input of the park in scope."""
    view = read_view()
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        values = _values(view.scope.removeprefix(PARK), typed)
        _, new = record_park_input(
            db=books().db,
            actor=current_actor(),
            values=values,
            now=now(),
            address=request.remote_addr or "",
        )
    except Denied:
        raise
    except WasteflowError as error:
        return _inputs(view, typed, tuple(_told(error)))
    flash(text("indicators.stated" if new else "indicators.known"), "done")
    asked = {name: value for name, value in request.args.to_dict().items() if value}
    return make_response(redirect(url_for("pages.park_inputs", **dict[str, Any](asked)), 303))


def _values(park: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """Typed values by the rules of the file; FieldsRefused."""
    values: dict[str, Any] = {}
    issues = []
    for column in columns_of(PARK_INPUTS):
        found = field_of(column).of_cell({**typed, "park": park}[column.name])
        if isinstance(found, Fault):
            issues.append(FieldIssue(f"/{column.name}", found.code, found.params))
        values[column.name] = found
    if issues:
        raise FieldsRefused(issues)
    clock = Clock(shanghai_day(now()), now())
    wrong = complete_and_check(PARK_INPUTS, values, clock, lambda _: True)
    if wrong:
        raise FieldsRefused([FieldIssue(f"/{wrong[0]}", wrong[1].code, wrong[1].params)])
    return values


def _told(error: WasteflowError) -> list[str]:
    """What is wrong, field by field."""
    if isinstance(error, FieldsRefused):
        return [
            f"{text('indicators.' + issue.pointer.strip('/'))}: "
            f"{render(issue.code, lang(), issue.params)}"
            for issue in error.issues
        ]
    return [error.text(lang())]


def _cells(view: View, row: Mapping[str, Any]) -> Row:
    name = view.registry.name_of_scope(f"{PARK}{row['park']}", lang())
    words = indicator_word(f"input.{row['input']}", lang())
    by = text("indicators.command") if row["recorded_by"] == COMMAND else row["recorded_by"]
    day = row["date"].isoformat() if row["date"] else ""
    plain = {
        "park": name,
        "input": words,
        "unit": indicator_word(f"unit.{row['unit']}", lang()),
        "source": row["source"],
        "date": day,
        "state": text(f"indicators.state.{row['state']}"),
        "by": by,
        "at": moment_words(row["recorded_at"]),
        "reason": row["reason"],
    }
    gone = row["state"] == "replaced"
    return {
        **{key: Cell(value, value, muted=gone) for key, value in plain.items()},
        "year": Cell(str(row["year"]), row["year"], muted=gone),
        "value": Cell(row["value"], float(row["value"]), muted=gone),
    }


def _year(view: View) -> str:
    """The year asked for; without one the last that is over, else that of the period."""
    asked = request.args.get("year", "").strip()
    return asked or last_year(view.books) or str(view.span.last // 100)


def _years(view: View) -> list[str]:
    first, last = view.books.first, view.books.last
    assert first is not None and last is not None
    return [str(year) for year in range(last // 100, first // 100 - 1, -1)]
