"""Entries of one firm corrected by an actor: reversed here, recorded anew by the entry service."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import RuleBroken
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.corrections import EntryReversal, entry_reversal
from wasteflow.services.live.held import subject_of
from wasteflow.services.live.writing import Doer, note_change
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database, linked
from wasteflow_models.entry_store import NEWEST
from wasteflow_models.ledger import (
    EntryRow,
    recorded,
)
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
        keys = load_keys(session)
        taken = taken_back(session, keys, actor, uid, reason, now, channel)
        taken.reversal.post(session, keys)
        taken.write(session)
        row = taken.row
        return {
            "doc_no": row.doc_no,
            "kind": "entry",
            "state": "reversed",
            "kg": row.kg,
            "id": str(row.uid),
            "reversal": str(taken.reversal.values["uid"]),
        }


class TakenBack(Struct, frozen=True):
    """An entry that is to be taken back, who does it and when; nothing is written yet."""

    row: EntryRow
    reversal: EntryReversal
    firm: str
    doer: Doer
    now: datetime

    def write(self, session: Session) -> None:
        """Write all but the roll-up, no later than what comes next: others wait from then on."""
        self.reversal.write(session)
        sign_entry(session, 0, self.doer)
        note_entry(session, self.row, self.firm, "reversed", self.now)


def taken_back(
    session: Session,
    keys: Keys,
    actor: Actor | None,
    uid: UUID,
    reason: str,
    now: datetime,
    channel: str,
) -> TakenBack:
    """The reversal inside a transaction, allowed and its firm held; raises as `reverse_entry`."""
    row = session.scalars(select(EntryRow).where(EntryRow.uid == uid, recorded())).one_or_none()
    if row is None:
        verdict = Verdict.NOT_SIGNED_IN if actor is None else Verdict.NOT_ONES_BUSINESS
        raise Denied(verdict, "entry.read")
    firm = keys.codes["enterprise"][row.enterprise_id]
    require(actor, "entry.write", entry_subject(keys, firm))
    assert actor is not None  # require() has refused it
    if not reason.strip():
        raise RuleBroken("reason_needed")
    hold_firms(session, [row.enterprise_id])
    reversal = entry_reversal(session, keys, row, reason, now)
    return TakenBack(row, reversal, firm, Doer.of(actor, channel, [firm]), now)


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
