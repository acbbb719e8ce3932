"""Loads as the forms of a firm and period tell them: what left, and what came before an entry.

Of the loads that left in the period each is a row of form 3.  Of those that came only the last of a
day and material counts, whose number stands before what was made of it: of the period, and before
it of the last month in which any came, which the roll-up knows.  The roll-up also says whether all
were found where they are looked for first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from wasteflow.core.ledger_numbers import FormLoad
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.records import DISPATCHES
from wasteflow.core.vocabulary import LoadKind
from wasteflow_models.by_month import Arrivals, arrived, where_arrived, where_dispatched
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import EventRow, ShipmentRow, visible
from wasteflow_models.parties import sent_to

_ROW: Final = ShipmentRow
_HOUR: Final = 3600
_CHUNK: Final = 500
_GONE: Final = (
    _ROW.id,
    _ROW.doc_no,
    _ROW.material_id,
    _ROW.route_id,
    _ROW.consignee_id,
    _ROW.dispatched_at,
    _ROW.dispatched_kg,
    _ROW.mode,
    _ROW.carrier,
    _ROW.vehicle,
    _ROW.handler,
)


def loads_that_left(session: Session, keys: Keys, firm: str, period: Period) -> Iterator[FormLoad]:
    """Deliveries in force that left the firm in the period, in the order of their ids.

    A return or redirect of a refused part left nobody's works: it was on the road all the time, and
    stands in form 3 of its holder with the load it was a part of.
    """
    key = keys.id_of("enterprise", firm)
    late = _booked_late(session, key, period)
    stuff, route, other = (keys.codes[kind] for kind in ("material", "route", "enterprise"))
    found: list[Any] = []
    for here in where_dispatched(session, period.first, period.last):
        query = select(*_GONE).where(
            _ROW.consignor_id == key,
            _ROW.kind == LoadKind.DELIVERY.value,
            _ROW.dispatched_month.between(period.first, period.last),
            *here,
            ~_ROW.reversed_,
            visible(),
        )
        found += session.execute(query)
    for item in sorted(found):
        load, number, material, way, consignee, at, kg, mode, carrier, vehicle, handler = item
        if at is not None:
            yield FormLoad(
                number, stuff[material], route[way], shanghai_day(at), kg, other[consignee],
                mode, carrier, vehicle, handler, booked=late.get(load, 0),
            )  # fmt: skip


def _booked_late(session: Session, firm: int, period: Period) -> dict[int, int]:
    """Loads that left a firm in a period → the later month that was booked in, a correction too."""
    event, found = EventRow, dict[int, int]()
    for here in where_dispatched(session, period.first, period.last):
        query = (
            select(event.shipment_id, func.max(event.booked_month))
            .join(_ROW, _ROW.id == event.shipment_id)
            .where(
                _ROW.consignor_id == firm,
                _ROW.dispatched_month.between(period.first, period.last),
                *here,
                event.kind.in_(sorted(DISPATCHES)),
                event.booked_month > _ROW.dispatched_month,
            )
            .group_by(event.shipment_id)
            .order_by(event.shipment_id)
        )
        found |= {int(load): int(month) for load, month in session.execute(query)}
    return found


# --- what came ---------------------------------------------------------------------------------


def loads_that_came(session: Session, keys: Keys, firm: str, period: Period) -> Iterator[FormLoad]:
    """The last load of each day and material that the firm accepted in the period, and in the last
    month before it in which any of the material came.
    """
    key = keys.id_of("enterprise", firm)
    arrivals = arrived(session, key, 0, period.last)
    before = {
        material: month
        for month in sorted(arrivals)
        if month < period.first
        for material in arrivals[month]
    }
    spans = {(month, month) for month in before.values()}
    if any(month >= period.first for month in arrivals):
        spans.add((period.first, period.last))
    stuff = keys.codes["material"]
    last: dict[tuple[int, Any], int] = {}
    for first, until in sorted(spans):
        for load, material, hour in _last_by_hour(session, key, first, until, arrivals):
            day = shanghai_day(datetime.fromtimestamp(hour * _HOUR, UTC))
            last[material, day] = max(load, last.get((material, day), 0))
    told = _numbers(session, sorted(last.values()))
    for (material, day), load in sorted(last.items(), key=lambda item: item[1]):
        number, route, kg, consignor = told[load]
        yield FormLoad(
            number,
            stuff[material],
            keys.codes["route"][route],
            day,
            kg,
            keys.codes["enterprise"][consignor],
            came=True,
        )


def _last_by_hour(
    session: Session, firm: int, first: int, last: int, arrivals: Arrivals
) -> list[tuple[int, int, int]]:
    """(load, material, hour since 1970) of the last load accepted in each hour of some months."""
    wanted = {month: kg for month, kg in arrivals.items() if first <= month <= last}
    for here in where_arrived(first, last):
        hour = type_coerce(_ROW.received_at, BigInteger) // _HOUR
        query = (
            select(
                _ROW.received_month,
                _ROW.material_id,
                hour.label("hour"),
                func.max(_ROW.id),
                func.sum(_ROW.accepted_kg),
            )
            .where(
                sent_to(session, [firm]),
                _ROW.received_month.between(first, last),
                or_(_ROW.consignor_id != firm, _ROW.kind != LoadKind.DELIVERY.value),
                _ROW.accepted_kg > 0,
                here,
                ~_ROW.reversed_,
                visible(),
            )
            .group_by(_ROW.received_month, _ROW.material_id, "hour")
            .order_by(_ROW.received_month, _ROW.material_id, "hour")
        )
        rows = session.execute(query).all()
        if _sums(rows) == wanted:
            break
    return [(int(load), int(material), int(at)) for _, material, at, load, _ in rows]


def _sums(rows: Any) -> Mapping[int, Mapping[int, int]]:
    found: Arrivals = {}
    for month, material, _, _, kg in rows:
        of = found.setdefault(int(month), {})
        of[int(material)] = of.get(int(material), 0) + int(kg)
    return found


def _numbers(session: Session, loads: list[int]) -> dict[int, tuple[str, int, int, int]]:
    """Load → its number, route, accepted kilograms and consignor."""
    found: dict[int, tuple[str, int, int, int]] = {}
    for start in range(0, len(loads), _CHUNK):
        query = select(
            _ROW.id, _ROW.doc_no, _ROW.route_id, _ROW.accepted_kg, _ROW.consignor_id
        ).where(_ROW.id.in_(loads[start : start + _CHUNK]))
        found |= {
            key: (number, way, kg, giver) for key, number, way, kg, giver in session.execute(query)
        }
    return found
