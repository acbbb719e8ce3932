"""`/records`: the loads or entries behind one posting, with their sum and that of the roll-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, render_template, request

from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.drill import ALL_RECORDS, records_report
from wasteflow.web.access import books
from wasteflow.web.formats import NONE, count, month_words
from wasteflow.web.pages.detail import firm_cell
from wasteflow.web.pages.place_words import exact_cell, of_ones_own, place_words
from wasteflow.web.pages.tables import Cell, Column, Page, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, text


def records() -> str | Response:
    """The loads or entries behind one posting, with their sum and that of the roll-up.

    Raises Denied for postings between places of others.
    """
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    args = request.args
    month = Period.parse(args.get("month", ""))
    if not of_ones_own(view, args.get("source", ""), args.get("target", "")):
        raise Denied(Verdict.NOT_ONES_BUSINESS, "report.read")
    report = records_report(
        db=books().db,
        month=month.first,
        source=args.get("source", ""),
        target=args.get("target", ""),
        material=args.get("stuff", "") or view.material,
        route=args.get("route", ""),
        evidence=args.get("evidence", ""),
        limit=ALL_RECORDS,
    )
    loads = report["kind"] == "load"
    page = _load_page(view, report["rows"]) if loads else _entry_page(view, report["rows"])
    if wants_file():
        name = f"wasteflow-records-{report['month']}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "records.html",
        view=view,
        page=page,
        args=args,
        report=report,
        month=month_words(month.first, lang()),
        source=place_words(view, report["source"]),
        target=place_words(view, report["target"]),
        hidden={key: args.get(key, "") for key in ("month", "source", "target", "stuff", "route")},
    )


def _load_page(view: View, rows: Sequence[Mapping[str, Any]]) -> Page:
    columns = (
        Column("doc_no", "col.doc_no"),
        Column("consignor", "col.consignor"),
        Column("consignee", "col.consignee"),
        Column("dispatched_on", "col.dispatched_on"),
        Column("received_on", "col.received_on"),
        Column("vehicle", "col.vehicle"),
        Column("loads", "col.loads", "", True),
        Column("dispatched", "col.dispatched", "t", True),
        Column("accepted", "col.accepted", "t", True),
        Column("tonnes", "drill.counts", "t", True),
    )
    return page_of(columns, [_load_cells(view, row) for row in rows], sort="dispatched_on")


def _load_cells(view: View, row: Mapping[str, Any]) -> Row:
    ends = {key: firm_cell(view, row[key]) for key in ("consignor", "consignee")}
    return {
        **ends,
        "doc_no": Cell(row["doc_no"], row["doc_no"]),
        "dispatched_on": _text(row["dispatched_on"]),
        "received_on": _text(row["received_on"]),
        "vehicle": _text(row["vehicle"] or row["ticket_no"]),
        "loads": Cell(count(row["loads"]), row["loads"]),
        "dispatched": exact_cell(row["dispatched_t"]),
        "accepted": exact_cell(row["accepted_t"]),
        "tonnes": exact_cell(row["tonnes"]),
    }


def _entry_page(view: View, rows: Sequence[Mapping[str, Any]]) -> Page:
    columns = (
        Column("doc_no", "col.doc_no"),
        Column("enterprise", "col.enterprise"),
        Column("kind", "col.kind"),
        Column("date", "col.date"),
        Column("remark", "col.remark"),
        Column("tonnes", "drill.counts", "t", True),
    )
    cells = [
        {
            "doc_no": Cell(row["doc_no"], row["doc_no"]),
            "enterprise": firm_cell(view, row["enterprise"]),
            "kind": Cell(text(f"entry.{row['kind']}"), text(f"entry.{row['kind']}")),
            "date": _text(row["date"]),
            "remark": _text(row["remark"]),
            "tonnes": exact_cell(row["tonnes"]),
        }
        for row in rows
    ]
    return page_of(columns, cells, sort="date")


def _text(value: str | None) -> Cell:
    return Cell(value, value) if value else Cell(NONE, "", muted=True)
