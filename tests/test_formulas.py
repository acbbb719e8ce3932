"""Rates in exact fractions, what makes them not computable, and the identity of the terms."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.formulas import (
    FORMULAS,
    NOTHING_GENERATED,
    PRIOR_UNTRACED,
    UNTRACED,
    Rate,
    Terms,
    official,
    simple,
)
from wasteflow.core.vocabulary import Evidence

kg = st.integers(0, 10**12)
maybe = st.one_of(st.none(), kg)
splits = st.dictionaries(
    st.tuples(st.sampled_from(("r1", "r2")), st.sampled_from(sorted(Evidence))), kg, max_size=4
)
any_terms = st.builds(
    Terms,
    generated_kg=kg,
    utilised_kg=maybe,
    utilised_prior_kg=maybe,
    stored_kg=maybe,
    disposed_kg=maybe,
    disposed_prior_kg=maybe,
    dumped_kg=kg,
    lost_kg=kg,
    outside_kg=kg,
    weighing_difference_kg=kg,
    stocktake_loss_kg=kg,
    settled_kg=kg,
    split=splits,
    reason=st.sampled_from(("", UNTRACED)),
)
NUMBERS = [name for name in Terms.__struct_fields__ if name not in ("split", "reason")]


@given(kg, kg, kg)
def test_formulas_are_exact_fractions(generated: int, utilised: int, prior: int) -> None:
    """Law: simple = utilised / generated, official = utilised / (generated + prior), no float."""
    terms = Terms(generated_kg=generated, utilised_kg=utilised, utilised_prior_kg=prior)
    if generated:
        assert simple(terms).value == Fraction(utilised, generated)
    if utilised <= generated + prior and generated + prior:
        assert official(terms).value == Fraction(utilised, generated + prior)
    for formula in FORMULAS.values():
        rate = formula(terms)
        assert (rate.value is None) == (rate.not_computable is not None)


@given(any_terms)
def test_official_lies_between_nothing_and_all(terms: Terms) -> None:
    """Law: official is in [0, 1] or not computable wherever no more was newly used than generated.

    That tracing never credits more is a law of its own (test_tracing_declared and _random).
    """
    if terms.utilised_kg is not None and terms.utilised_prior_kg is not None:
        terms.utilised_kg = min(terms.utilised_kg, terms.generated_kg + terms.utilised_prior_kg)
    rate = official(terms)
    assert rate.value is None or 0 <= rate.value <= 1


def test_numbers_of_a_yearbook() -> None:
    """85.2 of 120 generated, 10.4 of them from earlier years: 71 % simple, 65.34 % official."""
    terms = Terms(generated_kg=1_200_000, utilised_kg=852_000, utilised_prior_kg=104_000)
    assert simple(terms).value == Fraction(71, 100)
    assert official(terms).value == Fraction(852, 1304)


def test_simple_may_exceed_one_where_old_stock_is_used() -> None:
    terms = Terms(generated_kg=100, utilised_kg=150, utilised_prior_kg=50)
    assert simple(terms) == Rate(Fraction(3, 2))
    assert official(terms) == Rate(Fraction(1))


@pytest.mark.parametrize(
    ("terms", "simple_reason", "official_reason"),
    [
        (Terms(), NOTHING_GENERATED, NOTHING_GENERATED),
        (Terms(utilised_kg=5), NOTHING_GENERATED, NOTHING_GENERATED),
        (Terms(utilised_kg=5, utilised_prior_kg=5), NOTHING_GENERATED, None),
        (Terms(generated_kg=9, utilised_prior_kg=None), None, PRIOR_UNTRACED),
        (Terms(generated_kg=9, utilised_kg=None), UNTRACED, UNTRACED),
        (Terms(generated_kg=9, utilised_kg=None, reason="why"), "why", "why"),
        (Terms(generated_kg=9, disposed_kg=None, stored_kg=None), None, None),
    ],
)
def test_reasons_why_there_is_no_rate(
    terms: Terms, simple_reason: str | None, official_reason: str | None
) -> None:
    """Law: an unknown term is never 0: it makes the formulas that need it not computable."""
    assert simple(terms).not_computable == simple_reason
    assert official(terms).not_computable == official_reason


@settings(max_examples=28)
@given(any_terms, any_terms)
def test_terms_add_and_the_unknown_stays_unknown(one: Terms, two: Terms) -> None:
    """Law: known + known = sum, anything + unknown = unknown, first reason kept."""
    total = Terms()
    total.add(one)
    total.add(two)
    for name in NUMBERS:
        parts = [getattr(one, name), getattr(two, name)]
        assert getattr(total, name) == (None if None in parts else sum(parts))
    assert total.reason == (one.reason or two.reason)
    if total.utilised_kg is None:
        assert total.split == {}
    else:
        for key in one.split.keys() | two.split.keys():
            assert total.split[key] == one.split.get(key, 0) + two.split.get(key, 0)


@settings(max_examples=28)
@given(any_terms)
def test_the_identity_residual_is_what_the_parts_leave(terms: Terms) -> None:
    """Law: generated = new use + stored + new disposal + losses + residual; None if any is."""
    parts = ("utilised_kg", "utilised_prior_kg", "stored_kg", "disposed_kg", "disposed_prior_kg")
    values = [getattr(terms, name) for name in parts]
    if None in values:
        assert terms.identity_residual_kg is None
        return
    used, used_prior, stored, disposed, disposed_prior = values
    lost = terms.dumped_kg + terms.lost_kg + terms.outside_kg + terms.weighing_difference_kg
    lost += terms.stocktake_loss_kg + terms.settled_kg
    new = used - used_prior + stored + disposed - disposed_prior + lost
    assert terms.generated_kg == new + (terms.identity_residual_kg or 0)


def test_treatment_stands_outside_the_identity() -> None:
    """Treated tonnes remain where they are: 无害化处理 is no fate."""
    assert Terms(generated_kg=5, stored_kg=5, treated_kg=5).identity_residual_kg == 0


def test_the_formulas_of_this_stage() -> None:
    assert sorted(FORMULAS) == [
        "consumption_balance",
        "disposal_inclusive",
        "fate_share",
        "new_waste",
        "official",
        "simple",
    ]
