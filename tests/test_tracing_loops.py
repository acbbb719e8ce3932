"""Loops and resale: the figures of case 2 (paper 6, section 6), cycles, traders."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_tracing import CASES, case_rows, traced
from tests.test_tracing_random import traced as traced_random
from tests.tracing_networks import network
from wasteflow.core.periods import Period
from wasteflow.core.tracing.loops import greedy_cycles, loop_report, nettable, return_shares

JANUARY = Period.parse("2026-01")


def test_loops_of_case_2() -> None:
    chain, operators, passed = traced(case_rows(CASES[1]))
    report = loop_report(chain, passed, JANUARY)
    assert report is not None
    assert report.gross_kg == 180_000
    assert report.repeat_kg == pytest.approx(72_000, abs=1e-6)
    assert report.first_kg == pytest.approx(108_000, abs=1e-6)
    assert report.returned_home_kg == pytest.approx(32_000 / 9, abs=1e-6)
    assert report.counted_more_than_once_kg == pytest.approx(680_000 / 9, abs=1e-6)
    assert {arc: repeat for arc, (_, repeat) in report.arcs.items()} == pytest.approx(
        {("A", "B"): 160_000 / 7, ("A", "C"): 120_000 / 7, ("B", "A"): 32_000}, abs=1e-6
    )
    assert report.resale_share == pytest.approx({"A": 2 / 7, "B": 4 / 5})
    (loop,) = report.loops
    assert loop.members == ("A", "B")
    assert loop.repeat_kg == pytest.approx(384_000 / 7, abs=1e-6)
    assert (loop.gross_kg, loop.nettable_kg) == (120_000, 80_000)
    assert loop.cycles == ((("A", "B"), 40_000),)
    assert return_shares(operators, 0) == pytest.approx({"A": 8 / 35, "B": 8 / 35})


def test_trader_resells_what_came_in_the_period() -> None:
    chain, _, passed = traced(case_rows(CASES[0]))
    report = loop_report(chain, passed, Period.parse("2026-02"))
    assert report is not None
    # what T held on 1 February is its own start: the rest of what it ships came from G
    assert report.resale_share == pytest.approx({"G": 0, "T": 108 / 153})
    assert report.loops == ()
    assert report.returned_home_kg == pytest.approx(0, abs=1e-6)
    assert loop_report(chain, passed, Period.parse("2020")) is None


def test_nettable_is_more_than_what_greedy_cycles_find() -> None:
    """The split into cycles is not unique; the maximum circulation is one number."""
    flows = {
        ("a", "b"): 10, ("b", "c"): 10, ("c", "a"): 10, ("b", "a"): 6, ("c", "b"): 6, ("a", "c"): 6,
    }  # fmt: skip
    cycles = greedy_cycles(flows)
    assert cycles[0] == (("a", "b", "c"), 10)
    assert sum(len(cycle) * kg for cycle, kg in cycles) <= nettable(flows) == 48


@given(st.dictionaries(st.tuples(*[st.sampled_from("abcde")] * 2), st.integers(1, 50), max_size=14))
@settings(max_examples=60)
def test_cycles_are_a_circulation(drawn: dict[tuple[str, str], int]) -> None:
    flows = {arc: kg for arc, kg in drawn.items() if arc[0] != arc[1]}
    cycles = greedy_cycles(flows)
    assert len(cycles) <= len(flows)
    left = dict(flows)
    for cycle, kg in cycles:
        for arc in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            left[arc] -= kg
    assert all(kg >= 0 for kg in left.values())
    assert nx.is_directed_acyclic_graph(nx.DiGraph([arc for arc, kg in left.items() if kg]))
    if flows:
        assert (
            sum(len(cycle) * kg for cycle, kg in cycles) <= nettable(flows) <= sum(flows.values())
        )


@given(seed=st.integers(0, 100_000))
@settings(max_examples=15)
def test_repeat_is_part_of_gross(seed: int) -> None:
    chain, _, passed = traced_random(network(seed, firms=6, months=4, links=14))
    period = Period.of(chain.months[1].month, chain.months[-1].month)
    report = loop_report(chain, passed, period)
    assert report is not None
    for gross, repeat in report.arcs.values():
        assert 0 <= repeat <= gross + 1e-6
    assert 0 <= report.returned_home_kg <= report.first_kg + 1e-6
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in report.resale_share.values())
    for loop in report.loops:
        assert loop.nettable_kg <= loop.gross_kg
