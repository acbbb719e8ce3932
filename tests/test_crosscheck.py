"""Generation against product output: range, basis, finding, nothing counted twice."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.coefficients import Coefficient
from wasteflow.core.crosscheck import Output, crosscheck, crosscheck_row, drivers_of

SEED = Path(__file__).resolve().parents[1] / "seed_data" / "coefficients.csv"


def number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def seed() -> list[Coefficient]:
    """The coefficients of the seed data (2-domain 5)."""
    with SEED.open(encoding="utf-8", newline="") as file:
        return [
            Coefficient(
                row["code"], row["kind"], row["material"], row["driver"],
                number(row["low"]), number(row["typical"]), number(row["high"]),
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def check(outputs: dict[str, float], tonnes: float, material: str, **more: Any) -> dict[str, Any]:
    """The one line of ent.x: outputs in tonnes by product, all in 2026-03."""
    made = [Output("ent.x", name, 202603, int(t * 1000)) for name, t in outputs.items()]
    generated = {("ent.x", material): {202603: int(tonnes * 1000)}}
    (line,) = crosscheck(made, generated, seed(), **more)
    return crosscheck_row(line)


def test_generation_inside_the_range() -> None:
    found = check({"alumina": 1000}, 1300, "red_mud")
    assert found["expected_t"] == {"low": "800.000", "typical": "1300.000", "high": "1800.000"}
    assert (found["finding"], found["factor"], found["basis"]) == (None, 1.3, "wet")
    assert found["coefficients"] == ["coef.rm_alumina"]


@pytest.mark.parametrize(
    ("tonnes", "finding"),
    [
        (800, None),
        (799.999, "generation_below_output"),
        (1800, None),
        (1800.001, "generation_above_output"),
    ],
)
def test_the_ends_of_the_range_are_inside(tonnes: float, finding: str | None) -> None:
    assert check({"alumina": 1000}, tonnes, "red_mud")["finding"] == finding


def test_phosphogypsum_is_held_on_both_bases() -> None:
    """100 t P2O5: 450 to 550 t; free water 10 to 30 %."""
    wet = check({"p2o5": 100}, 600, "phosphogypsum")
    assert wet["generated_dry_t"] == ["420.000", "540.000"]
    assert wet["finding"] == "generation_basis_unclear"
    assert check({"p2o5": 100}, 500, "phosphogypsum")["finding"] is None
    assert check({"p2o5": 100}, 800, "phosphogypsum")["finding"] == "generation_above_output"
    assert check({"p2o5": 100}, 400, "phosphogypsum")["finding"] == "generation_below_output"
    dry = {("ent.x", "phosphogypsum"): 580_000}
    measured = check({"p2o5": 100}, 700, "phosphogypsum", dry=dry)
    assert measured["finding"] == "generation_above_output"
    assert measured["generated_dry_t"] == ["580.000", "580.000"]


def test_p2o5_content_makes_any_product_comparable() -> None:
    made = [Output("ent.x", "phosphoric_acid", 202603, 1_000_000, 54_000)]
    (line,) = crosscheck(made, {("ent.x", "phosphogypsum"): {202603: 2_700_000}}, seed())
    assert line.drivers == {"p2o5": 540_000} and line.factor == 5
    # fertiliser made from that acid is not counted again
    more = [*made, Output("ent.x", "dap", 202603, 900_000, 46_000), Output("ent.x", "dap", 1, 5)]
    assert crosscheck(more, {}, seed())[0].drivers == {"p2o5": 540_000}
    # without the acid it is
    alone = crosscheck([Output("ent.x", "dap", 202603, 1_000_000)], {}, seed())[0]
    assert alone.expected == (2_100_000, None, 2_400_000)
    assert alone.finding == "generation_below_output"


def test_the_wider_output_holds_the_narrower() -> None:
    both = check({"crude_steel": 1000, "converter_steel": 700, "eaf_steel": 300}, 120, "steel_slag")
    assert both["output_t"] == {"crude_steel": "1000.000"} and both["finding"] is None
    parts = check({"converter_steel": 700, "eaf_steel": 300}, 120, "steel_slag")
    assert parts["expected_t"] == {"low": "100.000", "typical": None, "high": "165.000"}
    assert parts["factor"] is None and parts["finding"] is None


def test_what_cannot_be_checked_says_so() -> None:
    assert check({}, 100, "red_mud")["reason"] == "no_product_output"
    assert check({"bolts": 5}, 100, "red_mud")["reason"] == "no_product_output"
    loose = check({"phosphate_fertiliser": 10}, 100, "phosphogypsum")
    assert (loose["reason"], loose["finding"]) == ("no_coefficient_range", None)
    assert check({"alumina_sinter": 10}, 21, "red_mud")["finding"] == "generation_above_output"
    assert crosscheck([], {("ent.x", "coffee_grounds"): {202603: 5}}, seed()) == []


def test_months_without_output_are_told() -> None:
    generated = {("ent.x", "red_mud"): {202602: 5, 202603: 5, 202604: 0}}
    (line,) = crosscheck([Output("ent.x", "alumina", 202603, 8)], generated, seed())
    assert line.notes == ("output_months_differ",)
    (whole,) = crosscheck(
        [Output("ent.x", "alumina", month, 4) for month in (202602, 202603)], generated, seed()
    )
    assert whole.notes == ()


def test_drivers_of_a_product() -> None:
    assert drivers_of("alumina", None, seed()) == ["alumina"]
    assert drivers_of("phosphoric_acid", 54_000, seed()) == ["p2o5"]
    assert drivers_of("bolts", None, seed()) == []
    assert drivers_of("pig_iron", None, seed()) == []  # its slag is no material of the books


@given(st.integers(1, 10**9), st.integers(0, 10**10), st.permutations(["a", "b", "c"]))
def test_lines_come_in_order_and_the_finding_follows_the_range(
    output: int, generated: int, firms: list[str]
) -> None:
    lines = crosscheck(
        [Output(firm, "alumina", 202603, output) for firm in firms],
        {(firm, "red_mud"): {202603: generated} for firm in firms},
        seed(),
    )
    assert [line.enterprise for line in lines] == ["a", "b", "c"]
    factor = Fraction(generated, output)
    side = "generation_below_output" if factor < Fraction("0.8") else ""
    side = "generation_above_output" if factor > Fraction("1.8") else side
    assert {line.finding for line in lines} == {side}
