"""`/links/map` and `/break-even`: links that exist and could be made on a map, and how far pays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask import Response, abort, render_template, request

from wasteflow.core.messages import render
from wasteflow.core.symbiosis.books import position_of
from wasteflow.core.symbiosis.radius import REACHES, Radius, widest
from wasteflow.services.break_even import break_even_radii
from wasteflow.services.matching import Asked
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.formats import NONE, kg_of, mass
from wasteflow.web.pages.detail import firm_cell, material_cell, route_cell
from wasteflow.web.pages.outlines_drawn import park_outlines
from wasteflow.web.pages.potential import matched
from wasteflow.web.pages.realised import report_of
from wasteflow.web.pages.tables import Cell, Column, Row, file_response, page_of, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, name_of, text
from wasteflow_maps.link_layers import Circle, Line, layers

MOST: Final = (300, 1000, 5000)
"""How many links of a kind are drawn at most; the first unless asked."""
CIRCLES: Final = 100
SHOWN: Final = ("realised", "potential", "infeasible", "circles")
DEFAULT: Final = frozenset({"realised", "potential"})
_COLUMNS: Final = (
    Column("material", "col.material"),
    Column("route", "col.route"),
    Column("to", "break_even.to"),
    Column("answer", "break_even.answer"),
    Column("road", "break_even.road", "km", True),
    Column("line", "break_even.line", "km", True),
    Column("gain", "break_even.gain", "CNY/t", True),
)


def asked_layers() -> frozenset[str]:
    """Layers the address asks for; the first two unless it names any."""
    wanted = {word for word in request.args.getlist("layer") if word in SHOWN}
    return frozenset(wanted) if wanted else DEFAULT


def _most() -> int:
    asked = request.args.get("links", "")
    return next((number for number in MOST if str(number) == asked), MOST[0])


def _planned() -> bool:
    """Whether facilities being built or planned count too."""
    return bool(request.args.get("planned"))


def show() -> str:
    """The map with its legend; its data come apart."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    chosen = asked_layers()
    words = "&".join(f"layer={word}" for word in SHOWN if word in chosen)
    few = {"links": _most() if _most() != MOST[0] else "", "planned": "1" if _planned() else ""}
    address = view.address("link_map_data", **few)
    return render_template(
        "link_map.html",
        view=view,
        chosen=chosen,
        shown=SHOWN,
        most=MOST,
        links=_most(),
        planned=_planned(),
        data_url=f"{address}{'&' if '?' in address else '?'}{words}",
    )


def data() -> Response | str:
    """What the map draws."""
    view = read_view()
    if view.empty:
        abort(404)
    chosen = asked_layers()
    key = (
        "link_map",
        view.span,
        view.scope,
        view.material,
        tuple(sorted(chosen)),
        _most(),
        _planned(),
        lang(),
    )
    body = once(key, lambda: json.dumps(_layers(view, chosen), ensure_ascii=False))
    return Response(body, mimetype="application/json")


def _layers(view: View, chosen: frozenset[str]) -> dict[str, Any]:
    places = _Places(view)
    lines: list[Line] = []
    if "realised" in chosen:
        lines += places.realised(report_of(view, most=_most())["rows"])
    if chosen & {"potential", "infeasible"}:
        report = _matched(view)
        if "potential" in chosen:
            lines += places.potential(report["links"][: _most()])
        if "infeasible" in chosen:
            lines += places.infeasible(report["unserved"][: _most()])
    circles = places.circles() if "circles" in chosen else []
    return {
        **layers(lines, circles, places.used, park_outlines(view.registry)),
        "unplaced": places.unplaced,
    }


def _matched(view: View) -> dict[str, Any]:
    return matched(view, Asked(view.scope, view.material, _planned()))


