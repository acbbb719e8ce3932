"""Every move in every state: the table of the life cycle is what the services do, and no more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.store.books import Books, entry
from tests.store.live import (
    BOARD,
    CEMENT,
    CEMENT_GATE,
    DELEGATE,
    HAULIER,
    MAKER,
    MAKER_GATE,
    NEXT_HAULIER,
    PARK,
    READER,
    TRADER,
    Gate,
)
from wasteflow.core.actors import Actor
from wasteflow.core.errors import RuleBroken, StaleVersion, WasteflowError
from wasteflow.core.lifecycle import RULES, Flags, IllegalMove, Move, legal_moves
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.vocabulary import LoadState
from wasteflow_models.live import ChangeRow

MOVES: dict[str, tuple[Actor, dict[str, Any]]] = {
    "edit": (MAKER, {"remark": "x"}),
    "issue": (MAKER, {}),
    "dispatch": (MAKER, {}),
    "hand_over": (HAULIER, {"carrier": "慢运"}),
    "receive": (CEMENT, {"received_t": "30.000"}),
    "decide": (CEMENT, {"received_t": "30.000"}),
    "cancel": (MAKER, {"reason": "改期", "carrier_statement": "快运同意"}),
    "lost": (MAKER, {"reason": "翻车", "carrier_statement": "快运同意"}),
    "acknowledge": (MAKER, {}),
    "contest": (MAKER, {"reason": "秤不准"}),
    "settle": (PARK, {"agreed_t": "28.000", "reason": "复磅"}),
    "remind": (MAKER, {}),
    "close_one_sided": (MAKER, {"document": "签收单 7"}),
    "confirm": (CEMENT, {}),
}
"""Move → who makes it in this test, and its fields."""
OUTCOMES = {
    ("draft", "edit"): "draft",
    ("draft", "issue"): "issued",
    ("issued", "dispatch"): "in_transit",
    ("issued", "cancel"): "cancelled",
    ("in_transit", "hand_over"): "in_transit",
    ("in_transit", "receive"): "received",
    ("in_transit", "decide"): "accepted",
    ("in_transit", "cancel"): "cancelled",
    ("in_transit", "lost"): "lost",
    ("in_transit", "remind"): "in_transit",
    ("received", "decide"): "accepted",
    ("received", "remind"): "received",
    ("disputed", "acknowledge"): "accepted",
    ("disputed", "contest"): "accepted",
}
"""What the moves of `MOVES` come to in each state; every other pair is refused."""
STATES = (
    "draft", "issued", "in_transit", "received", "accepted", "partly_accepted", "refused",
    "disputed", "cancelled", "lost", "reversed",
)  # fmt: skip
NOT_YET = {
    ("draft", "remind"): "nothing_due",
    ("issued", "remind"): "nothing_due",
    ("draft", "close_one_sided"): "not_ones_right",
    ("issued", "close_one_sided"): "not_ones_right",
    ("in_transit", "close_one_sided"): "remind_first",
    ("received", "close_one_sided"): "remind_first",
    ("accepted", "remind"): "nothing_due",
    ("partly_accepted", "remind"): "nothing_due",
    ("refused", "remind"): "nothing_due",
    ("disputed", "remind"): "nothing_due",
    ("disputed", "settle"): "wait_before_settling",
    **{
        ("draft", move): "not_ones_business"
        for move in ("hand_over", "receive", "decide", "settle", "confirm")
    },
}
"""Moves that the state allows and a guard stops."""


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def load_in(gate: Gate, state: str) -> UUID:
    """A load in a state."""
    if state in ("draft", "issued"):
        return gate.draft() if state == "draft" else gate.issued()
    if state in ("in_transit", "received"):
        uid = gate.on_road()
        if state == "received":
            gate.act("receive", CEMENT_GATE, uid, received_t="30.000")
        return uid
    if state == "cancelled":
        uid = gate.issued()
        gate.act("cancel", MAKER, uid, reason="改期")
        return uid
    if state == "lost":
        uid = gate.on_road()
        gate.act("lost", PARK, uid, reason="翻车")
        return uid
    refused = {"partly_accepted": "4.000", "refused": "30.000"}.get(state, "0.000")
    uid = gate.decided("25.000" if state == "disputed" else "30.000", refused)
    if state == "reversed":
        gate.answer("approve", CEMENT, gate.revise(MAKER, uid, annul=True))
    return uid


def test_every_move_in_every_state(gate: Gate) -> None:
    """Law: a move is taken where the table says so; a refused one leaves everything as it was."""
    for state in STATES:
        try_all(gate, state)
    gate.books.check()


def try_all(gate: Gate, state: str) -> None:
    """Every move in one state."""
    uid = load_in(gate, state)
    for move, (actor, told) in MOVES.items():
        before = gate.see(uid)
        if (state, move) in OUTCOMES:
            continue
        expected = NOT_YET.get((state, move), "illegal_move")
        with pytest.raises(WasteflowError) as caught:
            gate.act(move, actor, uid, **told)
        assert caught.value.code == expected, (state, move)
        assert gate.see(uid) == before
    for move, (actor, told) in MOVES.items():
        if (state, move) in OUTCOMES:
            fresh = load_in(gate, state)
            version = gate.see(fresh)["version"]
            with pytest.raises(StaleVersion):
                gate.act(move, actor, fresh, version + 1, **told)
            done = gate.act(move, actor, fresh, version, **told)
            assert done.load["state"] == OUTCOMES[state, move], (state, move)
            assert done.load["version"] > version


def test_the_table_is_the_contracts() -> None:
    """Law: the states a move leads from and to, by 4-contract 4.1 and issue 5."""
    found: dict[str, set[tuple[str, str]]] = {}
    for rule in RULES:
        pairs = found.setdefault(rule.move.value, set())
        pairs |= {(source.value, goal.value) for source in rule.sources for goal in rule.targets}
    assert found["issue"] == {("draft", "issued")}
    assert found["dispatch"] == {("issued", "in_transit")}
    assert found["hand_over"] == {("in_transit", "in_transit")}
    assert found["receive"] == {("in_transit", "received")}
    decided = ("accepted", "partly_accepted", "refused")
    assert found["decide"] == {(s, t) for s in ("in_transit", "received") for t in decided}
    assert found["cancel"] == {("issued", "cancelled"), ("in_transit", "cancelled")}
    assert found["lost"] == {("in_transit", "lost")}


def test_an_illegal_move_tells_what_is_open_and_for_whom(gate: Gate) -> None:
    uid = gate.on_road()
    with pytest.raises(IllegalMove) as caught:
        gate.act("issue", MAKER, uid)
    assert "decide (consignee)" in str(caught.value)
    assert "验收（收货单位）" in caught.value.text("zh")
    assert {"move": "decide", "who": ["consignee"]} in caught.value.moves()


WRONG = [
    ("issued", "dispatch", CEMENT),
    ("issued", "dispatch", READER),
    ("issued", "cancel", CEMENT),
    ("in_transit", "receive", MAKER),
    ("in_transit", "decide", MAKER),
    ("in_transit", "decide", CEMENT_GATE),
    ("in_transit", "decide", PARK),
    ("in_transit", "lost", CEMENT),
    ("disputed", "acknowledge", CEMENT),
    ("disputed", "contest", PARK),
    ("disputed", "settle", CEMENT),
]


def test_who_may_not(gate: Gate) -> None:
    """Law: a right of one side is no right of the other, and a park manager signs for no firm."""
    loads = {state: load_in(gate, state) for state in {state for state, _, _ in WRONG}}
    for state, move, actor in WRONG:
        before = gate.see(loads[state])
        with pytest.raises(Denied) as caught:
            gate.act(move, actor, loads[state], **MOVES[move][1])
        assert caught.value.verdict is Verdict.NOT_ONES_RIGHT, (state, move, actor)
        assert gate.see(loads[state]) == before


def test_whose_business_it_is_not(gate: Gate) -> None:
    """Law: to others a load does not exist, whatever they try; nobody is asked to sign in."""
    uid = gate.decided()
    for actor in (TRADER, BOARD, NEXT_HAULIER, None):
        shut_out(gate, uid, actor)


def shut_out(gate: Gate, uid: UUID, actor: Actor | None) -> None:
    """Every move of somebody the load is no business of."""
    verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
    for move, (_, told) in MOVES.items():
        with pytest.raises(Denied) as caught:
            gate.act(move, actor, uid, **(told | ({"carrier": "x"} if move == "hand_over" else {})))
        assert caught.value.verdict is verdict
    with pytest.raises(Denied):
        gate.see(uid, actor)
    wrong = UUID(int=uid.int ^ 1)
    with pytest.raises(Denied):
        gate.see(wrong, MAKER)


def test_gate_carrier_and_delegate_do_their_part(gate: Gate) -> None:
    uid = gate.draft(DELEGATE)
    gate.act("issue", DELEGATE, uid)
    gate.act("dispatch", HAULIER, uid, dispatched_t="29.000")
    gate.act("hand_over", NEXT_HAULIER, uid, carrier="慢运", vehicle="云B·1")
    assert gate.see(uid, NEXT_HAULIER)["carrier"] == "慢运"
    gate.act("receive", CEMENT_GATE, uid, received_t="29.000", ticket_no="T-1")
    done = gate.act("decide", CEMENT, uid).load
    assert (done["state"], done["evidence"], done["vehicle"]) == ("accepted", "both", "云B·1")
    from wasteflow.services.live.reading import get_events

    by = {row["event"]: row["by"] for row in get_events(db=gate.books.db, actor=MAKER, uid=uid)}
    assert by["issued"]["on_behalf_of"] == "maker" and by["issued"]["organisation"] == "trader"
    assert by["dispatched"]["side"] is None and by["dispatched"]["organisation"] == "快运"
    assert by["received"]["user_id"] == CEMENT_GATE.user_id
    gate.books.check()


def test_who_handed_a_load_over_still_reads_it_and_acts_no_more(gate: Gate) -> None:
    from wasteflow.services.live.listing import list_loads
    from wasteflow.services.live.reading import get_events

    uid, other = gate.on_road(), gate.on_road(carrier="慢运", remark='"from": "快运"')
    gate.act("hand_over", HAULIER, uid, carrier="慢运")
    seen = gate.see(uid, HAULIER)
    assert (seen["carrier"], seen["moves"]) == ("慢运", [])
    assert [row["event"] for row in get_events(db=gate.books.db, actor=HAULIER, uid=uid)] == [
        "issued", "dispatched", "handed_over",
    ]  # fmt: skip
    listed = list_loads(db=gate.books.db, actor=HAULIER)["items"]
    assert [item["id"] for item in listed] == [str(uid)]
    with pytest.raises(Denied) as caught:
        gate.act("hand_over", HAULIER, uid, carrier="别家")
    assert caught.value.verdict is Verdict.NOT_ONES_RIGHT
    gate.act("hand_over", MAKER_GATE, uid, carrier="再运")
    assert gate.see(uid, NEXT_HAULIER)["carrier"] == "再运"
    listed = list_loads(db=gate.books.db, actor=HAULIER)["items"]
    assert [item["id"] for item in listed] == [str(uid)]
    gate.act("hand_over", MAKER_GATE, uid, carrier="快运")
    gate.act("hand_over", HAULIER, uid, carrier="慢运")  # a second time
    gate.books.check()
    with pytest.raises(Denied) as caught:
        gate.see(other, HAULIER)
    assert caught.value.verdict is Verdict.NOT_ONES_BUSINESS
    with gate.books.db.read() as session:
        last = session.scalars(
            sa.select(ChangeRow.organisations).order_by(ChangeRow.id.desc()).limit(1)
        ).one()
    assert last == ";cement;maker;carrier:再运;carrier:快运;carrier:慢运;"


def test_flags_close_and_open_moves() -> None:
    def names(state: LoadState, flags: Flags) -> set[str]:
        return {rule.move.value for rule in legal_moves(state, flags)}

    assert Move.ACKNOWLEDGE.value not in names(LoadState.ACCEPTED, Flags())
    assert Move.SETTLE.value in names(LoadState.REFUSED, Flags(disputed=True))
    assert Move.REVISE.value not in names(LoadState.ACCEPTED, Flags(pending=True))
    assert {"approve", "refuse", "withdraw"} <= names(LoadState.ACCEPTED, Flags(pending=True))
    assert not legal_moves(LoadState.ACCEPTED, Flags(reversed_=True))
    assert "confirm" not in names(LoadState.ACCEPTED, Flags(unsigned=True, outside=True))


def test_a_guard_speaks_of_time(gate: Gate) -> None:
    uid = load_in(gate, "disputed")
    gate.later(days=14)
    with pytest.raises(RuleBroken, match="15 days"):
        gate.act("settle", PARK, uid, agreed_t="28.000", reason="复磅")
    gate.later(days=2)
    done = gate.act("settle", PARK, uid, agreed_t="28.000", reason="复磅").load
    assert (done["accepted_t"], done["disputed"], done["evidence"]) == ("28.000", False, "both")
    assert gate.events(uid)[-1] == "settled"
    gate.books.check()
