"""Packed loads say what was packed, whatever numbers and blanks their columns hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow_models.load_events import EVENT_SOURCES, WEIGHT_COLUMNS
from wasteflow_models.load_pack import keys_of, pack

NO_WEIGHTS: dict[str, list[int]] = {name: [] for name in WEIGHT_COLUMNS}
PLAIN = dict.fromkeys(EVENT_SOURCES, 1)
NUMBERS = st.one_of(
    st.integers(0, 1), st.integers(0, 2**31), st.integers(0, 2**63 - 2), st.integers(-3, 3)
)


def columns(rows: int) -> st.SearchStrategy[dict[str, Any]]:
    """Columns of `rows` rows by name, as headers of loads come: arrays, lists, one plain value."""
    numbers = st.lists(NUMBERS, min_size=rows, max_size=rows)
    blanks = st.lists(st.none() | NUMBERS | st.booleans(), min_size=rows, max_size=rows)
    texts = st.lists(st.sampled_from(["", "A'1", "云A12345"]), min_size=rows, max_size=rows)
    column = numbers.map(lambda found: np.array(found, np.int64)) | blanks | texts
    return st.lists(column | NUMBERS | st.just("x"), min_size=1, max_size=6).map(
        lambda found: {
            "doc_no": [f"D{row}" for row in range(rows)],
            **{f"c{place}": value for place, value in enumerate(found)},
        }
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4).flatmap(lambda rows: st.tuples(st.just(rows), columns(rows))))
def test_what_is_packed_is_taken_out_again(case: tuple[int, dict[str, Any]]) -> None:
    rows, header = case
    months = np.full(rows, 202603)
    arrived = np.arange(rows) % 2 * 202604
    moved = {"dispatched_month": months, "received_month": arrived, "dispatched_kg": arrived + 7}
    packed = pack(months, {**PLAIN, **header, **moved, "again": header["c0"]}, NO_WEIGHTS)
    with closing(sqlite3.connect(":memory:")) as made:
        made.deserialize(packed.data)
        asked = ", ".join(packed.columns[name] for name in (*header, "dispatched_month", "again"))
        found = made.execute(f"SELECT id, {asked} FROM loads ORDER BY id").fetchall()
        told = "SELECT shipment_id, seq, kind, booked_month, kg FROM event ORDER BY rowid"
        events = made.execute(told).fetchall()
    keys = keys_of(months).tolist()
    assert events == [
        event
        for key, there in zip(keys, arrived.tolist(), strict=True)
        for event in ((key, 1, 0, 202603, there + 7), *([(key, 2, 1, there, 1)] if there else []))
    ]
    assert [row[0] for row in found] == keys
    expected = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in header.items()
    }
    spread = [value if isinstance(value, list) else [value] * rows for value in expected.values()]
    for place, row in enumerate(found):
        given_row = [column[place] for column in spread]
        assert list(row[1:]) == [*given_row, 202603, given_row[1]]
