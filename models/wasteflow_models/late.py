"""Writing of `flow_late`, and which months every firm has closed; reading is `late_rows`.

Whoever writes late rows adds the same rows to the roll-up in the same transaction, so the version
of a material and month tells both apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wasteflow.core.booking import Late
from wasteflow_models.closes import ENTERPRISE, PARK, MonthCloseRow
from wasteflow_models.convert import Keys
from wasteflow_models.engine import SNAPSHOT
from wasteflow_models.flow_columns import stamp
from wasteflow_models.kept import Kept
from wasteflow_models.raw import insert_columns
from wasteflow_models.rollup import rollup_rows, touch

Ints = NDArray[np.int64]
STAMP = "close"
"""Stamp of what is closed; drawn anew by every close and reopening."""

_KEY = ("material_id", "month", "booked_month", "source_id", "target_id", "route_id", "evidence")
_NAMES = ", ".join((*_KEY, "kg", "n"))
_ADD = (
    "ON CONFLICT (" + ", ".join(_KEY) + ") DO UPDATE SET "
    "kg = flow_late.kg + excluded.kg, n = flow_late.n + excluded.n"
)


class Closed:
    """The last month that each firm has closed, by its integer key."""

    def __init__(self, through: Mapping[int, int]) -> None:
        self.through = through
        self._firms = np.array(sorted(through), np.int64)
        self._months = np.array([through[firm] for firm in self._firms.tolist()], np.int64)

    def __bool__(self) -> bool:
        return bool(self.through)

    def of(self, *firms: Ints) -> Ints:
        """The latest closed month of the firms of each row, 0 where none closed any."""
        found = np.zeros(len(firms[0]), np.int64)
        if self.through:
            for column in firms:
                at = np.minimum(np.searchsorted(self._firms, column), len(self._firms) - 1)
                here = np.where(self._firms[at] == column, self._months[at], 0)
                found = np.maximum(found, here)
        return found


CLOSED_KEPT = 4
_kept: Kept[tuple[int, int], Closed] = Kept(CLOSED_KEPT)


def closed(session: Session, keys: Keys) -> Closed:
    """What is closed now: by the firm itself, or by a park it lies in or one above that."""
    key = stamp(session, STAMP), stamp(session, "registry")
    found = _kept.get(key)
    return _kept.put(key, Closed(_closed(session, keys))) if found is None else found


def _closed(session: Session, keys: Keys) -> dict[int, int]:
    row = MonthCloseRow
    query = (
        select(row.kind, row.organisation_id, func.max(row.month))
        .where(row.reopened_at.is_(None))
        .group_by(row.kind, row.organisation_id)
        .order_by(row.kind, row.organisation_id)
    )
    last: dict[str, dict[int, int]] = {ENTERPRISE: {}, PARK: {}}
    for kind, organisation, month in session.execute(query):
        last[kind][organisation] = int(month)
    found = dict(last[ENTERPRISE])
    parks = {keys.codes["park"].get(park, ""): month for park, month in last[PARK].items()}
    if parks:
        for code, firm in keys.registry.enterprises.items():
            above = [parks.get(park, 0) for park in keys.registry.parks_up(firm.park)]
            month = max(above, default=0)
            key = keys.ids["enterprise"][code]
            if month > found.get(key, 0):
                found[key] = month
    return found


def touch_closes(session: Session) -> None:
    """Note that months were closed or reopened."""
    touch(session, STAMP)


def add_late(session: Session, late: Late) -> None:
    """Add late rows within the caller's transaction; rows that come to nothing are removed."""
    for booked_month in sorted(late):
        part = late[booked_month]
        if not len(part.kg):
            continue
        material, month, source, target, route, evidence, kg, n = rollup_rows(session, part)
        columns = {
            "material_id": material,
            "month": month,
            "booked_month": booked_month,
            "source_id": source,
            "target_id": target,
            "route_id": route,
            "evidence": evidence,
            "kg": kg,
            "n": n,
        }
        insert_columns(session, "flow_late", len(kg), columns, ending=_ADD)
        where = f"booked_month = {int(booked_month)} AND kg = 0 AND n = 0"
        session.execute(text(f"DELETE FROM flow_late WHERE {where}"))
    session.info.get(SNAPSHOT, {}).clear()
