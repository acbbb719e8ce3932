"""Potential links: what is feasible, the cheapest allocation, and a check that trusts no solver."""

from __future__ import annotations

from fractions import Fraction

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.test_crosscheck import seed
from wasteflow.core.coefficients import Coefficient
from wasteflow.core.symbiosis.allocate import Allocation, Side, allocate
from wasteflow.core.symbiosis.links import (
    Arc,
    Demand,
    Judge,
    Limits,
    Problem,
    Supply,
    feasible_links,
)
from wasteflow.core.symbiosis.prices import Cost, Prices
from wasteflow.core.symbiosis.verify import broken_rules

ANNING, YONGCHUAN = (102.3354, 24.98669), (105.927, 29.356)
PG = "phosphogypsum"


def no_border(giver: str, taker: str, material: str) -> str | None:
    return ""


def coefficient(kind: str, driver: str, value: str, material: str = "") -> Coefficient:
    return Coefficient(
        f"{kind}.{driver}.{material}", kind, material, driver, typical=Fraction(value)
    )


def cost_of(fen: int) -> Cost:
    return Cost(fen, 0, 0, 0, 0)


def problem_of(supply: list[int], demand: list[int], arcs: dict[tuple[int, int], int]) -> Problem:
    """A problem with a cost in fen per tonne for every pair that may be linked."""
    return Problem(
        tuple(Supply(f"s{number}", PG, kg) for number, kg in enumerate(supply)),
        tuple(Demand(f"f{n}", f"d{n}", kg, {PG: ("use",)}) for n, kg in enumerate(demand)),
        tuple(Arc(a, b, "use", 1.0, cost_of(fen)) for (a, b), fen in sorted(arcs.items())),
    )


