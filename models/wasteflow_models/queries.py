"""Named read queries over the roll-up and the records; every one is ordered.

Results are core records and tuples, so callers compute after the transaction has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import BindParameter, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from wasteflow.core.books import FlowSums, PeriodBooks, Stock, flows_of_months
from wasteflow.core.periods import Period
from wasteflow.core.records import DISPATCHES, HANDLED, RECEIPTS
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.vocabulary import EntryKind
from wasteflow_models import flow_columns, month_flows
from wasteflow_models.convert import Keys
from wasteflow_models.engine import SNAPSHOT, linked
from wasteflow_models.ledger import (
    BatchRow,
    EntryRow,
    EventRow,
    PlaceRow,
    no_reversal,
    recorded,
)
from wasteflow_models.prepared import Prepared
from wasteflow_models.registry import EnterpriseRow

CHUNK = 500
MAX_MONTH = 999_912
_T = TypeVar("_T", int, str)


def flow_sums(
    session: Session, keys: Keys, first: int, last: int, *, material: str = "", as_of: int = 0
) -> FlowSums:
    """Flows of the months first..last summed per link, route and evidence."""
    months = month_flows.month_flows(session, keys, first, last, material=material, as_of=as_of)
    return flows_of_months(month_flows.numbering(session, keys).names, months)


def stock_at_start(
    session: Session, keys: Keys, first: int, *, material: str = "", as_of: int = 0
) -> Stock:
    """Book kilograms of every holding place before month `first`, its opening postings included."""
    opening = period_books(
        session, keys, Period.of(first, first), material=material, negatives=False, as_of=as_of
    ).opening
    return dict(opening)


def period_books(
    session: Session,
    keys: Keys,
    period: Period,
    *,
    material: str = "",
    negatives: bool = True,
    as_of: int = 0,
) -> PeriodBooks:
    """Opening stock and flows of a period from the roll-up, now or as of a month."""
    return month_flows.period_books(
        session, keys, period, material=material, negatives=negatives, as_of=as_of
    )


def rollup_versions(session: Session, keys: Keys, as_of: int = 0) -> dict[str, dict[int, int]]:
    """Material → month → version of its roll-up, for materials with records.

    As of a month only what was booked by its end counts: months after it are left out.
    """
    stuff = keys.codes["material"]
    found = flow_columns.versions(session)
    return {
        stuff[material]: {m: v for m, v in months.items() if not as_of or m <= as_of}
        for material, months in found.items()
        if not as_of or min(months) <= as_of
    }


def flow_table(session: Session, keys: Keys, material: str, as_of: int = 0) -> FlowTable:
    """The whole roll-up of one material as integer columns; routes in order of their id.

    as_of: as it was booked by the end of that month (0 = as it is now).

    Whole kilograms of traced figures depend on the order of routes, so it stays as it was.
    """
    months = month_flows.month_flows(session, keys, 0, MAX_MONTH, material=material, as_of=as_of)
    numbers = month_flows.numbering(session, keys)
    names, ids = numbers.names, sorted(keys.codes["route"])
    by_id = np.empty(len(ids), np.int64)
    by_id[numbers.route[ids]] = np.arange(len(ids))
    empty = [np.zeros(0, np.int64)] * 6
    parts = [empty, *([np.full(len(m.kg), m.month), *m[2:7]] for m in months)]
    month, source, target, route, evidence, kg = map(np.concatenate, zip(*parts, strict=True))
    return FlowTable.of_columns(
        names.places,
        [keys.codes["route"][route_id] for route_id in ids],
        month=month,
        source=source,
        target=target,
        route=by_id[route],
        evidence=evidence,
        kg=kg,
    )


def ledger_months(session: Session) -> tuple[int, int] | None:
    """First and last month of the books, None when they are empty."""
    return flow_columns.month_span(session)


def place_count(session: Session) -> int:
    """How many places the books know (their largest key): what the size of reports follows."""
    return int(session.scalar(select(func.max(PlaceRow.id))) or 0)


def has_synthetic(session: Session) -> bool:
    """True if any batch of the books was marked synthetic."""
    query = select(BatchRow.id).where(BatchRow.synthetic).limit(1)
    return session.execute(query).first() is not None


_NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
_E = EntryRow.__table__.c
_ENTRY_OF = Prepared(
    select(*_E).where(_E.enterprise_id == bindparam("firm"), _E.doc_no == bindparam("number"))
)
_NUMBERED = select(EntryRow).where(EntryRow.doc_no.in_(_NUMBERS)).order_by(EntryRow.id)


def entry_by_number(session: Session, firm_id: int, number: str) -> EntryRow | None:
    """The row of one document number, also of a file that is not published yet; not of the session:
    it is read, never changed.
    """
    session.flush()
    asked = {"firm": firm_id, "number": number}
    rows = _ENTRY_OF.rows(linked(session), asked)
    return EntryRow(**dict(zip(_E.keys(), rows[0], strict=True))) if rows else None


def entries_by_number(
    session: Session, numbers: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], EntryRow]:
    """Entry rows of (enterprise id, document number), also of a file that is not published yet."""
    wanted = set(numbers)
    if len(wanted) == 1:
        ((firm, number),) = wanted
        row = entry_by_number(session, firm, number)
        return {} if row is None else {(firm, number): row}
    found: dict[tuple[int, str], EntryRow] = {}
    for part in _chunks(sorted({number for _, number in wanted})):
        for row in session.scalars(_NUMBERED, {"numbers": part}):
            if (row.enterprise_id, row.doc_no) in wanted:
                found[row.enterprise_id, row.doc_no] = row
    return found


_REVERSED = select(EntryRow.reverses_id).where(EntryRow.reverses_id.is_not(None))
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_REVERSED_OF = _REVERSED.where(EntryRow.reverses_id.in_(_IDS))


def reversed_entry_ids(session: Session, ids: Sequence[int] | None = None) -> set[int]:
    """Ids of entries that a later row reverses, among `ids` or all."""
    if ids is None:
        return {int(key) for key in session.scalars(_REVERSED) if key is not None}
    found: set[int] = set()
    for part in _chunks(list(ids)):
        chunk = session.scalars(_REVERSED_OF, {"ids": part})
        found |= {int(key) for key in chunk if key is not None}
    return found


def last_event_at(session: Session, shipment_id: int) -> datetime:
    """Moment of the latest movement of a shipment: what is only written about it does not count."""
    moved = [kind.value for kind in (*DISPATCHES, *RECEIPTS, *HANDLED)]
    query = select(func.max(EventRow.at)).where(
        EventRow.shipment_id == shipment_id, EventRow.kind.in_(sorted(moved))
    )
    return session.scalars(query).one()


_LATER = aliased(EntryRow)
_OPENINGS = (
    select(
        EntryRow.enterprise_id,
        EntryRow.compartment,
        EntryRow.material_id,
        func.max(EntryRow.day),
    )
    .where(
        EntryRow.kind == EntryKind.OPENING.value,
        no_reversal(),
        recorded(),
        ~exists().where(_LATER.reverses_id == EntryRow.id),
    )
    .group_by(EntryRow.enterprise_id, EntryRow.compartment, EntryRow.material_id)
    .order_by(EntryRow.enterprise_id)
)
_OPENINGS_OF = _OPENINGS.where(EntryRow.enterprise_id.in_(_IDS))
_OPENINGS_OF_ONE = Prepared(_OPENINGS.where(EntryRow.enterprise_id == bindparam("firm")))
"""Built once: one entry asks as a whole file does."""


def opening_days(
    session: Session, keys: Keys, firms: Collection[int] = ()
) -> dict[tuple[str, str, str], date]:
    """(enterprise, compartment, material) → latest day of an opening entry in force.

    firms: ids of the enterprises that matter, where they are few.
    """
    rows: Iterable[Any]
    if len(firms) == 1:
        session.flush()
        rows = _OPENINGS_OF_ONE.rows(linked(session), {"firm": next(iter(firms))})
    elif 0 < len(firms) <= CHUNK:
        rows = session.execute(_OPENINGS_OF, {"ids": sorted(firms)})
    else:
        rows = session.execute(_OPENINGS)
    return {
        (keys.codes["enterprise"][e], compartment, keys.codes["material"][m]): day
        for e, compartment, m, day in rows
    }


_SITE_OPENING = select(func.max(EntryRow.day)).where(
    EntryRow.enterprise_id == bindparam("firm"),
    EntryRow.material_id == bindparam("material"),
    EntryRow.kind == EntryKind.OPENING.value,
    EntryRow.compartment == "site",
    no_reversal(),
    recorded(),
    ~exists().where(_LATER.reverses_id == EntryRow.id),
)


def site_opening(session: Session, enterprise_id: int, material_id: int) -> date | None:
    """Latest day of an opening entry in force of one site and material."""
    asked = {"firm": enterprise_id, "material": material_id}
    memo: dict[Any, Any] | None = session.info.get(SNAPSHOT)
    if memo is None:
        return session.scalar(_SITE_OPENING, asked)
    key = "site_opening", enterprise_id, material_id
    if key not in memo:
        memo[key] = session.scalar(_SITE_OPENING, asked)
    found: date | None = memo[key]
    return found


_ENTRIES_OF = Prepared(
    select(*_E)
    .where(
        _E.enterprise_id == bindparam("firm"),
        _E.material_id == bindparam("material"),
        _E.day >= bindparam("first"),
        _E.day <= bindparam("last"),
        recorded(),
    )
    .order_by(_E.day, _E.id)
)


def entries_of(
    session: Session, enterprise_id: int, material_id: int, first: date, last: date
) -> Iterator[EntryRow]:
    """Entries of a firm and material dated first..last, reversals included; not of the session."""
    session.flush()
    asked = {"firm": enterprise_id, "material": material_id, "first": first, "last": last}
    for row in _ENTRIES_OF.rows(linked(session), asked):
        yield EntryRow(**dict(zip(_E.keys(), row, strict=True)))


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def enterprise_lock(enterprise_id: int) -> Select[int]:
    """A query that makes writers of one weighbridge wait for each other (nothing on SQLite)."""
    query = select(EnterpriseRow.id).where(EnterpriseRow.id == enterprise_id)
    return query.with_for_update(key_share=True)
