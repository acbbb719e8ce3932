"""Conditions that several moves share; each refuses a field or gives back what it allows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from wasteflow.core.errors import Remark
from wasteflow.core.periods import shanghai_day
from wasteflow.core.records import EventKind
from wasteflow.core.rules import CAP_KG, cap_breach
from wasteflow.services.live.content import refuse, remark
from wasteflow.services.live.held import Held
from wasteflow.services.load_rows import Weight
from wasteflow_models import queries
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.parties import sent_to


def after_opening(held: Held, firm: str, name: str, at: datetime, material: str = "") -> None:
    """Nothing moves at a site before its opening stock; FieldsRefused `before_opening`."""
    keys = held.keys
    first = queries.site_opening(
        held.session,
        keys.id_of("enterprise", firm),
        keys.id_of("material", material or held.header.material),
    )
    if first is not None and shanghai_day(at) < first:
        raise refuse(name, "before_opening", first_day=first.isoformat())


def way_so_far(held: Held) -> datetime:
    """The last moment on the road: the dispatch as it stands, or a hand-over after it."""
    sent = held.row.dispatched_at
    assert sent is not None  # the load is on the road
    return max([sent, *(row.at for row in held.events if row.kind == EventKind.HANDED_OVER)])


def facility_key(held: Held, name: str, code: str, owner: str) -> int:
    """Key of a facility of `owner`; FieldsRefused if it is unknown or another's."""
    facility = held.registry.facilities.get(code)
    if facility is None:
        raise refuse(name, "unknown_facility", value=code)
    if facility.enterprise != owner:
        raise refuse(name, "facility_not_of_enterprise", value=code, enterprise=owner)
    return held.keys.id_of("facility", code)


def ticket_unique(held: Held, ticket: str) -> None:
    """FieldsRefused `ticket_taken` for a ticket of the same weighbridge on another load."""
    row, other = held.row, ShipmentRow
    held.session.execute(queries.enterprise_lock(row.consignee_id))
    query = select(other.doc_no).where(
        sent_to(held.session, [row.consignee_id]),
        other.ticket_no == ticket,
        other.id != row.id,
        other.received_at.is_not(None),
        ~other.reversed_,
    )
    taken = held.session.scalars(query.order_by(other.id).limit(1)).one_or_none()
    if taken is not None:
        raise refuse("ticket_no", "ticket_taken", value=ticket, doc_no=taken)


def cap_remarks(mode: str, trips: int, sent: Weight) -> list[Remark]:
    """A load above the cap of its mode; above twice the cap FieldsRefused `over_twice_cap`."""
    breach = cap_breach(mode, sent.kg, trips)
    if not breach:
        return []
    cap = CAP_KG[mode] * trips // 1000
    if breach == "over_twice_cap":
        raise refuse("dispatched_t", "over_twice_cap", cap=cap)
    return [remark("over_cap", cap=cap)]
