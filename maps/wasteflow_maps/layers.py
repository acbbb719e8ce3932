"""What the map shows: flows, parks and firms turned into layers' data; no folium, no HTML.

Nothing of the input gets lost: a flow is a drawn link, part of a bubble where only one end has a
position, or stands in `not_drawn` with its mass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.collecting import no_collecting
from wasteflow.core.geodesy import CGCS2000, WGS84
from wasteflow_maps import MapError
from wasteflow_maps.geometry import LonLat, spread_shared
from wasteflow_maps.links import (
    Bubble,
    Link,
    MonthEdges,
    Series,
    Sorted,
    month_series,
    place_key,
    sort_flows,
)
from wasteflow_maps.style import OTHER_COLOUR, colour_of, distinct_colours

MAX_LINKS: Final = 300
MAX_GROUPS: Final = 8
OTHER: Final = ""
"""Code of the group that gathers all materials beyond the largest."""

Row = Mapping[str, Any]


class Played(Struct, frozen=True):
    """What moves while the map plays: months (yyyymm), the series of every link and bubble."""

    months: tuple[int, ...] = ()
    links: tuple[Series, ...] = ()
    bubbles: tuple[Series, ...] = ()


STILL: Final = Played()
"""A map that does not play."""


class MapData(Struct, frozen=True):
    """Everything a map page needs, in both languages; built by `map_data`, drawn by `page`."""

    period: str
    evidence_date: str
    synthetic: bool
    formula: str
    basis: str
    by_park: bool
    max_links: int
    materials: Mapping[str, Row]
    groups: tuple[Row, ...]
    group_of: Mapping[str, int]
    routes: Mapping[str, Row]
    places: Mapping[str, Row]
    positions: Mapping[str, LonLat]
    links: tuple[Link, ...]
    bubbles: tuple[Bubble, ...]
    not_drawn: Mapping[str, tuple[Link, ...]]
    unlocated_kg: Mapping[str, int]
    parks: tuple[Row, ...]
    basemap: Row | None
    played: Played = STILL
    left_out: Row | None = None

    @property
    def fanned(self) -> int:
        """How many places stand beside their position, since another is at the same one."""
        return sum(
            at != (self.places[key]["lon"], self.places[key]["lat"])
            for key, at in self.positions.items()
        )

    @property
    def largest_kg(self) -> int:
        """Mass of the widest link, 0 without links."""
        return self.links[0].kg if self.links else 0

    @property
    def largest_bubble_kg(self) -> int:
        """Mass of the largest bubble, 0 without bubbles."""
        return self.bubbles[0].kg if self.bubbles else 0


@no_collecting()
def map_data(
    flows: Row,
    parks: Iterable[Row],
    enterprises: Iterable[Row],
    *,
    period: str,
    materials: Iterable[Row],
    rates: Mapping[str, Row],
    synthetic: bool,
    basemap: Row | None,
    evidence_date: str,
    routes: Iterable[Row] = (),
    formula: str = "official",
    basis: str = "declared",
    max_links: int = MAX_LINKS,
    left_out: Row | None = None,
) -> MapData:
    """Sort flows into drawn links and `not_drawn`, and give every place its position.

    `flows` is the node-link dict of 4-contract 4.3; `parks` have code, name_zh, name_en, parent,
    lon, lat, precision_km and optionally `boundary` (GeoJSON feature or geometry); `enterprises`
    code, names, park, lon, lat, precision_km; `materials` code, names, colour; `routes` code and
    names; `rates` maps a park code to `value` (fraction or None) and `not_computable` (reason).
    `basemap` is None or url, attribution, approval_no (审图号).  More than `max_links` links
    between firms are added up by park; of what remains the largest `max_links` are drawn, and as
    many bubbles; `with_months` lets the map play.
    `left_out`: what a filter keeps from the map: zh, en (the filter in words), count, kg.
    Raises MapError for an unusable basemap.
    """
    park_rows = {str(park["code"]): park for park in parks}
    places = _places(flows["nodes"], park_rows, enterprises)
    edges = sorted(flows["edges"], key=_edge_order)
    kinds = _kinds(flows)
    flow = sort_flows(edges, kinds, places, max_links)
    rows = _materials(materials, edges)
    groups, group_of = _groups(rows, edges, flow)
    return MapData(
        period=period,
        evidence_date=evidence_date,
        synthetic=synthetic,
        formula=formula,
        basis=basis,
        by_park=flow.by_park,
        max_links=max_links,
        materials=rows,
        groups=groups,
        group_of=group_of,
        routes={str(route["code"]): route for route in routes},
        places=places,
        positions=_spread(_shown(places, flow)),
        links=flow.links,
        bubbles=flow.bubbles,
        not_drawn=flow.not_drawn,
        unlocated_kg=flow.unlocated_kg,
        parks=tuple(_park_areas(park_rows, rates)),
        basemap=_checked_basemap(basemap),
        left_out=left_out,
    )


def with_months(data: MapData, flows: Row, months: Sequence[MonthEdges]) -> MapData:
    """The map of `flows` so that it can play; `months`: the same edges month by month."""
    if len(months) < 2:
        return data
    flow = Sorted(data.links, data.bubbles, data.not_drawn, data.unlocated_kg, data.by_park)
    links, bubbles = month_series(months, _kinds(flows), data.places, flow)
    numbers = tuple(month for month, _ in months)
    return replace(data, played=Played(numbers, tuple(links), tuple(bubbles)))


def _kinds(flows: Row) -> dict[str, str]:
    return {str(node["id"]): str(node.get("kind") or "") for node in flows["nodes"]}


def _edge_order(edge: Row) -> tuple[str, str, str, str]:
    return edge["source"], edge["target"], edge["material"], str(edge.get("route"))


def _places(
    nodes: Sequence[Row], parks: Mapping[str, Row], enterprises: Iterable[Row]
) -> dict[str, dict[str, Any]]:
    """Place key -> names, kind, park, lon, lat, precision_km; firms and parks under their code."""
    places: dict[str, dict[str, Any]] = {}
    for code, park in sorted(parks.items()):
        places[code] = {**_place(park, "park"), "park": park.get("parent")}
    for firm in enterprises:
        places[str(firm["code"])] = _place(firm, "enterprise")
    for node in nodes:
        key = place_key(str(node["id"]))
        own = key == str(node["id"])
        if key not in places:
            places[key] = _place(
                node, str(node.get("kind") or "enterprise") if own else "enterprise"
            )
        elif own and places[key]["lon"] is None and node.get("lon") is not None:
            places[key].update(lon=node["lon"], lat=node.get("lat"))
    return dict(sorted(places.items()))


def _place(row: Row, kind: str) -> dict[str, Any]:
    lon, lat = row.get("lon"), row.get("lat")
    located = lon is not None and lat is not None
    return {
        "name_zh": row.get("name_zh") or row.get("name_en") or row.get("code") or row.get("id"),
        "name_en": row.get("name_en") or row.get("name_zh") or row.get("code") or row.get("id"),
        "kind": kind,
        "park": row.get("park"),
        "lon": float(lon) if located and lon is not None else None,
        "lat": float(lat) if located and lat is not None else None,
        "precision_km": row.get("precision_km"),
    }


def _shown(places: Mapping[str, Row], flow: Sorted) -> dict[str, Row]:
    """Places with a mark: ends of links, bubbles, and located firms unless added up by park."""
    ends = {end for link in flow.links for end in (link.source, link.target)}
    ends |= {bubble.place for bubble in flow.bubbles}
    return {
        key: row
        for key, row in places.items()
        if row["lon"] is not None
        and (key in ends or (row["kind"] == "enterprise" and not flow.by_park))
    }


def _spread(shown: Mapping[str, Row]) -> dict[str, LonLat]:
    return spread_shared(
        {key: (row["lon"], row["lat"]) for key, row in shown.items()},
        {key: row.get("precision_km") for key, row in shown.items()},
    )


def _materials(given: Iterable[Row], edges: Iterable[Row]) -> dict[str, Row]:
    """Materials in the order given, then those only the flows know, each with its colour."""
    rows = {str(row["code"]): row for row in given}
    for code in sorted({str(edge["material"]) for edge in edges} - set(rows)):
        rows[code] = {"code": code}
    return {
        code: {
            "code": code,
            "name_zh": row.get("name_zh") or row.get("name_en") or code,
            "name_en": row.get("name_en") or row.get("name_zh") or code,
            "colour": colour_of(code, row.get("colour")),
        }
        for code, row in rows.items()
    }


def _groups(
    materials: Mapping[str, Row], edges: Iterable[Row], flow: Sorted
) -> tuple[tuple[Row, ...], dict[str, int]]:
    """Materials that get a layer and a colour of their own, and the group of every material.

    Up to `MAX_GROUPS` materials of the period each are a group, in their order.  Of more, the
    largest drawn ones are, and the last group, `OTHER`, gathers the rest.
    """
    total: dict[str, int] = {}
    for edge in edges:
        code = str(edge["material"])
        total[code] = total.get(code, 0) + int(edge["kg"])
    drawn: dict[str, int] = {}
    for link in flow.links:
        drawn[link.material] = drawn.get(link.material, 0) + link.kg
    for bubble in flow.bubbles:
        for code, kg in bubble.materials.items():
            drawn[code] = drawn.get(code, 0) + kg
    codes = [code for code in materials if code in total]
    if len(codes) > MAX_GROUPS:
        codes.sort(key=lambda code: (-drawn.get(code, 0), -total[code], code))
        del codes[MAX_GROUPS - 1 :]
    colours = distinct_colours([(code, materials[code]["colour"]) for code in codes])
    rows: list[Row] = [
        {**materials[code], "colour": colour} for code, colour in zip(codes, colours, strict=True)
    ]
    own = {code: index for index, code in enumerate(codes)}
    rows.append({"code": OTHER, "colour": OTHER_COLOUR})
    return tuple(rows), {code: own.get(code, len(codes)) for code in materials}


def _park_areas(parks: Mapping[str, Row], rates: Mapping[str, Row]) -> Iterable[dict[str, Any]]:
    """Areas to draw: parks that share a stated position (sub-parks at their parent's) are one.

    The member without a parent among them lends name and circle; the others are listed in it.
    """
    groups: dict[object, list[str]] = {}
    for code, park in sorted(parks.items()):
        own = park.get("boundary") is not None
        if not own and (park.get("lon") is None or park.get("lat") is None):
            continue
        spot: object = code if own else (round(park["lon"], 5), round(park["lat"], 5))
        groups.setdefault(spot, []).append(code)
    for codes in groups.values():
        codes.sort(key=lambda code: (parks[code].get("parent") in codes, code))
        yield {
            **_area(parks[codes[0]], rates),
            "members": [_area(parks[code], rates) for code in codes[1:]],
        }


def _area(park: Row, rates: Mapping[str, Row]) -> dict[str, Any]:
    code = str(park["code"])
    rate = rates.get(code, {})
    value = rate.get("value")
    return {
        **_place(park, "park"),
        "code": code,
        "boundary": park.get("boundary"),
        "value": None if value is None else Decimal(str(value)),
        "not_computable": rate.get("not_computable"),
    }


def _checked_basemap(basemap: Row | None) -> Row | None:
    """url, attribution and 审图号 are needed together: a published map names its approval."""
    if basemap is None:
        return None
    url = str(basemap.get("url") or "")
    if not url.startswith(("https://", "http://", "/")) or any(c in url for c in "\"'<>\\ \n"):
        raise MapError(
            "basemap_url",
            zh="底图地址须为 http(s) 或本站路径",
            en="the URL of the basemap is http(s) or a path of this site",
        )
    if not basemap.get("approval_no") or not basemap.get("attribution"):
        raise MapError(
            "basemap_approval",
            zh="底图须同时给出 attribution 和 approval_no（审图号）",
            en="a basemap needs its attribution and approval_no (审图号)",
        )
    if basemap.get("crs", WGS84) not in (WGS84, CGCS2000):
        raise MapError(
            "basemap_crs",
            zh="底图须为 WGS 84 或 CGCS2000；GCJ-02、BD-09 底图会使各点偏移数百米",
            en="the basemap must be WGS 84 or CGCS2000; on GCJ-02 or BD-09 every point is off by "
            "hundreds of metres",
        )
    return basemap
