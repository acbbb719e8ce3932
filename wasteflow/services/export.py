"""The rows of every kind as typed values under the columns of the contract, ready to be written.

What is exported can be imported again: reversed records and their reversals are left out, masses
are given as they were given in (`basis`, `input_kg`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.core.records import DISPATCHES, RECEIPTS, EventKind
from wasteflow.core.units import dry_from_wet, wet_from_dry
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.registry_rows import TABLES
from wasteflow_models import queries, scan
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

Values = dict[str, Any]

_DECISIONS = RECEIPTS | {EventKind.SETTLED}
_OWN_COLUMNS = {
    "capacity_t_per_year": "capacity_kg_per_year",
    "quota_t": "quota_kg",
    "lon": "lon_given",
    "lat": "lat_given",
}
_DECIMALS = {"lon", "lat", "precision_km", "value", "baseline_value", "low", "typical", "high"}
_REFERENCES = {
    "parent": ("parent_id", ""),
    "park": ("park_id", "park"),
    "region": ("region_id", "region"),
    "enterprise": ("enterprise_id", "enterprise"),
    "from_region": ("from_region_id", "region"),
    "to_region": ("to_region_id", "region"),
}
_LISTS = {"facilities": ("material", "route"), "routes": ("material",), "filings": ("material",)}


def export_registry(*, db: Database, kind: str, columns: list[str]) -> list[Values]:
    """Every object of a registry kind in order of code, with the given columns."""
    with db.read() as session:
        keys = load_keys(session)
        table = TABLES[kind]
        rows = session.scalars(select(table).order_by(table.code)).all()
        own = {row.id: row.code for row in rows}
        return [
            {column: registry_value(kind, column, row, keys, own) for column in columns}
            for row in rows
        ]


def registry_value(kind: str, column: str, row: Any, keys: Keys, own: Mapping[int, str]) -> Any:
    """Typed value of a column of a stored object; `own`: code by id of its kind (for parents)."""
    if column in _REFERENCES:
        attribute, table = _REFERENCES[column]
        key = getattr(row, attribute)
        return (own if not table else keys.codes[table]).get(key) if key else None
    if column in _LISTS.get(kind, ()):
        return _code_list(getattr(row, column + "s"))
    if column in ("aliases", "materials"):
        return _code_list(getattr(row, column))
    if kind == "coefficients" and column == "material":
        return keys.codes["material"][row.material_id] if row.material_id else None
    value = getattr(row, _OWN_COLUMNS.get(column, column))
    if column in _DECIMALS:
        return Decimal(value) if value not in ("", None) else None
    return None if value == "" else value


def _code_list(text: str) -> tuple[str, ...] | None:
    return tuple(text.split(";")) if text else None


def export_entries(
    *, db: Database, scope: str = "all", period: Period | None = None, material: str = ""
) -> Iterator[Values]:
    """Entries in force of the firms of `scope`, in the order they were recorded, one by one."""
    with db.read() as session:
        keys = load_keys(session)
        wanted = keys.registry.in_scope(scope)
        gone = queries.reversed_entry_ids(session)
        for row in scan.entries(session):
            if row.reverses_id is not None or row.id in gone:
                continue
            values = entry_values(row, keys)
            if values["enterprise"] in wanted and _asked(values, row.month, period, material):
                yield values


def _asked(values: Values, month: int, period: Period | None, material: str) -> bool:
    if material and values["material"] != material:
        return False
    return period is None or period.first <= month <= period.last


def entry_values(row: Any, keys: Keys) -> Values:
    """Typed values of an entry row by column of the contract."""
    codes = keys.codes
    return {
        "doc_no": row.doc_no,
        "enterprise": codes["enterprise"][row.enterprise_id],
        "facility": codes["facility"][row.facility_id or 0] or None,
        "kind": row.kind,
        "material": codes["material"][row.material_id],
        "route": codes["route"][row.route_id or 0] or None,
        "date": row.day,
        "tonnes": row.input_kg,
        "moisture_pct": row.moisture,
        "basis": row.basis,
        "weighed": row.weighed,
        "year_generated": row.year_generated,
        "generator": codes["enterprise"][row.generator_id or 0] or None,
        "from_use": row.from_use,
        "handler": row.handler or None,
        "reason": row.reason or None,
        "remark": row.remark or None,
    }


def export_shipments(
    *, db: Database, scope: str = "all", period: Period | None = None, material: str = ""
) -> Iterator[Values]:
    """Loads in force sent or received by the firms of `scope`, by month of dispatch, one by one."""
    with db.read() as session:
        yield from _shipments(session, scope, period, material)


def _shipments(
    session: Session, scope: str, period: Period | None, material: str
) -> Iterator[Values]:
    keys = load_keys(session)
    wanted = keys.registry.in_scope(scope)
    numbers = scan.refused_numbers(session)
    for header, events in scan.loads(session):
        if header.reversed or not header.dispatched_month:
            continue  # not in force, or not on its way yet
        values = _shipment_values(header, events, keys, numbers)
        parties = {values["consignor"], values["consignee"]}
        if parties & wanted and _asked(values, header.dispatched_month, period, material):
            yield values


def _shipment_values(
    header: Any, events: list[Any], keys: Keys, numbers: Mapping[int, str]
) -> Values:
    codes = keys.codes
    sent = next(event for event in reversed(events) if event.kind in DISPATCHES)
    decided = next((event for event in reversed(events) if event.kind in _DECISIONS), None)
    values: Values = {
        "doc_no": header.doc_no,
        "consignor": codes["enterprise"][header.consignor_id],
        "consignee": codes["enterprise"][header.consignee_id],
        "material": codes["material"][header.material_id],
        "route": codes["route"][header.route_id],
        "dispatched_at": sent.at.astimezone(SHANGHAI),
        "dispatched_t": sent.input_kg,
        "moisture_pct": sent.moisture,
        "basis": sent.basis,
        "weighed": sent.weighed,
        "loads": header.trips,
        "parent_doc_no": numbers.get(header.parent_id) if header.parent_id else None,
        "kind": header.kind,
        "from_facility": codes["facility"][header.from_facility_id or 0] or None,
        "to_facility": codes["facility"][header.to_facility_id or 0] or None,
        "evidence": Evidence(header.evidence).word,
    }
    for name in ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark"):
        values[name] = getattr(header, name) or None
    receipt = ("received_at", "received_t", "received_moisture_pct", "accepted_t", "refused_t")
    values.update(dict.fromkeys((*receipt, "reason")))
    if decided is not None:
        accepted = as_given(decided, decided.accepted_kg)
        values.update(
            received_at=header.received_at.astimezone(SHANGHAI),
            received_t=decided.input_kg,
            received_moisture_pct=decided.moisture,
            accepted_t=accepted,
            refused_t=decided.input_kg - accepted,
            reason=decided.reason or None,
        )
    return values


def as_given(row: Any, wet_kg: int) -> int:
    """The mass in the basis of the row that gives `wet_kg` again when it is imported."""
    if row.basis != "dry" or row.moisture is None:
        return wet_kg
    near = dry_from_wet(wet_kg, row.moisture)
    exact = [kg for kg in (near, near - 1, near + 1) if wet_from_dry(kg, row.moisture) == wet_kg]
    return exact[0] if exact else near
