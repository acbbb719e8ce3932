"""What a firm's own file signs of loads that are in the books: completions graded, known confirmed.

A load in the books that the file of one of its firms names alike is signed by that firm, as if it
had confirmed it by hand; evidence follows from the signatures, so it does not matter who sent first
or by which door.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import (
    Late,
    booked_months,
    late_part,
    load_difference,
    merge_late,
    not_before,
)
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.postings_bulk import (
    BulkRollup,
    LoadColumns,
    columns_from_rows,
)
from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.again import Overtaken
from wasteflow.services.live.held import Held
from wasteflow.services.live.writing import changes_of
from wasteflow.services.load_alike import Alike, alike_loads
from wasteflow.services.load_alike import held as held_of
from wasteflow_models.convert import Keys
from wasteflow_models.late import Closed
from wasteflow_models.ledger import BatchSignerRow, ShipmentRow
from wasteflow_models.load_alike import hold_loads, untouched
from wasteflow_models.load_store import Stored, sign_loads
from wasteflow_models.words import EVENT_KINDS, STATES

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
ROAD = STATES.index("in_transit")
_CONFIRMED = EVENT_KINDS.index(EventKind.CONFIRMED)
PART = 500
"""Loads held at once."""


class Signing(Struct):
    """What the own file of `firm` does to loads that are in the books, of one import (`batch_id`).

    `confirming`: loads that it signs, with the events they had when they were looked at; `alike`:
    those of them that were judged by their like, with their new grades; `firms`: keys of the
    enterprises they are between.
    """

    keys: Keys
    firm: str
    batch_id: int
    confirming: dict[int, int] = field(default_factory=dict)
    alike: list[tuple[Alike, Ints]] = field(default_factory=list)
    firms: set[int] = field(default_factory=set)

    def graded(self, session: Session, batch: LoadBatch, ids: Ints, stored: Stored) -> LoadBatch:
        """The batch with the grades of the loads on the road that its receipts complete."""
        at = np.searchsorted(stored["id"], ids)
        there = (stored["state"][at] == ROAD) & (stored["batch_id"][at] != self.batch_id)
        evidence = batch.evidence.copy()
        rows = np.flatnonzero(there & self._received(batch))
        alike, _ = alike_loads(session, self.keys, self.firm, np.unique(ids[rows]))
        among = np.isin(ids[rows], alike.ids)
        some = rows[among]
        shape, given = alike.shape[np.searchsorted(alike.ids, ids[some])], evidence[some]
        for number, held in enumerate(alike.samples):
            for word in np.unique(given[shape == number]).tolist():
                here = some[(shape == number) & (given == word)]
                evidence[here] = self._graded(held, Evidence(word))
        for part in _parts(rows[~among]):
            known = {held.row.id: held for held in held_of(session, self.keys, ids[part].tolist())}
            for row in part.tolist():
                held = known[int(ids[row])]
                evidence[row] = self._graded(held, Evidence(int(evidence[row])))
        return replace(batch, evidence=evidence)

    def _graded(self, held: Held, given: Evidence) -> Evidence:
        """The grade of a load with the receipt that its firm's file gives it."""
        estimated = given is Evidence.ESTIMATED
        found = held.grade(self.firm, estimated=estimated, confirming=True)
        return found if given <= Evidence.ONE_SIDED else max(found, given)

    def look(self, session: Session, batch: LoadBatch, ids: Ints, same: Flags) -> int:
        """Note the loads of `same` rows, named as they stand, that wait for the firm's word; how
        many were not noted before.
        """
        before = len(self.confirming)
        named = ids[same & self._received(batch)].tolist()
        asked = [key for key in named if key not in self.confirming]
        alike, others = alike_loads(
            session, self.keys, self.firm, np.unique(np.array(asked, np.int64))
        )
        self._note_alike(alike, np.ones(len(alike.ids), np.bool_))
        for part in _parts(others):
            for held in held_of(session, self.keys, part.tolist()):
                self._note(held)
        return len(self.confirming) - before

    def take_up(self, session: Session, ids: Ints, events: Ints) -> None:
        """Note of loads (ascending) that were looked at when they had so many `events` those that
        still wait for the firm's word, and say what they said then.
        """
        alike, others = alike_loads(session, self.keys, self.firm, ids)
        stands = alike.version == events[np.searchsorted(ids, alike.ids)]
        self._note_alike(alike, stands)
        for part in _parts(np.sort(np.concatenate([others, alike.ids[~stands]]))):
            for held in held_of(session, self.keys, part.tolist(), lock=True):
                seen = int(events[np.searchsorted(ids, held.row.id)])
                if all(row.kind == EventKind.CONFIRMED for row in held.events[seen:]):
                    self._note(held)

    def _note_alike(self, alike: Alike, chosen: Flags) -> None:
        may = np.array([may_sign(held, self.firm) for held in alike.samples], np.bool_)
        grades = [int(held.grade(self.firm, confirming=True)) for held in alike.samples]
        found = alike.pick(np.flatnonzero(may[alike.shape] & chosen))
        if len(found.ids):
            self.alike.append((found, np.array(grades, np.int64)[found.shape]))
            self.confirming |= zip(found.ids.tolist(), found.version.tolist(), strict=True)
            self.firms |= {*found.columns.consignor.tolist(), *found.columns.consignee.tolist()}

    def _note(self, held: Held) -> None:
        if may_sign(held, self.firm):
            self.confirming[held.row.id] = len(held.events)
            self.firms |= {held.row.consignor_id, held.row.consignee_id}

    def _received(self, batch: LoadBatch) -> Flags:
        """Which loads of the firm have arrived."""
        firm = self.keys.ids["enterprise"].get(self.firm, 0)
        own = (batch.consignor_id == firm) | (batch.consignee_id == firm)
        return np.asarray(own & (batch.received_month > 0), np.bool_)

    def name_signer(self, session: Session) -> None:
        """Write down whose file it is."""
        session.add(BatchSignerRow(batch_id=self.batch_id, organisation=self.firm))

    def sign(
        self, session: Session, closed: Closed, now: datetime
    ) -> tuple[list[BulkRollup], list[Late]]:
        """Confirm the loads noted; returns what changes in the roll-up, and what of it is booked
        late.  Raises Overtaken if a load is another by now.
        """
        hold_loads(session, np.array(sorted(self.confirming), np.int64))
        changes = [
            self._sign_alike(session, found, grades, closed, now) for found, grades in self.alike
        ]
        signed = {key for found, _ in self.alike for key in found.ids.tolist()}
        others = sorted(key for key in self.confirming if key not in signed)
        changes += [
            self._sign(session, part, closed, now) for part in _parts(np.array(others, np.int64))
        ]
        return [item for found, _ in changes for item in found], [late for _, late in changes]

    def _sign(
        self, session: Session, ids: Ints, closed: Closed, now: datetime
    ) -> tuple[list[BulkRollup], Late]:
        found = held_of(session, self.keys, ids.tolist(), lock=True)
        seen = {held.row.id: len(held.events) for held in found}
        if seen != {key: self.confirming[key] for key in ids.tolist()}:
            raise Overtaken
        grades = np.array([held.grade(self.firm, confirming=True) for held in found], np.int64)
        earliest = np.array([_not_before(held) for held in found], np.int64)
        seqs = np.array([len(held.events) + 1 for held in found], np.int64)
        return self._write(session, ids, seqs, _columns(found), grades, earliest, closed, now)

    def _sign_alike(
        self, session: Session, alike: Alike, grades: Ints, closed: Closed, now: datetime
    ) -> tuple[list[BulkRollup], Late]:
        if not untouched(session, alike.ids, alike.version):
            raise Overtaken
        earliest = np.zeros(len(grades), np.int64)  # nothing of them is late
        seqs = alike.version + 1
        return self._write(session, alike.ids, seqs, alike.columns, grades, earliest, closed, now)

    def _write(
        self,
        session: Session,
        ids: Ints,
        seqs: Ints,
        before: LoadColumns,
        grades: Ints,
        earliest: Ints,
        closed: Closed,
        now: datetime,
    ) -> tuple[list[BulkRollup], Late]:
        """Write the signatures, in their months: those not before `earliest`."""
        after = replace(before, evidence=grades)
        changed = before.evidence != after.evidence
        floor = np.where(changed, before.dispatched_month, month_of_day(shanghai_day(now)))
        through = closed.of(before.consignor, before.consignee, before.holder)
        booked = np.maximum(booked_months(floor, through), earliest)
        sign_loads(session, ids, seqs, _CONFIRMED, after.evidence, booked, self.batch_id, now)
        rollups: list[BulkRollup] = []
        late: list[Late] = []
        for month in np.unique(booked[changed]).tolist():
            rows = np.flatnonzero(changed & (booked == month))
            rollups.append(load_difference(before, after, rows))
            late.append(late_part(rollups[-1], month))
        return rollups, merge_late(late)


