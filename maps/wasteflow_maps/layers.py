"""What the map shows: flows, parks and firms turned into layers' data; no folium, no HTML.

Nothing of the input gets lost: a flow is a drawn link or stands in `not_drawn` with its mass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from wasteflow.core.geodesy import CGCS2000, WGS84, geodesic_distance_km
from wasteflow_maps import MapError
from wasteflow_maps.geometry import LonLat, spread_shared
from wasteflow_maps.style import colour_of

MAX_LINKS: Final = 300
NOT_DRAWN: Final = ("within", "unlocated", "other", "boundary")
"""Why a flow is no line: inside one place, an end without position, beyond the largest N, or
its end is no place at all (generation, use, disposal …)."""

BOUNDARY_WORDS: Final = frozenset(
    {
        "boundary",
        "generation",
        "recirculated",
        "opening",
        "use",
        "disposal",
        "dumping",
        "outside",
        "weighing_difference",
        "lost",
        "stocktake",
    }
)

Row = Mapping[str, Any]


@dataclass(slots=True)
class Link:
    """All loads of one material from one place to another; masses in whole kilograms."""

    source: str
    target: str
    material: str
    kg: int = 0
    loads: int = 0
    routes: dict[str, list[int]] = field(default_factory=dict)
    evidence: dict[str, int] = field(default_factory=dict)
    distance_km: float | None = None

    def add(self, edge: Row) -> None:
        """Count one edge of the graph (fields of 4-contract 4.3 `flows`) into this link."""
        kg, loads = int(edge["kg"]), int(edge.get("loads") or 0)
        self.kg += kg
        self.loads += loads
        part = self.routes.setdefault(str(edge.get("route") or ""), [0, 0])
        part[0] += kg
        part[1] += loads
        if self.distance_km is None and edge.get("distance_km") is not None:
            self.distance_km = float(edge["distance_km"])
        for grade, mass in (edge.get("evidence") or {}).items():
            self.evidence[grade] = self.evidence.get(grade, 0) + _kg(mass)

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Largest first, ties by name: the drawing and listing order."""
        return (-self.kg, self.source, self.target, self.material)


@dataclass(frozen=True, slots=True)
class MapData:
    """Everything a map page needs, in both languages; built by `map_data`, drawn by `page`."""

    period: str
    evidence_date: str
    synthetic: bool
    formula: str
    basis: str
    by_park: bool
    max_links: int
    materials: tuple[Row, ...]
    routes: Mapping[str, Row]
    places: Mapping[str, Row]
    positions: Mapping[str, LonLat]
    fanned: int
    links: tuple[Link, ...]
    not_drawn: Mapping[str, tuple[Link, ...]]
    parks: tuple[Row, ...]
    basemap: Row | None

    @property
    def largest_kg(self) -> int:
        """Mass of the widest link, 0 without links."""
        return self.links[0].kg if self.links else 0


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
) -> MapData:
    """Sort flows into drawn links and `not_drawn`, and give every place its position.

    `flows` is the node-link dict of 4-contract 4.3; `parks` have code, name_zh, name_en, parent,
    lon, lat, precision_km and optionally `boundary` (GeoJSON feature or geometry); `enterprises`
    code, names, park, lon, lat, precision_km; `materials` code, names, colour; `routes` code and
    names; `rates` maps a park code to `value` (fraction or None) and `not_computable` (reason).
    `basemap` is None or url, attribution, approval_no (审图号).  More than `max_links` links
    between firms are added up by park; of what remains the largest `max_links` are drawn.
    Raises MapError for an unusable basemap.
    """
    park_rows = {str(park["code"]): park for park in parks}
    places = _places(flows["nodes"], park_rows, enterprises)
    edges = sorted(
        flows["edges"],
        key=lambda edge: (edge["source"], edge["target"], edge["material"], str(edge.get("route"))),
    )
    kinds = {str(node["id"]): str(node.get("kind") or "") for node in flows["nodes"]}
    links, not_drawn, by_park = _links(edges, kinds, places, max_links)
    shown = _shown(places, links, by_park)
    positions = spread_shared(
        {key: (row["lon"], row["lat"]) for key, row in shown.items()},
        {key: row.get("precision_km") for key, row in shown.items()},
    )
    return MapData(
        period=period,
        evidence_date=evidence_date,
        synthetic=synthetic,
        formula=formula,
        basis=basis,
        by_park=by_park,
        max_links=max_links,
        materials=_materials(materials, edges),
        routes={str(route["code"]): route for route in routes},
        places=places,
        positions=positions,
        fanned=sum(positions[key] != (row["lon"], row["lat"]) for key, row in shown.items()),
        links=tuple(links),
        not_drawn={why: tuple(sorted(not_drawn[why], key=lambda x: x.order)) for why in NOT_DRAWN},
        parks=tuple(_park_areas(park_rows, rates)),
        basemap=_checked_basemap(basemap),
    )


def _kg(mass: Any) -> int:
    """Kilograms of a grade: whole kilograms, or tonnes as the decimal text of the contract."""
    return int(Decimal(mass) * 1000) if isinstance(mass, str) else int(mass)


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
        key = _key(str(node["id"]))
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


