"""`/sankey`: who gives what to whom as bands, loops drawn, with the same flows as a table."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from wasteflow.exporting.sankey import sankey as sankey_json
from wasteflow.web.assets import injected_styles
from wasteflow.web.formats import NONE, count, mass
from wasteflow.web.pages.detail import mass_cell, material_cell
from wasteflow.web.pages.links import flows_of
from wasteflow.web.pages.sankey_bars import FIRST, givers
from wasteflow.web.pages.sankey_links import KINDS, NodeLinks
from wasteflow.web.pages.sankey_view import (
    OTHER_FROM,
    Flow,
    Picture,
    payload,
    picture,
    without_yards,
)
from wasteflow.web.pages.tables import (
    Cell,
    Column,
    Later,
    Row,
    file_response,
    page_of,
    wants_file,
)
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, name_of, text

LEVELS = ("park", "enterprise", "region")
TOPS = (20, 40, 80, 160)


def show() -> str | Response:
    """The page; without a script the table beside the chart says the same."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    levels = tuple(level for level in LEVELS if _opens(view, level))
    level = _choice("level", levels, levels[0])
    top = int(_choice("top", tuple(str(number) for number in TOPS), str(TOPS[1])))
    between = request.args.get("between") == "1"
    data = sankey_json(without_yards(flows_of(view, level)))
    within = _inside(view, level)
    shown = picture(data, within, top, not between)
    looks = NodeLinks(view, level, shown.nodes, within)
    names = {node: _name(shown, node) for node in _ends(shown)}
    columns = (
        Column("source", "col.from"),
        Column("target", "col.to"),
        Column("material", "col.material"),
        Column("mass", "col.mass", "t", True),
        Column("loads", "col.loads", "", True),
    )
    rows = [_cells(view, flow, names, looks) for flow in shown.all_flows]
    page = page_of(columns, rows, sort="-mass", limit=12, add=("mass", "loads") if between else ())
    if wants_file():
        return file_response(page, f"wasteflow-sankey-{view.span.text}", text, view.books.synthetic)
    return render_template(
        "sankey.html",
        view=view,
        page=page,
        args=request.args,
        level=level,
        levels=levels,
        top=top,
        tops=TOPS,
        between=between,
        shown=shown,
        inner_kg=sum(flow.kg for flow in shown.inner),
        chart=_payload(view, shown, names, looks),
        givers=givers(shown, names, looks),
        first=FIRST,
        kinds=_kinds(shown, looks),
        height=_height(shown),
        guarded=injected_styles("plotly-strict.min.js"),
    )


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    word = request.args.get(name, "")
    return word if word in allowed else default


def _opens(view: View, level: str) -> bool:
    """Whether a level adds up nothing but what the asker may read; the level of firms always does.

    A firm must not see what the other firms of its park move.
    """
    if level == "enterprise" or view.reach.everything:
        return True
    nodes = _inside(view, level) or set()
    return view.open_nodes(f"park:{node}" if level == "park" else node for node in nodes)


def _inside(view: View, level: str) -> set[str] | None:
    """Nodes of the scope at a level; None for everything."""
    if view.scope == "all":
        return None
    registry = view.registry
    if level == "enterprise":
        inside = set(view.firms)
    elif level == "park":
        inside = {registry.park_of(code) or "park:none" for code in view.firms}
    else:
        regions = {registry.region_of(code) for code in view.firms}
        inside = {f"region:{code}" if code else "region:none" for code in regions}
    return inside


def _ends(shown: Picture) -> list[str]:
    flows = (*shown.drawn, *shown.all_flows)
    return list(dict.fromkeys(end for flow in flows for end in (flow.source, flow.target)))


def _name(shown: Picture, node: str) -> str:
    if node in shown.nodes:
        return name_of(shown.nodes[node])
    return text("sankey.other_from" if node == OTHER_FROM else "sankey.other")


def _kinds(shown: Picture, looks: NodeLinks) -> list[str]:
    """Kinds of nodes that are drawn, for the legend."""
    found = {looks.kind(node) for flow in shown.drawn for node in flow.ends}
    return [kind for kind in KINDS if kind in found]


def _cells(view: View, flow: Flow, names: dict[str, str], looks: NodeLinks) -> Row:
    def place(node: str) -> Cell:
        return Cell(names[node], names[node], looks.inside(node), title=node)

    def loads() -> Cell:
        return Cell(count(flow.loads), flow.loads) if flow.loads else Cell(NONE, 0, muted=True)

    def material() -> Cell:
        known = flow.material in view.registry.materials
        return material_cell(view, flow.material) if known else Cell(NONE, "", muted=True)

    makers = {
        "source": lambda: place(flow.source),
        "target": lambda: place(flow.target),
        "material": material,
        "mass": lambda: mass_cell(flow.kg, looks.records(flow)),
        "loads": loads,
    }
    return Later(makers, {"mass": flow.kg, "loads": flow.loads})


def _payload(view: View, shown: Picture, names: dict[str, str], looks: NodeLinks) -> dict[str, Any]:
    masses = {}
    for flow in shown.drawn:
        amount = mass(flow.kg, lang())
        masses[flow.kg] = f"{amount.number} {amount.unit}"
    materials = {code: name_of(item) for code, item in view.registry.materials.items()}
    keys = ("loads", "in", "out")
    texts = {key: text(f"sankey.js.{key}") for key in keys}
    texts["unit"] = "吨" if lang() == "zh" else "t"
    return payload(shown, names, materials, texts, masses, looks)


def _height(shown: Picture) -> str:
    """Size class of the chart by its number of nodes."""
    nodes = len({end for flow in shown.drawn for end in (flow.source, flow.target)})
    return "tall" if nodes > 30 else "mid" if nodes > 14 else "low"