class _Places:
    """Turns rows into lines; remembers the firms at their ends and what has no place."""

    def __init__(self, view: View) -> None:
        self.view, self.unplaced = view, 0
        self.used: dict[str, tuple[tuple[float, float], str]] = {}

    def realised(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
        """Lines of links that exist."""
        for row in rows:
            km = row["distance_km"]
            more = [text("link_map.km", km=f"{km:,.0f}")] if km is not None else []
            yield from self._line("realised", row["from"], row["to"], row, more)

    def potential(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
        """Lines of links that could be made."""
        for row in rows:
            more = [
                text("link_map.km", km=f"{row['distance_km']:,.0f}"),
                text("link_map.net", net=row["per_tonne"]["net"]),
            ]
            yield from self._line("potential", row["from"], self._taker(row), row, more)

    def infeasible(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
        """Lines to the receiver that came closest, with what stands against it."""
        for row in rows:
            if row["facility"]:
                why = [render(row["reason"], lang(), {})]
                if row["distance_km"] is not None:
                    why.append(text("link_map.km", km=f"{row['distance_km']:,.0f}"))
                taker = self._taker(row)
                yield from self._line("infeasible", row["enterprise"], taker, row, why)

    def circles(self) -> list[Circle]:
        """Break-even circles of the producers in scope, of materials whose radius is known."""
        best = widest(break_even_radii(db=books().db, material=self.view.material))
        made = sorted({(row["from"], row["material"]) for row in report_of(self.view)["rows"]})
        found = []
        for firm, material in made:
            radius, place = best.get(material), self._place(firm)
            if radius is None or not radius.line_km or place is None or not self._in(firm):
                continue
            words = (place[1], self._stuff(material), _radius_words(radius))
            found.append(Circle(place[0], radius.line_km, material, words))
        return found[:CIRCLES]

    def _in(self, firm: str) -> bool:
        return firm in self.view.firms

    def _stuff(self, material: str) -> str:
        return name_of(self.view.registry.materials[material])

    def _taker(self, row: Mapping[str, Any]) -> str:
        """The firm of a facility, or the facility where it has none yet."""
        facility = self.view.registry.facilities[row["facility"]]
        return facility.enterprise or facility.code

    def _place(self, code: str) -> tuple[tuple[float, float], str] | None:
        """Position and name of a firm or of a project's facility."""
        registry = self.view.registry
        firm, facility = registry.enterprises.get(code), registry.facilities.get(code)
        if firm is not None:
            at, name = position_of(registry, code), name_of(firm)
        elif facility is not None:
            at, name = position_of(registry, "", facility.park), facility.name or code
        else:
            return None
        return None if at is None else (at, name)

    def _line(
        self, kind: str, giver: str, taker: str, row: Mapping[str, Any], more: list[str]
    ) -> Iterable[Line]:
        ends = self._place(giver), self._place(taker)
        if ends[0] is None or ends[1] is None:
            self.unplaced += 1
            return
        self.used |= {giver: ends[0], taker: ends[1]}
        kg = kg_of(row["tonnes"]) or 0
        amount = mass(kg, lang())
        words = (
            f"{ends[0][1]} → {ends[1][1]}",
            f"{self._stuff(row['material'])} · {amount.number} {amount.unit}",
            f"{text(f'link_map.{kind}')}: {' · '.join(more)}" if more else text(f"link_map.{kind}"),
        )
        yield Line(kind, ends[0][0], ends[1][0], row["material"], kg, words)


def break_even() -> str | Response:
    """The table of break-even distances, or the table as a file."""
    view = read_view()
    found = break_even_radii(db=books().db, material=view.material)
    page = page_of(_COLUMNS, [_cells(view, item) for item in found], sort="-road")
    if wants_file():
        return file_response(page, "wasteflow-break-even", text, view.books.synthetic)
    return render_template("break_even.html", view=view, page=page, args=request.args)


def _cells(view: View, item: Radius) -> Row:
    def figure(value: float | None) -> Cell:
        if value is None:
            return Cell(NONE, None, muted=True)
        return Cell(f"{value:,.0f}" if value >= 10 else f"{value:,.1f}", round(value, 3))

    words = _radius_words(item)
    gain = None if item.gain is None else float(item.gain)
    return {
        "material": material_cell(view, item.material),
        "route": route_cell(view, item.route),
        "to": firm_cell(view, item.taker) if item.taker else Cell(text("break_even.any"), ""),
        "answer": Cell(words, item.answer, title=words, muted=item.answer != REACHES),
        "road": figure(item.road_km),
        "line": figure(item.line_km),
        "gain": Cell(NONE, None, muted=True) if gain is None else Cell(f"{gain:,.2f}", gain),
    }


def _radius_words(item: Radius) -> str:
    """What is known of a radius, in a sentence."""
    parts = text("list.comma").join(text(f"potential.part.{part}") for part in item.missing)
    km = "" if item.road_km is None else f"{item.road_km:,.0f}"
    return text(f"break_even.{item.answer}", parts=parts, km=km)
