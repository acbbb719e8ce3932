"""The few links that reach a target: gap, choice against trying every set, which target fits."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_symbiosis import no_border, problem_of
from wasteflow.core.formulas import Terms
from wasteflow.core.registry import Enterprise, Material, Registry, Target
from wasteflow.core.symbiosis.allocate import Side, allocate
from wasteflow.core.symbiosis.links import Problem
from wasteflow.core.symbiosis.to_target import LINKS, applicable, gap_to, plan_links
from wasteflow.core.symbiosis.verify import broken_rules
from wasteflow.core.target_values import value_of

TERMS = Terms(
    generated_kg=1000, utilised_kg=400, utilised_prior_kg=100, stored_kg=600, disposed_kg=100,
    disposed_prior_kg=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "goal", "gap"),
    [
        ("official", Fraction(1, 2), 150),  # 0.5 of 1,100, less 400
        ("simple", Fraction(1, 2), 100),
        ("new_waste", Fraction(1, 2), 200),
        ("official", Fraction(1, 10), 0),
        ("consumption_balance", Fraction(1), 600),
    ],
)
def test_the_gap_is_what_just_meets_the_goal(metric: str, goal: Fraction, gap: int) -> None:
    assert gap_to(metric, TERMS, goal) == gap
    problem = problem_of([1000], [1000], {(0, 0): 5})
    found = plan_links(problem, TERMS, metric, goal)
    assert found is not None and found.kg == gap and found.reached
    assert found.before == value_of(metric, TERMS)


def test_what_cannot_be_computed_has_no_plan() -> None:
    assert plan_links(problem_of([5], [5], {(0, 0): 1}), Terms(), "official", Fraction(1)) is None


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=2, max_size=4),
    st.lists(st.integers(1, 400), min_size=2, max_size=3),
    st.lists(st.integers(-500, 5000), min_size=12, max_size=12),
)
def test_three_links_are_the_best_three(
    supply: list[int], demand: list[int], cost: list[int]
) -> None:
    """Against every set of three links: most of the gap, then the least cost, as it is checked."""
    pairs = [(a, b) for a in range(len(supply)) for b in range(len(demand))]
    problem = problem_of(supply, demand, dict(zip(pairs, cost, strict=False)))
    found = plan_links(problem, TERMS, "official", Fraction(9, 10))
    assert found is not None and found.gap_kg == 590 and len(found.links) <= LINKS
    best = max(_sums(problem, some, found.gap_kg) for some in combinations(problem.arcs, LINKS))
    assert (found.kg, -sum(kg * arc.cost.net_fen for arc, kg in found.links)) == best
    side = Side(max_links=LINKS, most_kg=found.gap_kg)
    assert broken_rules(problem, allocate(problem, side), no_border, side=side) == []
    assert found.reached == (found.kg == found.gap_kg)


def _sums(problem: Problem, arcs: tuple[object, ...], most: int) -> tuple[int, int]:
    """(kilograms, -cost) of the best use of some arcs alone."""
    some = Problem(problem.supplies, problem.demands, arcs)  # type: ignore[arg-type]
    found = allocate(some, Side(most_kg=most))
    return sum(found.kg), -sum(
        kg * arc.cost.net_fen for arc, kg in zip(some.arcs, found.kg, strict=True)
    )


def test_the_nearest_target_of_the_material_comes_first() -> None:
    def target(code: str, scope: str, materials: tuple[str, ...], year: int) -> Target:
        return Target(code, scope, materials, "official", ">=", "0.5", year=year)

    listed = [
        target("wide", "all", ("pg",), 2027),
        target("own", "enterprise:a", ("pg", "slag"), 2026),
        target("late", "enterprise:a", ("pg",), 2025),
        target("next", "enterprise:a", ("pg",), 2027),
        target("other", "enterprise:b", ("pg",), 2026),
        target("slag", "all", ("slag",), 2026),
    ]
    registry = Registry(
        enterprises={code: Enterprise(code, code, code) for code in ("a", "b")},
        materials={code: Material(code, code, code, is_waste=True) for code in ("pg", "slag")},
        targets={item.code: item for item in listed},
    )
    found = applicable(registry, frozenset({"a"}), frozenset({"pg"}), 2026)
    assert [item.code for item in found] == ["next", "late", "wide", "own"]
