"""`/potential/plan`: three links that bring a scope to its target, as one page for a meeting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.messages import render
from wasteflow.core.symbiosis.books import position_of
from wasteflow.services.link_plan import NEEDS, plan_report, plan_targets, target_row
from wasteflow.services.matching import Asked
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import NONE, kg_of, money, percent, target_value
from wasteflow.web.pages.detail import firm_cell, mass_cell, material_cell, route_cell
from wasteflow.web.pages.following import follows
from wasteflow.web.pages.outlines_drawn import park_outlines
from wasteflow.web.pages.potential import taker_words, wish
from wasteflow.web.pages.scenario_map import Drawing, drawing
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view, scope_name
from wasteflow.web.texts import lang, text

_COLUMNS: Final = (
    Column("from", "potential.from"),
    Column("to", "potential.to"),
    Column("material", "col.material"),
    Column("route", "col.route"),
    Column("tonnes", "col.mass", "t", True),
    Column("points", "potential.points", "%", True),
    Column("after", "link_plan.after", "%", True),
    Column("km", "potential.km", "km", True),
    Column("net", "potential.net", "CNY/t", True),
    Column("cost", "potential.cost", "CNY", True),
    Column("co2", "potential.co2", "t", True),
    Column("needs", "link_plan.needs"),
)


def show() -> str | Response:
    """The page, or its links as a file."""
    view, asked = read_view(), wish()
    if view.empty:
        return render_template("empty.html", view=view)
    now, target = bool(request.args.get("now")), _target()
    wanted = Asked(view.scope, view.material, not now, asked.limits)
    fitting = plan_targets(view.registry, view.span, view.scope, view.material)
    seen = {
        "view": view,
        "now": now,
        "asked": asked,
        "targets": [(item.code, target_words(view, target_row(item))) for item in fitting],
    }
    key = "link_plan", view.span, wanted, target
    fits = not target or target in [item.code for item in fitting]
    if fits and follows(view.books, key):
        return render_template("link_plan.html", **seen, report=None)
    report = once(
        key, lambda: plan_report(db=books().db, period=view.span, asked=wanted, target=target)
    )
    plan = report["plan"]
    if wants_file():
        rows = [_cells(view, row) for row in plan["links"]] if plan else []
        page = page_of(_COLUMNS, rows, sort="-tonnes")
        return file_response(
            page, f"wasteflow-link-plan-{view.span.text}", text, view.books.synthetic
        )
    return render_template(
        "link_plan.html",
        **seen,
        report=report,
        target=target_words(view, report["target"]) if report["target"] else "",
        why=render(report["why"], lang(), {}) if report["why"] else "",
        plan=_plan(plan) if plan else None,
        links=[_link(view, row) for row in plan["links"]] if plan else [],
        drawn=_drawn(view, plan) if plan else None,
    )


def _target() -> str:
    """The target asked for; one that the new scope or material left behind is left out."""
    code = request.args.get("target", "").strip()
    return code if request.args.get("for", "") in ("", _asked_for()) else ""


def _asked_for() -> str:
    return f"{request.args.get('scope', '')} {request.args.get('material', '')}"


def target_words(view: View, item: Mapping[str, Any]) -> str:
    """A target in words: whose, which rate, how much, by when."""
    whose = (
        text("targets.national")
        if item["scope"] == "all"
        else scope_name(view.registry, item["scope"])
    )
    goal = (
        target_value(item["operator"], item["value"], item["unit"], lang())
        or f"{text('scenario.keep')} {percent(item['goal'])} %"
    )
    parts = (whose, text(f"metric.{item['metric']}"), goal, str(item["year"] or ""))
    return " · ".join(part for part in parts if part)


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Sums in the shape the page shows."""
    points = (plan["after"] - plan["before"]) * 100
    return {
        **plan,
        "goal": percent(plan["goal"]),
        "before": percent(plan["before"]),
        "after": percent(plan["after"]),
        "points": f"{points:.1f}",
        "gap": kg_of(plan["gap_t"]) or 0,
        "kg": kg_of(plan["tonnes"]) or 0,
        "left": kg_of(plan["left_t"]) or 0,
        "supply": kg_of(plan["supply_t"]) or 0,
        "cost": signed(plan["cost"]),
        "gain": money(plan["cost"].removeprefix("-"), lang())
        if (plan["cost"] or "").startswith("-")
        else "",
        "co2": NONE if plan["co2_t"] is None else f"{float(plan['co2_t']):,.0f}",
        "unpriced": [text(f"potential.part.{part}") for part in plan["unpriced"]],
    }


