"""Books of one place at a day, for stocktakes, and the first day anything happened at a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache

from msgspec.structs import replace
from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import Posting, entry_postings, load_postings
from wasteflow.core.records import EventKind, LoadStatus
from wasteflow.core.vocabulary import EntryKind, LoadKind
from wasteflow_models import flow_columns
from wasteflow_models.convert import Keys, entry_record, load_header, load_status
from wasteflow_models.engine import linked
from wasteflow_models.ledger import (
    EntryRow,
    EventRow,
    PlaceRow,
    ShipmentRow,
    no_reversal,
    recorded,
    visible,
)
from wasteflow_models.parties import coming, sent_to
from wasteflow_models.prepared import Prepared
from wasteflow_models.queries import entries_of, reversed_entry_ids
from wasteflow_models.raw import is_postgresql

_PLACE = Prepared(
    select(PlaceRow.id).where(
        PlaceRow.kind == bindparam("kind"),
        PlaceRow.a == bindparam("a"),
        PlaceRow.b == bindparam("b"),
    )
)
"""Built once, as the next: a stocktake asks them, and a file has many."""


@cache
def _loads(postgresql: bool) -> Select[ShipmentRow]:
    """Loads in force of a material that left or reached a firm in a month."""
    row = ShipmentRow
    sent = and_(row.consignor_id == bindparam("firm"), row.dispatched_month == bindparam("month"))
    coming_there = coming(postgresql, [bindparam("firm")])
    got = and_(coming_there, row.received_month == bindparam("month"))
    mine = (row.material_id == bindparam("material"), ~row.reversed_, visible(), or_(sent, got))
    return select(row).where(*mine).order_by(row.id)


def book_before_month(session: Session, keys: Keys, place: Place, material: str, day: date) -> int:
    """Book kilograms of a place before the month of `day`."""
    session.flush()
    asked = dict(zip(("kind", "a", "b"), map(int, keys.place_key(place)), strict=True))
    found = _PLACE.rows(linked(session), asked)
    place_id = found[0][0] if found else 0
    before = flow_columns.months(
        session, keys.id_of("material", material), last=month_of_day(day) - 1
    )
    return sum(
        int(part.kg[part.target == place_id].sum()) - int(part.kg[part.source == place_id].sum())
        for part in before.values()
    )


def postings_of_month_until(
    session: Session, keys: Keys, place: Place, material: str, day: date
) -> Iterator[tuple[Posting, ...]]:
    """Postings dated from the first of the month to `day` that may touch a site or yard."""
    first = day.replace(day=1)
    firm, stuff = keys.id_of("enterprise", place.owner), keys.id_of("material", material)
    rows = list(entries_of(session, firm, stuff, first, day))
    gone = reversed_entry_ids(session, [row.id for row in rows])
    for entry in rows:
        if entry.reverses_id is None and entry.id not in gone:
            yield entry_postings(entry_record(entry, keys))
    if place.kind is not PlaceKind.SITE:
        return
    asked = {"material": stuff, "firm": firm, "month": month_of_day(day)}
    for shipment in session.scalars(_loads(is_postgresql(session)), asked):
        moved = load_postings(load_header(shipment, keys), _status_at(session, shipment, day))
        yield tuple(posting for posting in moved if posting.key.month == month_of_day(day))


def _status_at(session: Session, row: ShipmentRow, day: date) -> LoadStatus:
    """Status of a load as far as its movements dated until `day` go."""
    status = load_status(row)
    if status.dispatched_at is None or shanghai_day(status.dispatched_at) > day:
        return LoadStatus()
    if status.received_at is None or shanghai_day(status.received_at) > day:
        status = replace(status, received_month=0)
    if status.lost_month:
        lost = select(EventRow.at).where(
            EventRow.shipment_id == row.id, EventRow.kind == EventKind.LOST.value
        )
        if shanghai_day(session.scalars(lost).one()) > day:
            status = replace(status, lost_month=0)
    return status


def first_days(
    session: Session, keys: Keys, places: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], date]:
    """(enterprise, compartment, material) → earliest day of a record other than an opening."""
    found: dict[tuple[str, str, str], date] = {}
    for firm, compartment, material in sorted(places):
        days = [
            _first_entry(session, keys, firm, compartment, material),
            _first_load(session, keys, firm, material) if compartment == "site" else None,
        ]
        known = [day for day in days if day is not None]
        if known:
            found[firm, compartment, material] = min(known)
    return found


def _first_entry(
    session: Session, keys: Keys, firm: str, compartment: str, material: str
) -> date | None:
    yard_kinds = [EntryKind.TO_YARD.value, EntryKind.FROM_YARD.value]
    counted = and_(EntryRow.kind == EntryKind.STOCKTAKE.value, EntryRow.compartment == compartment)
    others = [EntryKind.OPENING.value, EntryKind.STOCKTAKE.value]
    moved = EntryRow.kind.in_(yard_kinds)
    if compartment == "site":
        moved = EntryRow.kind.not_in(others)
    gone = select(EntryRow.reverses_id).where(EntryRow.reverses_id.is_not(None))
    query = select(func.min(EntryRow.day)).where(
        EntryRow.enterprise_id == keys.id_of("enterprise", firm),
        EntryRow.material_id == keys.id_of("material", material),
        no_reversal(),
        recorded(),
        EntryRow.id.not_in(gone),
        or_(counted, moved),
    )
    return session.scalar(query)


def _first_load(session: Session, keys: Keys, firm: str, material: str) -> date | None:
    """Earliest dispatch from, or acceptance at, the site of a firm."""
    key, row = keys.id_of("enterprise", firm), ShipmentRow
    here = (
        row.material_id == keys.id_of("material", material),
        ~row.reversed_,
        row.dispatched_month > 0,
        visible(),
    )
    sent = (row.consignor_id == key, row.kind == LoadKind.DELIVERY.value)
    got = (sent_to(session, [key]), row.received_month > 0)
    moments = [
        session.scalar(select(func.min(row.dispatched_at)).where(*here, *sent)),
        session.scalar(select(func.min(row.received_at)).where(*here, *got)),
    ]
    known = [shanghai_day(moment) for moment in moments if moment is not None]
    return min(known, default=None)
