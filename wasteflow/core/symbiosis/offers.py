"""Offers, asks and proposed links: who may move them from which state to which; pure.

    open ──respond/propose──> proposed ──accept (both)──> talks ──first load──> realised
      ^         decline, break off      |                  |
      └──────── (offer, ask) ───────────┴──────────────────┤ (proposal: declined)
    open, proposed, talks ──withdraw──> withdrawn, ──day past──> lapsed

An offer names its producer, an ask its receiver, a proposal both.  A side "accepts" for its own
firm only; nobody accepts for another.  What a load or the calendar does is no move of a person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import InvalidValue, RuleBroken

MOST_WORDS: Final = 1000
"""Characters of a place, quality note or note at most."""
MOST_KG: Final = 10**14


class OfferKind(StrEnum):
    """Who began: a producer, a receiver, or a park manager or planner."""

    OFFER = "offer"
    ASK = "ask"
    PROPOSAL = "proposal"


class OfferState(StrEnum):
    """Where it stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    TALKS = "talks"
    REALISED = "realised"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class OfferMove(StrEnum):
    """What is done to it; `realise` and `lapse` by the books and the calendar, `create` once."""

    CREATE = "create"
    RESPOND = "respond"
    PROPOSE = "propose"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    NOTE = "note"
    REALISE = "realise"
    LAPSE = "lapse"


class Side(StrEnum):
    """As whom somebody moves: the producer, the receiver, who may propose, a firm it would fit."""

    GIVER = "giver"
    TAKER = "taker"
    MANAGER = "manager"
    FITTING = "fitting"


ALIVE: Final = frozenset({OfferState.OPEN, OfferState.PROPOSED, OfferState.TALKS})
_FIRMS: Final = frozenset({Side.GIVER, Side.TAKER})
_INSIDE: Final = _FIRMS | {Side.MANAGER}
TABLE: Final[Mapping[tuple[OfferState, OfferMove], frozenset[Side]]] = {
    (OfferState.OPEN, OfferMove.RESPOND): frozenset({Side.FITTING}),
    (OfferState.OPEN, OfferMove.PROPOSE): frozenset({Side.MANAGER}),
    (OfferState.PROPOSED, OfferMove.ACCEPT): _FIRMS,
    (OfferState.PROPOSED, OfferMove.DECLINE): _FIRMS,
    (OfferState.TALKS, OfferMove.DECLINE): _FIRMS,
    **{(state, OfferMove.WITHDRAW): _INSIDE for state in ALIVE},
    **{(state, OfferMove.NOTE): _INSIDE for state in OfferState},
}
"""(state, move) → sides that may; `moves_for` narrows it to who began and who still has to say."""
AUTHOR: Final = {
    OfferKind.OFFER: Side.GIVER,
    OfferKind.ASK: Side.TAKER,
    OfferKind.PROPOSAL: Side.MANAGER,
}


class Offer(Struct, frozen=True):
    """An offer as it stands; a firm "" is not known yet; kg whole kilograms wet."""

    kind: OfferKind
    material: str
    kg: int
    first: date
    last: date
    giver: str = ""
    taker: str = ""
    giver_ok: bool = False
    taker_ok: bool = False
    state: OfferState = OfferState.OPEN
    place: str = ""
    quality: str = ""

    def firm(self, side: Side) -> str:
        """The firm of a side."""
        return self.giver if side is Side.GIVER else self.taker

    def agreed(self, side: Side) -> bool:
        """Whether a side has said yes."""
        return self.giver_ok if side is Side.GIVER else self.taker_ok


def new_offer(offer: Offer, today: date) -> Offer:
    """The offer as it begins.

    Raises InvalidValue: `offer_mass`, `offer_days`, `offer_words`, `offer_firms`.
    """
    if not 0 < offer.kg <= MOST_KG:
        raise InvalidValue("offer_mass")
    if offer.last < offer.first or offer.last < today:
        raise InvalidValue("offer_days", first=offer.first, last=offer.last)
    if max(len(offer.place), len(offer.quality)) > MOST_WORDS:
        raise InvalidValue("offer_words", limit=MOST_WORDS)
    named = (bool(offer.giver), bool(offer.taker))
    wanted = {
        OfferKind.OFFER: (True, False),
        OfferKind.ASK: (False, True),
        OfferKind.PROPOSAL: (True, True),
    }[offer.kind]
    if named != wanted or offer.giver == offer.taker:
        raise InvalidValue("offer_firms")
    if offer.kind is OfferKind.PROPOSAL:
        return replace(offer, state=OfferState.PROPOSED, giver_ok=False, taker_ok=False)
    giver = offer.kind is OfferKind.OFFER
    return replace(offer, state=OfferState.OPEN, giver_ok=giver, taker_ok=not giver)


