"""`/dependence`: which receiver's closure costs how many points, and what hangs on one firm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, render_template, request
from msgspec.structs import replace

from wasteflow.core.formulas import FORMULAS
from wasteflow.core.messages import render
from wasteflow.services.dependence import dependence_report
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import NONE, count, kg_of, percent
from wasteflow.web.identity import reach
from wasteflow.web.pages.detail import firm_cell, mass_cell, material_cell
from wasteflow.web.pages.following import follows
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
from wasteflow.web.texts import lang, name_of, text

PARTS: Final = ("receivers", "producers", "hinges", "bridges")
TOP: Final = 3


def show() -> str | Response:
    """The page, or the table of one of its parts as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    part = request.args.get("part", "")
    part = part if part in PARTS else PARTS[0]
    formula = request.args.get("formula", "official")
    formula = formula if formula in FORMULAS else "official"
    receiver = request.args.get("receiver", "").strip()
    key = "dependence", view.span, view.scope, view.material, formula, receiver
    seen = {"view": view, "formula": formula, "formulas": list(FORMULAS), "part": part}
    if receiver in ("", *view.registry.enterprises) and follows(view.books, key):
        return render_template("dependence.html", **seen, parts=PARTS, report=None)
    report = once(key, lambda: _report(view, formula, receiver))
    page = _TABLES[part](view, report)
    if wants_file():
        name = f"wasteflow-dependence-{part}-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "dependence.html",
        **seen,
        report=report,
        parts=PARTS,
        page=page,
        args=request.args,
        top=[_top(view, row) for row in report["rows"][:TOP]],
        single=sum(row["only_receiver"] for row in report["producers"]),
        largest=_firm_words(view, report["concentration"]["largest"]),
        used=kg_of(report["utilised_t"]) or 0,
    )


def _report(view: View, formula: str, receiver: str) -> dict[str, Any]:
    own = reach()
    return dependence_report(
        db=books().db,
        scope=view.scope,
        period=view.span,
        material=view.material,
        formula=formula,
        receiver=receiver,
        may_name=None if own.everything else own.firms,
    )


def _firm_words(view: View, code: str | None) -> str:
    """A firm by name, or that it may not be named."""
    return name_of(view.registry.enterprises[code]) if code else text("dependence.hidden")


def _top(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    """One of the receivers that matter most as words."""
    return {
        "name": _firm_words(view, row["receiver"]),
        "address": view.address("dependence", receiver=row["receiver"]) if row["receiver"] else "",
        "kg": kg_of(row["tonnes"]) or 0,
        "stranded": None if row["stranded_t"] is None else kg_of(row["stranded_t"]) or 0,
        "share": percent(row["share"]),
        "lost": _points(row["points_lost"]),
        "back": _points(row["points_lost_rerouted"]),
        "why": _why(row),
        "producers": row["producers"],
    }


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _why(row: Mapping[str, Any]) -> str:
    """What keeps the largest stranded part from another place, in words."""
    codes = [item["reason"] for item in row["lost"] if item["reason"]]
    return render(codes[0], lang(), {}) if codes else ""


def _receivers(view: View, report: Mapping[str, Any]) -> Page:
    columns = (
        Column("receiver", "dependence.receiver"),
        Column("tonnes", "dependence.tonnes", "t", True),
        Column("share", "dependence.share", "%", True),
        Column("producers", "dependence.producers", "", True),
        Column("lost", "dependence.lost", "", True),
        Column("back", "dependence.back", "", True),
        Column("rerouted", "dependence.rerouted", "t", True),
        Column("stranded", "dependence.stranded", "t", True),
        Column("cost", "dependence.cost", "CNY", True),
        Column("why", "dependence.why"),
    )
    rows = [_receiver_row(view, row) for row in report["rows"]]
    return page_of(columns, rows, sort="-lost", limit=25)


def _receiver_row(view: View, row: Mapping[str, Any]) -> Row:
    kg = kg_of(row["tonnes"]) or 0
    asked = row["rerouted"]
    makers: dict[str, Callable[[], Cell]] = {
        "receiver": lambda: _receiver(view, row),
        "tonnes": lambda: mass_cell(kg),
        "share": lambda: _share(row["share"]),
        "producers": lambda: Cell(count(row["producers"]), row["producers"]),
        "lost": lambda: _figure(row["points_lost"]),
        "back": lambda: (
            _figure(row["points_lost_rerouted"]) if asked else _ask(view, row["receiver"])
        ),
        "rerouted": lambda: _tonnes(row["rerouted_t"]),
        "stranded": lambda: _tonnes(row["stranded_t"]),
        "cost": lambda: (
            Cell(NONE, None, muted=True)
            if row["cost"] is None
            else Cell(f"{float(row['cost']):,.0f}", float(row["cost"]))
        ),
        "why": lambda: _why_cell(row),
    }
    return Later(makers, {"lost": row["points_lost"], "tonnes": kg, "share": row["share"]})


def _ask(view: View, receiver: str | None) -> Cell:
    """Where the re-routing of a receiver is asked for."""
    if receiver is None:
        return Cell(NONE, None, muted=True)
    address = view.address("dependence", receiver=receiver)
    return Cell(text("dependence.ask"), None, address, muted=True)


def _why_cell(row: Mapping[str, Any]) -> Cell:
    why = _why(row) if row["rerouted"] else ""
    code = next((item["reason"] for item in row["lost"] if item["reason"]), "")
    short = text(f"dependence.reason.{code}") if row["rerouted"] and code else ""
    return Cell(short, code, title=why)


def _receiver(view: View, row: Mapping[str, Any]) -> Cell:
    """The receiver; said where all of it is use at its own works."""
    cell = _named(view, row["receiver"])
    if not row["own_use"]:
        return cell
    return replace(cell, shown=text("dependence.own", firm=cell.shown))


def _named(view: View, code: str | None) -> Cell:
    if code is None:
        return Cell(text("dependence.hidden"), "", muted=True)
    return firm_cell(view, code)


def _share(value: float | None) -> Cell:
    if value is None:
        return Cell(NONE, None, muted=True)
    return Cell(percent(value), round(value * 100, 6))


def _figure(value: float | None, digits: int = 2) -> Cell:
    if value is None:
        return Cell(NONE, None, muted=True)
    return Cell(f"{value:,.{digits}f}", value)


def _tonnes(value: str | None) -> Cell:
    return mass_cell(None if value is None else kg_of(value))


def _producers(view: View, report: Mapping[str, Any]) -> Page:
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("material", "col.material"),
        Column("utilised", "dependence.utilised", "t", True),
        Column("receivers", "dependence.receivers", "", True),
        Column("single", "dependence.single"),
        Column("largest", "dependence.largest"),
        Column("top1", "dependence.top1", "%", True),
        Column("top3", "dependence.top3", "%", True),
        Column("hhi", "dependence.hhi", "", True),
    )
    rows = [_producer_row(view, row) for row in report["producers"]]
    return page_of(columns, rows, sort="-hhi", limit=25)


