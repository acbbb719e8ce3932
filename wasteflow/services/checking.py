"""`check`: recompute everything that is derived and name each fault with its records.

Reads the books in one transaction; findings are listed beside faults and do not fail the check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from wasteflow.core.balances import balances
from wasteflow.core.periods import Period
from wasteflow.core.places import Place, site, yard
from wasteflow.core.postings_bulk import (
    ENTRY_CODES,
    BulkRollup,
    EntryColumns,
    LoadColumns,
    bulk_entry_postings,
    bulk_load_postings,
    columns_from_rows,
    merge,
)
from wasteflow.core.records import LoadStatus
from wasteflow.core.tracing.identity import check_identity
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.entries import book_at
from wasteflow.services.proof import (
    Fault,
    LoadFacts,
    entry_faults,
    family_faults,
    load_faults,
    reversal_faults,
)
from wasteflow.services.tracing import forget, traced
from wasteflow_models import queries, scan
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

SHOWN_RECORDS = 20
BLOCK = 50_000


@dataclass(slots=True)
class CheckReport:
    """Outcome of `check`."""

    faults: list[Fault] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)
    shipments: int = 0
    entries: int = 0
    flows: int = 0

    @property
    def ok(self) -> bool:
        """True if no fault was found."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """JSON shape of 4-contract 4.3, with the counts of what was read."""
        return {
            "ok": self.ok,
            "faults": [fault.as_dict() for fault in self.faults],
            "findings": self.findings,
            "shipments": self.shipments,
            "entries": self.entries,
            "flows": self.flows,
        }


def check_books(*, db: Database) -> CheckReport:
    """Prove the books of `db`."""
    report = CheckReport()
    with db.read() as session:
        keys = load_keys(session)
        parts = [*_prove_loads(session, keys, report), *_prove_entries(session, keys, report)]
        expected = _as_dict(merge(parts))
        found = {tuple(row[:10]): (row.kg, row.n) for row in scan.flow_rows(session)}
        report.flows = len(found)
        report.faults += _compare(session, keys, expected, found)
        report.findings = _findings(session, keys)
        if report.ok:
            _prove_tracing(session, keys, report)
    return report


def _prove_loads(session: Session, keys: Keys, report: CheckReport) -> Iterator[BulkRollup]:
    """Check every load; yield the roll-up of blocks of them."""
    facts: dict[int, LoadFacts] = {}
    rows: list[tuple[int, ...]] = []
    firm = keys.codes["enterprise"]
    for header, events in scan.loads(session):
        report.shipments += 1
        key = f"shipment {firm[header.consignor_id]} {header.doc_no}"
        status, faults = load_faults(header, events, key)
        report.faults += faults
        if status is None:
            continue
        rows.append(_load_tuple(header, status))
        report.faults += _family(header, status, facts, key)
        if len(rows) == BLOCK:
            yield _load_block(rows)
            rows = []
    yield _load_block(rows)
    report.faults += family_faults(facts)


def _family(header: Any, status: LoadStatus, facts: dict[int, LoadFacts], key: str) -> list[Fault]:
    """Remember refused parts, check children against their parent's header."""
    if status.refused_kg and not status.reversed_:
        facts[header.id] = LoadFacts(
            header.doc_no, header.holder_id, header.consignee_id, status.refused_kg
        )
    if header.kind == "delivery":
        good = header.holder_id == header.consignor_id and header.parent_id is None
        return [] if good else [Fault("header_mismatch", key, [header.doc_no])]
    if status.reversed_:
        return []
    parent = facts.get(header.parent_id)
    if parent is None:
        return [Fault("parent_missing", key, [header.doc_no])]
    parent.children_kg += status.dispatched_kg
    parent.children.append(header.doc_no)
    if (header.holder_id, header.parent_consignee_id) != (parent.holder_id, parent.consignee_id):
        return [Fault("header_mismatch", key, [header.doc_no, parent.doc_no])]
    return []


