"""`/potential`: new links that could be made, what each brings, why other tonnes stay."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Response, make_response, render_template, request, url_for
from msgspec import Struct

from wasteflow.core.messages import render
from wasteflow.core.symbiosis.links import Limits
from wasteflow.services.matching import Asked, match_report
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import NONE, kg_of, mass, money, percent
from wasteflow.web.identity import reach
from wasteflow.web.pages.detail import firm_cell, mass_cell, material_cell, route_cell
from wasteflow.web.pages.following import follows
from wasteflow.web.pages.offers import may_propose
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, text

BEST: Final = 3
FARTHEST_KM: Final = 20_000
DEAREST_YUAN: Final = 100_000
_PLAIN: Final = ("route_fits", "permit_holds")
"""Reasons that every proposed link has: not worth saying in each row."""


class Wish(Struct, frozen=True):
    """What the form asks for, as typed, and which field cannot be read ("" = all can)."""

    planned: bool
    max_km: str
    max_cost: str
    wrong: str
    limits: Limits


def wish() -> Wish:
    """The form of this request."""
    args = request.args
    km, cost = args.get("max_km", "").strip(), args.get("max_cost", "").strip()
    distance, ceiling = _number(km), _number(cost)
    wrong = ""
    if km and (distance is None or not 0 < distance <= FARTHEST_KM):
        wrong, distance = "max_km", None
    elif cost and (ceiling is None or abs(ceiling) > DEAREST_YUAN):
        wrong, ceiling = "max_cost", None
    limits = Limits(
        None if distance is None else float(distance),
        None if ceiling is None else int(ceiling * 100),
    )
    return Wish(bool(args.get("planned")), km, cost, wrong, limits)


def _number(words: str) -> Decimal | None:
    try:
        found = Decimal(words) if words else None
    except InvalidOperation:
        return None
    return found if found is None or found.is_finite() else None


def show() -> str | Response:
    """The page, or the table of links as a file."""
    view, asked = read_view(), wish()
    if view.empty:
        return render_template("empty.html", view=view)
    wanted = Asked(view.scope, view.material, asked.planned, asked.limits)
    if follows(view.books, match_key(view, wanted)):
        body = render_template("potential.html", view=view, asked=asked, total=None)
        return make_response(body, 422) if asked.wrong else body
    report = matched(view, wanted)
    columns = _COLUMNS if wants_file() or not may_propose() else (*_COLUMNS, _PROPOSE)
    links = page_of(columns, [_cells(view, row) for row in report["links"]], sort="-tonnes")
    left = page_of(_LEFT, [_left(view, row) for row in report["unserved"]], sort="-tonnes")
    if wants_file():
        part = left if request.args.get("part") == "left" else links
        name = f"wasteflow-{'unserved' if part is left else 'potential'}-{view.span.text}"
        return file_response(part, name, text, view.books.synthetic)
    body = render_template(
        "potential.html",
        view=view,
        asked=asked,
        links=links,
        left=left,
        args=request.args,
        total=_total(report["total"]),
        best=[_best(view, row) for row in report["links"][:BEST]],
        nearest=report["nearest"],
        unstated=report["capacity_not_stated"],
    )
    return make_response(body, 422) if asked.wrong else body


def match_key(view: View, asked: Asked) -> tuple[object, ...]:
    """What the report of a view is kept under."""
    return "match", view.span, asked


def matched(view: View, asked: Asked) -> dict[str, Any]:
    """The report of a view, made once for a version of the data; the map of links shares it."""
    return once(
        match_key(view, asked),
        lambda: match_report(db=books().db, period=view.span, asked=asked),
    )


_COLUMNS: Final = (
    Column("from", "potential.from"),
    Column("to", "potential.to"),
    Column("material", "col.material"),
    Column("route", "col.route"),
    Column("tonnes", "col.mass", "t", True),
    Column("points", "potential.points", "%", True),
    Column("km", "potential.km", "km", True),
    Column("net", "potential.net", "CNY/t", True),
    Column("cost", "potential.cost", "CNY", True),
    Column("co2", "potential.co2", "t", True),
    Column("share", "potential.share", "%", True),
    Column("need", "potential.need", "%", True),
    Column("why", "potential.why"),
)
_PROPOSE: Final = Column("propose", "potential.propose")
_LEFT: Final = (
    Column("enterprise", "col.enterprise"),
    Column("material", "col.material"),
    Column("tonnes", "col.mass", "t", True),
    Column("reason", "potential.reason"),
    Column("facility", "potential.closest"),
    Column("km", "potential.km", "km", True),
    Column("net", "potential.net", "CNY/t", True),
)


def _total(total: Mapping[str, Any]) -> dict[str, Any]:
    """Sums in the shape the page shows."""
    rates = {
        name: None if total[name] is None else percent(total[name])
        for name in ("rate_before", "rate_after")
    }
    gained = None
    if total["rate_before"] is not None and total["rate_after"] is not None:
        gained = f"{(total['rate_after'] - total['rate_before']) * 100:.1f}"
    return {
        "placed": kg_of(total["tonnes"]) or 0,
        "supply": kg_of(total["supply_t"]) or 0,
        "left": kg_of(total["unserved_t"]) or 0,
        "cost": money(total["cost"], lang()),
        "co2": total["co2_t"],
        "unpriced": [text(f"potential.part.{part}") for part in total["unpriced"]],
        "gained": gained,
        **rates,
    }


def _best(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    """One of the largest links as a sentence."""
    amount = mass(kg_of(row["tonnes"]) or 0, lang())
    points = row["rate_points"]
    return {
        "giver": view.registry.enterprises[row["from"]],
        "taker": taker_words(view, row),
        "address": view.address("overview", scope=f"enterprise:{row['from']}"),
        "firmless": may_propose() and row["to"] not in view.registry.enterprises,
        "propose": propose_address(row)
        if may_propose() and row["to"] in view.registry.enterprises
        else "",
        "amount": f"{amount.number} {amount.unit}",
        "points": None if points is None else f"{points:.1f}",
        "km": f"{row['distance_km']:,.0f}",
        "net": row["per_tonne"]["net"],
        "cost": money(row["cost"], lang()),
        "ahead": "facility_ahead" in row["why"],
    }


def taker_words(view: View, row: Mapping[str, Any]) -> str:
    """The receiver by name: a firm, or the project where there is no firm yet."""
    firm = view.registry.enterprises.get(row["to"])
    if firm is not None:
        return firm.name_en or firm.name_zh if lang() == "en" else firm.name_zh
    facility = view.registry.facilities[row["facility"]]
    return facility.name or facility.code


def _cells(view: View, row: Mapping[str, Any]) -> Row:
    own = reach()
    sees = own.everything or own.holds(view.registry, f"enterprise:{row['to']}")
    known = row["to"] in view.registry.enterprises
    taker = taker_words(view, row)
    said = [code for code in row["why"] if code not in _PLAIN]
    short = [text(f"potential.why.{code}") for code in said]
    why = "; ".join(render(code, lang(), {}) for code in row["why"])
    points = row["rate_points"]
    share, need = row["share_of_supply"], row["share_of_capacity"] if sees else None
    facility = view.registry.facilities[row["facility"]]
    return {
        "from": firm_cell(view, row["from"]),
        "to": firm_cell(view, row["to"])
        if known and sees
        else Cell(taker, taker, title=facility.name or facility.code),
        "material": material_cell(view, row["material"]),
        "route": route_cell(view, row["route"]),
        "tonnes": mass_cell(kg_of(row["tonnes"])),
        "points": _figure(points, 2),
        "km": _figure(row["distance_km"], 0),
        "net": Cell(row["per_tonne"]["net"], float(row["per_tonne"]["net"])),
        "cost": Cell(f"{Decimal(row['cost']):,.0f}", float(row["cost"])),
        "co2": _figure(None if row["co2_t"] is None else float(row["co2_t"]), 1),
        "share": _figure(share * 100, 0),
        "need": _figure(None if need is None else need * 100, 0),
        "why": Cell(text("list.comma").join(short), why, title=why),
        "propose": _propose_cell(row) if known else Cell(NONE, None, muted=True),
    }


def _propose_cell(row: Mapping[str, Any]) -> Cell:
    """Where the link is proposed to both firms, filled with what was found."""
    return Cell(text("potential.propose"), "", propose_address(row))


def propose_address(row: Mapping[str, Any]) -> str:
    """The form of a proposal for a row of the report."""
    what = {name: row[name] for name in ("from", "to", "material", "tonnes")}
    return url_for("pages.offer_new", kind="proposal", **what)


def _figure(value: float | None, digits: int) -> Cell:
    if value is None:
        return Cell(NONE, None, muted=True)
    return Cell(f"{value:,.{digits}f}", value)


def _left(view: View, row: Mapping[str, Any]) -> Row:
    why = render(row["reason"], lang(), {})
    facility = view.registry.facilities.get(row["facility"])
    name = (facility.name or facility.code) if facility else NONE
    price = row["per_tonne"]["net"] if row["per_tonne"] else None
    return {
        "enterprise": firm_cell(view, row["enterprise"]),
        "material": material_cell(view, row["material"]),
        "tonnes": mass_cell(kg_of(row["tonnes"])),
        "reason": Cell(why, row["reason"]),
        "facility": Cell(name, row["facility"], muted=facility is None),
        "km": _figure(row["distance_km"], 0),
        "net": Cell(price or NONE, None if price is None else float(price), muted=price is None),
    }