def _producer_row(view: View, row: Mapping[str, Any]) -> Row:
    none = row["receivers"] == 0
    kg = kg_of(row["utilised_t"]) or 0
    makers: dict[str, Callable[[], Cell]] = {
        "enterprise": lambda: firm_cell(view, row["enterprise"]),
        "material": lambda: material_cell(view, row["material"]),
        "utilised": lambda: mass_cell(kg),
        "receivers": lambda: Cell(count(row["receivers"]), row["receivers"]),
        "single": lambda: (
            Cell(text("dependence.only"), "yes") if row["only_receiver"] else Cell("", "no")
        ),
        "largest": lambda: Cell(NONE, None, muted=True) if none else _named(view, row["largest"]),
        "top1": lambda: _share(row["top1"]),
        "top3": lambda: _share(row["top3"]),
        "hhi": lambda: _figure(row["hhi"], 3),
    }
    return Later(makers, {"hhi": row["hhi"], "utilised": kg})


def _hinges(view: View, report: Mapping[str, Any]) -> Page:
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("parts", "dependence.parts", "", True),
        Column("cut_off", "dependence.cut_off", "", True),
        Column("tonnes", "dependence.through", "t", True),
    )
    rows = [
        {
            "enterprise": firm_cell(view, row["enterprise"]),
            "parts": Cell(count(row["parts"]), row["parts"]),
            "cut_off": Cell(count(row["cut_off"]), row["cut_off"]),
            "tonnes": _tonnes(row["tonnes"]),
        }
        for row in report["articulation"]
    ]
    return page_of(columns, rows, sort="-cut_off", limit=25)


def _bridges(view: View, report: Mapping[str, Any]) -> Page:
    columns = (
        Column("one", "dependence.one"),
        Column("other", "dependence.other"),
        Column("tonnes", "dependence.through", "t", True),
        Column("cut_off", "dependence.behind", "", True),
    )
    rows = [
        {
            "one": firm_cell(view, row["one"]),
            "other": firm_cell(view, row["other"]),
            "tonnes": _tonnes(row["tonnes"]),
            "cut_off": Cell(count(row["cut_off"]), row["cut_off"]),
        }
        for row in report["bridges"]
    ]
    return page_of(columns, rows, sort="-tonnes", limit=25)


_TABLES: Final = {
    "receivers": _receivers,
    "producers": _producers,
    "hinges": _hinges,
    "bridges": _bridges,
}
