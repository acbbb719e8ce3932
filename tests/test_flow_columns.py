"""Columns read from the database stand in order of their key, whatever order they came in."""

from __future__ import annotations

import numpy as np

from wasteflow_models.flow_columns import _in_order


def test_rows_are_put_in_order_and_kept_as_they_are_if_they_have_one() -> None:
    ends, told, kg = (np.array(part) for part in ([7, 3, 7, 3], [1, 9, 0, 2], [10, 20, 30, 40]))
    found = _in_order([ends, told, kg], told)
    assert [column.tolist() for column in found] == [[3, 3, 7, 7], [2, 9, 0, 1], [40, 20, 30, 10]]
    again = _in_order(found, found[1])
    assert all(one is two for one, two in zip(again, found, strict=True))
    empty = np.zeros(0, np.int64)
    assert _in_order([empty])[0] is empty
