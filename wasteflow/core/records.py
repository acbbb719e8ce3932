"""The three append-only kinds of the ledger: entry, shipment header and event, and their fold.

An *entry* is what one enterprise records alone; a *load* is the header of a shipment between two
enterprises together with its *events*.  The state and weights of a load are the fold of its events
and nothing else; nothing here touches a database.  Masses are wet kilograms as weighed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from wasteflow.core.errors import RuleBroken
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.vocabulary import EntryKind, Evidence, LoadKind, LoadState


@dataclass(frozen=True, slots=True)
class Entry:
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
    """What happened to a load."""

    DISPATCHED = "dispatched"
    DECIDED = "decided"
    LOST = "lost"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a load, in the order `seq`.

    `kg` is the dispatched mass (dispatched) or the received mass (decided); accepted and refused
    belong to the decision.  `evidence` is the grade of the load from this event on.
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


@dataclass(frozen=True, slots=True)
class LoadHeader:
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
            object.__setattr__(self, "holder", self.consignor)


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """Fold of the events of a load: state, months and masses; what the shipment row caches."""

    state: LoadState = LoadState.ISSUED
    dispatched_month: int = 0
    dispatched_kg: int = 0
    received_month: int = 0
    received_kg: int = 0
    accepted_kg: int = 0
    refused_kg: int = 0
    lost_month: int = 0
    evidence: Evidence = Evidence.BOTH
    reversed_: bool = False


def fold(events: Iterable[Event]) -> LoadStatus:
    """State and weights of a load after `events` (any order of the iterable; `seq` decides).

    Raises RuleBroken `illegal_event` for an event its state does not allow, or a decision whose
    parts do not add up (`received_is_not_sum`).
    """
    status = LoadStatus()
    for event in sorted(events, key=lambda item: item.seq):
        status = apply_event(status, event)
    return status


def apply_event(status: LoadStatus, event: Event) -> LoadStatus:
    """The status after one more event; RuleBroken if the event is not allowed now."""
    if status.reversed_:
        raise RuleBroken("illegal_event", event=event.kind, state="reversed")
    kind, state = event.kind, status.state
    if kind is EventKind.DISPATCHED and state is LoadState.ISSUED:
        return replace(
            status,
            state=LoadState.IN_TRANSIT,
            dispatched_month=event.month,
            dispatched_kg=event.kg,
            evidence=event.evidence,
        )
    if kind is EventKind.DECIDED and state is LoadState.IN_TRANSIT:
        if event.kg != event.accepted_kg + event.refused_kg:
            raise RuleBroken("received_is_not_sum")
        return replace(
            status,
            state=decided_state(event.accepted_kg, event.refused_kg),
            received_month=event.month,
            received_kg=event.kg,
            accepted_kg=event.accepted_kg,
            refused_kg=event.refused_kg,
            evidence=event.evidence,
        )
    if kind is EventKind.LOST and state is LoadState.IN_TRANSIT:
        return replace(
            status, state=LoadState.LOST, lost_month=event.month, evidence=event.evidence
        )
    if kind is EventKind.REVERSED and state is not LoadState.ISSUED:
        return replace(status, reversed_=True)
    raise RuleBroken("illegal_event", event=kind, state=state)


def decided_state(accepted_kg: int, refused_kg: int) -> LoadState:
    """accepted, partly_accepted or refused, from the two parts of the received mass."""
    if refused_kg == 0:
        return LoadState.ACCEPTED
    return LoadState.PARTLY_ACCEPTED if accepted_kg else LoadState.REFUSED