def by_network_simplex(problem: Problem) -> tuple[int, int]:
    """(kilograms, fen·kg) of the most tonnes at the least cost, by another algorithm.

    A super source sends all supply; what cannot be placed leaves over one dear arc.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    whole = sum(supply.kg for supply in problem.supplies)
    dear = 1 + sum(abs(arc.cost.net_fen) for arc in problem.arcs)
    graph.add_node("in", demand=-whole)
    graph.add_node("out", demand=whole)
    graph.add_edge("in", "out", weight=dear)
    for number, supply in enumerate(problem.supplies):
        graph.add_edge("in", f"s{number}", capacity=supply.kg, weight=0)
    for number, demand in enumerate(problem.demands):
        graph.add_edge(f"d{number}", "out", capacity=demand.kg, weight=0)
    for arc in problem.arcs:
        graph.add_edge(f"s{arc.supply}", f"d{arc.demand}", weight=arc.cost.net_fen)
    total, flow = nx.network_simplex(graph)
    left = flow["in"]["out"]
    return whole - left, total - dear * left


def sums(problem: Problem, found: Allocation) -> tuple[int, int]:
    pairs = list(zip(problem.arcs, found.kg, strict=True))
    return sum(found.kg), sum(kg * arc.cost.net_fen for arc, kg in pairs)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    masses = st.integers(1, 10**9)
    supply = draw(st.lists(masses, min_size=1, max_size=6))
    demand = draw(st.lists(masses, min_size=1, max_size=6))
    pairs = [(a, b) for a in range(len(supply)) for b in range(len(demand))]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=len(pairs)))
    return problem_of(supply, demand, {pair: draw(st.integers(-5_000, 50_000)) for pair in chosen})


@settings(max_examples=40, deadline=None)
@given(problems())
def test_most_tonnes_at_the_least_cost_as_another_solver_finds(problem: Problem) -> None:
    found = allocate(problem)
    assert broken_rules(problem, found, no_border) == []
    assert sums(problem, found) == by_network_simplex(problem)
    assert sum(found.kg) + sum(found.unserved_kg) == sum(s.kg for s in problem.supplies)


def test_a_published_transportation_problem() -> None:
    """Hitchcock's problem in the form of Dantzig (Linear Programming and Extensions, 1963, 3.3).

    Canneries Seattle 350 and San Diego 600 cases, markets New York 325, Chicago 300, Topeka 275;
    freight 90 dollars per case and thousand miles: the least cost is 153.675 thousand dollars.
    """
    miles = {(0, 0): 2500, (0, 1): 1700, (0, 2): 1800, (1, 0): 2500, (1, 1): 1800, (1, 2): 1400}
    problem = problem_of([350, 600], [325, 300, 275], {pair: 90 * d for pair, d in miles.items()})
    kg, fen = sums(problem, allocate(problem))
    assert (kg, fen / 1_000) == (900, 153_675.0)


@pytest.mark.parametrize(
    ("supply", "demand", "costs", "least"),
    [
        # Powerco: Winston, Operations Research, 7.1 (million kWh, dollars a million kWh).
        ([35, 50, 40], [45, 20, 30, 30], [[8, 6, 10, 9], [9, 12, 13, 7], [14, 9, 16, 5]], 1_020),
        # P & T Company: Hillier and Lieberman, Introduction to Operations Research, 8.1 (truckloads
        # of peas from three canneries to four warehouses, dollars a truckload).
        (
            [75, 125, 100],
            [80, 65, 70, 85],
            [[464, 513, 654, 867], [352, 416, 690, 791], [995, 682, 388, 685]],
            152_535,
        ),
    ],
)
def test_published_least_costs_are_found(
    supply: list[int], demand: list[int], costs: list[list[int]], least: int
) -> None:
    fen = {(a, b): cost for a, row in enumerate(costs) for b, cost in enumerate(row)}
    problem = problem_of(supply, demand, fen)
    found = allocate(problem)
    assert sums(problem, found) == (sum(supply), least)
    assert broken_rules(problem, found, no_border) == []


@settings(max_examples=15, deadline=None)
@given(problems(), st.integers(1, 2), st.sampled_from([None, 10**6]))
def test_side_constraints_hold(problem: Problem, partners: int, least: int | None) -> None:
    side = Side(partners, least)
    found = allocate(problem, side)
    assert broken_rules(problem, found, no_border, side=side) == []
    assert sum(found.kg) <= sum(allocate(problem).kg)


def test_a_partner_of_one_kilogram_counts_as_one() -> None:
    """Where a link may carry thousands of tonnes, one kilogram is less than the solver sees."""
    masses = [5_654_156, 1, 5_671_757]
    fen = {(a, b): 4 * (a == b == 0) for a in range(3) for b in range(3)}
    problem = problem_of(masses, masses, fen)
    found = allocate(problem, Side(max_partners=1))
    assert broken_rules(problem, found, no_border, side=Side(max_partners=1)) == []
    assert sum(found.kg) >= sum(masses) - 12


def test_a_quota_is_shared_by_all_links_under_a_filing() -> None:
    problem = problem_of([900, 900], [1_000, 1_000], {(0, 0): 5, (0, 1): 9, (1, 1): 7})
    filed = tuple(replace(arc, filing="f.1") for arc in problem.arcs)
    problem = replace(problem, arcs=filed, quotas={"f.1": 1_000})
    found = allocate(problem)
    assert sum(found.kg) == 1_000 and broken_rules(problem, found, lambda *_: "f.1") == []
    assert set(found.reasons.values()) == {"capacity_taken"}


def test_the_check_names_what_an_allocation_breaks() -> None:
    problem = problem_of([10, 10], [15], {(0, 0): 1, (1, 0): 1})
    wrong = Allocation((10, 9), (0, 1), True, {1: "capacity_taken"})
    assert broken_rules(problem, wrong, no_border) == ["demand 0: 19 kg of 15"]
    lost = Allocation((10, 5), (0, 4), True, {})
    found = broken_rules(problem, lost, lambda *_: None, limits=Limits(max_km=0.5))
    assert [line.split(": ")[0] for line in found] == [
        *["s0 > f0"] * 2,
        *["s1 > f0"] * 2,
        "s1",
        "s1",
    ]


def test_raw_phosphogypsum_from_anning_to_yongchuan_makes_no_sense() -> None:
    """About 800 km by road and 300-400 yuan a tonne (2-domain section 8): not a symbiosis."""
    prices = Prices(seed())
    supply = Supply("ent.tianan", PG, 10**9, ANNING)
    far = Demand("fac.far", "ent.far", 10**9, {PG: ("pg_cement_retarder",)}, YONGCHUAN)
    near = replace(far, facility="fac.near", enterprise="ent.near", position=(102.42, 24.94))
    verdict = Judge([far], prices, lambda *_: None).one(supply, far)
    assert verdict.against == ("no_filing", "too_far") and verdict.arc is not None
    assert 780 < verdict.arc.km < 860 and 300_00 < verdict.arc.cost.net_fen < 400_00
    assert verdict.limit_km == 100.0
    problem = feasible_links([supply], [far, near], prices, no_border)
    assert [(arc.demand, arc.route) for arc in problem.arcs] == [(1, "pg_cement_retarder")]
    alone = feasible_links([supply], [far], prices, no_border)
    assert not alone.arcs and alone.obstacles[0].reason == "too_far"
    assert allocate(alone).reasons == {0: "too_far"} and allocate(alone).unserved_kg == (10**9,)


def test_prices_of_the_operator_come_first_and_break_even_follows_from_them() -> None:
    own = [
        coefficient("freight_price", "road", "0.5"),
        coefficient("gate_value", "ent.near", "40", PG),
        coefficient("treatment_cost", "use", "15"),
        coefficient("storage_cost", "*", "25", PG),
        coefficient("road_distance", "ent.a>ent.near", "90"),
        coefficient("detour", "road", "1.2"),
    ]
    prices = Prices([*seed(), *own])
    cost = prices.cost(PG, "use", "ent.near", 90.0)
    assert (cost.freight_fen, cost.treatment_fen, cost.gate_fen, cost.storage_fen) == (
        4_500, 1_500, 4_000, 2_500,
    )  # fmt: skip
    assert cost.net_fen == -500 and cost.unpriced == ()
    assert prices.break_even_km(PG, "use", "ent.near") == 100.0
    assert prices.break_even_km(PG, "use", "ent.other") is None, "its gate value is not known"
    assert prices.road_km("ent.near", "ent.a", 10.0) == 90.0
    assert prices.road_km("ent.a", "ent.c", 10.0) == pytest.approx(12.0)
    # A link that pays for itself is not held to a rule of thumb, one that does not is.
    supply = Supply("ent.a", PG, 5, ANNING)
    there = Demand("fac.near", "ent.near", 9, {PG: ("use",)}, (103.6, 24.9))
    assert Judge([there], prices, no_border).one(supply, there).against == ()
    dear = Prices([*seed(), coefficient("road_distance", "ent.a>ent.near", "190")])
    assert Judge([there], dear, no_border).one(supply, there).against == ("too_far",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"routes": {"steel_slag": ("use",)}}, "no_receiver"),
        ({"kg": 0}, "capacity_taken"),
        ({"valid": False}, "permit_not_valid"),
        ({"position": None}, "no_position"),
        ({"position": YONGCHUAN}, "too_far"),
    ],
)
def test_every_obstacle_has_its_reason(change: dict[str, object], reason: str) -> None:
    near = Demand("fac.near", "ent.near", 100, {PG: ("use",)}, (102.42, 24.94))
    supply = Supply("ent.a", PG, 7, ANNING)
    problem = feasible_links([supply], [replace(near, **change)], Prices(seed()), no_border)
    assert allocate(problem).reasons == {0: reason}
    found = feasible_links([supply], [near], Prices(seed()), lambda *_: None)
    assert allocate(found).reasons == {0: "no_filing"}
    dear = feasible_links([supply], [near], Prices(seed()), no_border, limits=Limits(50.0, 1))
    assert allocate(dear).reasons == {0: "too_dear"}
    unknown = feasible_links([supply], [], Prices(seed()), no_border, unknown=frozenset({PG}))
    assert allocate(unknown).reasons == {0: "capacity_unknown"}
