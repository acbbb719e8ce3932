"""What a move leaves behind: events with their actor, cache, roll-up difference, list of changes.

The one place of the live services that writes to the ledger; everything happens in the caller's
transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from msgspec import Struct
from sqlalchemy import Table, bindparam, func, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.booking import Change, change_of, load_changes
from wasteflow.core.postings import Rollup
from wasteflow.core.reading import carrier_word, holder_word
from wasteflow.core.records import Event, EventKind, LoadHeader, apply_event
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.booking import booked_in, firms_of, post_rollup
from wasteflow.services.live.held import Held
from wasteflow.services.load_rows import Weight
from wasteflow_models.convert import event_record, load_status, store_status
from wasteflow_models.engine import linked
from wasteflow_models.entry_store import NEWEST
from wasteflow_models.ledger import EventRow, ShipmentRow
from wasteflow_models.live import ChangeRow, EventActorRow, LoadDraftRow, header_history
from wasteflow_models.order import NUMBERS_LOCK
from wasteflow_models.prepared import Prepared, RowInsert
from wasteflow_models.raw import is_postgresql

_CHANGES = cast(Table, ChangeRow.__table__)
_TOLD = ("at", "kind", "record_id", "ref", "action", "organisations")
_CHANGE = Prepared(insert(_CHANGES), _TOLD)
_TURN = select(func.pg_advisory_xact_lock(NUMBERS_LOCK).label("held")).subquery("turn")
_GIVEN = [bindparam(name, type_=_CHANGES.c[name].type) for name in _TOLD]
_CHANGE_IN_TURN = Prepared(
    insert(_CHANGES).from_select(_TOLD, select(*_GIVEN).select_from(_TURN)),
)
_CHANGE_NEWEST = Prepared(insert(_CHANGES).values(record_id=NEWEST).inline(), _TOLD)
"""Lock and row in one round trip; the number is drawn for a row that came out of the lock;
whoever has numbered an entry has it already.
"""
LOAD, DRAFT = RowInsert(ShipmentRow), RowInsert(LoadDraftRow)
"""Rows of a load made in this transaction: no session knows them (`write_down`)."""
_EVENT, _EVENT_ACTOR = RowInsert(EventRow), RowInsert(EventActorRow)
_FIRM_ROLES = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER)


class Doer(Struct, frozen=True):
    """Who records something now: the actor, his own organisation, and the firm he speaks for.

    `side` is "" for a park or a carrier; `on_behalf_of` is `side` where a delegate acts.
    """

    actor: Actor
    organisation: str
    side: str
    on_behalf_of: str
    channel: str

    @classmethod
    def of(
        cls, actor: Actor, channel: str, firms: Iterable[str], others: Iterable[str] = ()
    ) -> Doer:
        """Pick the membership the actor uses: a firm of his own, then one he is the delegate of,
        then one of `others` (carrier, parks); `firms` in order of preference.
        """
        wanted = [firm for firm in firms if firm]
        own = actor.organisations(*_FIRM_ROLES)
        for firm in wanted:
            if firm in own:
                return cls(actor, firm, firm, "", channel)
        given = actor.organisations(Role.DELEGATE)
        for firm in wanted:
            if firm in given:
                home = min(own, default="")
                return cls(actor, home or firm, firm, firm, channel)
        held = sorted(actor.organisations() & set(others))
        return cls(actor, held[0] if held else "", "", "", channel)


def doer_for(held: Held, actor: Actor, channel: str, *firms: str) -> Doer:
    """Who acts on a load; `firms` are the sides that the move allows (all if none are named)."""
    subject = held.subject
    others = [subject.carrier, *subject.parks, *subject.regions]
    return Doer.of(actor, channel, firms or sorted(held.parties), others)


class Entered(Struct, frozen=True):
    """What an event states: moment (whole seconds count), masses, evidence and the rest."""

    kind: EventKind
    at: datetime
    weight: Weight | None = None
    accepted_kg: int = 0
    refused_kg: int = 0
    evidence: Evidence | None = None
    reason: str = ""
    details: Mapping[str, Any] | None = None


def enter(held: Held, doer: Doer, now: datetime, *entered: Entered) -> None:
    """Append events, post what they change, and note the change of the load.

    The last of them is what a move asks to be booked in a month (`held.asked`): RuleBroken
    `month_closed` if that is closed.
    """
    asked, held.asked = held.asked, 0
    changes = [_appended(held, doer, now, item) for item in entered[:-1]]
    held.asked = asked
    changes.append(_appended(held, doer, now, entered[-1]))
    _post(held, changes)
    note_load(held, now, entered[-1].kind.value)


def append(
    held: Held, doer: Doer, now: datetime, item: Entered, before: LoadHeader | None = None
) -> None:
    """One event with its actor: the cache of the header follows, and the roll-up.

    before: the header as it was, where the event brings a new one (its row has it already).
    """
    _post(held, [_appended(held, doer, now, item, before)])


def _post(held: Held, changes: Iterable[tuple[Rollup, int]]) -> None:
    """Post what events change (rows of the roll-up, month of booking), the events being written."""
    held.session.flush()
    for rollup, booked_month in changes:
        post_rollup(held.session, held.keys, rollup, booked_month)


def _appended(
    held: Held, doer: Doer, now: datetime, item: Entered, before: LoadHeader | None = None
) -> tuple[Rollup, int]:
    """As `append`, but for the roll-up: what is to be posted, and the month it is booked in."""
    weight = item.weight
    row = (_EVENT.row if held.fresh else EventRow)(
        shipment_id=held.row.id,
        seq=len(held.events) + 1,
        kind=item.kind.value,
        at=item.at.replace(microsecond=0),
        kg=weight.kg if weight else 0,
        input_kg=weight.input_kg if weight else None,
        dry_kg=weight.dry_kg if weight else None,
        accepted_kg=item.accepted_kg,
        refused_kg=item.refused_kg,
        basis=weight.basis if weight else "wet",
        moisture=weight.moisture if weight else None,
        weighed=weight.weighed if weight else "measured",
        evidence=int(held.row.evidence if item.evidence is None else item.evidence),
        reason=item.reason,
        recorded_at=now,
    )
    change, row.booked_month = _folded(held, row, before)
    actor = (_EVENT_ACTOR.row if held.fresh else EventActorRow)(
        shipment_id=row.shipment_id,
        seq=row.seq,
        user_id=doer.actor.user_id,
        token_id=doer.actor.token_id,
        organisation=doer.organisation,
        on_behalf_of=doer.on_behalf_of,
        side=doer.side,
        channel=doer.channel,
        details=json.dumps(item.details, ensure_ascii=False, sort_keys=True)
        if item.details
        else "",
    )
    if not held.fresh:
        held.session.add_all([row, actor])
    held.events.append(row)
    held.actors[row.seq] = actor
    return change, row.booked_month


def write_down(held: Held) -> None:
    """Write the rows of a load made in this transaction, once, as they are in the end."""
    assert held.fresh and held.draft is not None
    held.session.flush()
    connection = linked(held.session)
    LOAD.run(connection, held.row)
    DRAFT.run(connection, held.draft)
    for event in held.events:
        _EVENT.run(connection, event)
        _EVENT_ACTOR.run(connection, held.actors[event.seq])


def _folded(held: Held, row: EventRow, before: LoadHeader | None) -> tuple[Rollup, int]:
    """Fold the event into the cache; what it changes, and the month it is booked in."""
    event = Event(
        row.seq,
        EventKind(row.kind),
        row.at,
        row.kg,
        row.accepted_kg,
        row.refused_kg,
        Evidence(row.evidence),
    )
    header, status = held.header, load_status(held.row)
    before = before or header
    after = apply_event(status, event)
    change = change_of(before, status, after, header)
    store_status(held.row, after)
    return change, booked_in(
        held.session,
        held.keys,
        firms_of(held.row),
        change,
        month=event.month,
        earlier=changes_of(held, before),
        asked=held.asked,
    )


def changes_of(held: Held, header: LoadHeader) -> Iterator[Change]:
    """What each event of the load has changed so far."""
    told = [(event_record(row), row.booked_month) for row in held.events]
    revised: Mapping[int, LoadHeader] = {}
    if any(row.kind == EventKind.REVISED for row in held.events):
        header, revised = header_history(held.session, held.row.id, header)
    return load_changes(header, told, revised)


def told_firms(held: Held) -> list[str]:
    """Whom a change of the load as it stands concerns: of a draft its own organisation alone."""
    if held.draft is not None and held.row.state == "draft" and not held.events:
        return [held.draft.organisation]
    firms = sorted({*held.parties, held.draft.organisation if held.draft else ""} - {""})
    if held.holder and held.holder not in firms:
        firms.append(holder_word(held.holder))
    carriers = {held.row.carrier, *held.carried} - {""}
    return [*firms, *(carrier_word(name) for name in sorted(carriers))]


def note_load(held: Held, now: datetime, action: str, firms: Sequence[str] = ()) -> None:
    """Write a change of a load to the list that others follow; the last thing a service does.

    firms: whom it concerns, by default `told_firms`.
    """
    note_change(
        held.session,
        now,
        kind="shipment",
        record_id=held.row.id,
        ref=str(held.uid),
        action=action,
        organisations=firms or told_firms(held),
    )


def note_change(
    session: Session,
    now: datetime,
    *,
    kind: str,
    record_id: int,
    ref: str,
    action: str,
    organisations: Iterable[str],
) -> None:
    """Append to the list of changes.

    On PostgreSQL numbers could be committed out of order and a reader would pass over the late
    one, so writers queue here until they commit.  record_id 0: of the entry just numbered.
    """
    session.flush()
    told = {
        "at": now,
        "kind": kind,
        "record_id": record_id,
        "ref": ref,
        "action": action,
        "organisations": ";" + ";".join(organisations) + ";",
    }
    statement = _CHANGE_IN_TURN if is_postgresql(session) else _CHANGE
    if not record_id:
        statement = _CHANGE_NEWEST
    statement.later(linked(session), told)
