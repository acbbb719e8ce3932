"""附表1–7 of one firm and period, from its records and the roll-up; see `core.ledger_forms`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound
from wasteflow.core.ledger_forms import Form, Late, flow_rows, forms_of, late_of
from wasteflow.core.ledger_numbers import FormEntry, numbered
from wasteflow.core.periods import Period
from wasteflow.core.registry import Enterprise
from wasteflow.core.vocabulary import EntryKind
from wasteflow.services.form_loads import loads_that_came, loads_that_left
from wasteflow.services.reports import check_material
from wasteflow.services.statements import profiles_of
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    EntryRow,
    recorded,
)
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
        loads = [
            *loads_that_left(session, keys, enterprise, period),
            *loads_that_came(session, keys, enterprise, period),
        ]
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
