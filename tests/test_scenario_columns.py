"""Whole-number arithmetic over columns is that of one number at a time, ties included."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.scenarios.columns import shares, times
from wasteflow.core.symbiosis.dependence import half_even

KG = st.one_of(st.integers(0, 40), st.integers(0, 10**14))
PERCENT = st.sampled_from(["1/2", "3/2", "103/100", "10/7", "2", "999/1000"])


@settings(max_examples=40, deadline=None)
@given(st.lists(KG, max_size=12), PERCENT, st.integers(1, 15))
def test_a_column_times_a_factor_is_exact(kg: list[int], words: str, years: int) -> None:
    factor = Fraction(words) ** years
    above, below = factor.as_integer_ratio()
    found = times(np.array(kg, np.int64), factor).tolist()
    assert found == [half_even(one * above, below) for one in kg]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(KG, KG, KG), min_size=1, max_size=12))
def test_shares_of_a_column_are_exact(rows: list[tuple[int, int, int]]) -> None:
    within = [(min(kg, whole), min(part, whole), whole) for kg, part, whole in rows]
    columns = [np.array(column, np.int64) for column in zip(*within, strict=True)]
    assert shares(*columns).tolist() == [
        half_even(kg * part, whole) if whole else 0 for kg, part, whole in within
    ]
