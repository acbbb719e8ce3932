"""The flow graph: node sums equal balances, with and without roads, at every level."""

from __future__ import annotations

from itertools import product

import networkx as nx
from hypothesis import given, settings

from tests.builders import (
    FATES,
    FIRMS,
    MATERIALS,
    PG,
    STORE,
    TRADE,
    USE,
    WASH,
    A,
    B,
    C,
    D,
    E,
    F,
    Load,
    Record,
    books_of,
    entry,
    ledgers,
    load,
    periods,
    registry,
    shipped,
)
from wasteflow.core.balances import Balance, balances
from wasteflow.core.books import PeriodBooks
from wasteflow.core.graph import LEVELS, build_graph, node_link
from wasteflow.core.places import BOUNDARY_WORDS
from wasteflow.core.vocabulary import Evidence

REGISTRY = registry()
EVERYONE = REGISTRY.in_scope("all")


def group_of(firm: str, level: str) -> str:
    """Node of a firm, said once more in plain words."""
    parks = {A: "park.sub", B: "park.sub", C: "park.main", D: "park.far"}
    regions = {A: "530181", B: "530181", C: "530181", D: "500118", E: "530100"}
    if level == "enterprise":
        return firm
    if level == "park":
        return parks.get(firm, "park:none")
    return f"region:{regions.get(firm, 'none')}"


def node_net(graph: nx.MultiDiGraph[str], node: str, material: str) -> int:
    """In - out of a node."""
    come = sum(d["kg"] for _, _, d in graph.in_edges(node, data=True) if d["material"] == material)
    gone = sum(d["kg"] for _, _, d in graph.out_edges(node, data=True) if d["material"] == material)
    return int(come - gone)


def stocks_of_lines(
    lines: list[Balance], level: str, keep_transit: bool, closing: bool
) -> dict[tuple[str, str], int]:
    """(node or "transit of" its group, material) → stock of the balance lines that belong to it."""
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        node = group_of(line.enterprise, level)
        if line.compartment == "yard":
            node = f"yard:{node}"
        elif line.compartment == "transit" and keep_transit:
            node = f"transit:{node}"
        key = node, line.material
        found[key] = found.get(key, 0) + (line.closing_kg if closing else line.opening_kg)
    return {key: kg for key, kg in found.items() if kg}


def stocks_of_graph(
    graph: nx.MultiDiGraph[str], level: str, closing: bool
) -> dict[tuple[str, str], int]:
    """The same from the node attributes; roads summed over their holder."""
    groups = sorted({group_of(firm, level) for firm in EVERYONE}, key=len, reverse=True)
    found: dict[tuple[str, str], int] = {}
    for node, data in graph.nodes(data=True):
        name = node
        if data["kind"] == "transit":
            rest = node.removeprefix("transit:")
            name = "transit:" + next(g for g in groups if rest.startswith(f"{g}:"))
        for material, kg in data["closing_kg" if closing else "opening_kg"].items():
            found[name, material] = found.get((name, material), 0) + kg
    return {key: kg for key, kg in found.items() if kg}


@settings(max_examples=28)
@given(ledgers(), periods)
def test_node_sums_are_the_balances(records: list[Record], text: str) -> None:
    """Law: at every level, with and without roads, stocks = balances, in - out = change."""
    books = books_of(records, text)
    lines = balances(books, EVERYONE)
    for level, keep in product(LEVELS, (False, True)):
        graph = build_graph(books, REGISTRY, level=level, keep_transit=keep)
        for closing in (False, True):
            expected = stocks_of_lines(lines, level, keep, closing)
            assert stocks_of_graph(graph, level, closing) == expected
        for node, data in graph.nodes(data=True):
            if data["kind"] in (level, "yard", "transit"):
                for material in MATERIALS:
                    change = data["closing_kg"].get(material, 0)
                    change -= data["opening_kg"].get(material, 0)
                    assert node_net(graph, node, material) == change
            else:
                assert not data["opening_kg"] and not data["closing_kg"]


@settings(max_examples=20)
@given(ledgers(), periods)
def test_the_graph_of_a_material_is_its_part_of_the_graph(records: list[Record], text: str) -> None:
    """Law: one material's graph = the edges of the whole that name it."""
    books = books_of(records, text)
    for level in LEVELS:
        whole = build_graph(books, REGISTRY, level=level)
        for material in MATERIALS:
            part = build_graph(books, REGISTRY, level=level, material=material)
            edges = [e for e in whole.edges(keys=True, data=True) if e[3]["material"] == material]
            assert sorted(part.edges(keys=True, data=True), key=str) == sorted(edges, key=str)


