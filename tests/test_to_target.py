"""The few links that reach a target: gap, choice against trying every set, which target fits."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations

import pytest

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


@pytest.mark.parametrize("seed", range(12))
def test_three_links_are_the_best_three(seed: int) -> None:
    """Against every set of three links: most of the gap, then the least cost, as it is checked."""
    draw = random.Random(seed)
    supply = [draw.randint(1, 400) for _ in range(draw.randint(2, 4))]
    demand = [draw.randint(1, 400) for _ in range(draw.randint(2, 3))]
    pairs = [(a, b) for a in range(len(supply)) for b in range(len(demand))]
    problem = problem_of(
        supply, demand, {pair: draw.choice([0, draw.randint(-500, 5000)]) for pair in pairs}
    )
    found = plan_links(problem, TERMS, "official", Fraction(9, 10))
    assert found is not None and found.gap_kg == 590 and len(found.links) <= LINKS
    best = max(_sums(problem, some, found.gap_kg) for some in combinations(problem.arcs, LINKS))
    assert (found.kg, -sum(kg * arc.cost.net_fen for arc, kg in found.links)) == best
    side = Side(max_links=LINKS, most_kg=found.gap_kg)
    assert broken_rules(problem, allocate(problem, side), no_border, side=side) == []
    assert found.reached == (found.kg == found.gap_kg)


def test_one_kilogram_more_is_worth_any_price() -> None:
    """Two sets of three links: the one that carries 5 kg more costs far more, and is chosen."""
    cost = {(0, 0): 4381, (0, 1): 4119, (0, 2): 0, (1, 0): 0, (1, 1): 0, (1, 2): 0, (2, 0): 0,
            (2, 1): 2166, (2, 2): 3016}  # fmt: skip
    problem = problem_of([67, 215, 210], [240, 73, 81], cost)
    found = plan_links(problem, TERMS, "official", Fraction(9, 10))
    assert found is not None and found.kg == 369


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
