"""What waits for an actor's organisations: answers they owe, and open refused parts; reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.lifecycle import USUAL_WAITS, Waits
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reading import readable_firms
from wasteflow.core.refused import is_overdue
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.services.live.held import Held, held_rows
from wasteflow.services.live.owing import owing
from wasteflow.services.live.views import load_view, moment
from wasteflow_models.apart import marked, marked_of
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import LoadChildRow, ShipmentRow, visible
from wasteflow_models.live import LoadDraftRow, RevisionRow
from wasteflow_models.load_marks import DISPUTED, OPEN_PART, mark_of
from wasteflow_models.parties import of_either

MOST = 200
MOST_WAITING = 5_000
CHUNK = 500
_GRADES = (int(Evidence.DISPUTED), int(Evidence.ONE_SIDED), int(Evidence.ESTIMATED))
"""Grades under which somebody may owe a word on a decided load."""
_OPEN = (LoadState.ISSUED.value, LoadState.IN_TRANSIT.value, LoadState.RECEIVED.value)
_DECIDING = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
_STAFF = (*_DECIDING, Role.GATE)


def inbox(*, db: Database, actor: Actor | None, limit: int = MOST) -> list[dict[str, Any]]:
    """Loads on which an organisation of the actor owes the next word, the longest waiting first.

    Each with `organisation`, `move` (what is due), `since` and the load.  Raises Denied.
    """
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    with db.read() as session:
        return [
            {
                "organisation": firm,
                "move": move,
                "since": moment(since),
                "load": load_view(held, actor),
            }
            for since, _, firm, move, held in _due(session, load_keys(session), actor)[:limit]
        ]


def waiting_ids(session: Session, keys: Keys, actor: Actor) -> list[int]:
    """Ids of the loads on which an organisation of the actor owes the next word, the newest first;
    at most `MOST_WAITING`, those that wait longest.
    """
    due = _due(session, keys, actor)[:MOST_WAITING]
    return sorted({key for _, key, *_ in due}, reverse=True)


def _due(session: Session, keys: Keys, actor: Actor) -> list[tuple[datetime, int, str, str, Held]]:
    """(since, id, who owes it, what, the load), the longest waiting first."""
    mine, known = actor.organisations(*_STAFF), keys.ids["enterprise"]
    deciding = actor.organisations(*_DECIDING)
    ids = sorted(known[code] for code in mine & known.keys())
    if not ids:
        return []
    found = []
    for held in held_rows(session, keys, _candidates(session, ids)):
        for firm, move in owing(held):
            if firm not in mine or (held.state is LoadState.DRAFT and not _offered(held)):
                continue
            if firm not in deciding and not _at_the_gate(held, move):
                continue
            since = held.events[-1].recorded_at if held.events else held.recorded_at
            found.append((since, held.row.id, firm, move, held))
    return sorted(found, key=lambda item: item[:4])


def _at_the_gate(held: Held, move: str) -> bool:
    """Whether a weighbridge can do its part of what is due: weigh what leaves or arrives."""
    return move == "dispatch" or (move == "decide" and held.state is LoadState.IN_TRANSIT)


def _offered(held: Held) -> bool:
    """A draft waits for its own maker, or for a consignor who was reminded of it."""
    assert held.draft is not None
    return held.draft.organisation == held.consignor or bool(held.events)


def _candidates(session: Session, ids: list[int]) -> list[ShipmentRow]:
    """Loads that may wait for these firms: kept by hand, or coming to them from a file."""
    row, draft = ShipmentRow, LoadDraftRow
    live = select(draft.shipment_id).where(
        or_(draft.consignor_id.in_(ids), draft.consignee_id.in_(ids))
    )
    asked = select(RevisionRow.pending_of).where(RevisionRow.pending_of.is_not(None))
    waiting = or_(
        row.state.in_([LoadState.DRAFT.value, *_OPEN]),
        row.evidence.in_(_GRADES),
        row.id.in_(asked),
    )
    by_hand = select(row).where(row.id.in_(live), waiting, ~row.reversed_)
    open_ones = marked([mark_of(state) for state in _OPEN], receiver=ids)
    coming = select(row).where(row.id.in_(open_ones), visible(), ~row.reversed_)
    pending = select(row).where(row.id.in_(asked), of_either(session, ids))
    disputed = select(row).where(
        row.id.in_(marked([DISPUTED], sender=ids)), visible(), ~row.reversed_
    )
    found: dict[int, ShipmentRow] = {}
    for query in (by_hand, coming, pending, disputed):
        for item in session.scalars(query.order_by(row.id)):
            found[item.id] = item
    return [found[key] for key in sorted(found)]


def open_refusals(
    *,
    db: Database,
    actor: Actor | None,
    now: datetime,
    waits: Waits = USUAL_WAITS,
) -> list[dict[str, Any]]:
    """Finding `refused_not_returned`: refused parts that nothing has moved for `refused_days`.

    Of the loads the actor may read, the oldest first.  Raises Denied.
    """
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    with db.read() as session:
        keys = load_keys(session)
        firms = readable_firms(actor, "shipment.read", keys.registry)
        latest = now - timedelta(days=waits.refused_days)
        rows = _refused(session, keys, firms, latest)
        moved = _moved(session, [row.id for row in rows])
        late = {
            row.id: row.refused_kg - moved.get(row.id, 0)
            for row in rows
            if is_overdue(row.refused_kg, moved.get(row.id, 0), row.received_at, now, waits)
        }
        held = held_rows(session, keys, _loads(session, list(late)))
        return [
            {
                "code": "refused_not_returned",
                "load": str(item.uid),
                "doc_no": item.row.doc_no,
                "consignor": item.consignor,
                "consignee": item.consignee,
                "holder": item.holder,
                "since": moment(item.row.received_at),
                "tonnes": tonnes_text(late[item.row.id]),
            }
            for item in held
        ]


def _refused(
    session: Session, keys: Keys, firms: Iterable[str] | None, latest: datetime
) -> Sequence[Any]:
    """Id, refused kilograms and moment of receipt of loads with an open part, the oldest first."""
    row = ShipmentRow
    ids = None if firms is None else {keys.id_of("enterprise", code) for code in firms}
    query = select(
        row.id, row.refused_kg, row.received_at, row.consignor_id, row.consignee_id
    ).where(
        marked_of([OPEN_PART], ids),
        row.refused_kg > 0,
        ~row.reversed_,
        visible(),
        row.received_at <= latest,
    )
    found = session.execute(query.order_by(row.received_at, row.id))
    return [item for item in found if ids is None or not ids.isdisjoint((item[3], item[4]))]


def _loads(session: Session, ids: list[int]) -> list[ShipmentRow]:
    """The loads of `ids`, in that order."""
    found: dict[int, ShipmentRow] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(ShipmentRow).where(ShipmentRow.id.in_(ids[start : start + CHUNK]))
        found |= {row.id: row for row in session.scalars(query)}
    return [found[key] for key in ids]


def _moved(session: Session, parents: list[int]) -> dict[int, int]:
    """Parent → kilograms its returns and redirects have taken."""
    found: dict[int, int] = {}
    for start in range(0, len(parents), CHUNK):
        query = (
            select(LoadChildRow.parent_id, func.sum(ShipmentRow.dispatched_kg))
            .join(ShipmentRow, ShipmentRow.id == LoadChildRow.child_id)
            .where(
                LoadChildRow.parent_id.in_(parents[start : start + CHUNK]), ~ShipmentRow.reversed_
            )
            .group_by(LoadChildRow.parent_id)
        )
        found |= {int(key): int(kg) for key, kg in session.execute(query)}
    return found
