"""Loads as their parties see them: one, its events and revisions, lists with filters and a cursor.

Reads only.  What is not one's business does not exist here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import InvalidValue
from wasteflow.core.ids import load_of_uid
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reading import carriers_of, readable_firms
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import Held, held_rows, hold
from wasteflow.services.live.inbox import waiting_ids
from wasteflow.services.live.revisions import revision_of
from wasteflow.services.live.views import View, event_view, load_view, revision_view
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import BatchRow, EventRow, ShipmentRow, visible
from wasteflow_models.live import ChangeRow, LoadDraftRow, RevisionRow

LIMIT, MOST = 50, 200
WAITING = "waiting"
_FIRM = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER, Role.DELEGATE)


def get_load(*, db: Database, actor: Actor | None, uid: UUID) -> View:
    """One load with its state, version and the moves open to the actor; raises Denied."""
    with db.read() as session:
        return load_view(_readable(session, actor, uid), actor)


def get_events(*, db: Database, actor: Actor | None, uid: UUID) -> list[View]:
    """Every event of a load in order: what, when, by whom, for whom."""
    with db.read() as session:
        held = _readable(session, actor, uid)
        return [event_view(held, row) for row in held.events]


def get_revisions(*, db: Database, actor: Actor | None, uid: UUID) -> list[View]:
    """Every revision of a load in order, with before, after and answers."""
    with db.read() as session:
        held = _readable(session, actor, uid)
        query = select(RevisionRow).where(RevisionRow.shipment_id == held.row.id)
        rows = session.scalars(query.order_by(RevisionRow.number))
        return [revision_view(held, row) for row in rows]


def get_revision(*, db: Database, actor: Actor | None, uid: UUID) -> View:
    """One revision by its id."""
    with db.read() as session:
        held, row = revision_of(session, actor, load_of_uid(uid), lock=False)
        held.readable(actor)
        return revision_view(held, row)


def _readable(session: Session, actor: Actor | None, uid: UUID) -> Held:
    held = hold(session, load_keys(session), actor, uid, lock=False)
    held.readable(actor)
    return held


@dataclass(frozen=True, slots=True)
class LoadFilter:
    """What a list holds: `state` (a word, "disputed", "waiting" for the actor's own organisations,
    or "" = all but drafts), `party` (code of an enterprise), `period` of the dispatch, `doc_no`,
    and what changed after a moment.
    """

    state: str = ""
    party: str = ""
    period: Period | None = None
    doc_no: str = ""
    material: str = ""
    updated_after: datetime | None = None


def list_loads(
    *,
    db: Database,
    actor: Actor | None,
    wanted: LoadFilter | None = None,
    limit: int = LIMIT,
    cursor: str = "",
) -> dict[str, Any]:
    """A page of loads, the newest first: `{"items": [...], "next": cursor or None}`.

    The cursor is the id of the last load; loads recorded meanwhile do not move the pages.
    Raises Denied (not signed in), InvalidValue `bad_cursor`, `bad_word`.
    """
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
    wanted = wanted or LoadFilter()
    limit = max(1, min(limit, MOST))
    with db.read() as session:
        keys = load_keys(session)
        query = select(ShipmentRow).where(*_conditions(session, keys, actor, wanted))
        if cursor:
            query = query.where(ShipmentRow.id < _after(cursor))
        rows = list(session.scalars(query.order_by(ShipmentRow.id.desc()).limit(limit + 1)))
        held = held_rows(session, keys, rows[:limit])
        more = str(held[-1].uid) if len(rows) > limit else None
        return {"items": [load_view(item, actor) for item in held], "next": more}


def _after(cursor: str) -> int:
    try:
        ref = load_of_uid(UUID(cursor))
    except ValueError:
        ref = None
    if ref is None:
        raise InvalidValue("bad_cursor", value=cursor[:60])
    return ref.key


def _conditions(
    session: Session, keys: Keys, actor: Actor, wanted: LoadFilter
) -> list[ColumnElement[bool]]:
    row = ShipmentRow
    if wanted.state == LoadState.DRAFT:
        return _of_drafts(keys, actor, wanted)
    found = [visible(), seen_by(keys, actor)]
    if wanted.state == WAITING:
        found = [row.id.in_(waiting_ids(session, keys, actor))]
    elif wanted.state == "disputed":
        found += [row.evidence == 4, row.received_month > 0]
    elif wanted.state:
        if wanted.state not in set(LoadState):
            known = ", ".join([*LoadState, "disputed", WAITING])
            raise InvalidValue("bad_word", value=wanted.state, known=known)
        found.append(row.state == wanted.state)
    if wanted.party:
        key = keys.ids["enterprise"].get(wanted.party, 0)
        found.append(or_(row.consignor_id == key, row.consignee_id == key))
    if wanted.material:
        found.append(row.material_id == keys.ids["material"].get(wanted.material, 0))
    if wanted.period is not None:
        found.append(row.dispatched_month.between(wanted.period.first, wanted.period.last))
    if wanted.doc_no:
        found.append(row.doc_no == wanted.doc_no)
    if wanted.updated_after is not None:
        found.append(_changed(session, wanted.updated_after))
    return found


def _of_drafts(keys: Keys, actor: Actor, wanted: LoadFilter) -> list[ColumnElement[bool]]:
    """Drafts of one's own organisations, and those one was reminded of."""
    draft, own = LoadDraftRow, actor.organisations(*_FIRM)
    ids = sorted(keys.ids["enterprise"][code] for code in own & keys.ids["enterprise"].keys())
    reminded = exists().where(EventRow.shipment_id == draft.shipment_id)
    mine = select(draft.shipment_id).where(
        or_(
            draft.organisation.in_(sorted(own)),
            and_(or_(draft.consignor_id.in_(ids), draft.consignee_id.in_(ids)), reminded),
        )
    )
    found = [ShipmentRow.state == LoadState.DRAFT.value, ShipmentRow.id.in_(mine)]
    if wanted.party:
        key = keys.ids["enterprise"].get(wanted.party, 0)
        sides = or_(draft.consignor_id == key, draft.consignee_id == key)
        found.append(ShipmentRow.id.in_(select(draft.shipment_id).where(sides)))
    return found


def seen_by(keys: Keys, actor: Actor) -> ColumnElement[bool]:
    """Loads that are the actor's business: as the permission table says, in SQL."""
    row, firms = ShipmentRow, readable_firms(actor, "shipment.read", keys.registry)
    if firms is None:
        return row.id > 0
    ids = sorted(keys.id_of("enterprise", code) for code in firms)
    carriers = sorted(carriers_of(actor, "shipment.read"))
    own = actor.organisations(*_FIRM) & keys.ids["enterprise"].keys()
    held = sorted(keys.id_of("enterprise", code) for code in own)
    found = [row.consignor_id.in_(ids), row.consignee_id.in_(ids), row.holder_id.in_(held)]
    if carriers:
        found.append(row.carrier.in_(carriers))
    return or_(*found)


def _changed(session: Session, after: datetime) -> ColumnElement[bool]:
    """Loads that somebody changed, or that a file brought or completed, after a moment."""
    row, change = ShipmentRow, ChangeRow
    touched = select(change.record_id).where(change.kind == "shipment", change.at > after)
    batches = select(BatchRow.id).where(BatchRow.recorded_at > after, BatchRow.published)
    newer = list(session.scalars(batches.order_by(BatchRow.id)))
    found = row.id.in_(touched)
    if not newer:
        return found
    completed = exists().where(EventRow.shipment_id == row.id, EventRow.batch_id.in_(newer))
    return or_(found, row.batch_id.in_(newer), completed)
