"""What a load is about, for things that belong to it (its papers); reads only."""

from __future__ import annotations

from uuid import UUID

from wasteflow.core.actors import Actor, Subject
from wasteflow.services.live.held import hold
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def subject_of_load(*, db: Database, actor: Actor | None, uid: UUID) -> Subject:
    """The subject of a load the actor may read; Denied otherwise."""
    with db.read() as session:
        held = hold(session, load_keys(session), actor, uid, lock=False)
        held.readable(actor)
        return held.subject
