"""`/rates`: any rate by formula, basis and grouping, explained where it stands, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.formulas import FORMULAS, PRODUCT
from wasteflow.core.rates import GROUPINGS, TIMES
from wasteflow.core.target_values import RATE_TERMS
from wasteflow.services.drill import TERMS, term_report
from wasteflow.services.provenance import gap_report
from wasteflow.services.rating import BASES, TERRITORIAL
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import kg_of, percent
from wasteflow.web.pages.detail import group_cell
from wasteflow.web.pages.explained import beside, explain, report_of
from wasteflow.web.pages.place_words import kg_cell, place_words, term_address
from wasteflow.web.pages.reported import Banner, banner_of, compare_kg, compare_rate
from wasteflow.web.pages.tables import (
    Cell,
    Column,
    Row,
    file_response,
    matching,
    page_of,
    wants_file,
)
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import short_reason, text

BY_CHOICES: Final = (
    "enterprise",
    "park",
    "region",
    "material",
    "enterprise,material",
    "park,material",
    "route",
    "evidence",
    "enterprise,route",
    "enterprise,evidence",
    "month",
    "month,material",
    "quarter",
    "quarter,material",
    "year",
    "year,material",
)
BASE_TERMS: Final = ("generated", "utilised", "utilised_prior", "disposed", "stored")
ALL_TERMS: Final = (
    *BASE_TERMS,
    "disposed_prior",
    "dumped",
    "treated",
    "lost",
    "outside",
    "weighing_difference",
    "stocktake_loss",
    "settled",
)
ROLLED: Final = ("stored", "utilised_prior", "disposed_prior")
"""Net new stock = the first less the others, which are the draw on old stock."""
GAP_SHOWN: Final = 6
PLACES_SHOWN: Final = 12


def show() -> str | Response:
    """The page, or its table as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    formula = _choice("formula", tuple(FORMULAS), "official")
    basis = _choice("basis", BASES, "declared")
    default = "month" if view.scope.startswith("enterprise:") else "enterprise"
    by = _choice("by", BY_CHOICES, default)
    words = by.split(",")
    report = report_of(view, formula, basis, by)
    rows = [
        row
        for row in report["rows"]
        if all(
            word not in words or request.args.get(word, "") in ("", row[word])
            for word in ("route", "evidence")
        )
    ]
    terms = _terms(formula, basis)
    columns = [
        *(Column(word, f"col.{word}") for word in words),
        *(Column(term, f"col.{term}", "t", True) for term in terms),
        Column("rate", f"metric.{report['formula']}", "%", True),
    ]
    asked = {"formula": formula, "basis": basis}
    wide = request.args.get("terms") == "all"
    cells = [_cells(view, row, words, terms, asked) for row in rows]
    start = words[0] if words[0] in TIMES else "-generated"
    page = page_of(columns, cells, sort=start)
    if wants_file():
        name = f"wasteflow-rates-{report['formula']}-{basis}-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    return render_template(
        "rates.html",
        view=view,
        page=page,
        args=request.args,
        by=by,
        choices=BY_CHOICES,
        formula=formula,
        formulas=tuple(FORMULAS),
        basis=basis,
        bases=BASES,
        whole=explain(view, report["total"], formula, basis),
        beside=beside(view, report["total"], formula, basis),
        gap=[] if view.as_of else gap_rows(view)[:GAP_SHOWN],
        banner=_banner(view, report, formula, basis),
        sums=_sums(matching(cells), report["total"], words),
        wide=wide,
        rolled=_rolled(view, report["total"], asked) if wide else None,
        pseudo=report["pseudo"],
        time=words[0] in TIMES,
        year=len(view.span.text) == 4,
    )


def _banner(view: View, report: Mapping[str, Any], formula: str, basis: str) -> Banner | None:
    """The rate as reported beside today's over the same months."""
    if not view.as_of:
        return None
    then, now = report["total"], report_of(replace(view, as_of=0), formula, basis, "")["total"]
    masses = [
        compare_kg(text(f"col.{word}"), kg_of(then[f"{word}_t"]), kg_of(now[f"{word}_t"]))
        for word in ("generated", "utilised")
    ]
    rate = compare_rate(text(f"metric.{report['formula']}"), then["value"], now["value"])
    return banner_of(view, report, [rate, *masses])


def _choice(name: str, allowed: Sequence[str], default: str) -> str:
    word = request.args.get(name, "")
    return word if word in allowed else default


def _terms(formula: str, basis: str) -> tuple[str, ...]:
    """Columns of tonnes: the usual ones, those of the formula, or all of them."""
    if basis == TERRITORIAL:
        return ("generated", "utilised")
    if request.args.get("terms") == "all":
        return ALL_TERMS
    needed = {word.lstrip("-") for side in RATE_TERMS[formula] for word in side}
    return tuple(term for term in ALL_TERMS if term in BASE_TERMS or term in needed)


