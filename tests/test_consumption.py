"""以用定产: consumed against generated, allowed generation, acid equivalent, draw on old stock."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.coefficients import Coefficient, coefficient_of, per_driver
from wasteflow.core.consumption import consumption, consumption_row, drawn_down, net_new_stock
from wasteflow.core.formulas import Terms

PG = "phosphogypsum"
ACID = Coefficient(
    "coef.pg_p2o5", "generation", PG, "p2o5", Fraction("4.5"), Fraction(5), Fraction("5.5")
)
YEAR = Terms(
    generated_kg=2_400_000_000,
    utilised_kg=1_500_000_000,
    utilised_prior_kg=180_000_000,
    stored_kg=1_080_000_000,
    treated_kg=600_000_000,
)
"""A producer of 2.4 million tonnes that used 1.5, of these 0.18 of earlier years."""


def row(terms: Terms = YEAR, **more: Any) -> dict[str, Any]:
    return dict(consumption_row(consumption("ent.x", PG, "2026", terms, **more)))


def test_what_was_consumed_sets_what_may_be_generated() -> None:
    found = row(coefficient=ACID)
    assert found["consumed_t"] == found["allowed_generation_t"] == "1500000.000"
    assert found["net_new_stock_t"] == "900000.000"  # 1.08 stored - 0.18 drawn
    assert found["findings"] == ["net_new_stock_positive"]
    assert found["acid_equivalent_t"] == {
        "low": "272727.272", "typical": "300000.000", "high": "333333.333",
    }  # fmt: skip
    assert found["treated_t"] == "600000.000" and found["balance"] == 0.875
    assert found["allowed_after_plan_t"] is None and found["draw_down_share"] is None


def test_old_stock_is_drawn_down_against_its_plan() -> None:
    found = row(old_stock_kg=5_000_000_000, plan_kg=240_000_000)
    assert found["drawn_from_old_stock_t"] == "180000.000" and found["draw_down_share"] == 0.75
    assert found["old_stock_left_t"] == "4820000.000"
    assert found["allowed_after_plan_t"] == "1260000.000"  # room is left for the plan
    assert found["findings"] == ["net_new_stock_positive", "draw_down_behind_plan"]
    assert row(plan_kg=180_000_000)["findings"] == ["net_new_stock_positive"]


def test_a_producer_that_shrinks_its_stock_has_no_finding() -> None:
    shrinking = Terms(
        generated_kg=100, utilised_kg=120, utilised_prior_kg=40, disposed_prior_kg=5, stored_kg=20
    )
    found = row(shrinking)
    assert found["net_new_stock_t"] == "-0.025" and found["findings"] == []
    assert found["drawn_from_old_stock_t"] == "0.045" and found["balance"] == 1.2


def test_unknown_terms_stay_unknown() -> None:
    prior = Terms(generated_kg=100, utilised_kg=50, utilised_prior_kg=None, stored_kg=None)
    found = row(prior)
    assert (found["consumed_t"], found["net_new_stock_t"]) == ("0.050", None)
    assert found["not_computable"] == "prior_stock_untraced"
    assert net_new_stock(prior) is None and drawn_down(prior) is None
    mixed = Terms(generated_kg=100, utilised_kg=None, utilised_prior_kg=None, stored_kg=None)
    assert row(mixed, coefficient=ACID)["acid_equivalent_t"]["typical"] is None
    assert row(mixed)["not_computable"] == "attribution_untraced"
    late = row(YEAR, reason="ledger_starts_2026-03", coefficient=ACID)
    assert late["allowed_generation_t"] is None and late["not_computable"].endswith("2026-03")
    assert row(Terms(utilised_kg=5, stored_kg=0))["balance"] is None


def test_a_coefficient_with_gaps_gives_a_range_with_gaps() -> None:
    loose = Coefficient("coef.pg_dap", "generation", PG, "dap", Fraction("2.1"), None, Fraction(3))
    assert per_driver(6_300, loose) == (2_100, None, 3_000)
    other = Coefficient("a", "generation", PG, "p2o5")
    assert coefficient_of([ACID, other], "generation", PG, "p2o5") is other
    assert coefficient_of([ACID], "moisture", PG, "p2o5") is None


mass = st.integers(0, 10**12)


@given(mass, mass, mass)
def test_net_new_stock_is_generation_less_all_that_was_consumed(
    generated: int, used: int, prior: int
) -> None:
    """Where nothing else happens: stored - prior use = generated - utilised, to the kilogram."""
    new = min(used, generated)
    terms = Terms(
        generated_kg=generated,
        utilised_kg=new + prior,
        utilised_prior_kg=prior,
        stored_kg=generated - new,
    )
    done = consumption("e", PG, "2026", terms)
    assert terms.identity_residual_kg == 0
    assert done.net_new_stock_kg == generated - (done.allowed_kg or 0)
    assert (done.findings == ()) == (generated <= new + prior)
