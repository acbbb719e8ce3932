"""`/postings`: a figure of a firm and the postings that make it; `drill_records` opens those.

Each page prints the sum of its rows beside the figure it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, render_template, request

from wasteflow.core.errors import InvalidValue
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.units import tonnes_text
from wasteflow.services.drill import (
    AT_PLACES,
    COMPARTMENTS,
    DIRECTIONS,
    TERMS,
    moves_report,
    term_report,
)
from wasteflow.services.drill_places import place_report, trace_part_report
from wasteflow.services.rating import BASES
from wasteflow.web.access import books
from wasteflow.web.formats import NONE, kg_of, month_words, percent
from wasteflow.web.pages.detail import material_cell, route_cell
from wasteflow.web.pages.place_words import (
    exact_cell,
    firm_name,
    of_ones_own,
    place_cell,
    place_words,
    records_address,
)
from wasteflow.web.pages.tables import Cell, Column, Page, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import has_text, lang, text

_HIDDEN = (
    "compartment", "direction", "source", "target", "route", "evidence", "at", "origin", "year",
    "what",
)  # fmt: skip


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
    if args.get("origin"):
        return _traced(view, firm)
    if source or target or compartment:
        return _moves(view, firm, compartment, source, target)
    term = _choice("term", TERMS, "utilised")
    basis = _choice("basis", BASES, "declared")
    route, evidence, at = (args.get(key, "") for key in ("route", "evidence", "at"))
    if term in AT_PLACES and at:
        return _at_place(view, firm, basis, term, at)
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
    places = term in AT_PLACES
    page = _places_page(view, rows, firm, basis, term) if places else _term_page(view, rows, term)
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
    if wants_file():
        return file_response(page, name, text, view.books.synthetic)
    hidden = {key: request.args.get(key, "") for key in _HIDDEN}
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
    if row["posting_t"] is None:
        return _other_cells(view, row)
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


def _other_cells(view: View, row: Mapping[str, Any]) -> Row:
    """What else became of the mass, which is no posting."""
    month = int(row["month"].replace("-", ""))
    words = text(f"drill.what.{row['what']}")
    nothing = Cell(NONE, None, muted=True)
    return {
        "month": Cell(month_words(month, lang()), row["month"]),
        "source": place_cell(view, row["source"]),
        "target": Cell(words, words),
        "material": material_cell(view, row["material"]),
        "route": nothing,
        "evidence": nothing,
        "posting": nothing,
        "part": exact_cell(row["part_t"]),
        "share": nothing,
    }


def _places_page(
    view: View, rows: Sequence[Mapping[str, Any]], firm: str, basis: str, term: str
) -> Page:
    """Places with what of the firm's mass is stored (or settled) there; each opens."""
    columns = (
        Column("place", "drill.lies" if term == "stored" else "drill.settled_at"),
        Column("material", "col.material"),
        Column("part", "drill.part", "t", True),
    )
    cells = []
    for row in rows:
        asked = {"term": term, "basis": basis, "at": row["place"], "material": row["material"]}
        address = view.address("postings", scope=f"enterprise:{firm}", **asked)
        words = place_words(view, row["place"])
        cells.append(
            {
                "place": Cell(words, words, address, title=row["place"]),
                "material": material_cell(view, row["material"]),
                "part": exact_cell(row["part_t"], address),
            }
        )
    return page_of(columns, cells, sort="-part")


def _at_place(view: View, firm: str, basis: str, term: str, at: str) -> str | Response:
    """What came to a place and left it again, so that so much is stored (or settled) there."""
    report = place_report(
        db=books().db,
        enterprise=firm,
        material=view.material,
        period=view.span,
        basis=basis,
        term=term,
        at=at,
        include_products=view.products,
    )
    back = view.address("postings", term=term, basis=basis)
    return _signed(view, report, place_words(view, at), text(f"term.{term}"), back)


def _traced(view: View, firm: str) -> str | Response:
    """The postings behind a row of a trace."""
    args = request.args
    year, at, what = args.get("year", ""), args.get("at", ""), args.get("what", "")
    direction = args.get("direction", "")
    report = trace_part_report(
        db=books().db,
        enterprise=firm,
        material=view.material,
        period=view.span,
        direction=direction,
        origin=args["origin"],
        year=int(year) if year.isdecimal() else 0,
        at=at,
        what=what,
        route=args.get("route", ""),
    )
    words = text(f"fate.{what}") if has_text(f"fate.{what}") else what
    back = view.address("provenance", direction=direction)
    return _signed(view, report, place_words(view, at), words, back)


def _signed(
    view: View, report: Mapping[str, Any], place: str, words: str, back: str
) -> str | Response:
    """A figure of a place: postings in, those out negative, and what else became of it."""
    return _answer(
        view,
        _term_page(view, report["rows"], "signed"),
        f"wasteflow-postings-{view.span.text}",
        title=text("drill.at_place", place=place, what=words),
        term="",
        basis="",
        note=text("drill.signed_note"),
        figure_t=report["total_t"],
        sum_t=_sum(report["rows"]),
        back=back,
    )


def _sum(rows: Sequence[Mapping[str, Any]]) -> str:
    return tonnes_text(sum(kg_of(row["part_t"]) or 0 for row in rows))


def _choice(name: str, allowed: Sequence[str], default: str) -> str:
    word = request.args.get(name, "")
    return word if word in allowed else default
