"""The proof of the months of booking: never before the month, later only past a close, late = late.

`flow_late` must be what the records say: the changes of each event or entry that are booked in a
later month than their own (core.booking).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, late_part, load_changes, merge_late
from wasteflow.core.periods import next_month
from wasteflow.core.postings_bulk import (
    BulkRollup,
    Difference,
    LoadColumns,
    bulk_load_postings,
    differences,
    merge,
    picked,
)
from wasteflow.core.records import EventKind, LoadHeader
from wasteflow.services.proof import Fault, event_of
from wasteflow_models.closes import MonthCloseRow
from wasteflow_models.convert import Keys, load_header
from wasteflow_models.live import header_history
from wasteflow_models.rollup import bulk_of

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Block = Mapping[str, Ints]


class Posted(Struct, frozen=True):
    """What records post, and which part of it is booked later than its month."""

    rollup: BulkRollup
    late: Late


class BookingProof:
    """Judges booked months; `after_closes` are the months a late booking can stand in."""

    def __init__(self, session: Session, keys: Keys) -> None:
        self.keys, self.session = keys, session
        closed = session.scalars(
            select(MonthCloseRow.month).distinct().order_by(MonthCloseRow.month)
        )
        self.after_closes = frozenset(next_month(month) for month in closed)

    def fault_of(self, booked_month: int, floor: int) -> str:
        """What is expected instead of a booked month, "" if it can be right."""
        if booked_month < floor:
            return f">= {floor}"
        if booked_month > floor and booked_month not in self.after_closes:
            return str(floor)
        return ""

    def plain(self, header: Block, event: Block) -> Flags:
        """Loads of a block (dispatch, or dispatch and decision) that need no second look.

        Booked no earlier than they happened, later only past a close, and not late where the
        decision re-keyed the dispatch.
        """
        sent, got, decided = _two_events(header, event)
        apart = decided & (sent["evidence"] != got["evidence"])
        first = header["dispatched_month"]
        on_time = (sent["booked_month"] == first) & (got["booked_month"] == first)
        good = self.can_be(sent["booked_month"], first)
        good &= ~decided | apart | self.can_be(got["booked_month"], header["received_month"])
        return np.asarray(good & (~apart | on_time), dtype=bool)

    def can_be(self, booked_month: Ints, floor: Ints) -> Flags:
        """Which booked months are that of the change, or past a close later."""
        late = (booked_month > floor) & np.isin(booked_month, sorted(self.after_closes))
        return np.asarray(late | (booked_month == floor), dtype=bool)

    def late_of(self, header: Block, event: Block, rows: Ints, loads: LoadColumns) -> Late:
        """The late postings of plain loads: `rows` of a block, and the same as columns."""
        if not len(rows):
            return {}
        sent, got, decided = _two_events(header, event)
        found: list[Late] = []
        first, second = sent["booked_month"][rows], got["booked_month"][rows]
        late = np.flatnonzero(first > loads.dispatched_month)
        for month in np.unique(first[late]).tolist():
            found.append(late_part(_dispatched(loads, late[first[late] == month]), month))
        late = np.flatnonzero(decided[rows] & (second > loads.received_month))
        for month in np.unique(second[late]).tolist():
            part = late[second[late] == month]
            sent_kg = _dispatched(loads, part)
            whole = bulk_load_postings(picked(loads, part))
            change = merge([whole, BulkRollup(sent_kg.keys, -sent_kg.kg, -sent_kg.n)])
            found.append(late_part(change, month))
        return merge_late(found)

    def load(self, header: Any, events: Sequence[Any], key: str, faults: list[Fault]) -> Late:
        """The late postings of one load whose events fold; wrong months go to `faults`."""
        found: list[Late] = []
        told = [(event_of(event), event.booked_month) for event in events]
        first = load_header(header, self.keys)
        revised: Mapping[int, LoadHeader] = {}
        if any(event.kind == EventKind.REVISED for event in events):
            first, revised = header_history(self.session, header.id, first)
        changes = load_changes(first, told, revised)
        for (event, _), change in zip(told, changes, strict=True):
            wrong = self.fault_of(change.booked_month, change.floor or event.month)
            if wrong:
                where = f"{key} event {event.seq} booked"
                found_month = str(change.booked_month)
                faults.append(Fault("booking_month", where, [header.doc_no], wrong, found_month))
            elif change.is_late:
                rollup = bulk_of(change.rollup, self.keys)
                found.append(late_part(rollup, change.booked_month))
        return merge_late(found)

    def entry(self, row: Any, key: str, faults: list[Fault]) -> bool:
        """Whether an entry is booked late; a wrong month goes to `faults`."""
        wrong = self.fault_of(row.booked_month, row.month)
        if wrong:
            found = str(row.booked_month)
            faults.append(Fault("booking_month", f"{key} booked", [row.doc_no], wrong, found))
        return not wrong and row.booked_month > row.month


def _two_events(header: Block, event: Block) -> tuple[dict[str, Ints], dict[str, Ints], Flags]:
    """Dispatch and second event of each load, and whether it has a second one."""
    last = max(len(event["seq"]) - 1, 0)
    start = np.searchsorted(event["shipment_id"], header["id"])
    many = np.searchsorted(event["shipment_id"], header["id"], side="right") - start
    if not len(event["seq"]):
        nothing = {name: np.zeros(len(start), np.int64) for name in event}
        return nothing, nothing, many > 1
    first, second = np.minimum(start, last), np.minimum(start + 1, last)
    sent = {name: column[first] for name, column in event.items()}
    got = {name: column[second] for name, column in event.items()}
    return sent, got, many > 1


def _dispatched(loads: LoadColumns, rows: Ints) -> BulkRollup:
    """What the loads at `rows` posted when they were dispatched."""
    part = picked(loads, rows)
    nothing = np.zeros(len(rows), np.int64)
    columns = {name: getattr(part, name) for name in LoadColumns.__struct_fields__}
    columns |= dict.fromkeys(("received_month", "received_kg", "accepted_kg"), nothing)
    return bulk_load_postings(LoadColumns(**columns))


def late_differences(expected: Late, found: Late) -> list[tuple[int, Difference]]:
    """(booked month, key that differs) between late rows of the records and the stored ones."""
    empty = merge([])
    return [
        (month, item)
        for month in sorted(expected.keys() | found.keys())
        for item in differences(expected.get(month, empty), found.get(month, empty))
    ]


def joined_late(parts: Iterable[Posted]) -> tuple[BulkRollup, Late]:
    """The sums of what records post and of its late part."""
    listed = list(parts)
    return merge([part.rollup for part in listed]), merge_late(part.late for part in listed)
