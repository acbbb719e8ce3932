"""One load in hand inside a transaction: its rows, what they mean, and who may do what with it.

Reads only; what is written goes through `writing`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import BindParameter, and_, bindparam, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import StaleVersion
from wasteflow.core.ids import LoadRef, load_of_uid, load_uid
from wasteflow.core.lifecycle import CONTINUOUS, Flags, Move, Rule, demand, rule_for
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.core.records import (
    DISPATCHES,
    RECEIPTS,
    Event,
    EventKind,
    LoadHeader,
    LoadStatus,
    fold,
)
from wasteflow.core.registry import Registry
from wasteflow.core.signatures import Signature, grade, signers
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.services.external_ids import numbers_of
from wasteflow_models.convert import Keys, event_record, load_header
from wasteflow_models.ledger import (
    BatchRow,
    BatchSignerRow,
    EventRow,
    ShipmentRow,
)
from wasteflow_models.live import EventActorRow, LoadDraftRow, RevisionRow

FROM_CARRIER: Final = "from"
"""Who handed a load over, among the details of that event."""
_ABOUT_WEIGHTS = (*RECEIPTS, EventKind.ACKNOWLEDGED, EventKind.CONTESTED, EventKind.SETTLED)


class Held(Struct, eq=False):
    """A load: rows, keys, and what follows from them.  `draft` is None for a load from a file.

    `files`: number of an event → the firm whose own file brought it.
    `numbers`: organisation → the number of the load in its software.
    `fresh`: made now, its rows are written at the end (`writing.write_down`).
    `asked` is the month (yyyymm) in which a move asks to be booked, 0 = wherever it belongs.
    """

    session: Session
    keys: Keys
    row: ShipmentRow
    draft: LoadDraftRow | None
    events: list[EventRow]
    actors: dict[int, EventActorRow]
    pending: RevisionRow | None = None
    asked: int = 0
    fresh: bool = False
    files: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        """The registry as it is now."""
        return self.keys.registry

    @property
    def state(self) -> LoadState:
        """State of the load."""
        return LoadState(self.row.state)

    @property
    def header(self) -> LoadHeader:
        """The header as a record."""
        return load_header(self.row, self.keys)

    @property
    def records(self) -> list[Event]:
        """The events as records."""
        return [event_record(row) for row in self.events]

    @property
    def status(self) -> LoadStatus:
        """Fold of the events."""
        return fold(self.records)

    @property
    def version(self) -> int:
        """Number for compare-and-set: changes of the draft plus events."""
        return (self.draft.version if self.draft else 0) + len(self.events)

    @property
    def recorded_at(self) -> datetime:
        """The moment in the public id."""
        return self.draft.created_at if self.draft else self.events[0].recorded_at

    @property
    def uid(self) -> UUID:
        """The public id."""
        return load_uid(self.row.id, self.recorded_at)

    @property
    def consignor(self) -> str:
        """Code of the consignor, "" while a draft names none."""
        return self._party(self.row.consignor_id, "consignor_id")

    @property
    def consignee(self) -> str:
        """Code of the consignee, "" while a draft names none."""
        return self._party(self.row.consignee_id, "consignee_id")

    def _party(self, key: int, name: str) -> str:
        if self.draft is not None and self.state is LoadState.DRAFT:
            key = getattr(self.draft, name)
        return self.keys.codes["enterprise"].get(key, "")

    @property
    def holder(self) -> str:
        """Code of the firm whose stock the mass is on the road."""
        return self.keys.codes["enterprise"].get(self.row.holder_id, "")

    @property
    def carried(self) -> frozenset[str]:
        """Carriers that have handed the load over."""
        handed = (row.seq for row in self.events if row.kind == EventKind.HANDED_OVER)
        return frozenset(str(self.details(seq).get(FROM_CARRIER, "")) for seq in handed) - {""}

    @property
    def parties(self) -> frozenset[str]:
        """Consignor and consignee, as far as they are known."""
        return frozenset({self.consignor, self.consignee} - {""})

    @property
    def content(self) -> dict[str, str]:
        """What was drafted: contract columns and texts."""
        return dict(json.loads(self.draft.content)) if self.draft else {}

    @property
    def outside(self) -> bool:
        """Whether a party is an external firm, who has no say here.

        Once issued: one that was external then and still is.  A firm that has joined the books
        since may answer and confirm; where the mass was posted stays as it was issued.
        """
        ends = (self.row.from_outside, self.consignor), (self.row.to_outside, self.consignee)
        draft = self.state is LoadState.DRAFT
        return any(self.external(firm) for frozen, firm in ends if firm and (draft or frozen))

    def external(self, firm: str) -> bool:
        """Whether a firm stands outside the books and has no say here."""
        known = self.registry.enterprises.get(firm)
        return known is None or known.external

    # --- what the events say ------------------------------------------------------------

    def last(self, *kinds: EventKind) -> EventRow | None:
        """The last event of these kinds."""
        found = [row for row in self.events if row.kind in kinds]
        return found[-1] if found else None

    @property
    def dispatch(self) -> EventRow | None:
        """The event that states the dispatch as it stands."""
        return self.last(*DISPATCHES)

    @property
    def receipt(self) -> EventRow | None:
        """The event that states the decided masses as they stand."""
        return self.last(*RECEIPTS, EventKind.SETTLED)

    @property
    def arrival(self) -> EventRow | None:
        """The weighing at the consignee's gate before the decision."""
        return self.last(EventKind.RECEIVED)

    def details(self, seq: int) -> dict[str, Any]:
        """What an event says beyond its columns."""
        actor = self.actors.get(seq)
        return dict(json.loads(actor.details)) if actor and actor.details else {}

    @property
    def signed(self) -> frozenset[str]:
        """Firms whose signature covers the weights as they stand."""
        return signers(self._signature(row) for row in self.events)

    def _signature(self, row: EventRow) -> Signature:
        actor = self.actors.get(row.seq)
        agreed = self.details(row.seq).get("agreed") if actor else None
        return Signature(
            EventKind(row.kind),
            actor.side if actor else self._file_of(row),
            None if agreed is None else frozenset(agreed),
        )

    def _file_of(self, row: EventRow) -> str:
        """The party whose own file brought an event, "" if nobody's."""
        firm = self.files.get(row.seq, "")
        return firm if firm in self.parties else ""

    @property
    def imported(self) -> bool:
        """Whether the file of somebody else brought weights that stand, and no party has stood to
        all of them since: by confirming, by acknowledging, or by its own file, which states both.
        """
        words = (EventKind.CONFIRMED, EventKind.ACKNOWLEDGED)
        stood = (row.seq for row in self.events if row.kind in words or self._file_of(row))
        since = max(stood, default=0)
        brought = (row for row in (self.dispatch, self.receipt) if row is not None)
        return any(row.batch_id and row.seq > since for row in brought)

    @property
    def estimated(self) -> bool:
        """Whether weights that stand were not weighed."""
        return any(
            row is not None and row.weighed == "estimated" for row in (self.dispatch, self.receipt)
        )

    def grade(
        self,
        *signing: str,
        estimated: bool = False,
        agreed: frozenset[str] | None = None,
        confirming: bool = False,
    ) -> Evidence:
        """Grade when the firms `signing` sign as well; `agreed` instead of all earlier ones.

        confirming: they stand to everything that is there, whoever brought it.
        """
        return grade(
            (self.signed if agreed is None else agreed) | set(signing),
            {self.consignor, self.consignee},
            outside=self.outside,
            imported=self.imported and not confirming,
            estimated=self.estimated or estimated,
        )

    @property
    def flags(self) -> Flags:
        """What the state alone does not tell."""
        about = self.last(*_ABOUT_WEIGHTS)
        decided = self.receipt is not None
        return Flags(
            disputed=decided and self.row.evidence == int(Evidence.DISPUTED),
            contested=about is not None and about.kind == EventKind.CONTESTED,
            pending=self.pending is not None,
            unsigned=decided and not {self.consignor, self.consignee} <= self.signed,
            outside=self.outside,
            continuous=(self.row.mode or self.content.get("mode", "")) in CONTINUOUS,
            reversed_=self.row.reversed_,
        )

    # --- rights -------------------------------------------------------------------------

    @property
    def subject(self) -> Subject:
        """The load as the permission table sees it.

        A draft is the business of its organisation alone, until that reminds the other party.
        """
        if self.draft is not None and self.state is LoadState.DRAFT and not self.events:
            mine = self.draft.organisation
            return Subject(
                consignor=mine if self.consignor in ("", mine) else "",
                consignee=mine if self.consignee in ("", mine) else "",
            )
        around = subject_of(self.registry, self.consignor, self.consignee, self.row.carrier)
        return replace(around, holder=self.holder, carried=self.carried)

    def rule(
        self,
        actor: Actor | None,
        move: Move,
        expected_version: int | None = None,
        subject: Subject | None = None,
    ) -> Rule:
        """The open rule of a move the actor may make on the version he saw.

        subject: the load as this actor stands to it, where that is not how it is now.
        Raises Denied, StaleVersion, IllegalMove, and Denied again for what is not his right:
        nobody learns anything of what is not his business.
        """
        subject = subject or self.subject
        require(actor, "shipment.read", subject)
        if expected_version is not None and expected_version != self.version:
            raise StaleVersion(expected_version, self.version)
        rule = rule_for(move, self.state, self.flags)
        demand(actor, rule, subject)
        return rule

    def readable(self, actor: Actor | None) -> None:
        """Raise Denied unless the load is the actor's business."""
        require(actor, "shipment.read", self.subject)


