"""The books as they were reported: periods cut at a closed month, and who had not closed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period, month_text
from wasteflow.core.places import HOLDING
from wasteflow_models import flow_columns
from wasteflow_models.convert import Keys
from wasteflow_models.late import closed
from wasteflow_models.late_rows import last_booked

NOT_CLOSED = "month_not_closed_by_all"
"""Note of a row that rests on a firm which has not closed the month it is shown as of."""


class Reported(Struct, frozen=True):
    """What a report as of a month rests on: firms in it that have not closed that month.

    `changed`: something of the months up to it was booked later, so today's figure may differ.
    """

    month: int
    not_closed: tuple[str, ...]
    changed: bool

    def as_dict(self) -> dict[str, Any]:
        """Part `as_reported` of a report."""
        return {
            "month": month_text(self.month),
            "not_closed": list(self.not_closed),
            "changed_since": self.changed,
        }


def cut_period(period: Period, as_of: int) -> Period:
    """The period up to the end of month `as_of` (0 = whole).

    Raises InvalidValue `as_of_before_period` if it begins later.
    """
    if not as_of or period.last <= as_of:
        return period
    if period.first > as_of:
        raise InvalidValue("as_of_before_period", month=month_text(as_of), period=period.text)
    return Period.of(period.first, as_of)


def reported(session: Session, keys: Keys, as_of: int, firms: Iterable[str]) -> Reported | None:
    """Who of `firms` had not closed month `as_of` though it has books; None for as_of 0."""
    if not as_of:
        return None
    through = closed(session, keys).through
    there = firms_with_books(session, as_of)
    open_ = [
        code
        for code in firms
        if (key := keys.id_of("enterprise", code)) in there
        and through.get(key, 0) < as_of
        and not keys.registry.enterprises[code].external
    ]
    changed = any(
        month <= as_of < booked_month for (_, month), booked_month in last_booked(session).items()
    )
    return Reported(as_of, tuple(sorted(open_)), changed)


def firms_in_months(session: Session, wanted: Iterable[int]) -> dict[int, set[int]]:
    """Month (yyyymm) → ids of the enterprises at whose places something was posted in it."""
    places = flow_columns.place_columns(session)
    owner = np.where(np.isin(places.kind, [int(kind) for kind in HOLDING]), places.a, 0)
    found: dict[int, set[int]] = {month: set() for month in wanted}
    for material_id in flow_columns.versions(session):
        months = flow_columns.months(session, material_id)
        for month in found.keys() & months.keys():
            ends = np.unique(np.concatenate([months[month].source, months[month].target]))
            found[month] |= set(np.unique(owner[places.positions(ends)]).tolist()) - {0}
    return found


def firms_with_books(session: Session, as_of: int = 0) -> dict[int, int]:
    """Enterprise id → first month in which something was posted at one of its places."""
    places = flow_columns.place_columns(session)
    owner = np.where(np.isin(places.kind, [int(kind) for kind in HOLDING]), places.a, 0)
    first: dict[int, int] = {}
    for material_id in flow_columns.versions(session):
        months = flow_columns.months(session, material_id, as_of=as_of)
        for month, part in sorted(months.items()):
            ends = np.unique(np.concatenate([part.source, part.target]))
            for firm in np.unique(owner[places.positions(ends)]).tolist():
                if firm and month < first.get(firm, month + 1):
                    first[firm] = month
    return first
