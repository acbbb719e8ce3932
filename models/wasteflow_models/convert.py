"""Row ↔ record conversion: the registry snapshot with its keys, places, entries and loads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core import registry as core
from wasteflow.core.collecting import no_collecting
from wasteflow.core.records import Entry, Event, EventKind, LoadHeader, LoadStatus
from wasteflow.core.vocabulary import EntryKind, Evidence, LoadKind, LoadState
from wasteflow_models.base import Base
from wasteflow_models.flow_columns import stamp
from wasteflow_models.kept import Kept
from wasteflow_models.keys import Keys as Keys
from wasteflow_models.ledger import EntryRow, EventRow, ShipmentRow
from wasteflow_models.registry import (
    EnterpriseRow,
    FacilityRow,
    FilingRow,
    MaterialRow,
    ParkRow,
    RegionRow,
    RouteRow,
    TargetRow,
)

ANY = "*"


def load_keys(session: Session) -> Keys:
    """The whole registry with its integer keys, kept until one of its tables is written."""
    version = stamp(session, "registry")
    found = _kept.get(version)
    if found is None:
        with no_collecting():
            found = _kept.put(version, read_keys(session))
    return found


KEYS_KEPT = 4
"""Registry snapshots kept at most in a process."""
_kept: Kept[int, Keys] = Kept(KEYS_KEPT)


def forget_keys() -> None:
    """Drop the registry snapshots this process keeps."""
    _kept.clear()


def read_keys(session: Session) -> Keys:
    """The registry from the database (one query a table)."""
    regions = _rows(session, RegionRow)
    parks = _rows(session, ParkRow)
    firms = _rows(session, EnterpriseRow, *_OF_ENTERPRISE)
    materials = _rows(session, MaterialRow)
    routes = _rows(session, RouteRow)
    facilities = _rows(session, FacilityRow, *_OF_FACILITY)
    targets = _rows(session, TargetRow)
    filings = _rows(session, FilingRow)
    region_code: dict[int | None, str] = {None: "", **{row.id: row.code for row in regions}}
    park_code: dict[int | None, str] = {None: "", **{row.id: row.code for row in parks}}
    firm_code: dict[int | None, str] = {None: "", **{row[0]: row[1] for row in firms}}
    registry = core.Registry(
        regions=core.by_code(
            core.Region(r.code, r.name_zh, r.name_en, region_code[r.parent_id]) for r in regions
        ),
        parks=core.by_code(_park(row, park_code, region_code) for row in parks),
        enterprises=core.by_code(_enterprise(row, park_code, region_code) for row in firms),
        facilities=core.by_code(_facility(row, firm_code, park_code) for row in facilities),
        materials=core.by_code(_material(row) for row in materials),
        routes=core.by_code(_route(row) for row in routes),
        targets=core.by_code(_target(row) for row in targets),
        filings=core.by_code(_filing(row, firm_code, region_code) for row in filings),
    )
    ids = {
        "region": {row.code: row.id for row in regions},
        "park": {row.code: row.id for row in parks},
        "enterprise": {row[1]: row[0] for row in firms},
        "material": {row.code: row.id for row in materials},
        "route": {row.code: row.id for row in routes},
        "facility": {row[1]: row[0] for row in facilities},
        "target": {row.code: row.id for row in targets},
    }
    return Keys(registry, ids)


_OF_ENTERPRISE = (
    *("name_zh", "name_en", "uscc", "park_id", "region_id", "industry", "external", "aliases"),
    *("lon", "lat", "precision_km", "source"),
)
_OF_FACILITY = (
    *("kind", "name", "enterprise_id", "park_id", "materials", "routes", "capacity_kg_per_year"),
    *("status", "source", "valid_from", "valid_to"),
)
"""Columns of the long tables, read by position: by name a row costs ten times as much."""


def _rows(session: Session, table: type[Base], *names: str) -> Sequence[Any]:
    """Plain rows of a table in order of id (many times quicker than objects).

    names: id, code and these columns in their order; every column where none are named.
    """
    columns = table.__table__.c
    chosen = [columns[name] for name in ("id", "code", *names)] if names else list(columns)
    return session.execute(select(*chosen).order_by(columns.id)).all()


def _park(row: Any, parks: dict[int | None, str], regions: dict[int | None, str]) -> core.Park:
    return core.Park(
        row.code,
        row.name_zh,
        row.name_en,
        parks[row.parent_id],
        regions[row.region_id],
        row.level,
        row.lon,
        row.lat,
        row.precision_km,
        row.boundary,
        row.source,
    )


def _enterprise(
    row: Any, parks: dict[int | None, str], regions: dict[int | None, str]
) -> core.Enterprise:
    """The enterprise of a row of `_OF_ENTERPRISE`."""
    _, code, name_zh, name_en, uscc, park, region, *rest = row
    return core.Enterprise(code, name_zh, name_en, uscc, parks[park], regions[region], *rest)


def _material(row: Any) -> core.Material:
    return core.Material(
        row.code,
        row.name_zh,
        row.name_en,
        row.waste_code,
        row.waste_class,
        row.is_waste,
        row.verified,
        row.source,
    )


def _route(row: Any) -> core.Route:
    return core.Route(
        row.code,
        row.name_zh,
        row.name_en,
        row.fate,
        frozenset() if row.materials == ANY else _codes(row.materials),
        row.standard,
        row.conditional,
        row.condition,
        row.source,
    )


def _facility(
    row: Any, firms: dict[int | None, str], parks: dict[int | None, str]
) -> core.Facility:
    """The facility of a row of `_OF_FACILITY`."""
    _, code, kind, name, firm, park, materials, routes, *rest = row
    stuff, ways = _codes(materials), _codes(routes)
    return core.Facility(code, kind, name, firms[firm], parks[park], stuff, ways, *rest)


def _target(row: Any) -> core.Target:
    return core.Target(
        row.code,
        row.scope,
        tuple(code for code in row.materials.split(";") if code),
        row.metric,
        row.operator,
        row.value,
        row.unit,
        row.year,
        row.baseline_year,
        row.baseline_value,
        row.binding,
        row.coverage_complete,
        row.source,
    )


def _filing(row: Any, firms: dict[int | None, str], regions: dict[int | None, str]) -> core.Filing:
    return core.Filing(
        row.code,
        regions[row.from_region_id],
        regions[row.to_region_id],
        firms[row.enterprise_id],
        _codes(row.materials),
        row.quota_kg,
        row.valid_from,
        row.valid_to,
        row.document,
    )


@lru_cache(maxsize=4096)
def _codes(text: str) -> frozenset[str]:
    return frozenset(code for code in text.split(";") if code and code != ANY)


def entry_record(row: EntryRow, keys: Keys, reversed_: bool = False) -> Entry:
    """The entry of a row; `reversed_` if another row reverses it (or it is that other row)."""
    codes = keys.codes
    return Entry(
        doc_no=row.doc_no,
        enterprise=codes["enterprise"][row.enterprise_id],
        kind=EntryKind(row.kind),
        material=codes["material"][row.material_id],
        day=row.day,
        kg=row.kg,
        route=codes["route"][row.route_id or 0],
        compartment=row.compartment,
        generator=codes["enterprise"][row.generator_id or 0],
        year_generated=row.year_generated,
        from_use=row.from_use,
        evidence=Evidence(row.evidence),
        difference_kg=row.difference_kg,
        reversed_=reversed_,
    )


def load_header(row: ShipmentRow, keys: Keys) -> LoadHeader:
    """The header of a shipment row."""
    firm = keys.codes["enterprise"]
    return LoadHeader(
        doc_no=row.doc_no,
        consignor=firm[row.consignor_id],
        consignee=firm[row.consignee_id],
        material=keys.codes["material"][row.material_id],
        route=keys.codes["route"][row.route_id],
        kind=LoadKind(row.kind),
        holder=firm[row.holder_id],
        parent_consignee=firm[row.parent_consignee_id or 0],
        to_outside=row.to_outside,
        from_outside=row.from_outside,
        trips=row.trips,
    )


def load_status(row: ShipmentRow) -> LoadStatus:
    """The cached status of a shipment row."""
    return LoadStatus(
        state=LoadState(row.state),
        dispatched_month=row.dispatched_month,
        dispatched_kg=row.dispatched_kg,
        received_month=row.received_month,
        received_kg=row.received_kg,
        accepted_kg=row.accepted_kg,
        refused_kg=row.refused_kg,
        lost_month=row.lost_month,
        evidence=Evidence(row.evidence),
        reversed_=row.reversed_,
        dispatched_at=row.dispatched_at,
        received_at=row.received_at,
    )


def store_status(row: ShipmentRow, status: LoadStatus) -> None:
    """Write a folded status into the cache columns of a shipment row."""
    row.state = status.state.value
    row.dispatched_month, row.dispatched_kg = status.dispatched_month, status.dispatched_kg
    row.received_month, row.received_kg = status.received_month, status.received_kg
    row.accepted_kg, row.refused_kg = status.accepted_kg, status.refused_kg
    row.lost_month, row.evidence = status.lost_month, int(status.evidence)
    row.reversed_ = status.reversed_
    row.dispatched_at, row.received_at = status.dispatched_at, status.received_at


def event_record(row: EventRow) -> Event:
    """The event of a row."""
    return Event(
        row.seq,
        EventKind(row.kind),
        row.at,
        row.kg,
        row.accepted_kg,
        row.refused_kg,
        Evidence(row.evidence),
    )
