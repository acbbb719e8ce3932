"""The whole roll-up as the database holds it, for whoever proves it or makes it anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, union
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late
from wasteflow.core.columns import positions_in
from wasteflow.core.postings_bulk import KEY_COLUMNS, BulkRollup
from wasteflow_models.flow_columns import read_month, read_places
from wasteflow_models.late_rows import all_late
from wasteflow_models.ledger import FlowMonthRow, FlowPartRow

Ints = NDArray[np.int64]


def stored_rollup(session: Session) -> BulkRollup:
    """The whole roll-up as the database holds it, past what is kept; in no particular order.

    An end that is no place has kind 0 and its id as first argument.
    """
    ids, *places = read_places(session)
    held = [select(row.material_id, row.month) for row in (FlowMonthRow, FlowPartRow)]
    query = union(*held).order_by("material_id", "month")
    nothing = np.zeros(0, np.int64)
    keys, kg, n = [np.zeros((0, KEY_COLUMNS), np.int64)], [nothing], [nothing]
    for material_id, month in session.execute(query):
        part = read_month(session, material_id, month)
        count = len(part.kg)
        ends = [_spelt(column.astype(np.int64), ids, places) for column in part[:2]]
        rest = [np.full(count, material_id), part.route, part.evidence]
        keys.append(np.column_stack([np.full(count, month), *ends, *rest]).astype(np.int64))
        kg.append(part.kg)
        n.append(part.n)
    return BulkRollup(np.concatenate(keys), np.concatenate(kg), np.concatenate(n))


def stored_late(session: Session) -> Late:
    """Booked month → the late rows booked in it as the database holds them, in no order."""
    ids, *places = read_places(session)
    found: Late = {}
    for booked_month, columns in all_late(session):
        material, month, source, target, route, evidence, kg, n = columns
        ends = [_spelt(column, ids, places) for column in (source, target)]
        keys = np.column_stack([month, *ends, material, route, evidence]).astype(np.int64)
        found[booked_month] = BulkRollup(keys, kg, n)
    return found


def _spelt(wanted: Ints, ids: Ints, places: Sequence[Ints]) -> Ints:
    """(kind, a, b) of place ids."""
    rows = positions_in([ids], [wanted])
    kind, a, b = (np.where(rows < 0, 0, np.append(column, 0)[rows]) for column in places)
    return np.column_stack([kind, np.where(rows < 0, wanted, a), b])