def confirmed(signing: Signing | None) -> int:
    """How many loads in the books an import signs."""
    return 0 if signing is None else len(signing.confirming)


def may_sign(held: Held, firm: str) -> bool:
    """Whether a firm's word on a load as it stands is missing, as the move `confirm` asks."""
    flags = held.flags
    open_to = flags.unsigned and not (flags.disputed or flags.outside or flags.reversed_)
    return open_to and firm in held.parties - held.signed


def _parts(values: Ints) -> list[Ints]:
    return [values[start : start + PART] for start in range(0, len(values), PART)]


def _not_before(held: Held) -> int:
    """Month before which nothing more of the load is booked, 0 where nothing of it is late."""
    if all(row.booked_month <= held.row.dispatched_month for row in held.events):
        return 0
    return not_before(changes_of(held, held.header))


def _columns(loads: list[Held]) -> LoadColumns:
    """The loads as they post."""
    columns = columns_from_rows(LoadColumns, [_facts(held.row) for held in loads])
    assert isinstance(columns, LoadColumns)
    return columns


def _facts(row: ShipmentRow) -> tuple[int, ...]:
    named: dict[str, Any] = {
        "holder": row.holder_id,
        "consignor": row.consignor_id,
        "consignee": row.consignee_id,
        "parent_consignee": row.parent_consignee_id,
        "child": row.kind != "delivery",
        "material": row.material_id,
        "route": row.route_id,
        "gone": row.reversed_,
    }
    names = (name for name in LoadColumns.__struct_fields__)
    return tuple(int((named[n] if n in named else getattr(row, n)) or 0) for n in names)
