"""Entries of one firm corrected by an actor: reversed here, recorded anew by the entry service."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import RuleBroken
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.corrections import reverse_entry_row
from wasteflow.services.live.held import subject_of
from wasteflow.services.live.writing import Doer, note_change
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database, linked
from wasteflow_models.entry_store import NEWEST
from wasteflow_models.ledger import EntryRow
from wasteflow_models.live import EntryActorRow
from wasteflow_models.order import hold_firms
from wasteflow_models.prepared import Prepared

_ACTOR: Final = cast(Table, EntryActorRow.__table__)
_SIGN: Final = Prepared(insert(_ACTOR), _ACTOR.c.keys())
_SIGN_NEWEST: Final = Prepared(insert(_ACTOR).values(entry_id=NEWEST).inline(), _ACTOR.c.keys())


@again_if_overtaken
def reverse_entry(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    reason: str,
    now: datetime,
    channel: str = "api",
) -> dict[str, Any]:
    """Take an entry out of the books; its number may be used again as `DOC/2`.

    Raises Denied, RuleBroken `already_reversed`, `reason_needed`.
    """
    with db.write(Alone.FIRMS) as session:
        return take_back(session, load_keys(session), actor, uid, reason, now, channel)


def take_back(
    session: Session,
    keys: Keys,
    actor: Actor | None,
    uid: UUID,
    reason: str,
    now: datetime,
    channel: str,
) -> dict[str, Any]:
    """The reversal inside a transaction; as `reverse_entry`."""
    row = session.scalars(select(EntryRow).where(EntryRow.uid == uid)).one_or_none()
    if row is None:
        verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
        raise Denied(verdict, "entry.read")
    firm = keys.codes["enterprise"][row.enterprise_id]
    require(actor, "entry.write", entry_subject(keys, firm))
    assert actor is not None  # require() has refused it
    if not reason.strip():
        raise RuleBroken("reason_needed")
    hold_firms(session, [row.enterprise_id])
    answer = reverse_entry_row(session, keys, row, reason, now)
    reversal = session.scalars(select(EntryRow).where(EntryRow.reverses_id == row.id)).one()
    sign_entry(session, reversal.id, Doer.of(actor, channel, [firm]))
    note_entry(session, row, firm, "reversed", now)
    return {**answer, "id": str(row.uid), "reversal": str(reversal.uid)}


def entry_subject(keys: Keys, firm: str) -> Subject:
    """Records of one firm as the permission table sees them."""
    around = subject_of(keys.registry, firm, "")
    return Subject(enterprise=firm, parks=around.parks, regions=around.regions)


def sign_entry(session: Session, entry_id: int, doer: Doer) -> None:
    """Note who recorded an entry; 0: the one just numbered."""
    session.flush()
    told = {
        "entry_id": entry_id,
        "user_id": doer.actor.user_id,
        "token_id": doer.actor.token_id,
        "organisation": doer.organisation,
        "on_behalf_of": doer.on_behalf_of,
        "channel": doer.channel,
    }
    sign = _SIGN if entry_id else _SIGN_NEWEST
    sign.later(linked(session), told)


def note_entry(
    session: Session, row: EntryRow | SimpleNamespace, firm: str, action: str, now: datetime
) -> None:
    """Write a change of an entry to the list that others follow; id 0: the one just numbered."""
    note_change(
        session,
        now,
        kind="entry",
        record_id=row.id,
        ref=str(row.uid),
        action=action,
        organisations=[firm],
    )
