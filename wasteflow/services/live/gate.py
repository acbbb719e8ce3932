"""What comes to a gate and what left it without an answer: found by plate, ticket or number.

Reads only; which move is open to whom is the life cycle's word, as in `reading`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from wasteflow.core.actors import Actor, Role
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.views import load_view
from wasteflow_models.apart import marked
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow, visible
from wasteflow_models.load_marks import mark_of

MOST: Final = 50
LONGEST: Final = 60
_GATE: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.DELEGATE)
_FIRM: Final = (*_GATE, Role.READER)
_ROAD: Final = LoadState.IN_TRANSIT.value
_HERE: Final = LoadState.RECEIVED.value
_MARKS: Final = (" ", "·", "•", "-", ".", "　")


def plain(written: str) -> str:
    """A plate or number as people mean it: capitals, without spaces, dots and dashes.

    >>> plain("云a·12 345"), plain("云A-12345")
    ('云A12345', '云A12345')
    """
    found = written.strip().upper()
    for mark in _MARKS:
        found = found.replace(mark, "")
    return found


def arriving(
    *, db: Database, actor: Actor | None, find: str = "", limit: int = MOST
) -> dict[str, Any]:
    """Loads on the road to the actor's firms, the last dispatched first.

    find: part of a plate, a weigh ticket or a load's number, however it is written; then loads
    that were weighed and wait for a decision are found too.  Returns `{"items": [...], "more":
    whether there are others}`.  Raises Denied (not signed in).
    """
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    row, wanted = ShipmentRow, plain(find[:LONGEST])
    with db.read() as session:
        keys = load_keys(session)
        ids = _ids(keys, actor.organisations(*_FIRM))
        if not ids:
            return {"items": [], "more": False}
        states = [_ROAD, _HERE] if wanted else [_ROAD]
        found = marked([mark_of(state) for state in states], receiver=ids)
        query = select(row).where(row.id.in_(found), visible(), ~row.reversed_)
        if wanted:
            written = (row.vehicle, row.ticket_no, row.doc_no)
            query = query.where(or_(*(_holds(column, wanted) for column in written)))
        query = query.order_by(row.dispatched_at.desc(), row.id.desc()).limit(limit + 1)
        held = held_rows(session, keys, list(session.scalars(query)))
        items = [load_view(item, actor) for item in held[:limit]]
        return {"items": items, "more": len(held) > limit}


def unanswered(
    *, db: Database, actor: Actor | None, now: datetime, days: int, limit: int = MOST
) -> dict[str, Any]:
    """Loads the actor's firms sent at least `days` ago that the receiver has not decided.

    `{"items": [...], "total": n}`, those that wait longest first.  Raises Denied.
    """
    if actor is None or actor.guest:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    row = ShipmentRow
    with db.read() as session:
        keys = load_keys(session)
        ids = _ids(keys, actor.organisations(*_FIRM))
        if not ids:
            return {"items": [], "total": 0}
        late = (
            row.id.in_(marked([mark_of(_ROAD), mark_of(_HERE)], sender=ids)),
            row.dispatched_at <= now - timedelta(days=days),
            visible(),
            ~row.reversed_,
        )
        total = session.scalar(select(func.count()).select_from(row).where(*late)) or 0
        query = select(row).where(*late).order_by(row.dispatched_at, row.id).limit(limit)
        held = held_rows(session, keys, list(session.scalars(query)))
        return {"items": [load_view(item, actor) for item in held], "total": total}


def _ids(keys: Keys, firms: Iterable[str]) -> list[int]:
    known = keys.ids["enterprise"]
    return sorted(known[code] for code in set(firms) & known.keys())


def _holds(column: InstrumentedAttribute[str], wanted: str) -> ColumnElement[bool]:
    """Whether a column, written plainly, holds `wanted`; `%` and `_` mean themselves."""
    found: ColumnElement[str] = func.upper(column)
    for mark in _MARKS:
        found = func.replace(found, mark, "")
    return found.contains(wanted, autoescape=True)
