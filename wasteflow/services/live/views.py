"""A load, its events and revisions as plain data in the shape of the contract; nothing is decided.

Tonnes are decimal strings in the basis of the load, moments have the offset of Asia/Shanghai, a
blank is None.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import Remark
from wasteflow.core.ids import load_uid
from wasteflow.core.lifecycle import Rule, legal_moves, may
from wasteflow.core.periods import SHANGHAI, month_of_day, month_text, shanghai_day
from wasteflow.core.records import WEIGHED, EventKind
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow.schemas.dictionary import columns_of
from wasteflow.services.export import as_given
from wasteflow.services.external_ids import number_for
from wasteflow.services.live.content import fields
from wasteflow.services.live.held import Held, held_of
from wasteflow_models.ledger import EventRow
from wasteflow_models.live import RevisionAnswerRow, RevisionRow

View = dict[str, Any]


class Outcome(Struct):
    """What a service gives back: the load as it stands, and what did not stop it."""

    load: View
    warnings: list[Remark] = field(default_factory=list)


def outcome(held: Held, actor: Actor | None, warnings: Sequence[Remark] = ()) -> Outcome:
    """The result of a move."""
    return Outcome(load_view(held, actor), list(warnings))


def load_view(held: Held, actor: Actor | None) -> View:
    """One load: contract columns, state, version, and the moves open to the actor."""
    row, flags, subject = held.row, held.flags, held.subject
    rules = legal_moves(held.state, flags)
    kin = held_of(held.session, held.keys, row.parent_id, lock=False) if row.parent_id else None
    told = _draft_columns(held) if held.state is LoadState.DRAFT else _columns(held)
    return {
        "id": str(held.uid),
        "external_id": number_for(held.numbers, actor.organisations() if actor else ()),
        "version": held.version,
        "state": held.state.value,
        "disputed": flags.disputed,
        "contested": flags.contested and flags.disputed,
        "reversed": row.reversed_,
        **{column.name: told.get(column.name) for column in columns_of("shipments")},
        "parent_doc_no": kin.row.doc_no if kin else told.get("parent_doc_no"),
        "parent": str(kin.uid) if kin else told.get("parent"),
        "declared_t": _declared(held),
        "holder": held.holder or None,
        "signed_by": sorted(held.signed),
        "revision": revision_view(held, held.pending) if held.pending else None,
        "booked_late": booked_late(held),
        "created_at": moment(held.recorded_at),
        "updated_at": moment(held.events[-1].recorded_at if held.events else held.recorded_at),
        "moves": [_move(rule) for rule in rules if may(actor, rule, subject)],
        "open_moves": [_move(rule) for rule in rules],
    }


def booked_late(held: Held) -> str | None:
    """The last month in which something of the load is booked that happened before; else None."""
    late = [row.booked_month for row in held.events if row.booked_month > _physical(held, row)]
    return month_text(max(late)) if late else None


def _physical(held: Held, row: EventRow) -> int:
    """The month of what an event is about: a revision says it, others have it in their moment."""
    said = str(held.details(row.seq).get("month", ""))
    return int(said.replace("-", "")) if said else month_of_day(shanghai_day(row.at))


def _move(rule: Rule) -> View:
    who = sorted(standing.value for standing in rule.who)
    return {"move": rule.move.value, "who": who, "needs": list(rule.needs)}


def _draft_columns(held: Held) -> View:
    """The columns of a draft as they were typed, its parties by their codes."""
    found: View = dict(held.content)
    found.update(consignor=held.consignor or None, consignee=held.consignee or None)
    defaults = {column.name: column.default for column in columns_of("shipments")}
    return {**{name: told for name, told in defaults.items() if told}, **found}


def _columns(held: Held) -> View:
    codes, row = held.keys.codes, held.row
    found: View = {
        "doc_no": row.doc_no,
        "consignor": held.consignor,
        "consignee": held.consignee,
        "material": codes["material"][row.material_id],
        "route": codes["route"][row.route_id],
        "kind": row.kind,
        "loads": row.trips,
        "from_facility": codes["facility"][row.from_facility_id or 0] or None,
        "to_facility": codes["facility"][row.to_facility_id or 0] or None,
        "evidence": Evidence(row.evidence).word,
    }
    for name in ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark"):
        found[name] = getattr(row, name) or None
    sent = held.dispatch or held.last(EventKind.ISSUED)
    if sent is not None:
        found.update(basis=sent.basis, weighed=sent.weighed, moisture_pct=_percent(sent.moisture))
    if held.dispatch is not None and row.dispatched_at is not None:
        found["dispatched_at"] = moment(row.dispatched_at)
        found["dispatched_t"] = tonnes_text(input_kg(held.dispatch))
    return found | _receipt(held)


def _receipt(held: Held) -> View:
    got, row = held.receipt, held.row
    if got is None:
        arrival = held.arrival
        if arrival is None or row.received_at is None:
            return {}
        return {
            "received_at": moment(row.received_at),
            "received_t": tonnes_text(input_kg(arrival)),
            "received_moisture_pct": _percent(arrival.moisture),
        }
    accepted = as_given(got, got.accepted_kg)
    return {
        "received_at": moment(row.received_at),
        "received_t": tonnes_text(input_kg(got)),
        "received_moisture_pct": _percent(got.moisture),
        "accepted_t": tonnes_text(accepted),
        "refused_t": tonnes_text(input_kg(got) - accepted),
        "reason": got.reason or None,
    }


def _declared(held: Held) -> str | None:
    """The mass the consignor declared when issuing."""
    issued = held.last(EventKind.ISSUED)
    return tonnes_text(input_kg(issued)) if issued is not None else None


def input_kg(row: EventRow) -> int:
    """Kilograms of an event in the basis they were given in."""
    return row.kg if row.input_kg is None else row.input_kg


def moment(at: datetime | None) -> str | None:
    """A moment as text with the offset of Asia/Shanghai."""
    return None if at is None else at.astimezone(SHANGHAI).isoformat()


def _percent(moisture: int | None) -> str | None:
    return None if moisture is None else fields()["moisture_pct"].to_text(moisture)


def event_view(held: Held, row: EventRow) -> View:
    """One event: what, when, by whom, with its masses where its kind has any."""
    actor = held.actors.get(row.seq)
    kind = EventKind(row.kind)
    found: View = {
        "seq": row.seq,
        "event": kind.value,
        "at": moment(row.at),
        "recorded_at": moment(row.recorded_at),
        "booked_month": month_text(row.booked_month),
        "evidence": Evidence(row.evidence).word,
        "reason": row.reason or None,
        "batch": row.batch_id,
        "file_of": held.files.get(row.seq),
        "by": None,
        "details": held.details(row.seq),
    }
    if kind in WEIGHED:
        found["tonnes"] = tonnes_text(input_kg(row))
        found["moisture_pct"] = _percent(row.moisture)
        found["basis"], found["weighed"] = row.basis, row.weighed
    if row.accepted_kg or row.refused_kg:
        accepted = as_given(row, row.accepted_kg)
        found["accepted_t"] = tonnes_text(accepted)
        found["refused_t"] = tonnes_text(input_kg(row) - accepted)
    if actor is not None:
        found["by"] = {
            "user_id": actor.user_id,
            "token_id": actor.token_id or None,
            "organisation": actor.organisation or None,
            "on_behalf_of": actor.on_behalf_of or None,
            "side": actor.side or None,
            "channel": actor.channel,
        }
    return found


def answers_of(session: Session, row: RevisionRow) -> list[RevisionAnswerRow]:
    """The parties a revision touches, in order of code."""
    query = select(RevisionAnswerRow).where(
        RevisionAnswerRow.shipment_id == row.shipment_id, RevisionAnswerRow.number == row.number
    )
    return list(session.scalars(query.order_by(RevisionAnswerRow.organisation)))


def revision_view(held: Held, row: RevisionRow) -> View:
    """One revision: what would change, who proposed it, who has answered what."""
    return {
        "id": str(load_uid(row.shipment_id, held.recorded_at, row.number)),
        "number": row.number,
        "shipment": str(held.uid),
        "status": row.status,
        "annuls": row.annuls,
        "reason": row.reason,
        "before": json.loads(row.before),
        "after": json.loads(row.after),
        "proposed_by": {
            "organisation": row.organisation,
            "user_id": row.user_id,
            "token_id": row.token_id or None,
        },
        "proposed_at": moment(row.proposed_at),
        "closed_at": moment(row.closed_at),
        "event": row.event_seq,
        "answers": [
            {
                "organisation": answer.organisation,
                "answer": answer.answer or None,
                "reason": answer.reason or None,
                "user_id": answer.user_id or None,
                "at": moment(answer.at),
            }
            for answer in answers_of(held.session, row)
        ],
    }
