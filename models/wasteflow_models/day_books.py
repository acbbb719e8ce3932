"""Books of one place at a day, for stocktakes, and the first day anything happened at a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.periods import SHANGHAI, month_of_day, shanghai_day
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import Posting, entry_postings
from wasteflow.core.vocabulary import EntryKind, LoadKind
from wasteflow_models import flow_columns
from wasteflow_models.by_month import arrived, where_arrived, where_dispatched
from wasteflow_models.convert import Keys, entry_record
from wasteflow_models.engine import linked
from wasteflow_models.ledger import (
    EntryRow,
    PlaceRow,
    ShipmentRow,
    no_reversal,
    recorded,
    visible,
)
from wasteflow_models.parties import sent_to
from wasteflow_models.prepared import Prepared
from wasteflow_models.queries import entries_of, reversed_entry_ids

_PLACE = Prepared(
    select(PlaceRow.id).where(
        PlaceRow.kind == bindparam("kind"),
        PlaceRow.a == bindparam("a"),
        PlaceRow.b == bindparam("b"),
    )
)
"""Built once, as the next: a stocktake asks them, and a file has many."""


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


def entries_of_month_until(
    session: Session, keys: Keys, place: Place, material: str, day: date
) -> Iterator[tuple[Posting, ...]]:
    """Postings of entries dated from the first of the month to `day` that may touch a place."""
    first = day.replace(day=1)
    firm, stuff = keys.id_of("enterprise", place.owner), keys.id_of("material", material)
    rows = list(entries_of(session, firm, stuff, first, day))
    gone = reversed_entry_ids(session, [row.id for row in rows])
    for entry in rows:
        if entry.reverses_id is None and entry.id not in gone:
            yield entry_postings(entry_record(entry, keys))


def loads_of_month_until(
    session: Session, keys: Keys, place: Place, material: str, day: date
) -> int:
    """Kilograms that loads brought to a place from the first of the month to `day`, less those
    they took from it; none to or from a yard.
    """
    if place.kind is not PlaceKind.SITE:
        return 0
    session.flush()
    row, month = ShipmentRow, month_of_day(day)
    firm, stuff = keys.id_of("enterprise", place.owner), keys.id_of("material", material)
    over = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    mine = (row.material_id == stuff, ~row.reversed_, visible())
    left = (row.kind == LoadKind.DELIVERY.value, ~row.from_outside, row.dispatched_at < over)
    taken = 0
    for here in where_dispatched(session, month, month):
        query = select(func.coalesce(func.sum(row.dispatched_kg), 0)).where(
            row.consignor_id == firm, row.dispatched_month == month, *left, *here, *mine
        )
        taken += int(session.scalar(query) or 0)
    until = case((row.received_at < over, row.accepted_kg), else_=0)
    wanted, brought = arrived(session, firm, month, month).get(month, {}).get(stuff, 0), 0
    for place_of in where_arrived(month, month):
        sums = [func.coalesce(func.sum(column), 0) for column in (row.accepted_kg, until)]
        came = (sent_to(session, [firm]), row.received_month == month, ~row.to_outside)
        whole, brought = map(
            int, session.execute(select(*sums).where(*came, place_of, *mine)).one()
        )
        if whole == wanted:
            break
    return brought - taken


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
