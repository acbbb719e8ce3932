"""The table beside the map: every flow between places once, with how the map shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from wasteflow.core.collecting import no_collecting
from wasteflow.web.formats import NONE, count
from wasteflow.web.pages.detail import mass_cell, material_cell
from wasteflow.web.pages.tables import Cell, Column, Later, Page, Row, page_of
from wasteflow.web.pages.view import View
from wasteflow.web.texts import lang, text
from wasteflow_maps.content import place_name, scope_of
from wasteflow_maps.layers import MapData
from wasteflow_maps.links import Link

COLUMNS: Final = (
    Column("source", "col.from"),
    Column("target", "col.to"),
    Column("material", "col.material"),
    Column("mass", "col.mass", "t", True),
    Column("loads", "col.loads", "", True),
    Column("distance", "map.direct", "km", True),
    Column("shown", "map.shown"),
)
LISTED: Final = ("other", "within", "unlocated")
"""Flows between places that no line and no bubble shows; what enters or leaves the books by
generation, use or disposal is no flow between places."""


def shown_flows(data: MapData) -> Iterator[tuple[str, Link]]:
    """(how it is shown, flow): lines, flows of bubbles, then those not drawn; each once."""
    yield from (("line", link) for link in data.links)
    yield from (("bubble", link) for bubble in data.bubbles for link in bubble.links)
    for why in LISTED:
        for link in data.not_drawn[why]:
            # What a firm moves between its site and its own yard stays where it is.
            if why != "within" or data.places[link.source]["kind"] == "park":
                yield why, link


@no_collecting()
def map_table(view: View, data: MapData, kept: Mapping[str, str]) -> Page:
    """The page of the table that the address asks for; `kept`: the filter of the addresses."""
    rows = [_cells(view, data, kept, how, link) for how, link in shown_flows(data)]
    return page_of(COLUMNS, rows, sort="-mass", limit=20, add=("mass", "loads"))


def _cells(view: View, data: MapData, kept: Mapping[str, str], how: str, link: Link) -> Row:
    def place(key: str) -> Cell:
        name, scope = place_name(data, key, lang()), scope_of(data, key)
        known = scope and view.opens(scope)
        return Cell(name, name, view.address("map", scope=scope, **kept) if known else "", key)

    def loads_of() -> str:
        ends = scope_of(data, link.source), scope_of(data, link.target)
        if not all(ends):
            return ""
        asked = {"source": ends[0], "target": ends[1], "material": link.material, **kept}
        return view.address("flows", **asked)

    def distance() -> Cell:
        km = link.distance_km
        return Cell(NONE, None, muted=True) if km is None else Cell(f"{km:,.1f}", km)

    makers = {
        "source": lambda: place(link.source),
        "target": lambda: place(link.target),
        "material": lambda: material_cell(view, link.material),
        "mass": lambda: mass_cell(link.kg, loads_of()),
        "loads": lambda: Cell(count(link.loads), link.loads),
        "distance": distance,
        "shown": lambda: Cell(text(f"map.as.{how}"), how),
    }
    order = {"mass": link.kg, "loads": link.loads, "distance": link.distance_km}
    return Later(makers, order)
