"""`/quota` (以用定产) and `/crosscheck`: what producers may generate, fits it their output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, render_template, request, url_for

from wasteflow.core.messages import render
from wasteflow.core.periods import Period, next_month
from wasteflow.services.products import crosscheck_report
from wasteflow.services.target_status import PHOSPHOGYPSUM, consumption_report
from wasteflow.web.access import books
from wasteflow.web.formats import NONE, cell, kg_of, percent
from wasteflow.web.pages.detail import firm_cell, mass_cell, material_cell
from wasteflow.web.pages.place_words import term_address
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import catalogue, lang, reason, short_reason, text

BASES: Final = ("declared", "verified")


def quota() -> str | Response:
    """Consumed against generated per phosphogypsum producer, allowed next, draw-down."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    basis = request.args.get("basis", "")
    basis = basis if basis in BASES else BASES[0]
    report = consumption_of(view, basis)
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("generated", "quota.generated", "t", True),
        Column("consumed", "quota.consumed", "t", True),
        Column("balance", "metric.consumption_balance", "%", True),
        Column("net_new_stock", "quota.net_new_stock", "t", True),
        Column("allowed", "quota.allowed", "t", True),
        Column("acid", "quota.acid", "t", True),
        Column("drawn", "quota.drawn", "t", True),
        Column("plan", "quota.plan", "t", True),
        Column("old", "quota.old", "t", True),
        Column("findings", "col.findings"),
    )
    rows = [_quota_cells(view, row, basis) for row in report["rows"]]
    page = page_of(columns, rows, sort="-net_new_stock")
    if wants_file():
        return file_response(page, f"wasteflow-quota-{view.span.text}", text, view.books.synthetic)
    return render_template(
        "quota.html",
        view=view,
        page=page,
        args=request.args,
        basis=basis,
        bases=BASES,
        sums=quota_sums(report),
        behind=_terms(view, basis, material=PHOSPHOGYPSUM, by="enterprise"),
        gypsum=view.registry.materials.get(PHOSPHOGYPSUM),
    )


def consumption_of(view: View, basis: str = "declared") -> dict[str, Any]:
    """The report of 以用定产; no rows where phosphogypsum is not registered."""
    if PHOSPHOGYPSUM not in view.registry.materials:
        return {"rows": []}
    return consumption_report(db=books().db, scope=view.scope, period=view.span, basis=basis)


def quota_sums(report: Mapping[str, Any]) -> dict[str, Any]:
    """Sums over the producers whose figures are known, and how many stand above zero."""
    rows = [row for row in report["rows"] if row["net_new_stock_t"] is not None]
    found = {
        word: sum(kg_of(row[f"{word}_t"]) or 0 for row in rows)
        for word in ("generated", "consumed", "net_new_stock", "allowed_generation")
    }
    above = sum((kg_of(row["net_new_stock_t"]) or 0) > 0 for row in rows)
    return {**found, "firms": len(rows), "above": above, "open": len(report["rows"]) - len(rows)}


def _terms(view: View, basis: str, **changes: str) -> str:
    """The rate with every term: what net new stock and a draw on old stock are made of."""
    found = {"formula": "official", "basis": basis, "products": "", "terms": "all", **changes}
    return view.address("rates", **found) + "#rows"


def _lay_before(view: View, keys: Mapping[str, str]) -> str:
    """What lay at the start: the end of the balance of all months before, if there are any."""
    span, start = view.span, view.books.first
    if start and start < span.first:
        span = Period.of(start, next_month(span.first, -1))
    scope = f"enterprise:{keys['enterprise']}"
    return view.address("balances", scope=scope, material=keys["material"], period=span.text)


