"""`/flows`, `/balances`: the tables behind the figures, paged on the server, with CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, make_response, render_template, request

from wasteflow.core.flow_filter import GRADES
from wasteflow.core.places import site, transit
from wasteflow.core.units import tonnes_text
from wasteflow.web.formats import NONE, cell, count, kg_of
from wasteflow.web.pages.flow_words import asked_flows
from wasteflow.web.pages.links import LinkRow, flows_of, links_of
from wasteflow.web.pages.reported import Banner, banner_of, compare_count, compare_kg
from wasteflow.web.pages.stocks import COMPARTMENTS, FINDINGS, StockLine, balance_of, lines_of
from wasteflow.web.pages.tables import (
    Cell,
    Column,
    Later,
    Page,
    Row,
    file_response,
    page_of,
    wants_file,
)
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import name_of, text
from wasteflow_maps.style import colour_of


def group_cell(view: View, word: str, key: str) -> Cell:
    """The cell of a grouping key; regions, parks, firms and materials lead to their overview."""
    if word in ("month", "quarter", "year"):
        return Cell(key, key, view.address("overview", period=key))
    if word == "evidence":
        grade = text(f"evidence.{key}") if key else NONE
        return Cell(grade, grade, muted=not key)
    if word == "route":
        return route_cell(view, key)
    if not key:
        return Cell(text(f"none.{word}"), "", muted=True)
    if word == "material":
        return material_cell(view, key)
    table = {"park": view.registry.parks, "region": view.registry.regions}.get(word)
    item = (table or view.registry.enterprises)[key]
    shown = name_of(item)
    scope = f"{word}:{key}"
    address = view.link("overview", scope=scope) if view.opens(scope) else ""
    return Cell(shown, shown, address, title=key)


def firm_cell(view: View, code: str) -> Cell:
    """A firm by name, leading to its overview."""
    return group_cell(view, "enterprise", code)


def material_cell(view: View, code: str) -> Cell:
    """A material by name with its colour."""
    shown = name_of(view.registry.materials[code])
    address = view.address("overview", material=code)
    return Cell(shown, shown, address, title=code, mark=colour_of(code))


def route_cell(view: View, code: str) -> Cell:
    """A route by name; blank where a flow has none."""
    if not code:
        return Cell(NONE, "", muted=True)
    shown = name_of(view.registry.routes[code])
    return Cell(shown, shown, title=code)


def mass_cell(kg: int | None, address: str = "") -> Cell:
    """A mass in tonnes, perhaps leading to its records; the file keeps every kilogram."""
    if kg is None:
        return Cell(NONE, None, muted=True)
    exact = tonnes_text(kg)
    return Cell(cell(kg), exact, address if kg else "", title=f"{exact} t")


def flows() -> str | Response:
    """Links between enterprises, with the firms around the scope."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    asked = asked_flows(view)
    found = links_of(view, flows_of(view), asked.filter)
    pair = _pair(view)
    if pair:
        senders, receivers = map(view.registry.in_scope, pair)
        found = [row for row in found if row.source in senders and row.target in receivers]
    columns = (
        Column("source", "col.from"),
        Column("target", "col.to"),
        Column("material", "col.material"),
        Column("route", "col.route"),
        Column("mass", "col.accepted", "t", True),
        Column("loads", "col.loads", "", True),
        Column("distance", "col.distance", "km", True),
        Column("evidence", "col.evidence"),
    )
    rows = [_link_cells(view, row) for row in found]
    page = page_of(columns, rows, sort="-mass", add=("mass", "loads"))
    kg = sum(row.kg for row in found)
    body = _answer(
        "flows.html",
        view,
        page,
        f"flows-{view.span.text}",
        asked=asked,
        grades=GRADES,
        total_kg=kg,
        pair=[view.scope_words(scope) for scope in pair],
    )
    return make_response(body, 422) if asked.problem and not wants_file() else body


