"""`/postings` and `/records`: a figure of a firm, the postings that make it, the records behind.

Each page prints the sum of its rows beside the figure it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, render_template, request

from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.units import tonnes_text
from wasteflow.services.drill import (
    COMPARTMENTS,
    DIRECTIONS,
    TERMS,
    moves_report,
    records_report,
    term_report,
)
from wasteflow.services.rating import BASES
from wasteflow.web.access import books
from wasteflow.web.formats import NONE, count, kg_of, month_words, percent
from wasteflow.web.pages.detail import firm_cell, material_cell, route_cell
from wasteflow.web.pages.place_words import (
    exact_cell,
    firm_name,
    of_ones_own,
    place_cell,
    place_words,
    records_address,
)
from wasteflow.web.pages.tables import Cell, Column, Page, Row, csv_response, page_of, wants_csv
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, text

ALL_RECORDS = 1_000_000


def postings() -> str | Response:
    """The postings behind a term of a firm, or of a compartment, or between two places."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    args = request.args
    firm = view.scope.partition(":")[2] if view.scope.startswith("enterprise:") else ""
    source, target = args.get("source", ""), args.get("target", "")
    compartment = args.get("compartment", "")
    if not firm and not (source or target):
        return render_template("postings.html", view=view, page=None, choose=True)
    if source or target or compartment:
        return _moves(view, firm, compartment, source, target)
    term = _choice("term", TERMS, "utilised")
    basis = _choice("basis", BASES, "declared")
    route, evidence, at = (args.get(key, "") for key in ("route", "evidence", "at"))
    report = term_report(
        db=books().db,
        enterprise=firm,
        material=view.material,
        period=view.span,
        basis=basis,
        term=term,
        include_products=view.products,
        by_route=bool(route),
    )
    rows = [
        row
        for row in report["rows"]
        if route in ("", row.get("route"))
        and evidence in ("", row.get("evidence"))
        and at in ("", row.get("source"))
    ]
    page = _stored_page(view, rows) if term == "stored" else _term_page(view, rows, term)
    narrowed = len(rows) != len(report["rows"])
    return _answer(
        view,
        page,
        f"wasteflow-postings-{firm}-{term}-{view.span.text}",
        title=text("drill.title", firm=firm_name(view, firm), term=text(f"term.{term}")),
        term=term,
        basis=basis,
        figure_t=None if narrowed else report["total_t"],
        sum_t=_sum(rows),
        back=view.address("rates", by="material" if not view.material else "month", basis=basis),
    )


def _moves(view: View, firm: str, compartment: str, source: str, target: str) -> str | Response:
    """Roll-up rows into or out of a compartment, or from place to place."""
    if (source or target) and not of_ones_own(view, source, target):
        raise Denied(Verdict.NOT_ONES_BUSINESS, "report.read")
    direction = _choice("direction", DIRECTIONS, "in")
    if compartment and compartment not in COMPARTMENTS:
        raise InvalidValue("bad_place", value=compartment)
    report = moves_report(
        db=books().db,
        period=view.span,
        material=view.material,
        enterprise=firm,
        compartment=compartment or "site",
        direction=direction,
        source=source,
        target=target,
    )
    if source or target:
        title = " → ".join(place_words(view, end) for end in (source, target) if end)
    else:
        where = text(f"place.{compartment}", firm=firm_name(view, firm), source=firm, target="")
        if compartment == "transit":
            where = text("drill.road", firm=firm_name(view, firm))
        title = text(f"drill.{direction}", place=where)
    return _answer(
        view,
        _term_page(view, report["rows"], ""),
        f"wasteflow-moves-{view.span.text}",
        title=title,
        term="",
        basis="",
        figure_t=report["total_t"],
        sum_t=_sum(report["rows"]),
        back=view.address("balances" if compartment else "flows"),
    )


def _answer(view: View, page: Page, name: str, **more: Any) -> str | Response:
    if wants_csv():
        return csv_response(page, name, text, view.books.synthetic)
    hidden = {
        key: request.args.get(key, "")
        for key in ("compartment", "direction", "source", "target", "route", "evidence", "at")
    }
    return render_template(
        "postings.html",
        view=view,
        page=page,
        args=request.args,
        choose=False,
        hidden=hidden | {"products": "1" if view.products else ""},
        terms=TERMS,
        bases=BASES,
        **more,
    )


def _term_page(view: View, rows: Sequence[Mapping[str, Any]], term: str) -> Page:
    columns = [
        Column("month", "col.month"),
        Column("source", "col.from"),
        Column("target", "col.to"),
        Column("material", "col.material"),
        Column("route", "col.route"),
        Column("evidence", "col.evidence"),
        Column("posting", "drill.posting", "t", True),
    ]
    if term:
        columns += [
            Column("part", "drill.part", "t", True),
            Column("share", "drill.share", "%", True),
        ]
    cells = [_posting_cells(view, row) for row in rows]
    return page_of(columns, cells, sort="month")


def _posting_cells(view: View, row: Mapping[str, Any]) -> Row:
    """A posting of others shows what of it was one's own mass, not how large it was."""
    own = of_ones_own(view, row["source"], row["target"])
    address = records_address(view, row) if own else ""
    month = int(row["month"].replace("-", ""))
    share = (kg_of(row["part_t"]) or 0) / (kg_of(row["posting_t"]) or 1)
    grade = text(f"evidence.{row['evidence']}")
    return {
        "month": Cell(month_words(month, lang()), row["month"], address),
        "source": place_cell(view, row["source"]),
        "target": place_cell(view, row["target"]),
        "material": material_cell(view, row["material"]),
        "route": route_cell(view, row["route"]),
        "evidence": Cell(grade, grade),
        "posting": exact_cell(row["posting_t"] if own else None, address),
        "part": exact_cell(row["part_t"], address),
        "share": Cell(percent(share), round(share * 100, 3)) if own else exact_cell(None),
    }


def _stored_page(view: View, rows: Sequence[Mapping[str, Any]]) -> Page:
    columns = (
        Column("place", "drill.lies"),
        Column("material", "col.material"),
        Column("part", "drill.part", "t", True),
    )
    cells = []
    for row in rows:
        word, _, owner = row["place"].partition(":")
        owner = owner.partition(":")[0]
        scope = f"enterprise:{owner}"
        asked = {"scope": scope, "compartment": word, "material": row["material"]}
        address = view.address("postings", **asked) if view.opens(scope) else ""
        words = place_words(view, row["place"])
        cells.append(
            {
                "place": Cell(words, words, address, title=row["place"]),
                "material": material_cell(view, row["material"]),
                "part": exact_cell(row["part_t"], address),
            }
        )
    return page_of(columns, cells, sort="-part")


def _sum(rows: Sequence[Mapping[str, Any]]) -> str:
    return tonnes_text(sum(kg_of(row["part_t"]) or 0 for row in rows))


def _choice(name: str, allowed: Sequence[str], default: str) -> str:
    word = request.args.get(name, "")
    return word if word in allowed else default


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
    if wants_csv():
        name = f"wasteflow-records-{report['month']}"
        return csv_response(page, name, text, view.books.synthetic)
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
