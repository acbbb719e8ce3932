"""The rows of the life cycle of a load: move → from, to, who, what must hold, seals and posts.

Data and its types only; what is open now, and for whom, is `lifecycle`.  Who may is the permission
table's word, narrowed here to a side where only one side can mean it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from wasteflow.core.permissions import TABLE, Standing
from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import LoadState

S = LoadState
DECIDED: Final = (S.ACCEPTED, S.PARTLY_ACCEPTED, S.REFUSED)
CONSIGNOR: Final = frozenset({Standing.CONSIGNOR})
CONSIGNEE: Final = frozenset({Standing.CONSIGNEE})
CONTINUOUS: Final = frozenset({"conveyor", "pipeline"})
"""Modes without vehicles: the consignor alone, per metering period."""


class Move(StrEnum):
    """What somebody can do with a load."""

    EDIT = "edit"
    DELETE = "delete"
    ISSUE = "issue"
    DISPATCH = "dispatch"
    HAND_OVER = "hand_over"
    RECEIVE = "receive"
    DECIDE = "decide"
    CANCEL = "cancel"
    LOSE = "lost"
    ACKNOWLEDGE = "acknowledge"
    CONTEST = "contest"
    SETTLE = "settle"
    REMIND = "remind"
    CLOSE_ONE_SIDED = "close_one_sided"
    CONFIRM = "confirm"
    REVISE = "revise"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class Flags(Struct, frozen=True):
    """What a state alone does not tell about a load.

    `outside`: a party is an external firm; `unsigned`: one side has not signed the weights that
    stand; `contested`: the consignor contested them; `pending`: a revision waits for an answer;
    `continuous`: by conveyor or pipeline; `reversed_`: out of the books.
    """

    disputed: bool = False
    contested: bool = False
    pending: bool = False
    unsigned: bool = False
    outside: bool = False
    continuous: bool = False
    reversed_: bool = False


class Rule(Struct, frozen=True):
    """One row of the table.

    `sources` → `targets` (several where the masses decide; the sources themselves where the state
    stays), `event` recorded (None: only the draft is touched), `right` in the permission table and
    the `sides` it is narrowed to (all if empty), `guards` by name, `needs`: fields that must be
    given, `seals`: contract fields that only a revision changes afterwards, `posts`: whether the
    roll-up changes.  `when`/`unless`: flags that must or must not be set.
    """

    move: Move
    sources: tuple[LoadState, ...]
    targets: tuple[LoadState, ...]
    event: EventKind | None
    right: str
    sides: frozenset[Standing] = frozenset()
    guards: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    posts: bool = False
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    @property
    def who(self) -> frozenset[Standing]:
        """Standings from which the move can be made."""
        allowed = frozenset(standing for _, standing in TABLE[self.right])
        return allowed & self.sides if self.sides else allowed

    def open_in(self, state: LoadState, flags: Flags) -> bool:
        """Whether the table allows the move now, whoever asks."""
        return (
            not flags.reversed_
            and state in self.sources
            and all(getattr(flags, name) for name in self.when)
            and not any(getattr(flags, name) for name in self.unless)
        )


_ON_THE_WAY: Final = (S.IN_TRANSIT, S.RECEIVED)
_REVISABLE: Final = (*_ON_THE_WAY, *DECIDED)
_HEADER: Final = (
    "doc_no", "consignor", "consignee", "material", "route", "mode", "loads", "kind",
    "parent_doc_no", "from_facility", "basis",
)  # fmt: skip
_DISPATCH: Final = ("dispatched_at", "dispatched_t", "moisture_pct", "weighed", "vehicle")
_RECEIPT: Final = (
    "received_at", "received_t", "received_moisture_pct", "accepted_t", "refused_t", "reason",
    "to_facility",
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    Rule(Move.EDIT, (S.DRAFT,), (S.DRAFT,), None, "shipment.draft", guards=("own_party",)),
    Rule(Move.DELETE, (S.DRAFT,), (), None, "shipment.draft", guards=("creator",)),
    Rule(
        Move.ISSUE,
        (S.DRAFT,),
        (S.ISSUED,),
        EventKind.ISSUED,
        "shipment.issue",
        CONSIGNOR,
        ("complete", "number_free", "route_fits", "declared", "cap", "refused_part_open"),
        seals=_HEADER,
    ),
    Rule(
        Move.DISPATCH,
        (S.ISSUED,),
        (S.IN_TRANSIT,),
        EventKind.DISPATCHED,
        "shipment.dispatch",
        guards=("time_order", "vehicle_or_meter", "cap", "after_opening", "refused_part_open"),
        seals=_DISPATCH,
        posts=True,
        unless=("continuous",),
    ),
    Rule(
        Move.DISPATCH,
        (S.ISSUED,),
        (S.IN_TRANSIT,),
        EventKind.DISPATCHED,
        "shipment.dispatch",
        CONSIGNOR,
        ("time_order", "vehicle_or_meter", "after_opening", "refused_part_open"),
        seals=_DISPATCH,
        posts=True,
        when=("continuous",),
    ),
    Rule(
        Move.HAND_OVER,
        (S.IN_TRANSIT,),
        (S.IN_TRANSIT,),
        EventKind.HANDED_OVER,
        "shipment.hand_over",
        guards=("time_order",),
        needs=("carrier",),
        unless=("continuous",),
    ),
    Rule(
        Move.RECEIVE,
        (S.IN_TRANSIT,),
        (S.RECEIVED,),
        EventKind.RECEIVED,
        "shipment.receive",
        CONSIGNEE,
        ("time_order", "ticket_unique"),
        ("received_t",),
    ),
    Rule(
        Move.DECIDE,
        _ON_THE_WAY,
        DECIDED,
        EventKind.DECIDED,
        "shipment.decide",
        CONSIGNEE,
        ("time_order", "ticket_unique", "parts_add_up", "reason_of_refusal", "after_opening"),
        seals=_RECEIPT,
        posts=True,
    ),
    Rule(
        Move.CANCEL,
        (S.ISSUED,),
        (S.CANCELLED,),
        EventKind.CANCELLED,
        "shipment.cancel",
        CONSIGNOR,
        needs=("reason",),
    ),
    Rule(
        Move.CANCEL,
        (S.IN_TRANSIT,),
        (S.CANCELLED,),
        EventKind.CANCELLED,
        "shipment.cancel",
        guards=("carrier_agreed",),
        needs=("reason",),
        posts=True,
    ),
    Rule(
        Move.LOSE,
        (S.IN_TRANSIT,),
        (S.LOST,),
        EventKind.LOST,
        "shipment.lost",
        guards=("time_order", "carrier_agreed"),
        needs=("reason",),
        posts=True,
    ),
    Rule(
        Move.ACKNOWLEDGE,
        DECIDED,
        DECIDED,
        EventKind.ACKNOWLEDGED,
        "shipment.dispute",
        CONSIGNOR,
        posts=True,
        when=("disputed",),
    ),
    Rule(
        Move.CONTEST,
        DECIDED,
        DECIDED,
        EventKind.CONTESTED,
        "shipment.dispute",
        CONSIGNOR,
        needs=("reason",),
        when=("disputed",),
        unless=("contested",),
    ),
    Rule(
        Move.SETTLE,
        DECIDED,
        DECIDED,
        EventKind.SETTLED,
        "shipment.settle",
        guards=("waited", "parts_add_up", "children_covered"),
        needs=("reason", "agreed_t"),
        posts=True,
        when=("disputed",),
    ),
    Rule(
        Move.REMIND,
        (S.DRAFT, S.ISSUED, *_ON_THE_WAY, *DECIDED),
        (S.DRAFT, S.ISSUED, *_ON_THE_WAY, *DECIDED),
        EventKind.REMINDED,
        "shipment.close_one_sided",
        guards=("answer_due",),
        unless=("outside",),
    ),
    Rule(
        Move.CLOSE_ONE_SIDED,
        _ON_THE_WAY,
        (S.ACCEPTED,),
        EventKind.CLOSED_ONE_SIDED,
        "shipment.close_one_sided",
        CONSIGNOR,
        ("reminded", "time_order", "after_opening"),
        ("document",),
        _RECEIPT,
        posts=True,
    ),
    Rule(
        Move.CLOSE_ONE_SIDED,
        (S.DRAFT, S.ISSUED),
        (S.ACCEPTED,),
        EventKind.CLOSED_ONE_SIDED,
        "shipment.close_one_sided",
        CONSIGNEE,
        ("reminded", "complete", "time_order", "after_opening", "number_free", "route_fits"),
        ("document", "received_t"),
        (*_HEADER, *_DISPATCH, *_RECEIPT),
        posts=True,
    ),
    Rule(
        Move.CONFIRM,
        DECIDED,
        DECIDED,
        EventKind.CONFIRMED,
        "shipment.confirm",
        guards=("not_signed_yet",),
        posts=True,
        when=("unsigned",),
        unless=("outside", "disputed"),
    ),
    Rule(
        Move.REVISE,
        _REVISABLE,
        (),
        EventKind.REVISION_PROPOSED,
        "revision.propose",
        guards=("whitelisted", "changes_something"),
        needs=("reason",),
        posts=True,
        unless=("pending",),
    ),
    Rule(
        Move.APPROVE,
        _REVISABLE,
        (),
        EventKind.REVISION_APPROVED,
        "revision.answer",
        guards=("asked",),
        posts=True,
        when=("pending",),
    ),
    Rule(
        Move.REFUSE,
        _REVISABLE,
        _REVISABLE,
        EventKind.REVISION_REFUSED,
        "revision.answer",
        guards=("asked",),
        needs=("reason",),
        when=("pending",),
    ),
    Rule(
        Move.WITHDRAW,
        _REVISABLE,
        _REVISABLE,
        EventKind.REVISION_WITHDRAWN,
        "revision.propose",
        guards=("proposer",),
        when=("pending",),
    ),
)
"""The table.  Creating a draft (– → draft) needs no load: its rule is `shipment.draft` alone."""
