"""`/matrix`: who sends to whom, by park or by firm, as a square that adds up to the links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Response, render_template, request

from wasteflow.core.matrix import OTHER, Matrix, matrix_of
from wasteflow.web.pages.detail import mass_cell
from wasteflow.web.pages.links import LinkRow, flows_of, links_of
from wasteflow.web.pages.tables import Cell, Column, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import name_of, text

MOST: Final = 10
LEVELS: Final = ("park", "enterprise")
SHADES: Final = 6


def show() -> str | Response:
    """The page, or every pair as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    level = _level(view)
    key = _key(view, level)
    links = links_of(view, flows_of(view))
    pairs = [(key(row.source), key(row.target), row.kg) for row in links]
    if wants_file():
        return _file(view, level, links)
    found = matrix_of(pairs, MOST)
    return render_template(
        "matrix.html",
        view=view,
        level=level,
        found=found,
        shade=lambda kg: _shade(kg, found),
        name=lambda code: _name(view, level, code),
        address=lambda row, column: _address(view, level, row, column),
        other=OTHER,
        links=len(links),
    )


def _level(view: View) -> str:
    wanted = request.args.get("level", "")
    if wanted in LEVELS:
        return wanted
    return "park" if view.scope.partition(":")[0] in ("all", "region") else "enterprise"


def _key(view: View, level: str) -> Callable[[str], str]:
    return view.registry.park_of if level == "park" else str


def _name(view: View, level: str, code: str) -> str:
    if code == OTHER:
        return text("matrix.other")
    if not code:
        return text("none.park")
    table = view.registry.parks if level == "park" else view.registry.enterprises
    return name_of(table[code])


def _shade(kg: int, found: Matrix) -> int:
    """0 (nothing) to SHADES, by the root of the share of the largest cell."""
    if not kg or not found.largest_kg:
        return 0
    share = max(kg, 0) / found.largest_kg
    return max(1, min(SHADES, round(SHADES * float(share**0.5))))


def _address(view: View, level: str, row: str, column: str) -> str:
    """The links of a cell; "" where it adds up several that no filter names."""
    if OTHER in (row, column) or not row or not column:
        return ""
    return view.address("flows", source=f"{level}:{row}", target=f"{level}:{column}")


def _file(view: View, level: str, links: list[LinkRow]) -> Response:
    key, sums = _key(view, level), dict[tuple[str, str], tuple[int, int]]()
    for row in links:
        pair = key(row.source), key(row.target)
        kg, loads = sums.get(pair, (0, 0))
        sums[pair] = kg + row.kg, loads + row.loads
    columns = (
        Column("source", "col.from"),
        Column("target", "col.to"),
        Column("mass", "col.accepted", "t", True),
        Column("loads", "col.loads", "", True),
    )
    rows = [
        {
            "source": Cell(source_name := _name(view, level, pair[0]), source_name),
            "target": Cell(target_name := _name(view, level, pair[1]), target_name),
            "mass": mass_cell(kg),
            "loads": Cell(str(loads), loads),
        }
        for pair, (kg, loads) in sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    ]
    page = page_of(columns, rows, sort="-mass", limit=max(1, len(rows)))
    return file_response(page, f"matrix-{view.span.text}", text, view.books.synthetic)
