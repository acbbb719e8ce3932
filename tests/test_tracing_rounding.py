"""Controlled rounding: both margins exact, every cell floor or ceiling, ties, closed months."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from wasteflow.core.tracing.rounding import (
    close_month,
    controlled_rounding,
    largest_remainder,
    round_table,
)

TABLES = arrays(
    np.float64,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    elements=st.one_of(st.just(0.0), st.floats(0.001, 500)),
)


@given(TABLES)
@settings(max_examples=200)
def test_cells_and_margins_are_floor_or_ceiling(table: np.ndarray) -> None:
    whole = controlled_rounding(table)
    assert np.abs(whole - table).max() < 1
    assert ((table > 0) | (whole == 0)).all()
    for axis in (0, 1):
        assert np.abs(whole.sum(axis=axis) - table.sum(axis=axis)).max() < 1 + 1e-3


@given(TABLES, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_whole_margins_hold_exactly(table: np.ndarray, dice: object) -> None:
    """Completed by one row and one column, every table has whole margins, and they all hold."""
    rows, columns = np.ceil(table.sum(axis=1)), np.ceil(table.sum(axis=0))
    beside, below = rows - table.sum(axis=1), columns - table.sum(axis=0)
    corner = np.ceil(beside.sum()) - beside.sum()
    full = np.block([[table, beside[:, None]], [below[None, :], np.array([[corner]])]])
    lines = np.rint(full.sum(axis=1)).astype(np.int64)
    heads = np.rint(full.sum(axis=0)).astype(np.int64)
    rounded = round_table(sparse.csr_array(full), lines, heads)
    whole = rounded.kg.toarray()
    assert not rounded.row_rest.any()
    assert (whole.sum(axis=1) == lines).all() and (whole.sum(axis=0) == heads).all()
    assert np.abs(whole - full).max() < 1


def test_larger_remainders_are_raised_first() -> None:
    cells = sparse.csr_array(np.array([[0.9, 0.1], [0.1, 0.9]]))
    ones = np.array([1, 1])
    assert round_table(cells, ones, ones).kg.toarray().tolist() == [[1, 0], [0, 1]]


def test_an_earlier_choice_is_undone_where_it_must() -> None:
    """0.6 of the first row would be raised first; the third column needs that row."""
    cells = np.array([[0.6, 0.0, 0.4], [0.4, 0.6, 0.0], [0.0, 0.4, 0.6]])
    rounded = round_table(sparse.csr_array(cells), np.array([1, 1, 1]), np.array([1, 1, 1]))
    whole = rounded.kg.toarray()
    assert (whole.sum(axis=0) == 1).all() and (whole.sum(axis=1) == 1).all()
    assert ((cells > 0) | (whole == 0)).all()


def test_ties_go_to_the_larger_value_then_to_the_earlier() -> None:
    assert largest_remainder(np.array([1.5, 2.5, 2.5]), 7).tolist() == [1, 3, 3]
    assert largest_remainder(np.array([2.5, 2.5]), 5).tolist() == [3, 2]


def test_margins_of_different_sums_are_refused() -> None:
    with pytest.raises(ValueError, match="margins differ"):
        round_table(sparse.csr_array(np.ones((1, 1))), np.array([1]), np.array([2]))


def test_columns_hold_where_both_margins_cannot() -> None:
    """A row without cells cannot take its kilogram; the books' columns stay, the row tells."""
    cells = sparse.csr_array(np.array([[3.0, 1.0], [0.0, 0.0]]))
    rounded = round_table(cells, np.array([4, 1]), np.array([3, 2]))
    assert rounded.kg.toarray().sum(axis=0).tolist() == [3, 2]
    assert rounded.row_rest.tolist() == [-1, 1]


def test_closed_months_stay_closed_over_years() -> None:
    """Whole stock of one month opens the next: all margins close 72 times, drift stays small."""
    dice = np.random.default_rng(3)
    stock_kg, stock = np.zeros(40, np.int64), np.zeros(40)
    for _ in range(72):
        arrived = dice.integers(0, 5_000, 40)
        share = dice.dirichlet(np.ones(5), 40) * dice.random((40, 1))
        held = stock + arrived
        exits = held[:, None] * share[:, :4]
        posted = np.floor(exits.sum(axis=0)).astype(np.int64)
        exits *= posted / exits.sum(axis=0)
        stock = held - exits.sum(axis=1)
        closed = close_month(stock_kg, arrived, sparse.csr_array(exits), posted)
        whole = closed.exits.toarray()
        assert not closed.row_rest.any() and (whole >= 0).all() and (closed.stock >= 0).all()
        assert (whole.sum(axis=0) == posted).all()
        assert (whole.sum(axis=1) + closed.stock == stock_kg + arrived).all()
        assert np.abs(whole - exits).max() < 25
        stock_kg = closed.stock
    assert np.abs(stock_kg - stock).max() < 25
