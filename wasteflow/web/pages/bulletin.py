"""`/bulletin`: the annual bulletin of an area on the screen, for printing, and as files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from flask import Response, make_response, redirect, render_template, request, url_for

from wasteflow.core.bulletin import MAX_PLACES
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import ALL, around
from wasteflow.web.access import books_seen
from wasteflow.web.identity import reach
from wasteflow.web.office_papers import (
    RIGHT,
    as_workbook,
    bulletin_document,
    bulletin_of,
    download,
    figures_csv,
    last_year,
    reader_of,
    told_of,
)
from wasteflow.web.pages.view import asked_scope, may_read, read_view, scope_name

CSV: Final = "text/csv; charset=utf-8"


def show() -> str | Response:
    """The bulletin of the scope: all of it, or what may be told to the asker or to the public."""
    if not may_read():
        raise Denied(Verdict.NOT_ONES_RIGHT, RIGHT)
    public, scope = request.args.get("public") == "1", asked_scope() or ALL
    reader = reader_of(scope, public=public)
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    year = last_year(view.books)
    if year and not (request.args.get("period") or request.args.get("period_text")):
        asked: dict[str, Any] = {**request.args.to_dict(), "period": year}
        return make_response(redirect(url_for("pages.bulletin", **asked)))
    given = request.args.get("places", "")
    places = int(given) if given.isdecimal() and int(given) <= MAX_PLACES else None
    view = replace(view, period=told_of(view.span, reader))
    report = bulletin_of(scope, view.span, places, reader)
    name = f"wasteflow-bulletin-{scope.replace(':', '-')}-{view.span.text}"
    if request.args.get("format") == "figures":
        return download(figures_csv(report).encode(), CSV, f"{name}-figures.csv")
    document = bulletin_document(report, view.span)
    if request.args.get("format") == "xlsx":
        return as_workbook(document, name)
    registry, seen = books_seen().registry, reach()
    return render_template(
        "bulletin.html",
        view=view,
        document=document,
        public=public,
        places=given,
        most_places=MAX_PLACES,
        forced=reader is not None and not seen.holds(registry, scope),
        wider=[(area, scope_name(registry, area)) for area in around(seen, registry)],
    )
