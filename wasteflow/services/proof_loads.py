"""The proof of loads by columns: whatever is plainly right passes, the rest is proved one by one.

A load passes if its events are a dispatch, or a dispatch and a decision - besides those that change
no figure (`proof_quiet`) - whose weights follow from what was given, which fold to exactly what its
header caches, and are booked no earlier than they happened.  Everything else - lost, reversed, dry,
revised, re-keyed and late, or wrong - goes to `proof.load_faults`, which names what does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, merge_late
from wasteflow.core.loads_bulk import dry_masses
from wasteflow.core.postings_bulk import BulkRollup, LoadColumns, bulk_load_postings
from wasteflow.core.records import LoadStatus
from wasteflow.services.proof import Fault, LoadFacts, family_faults, load_faults
from wasteflow.services.proof_booking import BookingProof, Posted
from wasteflow.services.proof_quiet import without_confirmed, without_quiet
from wasteflow_models import apart, scan
from wasteflow_models.convert import Keys
from wasteflow_models.parties import missing_senders
from wasteflow_models.words import EVENT_KINDS, LOAD_KINDS, STATES

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Block = Mapping[str, Ints]
_DISPATCHED, _DECIDED = EVENT_KINDS.index("dispatched"), EVENT_KINDS.index("decided")
_ROAD = STATES.index("in_transit")
_ACCEPTED, _PARTLY, _REFUSED = (
    STATES.index(word) for word in ("accepted", "partly_accepted", "refused")
)
_DELIVERY = LOAD_KINDS.index("delivery")
DST_ENDS = 700_000_000
"""Before 1992 Shanghai had summer time: such moments are proved one by one."""


def prove_loads(
    session: Session, booking: BookingProof, faults: list[Fault]
) -> Iterator[tuple[int, Posted]]:
    """(loads, postings) of every block of published loads; what does not hold goes to `faults`."""
    family, keys, marked = Families(), booking.keys, apart.Candidates()
    for header, told in scan.load_blocks(session):
        marked.add(header)
        event = without_quiet(told, lambda block: _quiet_holds(booking, block))
        event = without_confirmed(event, _months)
        plain = plainly_right(header, event) & _known_references(keys, header)
        plain &= booking.plain(header, event) & _days_in_order(header, told)
        rows = np.flatnonzero(plain)
        family.add(header, rows)
        loads = _columns(header, rows)
        late = booking.late_of(header, event, rows, loads)
        yield len(rows), Posted(bulk_load_postings(loads), late)
        others = header["id"][~plain]
        if len(others):
            yield _one_by_one(session, booking, others, family, faults)
    faults += family.faults(session)
    faults += [
        Fault("number_mismatch", f"shipment {doc_no}", [doc_no])
        for doc_no in scan.misnumbered(session)
    ]
    firm = keys.codes["enterprise"]
    faults += [
        Fault("sender_missing", f"link {firm.get(sent, sent)} → {firm.get(got, got)}")
        for sent, got in missing_senders(session)
    ]
    faults += _beside(session, marked)


def _beside(session: Session, marked: apart.Candidates) -> Iterator[Fault]:
    """Faults of the tables beside the loads that lists are read by."""
    wrong = apart.wrong_marks(session, marked)
    names = scan.doc_numbers(session, wrong.tolist())
    for key in wrong.tolist():
        number = names.get(key, str(key))
        yield Fault("load_apart_mismatch", f"shipment {number}", [number])
    for carrier, month in apart.missing_carried(session):
        yield Fault("carrier_month_missing", f"carrier {carrier} {month}")


def plainly_right(header: Block, event: Block) -> Flags:
    """Which loads of a block need no second look; see the module."""
    count = len(header["id"])
    start = np.searchsorted(event["shipment_id"], header["id"])
    many = np.searchsorted(event["shipment_id"], header["id"], side="right") - start
    first = np.minimum(start, max(len(event["seq"]) - 1, 0))
    second = np.minimum(start + 1, max(len(event["seq"]) - 1, 0))
    if not len(event["seq"]):
        return np.zeros(count, bool)
    sent = {name: column[first] for name, column in event.items()}
    got = {name: column[second] for name, column in event.items()}
    good = (many >= 1) & (many <= 2) & (header["reversed"] == 0) & (header["lost_month"] == 0)
    good &= _dispatch_holds(header, sent)
    decided = many == 2
    good &= np.where(decided, _decision_holds(header, got), _on_road(header))
    last = np.where(decided, got["evidence"], sent["evidence"])
    return np.asarray(good & (header["evidence"] == last), dtype=bool)


def _quiet_holds(booking: BookingProof, event: Block) -> Flags:
    """Whether an event that decides nothing is right: its weight, no parts, its month."""
    good = _weights_hold(event) & (event["accepted_kg"] == 0) & (event["refused_kg"] == 0)
    return np.asarray(good & booking.can_be(event["booked_month"], _months(event["at"])), bool)


def _days_in_order(header: Block, event: Block) -> Flags:
    """Which loads that a file brought whole were not decided on a day before their dispatch."""
    load, kind, day = event["shipment_id"], event["kind"], _days(event["at"])
    follows = (load[1:] == load[:-1]) & (kind[:-1] == _DISPATCHED) & (kind[1:] == _DECIDED)
    follows &= event["seq"][1:] == 2  # by hand an issue comes first
    wrong = load[1:][follows & (day[1:] < day[:-1])]
    return np.asarray(~np.isin(header["id"], wrong), dtype=bool)


def _days(at: Ints) -> Ints:
    """Days of Shanghai since 1970, by its offset since 1992."""
    return np.asarray((at + 8 * 3600) // 86_400)


def _dispatch_holds(header: Block, sent: Block) -> Flags:
    good = (sent["seq"] == 1) & (sent["kind"] == _DISPATCHED) & _weights_hold(sent)
    good &= (sent["accepted_kg"] == 0) & (sent["refused_kg"] == 0)
    good &= (header["dispatched_at"] == sent["at"]) & (header["dispatched_kg"] == sent["kg"])
    return np.asarray(good & (header["dispatched_month"] == _months(sent["at"])), dtype=bool)


def _decision_holds(header: Block, got: Block) -> Flags:
    good = (got["seq"] == 2) & (got["kind"] == _DECIDED) & _weights_hold(got)
    good &= got["kg"] == got["accepted_kg"] + got["refused_kg"]
    state = np.where(
        got["refused_kg"] == 0, _ACCEPTED, np.where(got["accepted_kg"] > 0, _PARTLY, _REFUSED)
    )
    good &= header["state"] == state
    pairs = (
        ("received_at", "at"),
        ("received_kg", "kg"),
        ("accepted_kg", "accepted_kg"),
        ("refused_kg", "refused_kg"),
    )
    for ours, theirs in pairs:
        good &= header[ours] == got[theirs]
    good &= header["received_month"] == _months(got["at"])
    return np.asarray(good, dtype=bool)


def _on_road(header: Block) -> Flags:
    good = header["state"] == _ROAD
    for name in ("received_at", "received_month", "received_kg", "accepted_kg", "refused_kg"):
        good = good & (header[name] == 0)
    return np.asarray(good, dtype=bool)


def _weights_hold(event: Block) -> Flags:
    """Wet, given as it counts, dry mass by the moisture."""
    good = (event["basis"] == 0) & (event["input_kg"] == event["kg"])
    good &= event["dry_kg"] == dry_masses(event["kg"], event["moisture"])
    return np.asarray(good & (event["at"] > DST_ENDS), dtype=bool)


def _months(at: Ints) -> Ints:
    """Reporting month (yyyymm) of seconds since 1970, by the offset of Shanghai since 1992."""
    since = _days(at).astype("datetime64[D]").astype("datetime64[M]")
    year, month = np.divmod(since.astype(np.int64), 12)
    return np.asarray((year + 1970) * 100 + month + 1)


def _known_references(keys: Keys, header: Block) -> Flags:
    """Every key of a header stands in the registry."""
    good = np.ones(len(header["id"]), bool)
    for kind, names in _REFERENCES.items():
        known = np.array(sorted(keys.ids[kind].values()) or [0], np.int64)
        for name in names:
            at = np.minimum(np.searchsorted(known, header[name]), len(known) - 1)
            blank = (header[name] == 0) if name in _MAY_BE_BLANK else np.zeros(len(good), bool)
            good &= (known[at] == header[name]) | blank
    return good


_REFERENCES = {
    "enterprise": ("consignor_id", "consignee_id", "holder_id", "parent_consignee_id"),
    "material": ("material_id",),
    "route": ("route_id",),
    "facility": ("from_facility_id", "to_facility_id"),
}
_MAY_BE_BLANK = ("parent_consignee_id", "from_facility_id", "to_facility_id")


def _columns(header: Block, rows: Ints) -> LoadColumns:
    part = {name: column[rows] for name, column in header.items()}
    return LoadColumns(
        holder=part["holder_id"],
        consignor=part["consignor_id"],
        consignee=part["consignee_id"],
        parent_consignee=part["parent_consignee_id"],
        child=(part["kind"] != _DELIVERY).astype(np.int64),
        from_outside=part["from_outside"],
        to_outside=part["to_outside"],
        material=part["material_id"],
        route=part["route_id"],
        evidence=part["evidence"],
        trips=part["trips"],
        dispatched_month=part["dispatched_month"],
        dispatched_kg=part["dispatched_kg"],
        received_month=part["received_month"],
        received_kg=part["received_kg"],
        accepted_kg=part["accepted_kg"],
        lost_month=part["lost_month"],
        gone=part["reversed"],
    )


def _one_by_one(
    session: Session, booking: BookingProof, ids: Ints, family: Families, faults: list[Fault]
) -> tuple[int, Posted]:
    """Loads that are not plainly right: folded, named, and posted by what their events say."""
    rows: list[dict[str, int]] = []
    late: list[Late] = []
    keys = booking.keys
    firm = keys.codes["enterprise"]
    count = 0
    for header, events in scan.loads_of(session, ids.tolist()):
        count += 1
        key = f"shipment {firm.get(header.consignor_id, '?')} {header.doc_no}"
        unknown = _unknown(keys, header)
        if unknown:
            faults.append(Fault("unknown_reference", key, [header.doc_no], found=unknown))
            continue
        status, found = load_faults(header, events, key)
        faults += found
        if status is not None:
            rows.append(_folded(header, status))
            late.append(booking.load(header, events, key, faults))
    block = {name: np.array([row[name] for row in rows], np.int64) for name in _FOLDED}
    family.add(block, np.arange(len(rows)))
    rollup = bulk_load_postings(_columns(block, np.arange(len(rows))))
    return count, Posted(rollup, merge_late(late))


def rollup_of(header: Any, status: LoadStatus) -> BulkRollup:
    """What one load posts, its status being what its events say."""
    row = _folded(header, status)
    block = {name: np.array([value], np.int64) for name, value in row.items()}
    return bulk_load_postings(_columns(block, np.arange(1)))


def _unknown(keys: Keys, header: Any) -> str:
    """The first reference of a header that is in no registry table, "" if all are."""
    for kind, names in _REFERENCES.items():
        known = keys.codes[kind]
        for name in names:
            value = getattr(header, name) or 0
            if value not in known or (value == 0 and name not in _MAY_BE_BLANK):
                return f"{name} {value}"
    return ""


_FOLDED = (
    "id", "kind", "holder_id", "consignor_id", "consignee_id", "parent_id", "parent_consignee_id",
    "material_id", "route_id", "from_outside", "to_outside", "trips", "evidence",
    "dispatched_month", "dispatched_kg", "received_month", "received_kg", "accepted_kg",
    "refused_kg", "lost_month", "reversed",
)  # fmt: skip


def _folded(header: Any, status: LoadStatus) -> dict[str, int]:
    """The block columns of a load whose status is what its events say."""
    found = {name: int(getattr(header, name, 0) or 0) for name in _FOLDED if name != "kind"}
    found["kind"] = LOAD_KINDS.index(header.kind)
    for name in (
        "dispatched_month", "dispatched_kg", "received_month", "received_kg", "accepted_kg",
        "refused_kg", "lost_month",
    ):  # fmt: skip
        found[name] = int(getattr(status, name))
    return found | {"evidence": int(status.evidence), "reversed": int(status.reversed_)}


class Families:
    """Refused parts and children seen so far; judged when all are known."""

    def __init__(self) -> None:
        self._parents: list[Ints] = []
        self._children: list[Ints] = []
        self._bad: list[int] = []

    def add(self, block: Block, rows: Ints) -> None:
        """Note the parents and children among `rows` of a block."""
        part = {name: column[rows] for name, column in block.items()}
        alive = part["reversed"] == 0
        delivery = part["kind"] == _DELIVERY
        wrong = delivery & ((part["holder_id"] != part["consignor_id"]) | (part["parent_id"] != 0))
        self._bad += part["id"][wrong].tolist()
        parent = alive & (part["refused_kg"] > 0)
        names = ("id", "holder_id", "consignee_id", "refused_kg")
        self._parents.append(np.column_stack([part[name][parent] for name in names]))
        child = alive & ~delivery & (part["dispatched_month"] > 0)
        columns = ("id", "parent_id", "holder_id", "parent_consignee_id", "dispatched_kg")
        self._children.append(np.column_stack([part[name][child] for name in columns]))

    def faults(self, session: Session) -> list[Fault]:
        """Children without parent, with another's ends, or with more than was refused."""
        parents = {
            row[0]: LoadFacts("", row[1], row[2], row[3])
            for block in self._parents
            for row in block.tolist()
        }
        children = sorted(tuple(row) for block in self._children for row in block.tolist())
        listed = scan.child_pairs(session)
        numbers = scan.doc_numbers(
            session, [*self._bad, *(row[0] for row in children), *(row[1] for row in children)]
        )
        found = [
            Fault("header_mismatch", f"shipment {numbers[key]}", [numbers[key]])
            for key in self._bad
        ]
        for key, parent_id, holder, consignee, kg in children:
            name = numbers.get(key, "?")
            facts = parents.get(parent_id)
            if facts is None or (parent_id, key) not in listed:
                found.append(Fault("parent_missing", f"shipment {name}", [name]))
                continue
            facts.doc_no = numbers.get(parent_id, "?")
            facts.children_kg += kg
            facts.children.append(name)
            if (holder, consignee) != (facts.holder_id, facts.consignee_id):
                found.append(Fault("header_mismatch", f"shipment {name}", [name, facts.doc_no]))
        return [*found, *family_faults(parents)]
