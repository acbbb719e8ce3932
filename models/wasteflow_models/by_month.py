"""Loads by the month they are kept under, and those of a month that are kept elsewhere.

The id of a load begins with a month: that of its dispatch, for all that a file brought.  A load
kept by hand has the month in which it was drafted, a revised one may have been dispatched in
another.  When it arrived the id does not say: most arrive soon, and the roll-up tells whether all
were found where those are kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from sqlalchemy import ColumnElement, func, not_, select, union_all
from sqlalchemy.orm import Session

from wasteflow.core.periods import next_month
from wasteflow.core.places import PlaceKind
from wasteflow_models import flow_columns
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.live import LoadDraftRow, RevisionRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.raw import is_postgresql

USUAL_WAY: Final = 2
"""Months a load is on the road at most, as a rule: those of others are looked for everywhere."""
Arrivals = dict[int, dict[int, int]]
"""Month → material (id) → accepted kilograms."""


def ids_of(first: int, last: int) -> ColumnElement[bool]:
    """Loads kept under the months first..last."""
    return ShipmentRow.id.between(first * STEP, (last + 1) * STEP - 1)


def elsewhere(session: Session, first: int, last: int) -> list[ColumnElement[bool]]:
    """Loads not kept under the months first..last that may have been dispatched in them."""
    by_hand = union_all(
        select(LoadDraftRow.shipment_id),
        select(RevisionRow.shipment_id).where(RevisionRow.event_seq.is_not(None)),
    )
    there: ColumnElement[bool] = ShipmentRow.id.in_(by_hand)
    if is_postgresql(session):  # which would read all loads beside a table it knows nothing of
        there = ShipmentRow.id == func.any(func.array(by_hand.scalar_subquery()))
    return [there, not_(ids_of(first, last))]


def where_dispatched(session: Session, first: int, last: int) -> list[list[ColumnElement[bool]]]:
    """Where the loads dispatched in the months first..last are kept: each but once."""
    return [[ids_of(first, last)], elsewhere(session, first, last)]


def where_arrived(first: int, last: int) -> list[ColumnElement[bool]]:
    """Where to look for loads that arrived in the months first..last, the usual place first; the
    second is everywhere, for when the first does not give what `arrived` says.
    """
    return [ids_of(next_month(first, -USUAL_WAY), last), ShipmentRow.id > 0]


def arrived(session: Session, firm: int, first: int, last: int) -> Arrivals:
    """What was accepted at the site of a firm in the months first..last, from the roll-up.

    Every load adds to it, so loads that add up to it are all there are.
    """
    places = flow_columns.place_columns(session)
    site = places.id[(places.kind == int(PlaceKind.SITE)) & (places.a == firm)]
    found: Arrivals = {}
    for material in flow_columns.versions(session):
        for month, part in flow_columns.months(session, material, first, last).items():
            rows = np.flatnonzero(np.isin(part.target, site))
            kinds = places.kind[places.positions(part.source[rows])]
            kg = int(part.kg[rows[kinds == int(PlaceKind.TRANSIT)]].sum())
            if kg:
                found.setdefault(month, {})[material] = kg
    return found
