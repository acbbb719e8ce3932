"""Booked months as pure rules: first open month, late parts, changes of a load, bulk = single."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.booking import (
    Change,
    booked_months,
    change_of,
    first_open,
    floor_of,
    late_loads,
    late_part,
    load_changes,
    merge_late,
    not_before,
)
from wasteflow.core.periods import SHANGHAI, next_month
from wasteflow.core.postings_bulk import (
    BulkRollup,
    LoadColumns,
    bulk_load_postings,
    columns_from_rows,
    merge,
)
from wasteflow.core.records import Event, EventKind, LoadHeader, LoadStatus, fold
from wasteflow.core.vocabulary import Evidence

MONTHS = st.integers(0, 30).map(lambda steps: next_month(202511, steps))
THROUGH = st.one_of(st.just(0), MONTHS)
HEADER = LoadHeader("D", "a", "b", "pg", "use")


def event(seq: int, kind: EventKind, day: str, kg: int = 0, **more: object) -> Event:
    """An event at noon of a day."""
    at = datetime.fromisoformat(day).replace(hour=12, tzinfo=SHANGHAI)
    return Event(seq, kind, at, kg, **more)  # type: ignore[arg-type]


SENT = event(1, EventKind.DISPATCHED, "2026-01-20", 30)
GOT = event(2, EventKind.DECIDED, "2026-03-02", 30, accepted_kg=30)
DISPUTED = event(2, EventKind.DECIDED, "2026-03-02", 30, accepted_kg=30, evidence=Evidence.DISPUTED)
GONE = event(3, EventKind.REVERSED, "2026-06-01")


@given(MONTHS, st.lists(THROUGH, max_size=4))
def test_the_first_open_month_is_after_every_closed_one(month: int, through: list[int]) -> None:
    found = first_open(month, through)
    assert found >= month and all(found > last for last in through)
    assert found == month or any(next_month(last) == found for last in through)
    columns = np.array([month, 0]), np.full(2, max(through, default=0))
    assert booked_months(*columns).tolist() == [found, 0]


def test_what_each_event_of_a_load_changes() -> None:
    changes = list(load_changes(HEADER, [(SENT, 202601), (GOT, 202603), (GONE, 202602)]))
    assert [change.floor for change in changes] == [202601, 202603, 202601]
    assert [change.is_late for change in changes] == [False, False, True]
    assert not_before(changes) == 202602
    total: dict[object, int] = {}
    for change in changes:
        for key, (kg, _) in change.rollup.items():
            total[key] = total.get(key, 0) + kg
    assert set(total.values()) == {0}


def test_a_decision_that_changes_the_evidence_changes_the_month_of_dispatch() -> None:
    (_, change) = load_changes(HEADER, [(SENT, 202601), (DISPUTED, 202601)])
    assert change.floor == 202601
    assert sorted(key.month for key in change.rollup) == [202601, 202601, 202603]
    before, after = fold([SENT]), fold([SENT, DISPUTED])
    assert change.rollup == change_of(HEADER, before, after)
    assert floor_of(change_of(HEADER, LoadStatus(), before)) == 202601
    assert Change(202605, {}).floor == 0 and not Change(202605, {}).is_late


LOAD = st.tuples(
    MONTHS, st.integers(0, 3), st.integers(1, 9), st.integers(0, 9), st.booleans(), THROUGH
)


@given(st.lists(LOAD, max_size=12))
def test_late_loads_are_the_late_parts_of_each(
    rows: list[tuple[int, int, int, int, bool, int]],
) -> None:
    facts, through = [], np.array([row[-1] for row in rows], np.int64)
    for number, (month, steps, sent, got, decided, _) in enumerate(rows):
        received = next_month(month, steps) if decided else 0
        ends: tuple[int, ...] = (number % 3 + 1, number % 3 + 1, 4, 0, 0, 0, 0, 1, 1, 2, 1)
        facts.append((*ends, month, sent, received, got * decided, got * decided, 0, 0))
    loads = columns_from_rows(LoadColumns, facts)
    assert isinstance(loads, LoadColumns)
    one_by_one = []
    for fact, last in zip(facts, through.tolist(), strict=True):
        alone = columns_from_rows(LoadColumns, [fact])
        assert isinstance(alone, LoadColumns)
        if last:
            one_by_one.append(late_part(bulk_load_postings(alone), next_month(last)))
    ours, theirs = merge_late([late_loads(loads, through)]), merge_late(one_by_one)
    assert _plain(ours) == _plain(theirs)


def _plain(late: dict[int, BulkRollup]) -> dict[int, list[list[int]]]:
    return {
        month: np.column_stack([part.keys, part.kg, part.n]).tolist()
        for month, part in late.items()
        if len(part.kg)
    }


def test_what_is_booked_in_its_own_month_is_not_late() -> None:
    keys = np.array([[202601, 1, 2, 0, 3, 2, 4, 5, 6, 2], [202603, 1, 2, 0, 3, 2, 4, 5, 6, 2]])
    rollup = BulkRollup(keys, np.array([5, 7]), np.array([1, 1]))
    assert late_part(rollup, 202601) == {}
    ((month, part),) = late_part(rollup, 202603).items()
    assert (month, part.keys.tolist(), part.kg.tolist()) == (202603, [keys[0].tolist()], [5])
    assert merge_late([]) == {} and len(merge([]).kg) == 0


def test_events_that_do_not_fold_are_refused() -> None:
    with pytest.raises(Exception, match="reversed"):
        list(load_changes(HEADER, [(GONE, 202601)]))
