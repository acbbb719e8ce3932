"""The three append-only kinds of the ledger: entry, shipment header and event, and their fold.

An *entry* is what one enterprise records alone; a *load* is the header of a shipment between two
enterprises together with its *events*.  The state and weights of a load are the fold of its events
and nothing else; nothing here touches a database.  Masses are wet kilograms as weighed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from wasteflow.core.errors import RuleBroken
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.vocabulary import EntryKind, Evidence, LoadKind, LoadState


class Entry(Struct, frozen=True):
    """One record of one enterprise.

    `kg` is the counted level for a stocktake, otherwise the mass moved.  `compartment` ("site" or
    "yard") matters for opening and stocktake only.  `difference_kg` = counted - book at count
    (stocktake only).  `reversed_` is true once a reversal took it out of the books.
    """

    doc_no: str
    enterprise: str
    kind: EntryKind
    material: str
    day: date
    kg: int
    route: str = ""
    compartment: str = "site"
    generator: str = ""
    year_generated: int | None = None
    from_use: bool = False
    evidence: Evidence = Evidence.ONE_SIDED
    difference_kg: int = 0
    reversed_: bool = False

    @property
    def month(self) -> int:
        """Physical month, yyyymm."""
        return month_of_day(self.day)


class EventKind(StrEnum):
    """What happened to a load; stored by position, so the list only grows at its end.

    The first four are what a file of loads brings; the others come from people at their gates.
    """

    DISPATCHED = "dispatched"
    DECIDED = "decided"
    LOST = "lost"
    REVERSED = "reversed"
    ISSUED = "issued"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    ACKNOWLEDGED = "acknowledged"
    CONTESTED = "contested"
    SETTLED = "settled"
    CLOSED_ONE_SIDED = "closed_one_sided"
    CONFIRMED = "confirmed"
    REVISED = "revised"
    RECEIPT_REVISED = "receipt_revised"
    REMINDED = "reminded"
    REVISION_PROPOSED = "revision_proposed"
    REVISION_APPROVED = "revision_approved"
    REVISION_REFUSED = "revision_refused"
    REVISION_WITHDRAWN = "revision_withdrawn"
    DETAILS_REVISED = "details_revised"


DISPATCHES = frozenset({EventKind.DISPATCHED, EventKind.REVISED})
"""Events that state the dispatched mass and its moment; the last one counts."""
RECEIPTS = frozenset({EventKind.DECIDED, EventKind.CLOSED_ONE_SIDED, EventKind.RECEIPT_REVISED})
"""Events that state the decided masses and the moment of receipt; the last one counts."""
HANDLED = frozenset({EventKind.HANDED_OVER, EventKind.RECEIVED})
"""Other events whose moment is one of the load's way."""
WEIGHED = DISPATCHES | RECEIPTS | {EventKind.ISSUED, EventKind.RECEIVED, EventKind.SETTLED}
"""Events that carry a mass; in all others it is 0."""
DECIDED_STATES = frozenset({LoadState.ACCEPTED, LoadState.PARTLY_ACCEPTED, LoadState.REFUSED})
"""States after the consignee's decision."""
ON_THE_WAY = frozenset({LoadState.IN_TRANSIT, LoadState.RECEIVED})
"""States between dispatch and decision."""


class Event(Struct, frozen=True):
    """One event of a load, in the order `seq`.

    `at` is when it physically happened: for a decision the moment of receipt, whenever it was
    made.  `kg` is the declared (issued), dispatched or received mass; accepted and refused belong
    to a decision.  `evidence` is the grade of the load from this event on.
    """

    seq: int
    kind: EventKind
    at: datetime
    kg: int = 0
    accepted_kg: int = 0
    refused_kg: int = 0
    evidence: Evidence = Evidence.IMPORTED

    @property
    def day(self) -> date:
        """Reporting day in Asia/Shanghai."""
        return shanghai_day(self.at)

    @property
    def month(self) -> int:
        """Physical month in Asia/Shanghai, yyyymm."""
        return month_of_day(self.day)


class LoadHeader(Struct, frozen=True):
    """What is fixed about a load when it is issued.

    `holder` is the enterprise whose stock the mass is while on the road: the consignor, and for a
    child load (return, redirect) the holder of its parent.  `parent_consignee` names the transit
    place the child's mass leaves ("" for a delivery).  `to_outside`/`from_outside` freeze whether a
    party was an external firm when the load was recorded.  `trips` is the number of loads summed.
    """

    doc_no: str
    consignor: str
    consignee: str
    material: str
    route: str
    kind: LoadKind = LoadKind.DELIVERY
    holder: str = ""
    parent_consignee: str = ""
    to_outside: bool = False
    from_outside: bool = False
    trips: int = 1

    def __post_init__(self) -> None:
        if not self.holder:
            force_setattr(self, "holder", self.consignor)


class LoadStatus(Struct, frozen=True):
    """Fold of the events of a load: state, moments, months, masses; what the shipment row caches.

    Postings read the months: `received` sets a moment and a mass but no month, so it posts nothing,
    and a cancelled load has none left.
    """

    state: LoadState = LoadState.DRAFT
    dispatched_month: int = 0
    dispatched_kg: int = 0
    received_month: int = 0
    received_kg: int = 0
    accepted_kg: int = 0
    refused_kg: int = 0
    lost_month: int = 0
    evidence: Evidence = Evidence.BOTH
    reversed_: bool = False
    dispatched_at: datetime | None = None
    received_at: datetime | None = None

    @property
    def disputed(self) -> bool:
        """Whether the weights are in dispute (the receiver's are posted meanwhile)."""
        return self.evidence is Evidence.DISPUTED


