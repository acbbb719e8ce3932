"""One load as its parties see it, with its events and revisions.

Reads only.  What is not one's business does not exist here.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.ids import load_of_uid
from wasteflow.services.live.held import Held, hold
from wasteflow.services.live.revisions import revision_of
from wasteflow.services.live.views import View, event_view, load_view, revision_view
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.live import RevisionRow

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
