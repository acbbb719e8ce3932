"""What a move leaves behind: events with their actor, cache, roll-up difference, list of changes.

The one place of the live services that writes to the ledger; everything happens in the caller's
transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.postings import Rollup, add_postings, load_postings
from wasteflow.core.records import Event, EventKind, LoadHeader, LoadStatus, apply_event
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.booking import open_month
from wasteflow.services.live.held import Held
from wasteflow.services.load_rows import Weight
from wasteflow_models.convert import Keys, load_status, store_status
from wasteflow_models.ledger import EventRow
from wasteflow_models.live import ChangeRow, EventActorRow
from wasteflow_models.raw import is_postgresql
from wasteflow_models.rollup import add_to_rollup

_CHANGES_LOCK = 7705
"""PostgreSQL advisory lock: numbers of changes are committed in their order."""
_FIRM_ROLES = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER)


@dataclass(frozen=True, slots=True)
class Doer:
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


@dataclass(frozen=True, slots=True)
class Entered:
    """What an event states: moment (whole seconds count), masses, evidence and the rest."""

    kind: EventKind
    at: datetime
    weight: Weight | None = None
    accepted_kg: int = 0
    refused_kg: int = 0
    evidence: Evidence | None = None
    reason: str = ""
    details: Mapping[str, Any] | None = None
    month: int = 0
    """Physical month of what it moves, if that is not its own."""


def enter(held: Held, doer: Doer, now: datetime, *entered: Entered, doc: bool = True) -> None:
    """Append events, refold the cache, post the difference and note the change.

    Header columns may have been changed by the caller before; then `post_revised` is for him.
    """
    before = load_status(held.row)
    header = held.header
    for item in entered:
        append(held, doer, now, item)
    post_difference(held.session, held.keys, (header, before), (header, load_status(held.row)))
    note_load(held, now, entered[-1].kind.value)


def append(held: Held, doer: Doer, now: datetime, item: Entered) -> None:
    """One event and its actor; the cache of the header follows, the roll-up does not."""
    weight = item.weight
    row = EventRow(
        shipment_id=held.row.id,
        seq=len(held.events) + 1,
        kind=item.kind.value,
        at=item.at.replace(microsecond=0),
        booked_month=_booked(held, item),
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
    event = Event(
        row.seq,
        item.kind,
        row.at,
        row.kg,
        row.accepted_kg,
        row.refused_kg,
        Evidence(row.evidence),
    )
    store_status(held.row, apply_event(load_status(held.row), event))
    actor = EventActorRow(
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
    held.session.add_all([row, actor])
    held.events.append(row)
    held.actors[row.seq] = actor


def _booked(held: Held, item: Entered) -> int:
    month = item.month or month_of_day(shanghai_day(item.at))
    firms = {held.row.consignor_id, held.row.consignee_id, held.row.holder_id} - {0}
    return open_month(held.session, sorted(firms), month)


def post_difference(
    session: Session,
    keys: Keys,
    before: tuple[LoadHeader, LoadStatus],
    after: tuple[LoadHeader, LoadStatus],
) -> None:
    """Add postings(after) - postings(before) to the roll-up, each in its physical month."""
    rollup: Rollup = {}
    add_postings(rollup, load_postings(*before), -1)
    add_postings(rollup, load_postings(*after))
    session.flush()
    add_to_rollup(session, rollup, keys)


def note_load(held: Held, now: datetime, action: str) -> None:
    """Write a change of a load to the list that others follow; the last thing a service does."""
    firms = sorted({*held.parties, held.draft.organisation if held.draft else ""} - {""})
    if held.draft is not None and held.row.state == "draft" and not held.events:
        firms = [held.draft.organisation]
    note_change(
        held.session,
        now,
        kind="shipment",
        record_id=held.row.id,
        ref=str(held.uid),
        action=action,
        organisations=firms,
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
    one, so writers queue here until they commit.
    """
    session.flush()
    if is_postgresql(session):
        session.execute(text(f"SELECT pg_advisory_xact_lock({_CHANGES_LOCK})"))
    session.add(
        ChangeRow(
            at=now,
            kind=kind,
            record_id=record_id,
            ref=ref,
            action=action,
            organisations=";" + ";".join(organisations) + ";",
        )
    )
    session.flush()
