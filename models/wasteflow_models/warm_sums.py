"""Sums over the roll-up that a single record asks for: quick while the month is being written.

Months before it are kept as columns; the month itself changes with every record and is asked in
SQL, so that nobody reads all of it for one place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from wasteflow.core.places import Place, PlaceKind
from wasteflow_models import flow_columns
from wasteflow_models.convert import Keys
from wasteflow_models.engine import linked
from wasteflow_models.kept import Kept
from wasteflow_models.ledger import FlowMonthRow, PlaceRow
from wasteflow_models.prepared import Prepared

_P = PlaceRow.__table__.c
_PLACE = Prepared(
    select(_P.id).where(
        _P.kind == bindparam("kind"), _P.a == bindparam("a"), _P.b == bindparam("b")
    )
)


def _sum(rows: Any) -> Select[Any]:
    """Kilograms that come to a place less those that leave it, in a month of `rows`."""
    here = select(func.coalesce(func.sum(rows.kg), 0)).where(
        rows.material_id == bindparam("material"), rows.month == bindparam("month")
    )
    coming, leaving = (
        here.where(end == bindparam("place")).scalar_subquery()
        for end in (rows.target_id, rows.source_id)
    )
    return select(coming - leaving)


_SUM = Prepared(_sum(FlowMonthRow.__table__.c))
"""The statement of nearly every time, made once, of plain columns."""
BOOKS_KEPT = 4096
_books: Kept[tuple[int, tuple[int, ...]], int] = Kept(BOOKS_KEPT)
"""Place and versions of the months before → what had come to it; a version names one content."""


def _place_id(session: Session, keys: Keys, place: Place) -> int:
    kind, a, b = keys.place_key(place)
    session.flush()
    found = _PLACE.rows(linked(session), {"kind": int(kind), "a": a, "b": b})
    return int(found[0][0]) if found else 0


def book_through(session: Session, keys: Keys, place: Place, material: str, month: int) -> int:
    """Book kilograms of a place at the end of `month`."""
    place_id, stuff = _place_id(session, keys, place), keys.id_of("material", material)
    known = flow_columns.versions_of(session, stuff)
    key = place_id, tuple(version for at, version in known.items() if at < month)
    book = _books.get(key)
    if book is None:
        before = flow_columns.months(session, stuff, last=month - 1).values()
        book = _books.put(key, sum(_come(part, place_id) for part in before))
    here = {"material": stuff, "month": month, "place": place_id}
    rows = flow_columns.seen_rows(session)
    if rows is FlowMonthRow:
        ((kg,),) = _SUM.rows(linked(session), here)
    else:
        kg = session.scalar(_sum(rows), here)
    return book + int(kg or 0)


def _come(part: flow_columns.MonthColumns, place_id: int) -> int:
    coming, leaving = part.target == place_id, part.source == place_id
    return int(part.kg[coming].sum()) - int(part.kg[leaving].sum())


def accepted_in_year(
    session: Session, keys: Keys, place: Place, material: str, routes: Collection[str], month: int
) -> int:
    """Kilograms that came from the road to a site from January to `month`, for these routes."""
    place_id, stuff = _place_id(session, keys, place), keys.id_of("material", material)
    ids = [keys.id_of("route", code) for code in sorted(routes)]
    first = month // 100 * 100 + 1
    roads = flow_columns.place_columns(session)
    on_road = roads.id[roads.kind == int(PlaceKind.TRANSIT)]
    total = 0
    for part in flow_columns.months(session, stuff, first, month - 1).values():
        rows = (part.target == place_id) & np.isin(part.route, ids)
        total += int(part.kg[rows & np.isin(part.source, on_road)].sum())
    row = flow_columns.seen_rows(session)
    query = (
        select(func.coalesce(func.sum(row.kg), 0))
        .join(PlaceRow, PlaceRow.id == row.source_id)
        .where(
            row.material_id == stuff,
            row.month == month,
            row.target_id == place_id,
            row.route_id.in_(ids),
            PlaceRow.kind == int(PlaceKind.TRANSIT),
        )
    )
    return total + int(session.scalar(query) or 0)
