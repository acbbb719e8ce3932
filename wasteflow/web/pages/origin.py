"""`/provenance`: where a firm's waste went, where its input came from, paths, loops and resale.

Everything here holds under the mixing rule, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.registry import Material
from wasteflow.services.provenance import (
    DOWNSTREAM,
    UPSTREAM,
    loops_report,
    path_report,
    trace_report,
)
from wasteflow.web.access import books
from wasteflow.web.assets import injected_styles
from wasteflow.web.formats import NONE, kg_of, mass, percent
from wasteflow.web.pages.detail import route_cell
from wasteflow.web.pages.place_words import exact_cell, firm_name, place_words
from wasteflow.web.pages.sankey_bars import FIRST, givers
from wasteflow.web.pages.sankey_view import Flow, Picture, PlainLooks, payload
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import lang, name_of, text

DIRECTIONS: Final = (DOWNSTREAM, UPSTREAM)
TOP: Final = 14
TRADERS: Final = 6
LEAST_SHARE: Final = 0.0005
_SUMS: Final = ("gross", "first", "repeat", "returned_home", "counted_more_than_once")
_NO_SUMS: Final = {f"{word}_t": None for word in _SUMS}


def show() -> str | Response:
    """The page of one firm and material, or a choice of firms."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    firm = view.scope.partition(":")[2] if view.scope.startswith("enterprise:") else ""
    direction = request.args.get("direction", "")
    direction = direction if direction in DIRECTIONS else DOWNSTREAM
    loops = _loops(view, firm)
    options: dict[str, Any] = {"view": view, "loops": loops, "directions": DIRECTIONS}
    options |= {"direction": direction, "firm": firm, "args": request.args}
    if not firm:
        return render_template("provenance.html", firms=_firms(view), **options)
    materials = [view.material] if view.material else _materials(view, firm, direction)
    material = materials[0] if materials else ""
    report = _trace(view, firm, material, direction) if material else None
    rows = report["rows"] if report else []
    columns = (
        Column("origin", "prov.origin"),
        Column("year", "prov.year"),
        Column("place", "prov.place"),
        Column("what", "prov.what"),
        Column("route", "col.route"),
        Column("tonnes", "col.mass", "t", True),
        Column("share", "prov.share", "%", True),
    )
    cells = [_cells(view, row, material, direction) for row in rows]
    page = page_of(columns, cells, sort="-tonnes", limit=25)
    other = request.args.get("other", "")
    partners = [code for code in view.registry.enterprises if code != firm]
    partners = [code for code in partners if view.opens(f"enterprise:{code}")]
    other = other if other in partners else ""
    path = _path(view, firm, other, material, direction) if other and material else None
    if path and request.args.get("part") == "path" and wants_file():
        return rows_file(path["rows"], f"path-{firm}-{other}-{view.span.text}")
    if wants_file():
        name = f"wasteflow-{direction}-{firm}-{view.span.text}"
        return file_response(page, name, text, view.books.synthetic)
    flows, names = _flows(view, rows)
    return render_template(
        "provenance.html",
        page=page,
        material=material,
        others=materials[1:],
        total_t=report["total_t"] if report else "0.000",
        **(_chart(flows, names, view.registry.materials[material]) if flows else {}),
        guarded=injected_styles("plotly-strict.min.js") if flows else (),
        height="mid" if len(names) > 14 else "low",
        partners=sorted(partners, key=lambda code: firm_name(view, code)),
        other=other,
        path=path,
        **options,
    )


def _trace(view: View, firm: str, material: str, direction: str) -> dict[str, Any]:
    return trace_report(
        db=books().db,
        enterprise=firm,
        material=material,
        period=view.span,
        direction=direction,
    )


def _materials(view: View, firm: str, direction: str) -> list[str]:
    """Materials the firm has a trace of, the largest first."""
    sizes = {
        code: kg_of(_trace(view, firm, code, direction)["total_t"]) or 0
        for code in view.registry.materials
    }
    found = [code for code, kg in sizes.items() if kg]
    return sorted(found, key=lambda code: (-sizes[code], code))


def _firms(view: View) -> list[tuple[str, str]]:
    """(name, address) of the firms in scope, for choosing one."""
    return sorted(
        (firm_name(view, code), view.address("provenance", scope=f"enterprise:{code}"))
        for code in view.firms
    )


def origin_words(view: View, name: str) -> str:
    """An origin in words: a generator, or where mass of unknown origin arose."""
    what, at, where = name.partition("@")
    if not at:
        return firm_name(view, name)
    place = place_words(view, where) if ":" in where else firm_name(view, where)
    return text(f"origin.{what}", place=place)


def _cells(view: View, row: Mapping[str, Any], material: str, direction: str) -> Row:
    year = row["year_generated"]
    origin = origin_words(view, row["origin"])
    address = ""
    if row["generator"] and view.opens(f"enterprise:{row['generator']}"):
        address = view.address(
            "provenance",
            scope=f"enterprise:{row['generator']}",
            material=material,
            direction=DOWNSTREAM,
        )
    words = text(f"fate.{row['what']}")
    return {
        "origin": Cell(origin, origin, address, title=row["origin"]),
        "year": Cell(str(year), year) if year else Cell(text("place.unknown_year"), "", muted=True),
        "place": Cell(
            place_words(view, row["place"]), place_words(view, row["place"]), title=row["place"]
        ),
        "what": Cell(words, words),
        "route": route_cell(view, row["route"]) if row["route"] else Cell(NONE, "", muted=True),
        "tonnes": exact_cell(row["tonnes"], _drill(view, row, material, direction)),
        "share": Cell(percent(row["share"]), round(row["share"] * 100, 4)),
    }