def _pair(view: View) -> tuple[str, str] | tuple[()]:
    """The two scopes between which links are asked for; () for all links.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    source, target = request.args.get("source", ""), request.args.get("target", "")
    if not source or not target:
        return ()
    for scope in (source, target):
        view.registry.in_scope(scope)
    return source, target


def _link_cells(view: View, row: LinkRow) -> Row:
    makers = {
        "source": lambda: firm_cell(view, row.source),
        "target": lambda: firm_cell(view, row.target),
        "material": lambda: material_cell(view, row.material),
        "route": lambda: route_cell(view, row.route),
        "mass": lambda: mass_cell(row.kg, _postings_of(view, row)),
        "loads": lambda: Cell(count(row.loads), row.loads, _postings_of(view, row)),
        "distance": lambda: _distance_cell(row.distance_km),
        "evidence": lambda: _evidence_cell(row.worst),
    }
    return Later(makers, {"mass": row.kg, "loads": row.loads, "distance": row.distance_km})


def _distance_cell(km: float | None) -> Cell:
    return Cell(NONE, None, muted=True) if km is None else Cell(f"{km:,.1f}", km)


def _evidence_cell(word: str) -> Cell:
    shown = text(f"evidence.{word}") if word else NONE
    return Cell(shown, shown)


def _postings_of(view: View, row: LinkRow) -> str:
    """Where the postings of a link stand: what its receiver took off the road."""
    return view.address(
        "postings",
        source=transit(row.source, row.target).key,
        target=site(row.target).key,
        material=row.material,
        route=row.route,
    )


def balances() -> str | Response:
    """Opening, in, out, closing and residual of every firm, compartment and material."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    finding, compartment = request.args.get("finding", ""), request.args.get("compartment", "")
    report = balance_of(view)
    lines = [
        line
        for line in lines_of(report)
        if (finding not in FINDINGS or finding in line.findings)
        and (compartment not in COMPARTMENTS or line.compartment == compartment)
    ]
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("compartment", "col.compartment"),
        Column("material", "col.material"),
        Column("opening", "col.opening", "t", True),
        Column("in", "col.in", "t", True),
        Column("out", "col.out", "t", True),
        Column("closing", "col.closing", "t", True),
        Column("residual", "col.residual", "t", True),
        Column("findings", "col.findings"),
    )
    page = page_of(columns, [_stock_cells(view, line) for line in lines], sort="-closing")
    return _answer(
        "balances.html",
        view,
        page,
        f"balances-{view.span.text}",
        finding=finding,
        compartment=compartment,
        banner=_banner(view, report),
    )


def _banner(view: View, report: Mapping[str, Any]) -> Banner | None:
    """Stocks as reported beside today's over the same months."""
    if not view.as_of:
        return None
    today = balance_of(replace(view, as_of=0))
    totals = report["total"], today["total"]
    figures = [
        compare_kg(text(f"col.{word}"), *(kg_of(total[f"{word}_t"]) for total in totals))
        for word in ("opening", "closing")
    ]
    then, now = ({_key(line): line for line in lines_of(part)} for part in (report, today))
    lines = then.keys() | now.keys()
    changed = sum(then.get(line) != now.get(line) for line in lines)
    return banner_of(
        view, report, [*figures, compare_count(text("reported.lines"), len(lines), changed)]
    )


def _key(line: StockLine) -> tuple[str, str, str]:
    return line.enterprise, line.compartment, line.material


def _moves_of(view: View, line: StockLine, direction: str) -> str:
    """Where the postings into or out of a compartment stand."""
    return view.address(
        "postings",
        scope=f"enterprise:{line.enterprise}",
        compartment=line.compartment,
        direction=direction,
        material=line.material,
    )


def _stock_cells(view: View, line: StockLine) -> Row:
    makers = {
        "enterprise": lambda: firm_cell(view, line.enterprise),
        "compartment": lambda: _word_cell(text(f"compartment.{line.compartment}")),
        "material": lambda: material_cell(view, line.material),
        "opening": lambda: mass_cell(line.opening_kg),
        "in": lambda: mass_cell(line.in_kg, _moves_of(view, line, "in")),
        "out": lambda: mass_cell(line.out_kg, _moves_of(view, line, "out")),
        "closing": lambda: mass_cell(line.closing_kg),
        "residual": lambda: mass_cell(line.residual_kg),
        "findings": lambda: _word_cell(", ".join(text(f"finding.{c}") for c in line.findings)),
    }
    order = {"in": line.in_kg, "out": line.out_kg, "opening": line.opening_kg}
    return Later(makers, {**order, "closing": line.closing_kg, "residual": line.residual_kg})


def _word_cell(words: str) -> Cell:
    return Cell(words or NONE, words, muted=not words)


def _answer(template: str, view: View, page: Page, name: str, **more: object) -> str | Response:
    """The page, or the file if the address asks for one."""
    if wants_file():
        return file_response(page, f"wasteflow-{name}", text, view.books.synthetic)
    return render_template(template, view=view, page=page, args=request.args, **more)