def subject_of(registry: Registry, consignor: str, consignee: str, carrier: str = "") -> Subject:
    """A load between two firms with the parks and regions of both and all above them."""
    parks: set[str] = set()
    regions: set[str] = set()
    for firm in {consignor, consignee} & registry.enterprises.keys():
        parks.update(registry.parks_up(registry.park_of(firm)))
        regions.update(registry.regions_up(registry.region_of(firm)))
    return Subject(consignor, consignee, carrier, "", frozenset(parks), frozenset(regions))


def hold(
    session: Session, keys: Keys, actor: Actor | None, uid: UUID, *, lock: bool = True
) -> Held:
    """The load of a public id, locked until the transaction ends; Denied if there is none."""
    return hold_ref(session, keys, actor, load_of_uid(uid), lock=lock)


def hold_ref(
    session: Session, keys: Keys, actor: Actor | None, ref: LoadRef | None, *, lock: bool = True
) -> Held:
    """As `hold`, for an id that is decoded already (of a load, or of its revision)."""
    found = held_of(session, keys, ref.key, lock=lock) if ref else None
    if found is None or ref is None or (not ref.number and found.recorded_at != ref.recorded_at):
        verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
        raise Denied(verdict, "shipment.read")
    return found


_LOAD = select(ShipmentRow).where(ShipmentRow.id == bindparam("key"))
_LOCKED = _LOAD.with_for_update().execution_options(populate_existing=True)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_DRAFTS = (
    select(LoadDraftRow)
    .where(LoadDraftRow.shipment_id.in_(_IDS))
    .order_by(LoadDraftRow.shipment_id)
)
_EVENTS = (
    select(EventRow, EventActorRow, BatchSignerRow.organisation)
    .outerjoin(
        EventActorRow,
        and_(EventActorRow.shipment_id == EventRow.shipment_id, EventActorRow.seq == EventRow.seq),
    )
    .outerjoin(BatchSignerRow, BatchSignerRow.batch_id == EventRow.batch_id)
    .where(EventRow.shipment_id.in_(_IDS))
    .order_by(EventRow.shipment_id, EventRow.seq)
)
_PENDING = (
    select(RevisionRow).where(RevisionRow.pending_of.in_(_IDS)).order_by(RevisionRow.shipment_id)
)
"""Built once: putting a statement together costs as much as running it."""