def _cells(
    view: View,
    row: Mapping[str, Any],
    words: Sequence[str],
    terms: Sequence[str],
    asked: Mapping[str, str],
) -> Row:
    keys = {word: str(row[word]) for word in words}
    product = row["not_computable"] == PRODUCT
    cells = {word: group_cell(view, word, keys[word]) for word in words}
    for term in terms:
        kg = None if product else kg_of(row[f"{term}_t"])
        opens = kg and (term in TERMS or not keys.get("enterprise"))
        address = term_address(view, term, keys=keys, **asked) if opens else ""
        cells[term] = kg_cell(kg, address)
    rate = Cell(short_reason(row["not_computable"]), None, muted=True)
    if row["value"] is not None:
        address = view.address("rates", **_narrowed(view, keys), **asked)
        rate = Cell(percent(row["value"]), round(row["value"] * 100, 6), address)
    cells["rate"] = rate
    return cells


def _narrowed(view: View, keys: Mapping[str, str]) -> dict[str, str]:
    """Scope, period and material of a row, to open it on this page."""
    found: dict[str, str] = {}
    for word, key in keys.items():
        if word in ("enterprise", "park", "region") and key:
            found["scope"] = f"{word}:{key}"
        elif word in TIMES:
            found["period"] = key
        elif word == "material":
            found["material"] = key
    return found


def _sums(cells: Sequence[Row], total: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Sums of the rows shown beside the total: (term, kilograms of rows, of the total)."""
    split = {"route", "evidence"} & set(words)
    found = []
    for term in ("utilised",) if split else ("generated", "utilised"):
        whole = kg_of(total[f"{term}_t"])
        rows = sum(kg_of(str(row[term].value)) or 0 for row in cells if row[term].value is not None)
        found.append((term, rows, whole))
    return {"rows": len(cells), "terms": found}


def _rolled(view: View, total: Mapping[str, Any], asked: dict[str, str]) -> dict[str, Any] | None:
    """Net new stock and the draw on old stock with the terms they are made of; None if unknown."""
    kg = {term: kg_of(total.get(f"{term}_t")) for term in ROLLED}
    stored, used, disposed = kg.values()
    if stored is None or used is None or disposed is None:
        return None
    opens = {
        term: term_address(view, term, keys=None, **asked) if kg[term] else "" for term in ROLLED
    }
    terms = [(term, kg[term], opens[term]) for term in ROLLED]
    lying = _lying(view, asked["basis"]) if stored else []
    return {"net": stored - used - disposed, "drawn": used + disposed, "terms": terms, "at": lying}


def _lying(view: View, basis: str) -> list[tuple[str, int, str]]:
    """Where the stored mass of the one firm in scope lies, if it lies in few places."""
    word, _, firm = view.scope.partition(":")
    if word != "enterprise" or view.as_of or basis == TERRITORIAL:
        return []
    rows = term_report(
        db=books().db,
        enterprise=firm,
        material=view.material,
        period=view.span,
        basis=basis,
        term="stored",
        include_products=view.products,
    )["rows"]
    if len(rows) > PLACES_SHOWN:
        return []
    opens = {"term": "stored", "basis": basis}
    return [
        (
            place_words(view, row["place"]),
            kg_of(row["part_t"]) or 0,
            view.address("postings", material=row["material"], at=row["place"], **opens),
        )
        for row in rows
    ]


def gap_rows(view: View) -> list[dict[str, Any]]:
    """Firms whose declared and verified utilisation differ, widest first, kilograms added."""
    period, scope, material = view.span, view.scope, view.material
    report = once(
        ("gap", period, scope, material),
        lambda: gap_report(db=books().db, period=period, scope=scope, material=material),
    )
    rows = [
        {**row, "gap_kg": kg_of(row["gap_t"]) or 0}
        for row in report["firms"]
        if view.products or view.registry.materials[row["material"]].is_waste
    ]
    rows = [row for row in rows if row["gap_kg"]]
    return sorted(rows, key=lambda row: (-abs(row["gap_kg"]), row["enterprise"], row["material"]))


def gap() -> str | Response:
    """`/gap`: declared against verified utilisation of every firm."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    names = ("declared", "verified", "gap", "declared_then_reshipped", "declared_then_disposed")
    columns = (
        Column("enterprise", "col.enterprise"),
        Column("material", "col.material"),
        *(Column(name, f"gap.{name}", "t", True) for name in names),
    )
    rows = gap_rows(view)
    cells = [_gap_cells(view, row, names) for row in rows]
    page = page_of(columns, cells, sort="-gap")
    if wants_file():
        return file_response(page, f"wasteflow-gap-{view.span.text}", text, view.books.synthetic)
    return render_template(
        "gap.html",
        view=view,
        page=page,
        args=request.args,
        total_kg=sum(row["gap_kg"] for row in rows),
    )


def _gap_cells(view: View, row: Mapping[str, Any], names: Sequence[str]) -> Row:
    keys = {"enterprise": row["enterprise"], "material": row["material"]}
    cells = {word: group_cell(view, word, keys[word]) for word in keys}
    for name in names:
        address = ""
        if name in ("declared", "verified"):
            address = term_address(view, "utilised", keys=keys, basis=name)
        cells[name] = kg_cell(kg_of(row[f"{name}_t"]), address)
    return cells


assert set(",".join(BY_CHOICES).split(",")) <= set(GROUPINGS)
