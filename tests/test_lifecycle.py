"""The pure part of live loads: ids, the table of moves against fold and permissions, signatures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import moment
from wasteflow.core.errors import RuleBroken
from wasteflow.core.ids import LoadRef, load_of_uid, load_uid
from wasteflow.core.lifecycle import RULES, Flags, IllegalMove, Move, legal_moves, rule_for
from wasteflow.core.messages import CHINESE_WORDS
from wasteflow.core.permissions import TABLE, Standing
from wasteflow.core.records import (
    DISPATCHES,
    RECEIPTS,
    Event,
    EventKind,
    LoadStatus,
    apply_event,
    fold,
)
from wasteflow.core.revisions import REVISABLE, SIGNED_FIELDS, touched
from wasteflow.core.signatures import Signature, grade, signers
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.schemas.dictionary import columns_of
from wasteflow_models.words import EVENT_KINDS

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
keys = st.builds(
    lambda month, number: month * 100_000_000 + number,
    st.sampled_from([199001, 202611, 210012]),
    st.integers(1, 99_999_999),
)

# --- ids ---------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(keys, st.integers(0, 1023), st.integers(0, 2**31))
def test_an_id_leads_back_and_is_a_uuid_of_its_moment(key: int, number: int, second: int) -> None:
    """Law: load_of_uid(load_uid(x)) = x, version 7, the moment in front."""
    at = datetime.fromtimestamp(second, UTC)
    uid = load_uid(key, at, number)
    assert (uid.version, uid.variant) == (7, "specified in RFC 4122")
    assert uid.int >> 80 == second * 1000
    assert load_of_uid(uid) == LoadRef(key, number, at)


@settings(max_examples=60)
@given(keys, st.integers(0, 121))
def test_an_id_with_a_flipped_bit_is_nobodys(key: int, bit: int) -> None:
    """Law: a changed id is none, or that of another load and moment."""
    uid = load_uid(key, AT)
    found = load_of_uid(UUID(int=uid.int ^ (1 << bit)))
    assert found is None or found != LoadRef(key, 0, AT)


def test_neighbours_have_nothing_in_common() -> None:
    one, two = load_uid(20261100000001, AT), load_uid(20261100000002, AT)
    low = (1 << 62) - 1
    assert bin((one.int ^ two.int) & low).count("1") > 10
    later = load_uid(20261100000001, AT + timedelta(seconds=1))
    assert one < later and (one.int ^ later.int) & low


def test_what_fits_no_id_is_refused() -> None:
    for key, number in ((0, 0), (1 << 45, 0), (5, 1024)):
        with pytest.raises(ValueError, match="no id"):
            load_uid(key, AT, number)
    assert load_of_uid(UUID("00000000-0000-4000-8000-000000000000")) is None


# --- the table -----------------------------------------------------------------------------------


def test_every_rule_names_a_right_and_somebody_who_has_it() -> None:
    for rule in RULES:
        assert rule.right in TABLE and rule.who, rule.move
        assert rule.sides <= frozenset(Standing)
        assert rule.move.value in CHINESE_WORDS["move"]
    assert {rule.move for rule in RULES} == set(Move)
    assert set(CHINESE_WORDS["event"]) == {kind.value for kind in EventKind}


def test_no_state_has_two_open_rules_of_a_move() -> None:
    """Law: state and flags leave at most one rule per move."""
    for state in LoadState:
        for continuous in (False, True):
            moves = [rule.move for rule in legal_moves(state, Flags(continuous=continuous))]
            assert len(moves) == len(set(moves)), (state, moves)


def _status(state: LoadState) -> LoadStatus:
    grade_ = Evidence.DISPUTED if state in _DECIDED else Evidence.BOTH
    return LoadStatus(state, dispatched_month=202611, dispatched_kg=10, evidence=grade_)


_DECIDED = (LoadState.ACCEPTED, LoadState.PARTLY_ACCEPTED, LoadState.REFUSED)


def test_the_fold_takes_what_the_table_allows() -> None:
    """Law: where a rule is open its event folds, and into a state the rule names."""
    for rule in RULES:
        for state in rule.sources:
            if rule.event is None:
                continue
            if rule.event is EventKind.CLOSED_ONE_SIDED and state in _BEFORE_ROAD:
                continue  # its dispatch is recorded first
            masses = (10, 6, 4) if rule.event in {*RECEIPTS, EventKind.SETTLED} else (10, 0, 0)
            after = apply_event(_status(state), Event(9, rule.event, AT, *masses))
            assert not rule.targets or after.state in {*rule.targets, LoadState.PARTLY_ACCEPTED}


_BEFORE_ROAD = (LoadState.DRAFT, LoadState.ISSUED)


def test_an_unknown_move_is_told_what_is_open() -> None:
    with pytest.raises(IllegalMove) as caught:
        rule_for(Move.DECIDE, LoadState.ISSUED, Flags())
    assert isinstance(caught.value, RuleBroken)
    assert {item["move"] for item in caught.value.moves()} == {
        "dispatch", "cancel", "remind", "close_one_sided",
    }  # fmt: skip


# --- the fold of live events ---------------------------------------------------------------------


def _event(
    seq: int, kind: EventKind, day: int, kg: int = 0, yes: int = 0, no: int = 0, evidence: int = 0
) -> Event:
    return Event(seq, kind, moment(f"2026-03-{day:02d}"), kg, yes, no, Evidence(evidence))


def test_a_live_load_folds_step_by_step() -> None:
    issued = _event(1, EventKind.ISSUED, 1, 30)
    sent = _event(2, EventKind.DISPATCHED, 2, 29)
    arrived = _event(3, EventKind.RECEIVED, 3, 28)
    decided = _event(4, EventKind.DECIDED, 3, 28, 20, 8, evidence=4)
    settled = _event(5, EventKind.SETTLED, 20, 27, 19, 8)
    status = fold([issued])
    assert (status.state, status.dispatched_month) == (LoadState.ISSUED, 0)
    status = fold([issued, sent, arrived])
    assert (status.state, status.received_kg, status.received_month) == (LoadState.RECEIVED, 28, 0)
    status = fold([issued, sent, arrived, decided])
    assert status.disputed and status.state is LoadState.PARTLY_ACCEPTED
    done = fold([issued, sent, arrived, decided, settled])
    assert (done.accepted_kg, done.received_at) == (19, decided.at)
    assert (done.received_month, done.evidence) == (202603, Evidence.BOTH)
    with pytest.raises(RuleBroken):
        apply_event(done, _event(6, EventKind.SETTLED, 21, 27, 19, 8))


def test_a_cancelled_load_has_no_months_left() -> None:
    status = fold([_event(1, EventKind.ISSUED, 1, 9), _event(2, EventKind.DISPATCHED, 2, 9)])
    gone = apply_event(status, _event(3, EventKind.CANCELLED, 4))
    assert (gone.state, gone.dispatched_month, gone.dispatched_kg) == (LoadState.CANCELLED, 0, 0)


def test_events_are_numbered_by_their_place_for_ever() -> None:
    """Law: the words of the tables only grow at the end."""
    assert EVENT_KINDS[:20] == (
        "dispatched", "decided", "lost", "reversed", "issued", "handed_over", "received",
        "cancelled", "acknowledged", "contested", "settled", "closed_one_sided", "confirmed",
        "revised", "receipt_revised", "reminded", "revision_proposed", "revision_approved",
        "revision_refused", "revision_withdrawn",
    )  # fmt: skip
    assert not DISPATCHES & RECEIPTS


# --- signatures and revisions ------------------------------------------------------------------


def test_grades_by_signature() -> None:
    ends = {"a", "b"}
    plain = {"outside": False, "imported": False, "estimated": False}
    assert grade({"a", "b"}, ends, **plain) is Evidence.BOTH
    assert grade({"a"}, ends, **plain) is Evidence.ONE_SIDED
    assert grade({"a", "b"}, ends, **(plain | {"outside": True})) is Evidence.ONE_SIDED
    assert grade({"a"}, ends, **(plain | {"imported": True})) is Evidence.IMPORTED
    assert grade({"a", "b"}, ends, **(plain | {"estimated": True})) is Evidence.ESTIMATED


def test_a_revision_starts_the_signatures_anew() -> None:
    signed = [Signature(EventKind.ISSUED, "a"), Signature(EventKind.DECIDED, "b")]
    alone = Signature(EventKind.REVISED, "a", frozenset({"a"}))
    assert signers([*signed, alone]) == {"a"}
    assert signers([*signed, alone, Signature(EventKind.CONFIRMED, "b")]) == {"a", "b"}
    assert signers([*signed, Signature(EventKind.DETAILS_REVISED, "a")]) == {"a", "b"}
    assert signers([Signature(EventKind.DISPATCHED, "")]) == frozenset()


def test_whom_a_revision_touches() -> None:
    def asked(fields: list[str], by: str = "a", bound: str = "ab", **more: bool) -> str:
        found = touched(fields, by=by, consignor="a", consignee="b", bound=set(bound), **more)
        return "".join(sorted(found))

    assert asked(["dispatched_t"]) == "b" and asked(["dispatched_t"], by="b") == "a"
    assert asked(["vehicle"]) == "" and asked(["vehicle"], by="b") == "a"
    assert asked(["ticket_no"]) == "b" and asked(["remark"]) == ""
    assert asked(["route"], bound="a") == ""
    assert asked([], annuls=True) == "b"
    assert set(SIGNED_FIELDS) <= set(REVISABLE)
    fixed = {"doc_no", "consignor", "consignee", "kind", "parent_doc_no", "evidence"}
    assert set(REVISABLE) | fixed == {column.name for column in columns_of("shipments")}
