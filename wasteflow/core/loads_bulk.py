"""Plain deliveries in columns: their rules as vectorised twins of the scalar ones; no text parsing.

A row is admitted only if conservative conditions prove that the one-by-one path would take it;
nothing is refused here.  A property test holds both paths equal.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.postings_bulk import LoadColumns
from wasteflow.core.rules import USUAL_TOLERANCE, WHOLE, Tolerance
from wasteflow.core.vocabulary import Evidence, LoadState

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = list[str] | str
"""One text a row ("" = none), or a single text where all rows have the same."""


NONE = -1
"""A mass or moisture that is not given."""
MOST_KG = 10**12
"""Masses beyond it are left to the one-by-one path: products of them would not fit 64 bits."""
STATES = (
    LoadState.IN_TRANSIT,
    LoadState.ACCEPTED,
    LoadState.PARTLY_ACCEPTED,
    LoadState.REFUSED,
)
"""The states a plain delivery can have, by their number in `JudgedLoads.state`."""


class LoadBatch(Struct, frozen=True):
    """Checked deliveries of a file, one element a load, in file order; no children.

    Ids are those of the registry keys (0 = none); masses whole kilograms, wet unless `dry`;
    `*_input_kg` as given; -1 = no dry mass, no moisture (thousandths of a per cent).  `*_at` are
    whole seconds since 1970 UTC, `*_month` yyyymm and `*_day` proleptic ordinals
    (`date.toordinal`) in Asia/Shanghai; 0 in every `received_*` column = in transit.  The inputs
    of a receipt are 0 (mass) and -1 (moisture, dry) for a load in transit.  `evidence` are
    `Evidence` values; `state` is in_transit, accepted, partly_accepted or refused.
    """

    line: Ints
    doc_no: list[str]
    consignor_id: Ints
    consignee_id: Ints
    material_id: Ints
    route_id: Ints
    from_facility_id: Ints
    to_facility_id: Ints
    from_outside: Flags
    to_outside: Flags
    trips: Ints
    mode: Texts
    vehicle: Texts
    carrier: Texts
    handler: Texts
    ticket_no: Texts
    remark: Texts
    reason: Texts
    basis: Texts
    weighed: Texts
    dispatched_at: Ints
    dispatched_month: Ints
    dispatched_day: Ints
    dispatched_kg: Ints
    dispatch_input_kg: Ints
    dispatch_dry_kg: Ints
    moisture: Ints
    received_at: Ints
    received_month: Ints
    received_day: Ints
    received_kg: Ints
    receipt_input_kg: Ints
    receipt_dry_kg: Ints
    receipt_moisture: Ints
    accepted_kg: Ints
    refused_kg: Ints
    evidence: Ints
    state: Texts

    def __len__(self) -> int:
        return len(self.doc_no)


def posting_columns(
    batch: LoadBatch,
    child: Ints | None = None,
    holder: Ints | None = None,
    parent_consignee: Ints | None = None,
) -> LoadColumns:
    """The columns `bulk_load_postings` needs, with the ids of the batch.

    child, holder, parent_consignee: what children of refused parts have beside their load.
    """
    zero = np.zeros(len(batch), np.int64)
    return LoadColumns(
        holder=batch.consignor_id if holder is None else holder,
        consignor=batch.consignor_id,
        consignee=batch.consignee_id,
        parent_consignee=zero if parent_consignee is None else parent_consignee,
        child=zero if child is None else child,
        from_outside=batch.from_outside.astype(np.int64),
        to_outside=batch.to_outside.astype(np.int64),
        material=batch.material_id,
        route=batch.route_id,
        evidence=batch.evidence,
        trips=batch.trips,
        dispatched_month=batch.dispatched_month,
        dispatched_kg=batch.dispatched_kg,
        received_month=batch.received_month,
        received_kg=batch.received_kg,
        accepted_kg=batch.accepted_kg,
        lost_month=zero,
        gone=zero,
    )


# --- rules -----------------------------------------------------------------------------------


class StatedLoads(Struct, frozen=True):
    """What rows of wet deliveries state, one element a row.

    Kilograms and moistures are `NONE` where the cell is blank; a mass that is negative or beyond
    `MOST_KG` stands as `MOST_KG` + 1.  `receipt_timed` tells whether a time of receipt is given;
    `*_bare` marks days given without a time.  `cap_kg` is the payload cap of one trip (0 = none);
    `asked` the evidence asked for (`NONE` if none); `estimated` that it was not weighed; `own` that
    one of its firms sends the file, which is its signature.
    """

    sent_kg: Ints
    received_kg: Ints
    accepted_kg: Ints
    refused_kg: Ints
    moisture: Ints
    receipt_moisture: Ints
    sent_at: Ints
    sent_day: Ints
    sent_bare: Flags
    receipt_timed: Flags
    received_at: Ints
    received_day: Ints
    received_bare: Flags
    trips: Ints
    cap_kg: Ints
    asked: Ints
    estimated: Flags
    own: Flags


class JudgedLoads(Struct, frozen=True):
    """What follows from `StatedLoads`; only elements with `sure` mean anything.

    Masses are complete (0 in receipt columns of a load in transit); `decided` has a receipt, at
    the time of dispatch where `receipt_at_dispatch`.  `over_cap`, `wide_gap` (a reason is due),
    `disputed` and `too_good` (better evidence than the importer may assert) are findings; `state`
    is a position in `STATES`.
    """

    sure: Flags
    decided: Flags
    receipt_at_dispatch: Flags
    sent_kg: Ints
    received_kg: Ints
    accepted_kg: Ints
    refused_kg: Ints
    dry_kg: Ints
    receipt_dry_kg: Ints
    over_cap: Flags
    wide_gap: Flags
    disputed: Flags
    too_good: Flags
    evidence: Ints
    state: Ints


def judge(loads: StatedLoads, tolerance: Tolerance = USUAL_TOLERANCE) -> JudgedLoads:
    """Complete the weights, order the times, and grade the evidence (4-contract 4.3 and 4.5)."""
    sure, decided, masses = _complete(loads)
    sent, received, accepted, refused = masses
    in_order, at_dispatch = _ordered(loads, decided)
    cap = loads.cap_kg * loads.trips
    capped = loads.cap_kg > 0
    sure &= in_order & ~(capped & (sent > 2 * cap))
    dry = dry_masses(sent, loads.moisture)
    receipt_moisture = np.where(decided, loads.receipt_moisture, NONE)
    receipt_dry = dry_masses(received, receipt_moisture)
    both_dry = (loads.moisture != NONE) & (receipt_moisture != NONE)
    whole = np.where(both_dry, dry, sent)
    gap = WHOLE * np.abs(np.where(both_dry, receipt_dry, received) - whole)
    disputed = decided & (gap > tolerance.dispute * whole)
    best = np.where(loads.own, int(Evidence.ONE_SIDED), int(Evidence.IMPORTED))
    grade = np.maximum(loads.asked, best)
    grade = np.where(loads.estimated, np.maximum(grade, int(Evidence.ESTIMATED)), grade)
    state = np.where(refused == 0, 1, np.where(accepted > 0, 2, 3))
    return JudgedLoads(
        sure=sure,
        decided=decided,
        receipt_at_dispatch=at_dispatch,
        sent_kg=sent,
        received_kg=received,
        accepted_kg=accepted,
        refused_kg=refused,
        dry_kg=dry,
        receipt_dry_kg=receipt_dry,
        over_cap=capped & (sent > cap),
        wide_gap=decided & (gap > tolerance.reason * whole),
        disputed=disputed,
        too_good=(loads.asked != NONE) & (loads.asked < best),
        evidence=np.where(disputed, int(Evidence.DISPUTED), grade),
        state=np.where(decided, state, 0),
    )


def dry_masses(wet_kg: Ints, moisture: Ints) -> Ints:
    """Dry kilograms, rounded half to even as `units.dry_from_wet` does; `NONE` without moisture.

    >>> dry_masses(np.array([100_000, 5]), np.array([20_000, 50_000])).tolist()
    [80000, 2]
    """
    exact = wet_kg * (100_000 - moisture)
    whole = exact // 100_000
    rest = exact - whole * 100_000
    whole += (rest > 50_000) | ((rest == 50_000) & (whole % 2 == 1))
    return np.where(moisture == NONE, NONE, whole)


def _complete(loads: StatedLoads) -> tuple[Flags, Flags, tuple[Ints, Ints, Ints, Ints]]:
    """(sure, decided, (sent, received, accepted, refused)): the twin of `row_rules`.

    Two of received, accepted, refused give the third; one of sent and received gives the other.
    """
    given = [loads.sent_kg, loads.received_kg, loads.accepted_kg, loads.refused_kg]
    has_sent, has_received, has_accepted, has_refused = (kg != NONE for kg in given)
    sure = (loads.sent_kg != 0) & (has_sent | has_accepted)
    for kg in given:
        sure &= kg <= MOST_KG
    weighed = has_received | has_accepted | has_refused
    decided = weighed | loads.receipt_timed
    # A receipt without any weight: what was sent is taken as accepted.
    accepted = np.where(weighed, loads.accepted_kg, np.where(decided, loads.sent_kg, 0))
    has_accepted |= decided & ~weighed
    refused = np.where(has_refused, loads.refused_kg, 0)
    received = np.where(has_received, loads.received_kg, 0)
    rest = np.where(has_received, received - refused, 0)
    accepted = np.where(has_accepted, accepted, rest)
    rest = np.where(has_received, received - accepted, 0)
    refused = np.where(has_refused, refused, rest)
    received = np.where(has_received, received, accepted + refused)
    whole = (received == accepted + refused) & (accepted >= 0) & (refused >= 0) & (received > 0)
    sure &= whole | ~decided
    sent = np.where(has_sent, loads.sent_kg, received)
    received, accepted, refused = (np.where(decided, kg, 0) for kg in (received, accepted, refused))
    return sure, decided, (sent, received, accepted, refused)


def _ordered(loads: StatedLoads, decided: Flags) -> tuple[Flags, Flags]:
    """(times in order, receipt counts at the time of dispatch).

    A day without a time is not before another moment of the same day.
    """
    before = loads.receipt_timed & (loads.received_at < loads.sent_at)
    same_day = (loads.sent_day == loads.received_day) & (loads.sent_bare | loads.received_bare)
    return ~before | same_day, decided & (~loads.receipt_timed | before)