def _load_tuple(header: Any, status: LoadStatus) -> tuple[int, ...]:
    return (
        header.holder_id,
        header.consignor_id,
        header.consignee_id,
        header.parent_consignee_id or 0,
        int(header.kind != "delivery"),
        int(header.from_outside),
        int(header.to_outside),
        header.material_id,
        header.route_id,
        int(status.evidence),
        header.trips,
        status.dispatched_month,
        status.dispatched_kg,
        status.received_month,
        status.received_kg,
        status.accepted_kg,
        status.lost_month,
        int(status.reversed_),
    )


def _load_block(rows: list[tuple[int, ...]]) -> BulkRollup:
    columns = columns_from_rows(LoadColumns, rows)
    assert isinstance(columns, LoadColumns)
    return bulk_load_postings(columns)


def _prove_entries(session: Session, keys: Keys, report: CheckReport) -> Iterator[BulkRollup]:
    """Check every entry; yield the roll-up of blocks of them."""
    gone = queries.reversed_entry_ids(session)
    originals: dict[int, Any] = {}
    reversals: list[Any] = []
    rows: list[tuple[int, ...]] = []
    for row in scan.entries(session):
        report.entries += 1
        report.faults += entry_faults(row, _entry_key(row, keys))
        if row.id in gone:
            originals[row.id] = row
        if row.reverses_id is not None:
            reversals.append(row)
        else:
            rows.append(_entry_tuple(row, row.id in gone))
        if len(rows) == BLOCK:
            yield _entry_block(rows)
            rows = []
    yield _entry_block(rows)
    report.faults += reversal_faults(reversals, originals, lambda row: _entry_key(row, keys))


def _entry_key(row: Any, keys: Keys) -> str:
    return f"entry {keys.codes['enterprise'][row.enterprise_id]} {row.doc_no}"


def _entry_tuple(row: Any, gone: bool) -> tuple[int, ...]:
    return (
        ENTRY_CODES[row.kind],
        row.enterprise_id,
        row.material_id,
        row.route_id or 0,
        row.month,
        row.kg,
        row.difference_kg,
        int(row.compartment == "yard"),
        row.generator_id or 0,
        row.year_generated or 0,
        int(row.from_use),
        row.evidence,
        int(gone),
    )


def _entry_block(rows: list[tuple[int, ...]]) -> BulkRollup:
    columns = columns_from_rows(EntryColumns, rows)
    assert isinstance(columns, EntryColumns)
    return bulk_entry_postings(columns)


BulkKey = tuple[int, ...]


def _as_dict(rollup: BulkRollup) -> dict[BulkKey, tuple[int, int]]:
    keys = map(tuple, rollup.keys.tolist())
    return dict(zip(keys, zip(rollup.kg.tolist(), rollup.n.tolist(), strict=True), strict=True))


def _compare(
    session: Session,
    keys: Keys,
    expected: dict[BulkKey, tuple[int, int]],
    found: dict[BulkKey, tuple[int, int]],
) -> list[Fault]:
    """Roll-up rows that are not the sum of their records."""
    bad = sorted(
        key
        for key in expected.keys() | found.keys()
        if expected.get(key, (0, 0)) != found.get(key, (0, 0))
    )
    if not bad:
        return []
    records = _records_of(session, set(bad))
    return [
        Fault(
            "rollup_mismatch",
            _key_text(key, keys),
            records.get(key, []),
            _amount(expected.get(key, (0, 0))),
            _amount(found.get(key, (0, 0))),
        )
        for key in bad
    ]


def _amount(pair: tuple[int, int]) -> str:
    return f"{tonnes_text(pair[0])} t / n={pair[1]}"


def _key_text(key: BulkKey, keys: Keys) -> str:
    month, *rest = key
    source = keys.place(rest[0], rest[1], rest[2]).key
    target = keys.place(rest[3], rest[4], rest[5]).key
    material = keys.codes["material"].get(rest[6], "?")
    route = keys.codes["route"].get(rest[7], "?")
    grade = Evidence(rest[8]).word
    return f"{month} {source} -> {target} {material}/{route} {grade}"