def _key(node_id: str) -> str:
    """Site and yard of one firm are one place on a map."""
    head, _, tail = node_id.partition(":")
    return tail if head in ("site", "yard") and tail else node_id


def _links(
    edges: Sequence[Row], kinds: Mapping[str, str], places: Mapping[str, Row], max_links: int
) -> tuple[list[Link], dict[str, list[Link]], bool]:
    """(links to draw, the others by reason, whether they are added up by park)."""
    links, not_drawn = _sort_edges(edges, kinds, places, to_park=False)
    by_park = len(links) > max_links and any(_park_key(places, link) for link in links)
    if by_park:
        links, not_drawn = _sort_edges(edges, kinds, places, to_park=True)
    links.sort(key=lambda link: link.order)
    not_drawn["other"] = links[max_links:]
    links = links[:max_links]
    for link in links:
        # Added up by park, the way is that between the parks; a firm's own way says less.
        if by_park or link.distance_km is None:
            link.distance_km = _distance(places[link.source], places[link.target])
    return links, not_drawn, by_park


def _sort_edges(
    edges: Iterable[Row],
    kinds: Mapping[str, str],
    places: Mapping[str, Row],
    *,
    to_park: bool,
) -> tuple[list[Link], dict[str, list[Link]]]:
    drawn: dict[tuple[str, str, str], Link] = {}
    kept: dict[str, dict[tuple[str, str, str], Link]] = {why: {} for why in NOT_DRAWN}
    ends: dict[str, tuple[str, str]] = {}
    for edge in edges:
        known = []
        for node in (str(edge["source"]), str(edge["target"])):
            if node not in ends:
                ends[node] = _end(node, kinds, places, to_park)
            known.append(ends[node])
        (source_is, source), (target_is, target) = known
        if "boundary" in (source_is, target_is):
            # What is no place gives its word, the place at the other end stays unnamed.
            source = source if source_is == "boundary" else ""
            target = target if target_is == "boundary" else ""
            group = kept["boundary"]
        elif source == target:
            group = kept["within"]
        else:
            group = kept["unlocated"] if "unlocated" in (source_is, target_is) else drawn
        key = (source, target, str(edge["material"]))
        link = group.get(key)
        if link is None:
            link = group[key] = Link(*key)
        link.add(edge)
    return list(drawn.values()), {why: list(group.values()) for why, group in kept.items()}


def _end(
    node: str, kinds: Mapping[str, str], places: Mapping[str, Row], to_park: bool
) -> tuple[str, str]:
    """What an end is ("boundary", "unlocated", "located") and the key or word it counts under."""
    if _is_boundary(node, kinds):
        return "boundary", _boundary_word(node, kinds)
    key = _to_park(_key(node), places) if to_park else _key(node)
    return ("located" if _located(places, key) else "unlocated"), key


def _is_boundary(node_id: str, kinds: Mapping[str, str]) -> bool:
    return node_id.partition(":")[0] in BOUNDARY_WORDS or kinds.get(node_id) in BOUNDARY_WORDS


def _boundary_word(node_id: str, kinds: Mapping[str, str]) -> str:
    """The kind of a boundary: "use" for every use route."""
    head = node_id.partition(":")[0]
    return head if head in BOUNDARY_WORDS else kinds[node_id]


def _to_park(key: str, places: Mapping[str, Row]) -> str:
    """The park of a firm where that park has a position, else the firm itself."""
    row = places.get(key)
    park = str(row["park"]) if row and row["kind"] != "park" and row["park"] else ""
    return park if park and _located(places, park) else key


def _park_key(places: Mapping[str, Row], link: Link) -> bool:
    return any(_to_park(key, places) != key for key in (link.source, link.target))


def _located(places: Mapping[str, Row], key: str) -> bool:
    return key in places and places[key]["lon"] is not None


def _distance(source: Row, target: Row) -> float:
    ends = (source["lon"], source["lat"], target["lon"], target["lat"])
    return round(geodesic_distance_km(*ends), 1)


def _shown(places: Mapping[str, Row], links: Iterable[Link], by_park: bool) -> dict[str, Row]:
    """Places with a mark: ends of links, and located firms unless links are added up by park."""
    ends = {end for link in links for end in (link.source, link.target)}
    return {
        key: row
        for key, row in places.items()
        if row["lon"] is not None and (key in ends or (row["kind"] == "enterprise" and not by_park))
    }


def _materials(given: Iterable[Row], edges: Iterable[Row]) -> tuple[Row, ...]:
    """Materials in the order given, then those only the flows know, each with its colour."""
    rows = {str(row["code"]): row for row in given}
    for code in sorted({str(edge["material"]) for edge in edges} - set(rows)):
        rows[code] = {"code": code}
    return tuple(
        {
            "code": code,
            "name_zh": row.get("name_zh") or row.get("name_en") or code,
            "name_en": row.get("name_en") or row.get("name_zh") or code,
            "colour": colour_of(code, row.get("colour")),
        }
        for code, row in rows.items()
    )


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
