"""`/rates`, `/flows`, `/balances`: the tables behind the figures, paged on the server, with CSV."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, render_template, request

from wasteflow.core.rates import GROUPINGS
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.web.formats import NONE, cell, count, percent
from wasteflow.web.pages.links import LinkRow, flows_of, links_of
from wasteflow.web.pages.rates import Rate, RateRow, rate_rows
from wasteflow.web.pages.stocks import COMPARTMENTS, FINDINGS, StockLine, stock_lines
from wasteflow.web.pages.tables import Cell, Column, Page, Row, csv_response, page_of, wants_csv
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import name_of, short_reason, text
from wasteflow_maps.style import colour_of

BY_CHOICES = (
    "park",
    "enterprise",
    "region",
    "material",
    "park,material",
    "enterprise,material",
    "month",
    "month,material",
    "quarter",
    "year",
)


def rates() -> str | Response:
    """Rates by a grouping, with their tonnes."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    by = request.args.get("by", "")
    by = by if by in BY_CHOICES else "park"
    rows, total = rate_rows(view, by)
    words = by.split(",")
    columns = [
        *(Column(word, f"col.{word}") for word in words),
        Column("generated", "col.generated", "t", True),
        Column("utilised", "col.utilised", "t", True),
        Column("disposed", "col.disposed", "t", True),
        Column("stored", "col.stored", "t", True),
        Column("official", "col.official", "%", True),
        Column("simple", "col.simple", "%", True),
    ]
    start = words[0] if words[0] in ("month", "quarter", "year") else "-generated"
    page = page_of(columns, [_rate_cells(view, row, words) for row in rows], sort=start)
    return _answer("rates.html", view, page, f"rates-{view.span.text}", by=by, total=total)


def _rate_cells(view: View, row: RateRow, words: Sequence[str]) -> Row:
    cells = {word: _group_cell(view, word, row.keys[word]) for word in words}
    return {
        **cells,
        "generated": mass_cell(None if row.product else row.generated_kg),
        "utilised": mass_cell(None if row.product else row.utilised_kg),
        "disposed": mass_cell(None if row.product else row.disposed_kg),
        "stored": mass_cell(None if row.product else row.stored_kg),
        "official": rate_cell(row.rate),
        "simple": rate_cell(row.simple),
    }


def _group_cell(view: View, word: str, key: str) -> Cell:
    """The cell of a grouping key; regions, parks, firms and materials lead to their overview."""
    if word in ("month", "quarter", "year"):
        return Cell(key, key, view.address("overview", period=key))
    if not key:
        return Cell(text(f"none.{word}"), "", muted=True)
    if word == "material":
        return material_cell(view, key)
    table = {"park": view.registry.parks, "region": view.registry.regions}.get(word)
    item = (table or view.registry.enterprises)[key]
    shown = name_of(item)
    return Cell(shown, shown, view.address("overview", scope=f"{word}:{key}"), title=key)


def firm_cell(view: View, code: str) -> Cell:
    """A firm by name, leading to its overview."""
    return _group_cell(view, "enterprise", code)


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


def mass_cell(kg: int | None) -> Cell:
    """A mass in tonnes; the file keeps every kilogram."""
    if kg is None:
        return Cell(NONE, None, muted=True)
    exact = tonnes_text(kg)
    return Cell(cell(kg), exact, title=f"{exact} t")


def rate_cell(rate: Rate) -> Cell:
    """A rate as a percentage, or the short reason why there is none."""
    if rate.value is None:
        return Cell(short_reason(rate.why), None, muted=True)
    return Cell(percent(rate.value), round(rate.value * 100, 3))


def flows() -> str | Response:
    """Links between enterprises, with the firms around the scope."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    evidence = request.args.get("evidence", "")
    found = links_of(view, flows_of(view))
    if evidence in EVIDENCE:
        found = [row for row in found if row.worst == evidence]
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
    page = page_of(columns, [_link_cells(view, row) for row in found], sort="-mass")
    kg = sum(row.kg for row in found)
    return _answer(
        "flows.html", view, page, f"flows-{view.span.text}", evidence=evidence, total_kg=kg
    )


def _link_cells(view: View, row: LinkRow) -> Row:
    distance = Cell(NONE, None, muted=True)
    if row.distance_km is not None:
        distance = Cell(f"{row.distance_km:,.1f}", row.distance_km)
    word = text(f"evidence.{row.worst}") if row.worst else NONE
    return {
        "source": firm_cell(view, row.source),
        "target": firm_cell(view, row.target),
        "material": material_cell(view, row.material),
        "route": route_cell(view, row.route),
        "mass": mass_cell(row.kg),
        "loads": Cell(count(row.loads), row.loads),
        "distance": distance,
        "evidence": Cell(word, word),
    }


def balances() -> str | Response:
    """Opening, in, out, closing and residual of every firm, compartment and material."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    finding, compartment = request.args.get("finding", ""), request.args.get("compartment", "")
    lines = [
        line
        for line in stock_lines(view)
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
    )


def _stock_cells(view: View, line: StockLine) -> Row:
    words = ", ".join(text(f"finding.{code}") for code in line.findings)
    place = text(f"compartment.{line.compartment}")
    return {
        "enterprise": firm_cell(view, line.enterprise),
        "compartment": Cell(place, place),
        "material": material_cell(view, line.material),
        "opening": mass_cell(line.opening_kg),
        "in": mass_cell(line.in_kg),
        "out": mass_cell(line.out_kg),
        "closing": mass_cell(line.closing_kg),
        "residual": mass_cell(line.residual_kg),
        "findings": Cell(words or NONE, words, muted=not words),
    }


def _answer(template: str, view: View, page: Page, name: str, **more: object) -> str | Response:
    """The page, or the file if the address asks for one."""
    if wants_csv():
        return csv_response(page, f"wasteflow-{name}", text, view.books.synthetic)
    return render_template(template, view=view, page=page, args=request.args, **more)


assert set(",".join(BY_CHOICES).split(",")) <= set(GROUPINGS)
