"""Offers: the state table move by move, and laws on random sequences."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from wasteflow.core.errors import InvalidValue, RuleBroken
from wasteflow.core.symbiosis.offers import (
    ALIVE,
    Offer,
    OfferKind,
    OfferMove,
    OfferState,
    Side,
    asked_sides,
    by_the_books,
    heard_from,
    moved,
    moves_for,
    new_offer,
    settled,
)

TODAY = date(2026, 7, 1)
PLAIN = Offer(OfferKind.OFFER, "phosphogypsum", 1000, TODAY, date(2026, 9, 30), giver="ent.a")
ASK = replace(PLAIN, kind=OfferKind.ASK, giver="", taker="ent.b")
BOTH = replace(PLAIN, kind=OfferKind.PROPOSAL, taker="ent.b")
G, T, M, F = Side.GIVER, Side.TAKER, Side.MANAGER, Side.FITTING


def begun(offer: Offer) -> Offer:
    return new_offer(offer, TODAY)


def test_a_proposal_is_agreed_by_each_side_and_realised_by_its_first_load() -> None:
    offer = begun(BOTH)
    assert offer.state is OfferState.PROPOSED and asked_sides(offer) == (G, T)
    one = moved(offer, OfferMove.ACCEPT, {T})
    assert one.state is OfferState.PROPOSED and asked_sides(one) == (G,)
    assert OfferMove.ACCEPT not in moves_for(one, {T}), "nobody accepts twice"
    talks = moved(one, OfferMove.ACCEPT, {G})
    assert talks.state is OfferState.TALKS and by_the_books(talks, TODAY, loaded=False) is None
    move = by_the_books(talks, date(2027, 1, 1), loaded=True)
    assert move is OfferMove.REALISE, "a load counts before the day"
    assert settled(talks, move).state is OfferState.REALISED


def test_who_answers_an_offer_agrees_and_is_answered_by_who_made_it() -> None:
    offer = begun(PLAIN)
    assert (offer.state, offer.giver_ok) == (OfferState.OPEN, True)
    answered = moved(offer, OfferMove.RESPOND, {F}, "ent.b")
    assert asked_sides(answered) == (G,) and answered.taker == "ent.b"
    assert moved(answered, OfferMove.DECLINE, {G}) == offer, "it stands again as it began"
    talks = moved(answered, OfferMove.ACCEPT, {G})
    assert moved(talks, OfferMove.DECLINE, {T}) == offer
    asked = moved(begun(ASK), OfferMove.PROPOSE, {M}, "ent.a")
    assert asked_sides(asked) == (G,) and asked.taker_ok
    assert moved(begun(BOTH), OfferMove.DECLINE, {T}).state is OfferState.DECLINED


def test_only_who_began_takes_back_and_nobody_accepts_for_another() -> None:
    for offer, author in ((begun(PLAIN), G), (begun(ASK), T), (begun(BOTH), M)):
        for side in Side:
            may = OfferMove.WITHDRAW in moves_for(offer, {side})
            assert may is (side is author), (offer.kind, side)
    proposed = begun(BOTH)
    for side in (M, F):
        with pytest.raises(RuleBroken, match=r"yes|accept|cannot|offer_move_illegal|done"):
            moved(proposed, OfferMove.ACCEPT, {side})
    assert moves_for(begun(PLAIN), {F}) == (OfferMove.RESPOND,)
    assert moves_for(begun(PLAIN), set()) == ()


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (replace(PLAIN, kg=0), "offer_mass"),
        (replace(PLAIN, last=date(2026, 6, 30)), "offer_days"),
        (replace(PLAIN, first=date(2026, 10, 1)), "offer_days"),
        (replace(PLAIN, quality="x" * 1001), "offer_words"),
        (replace(PLAIN, taker="ent.b"), "offer_firms"),
        (replace(ASK, taker=""), "offer_firms"),
        (replace(BOTH, taker="ent.a"), "offer_firms"),
    ],
)
def test_what_does_not_fit_is_refused(offer: Offer, code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        begun(offer)
    assert caught.value.code == code and caught.value.text("en") != code


def test_partners_are_two_firms() -> None:
    for partner in ("", "ent.a"):
        with pytest.raises(InvalidValue):
            moved(begun(PLAIN), OfferMove.RESPOND, {F}, partner)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([PLAIN, ASK, BOTH]),
    st.lists(st.tuples(st.sampled_from(list(OfferMove)), st.sampled_from(list(Side))), max_size=12),
)
def test_a_finished_one_stays_finished_and_talks_need_both(
    start: Offer, steps: list[tuple[OfferMove, Side]]
) -> None:
    offer = begun(start)
    for move, side in steps:
        partner = "ent.b" if offer.kind is OfferKind.OFFER else "ent.a"
        if move not in moves_for(offer, {side}):
            with pytest.raises(RuleBroken):
                moved(offer, move, {side}, partner)
            continue
        after = moved(offer, move, {side}, partner)
        if offer.state not in ALIVE:
            assert after == offer
        offer = after
        both = offer.giver_ok and offer.taker_ok
        assert (offer.state is OfferState.TALKS) <= both
        assert (offer.state is OfferState.OPEN) <= (not (offer.giver and offer.taker))
        assert offer.material == start.material and offer.kg == start.kg
    late = by_the_books(offer, date(2027, 1, 1), loaded=False)
    assert (late is OfferMove.LAPSE) is (offer.state in ALIVE)


def test_only_a_pair_that_agreed_is_realised_by_a_load() -> None:
    proposed = replace(PLAIN, taker="ent.b", state=OfferState.PROPOSED)
    assert by_the_books(proposed, TODAY, loaded=True) is None
    talks = replace(proposed, state=OfferState.TALKS)
    assert by_the_books(talks, TODAY, loaded=True) is OfferMove.REALISE


def test_a_partner_does_not_read_what_the_one_before_wrote() -> None:
    moves = [OfferMove.CREATE, OfferMove.RESPOND, OfferMove.DECLINE, OfferMove.RESPOND]
    assert heard_from(PLAIN, frozenset({Side.TAKER}), moves) == 3
    assert heard_from(PLAIN, frozenset({Side.GIVER}), moves) == 0
    assert heard_from(PLAIN, frozenset({Side.TAKER, Side.MANAGER}), moves) == 0
    assert heard_from(ASK, frozenset({Side.GIVER}), moves) == 3
    proposal = replace(PLAIN, kind=OfferKind.PROPOSAL, taker="ent.b")
    assert heard_from(proposal, frozenset({Side.TAKER}), moves) == 0