def held_of(session: Session, keys: Keys, key: int, *, lock: bool = True) -> Held | None:
    """The load of a key; None if there is none, or its import is not published."""
    row = session.scalars(_LOCKED if lock else _LOAD, {"key": key}).one_or_none()
    if row is None or (row.batch_id and not session.get_one(BatchRow, row.batch_id).published):
        return None
    return held_rows(session, keys, [row])[0]


def held_rows(session: Session, keys: Keys, rows: Sequence[ShipmentRow]) -> list[Held]:
    """Loads with everything beside them, a query per table."""
    ids = {"ids": [row.id for row in rows]}
    drafts = {item.shipment_id: item for item in session.scalars(_DRAFTS, ids)}
    pending = {item.shipment_id: item for item in session.scalars(_PENDING, ids)}
    events: dict[int, list[EventRow]] = {row.id: [] for row in rows}
    actors: dict[int, dict[int, EventActorRow]] = {row.id: {} for row in rows}
    files: dict[int, dict[int, str]] = {row.id: {} for row in rows}
    for event, actor, firm in session.execute(_EVENTS, ids):
        events[event.shipment_id].append(event)
        if firm is not None:
            files[event.shipment_id][event.seq] = firm
        if actor is not None:
            actors[event.shipment_id][event.seq] = actor
    found = [
        Held(
            session,
            keys,
            row,
            drafts.get(row.id),
            events[row.id],
            actors[row.id],
            pending.get(row.id),
            files=files[row.id],
        )
        for row in rows
    ]
    by_hand = {str(held.uid): held for held in found if held.draft is not None}
    for ref, numbers in numbers_of(session, "shipment", list(by_hand)).items():
        by_hand[ref].numbers = numbers
    return found