def _link(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    """A link as words."""
    return {
        "giver": firm_cell(view, row["from"]).shown,
        "taker": taker_words(view, row),
        "facility": view.registry.facilities[row["facility"]].name or row["facility"],
        "route": route_cell(view, row["route"]).shown,
        "kg": kg_of(row["tonnes"]) or 0,
        "points": NONE if row["rate_points"] is None else f"{row['rate_points']:.1f}",
        "after": percent(row["value_after"]),
        "km": f"{row['distance_km']:,.0f}",
        "cost": signed(row["cost"]),
        "co2": NONE if row["co2_t"] is None else f"{float(row['co2_t']):,.0f}",
        "parts": [
            (text(f"potential.part.{part}"), row["per_tonne"][name] or NONE)
            for part, name in (
                ("freight", "freight"),
                ("treatment", "treatment"),
                ("gate", "gate_value"),
                ("storage", "avoided_storage"),
            )
        ],
        "net": minus(row["per_tonne"]["net"]),
        "why": [render(code, lang(), {}) for code in row["why"] if code not in NEEDS],
        "needs": [render(code, lang(), {}) for code in row["why"] if code in NEEDS],
        "source": row["facility_source"],
    }


def signed(yuan: str | None) -> str:
    """Money with a minus sign that is one."""
    return minus(money(yuan, lang()))


def minus(words: str) -> str:
    """A figure with a minus sign in place of a hyphen."""
    return words.replace("-", "−")


def _drawn(view: View, plan: Mapping[str, Any]) -> Drawing | None:
    """The links on a small map."""
    registry = view.registry
    places: dict[str, tuple[float, float]] = {}
    names: dict[str, str] = {}
    flows = []
    for row in plan["links"]:
        facility = registry.facilities[row["facility"]]
        at = {
            row["from"]: position_of(registry, row["from"]),
            row["facility"]: position_of(registry, facility.enterprise, facility.park),
        }
        places |= {code: place for code, place in at.items() if place is not None}
        names |= {row["from"]: firm_cell(view, row["from"]).shown}
        names |= {row["facility"]: facility.name or row["facility"]}
        flows.append({**row, "change_t": row["tonnes"]})
    return drawing({"flows": flows, "places": places}, names, park_outlines(registry))


def _cells(view: View, row: Mapping[str, Any]) -> Row:
    needs = "; ".join(render(code, lang(), {}) for code in row["why"] if code in NEEDS)
    taker = taker_words(view, row)
    co2, points = row["co2_t"], row["rate_points"]
    return {
        "from": firm_cell(view, row["from"]),
        "to": Cell(taker, taker),
        "material": material_cell(view, row["material"]),
        "route": route_cell(view, row["route"]),
        "tonnes": mass_cell(kg_of(row["tonnes"])),
        "points": Cell(NONE if points is None else f"{points:.2f}", points),
        "after": Cell(percent(row["value_after"]), row["value_after"] * 100),
        "km": Cell(f"{row['distance_km']:,.0f}", row["distance_km"]),
        "net": Cell(row["per_tonne"]["net"], float(row["per_tonne"]["net"])),
        "cost": Cell(row["cost"], float(row["cost"])),
        "co2": Cell(co2 or NONE, None if co2 is None else float(co2)),
        "needs": Cell(needs, needs),
    }
