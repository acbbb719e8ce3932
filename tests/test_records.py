"""The fold of a load's events: step by step, in any order of arrival, illegal events refused."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    A,
    B,
    Load,
    entry,
    families,
    load,
    moment,
)
from wasteflow.core.errors import RuleBroken
from wasteflow.core.records import Event, EventKind, LoadHeader, LoadStatus, apply_event, fold
from wasteflow.core.vocabulary import Evidence, LoadState

DISPATCHED, DECIDED, LOST, REVERSED = tuple(EventKind)[:4]
OF_FILES = (DISPATCHED, DECIDED, LOST, REVERSED)


def _event(seq: int, kind: EventKind, kg: int = 10) -> Event:
    return Event(seq, kind, moment(f"2024-03-{seq:02d}"), kg, kg, 0)


LEGAL = {
    (),
    (DISPATCHED,),
    (DISPATCHED, DECIDED),
    (DISPATCHED, LOST),
    (DISPATCHED, REVERSED),
    (DISPATCHED, DECIDED, REVERSED),
    (DISPATCHED, LOST, REVERSED),
}
"""Every order of events a load may have."""


def test_only_the_legal_orders_of_events_fold() -> None:
    """Law: of all orders of up to four events of a file exactly the legal ones are taken."""
    for kinds in (kinds for count in range(5) for kinds in product(OF_FILES, repeat=count)):
        events = [_event(seq, kind) for seq, kind in enumerate(kinds, 1)]
        if kinds in LEGAL:
            assert fold(events).reversed_ == (REVERSED in kinds)
            continue
        with pytest.raises(RuleBroken) as caught:
            fold(events)
        assert caught.value.code == "illegal_event"


@settings(max_examples=28)
@given(families(), st.randoms(use_true_random=False))
def test_fold_is_step_by_step_and_blind_to_the_order_of_arrival(
    family: list[Load], random: Random
) -> None:
    """Law: fold = one event after the other by `seq`, in whatever order they arrive."""
    for item in family:
        status = LoadStatus()
        for event in item.events:
            status = apply_event(status, event)
        shuffled = list(item.events)
        random.shuffle(shuffled)
        assert fold(shuffled) == fold(iter(item.events)) == status


@settings(max_examples=28)
@given(families())
def test_a_fold_keeps_what_the_events_said(family: list[Load]) -> None:
    """Law: weights and months of the status are those of the events; parts add up."""
    for item in family:
        status, by_kind = item.status, {event.kind: event for event in item.events}
        assert status.dispatched_kg == by_kind[DISPATCHED].kg
        assert status.dispatched_month == by_kind[DISPATCHED].month
        assert status.received_kg == status.accepted_kg + status.refused_kg
        assert bool(status.received_month) == (DECIDED in by_kind)
        assert bool(status.lost_month) == (LOST in by_kind)
        assert not (status.received_month and status.lost_month)
        assert status.reversed_ == (REVERSED in by_kind)


@pytest.mark.parametrize(
    ("accepted", "refused", "state"),
    [
        (10, 0, LoadState.ACCEPTED),
        (6, 4, LoadState.PARTLY_ACCEPTED),
        (0, 10, LoadState.REFUSED),
        (0, 0, LoadState.ACCEPTED),
    ],
)
def test_the_state_follows_from_the_two_parts(accepted: int, refused: int, state: str) -> None:
    assert load().decided("2024-03-06", accepted, refused).status.state == state


def test_states_on_the_way() -> None:
    assert fold([]).state is LoadState.DRAFT
    assert load().status.state is LoadState.IN_TRANSIT
    assert load().lost("2024-03-09").status.state is LoadState.LOST


@pytest.mark.parametrize(("received", "accepted", "refused"), [(10, 6, 3), (10, 10, 1), (0, 1, 0)])
def test_parts_that_do_not_add_up_are_refused(received: int, accepted: int, refused: int) -> None:
    event = Event(2, DECIDED, moment("2024-03-06"), received, accepted, refused)
    with pytest.raises(RuleBroken) as caught:
        apply_event(load().status, event)
    assert caught.value.code == "received_is_not_sum"


def test_nothing_follows_a_reversal() -> None:
    """Law: a reversed load takes no event, and says that it is reversed."""
    gone = load().reversed().status
    for kind in EventKind:
        with pytest.raises(RuleBroken) as caught:
            apply_event(gone, _event(9, kind))
        assert caught.value.params["state"] == "reversed"


def test_a_reversal_keeps_the_weights_for_the_record() -> None:
    item = load().decided("2024-03-06", 29_000, 1_000)
    status = item.reversed().status
    assert (status.state, status.accepted_kg) == (LoadState.PARTLY_ACCEPTED, 29_000)


def test_the_evidence_is_that_of_the_last_word() -> None:
    sent = load(evidence=Evidence.ESTIMATED)
    seen = Event(2, DECIDED, moment("2024-03-06"), 5, 5, 0, Evidence.DISPUTED)
    assert sent.status.evidence is Evidence.ESTIMATED
    assert apply_event(sent.status, seen).evidence is Evidence.DISPUTED


def test_months_of_events_are_those_of_shanghai() -> None:
    """Law: 17:00 UTC on 31 March is April in the books."""
    late = load(sent="2024-03-31T17:00:00+00:00").decided("2024-04-30T16:00:00+00:00", 30_000)
    assert (late.status.dispatched_month, late.status.received_month) == (202404, 202405)
    assert entry("generation", 5, "2024-03-31").month == 202403


def test_the_holder_is_the_consignor_unless_a_parent_says_otherwise() -> None:
    assert LoadHeader("L", A, B, "m", "r").holder == A
    child = load().decided("2024-03-06", 0, 30_000).redirected("ent.c", 30_000, "2024-03-07")
    assert (child.header.holder, child.header.consignor) == (A, B)
    grandchild = child.decided("2024-03-08", 0, 30_000).redirected("ent.d", 1, "2024-03-09")
    assert (grandchild.header.holder, grandchild.header.parent_consignee) == (A, "ent.c")
