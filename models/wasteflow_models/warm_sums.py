"""Sums over the roll-up that a single record asks for: quick while the month is being written.

Months before it are kept as columns; the month itself changes with every record and is asked in
SQL, so that nobody reads all of it for one place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from wasteflow.core.places import Place, PlaceKind
from wasteflow_models import flow_columns
from wasteflow_models.convert import Keys
from wasteflow_models.engine import linked
from wasteflow_models.kept import Kept
from wasteflow_models.ledger import FlowMonthRow, FlowPartRow, PlaceRow
from wasteflow_models.prepared import Prepared

_P = PlaceRow.__table__.c
_PLACE = Prepared(
    select(_P.id).where(
        _P.kind == bindparam("kind"), _P.a == bindparam("a"), _P.b == bindparam("b")
    )
)


_F, _Q = FlowMonthRow.__table__.c, FlowPartRow.__table__.c
_MONTH: tuple[Any, Any] = (bindparam("material"), bindparam("month"))
_HERE = (_F.material_id == _MONTH[0]) & (_F.month == _MONTH[1])
_PART = (
    select(_Q.version).where(_Q.material_id == _MONTH[0], _Q.month == _MONTH[1]).scalar_subquery()
)


def _sum(*where: Any) -> Any:
    return select(func.coalesce(func.sum(_F.kg), 0)).where(_HERE, *where).scalar_subquery()


_SUM = Prepared(
    select(
        _sum(_F.target_id == bindparam("place")) - _sum(_F.source_id == bindparam("place")), _PART
    )
)
"""Kilograms that come to a place less those that leave it in the rows of a month; its part."""
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
    ((kg, part),) = _SUM.rows(linked(session), here)
    return book + int(kg or 0) + _come(flow_columns.part(session, stuff, month, part), place_id)


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
    query = (
        select(func.coalesce(func.sum(_F.kg), 0), _PART)
        .join(PlaceRow, _P.id == _F.source_id)
        .where(
            _HERE,
            _F.target_id == place_id,
            _F.route_id.in_(ids),
            _P.kind == int(PlaceKind.TRANSIT),
        )
    )
    ((total, version),) = session.execute(query, {"material": stuff, "month": month})
    parts = list(flow_columns.months(session, stuff, first, month - 1).values())
    for part in [*parts, flow_columns.part(session, stuff, month, version)]:
        rows = (part.target == place_id) & np.isin(part.route, ids)
        total += int(part.kg[rows & np.isin(part.source, on_road)].sum())
    return int(total)
