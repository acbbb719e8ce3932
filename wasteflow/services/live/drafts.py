"""Drafts: made, changed and deleted by one party; they bind nobody, claim no number, post nothing.

A draft is a row of `shipment` from the start, so that its id never changes; its content lies
beside it as it was typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import WasteflowError
from wasteflow.core.lifecycle import Move
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.core.vocabulary import Evidence, LoadKind, LoadState
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.live.content import DRAFT_FIELDS, Given, given, refuse
from wasteflow.services.live.held import Held, hold, subject_of
from wasteflow.services.live.views import Outcome, outcome
from wasteflow.services.live.writing import DRAFT, LOAD, note_load, write_down
from wasteflow.services.naming import Names
from wasteflow_models.api import AttachmentRow, ExternalIdRow
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database, linked
from wasteflow_models.ledger import EventRow, ShipmentRow
from wasteflow_models.live import ChangeRow, EventActorRow, LoadDraftRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.partitions import (
    new_load_id,
)
from wasteflow_models.prepared import Prepared
from wasteflow_models.raw import is_postgresql

_STAFF = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
_LAST_KNOWN = Prepared(
    select(func.max(ChangeRow.record_id)).where(
        ChangeRow.kind == "shipment",
        ChangeRow.record_id.between(bindparam("first"), bindparam("last")),
    )
)


@again_if_overtaken
def create_draft(
    *, db: Database, actor: Actor | None, content: Mapping[str, Any], now: datetime
) -> Outcome:
    """A new draft; of its fields (`content.DRAFT_FIELDS`) only a party of one's own is needed.

    Raises Denied, FieldsRefused.
    """
    told = given(content, DRAFT_FIELDS)
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held = drafted(session, load_keys(session), actor, told, now)
        write_down(held)
        note_load(held, now, "drafted")
        return outcome(held, actor)


def drafted(session: Session, keys: Keys, actor: Actor | None, told: Given, now: datetime) -> Held:
    """A new draft inside a transaction, in whole seconds; not written down or noted yet.

    Raises Denied, FieldsRefused.
    """
    consignor, consignee = _parties(keys, told)
    require(actor, "shipment.draft", subject_of(keys.registry, consignor, consignee))
    assert actor is not None  # require() has refused it
    return _insert(session, keys, told, _own(actor, consignor, consignee), now)


def _own(actor: Actor, consignor: str, consignee: str) -> str:
    """The party on whose behalf the draft is made."""
    for firm in (consignor, consignee):
        if firm and firm in actor.organisations(*_STAFF):
            return firm
    raise Denied(Verdict.NOT_ONES_RIGHT, "shipment.draft")


def _parties(keys: Keys, told: Given) -> tuple[str, str]:
    """Codes of the parties named so far; one must be."""
    names = Names(keys.registry)
    found = []
    for side in ("consignor", "consignee"):
        name = told.get(side, "")
        try:
            found.append(names.enterprise(name) if name else "")
        except WasteflowError as error:
            raise refuse(side, error.code, **error.params) from error
    if not any(found):
        raise refuse("consignor", "own_party_missing")
    return found[0], found[1]


def _insert(session: Session, keys: Keys, told: Given, own: str, now: datetime) -> Held:
    month = month_of_day(shanghai_day(now))
    key = _never_used(session, month, new_load_id(session, month))
    row = LOAD.row(
        id=key,
        doc_no="",
        kind=LoadKind.DELIVERY.value,
        consignor_id=0,
        consignee_id=0,
        holder_id=0,
        material_id=0,
        route_id=0,
        from_outside=False,
        to_outside=False,
        trips=1,
        mode="",
        vehicle="",
        carrier="",
        handler="",
        ticket_no="",
        remark="",
        state=LoadState.DRAFT.value,
        dispatched_month=0,
        dispatched_kg=0,
        received_month=0,
        received_kg=0,
        accepted_kg=0,
        refused_kg=0,
        lost_month=0,
        evidence=int(Evidence.BOTH),
        reversed_=False,
    )
    draft = DRAFT.row(shipment_id=key, version=1, organisation=own, created_at=now)
    _fill(keys, draft, {}, told)
    return Held(session, keys, row, draft, [], {}, fresh=True)


def _never_used(session: Session, month: int, key: int) -> int:
    """`key`, or the next behind every draft thrown away (SQLite gives the last one out again).

    The public id is made of key and second: it must not come to mean another load.
    """
    if is_postgresql(session):
        return key
    session.flush()
    told = {"first": key, "last": (month + 1) * STEP - 1}
    ((known,),) = _LAST_KNOWN.rows(linked(session), told)
    return max(key, (known or 0) + 1)


def _fill(keys: Keys, draft: LoadDraftRow, before: Mapping[str, str], told: Given) -> None:
    """Write the content: a field given blank is taken out."""
    content = {**before, **told.texts}
    kept = {name: content[name] for name in DRAFT_FIELDS if content.get(name)}
    consignor, consignee = _parties(keys, given(kept, DRAFT_FIELDS) if before else told)
    draft.content = json.dumps(kept, ensure_ascii=False)
    draft.consignor_id = keys.id_of("enterprise", consignor)
    draft.consignee_id = keys.id_of("enterprise", consignee)
    if draft.organisation not in (consignor, consignee):
        raise refuse("consignor", "own_party_missing")


@again_if_overtaken
def edit_draft(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    content: Mapping[str, Any],
    expected_version: int | None,
    now: datetime,
) -> Outcome:
    """Change the fields that `content` names; a blank one is taken out.

    Raises Denied, StaleVersion, IllegalMove, FieldsRefused.
    """
    told = given(content, DRAFT_FIELDS)
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.rule(actor, Move.EDIT, expected_version)
        assert held.draft is not None  # only drafts are open to it
        _fill(held.keys, held.draft, held.content, told)
        held.draft.version += 1
        note_load(held, now, "edited")
        return outcome(held, actor)


@again_if_overtaken
def delete_draft(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    expected_version: int | None,
    now: datetime,
) -> None:
    """Throw a draft away with its papers and outside numbers; its organisation alone may.

    Raises Denied, StaleVersion, IllegalMove, RuleBroken `not_creators`.
    """
    with db.write(Alone.NOBODY) as session:
        held = hold(session, load_keys(session), actor, uid)
        held.rule(actor, Move.DELETE, expected_version)
        assert held.draft is not None and actor is not None
        mine = held.draft.organisation
        if mine not in actor.organisations(*_STAFF):
            raise Denied(Verdict.NOT_ONES_RIGHT, "shipment.draft")
        note_load(held, now, "deleted")
        key = held.row.id
        for table in (EventRow, EventActorRow, LoadDraftRow):
            session.execute(delete(table).where(table.shipment_id == key))
        for kept in (AttachmentRow, ExternalIdRow):
            session.execute(delete(kept).where(kept.kind == "shipment", kept.ref == str(uid)))
        session.execute(delete(ShipmentRow).where(ShipmentRow.id == key))
