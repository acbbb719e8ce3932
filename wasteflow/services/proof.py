"""The checks behind `wasteflow check`: one small function per law, each returns its faults.

Fold = cache, weights follow from what was given, reversals mirror, children stay within the
refused part.  The roll-up is compared in `checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from wasteflow.core.errors import RuleBroken
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.records import (
    RECEIPTS,
    WEIGHED,
    Event,
    EventKind,
    LoadStatus,
    fold,
)
from wasteflow.core.units import dry_from_wet, wet_from_dry
from wasteflow.core.vocabulary import Evidence


class Fault(Struct, frozen=True):
    """A law of the books that does not hold: `key` says where, `records` which documents."""

    code: str
    key: str
    records: Sequence[str] = ()
    expected: str = ""
    found: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON shape of 4-contract 4.3."""
        return {
            "code": self.code,
            "key": self.key,
            "records": list(self.records),
            "expected": self.expected,
            "found": self.found,
        }


class LoadFacts(Struct):
    """What the proof remembers of a load to check its children."""

    doc_no: str
    holder_id: int
    consignee_id: int
    refused_kg: int
    children_kg: int = 0
    children: list[str] = field(default_factory=list)


def event_of(row: Any) -> Event:
    """Core event of an event row."""
    return Event(
        row.seq,
        EventKind(row.kind),
        row.at,
        row.kg,
        row.accepted_kg,
        row.refused_kg,
        Evidence(row.evidence),
    )


def load_faults(
    header: Any, events: Sequence[Any], key: str
) -> tuple[LoadStatus | None, list[Fault]]:
    """The fold of a load's events (None if they do not fold) and what is wrong with it."""
    faults = [fault for event in events for fault in _event_faults(event, key, header.doc_no)]
    try:
        status = fold(event_of(event) for event in events)
    except (RuleBroken, ValueError) as error:
        code = error.code if isinstance(error, RuleBroken) else "illegal_event"
        return None, [*faults, Fault(code, key, [header.doc_no], found=str(error))]
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        faults.append(Fault("event_sequence", key, [header.doc_no]))
    cached = {
        "state": header.state,
        "dispatched_month": header.dispatched_month,
        "dispatched_kg": header.dispatched_kg,
        "received_month": header.received_month,
        "received_kg": header.received_kg,
        "accepted_kg": header.accepted_kg,
        "refused_kg": header.refused_kg,
        "lost_month": header.lost_month,
        "evidence": header.evidence,
        "reversed_": header.reversed,
        "dispatched_at": header.dispatched_at,
        "received_at": header.received_at,
    }
    for name, value in cached.items():
        folded = getattr(status, name)
        if folded != value:
            where = f"{key} {name.rstrip('_')}"
            faults.append(Fault("fold_mismatch", where, [header.doc_no], str(folded), str(value)))
    return status, [*faults, *_order_faults(header, events, key)]


def _order_faults(header: Any, events: Sequence[Any], key: str) -> list[Fault]:
    """No event happened on an earlier day than the one before it.

    Said of what a file or a command brings; what people write later about an earlier day - a
    receipt, a revision - has its order by the rules of its move.
    """
    told = [event for event in events if event.kind in _OF_FILES]
    if len(told) < len(events):
        return []
    days = [shanghai_day(event.at) for event in events]
    return [
        Fault(
            "event_arithmetic",
            f"{key} event {event.seq} day",
            [header.doc_no],
            f">= {before}",
            str(day),
        )
        for event, before, day in zip(events[1:], days, days[1:], strict=False)
        if day < before
    ]


def _event_faults(row: Any, key: str, doc_no: str) -> list[Fault]:
    """Arithmetic of one event row: its weight, and nothing where its kind has nothing."""
    where = f"{key} event {row.seq}"
    faults = _weights(row, where, doc_no)
    parts = (row.accepted_kg, row.refused_kg)
    if row.kind not in _PARTED and parts != (0, 0):
        found = f"{row.accepted_kg} / {row.refused_kg}"
        faults.append(Fault("event_arithmetic", where, [doc_no], "0 / 0", found))
    if row.kind not in WEIGHED and row.kg:
        faults.append(Fault("event_arithmetic", where, [doc_no], "0", str(row.kg)))
    return faults


_OF_FILES = frozenset({EventKind.DISPATCHED, EventKind.DECIDED, EventKind.LOST, EventKind.REVERSED})
_PARTED = RECEIPTS | {EventKind.SETTLED}


def _weights(row: Any, key: str, doc_no: str) -> list[Fault]:
    """kg and dry_kg follow from input_kg, basis and moisture."""
    code = "entry_arithmetic" if hasattr(row, "day") else "event_arithmetic"
    if row.basis == "dry" and row.moisture is not None:
        expected = wet_from_dry(row.input_kg, row.moisture), row.input_kg
    elif row.moisture is not None:
        expected = row.input_kg, dry_from_wet(row.input_kg, row.moisture)
    else:
        expected = row.input_kg, None
    if (row.kg, row.dry_kg) != expected:
        found = f"{row.kg} / {row.dry_kg}"
        return [Fault(code, key, [doc_no], f"{expected[0]} / {expected[1]}", found)]
    return []


def entry_faults(row: Any, key: str) -> list[Fault]:
    """Arithmetic of one entry row."""
    faults = _weights(row, key, row.doc_no)
    month = month_of_day(row.day)
    if row.month != month:
        faults.append(
            Fault("entry_arithmetic", f"{key} month", [row.doc_no], str(month), str(row.month))
        )
    if row.kind == "stocktake":
        expected_kg = row.kg - (row.book_kg or 0)
        if row.book_kg is None or row.difference_kg != expected_kg:
            faults.append(
                Fault(
                    "stocktake_arithmetic",
                    key,
                    [row.doc_no],
                    str(expected_kg),
                    str(row.difference_kg),
                )
            )
    elif row.difference_kg or row.book_kg is not None:
        faults.append(Fault("stocktake_arithmetic", key, [row.doc_no], "0", str(row.difference_kg)))
    return faults


_MIRRORED = (
    "enterprise_id",
    "kind",
    "material_id",
    "route_id",
    "day",
    "kg",
    "difference_kg",
    "compartment",
    "evidence",
)


def reversal_faults(
    reversals: Sequence[Any], originals: Mapping[int, Any], name: Callable[[Any], str]
) -> list[Fault]:
    """A reversing row mirrors what it reverses."""
    faults = []
    for row in reversals:
        original = originals.get(row.reverses_id)
        differing = (
            ["missing"]
            if original is None
            else [field for field in _MIRRORED if getattr(row, field) != getattr(original, field)]
        )
        if differing:
            documents = [row.doc_no] if original is None else [row.doc_no, original.doc_no]
            faults.append(
                Fault("reversal_mismatch", name(row), documents, found=", ".join(differing))
            )
    return faults


def family_faults(facts: Mapping[int, LoadFacts]) -> list[Fault]:
    """Children took no more than was refused."""
    return [
        Fault(
            "child_over_refused",
            f"shipment {item.doc_no}",
            [item.doc_no, *item.children],
            f"<= {item.refused_kg}",
            str(item.children_kg),
        )
        for _, item in sorted(facts.items())
        if item.children_kg > item.refused_kg
    ]
