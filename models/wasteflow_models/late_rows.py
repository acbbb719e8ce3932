"""Reading of `flow_late`: which months hold late rows, and the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow_models.closes import FlowLateRow
from wasteflow_models.engine import SNAPSHOT
from wasteflow_models.raw import read_ints

Ints = NDArray[np.int64]


def last_booked(session: Session) -> dict[tuple[int, int], int]:
    """(material id, month) → the latest month in which something of it was booked late.

    Once per read transaction.
    """
    memo: dict[str, Any] | None = session.info.get(SNAPSHOT)
    if memo is not None and "late" in memo:
        return cast(dict[tuple[int, int], int], memo["late"])
    row = FlowLateRow
    query = (
        select(row.material_id, row.month, func.max(row.booked_month))
        .group_by(row.material_id, row.month)
        .order_by(row.material_id, row.month)
    )
    found = {(material, month): int(last) for material, month, last in session.execute(query)}
    if memo is not None:
        memo["late"] = found
    return found


def late_rows(session: Session, material_id: int, month: int, after: int) -> list[Ints]:
    """source, target, route, evidence, kg, n of what of a month was booked later than `after`."""
    query = (
        "SELECT source_id, target_id, route_id, evidence, kg, n FROM flow_late "
        f"WHERE material_id = {int(material_id)} AND month = {int(month)} "
        f"AND booked_month > {int(after)} "
        "ORDER BY booked_month, source_id, target_id, route_id, evidence"
    )
    return read_ints(session, query, 6)


def all_late(session: Session) -> Iterator[tuple[int, list[Ints]]]:
    """(booked month, columns material_id, month, source_id … n) of all late rows."""
    names = "material_id, month, source_id, target_id, route_id, evidence, kg, n"
    order = "material_id, month, source_id, target_id, route_id, evidence"
    row = FlowLateRow
    months = session.scalars(select(row.booked_month).distinct().order_by(row.booked_month))
    for month in months.all():
        query = f"SELECT {names} FROM flow_late WHERE booked_month = {int(month)} ORDER BY {order}"
        yield month, read_ints(session, query, 8)
