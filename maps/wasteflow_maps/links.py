"""Edges of the graph sorted into what a map can draw: lines, bubbles, and the rest by reason.

A line needs both ends located; a flow with one located end is counted into the bubble there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.geodesy import geodesic_distance_km

NOT_DRAWN: Final = ("within", "unlocated", "other", "boundary")
"""Why a flow is not drawn: inside one place, no end located, beyond the largest N, or its end is
no place at all (generation, use, disposal …)."""

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
MonthEdges = tuple[int, Mapping[tuple[str, str, str, str], tuple[int, int]]]
"""A month (yyyymm), and (source, target, material, route) → (kilograms, loads) in it."""
Series = tuple[tuple[int, ...], ...]
"""(position of a month, kilograms, loads) of the months that hold anything, in order."""


class Link(Struct):
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


class Bubble(Struct):
    """All flows between one located place and partners without position; whole kilograms.

    `way` is "in" (received from them) or "out" (sent to them).
    """

    place: str
    way: str
    kg: int = 0
    loads: int = 0
    materials: dict[str, int] = field(default_factory=dict)
    partners: dict[str, int] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def add(self, link: Link, partner: str) -> None:
        """Count a link whose other end, `partner`, has no position."""
        self.kg += link.kg
        self.loads += link.loads
        self.materials[link.material] = self.materials.get(link.material, 0) + link.kg
        self.partners[partner] = self.partners.get(partner, 0) + link.kg
        self.links.append(link)

    @property
    def order(self) -> tuple[int, str, str]:
        """Largest first, ties by name: small bubbles are drawn over large ones."""
        return (-self.kg, self.place, self.way)

    @property
    def main_material(self) -> str:
        """The material of more than half the mass, "" where none is."""
        code, kg = largest_first(self.materials)[0]
        return code if 2 * kg > self.kg else ""


class Sorted(Struct, frozen=True):
    """What `sort_flows` answers; together it holds every kilogram of the edges once."""

    links: tuple[Link, ...]
    bubbles: tuple[Bubble, ...]
    not_drawn: Mapping[str, tuple[Link, ...]]
    unlocated_kg: Mapping[str, int]
    by_park: bool


def largest_first(masses: Mapping[str, int]) -> list[tuple[str, int]]:
    """Keys with their mass, largest first, ties by key.

    >>> largest_first({"a": 1, "c": 5, "b": 5})
    [('b', 5), ('c', 5), ('a', 1)]
    """
    return sorted(masses.items(), key=lambda item: (-item[1], item[0]))


def _kg(mass: Any) -> int:
    """Kilograms of a grade: whole kilograms, or tonnes as the decimal text of the contract."""
    return int(Decimal(mass) * 1000) if isinstance(mass, str) else int(mass)


def place_key(node_id: str) -> str:
    """Site and yard of one firm are one place on a map."""
    head, _, tail = node_id.partition(":")
    return tail if head in ("site", "yard") and tail else node_id


def sort_flows(
    edges: Sequence[Row], kinds: Mapping[str, str], places: Mapping[str, Row], max_links: int
) -> Sorted:
    """Lines, bubbles and what is not drawn; more than `max_links` lines are added up by park.

    Of the lines and of the bubbles the largest `max_links` each are drawn, the rest is "other".
    """
    by_park = False
    if len({(edge["source"], edge["target"], edge["material"]) for edge in edges}) > max_links:
        drawn = _drawn_ends(edges, kinds, places)
        by_park = len(drawn) > max_links and any(
            _to_park(end, places) != end for link in drawn for end in link[:2]
        )
    links, kept = _sort_edges(edges, kinds, places, to_park=by_park)
    links.sort(key=lambda link: link.order)
    bubbles = _bubbles(kept["one_end"], places)
    kept["other"] = links[max_links:]
    for bubble in bubbles[max_links:]:
        kept["other"] += bubble.links
    links = links[:max_links]
    for link in links:
        # Added up by park, the way is that between the parks; a firm's own way says less.
        if by_park or link.distance_km is None:
            link.distance_km = _distance(places[link.source], places[link.target])
    return Sorted(
        links=tuple(links),
        bubbles=tuple(bubbles[:max_links]),
        not_drawn={why: tuple(sorted(kept[why], key=lambda x: x.order)) for why in NOT_DRAWN},
        unlocated_kg=_unlocated_kg([*kept["one_end"], *kept["unlocated"]], places),
        by_park=by_park,
    )


def _bubbles(links: Iterable[Link], places: Mapping[str, Row]) -> list[Bubble]:
    found: dict[tuple[str, str], Bubble] = {}
    for link in links:
        out = _located(places, link.source)
        place, partner = (link.source, link.target) if out else (link.target, link.source)
        key = place, "out" if out else "in"
        if key not in found:
            found[key] = Bubble(*key)
        found[key].add(link, partner)
    return sorted(found.values(), key=lambda bubble: bubble.order)


def _unlocated_kg(links: Iterable[Link], places: Mapping[str, Row]) -> dict[str, int]:
    """Places without position, each with the mass of the flows that miss it, largest first."""
    missed: dict[str, int] = {}
    for link in links:
        for end in (link.source, link.target):
            if not _located(places, end):
                missed[end] = missed.get(end, 0) + link.kg
    return dict(largest_first(missed))


def _sort_edges(
    edges: Iterable[Row],
    kinds: Mapping[str, str],
    places: Mapping[str, Row],
    *,
    to_park: bool,
) -> tuple[list[Link], dict[str, list[Link]]]:
    drawn: dict[tuple[str, str, str], Link] = {}
    reasons = (*NOT_DRAWN, "one_end")
    kept: dict[str, dict[tuple[str, str, str], Link]] = {why: {} for why in reasons}
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
        elif source_is == target_is:
            group = drawn if source_is == "located" else kept["unlocated"]
        else:
            group = kept["one_end"]
        key = (source, target, str(edge["material"]))
        link = group.get(key)
        if link is None:
            link = group[key] = Link(*key)
        link.add(edge)
    return list(drawn.values()), {why: list(group.values()) for why, group in kept.items()}


def month_series(
    months: Sequence[MonthEdges],
    kinds: Mapping[str, str],
    places: Mapping[str, Row],
    found: Sorted,
) -> tuple[list[Series], list[Series]]:
    """What every drawn link and every bubble of `found` moved in each month it moved anything.

    Two lists in the order of the links and of the bubbles; a series is (position of the month in
    `months`, kilograms, loads), in order.  Over the months it adds up to the link or bubble.
    """
    drawn = {(link.source, link.target, link.material): link for link in found.links}
    circles = {(one.place, one.way): one for one in found.bubbles}
    lines: dict[object, dict[int, list[int]]] = {key: {} for key in (*drawn, *circles)}
    ends: dict[str, tuple[str, str]] = {}
    for number, (_, edges) in enumerate(months):
        for (source, target, material, _), (kg, loads) in edges.items():
            for node in (source, target):
                if node not in ends:
                    ends[node] = _end(node, kinds, places, found.by_park)
            (source_is, giver), (target_is, taker) = ends[source], ends[target]
            key: object = (giver, taker, material)
            if {source_is, target_is} == {"located", "unlocated"}:
                key = (giver, "out") if source_is == "located" else (taker, "in")
            elif source_is != "located" or target_is != "located":
                continue
            if key in lines:
                part = lines[key].setdefault(number, [0, 0])
                part[0] += kg
                part[1] += loads
    made = {key: tuple((at, *part) for at, part in rows.items()) for key, rows in lines.items()}
    return [made[key] for key in drawn], [made[key] for key in circles]


def _drawn_ends(
    edges: Iterable[Row], kinds: Mapping[str, str], places: Mapping[str, Row]
) -> set[tuple[str, str, str]]:
    """(source, target, material) of every line between firms, without adding anything up."""
    ends: dict[str, tuple[str, str]] = {}
    found = set()
    for edge in edges:
        known = []
        for node in (str(edge["source"]), str(edge["target"])):
            if node not in ends:
                ends[node] = _end(node, kinds, places, False)
            known.append(ends[node])
        (source_is, source), (target_is, target) = known
        if source_is == target_is == "located" and source != target:
            found.add((source, target, str(edge["material"])))
    return found


def _end(
    node: str, kinds: Mapping[str, str], places: Mapping[str, Row], to_park: bool
) -> tuple[str, str]:
    """What an end is ("boundary", "unlocated", "located") and the key or word it counts under."""
    if _is_boundary(node, kinds):
        return "boundary", _boundary_word(node, kinds)
    key = _to_park(place_key(node), places) if to_park else place_key(node)
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


def _located(places: Mapping[str, Row], key: str) -> bool:
    return key in places and places[key]["lon"] is not None


def _distance(source: Row, target: Row) -> float:
    ends = (source["lon"], source["lat"], target["lon"], target["lat"])
    return round(geodesic_distance_km(*ends), 1)