def _drill(view: View, row: Mapping[str, Any], material: str, direction: str) -> str:
    """The postings a traced row rests on, of its origin and year alone."""
    return view.address(
        "postings",
        material=material,
        origin=row["origin"],
        year=str(row["year_generated"] or 0),
        at=row["place"],
        what=row["what"],
        route=row["route"],
        direction=direction,
    )


def _flows(
    view: View, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Flow], dict[str, tuple[str, str]]]:
    """Bands origin → place → fate of the largest rows, the rest summed; names by node."""
    sums: dict[tuple[str, str], int] = {}
    names: dict[str, tuple[str, str]] = {}
    ranked = sorted(rows, key=lambda row: -(kg_of(row["tonnes"]) or 0))
    for number, row in enumerate(ranked):
        kg = kg_of(row["tonnes"]) or 0
        origin, place = f"o:{row['origin']}", f"p:{row['place']}"
        ends = row["what"] in ("utilised", "disposed")
        fate = f"f:{row['what']}:{(row['route'] or '') if ends else ''}"
        names[origin] = origin_words(view, row["origin"]), "enterprise"
        if number >= TOP and place not in names:
            place = "p:other"
            names[place] = text("sankey.other"), "other"
        elif place not in names:
            names[place] = place_words(view, row["place"]), "enterprise"
        route = view.registry.routes.get(row["route"] or "") if ends else None
        words = text(f"fate.{row['what']}")
        if route:
            words += " · " + (route.name_en if lang() == "en" and route.name_en else route.name_zh)
        kind = {"utilised": "use", "disposed": "disposal", "stock": "other"}.get(
            row["what"], "lost"
        )
        names[fate] = words, kind
        for pair in ((origin, place), (place, fate)):
            sums[pair] = sums.get(pair, 0) + kg
    flows = [Flow(source, target, "", kg) for (source, target), kg in sums.items() if kg]
    return sorted(flows, key=lambda flow: flow.order), names


def _chart(
    flows: Sequence[Flow], names: Mapping[str, tuple[str, str]], item: Material
) -> dict[str, Any]:
    """What sankey.js draws, and the same as bars."""
    for flow in flows:
        flow.material = item.code
    masses = {}
    for flow in flows:
        amount = mass(flow.kg, lang())
        masses[flow.kg] = f"{amount.number} {amount.unit}"
    nodes = {node: {"kind": kind} for node, (_, kind) in names.items()}
    shown = Picture(tuple(flows), tuple(flows), nodes, ())
    texts = {key: text(f"sankey.js.{key}") for key in ("loads", "in", "out")}
    texts["unit"] = "吨" if lang() == "zh" else "t"
    words = {node: name for node, (name, _) in names.items()}
    return {
        "chart": payload(shown, words, {item.code: name_of(item)}, texts, masses),
        "givers": givers(shown, words, PlainLooks(nodes)),
        "first": FIRST,
    }


def _path(view: View, firm: str, other: str, material: str, direction: str) -> dict[str, Any]:
    """Arcs between two firms in words, from the giver's side."""
    giver, taker = (firm, other) if direction == DOWNSTREAM else (other, firm)
    report = path_report(
        db=books().db, giver=giver, taker=taker, material=material, period=view.span
    )
    arcs = [
        {
            "source": place_words(view, arc["source"]),
            "target": place_words(view, arc["target"]),
            "tonnes": arc["tonnes"],
            "address": view.address(
                "postings", source=arc["source"], target=arc["target"], material=material
            ),
        }
        for arc in report["arcs"]
    ]
    ends = {"giver": firm_name(view, giver), "taker": firm_name(view, taker)}
    rows = [{**ends, **{key: arc[key] for key in ("source", "target", "tonnes")}} for arc in arcs]
    return {**ends, "arcs": arcs, "rows": rows}


def _loops(view: View, firm: str) -> list[dict[str, Any]]:
    """Loops and resale per material in words; of one firm if a firm is chosen."""
    report = loops_report(db=books().db, period=view.span, material=view.material)
    found = []
    own = view.reach.firms
    for item in report["materials"]:
        loops = [loop for loop in item["loops"] if not firm or firm in loop["members"]]
        shares = [
            row
            for row in item["resale"]
            if row["share"] >= LEAST_SHARE and firm in ("", row["enterprise"])
        ]
        if not view.reach.everything:  # sums of everybody, and loops of others, stay with those
            loops = [loop for loop in loops if not own.isdisjoint(loop["members"])]
            shares = [row for row in shares if row["enterprise"] in own]
            if loops or shares:
                found.append({**item, **_NO_SUMS, "loops": loops, "resale": shares[:TRADERS]})
            continue
        if (kg_of(item["counted_more_than_once_t"]) or 0) or loops:
            found.append({**item, "loops": loops, "resale": shares[:TRADERS]})
    return found
