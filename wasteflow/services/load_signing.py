"""What a firm's own file signs of loads that are in the books: completions graded, known confirmed.

A load in the books that the file of one of its firms names alike is signed by that firm, as if it
had confirmed it by hand; evidence follows from the signatures, so it does not matter who sent first
or by which door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.booking import booked_months, late_part, merge_late, not_before
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.postings_bulk import (
    BulkRollup,
    LoadColumns,
    bulk_load_postings,
    columns_from_rows,
    merge,
    picked,
)
from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.again import Overtaken
from wasteflow.services.live.held import Held, held_rows
from wasteflow.services.live.writing import changes_of
from wasteflow_models.convert import Keys
from wasteflow_models.late import Closed
from wasteflow_models.ledger import EVENT_KINDS, ShipmentRow
from wasteflow_models.load_store import sign_loads

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
PART = 500
"""Loads held at once."""


def graded(
    session: Session, keys: Keys, signer: str, batch: LoadBatch, ids: Ints, rows: Ints
) -> LoadBatch:
    """The batch with the grade that each receipt at `rows` gives the load on the road of its id."""
    evidence = batch.evidence.copy()
    for part in _parts(rows):
        known = {held.row.id: held for held in _held(session, keys, ids[part].tolist())}
        for row in part.tolist():
            held, given = known[int(ids[row])], Evidence(int(evidence[row]))
            found = held.grade(signer, estimated=given is Evidence.ESTIMATED, confirming=True)
            evidence[row] = found if given <= Evidence.ONE_SIDED else max(found, given)
    return replace(batch, evidence=evidence)


def unsigned(session: Session, keys: Keys, signer: str, ids: Sequence[int]) -> dict[int, int]:
    """Id → version of the loads that `signer` can confirm: decided, undisputed, not signed yet."""
    found = {}
    for part in _parts(np.array(ids, np.int64)):
        for held in _held(session, keys, part.tolist()):
            if may_sign(held, signer):
                found[held.row.id] = held.version
    return found


def may_sign(held: Held, signer: str) -> bool:
    """Whether a firm's word on a load as it stands is missing, as the move `confirm` asks."""
    flags = held.flags
    open_to = flags.unsigned and not (flags.disputed or flags.outside or flags.reversed_)
    return open_to and signer in held.parties - held.signed


def sign(
    session: Session,
    keys: Keys,
    signer: str,
    loads: dict[int, int],
    closed: Closed,
    batch_id: int,
    now: datetime,
) -> tuple[list[BulkRollup], list[dict[int, BulkRollup]]]:
    """Confirm loads (id → version that was looked at); returns what changes in the roll-up, and
    what of it is booked late.  Raises Overtaken if one of them is another by now.
    """
    rollups: list[BulkRollup] = []
    late: list[dict[int, BulkRollup]] = []
    for part in _parts(np.array(sorted(loads), np.int64)):
        ids = part.tolist()
        found = _held(session, keys, ids, lock=True)
        if any(held.version != loads[held.row.id] for held in found) or len(found) != len(ids):
            raise Overtaken
        grades = np.array([int(held.grade(signer, confirming=True)) for held in found], np.int64)
        before = _columns(found)
        after = replace(before, evidence=grades)
        changed = before.evidence != grades
        floor = np.where(changed, before.dispatched_month, month_of_day(shanghai_day(now)))
        through = closed.of(before.consignor, before.consignee, before.holder)
        earliest = np.array([_not_before(held) for held in found], np.int64)
        booked = np.maximum(booked_months(floor, through), earliest)
        seqs = np.array([len(held.events) + 1 for held in found], np.int64)
        kind = EVENT_KINDS.index(EventKind.CONFIRMED)
        sign_loads(session, part, seqs, kind, grades, booked, batch_id, now)
        for month in np.unique(booked[changed]).tolist():
            rows = np.flatnonzero(changed & (booked == month))
            difference = _difference(before, after, rows)
            rollups.append(difference)
            late.append(late_part(difference, month))
    return rollups, [merge_late(late)]


def _parts(values: Ints) -> list[Ints]:
    return [values[start : start + PART] for start in range(0, len(values), PART)]


def _held(session: Session, keys: Keys, ids: list[int], *, lock: bool = False) -> list[Held]:
    query = select(ShipmentRow).where(ShipmentRow.id.in_(ids)).order_by(ShipmentRow.id)
    if lock:
        query = query.with_for_update()
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return held_rows(session, keys, rows)


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
    names = (item.name for item in fields(LoadColumns))
    return tuple(int((named[n] if n in named else getattr(row, n)) or 0) for n in names)


def _difference(before: LoadColumns, after: LoadColumns, rows: Ints) -> BulkRollup:
    """What the loads at `rows` post after minus what they posted before."""
    old = bulk_load_postings(picked(before, rows))
    new = bulk_load_postings(picked(after, rows))
    return merge([BulkRollup(old.keys, -old.kg, -old.n), new])