def moves_for(offer: Offer, sides: Collection[Side]) -> tuple[OfferMove, ...]:
    """Moves that somebody standing on `sides` may make now, in the order of `OfferMove`."""
    return tuple(move for move in OfferMove if side_for(offer, move, sides) is not None)


def side_for(offer: Offer, move: OfferMove, sides: Collection[Side]) -> Side | None:
    """The side as which a move would be made; None if it may not be.

    >>> day = date(2026, 1, 1)
    >>> plain = Offer(OfferKind.OFFER, "m", 1, day, day, giver="a", giver_ok=True)
    >>> side_for(plain, OfferMove.WITHDRAW, {Side.GIVER})
    <Side.GIVER: 'giver'>
    >>> side_for(plain, OfferMove.ACCEPT, {Side.GIVER}) is None
    True
    """
    for side in Side:
        if side not in sides or side not in TABLE.get((offer.state, move), ()):
            continue
        if move is OfferMove.WITHDRAW and side is not AUTHOR[offer.kind]:
            continue
        if move is OfferMove.ACCEPT and offer.agreed(side):
            continue
        return side
    return None


def moved(offer: Offer, move: OfferMove, sides: Collection[Side], partner: str = "") -> Offer:
    """The offer after a person's move; partner: the firm that responds or is proposed.

    Raises RuleBroken `offer_move_illegal`, InvalidValue `offer_firms`.
    """
    side = side_for(offer, move, sides)
    if side is None:
        raise RuleBroken("offer_move_illegal", move=move.value, state=offer.state.value)
    if move is OfferMove.NOTE:
        return offer
    if move is OfferMove.WITHDRAW:
        return replace(offer, state=OfferState.WITHDRAWN)
    if move is OfferMove.ACCEPT:
        done = replace(
            offer,
            giver_ok=offer.giver_ok or side is Side.GIVER,
            taker_ok=offer.taker_ok or side is Side.TAKER,
        )
        both = done.giver_ok and done.taker_ok
        return replace(done, state=OfferState.TALKS if both else OfferState.PROPOSED)
    if move is OfferMove.DECLINE:
        return _declined(offer)
    return _paired(offer, move, partner)


def by_the_books(offer: Offer, today: date, *, loaded: bool) -> OfferMove | None:
    """What a load or the calendar does to it: `realise` before `lapse`; None if nothing.

    loaded: a load of the material from its giver was accepted by its taker since they were named.
    Firms that trade anyway realise nothing by it before both have said yes.
    """
    if offer.state is OfferState.TALKS and loaded:
        return OfferMove.REALISE
    return OfferMove.LAPSE if offer.state in ALIVE and offer.last < today else None


def settled(offer: Offer, move: OfferMove) -> Offer:
    """The offer after what `by_the_books` found."""
    state = OfferState.REALISED if move is OfferMove.REALISE else OfferState.LAPSED
    return replace(offer, state=state)


def heard_from(offer: Offer, sides: frozenset[Side], moves: Sequence[OfferMove]) -> int:
    """Index of the first of its events that somebody may read.

    A partner reads them from the moment they were named: who was asked before is not theirs to
    know.  Owner, managers and the firms of a proposal read all of them.
    """
    owner = {OfferKind.OFFER: Side.GIVER, OfferKind.ASK: Side.TAKER}.get(offer.kind)
    if owner is None or owner in sides or Side.MANAGER in sides:
        return 0
    named = (OfferMove.RESPOND, OfferMove.PROPOSE)
    return max((number for number, move in enumerate(moves) if move in named), default=0)


def asked_sides(offer: Offer) -> tuple[Side, ...]:
    """Sides whose answer is waited for."""
    if offer.state is not OfferState.PROPOSED:
        return ()
    return tuple(side for side in (Side.GIVER, Side.TAKER) if not offer.agreed(side))


def _declined(offer: Offer) -> Offer:
    """A proposal ends; an offer or ask stands again as it began, without the partner."""
    if offer.kind is OfferKind.PROPOSAL:
        return replace(offer, state=OfferState.DECLINED)
    if offer.kind is OfferKind.OFFER:
        return replace(offer, state=OfferState.OPEN, taker="", taker_ok=False, giver_ok=True)
    return replace(offer, state=OfferState.OPEN, giver="", giver_ok=False, taker_ok=True)


def _paired(offer: Offer, move: OfferMove, partner: str) -> Offer:
    """With a partner: one that responds agrees by that and is answered; one proposed is asked."""
    if not partner or partner in (offer.giver, offer.taker):
        raise InvalidValue("offer_firms")
    itself = move is OfferMove.RESPOND
    if offer.kind is OfferKind.OFFER:
        named = replace(offer, taker=partner, taker_ok=itself, giver_ok=not itself)
    else:
        named = replace(offer, giver=partner, giver_ok=itself, taker_ok=not itself)
    return replace(named, state=OfferState.PROPOSED)
