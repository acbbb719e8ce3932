"""Articulation points and bridges against taking each firm and link out by hand."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.symbiosis.dependence import concentration, older_part
from wasteflow.core.symbiosis.structure import hinges_and_bridges

FIRMS = "abcdefgh"
TRADES = st.dictionaries(
    st.tuples(st.sampled_from(FIRMS), st.sampled_from(FIRMS)).filter(
        lambda pair: pair[0] != pair[1]
    ),
    st.integers(1, 9),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(TRADES)
def test_taking_a_firm_or_a_link_out_gives_what_is_said(trades: dict[tuple[str, str], int]) -> None:
    hinges, bridges = hinges_and_bridges(trades, FIRMS)
    graph = nx.Graph(list(trades))
    expected = {}
    for firm in graph:
        part = graph.subgraph(nx.node_connected_component(graph, firm)).copy()
        part.remove_node(firm)
        sizes = [len(piece) for piece in nx.connected_components(part)]
        if len(sizes) > 1:
            expected[firm] = len(sizes), sum(sizes) - max(sizes)
    assert {item.firm: (item.parts, item.cut_off) for item in hinges} == expected
    cut = {}
    for one, other in nx.bridges(graph):
        rest = graph.copy()
        rest.remove_edge(one, other)
        ends = (len(nx.node_connected_component(rest, end)) for end in (one, other))
        cut[tuple(sorted((one, other)))] = min(ends)
    assert {(item.one, item.other): item.cut_off for item in bridges} == cut
    for item in bridges:
        both = (item.one, item.other), (item.other, item.one)
        assert item.kg == sum(trades.get(pair, 0) for pair in both)


def test_concentration_of_equal_shares_and_of_none() -> None:
    found = concentration({"a": 5, "b": 5, "c": 5, "d": 5})
    assert found is not None and (float(found.hhi), float(found.top3)) == (0.25, 0.75)
    assert found.largest == "a" and concentration({}) is None
    assert older_part(0, 0, 0) == 0
