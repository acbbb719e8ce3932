"""The Sankey of the pages without a request: yards, sums, loops, places, bars."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.exporting.sankey import sankey
from wasteflow.web.pages import sankey_layout, sankey_view
from wasteflow.web.pages.sankey_bars import givers


def node(code: str, kind: str, opening: int = 0, closing: int = 0) -> dict[str, Any]:
    stock = {"opening_kg": {"x": opening}, "closing_kg": {"x": closing}}
    return {"id": code, "kind": kind, "name_zh": code, "name_en": code, **stock}


def edge(source: str, target: str, kg: int, loads: int = 1) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "material": "x",
        "route": "r",
        "kg": kg,
        "loads": loads,
    }


FLOWS: dict[str, Any] = {
    "period": "2026",
    "level": "enterprise",
    "synthetic": False,
    "nodes": [
        node("a", "enterprise"),
        node("b", "enterprise"),
        node("generation", "generation"),
        node("use:r", "use"),
        node("yard:a", "yard", 0, 30),
    ],
    "edges": [
        edge("generation", "a", 100),
        edge("a", "yard:a", 40),
        edge("yard:a", "a", 10),
        edge("a", "b", 80),
        edge("b", "a", 10),
        edge("b", "use:r", 70),
    ],
}


def test_a_yard_is_drawn_as_its_owner_and_nodes_stay_balanced() -> None:
    data = sankey(sankey_view.without_yards(FLOWS))
    assert "residual" not in {item["id"] for item in data["nodes"]}
    links = {(link["source"], link["target"]): link["kg"] for link in data["links"]}
    assert links["a", "stock_build"] == 30
    assert ("a", "a") not in links
    for firm in ("a", "b"):
        came = sum(kg for (_, target), kg in links.items() if target == firm)
        went = sum(kg for (source, _), kg in links.items() if source == firm)
        assert came == went


@pytest.mark.parametrize("top", [1, 2, 3, 10])
def test_what_is_not_drawn_is_summed_and_no_kilogram_gets_lost(top: int) -> None:
    data = sankey(sankey_view.without_yards(FLOWS))
    shown = sankey_view.picture(data, None, top, True)
    assert sum(flow.kg for flow in shown.drawn) == sum(link["kg"] for link in data["links"])
    assert shown.left == max(0, len(shown.all_flows) - top)


def test_a_loop_is_drawn_and_turned_back() -> None:
    data = sankey(sankey_view.without_yards(FLOWS))
    shown = sankey_view.picture(data, None, 10, True)
    ends = {(flow.source, flow.target) for flow in shown.drawn}
    assert ("a", "b") in ends and ("b", "a") in ends
    column = sankey_layout.columns(shown.drawn)
    assert column["generation"] < column["a"] < column["b"] < column["use:r"]


def test_a_scope_keeps_the_links_that_touch_it() -> None:
    data = sankey(sankey_view.without_yards(FLOWS))
    shown = sankey_view.picture(data, {"b"}, 10, True)
    assert all("b" in (flow.source, flow.target) for flow in shown.all_flows)
    between = sankey_view.picture(data, None, 10, False)
    assert {(flow.source, flow.target) for flow in between.all_flows} == {("a", "b"), ("b", "a")}


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(1, 10**9)),
        min_size=1,
        max_size=25,
    )
)
def test_every_node_has_a_place_inside_the_drawing(raw: list[tuple[str, str, int]]) -> None:
    bands = [sankey_view.Flow(s, t, "x", kg) for s, t, kg in raw if s != t]
    for x, y in sankey_layout.positions(bands).values():
        assert 0 < x < 1 and 0 < y < 1


@pytest.mark.parametrize("top", [1, 3, 10])
def test_the_bars_of_a_sankey_hold_what_is_drawn(top: int) -> None:
    shown = sankey_view.picture(sankey(sankey_view.without_yards(FLOWS)), None, top, True)
    names = {end: end.upper() for flow in shown.drawn for end in flow.ends}
    found = givers(shown, names, sankey_view.PlainLooks(shown.nodes))
    bars = [bar for giver in found for bar in giver.bars]
    assert sum(giver.kg for giver in found) == sum(bar.flow.kg for bar in bars)
    assert {bar.flow.order for bar in bars} == {flow.order for flow in shown.drawn}
    assert max(bar.length for bar in bars) == 100 and min(bar.length for bar in bars) >= 1
    order = [(giver.name == "OTHER_FROM", -giver.kg) for giver in found]
    assert order == sorted(order), "largest first, what is summed last"
