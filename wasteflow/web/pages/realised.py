"""`/realised`: links that exist, across and inside parks; figures come from the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.collecting import no_collecting
from wasteflow.core.places import OUTSIDE, site, transit
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.services.realised import PLACES, realised_report
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import NONE, count, kg_of, mass, money
from wasteflow.web.identity import reach
from wasteflow.web.pages.detail import firm_cell, mass_cell, material_cell, route_cell
from wasteflow.web.pages.tables import Cell, Column, Later, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.symbiosis_files import realised_geo
from wasteflow.web.texts import lang, text

WIDE, TALL = 84, 22
"""Pixels of a trend."""
_COLUMNS: Final = (
    Column("from", "potential.from"),
    Column("to", "potential.to"),
    Column("material", "col.material"),
    Column("route", "col.route"),
    Column("tonnes", "col.mass", "t", True),
    Column("loads", "col.loads", "", True),
    Column("trend", "realised.trend"),
    Column("change", "realised.change", "%", True),
    Column("output", "realised.output", "%", True),
    Column("need", "realised.need", "%", True),
    Column("km", "potential.km", "km", True),
    Column("freight", "realised.freight", "CNY", True),
    Column("co2", "potential.co2", "t", True),
    Column("where", "realised.where"),
    Column("first", "realised.first"),
    Column("last", "realised.last"),
    Column("evidence", "col.evidence"),
)


def place_asked() -> str:
    """`across`, `inside` or both, out of the address."""
    word = request.args.get("place", "")
    return word if word in PLACES else ""


def sees(view: View) -> Any:
    """Whose output and intake the asker may read."""
    own = reach()
    if own.everything:
        return None
    return lambda firm: own.holds(view.registry, f"enterprise:{firm}")


def report_of(view: View, place: str = "", most: int | None = None) -> dict[str, Any]:
    """The report of a view, kept for the version of the data and the asker's reach.

    most: so many of the largest links are enough.
    """
    asked = view.span, view.scope, view.material, place, most
    return once(
        ("realised", *asked),
        lambda: realised_report(
            db=books().db,
            period=view.span,
            scope=view.scope,
            material=view.material,
            place=place,
            sees=sees(view),
            most=most,
        ),
    )


def show() -> str | Response:
    """The page, or its table as a file."""
    view, place = read_view(), place_asked()
    if view.empty:
        return render_template("empty.html", view=view)
    report = report_of(view, place)
    if request.args.get("format") == "geojson":
        return realised_geo(view, report)
    with no_collecting():
        rows = [_cells(view, row) for row in report["rows"]]
    page = page_of(_COLUMNS, rows, sort="-tonnes", add=("tonnes", "loads"))
    if wants_file():
        name = f"wasteflow-realised-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "realised.html",
        view=view,
        page=page,
        place=place,
        args=request.args,
        total=_total(report["total"]),
    )


def _total(total: Mapping[str, Any]) -> dict[str, Any]:
    masses = {
        name: kg_of(total[name]) or 0
        for name in ("tonnes", "across_t", "inside_t", "freight_unknown_t", "co2_unknown_t")
    }
    whole = masses["tonnes"]
    share = f"{masses['across_t'] / whole * 100:.0f}" if whole else NONE
    co2 = None if total["co2_t"] is None else f"{float(total['co2_t']):,.0f}"
    return {
        **masses,
        "links": total["links"],
        "loads": total["loads"],
        "freight": money(total["freight"], lang()),
        "co2": co2,
        "across_share": share,
    }


def _cells(view: View, row: Mapping[str, Any]) -> Row:
    missing = row["not_computable"]

    def figure(name: str, digits: int, factor: float = 1.0, title: str = "") -> Cell:
        value = row[name]
        if value is None:
            return Cell(NONE, None, title=text(f"realised.gap.{missing[name]}"), muted=True)
        number = float(value) * factor
        return Cell(f"{number:,.{digits}f}", round(number, 6), title=title)

    kg = kg_of(row["tonnes"])
    makers = {
        "from": lambda: firm_cell(view, row["from"]),
        "to": lambda: firm_cell(view, row["to"]),
        "material": lambda: material_cell(view, row["material"]),
        "route": lambda: route_cell(view, row["route"]),
        "tonnes": lambda: mass_cell(kg, _loads_of(view, row)),
        "loads": lambda: Cell(count(row["loads"]), row["loads"]),
        "trend": lambda: _trend(row),
        "change": lambda: _change(row, figure("change", 0, 100)),
        "output": lambda: figure("share_of_output", 0, 100, text("realised.of_output")),
        "need": lambda: figure(
            "share_of_need", 0, 100, text(f"realised.of_{row['need_basis']}")
        ),
        "km": lambda: figure(
            "distance_km", 0, 1, text(f"realised.km_{row['distance_basis'] or 'line'}")
        ),
        "freight": lambda: figure("freight", 0),
        "co2": lambda: figure("co2_t", 1),
        "where": lambda: Cell(text(f"realised.{row['where']}"), row["where"]),
        "first": lambda: Cell(row["first"], row["first"]),
        "last": lambda: Cell(row["last"], row["last"]),
        "evidence": lambda: _evidence(row["by_evidence"], kg or 0),
    }  # fmt: skip
    number = {"tonnes": kg, "loads": row["loads"], "trend": kg, "change": row["change"],
              "output": row["share_of_output"], "need": row["share_of_need"],
              "km": row["distance_km"], "first": row["first"], "last": row["last"],
              "freight": None if row["freight"] is None else float(row["freight"]),
              "co2": None if row["co2_t"] is None else float(row["co2_t"])}  # fmt: skip
    return Later(makers, number)


def _change(row: Mapping[str, Any], plain: Cell) -> Cell:
    """The change with its sign, and the mass before as its tooltip."""
    if row["change"] is None:
        return plain
    points = round(row["change"] * 100)
    shown = f"{points:+,}" if points else "0"
    return Cell(shown, plain.value, title=text("realised.before", tonnes=row["prior_t"]))


def _trend(row: Mapping[str, Any]) -> Cell:
    """Twelve months as a line; its words are what screen readers and files get."""
    masses = [None if tonnes is None else kg_of(tonnes) for tonnes in row["trend_t"]]
    known = [kg for kg in masses if kg is not None]
    top = max(known, default=0)
    amount = mass(top, lang())
    words = text(
        "realised.trend_words",
        start=row["trend_from"],
        months=", ".join(NONE if t is None else t for t in row["trend_t"]),
        top=f"{amount.number} {amount.unit}",
    )
    return Cell(words, words, title=words, line="" if wants_file() else line_of(masses))


def line_of(masses: list[int | None]) -> str:
    """Points of a polyline within WIDE × TALL, zero at the foot; months before the books left out.

    >>> line_of([0, 10])
    '2.0,20.0 82.0,2.0'
    """
    top = max((kg for kg in masses if kg is not None), default=0) or 1
    step = (WIDE - 4) / max(1, len(masses) - 1)
    return " ".join(
        f"{2 + number * step:.1f},{TALL - 2 - (TALL - 4) * max(0, kg) / top:.1f}"
        for number, kg in enumerate(masses)
        if kg is not None
    )


def _evidence(grades: Mapping[str, str], kg: int) -> Cell:
    """The worst grade, with how much is of each as its tooltip."""
    parts = sorted(grades, key=lambda word: EVIDENCE[word])
    if not parts or not kg:
        return Cell(NONE, None, muted=True)
    words = text("list.comma").join(
        f"{text(f'evidence.{word}')} {(kg_of(grades[word]) or 0) / kg * 100:.0f} %"
        for word in parts
    )
    return Cell(words if len(parts) > 1 else text(f"evidence.{parts[0]}"), words, title=words)


def _loads_of(view: View, row: Mapping[str, Any]) -> str:
    """Where the loads of a link stand."""
    return view.link(
        "postings",
        source=transit(row["from"], row["to"]).key,
        target=(OUTSIDE if row["external"] else site(row["to"])).key,
        material=row["material"],
        route=row["route"],
    )
