"""`/loads`: the loads of one's business, filtered, page by page, and the same rows as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, make_response, render_template, request

from wasteflow.core.errors import InvalidValue, WasteflowError
from wasteflow.core.periods import Period
from wasteflow.core.vocabulary import LoadState
from wasteflow.schemas.cells import guard
from wasteflow.services.live.reading import MOST, LoadFilter, list_loads
from wasteflow.services.naming import Names
from wasteflow.web.access import books, books_seen
from wasteflow.web.identity import current_actor
from wasteflow.web.pages.loads_form import material_choices, partner_choices
from wasteflow.web.pages.loads_words import field_label, registry, state
from wasteflow.web.texts import lang

PAGE: Final = 50
FILE_ROWS: Final = 5_000
"""Loads in one file of this list; larger ones are exported by `wasteflow export shipments`."""
STATES: Final = (*LoadState, "disputed", "waiting")
COLUMNS: Final = (
    "doc_no", "state", "consignor", "consignee", "material", "route", "mode", "vehicle",
    "dispatched_at", "dispatched_t", "received_at", "received_t", "accepted_t", "refused_t",
    "ticket_no", "reason", "evidence", "remark",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter as typed, as the service takes it, and what is wrong with it."""

    typed: Mapping[str, str]
    filter: LoadFilter
    problem: str = ""
    wrong: str = ""


def show() -> Response:
    """The list."""
    wanted = _wanted()
    if request.args.get("format") == "csv" and not wanted.problem:
        return _file(wanted.filter)
    found: Mapping[str, Any] = {"items": [], "next": None}
    if not wanted.problem:
        found = list_loads(
            db=books().db,
            actor=current_actor(),
            wanted=wanted.filter,
            limit=PAGE,
            cursor=request.args.get("after", ""),
        )
    held = registry()
    body = render_template(
        "loads.html",
        loads=found["items"],
        next=found["next"],
        wanted=wanted,
        states=[(word, state(word)) for word in STATES],
        materials=material_choices(held)[1:],
        partners=partner_choices(held, (), ()),
        filtered=any(wanted.typed.values()),
        file_rows=FILE_ROWS,
    )
    return make_response(body, 422 if wanted.problem else 200)


def _wanted() -> Wanted:
    names = ("state", "party", "material", "period", "doc_no")
    told = {name: request.args.get(name, "").strip() for name in names}
    try:
        party = Names(registry()).enterprise(told["party"]) if told["party"] else ""
    except WasteflowError as error:
        return Wanted(told, LoadFilter(), error.text(lang()), "party")
    try:
        period = Period.parse(told["period"]) if told["period"] else None
    except InvalidValue as error:
        return Wanted(told, LoadFilter(), error.text(lang()), "period")
    chosen = told["state"] if told["state"] in STATES else ""
    found = LoadFilter(
        state=chosen, party=party, period=period, doc_no=told["doc_no"], material=told["material"]
    )
    return Wanted(told, found)


def _all(wanted: LoadFilter) -> Iterator[Mapping[str, Any]]:
    """Every load of the filter, at most FILE_ROWS."""
    cursor, left = "", FILE_ROWS
    while left > 0:
        found = list_loads(
            db=books().db,
            actor=current_actor(),
            wanted=wanted,
            limit=min(MOST, left),
            cursor=cursor,
        )
        yield from found["items"]
        left -= len(found["items"])
        if not found["next"]:
            return
        cursor = found["next"]


def _file(wanted: LoadFilter) -> Response:
    """The loads as CSV (UTF-8 with BOM) in columns of the contract, safe in spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    zh = lang() == "zh"
    mark = "true" if books_seen().synthetic else "false"
    writer.writerow([*(field_label(name) if zh else name for name in COLUMNS), "synthetic"])
    for load in _all(wanted):
        row = {name: load.get(name) for name in COLUMNS}
        cells = [guard(str(row[name] if row[name] is not None else "")) for name in COLUMNS]
        writer.writerow([*cells, mark])
    response = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="wasteflow-loads.csv"'
    return response
