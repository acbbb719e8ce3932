"""附表1–7 of one firm and period, from its records and the roll-up; see `core.ledger_forms`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound
from wasteflow.core.ledger_forms import Form, Late, flow_rows, forms_of, late_of
from wasteflow.core.ledger_numbers import FormEntry, FormLoad, numbered
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.records import DISPATCHES
from wasteflow.core.registry import Enterprise
from wasteflow.core.vocabulary import EntryKind, LoadKind
from wasteflow.services.reports import check_material
from wasteflow.services.statements import profiles_of
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    EntryRow,
    EventRow,
    ShipmentRow,
    recorded,
    visible,
)
from wasteflow_models.parties import of_either
from wasteflow_models.seals import last_seal


class LedgerForms(Struct, frozen=True):
    """The forms with their head and foot; `root`: head of the chain of seals, "" without one.

    late: rows that were booked in a later month than they happened in.
    """

    firm: Enterprise
    park: str
    period: Period
    forms: tuple[Form, ...]
    synthetic: bool
    root: str
    sealed_at: datetime | None
    late: tuple[Late, ...] = ()


def ledger_forms(
    *, db: Database, enterprise: str, period: Period, material: str = ""
) -> LedgerForms:
    """Forms 1 to 7; sums of form 2 are those of `balance`.  Raises NotFound `unknown_code`."""
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        check_material(registry, material)
        if enterprise not in registry.enterprises:
            raise NotFound("unknown_code", what="enterprise", value=enterprise)
        months = list(period.months())
        books = [
            queries.period_books(session, keys, Period.of(month, month), negatives=False)
            for month in months
        ]
        loads = list(_loads(session, keys, enterprise, period))
        entries = numbered(_entries(session, keys, enterprise), loads)
        profiles = profiles_of(session, keys, enterprise, period.last // 100)
        synthetic = queries.has_synthetic(session)
        seal = last_seal(session)
        root, sealed_at = (seal.head, seal.sealed_at) if seal else ("", None)
    firm = registry.enterprises[enterprise]
    home = registry.parks.get(registry.park_of(enterprise))
    forms = forms_of(
        enterprise,
        registry=registry,
        months=months,
        flows=flow_rows(enterprise, books, registry, material),
        entries=entries,
        loads=loads,
        material=material,
        profiles=profiles,
    )
    park = home.name_zh if home else ""
    late = tuple(late_of(forms, entries, loads))
    return LedgerForms(firm, park, period, tuple(forms), synthetic, root, sealed_at, late)


def _entries(session: Session, keys: Keys, firm: str) -> Iterator[FormEntry]:
    """Entries of a firm in the order they were recorded; a reversed one has left its number."""
    row = EntryRow
    gone = set(session.scalars(select(row.reverses_id).where(row.reverses_id.is_not(None))))
    own = row.enterprise_id == keys.id_of("enterprise", firm)
    for item in session.scalars(select(row).where(own, recorded()).order_by(row.id)):
        if item.reverses_id is None:
            yield FormEntry(
                EntryKind(item.kind),
                keys.codes["material"][item.material_id],
                item.day,
                item.kg,
                keys.codes["facility"][item.facility_id or 0] or "",
                keys.codes["route"][item.route_id or 0] or "",
                item.handler or "",
                item.doc_no,
                item.from_use,
                item.id in gone,
                item.booked_month if item.booked_month > item.month else 0,
            )


def _loads(session: Session, keys: Keys, firm: str, period: Period) -> Iterator[FormLoad]:
    """Loads in force that left the firm, and those it accepted, in the order of their ids.

    A return or redirect of a refused part left nobody's works: it was on the road all the time, and
    stands in form 3 of its holder with the load it was a part of.
    """
    row, key = ShipmentRow, keys.id_of("enterprise", firm)
    query = select(row).where(
        of_either(session, [key]),
        row.dispatched_month > 0,
        ~row.reversed_,
        visible(),
    )
    late = _booked_late(session, key, period)
    for item in session.scalars(query.order_by(row.id)):
        stuff, route = keys.codes["material"][item.material_id], keys.codes["route"][item.route_id]
        own = item.consignor_id == key and item.kind == LoadKind.DELIVERY
        if own and item.dispatched_at is not None:
            yield FormLoad(
                item.doc_no, stuff, route, shanghai_day(item.dispatched_at), item.dispatched_kg,
                keys.codes["enterprise"][item.consignee_id], item.mode, item.carrier,
                item.vehicle, item.handler, booked=late.get(item.id, 0),
            )  # fmt: skip
        elif item.consignee_id == key and item.received_at is not None and item.accepted_kg:
            yield FormLoad(
                item.doc_no, stuff, route, shanghai_day(item.received_at), item.accepted_kg,
                keys.codes["enterprise"][item.consignor_id], came=True,
            )  # fmt: skip


def _booked_late(session: Session, firm: int, period: Period) -> dict[int, int]:
    """Loads that left a firm in a period → the later month that was booked in, a correction too."""
    row, event = ShipmentRow, EventRow
    query = (
        select(event.shipment_id, func.max(event.booked_month))
        .join(row, row.id == event.shipment_id)
        .where(
            row.consignor_id == firm,
            row.dispatched_month.between(period.first, period.last),
            event.kind.in_(sorted(DISPATCHES)),
            event.booked_month > row.dispatched_month,
        )
        .group_by(event.shipment_id)
        .order_by(event.shipment_id)
    )
    return {int(load): int(month) for load, month in session.execute(query)}