def _records_of(session: Session, wanted: set[BulkKey]) -> dict[BulkKey, list[str]]:
    """Documents that post to the given keys (at most SHOWN_RECORDS each)."""
    found: dict[BulkKey, list[str]] = {}

    def note(rollup: BulkRollup, doc_no: str) -> None:
        for key in map(tuple, rollup.keys.tolist()):
            documents = found.setdefault(key, []) if key in wanted else None
            if documents is not None and len(documents) < SHOWN_RECORDS:
                documents.append(doc_no)

    months = np.array(sorted({key[0] for key in wanted}))
    for header, events in scan.loads(session):
        status, _ = load_faults(header, events, "")
        if status and {status.dispatched_month, status.received_month, status.lost_month} & set(
            months.tolist()
        ):
            note(_load_block([_load_tuple(header, status)]), header.doc_no)
    gone = queries.reversed_entry_ids(session)
    for row in scan.entries(session):
        if row.month in months and row.reverses_id is None:
            note(_entry_block([_entry_tuple(row, row.id in gone)]), row.doc_no)
    return found


def _findings(session: Session, keys: Keys) -> list[dict[str, str]]:
    """Negative stock, unbalanced firms and stale stocktakes over the whole ledger."""
    span = queries.ledger_months(session)
    if span is None:
        return []
    books = queries.period_books(session, keys, Period.of(*span))
    found = [
        {
            "code": code,
            "enterprise": line.enterprise,
            "compartment": line.compartment,
            "material": line.material,
            "closing_t": tonnes_text(line.closing_kg),
            "residual_t": tonnes_text(line.residual_kg),
        }
        for line in balances(books, keys.registry.enterprises)
        for code in line.findings()
    ]
    return [*found, *_stale(session, keys)]


def _prove_tracing(session: Session, keys: Keys, report: CheckReport) -> None:
    """Every origin and place closes under tracing; circulation without a source is a finding."""
    forget()
    versions = queries.rollup_versions(session, keys)
    for material in sorted(versions):
        books = traced(session, keys, material, versions)
        report.faults += [
            Fault(
                "identity_broken",
                f"{material} {residual.month} {residual.what} {residual.key}",
                expected="0",
                found=f"{residual.kg:.3f} kg",
            )
            for residual in check_identity(books.operators, books.passed)
        ]
        report.findings += [
            {
                "code": finding.code,
                "enterprise": ", ".join(sorted({_owner(key) for key in finding.places})),
                "compartment": "",
                "material": material,
                "place": ", ".join(finding.places),
                "month": str(finding.month),
                "tonnes": tonnes_text(finding.kg),
            }
            for finding in books.chain.findings
            if finding.code == "circulation_without_source"
        ]


def _owner(key: str) -> str:
    return Place.parse(key).owner


def stale_stocktakes(*, db: Database) -> list[dict[str, str]]:
    """Stocktakes whose book at count is no longer what the records say."""
    with db.read() as session:
        return _stale(session, load_keys(session))


def _stale(session: Session, keys: Keys) -> list[dict[str, str]]:
    gone = queries.reversed_entry_ids(session)
    found = []
    for row in _stocktakes(session):
        if row.id in gone or row.reverses_id is not None:
            continue
        firm, stuff = (
            keys.codes["enterprise"][row.enterprise_id],
            keys.codes["material"][row.material_id],
        )
        place = yard(firm) if row.compartment == "yard" else site(firm)
        now_kg = book_at(session, keys, place, stuff, row.day)
        if now_kg != (row.book_kg or 0) + row.difference_kg:
            found.append(
                {
                    "code": "stocktake_stale",
                    "enterprise": firm,
                    "compartment": row.compartment,
                    "material": stuff,
                    "record": row.doc_no,
                    "book_at_count_t": tonnes_text(row.book_kg or 0),
                    "book_now_t": tonnes_text(now_kg - row.difference_kg),
                }
            )
    return found


def _stocktakes(session: Session) -> Iterable[Any]:
    return scan.entries(session, kind="stocktake")