@settings(max_examples=20)
@given(ledgers(), periods)
def test_levels_and_roads_change_no_boundary(records: list[Record], text: str) -> None:
    """Law: what each boundary gave and took is the same at every level, roads kept or not."""
    books = books_of(records, text)
    seen = []
    for level, keep in product(LEVELS, (False, True)):
        graph = build_graph(books, REGISTRY, level=level, keep_transit=keep)
        inside = {"yard", "transit", level}
        nodes = [n for n, d in graph.nodes(data=True) if d["kind"] not in inside]
        seen.append({(n, m): node_net(graph, n, m) for n, m in product(nodes, MATERIALS)})
        for _, _, key, data in graph.edges(keys=True, data=True):
            assert key == f"{data['material']}/{data['route']}"
            assert sum(data["evidence"].values()) == data["kg"] > 0
    assert all(boundary == seen[0] for boundary in seen)


@settings(max_examples=20)
@given(ledgers(), periods)
def test_edges_between_firms_carry_the_accepted_kilograms(records: list[Record], text: str) -> None:
    """Law: roads contracted, a firm-to-firm edge = accepted kg of its loads, returns left out."""
    books = books_of(records, text)
    first, last = books.period.first, books.period.last
    expected: dict[tuple[str, str, str], int] = {}
    for record in records:
        if isinstance(record, Load):
            header, status = record.header, record.status
            inside = first <= status.received_month <= last and not status.reversed_
            if inside and status.accepted_kg and header.holder != header.consignee:
                goal = "outside" if header.to_outside else header.consignee
                edge = header.holder, goal, f"{header.material}/{header.route}"
                expected[edge] = expected.get(edge, 0) + status.accepted_kg
    graph = build_graph(books, REGISTRY)
    found = {
        (source, target, key): data["accepted_kg"]
        for source, target, key, data in graph.edges(keys=True, data=True)
        if data["accepted_kg"]
    }
    assert found == expected
    for (source, target, key), kg in expected.items():
        assert graph.edges[source, target, key]["kg"] == kg


def _books(records: list[Record], period: str = "2024") -> PeriodBooks:
    return books_of(records, period)


def test_a_park_keeps_the_loads_between_two_of_its_firms_as_a_loop() -> None:
    graph = build_graph(_books([shipped(A, B, 70, "2024-03-05")]), REGISTRY, level="park")
    assert graph.edges["park.sub", "park.sub", f"{PG}/{USE}"]["kg"] == 70
    assert not any(graph.nodes["park.sub"]["closing_kg"].values())


def test_a_return_is_no_edge_once_roads_are_contracted() -> None:
    parent = load(kg=100).decided("2024-03-06", 60, 40)
    back = parent.returned(40, "2024-03-07").decided("2024-03-08", 40)
    for level, loops in (("enterprise", 0), ("park", 1)):
        graph = build_graph(_books([parent, back]), REGISTRY, level=level)
        assert sum(data["kg"] for _, _, data in graph.edges(data=True)) == 60
        assert nx.number_of_selfloops(graph) == loops
        (edge,) = [data for _, _, data in graph.edges(data=True)]
        assert (edge["dispatched_kg"], edge["accepted_kg"]) == (100, 60)
    kept = build_graph(_books([parent, back]), REGISTRY, keep_transit=True)
    assert kept.has_edge(f"transit:{A}:{B}", f"transit:{A}:{A}")
    assert kept.has_edge(f"transit:{A}:{A}", A)


def test_dispatched_and_accepted_stand_side_by_side_on_an_edge() -> None:
    """Law: dispatched kg of an edge are what left for its target in the period, loads counted."""
    records: list[Record] = [
        load(kg=100, trips=4).decided("2024-03-06", 97),
        load(kg=50),
        load(A, "ext.x", 30).decided("2024-03-07", 31),
    ]
    graph = build_graph(_books(records), REGISTRY)
    inside, away = graph.edges[A, B, f"{PG}/{USE}"], graph.edges[A, "outside", f"{PG}/{USE}"]
    assert (inside["dispatched_kg"], inside["accepted_kg"], inside["loads"]) == (150, 97, 4)
    assert (away["dispatched_kg"], away["accepted_kg"]) == (30, 31)
    gain = graph.edges["weighing_difference", A, f"{PG}/{USE}"]
    assert (gain["kg"], gain["dispatched_kg"], gain["accepted_kg"]) == (1, 0, 0)


