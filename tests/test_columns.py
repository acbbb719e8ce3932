"""Packing, grouping and looking up whole-number columns, held against tuples of Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.columns import Ints, groups_of, order_of, packed, positions_in

WIDE = st.integers(-(2**62), 2**62)
NARROW = st.integers(-3, 3)
TABLES = st.integers(1, 5).flatmap(
    lambda count: st.lists(st.tuples(*[st.one_of(NARROW, WIDE)] * count), max_size=30).map(
        lambda rows: (count, rows)
    )
)


def columns_of(count: int, rows: list[tuple[int, ...]]) -> list[Ints]:
    """Columns of a list of rows."""
    table = np.array(rows, np.int64).reshape(-1, count)
    return [table[:, number] for number in range(count)]


@given(TABLES)
def test_order_and_groups_are_those_of_tuples(table: tuple[int, list[tuple[int, ...]]]) -> None:
    count, rows = table
    columns = columns_of(count, rows)
    assert order_of(columns).tolist() == sorted(range(len(rows)), key=lambda row: rows[row])
    groups = groups_of(columns)
    assert [rows[number] for number in groups.first.tolist()] == sorted(set(rows))
    values = np.arange(len(rows), dtype=np.int64) - 5
    sums = {key: 0 for key in sorted(set(rows))}
    for row, value in zip(rows, values.tolist(), strict=True):
        sums[row] += value
    assert groups.sums(values).tolist() == list(sums.values())


@given(TABLES)
def test_packed_keeps_equality_in_few_columns(table: tuple[int, list[tuple[int, ...]]]) -> None:
    count, rows = table
    keys = packed(columns_of(count, rows))
    assert len(keys) <= count
    assert len(set(zip(*(key.tolist() for key in keys), strict=True))) == len(set(rows))
    small = [np.array([3, 4], np.int64)] * 20
    assert len(packed(small)) == 1


@given(st.sets(st.tuples(NARROW, NARROW)), st.lists(st.tuples(NARROW, NARROW)))
def test_positions_in(known: set[tuple[int, int]], wanted: list[tuple[int, int]]) -> None:
    rows = sorted(known, key=lambda row: (row[1], -row[0]))
    found = positions_in(columns_of(2, list(rows)), columns_of(2, list(wanted)))
    assert found.tolist() == [rows.index(row) if row in known else -1 for row in wanted]
