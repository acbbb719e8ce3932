"""`/targets/gap`: the firms whose stored and disposed waste would close the gap of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, abort, make_response, redirect, render_template, request

from wasteflow.core.gap_firms import GapFirm, gap_firms, gap_so_far, needed
from wasteflow.core.periods import Period
from wasteflow.core.targets import target_materials
from wasteflow.services.rating import rates_report
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import kg_of, period_words
from wasteflow.web.pages.detail import firm_cell, mass_cell
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.target_board import Board, value_words
from wasteflow.web.pages.target_page import made
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, text

FIRST: Final = 3
_LEFT: Final = ("stored_t", "disposed_t", "dumped_t")
_COLUMNS: Final = (
    Column("enterprise", "col.enterprise"),
    Column("generated", "col.generated", "t", True),
    Column("used", "col.utilised", "t", True),
    Column("left", "gapfirms.left", "t", True),
    Column("share", "gapfirms.share", "%", True),
    Column("reach", "gapfirms.reach", "%", True),
    Column("links", "gapfirms.links"),
)


def show() -> str | Response:
    """The page of one target of the board, or its firms as a file."""
    view, code = read_view(), request.args.get("target", "")
    if view.empty:
        return render_template("empty.html", view=view)
    if not code:
        return make_response(redirect(view.address("targets"), 303))
    board = next((item for item in made("board", view).boards if item.code == code), None)
    if board is None or not view.opens(str(board.row["scope"])):
        abort(404)
    months = len(list(Period.parse(str(board.row["measured"])).months()))
    gap_kg = gap_so_far(kg_of(board.row["gap_t"]), months)
    rows = _terms(view, board)
    firms = gap_firms({firm: _left(row) for firm, row in rows.items()})
    table = page_of(
        _COLUMNS, [_row(view, board, rows, item, gap_kg) for item in firms], sort="-left"
    )
    if wants_file():
        return file_response(table, f"wasteflow-gap-{code}", text, view.books.synthetic)
    return render_template(
        "target_gap.html",
        view=view,
        board=board,
        args=request.args,
        table=table,
        gap_kg=gap_kg,
        year_kg=kg_of(board.row["gap_t"]),
        value=value_words,
        period=period_words(Period.parse(str(board.row["measured"])), lang()),
        first=[_first(view, board, item, gap_kg) for item in firms[:FIRST]],
        needed=needed(firms, gap_kg) if gap_kg and gap_kg > 0 else None,
        left_kg=firms[-1].reach_kg if firms else 0,
        links=_links(view, board, ""),
    )


def _terms(view: View, board: Board) -> dict[str, dict[str, int | None]]:
    """Firm → kilograms of the target's materials in the period it is measured over."""
    wanted = target_materials(view.registry.targets[board.code], view.registry)
    scope, measured = str(board.row["scope"]), str(board.row["measured"])
    report: dict[str, Any] = once(
        ("targets", "gap", scope, measured),
        lambda: rates_report(
            db=books().db, scope=scope, period=Period.parse(measured), by="enterprise,material"
        ),
    )
    rows: dict[str, dict[str, int | None]] = {}
    for row in report["rows"]:
        if row["material"] not in wanted:
            continue
        mine = rows.setdefault(row["enterprise"], {})
        for name in ("generated_t", "utilised_t", *_LEFT):
            kg, known = kg_of(row[name]), mine.get(name, 0)
            mine[name] = None if kg is None or known is None else known + kg
    return rows


def _left(row: Mapping[str, int | None]) -> int:
    """What was put in store, disposed of or dumped; what is not known counts nothing."""
    return sum(max(0, row.get(name) or 0) for name in _LEFT)


def _material(view: View, board: Board) -> str:
    """The material of a target of one material, "" for several."""
    wanted = sorted(target_materials(view.registry.targets[board.code], view.registry))
    return wanted[0] if len(wanted) == 1 else ""


def _links(view: View, board: Board, firm: str) -> str:
    """Potential links of a firm, or of the area of the target."""
    scope = f"enterprise:{firm}" if firm else str(board.row["scope"])
    changes = {
        "scope": "" if scope == "all" else scope,
        "period": board.row["measured"],
        "material": _material(view, board),
    }
    return view.address("potential", **changes)


def _rates(view: View, board: Board, firm: str) -> str:
    """The tonnes behind a firm's row, by material and route."""
    return view.address(
        "rates",
        scope=f"enterprise:{firm}",
        period=board.row["measured"],
        material=_material(view, board),
        by="material",
        terms="all",
    )


def _percent(kg: int, gap_kg: int | None) -> tuple[str, float | None]:
    if not gap_kg or gap_kg <= 0:
        return "–", None
    share = kg * 100 / gap_kg
    return f"{share:,.1f}", round(share, 6)


def _row(
    view: View,
    board: Board,
    rows: Mapping[str, Mapping[str, int | None]],
    item: GapFirm,
    gap_kg: int | None,
) -> Row:
    firm, row = item.enterprise, rows[item.enterprise]
    share, reach = _percent(item.left_kg, gap_kg), _percent(item.reach_kg, gap_kg)
    left = mass_cell(item.left_kg)
    return {
        "enterprise": firm_cell(view, firm),
        "generated": mass_cell(row["generated_t"]),
        "used": mass_cell(row["utilised_t"]),
        "left": Cell(left.shown, left.value, _rates(view, board, firm), left.title),
        "share": Cell(*share),
        "reach": Cell(*reach),
        "links": Cell(text("gapfirms.look"), None, _links(view, board, firm)),
    }


def _first(view: View, board: Board, item: GapFirm, gap_kg: int | None) -> Mapping[str, Any]:
    """One of the firms that head the page."""
    return {
        "name": firm_cell(view, item.enterprise).shown,
        "left_kg": item.left_kg,
        "share": _percent(item.left_kg, gap_kg)[0],
        "whole": bool(gap_kg and 0 < gap_kg <= item.left_kg),
        "address": _rates(view, board, item.enterprise),
        "links": _links(view, board, item.enterprise),
    }