def fold(events: Iterable[Event]) -> LoadStatus:
    """State and weights of a load after `events` (any order of the iterable; `seq` decides).

    Raises RuleBroken `illegal_event` for an event its state does not allow, or a decision whose
    parts do not add up (`received_is_not_sum`).
    """
    status = LoadStatus()
    for event in sorted(events, key=lambda item: item.seq):
        status = apply_event(status, event)
    return status


_FROM: dict[EventKind, frozenset[LoadState]] = {
    EventKind.ISSUED: frozenset({LoadState.DRAFT}),
    # A file brings a load with its dispatch; nobody issued it here.
    EventKind.DISPATCHED: frozenset({LoadState.DRAFT, LoadState.ISSUED}),
    EventKind.HANDED_OVER: frozenset({LoadState.IN_TRANSIT}),
    EventKind.RECEIVED: frozenset({LoadState.IN_TRANSIT}),
    EventKind.DECIDED: ON_THE_WAY,
    EventKind.CLOSED_ONE_SIDED: ON_THE_WAY,
    EventKind.LOST: frozenset({LoadState.IN_TRANSIT}),
    EventKind.CANCELLED: frozenset({LoadState.ISSUED, LoadState.IN_TRANSIT}),
    EventKind.REVERSED: ON_THE_WAY | DECIDED_STATES | {LoadState.LOST},
    EventKind.ACKNOWLEDGED: DECIDED_STATES,
    EventKind.CONTESTED: DECIDED_STATES,
    EventKind.SETTLED: DECIDED_STATES,
    EventKind.CONFIRMED: DECIDED_STATES,
    EventKind.REVISED: ON_THE_WAY | DECIDED_STATES,
    EventKind.RECEIPT_REVISED: DECIDED_STATES,
    EventKind.REMINDED: ON_THE_WAY | DECIDED_STATES | {LoadState.DRAFT, LoadState.ISSUED},
    EventKind.REVISION_PROPOSED: ON_THE_WAY | DECIDED_STATES,
    EventKind.REVISION_APPROVED: ON_THE_WAY | DECIDED_STATES,
    EventKind.REVISION_REFUSED: ON_THE_WAY | DECIDED_STATES,
    EventKind.REVISION_WITHDRAWN: ON_THE_WAY | DECIDED_STATES,
    EventKind.DETAILS_REVISED: ON_THE_WAY | DECIDED_STATES,
}
"""Event → states in which it may happen."""
_OF_A_DISPUTE = (EventKind.ACKNOWLEDGED, EventKind.CONTESTED, EventKind.SETTLED)


def apply_event(status: LoadStatus, event: Event) -> LoadStatus:
    """The status after one more event; RuleBroken if the event is not allowed now."""
    if status.reversed_:
        raise RuleBroken("illegal_event", event=event.kind, state="reversed")
    kind, state = event.kind, status.state
    if state not in _FROM[kind] or (kind in _OF_A_DISPUTE and not status.disputed):
        raise RuleBroken("illegal_event", event=kind, state=state)
    if kind in DISPATCHES:
        return replace(
            status,
            state=LoadState.IN_TRANSIT if kind is EventKind.DISPATCHED else state,
            dispatched_at=event.at,
            dispatched_month=event.month,
            dispatched_kg=event.kg,
            evidence=event.evidence,
        )
    if kind in RECEIPTS or kind is EventKind.SETTLED:
        return _decided(status, event)
    if kind is EventKind.RECEIVED:
        return replace(status, state=LoadState.RECEIVED, received_at=event.at, received_kg=event.kg)
    return _marked(status, event)


def _decided(status: LoadStatus, event: Event) -> LoadStatus:
    """The parts of the received mass are known; a settlement leaves the moment of receipt."""
    if event.kg != event.accepted_kg + event.refused_kg:
        raise RuleBroken("received_is_not_sum")
    if event.kind is not EventKind.SETTLED:
        status = replace(status, received_at=event.at, received_month=event.month)
    return replace(
        status,
        state=decided_state(event.accepted_kg, event.refused_kg),
        received_kg=event.kg,
        accepted_kg=event.accepted_kg,
        refused_kg=event.refused_kg,
        evidence=event.evidence,
    )


def _marked(status: LoadStatus, event: Event) -> LoadStatus:
    """Events that weigh nothing."""
    match event.kind:
        case EventKind.ISSUED:
            return replace(status, state=LoadState.ISSUED, evidence=event.evidence)
        case EventKind.CANCELLED:
            return replace(
                status,
                state=LoadState.CANCELLED,
                dispatched_at=None,
                dispatched_month=0,
                dispatched_kg=0,
            )
        case EventKind.LOST:
            return replace(
                status, state=LoadState.LOST, lost_month=event.month, evidence=event.evidence
            )
        case EventKind.REVERSED:
            return replace(status, reversed_=True)
        case EventKind.ACKNOWLEDGED | EventKind.CONFIRMED:
            return replace(status, evidence=event.evidence)
        case _:
            return status


def decided_state(accepted_kg: int, refused_kg: int) -> LoadState:
    """accepted, partly_accepted or refused, from the two parts of the received mass."""
    if refused_kg == 0:
        return LoadState.ACCEPTED
    return LoadState.PARTLY_ACCEPTED if accepted_kg else LoadState.REFUSED