def _quota_cells(view: View, row: Mapping[str, Any], basis: str) -> Row:
    keys = {"enterprise": row["enterprise"], "material": row["material"]}

    def figure(name: str, term: str) -> Cell:
        address = term_address(view, term, keys=keys, basis=basis)
        return mass_cell(kg_of(row[f"{name}_t"]), address)

    firm = f"enterprise:{row['enterprise']}"
    whole_firm = _terms(view, basis, scope=firm, material=row["material"], by="enterprise")
    made_of = {word: kg_of(row[f"{word}_t"]) for word in ("net_new_stock", "drawn_from_old_stock")}
    plan, old = kg_of(row["draw_down_plan_t"]), kg_of(row["old_stock_t"])
    notes = [render(code, lang(), row) for code in row["findings"]]
    short = [text(f"quota.finding.{code}") for code in row["findings"]]
    if row["not_computable"]:
        notes.append(reason(row["not_computable"]))
        short.append(short_reason(row["not_computable"]))
    whole = " ".join(notes)
    balance = Cell(NONE, None, muted=True)
    if row["balance"] is not None:
        balance = Cell(percent(row["balance"]), round(row["balance"] * 100, 6))
    return {
        "enterprise": firm_cell(view, row["enterprise"]),
        "generated": figure("generated", "generated"),
        "consumed": figure("consumed", "utilised"),
        "balance": balance,
        "net_new_stock": mass_cell(made_of["net_new_stock"], whole_firm),
        "allowed": figure("allowed_generation", "utilised"),
        "acid": _acid(view, row, keys, basis),
        "drawn": mass_cell(made_of["drawn_from_old_stock"], whole_firm),
        "plan": mass_cell(plan, view.address("targets", scope=firm)),
        "old": mass_cell(old, _lay_before(view, keys)),
        "findings": Cell(
            text("list.comma").join(short) or NONE, whole, title=whole, muted=not notes
        ),
    }


def _acid(view: View, row: Mapping[str, Any], keys: Mapping[str, str], basis: str) -> Cell:
    """What is allowed as P2O5, by the range of its coefficient; leads to the use it comes from."""
    acid = row["acid_equivalent_t"]
    if not acid["low"] or not acid["high"]:
        return Cell(NONE, acid["typical"], muted=True)
    span = f"{cell(kg_of(acid['low']))}–{cell(kg_of(acid['high']))}"
    return Cell(span, acid["typical"], term_address(view, "utilised", keys=keys, basis=basis))


def crosscheck() -> str | Response:
    """Generation against product output by coefficient; findings, never a block."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    report = crosscheck_report(
        db=books().db, scope=view.scope, period=view.span, material=view.material
    )
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("material", "col.material"),
        Column("output", "cross.output"),
        Column("generated", "quota.generated", "t", True),
        Column("low", "cross.low", "t", True),
        Column("typical", "cross.typical", "t", True),
        Column("high", "cross.high", "t", True),
        Column("factor", "cross.factor", "t/t", True),
        Column("finding", "col.findings"),
    )
    page = page_of(columns, [_cross_cells(view, row) for row in report["rows"]], sort="enterprise")
    if wants_file():
        name = f"wasteflow-crosscheck-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "crosscheck.html",
        view=view,
        page=page,
        args=request.args,
        found=sum(bool(row["finding"]) for row in report["rows"]),
        open_rows=sum(bool(row["reason"]) for row in report["rows"]),
    )


def _cross_cells(view: View, row: Mapping[str, Any]) -> Row:
    keys = {"enterprise": row["enterprise"], "material": row["material"]}
    outputs = text("list.comma").join(
        f"{product_words(driver)} {cell(kg_of(tonnes))}\u00a0{text('unit.t')}"
        for driver, tonnes in row["output_t"].items()
    )
    codes = [code for code in (row["finding"], row["reason"], *row["notes"]) if code]
    words = " ".join(render(code, lang(), row) for code in codes)
    factor = Cell(NONE, None, muted=True)
    if row["factor"] is not None:
        factor = Cell(f"{row['factor']:.3f}", row["factor"])
    address = term_address(view, "generated", keys=keys)
    told = {"enterprise": row["enterprise"], "period": view.span.text}
    made = url_for("loads.products", **told)
    return {
        "enterprise": firm_cell(view, row["enterprise"]),
        "material": material_cell(view, row["material"]),
        "output": Cell(outputs or NONE, outputs, made if outputs else "", muted=not outputs),
        "generated": mass_cell(kg_of(row["generated_t"]), address),
        **{word: mass_cell(kg_of(row["expected_t"][word])) for word in ("low", "typical", "high")},
        "factor": factor,
        "finding": Cell(words or text("cross.fits"), words, muted=not words),
    }


def product_words(code: str) -> str:
    """A product in words; its code if it is none of ours."""
    return text(f"word.product.{code}") if f"word.product.{code}" in catalogue() else code