def test_kept_roads_show_dispatch_and_acceptance_as_two_edges() -> None:
    graph = build_graph(_books([shipped(A, B, 70, "2024-03-05")]), REGISTRY, keep_transit=True)
    road = f"transit:{A}:{B}"
    assert graph.edges[A, road, f"{PG}/{USE}"]["dispatched_kg"] == 70
    assert graph.edges[road, B, f"{PG}/{USE}"]["accepted_kg"] == 70
    assert graph.nodes[road]["kind"] == "transit"


def test_nodes_are_described_from_the_registry() -> None:
    records: list[Record] = [
        entry("opening", 9, "2024-01-01", at="yard"),
        entry("use", 5, route=USE),
        shipped(D, C, 70, "2024-03-05"),
        shipped(F, E, 70, "2024-03-05"),
        entry("treatment", 5, route=WASH),
    ]
    firms = build_graph(_books(records), REGISTRY)
    assert firms.nodes[A] | {"park": "park.sub", "region": "530181"} == firms.nodes[A]
    assert firms.nodes[f"yard:{A}"]["name_en"] == f"{A} (yard)"
    assert firms.nodes[f"use:{USE}"]["kind"] == "use"
    assert firms.nodes[F]["region"] is None and firms.nodes[F]["park"] is None
    parks = build_graph(_books(records), REGISTRY, level="park")
    assert parks.nodes["park.far"]["name_zh"] == "远园"
    assert parks.nodes["park:none"]["name_zh"] == "未入园"
    assert parks.edges["park.far", "park.main", f"{PG}/{USE}"]["distance_km"] > 500
    regions = build_graph(_books(records), REGISTRY, level="region")
    assert regions.nodes["region:500118"]["name_en"] == "Yongchuan"
    assert regions.edges["region:none", "region:530100", f"{PG}/{USE}"]["distance_km"] is None


def test_boundary_nodes_are_words_no_code_may_be() -> None:
    """Law: a place and a boundary never share a node: every bare boundary node is reserved."""
    records: list[Record] = [
        entry("opening", 9, "2024-02-01"),
        entry("generation", 4),
        entry("generation", 4, from_use=True),
        entry("dumping", 1),
        entry("stocktake", 12, difference=-1),
        load(kg=5).lost("2024-04-01"),
        load(A, "ext.x", 3).decided("2024-04-01", 4),
    ]
    nodes = dict(build_graph(_books(records), REGISTRY).nodes(data=True))
    bare = {node for node in nodes if node != A and ":" not in node}
    assert len(bare) == 8
    assert bare <= BOUNDARY_WORDS
    assert all(nodes[node]["kind"] == node and nodes[node]["name_zh"] != node for node in bare)


def test_node_link_is_networkx_and_carries_tonnes_as_text() -> None:
    records: list[Record] = [
        shipped(A, B, 1_500, "2024-03-05", route=TRADE),
        load(B, C, 30, route=STORE, evidence=Evidence.DISPUTED).decided("2024-04-01", 30),
    ]
    data = node_link(build_graph(_books(records), REGISTRY), "2024", "enterprise")
    assert (data["period"], data["level"], data["multigraph"]) == ("2024", "enterprise", True)
    edges = {(edge["source"], edge["target"]): edge for edge in data["edges"]}
    assert edges[A, B]["tonnes"] == "1.500" and edges[A, B]["key"] == f"{PG}/{TRADE}"
    assert edges[B, C]["evidence"] == {"disputed": 30}
    again = nx.node_link_graph(data, edges="edges")
    assert set(again.nodes) == {A, B, C} and again.number_of_edges() == 2


def test_the_builders_know_every_fate() -> None:
    """The random ledgers use each fate of the contract and every firm has a group."""
    assert set(FATES.values()) == {"use", "disposal", "storage", "treatment", "transfer"}
    assert {group_of(firm, "park") for firm in FIRMS} >= {"park.sub", "park:none"}
