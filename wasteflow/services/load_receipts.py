"""Receipts that a file gives loads on the road: made ready while others write, then written.

Making them ready - columns, months they are booked in, what moves in the roll-up - takes as long
as writing them, and reads nothing: a large file does it before it is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late, booked_months, late_part, load_difference
from wasteflow.core.postings_bulk import (
    BulkRollup,
    LoadColumns,
    bulk_load_postings,
    columns_from_rows,
)
from wasteflow.services.load_known import Facts, Known
from wasteflow_models.late import Closed
from wasteflow_models.load_pack import CAN_PACK
from wasteflow_models.receipts import complete_loads, move_receipts, pack_receipts

Ints = NDArray[np.int64]


class Receipts(Struct, frozen=True):
    """Receipts of loads (ascending): columns as `receipts.complete_loads` wants them.

    rollups: what they move, each with its sign; late: what of it is booked later than its month;
    packed: the same as a database to be written from, b"" where they are written from columns.
    """

    ids: Ints
    columns: dict[str, Any]
    rollups: list[tuple[BulkRollup, int]]
    late: list[Late]
    packed: bytes = b""

    def __len__(self) -> int:
        return len(self.ids)

    def write(self, session: Session, batch_id: int, now: datetime) -> bool:
        """Write them; False if one of the loads is no longer on the road."""
        if not len(self):
            return True
        if self.packed:
            return move_receipts(session, len(self), batch_id, now)
        return complete_loads(session, self.ids, self.columns, batch_id, now)


def ready_receipts(loads: Sequence[Known], closed: Closed, *, pack: bool = False) -> Receipts:
    """The receipts of loads on the road, as months are `closed`; nothing is read or written.

    pack: for a writer who attaches them to the transaction that writes them, where that is known.
    """
    if not loads:
        return Receipts(np.zeros(0, np.int64), {}, [], [])
    ordered = sorted(loads, key=lambda known: known.shipment_id)
    ids = np.array([known.shipment_id for known in ordered], np.int64)
    columns: dict[str, Any] = {}
    for name in ordered[0].values:
        values = [known.values[name] for known in ordered]
        columns[name] = values if isinstance(values[0], str) else np.array(values, np.int64)
    before, after = (_columns([getattr(k, side) for k in ordered]) for side in ("before", "after"))
    sent = np.array([known.dispatch_booked for known in ordered], np.int64)
    floor, booked = _months(closed, before, after, sent)
    columns["booked_month"] = booked
    late = []
    for month in np.unique(booked[booked > floor]).tolist():
        rows = np.flatnonzero(booked == month)
        late.append(late_part(load_difference(before, after, rows), month))
    rollups = [(bulk_load_postings(before), -1), (bulk_load_postings(after), 1)]
    packed = pack_receipts(ids, columns) if pack and CAN_PACK else b""
    return Receipts(ids, columns, rollups, late, packed)


def _months(
    closed: Closed, before: LoadColumns, after: LoadColumns, sent: Ints
) -> tuple[Ints, Ints]:
    """The earliest month each receipt changes, and the month it is booked in.

    A receipt that changes the evidence re-keys the dispatch; one of a load that was itself booked
    late (`sent`) is not booked before it.
    """
    re_keyed = before.evidence != after.evidence
    floor = np.where(re_keyed, after.dispatched_month, after.received_month)
    through = closed.of(after.consignor, after.consignee, after.holder)
    earliest = np.where(sent > after.dispatched_month, sent, 0)
    return floor, np.maximum(booked_months(floor, through), earliest)


def _columns(loads: list[Facts]) -> LoadColumns:
    columns = columns_from_rows(LoadColumns, loads)
    assert isinstance(columns, LoadColumns)
    return columns
