"""`check`: recompute everything that is derived and name each fault with its records.

Reads the books in one transaction; findings are listed beside faults and do not fail the check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy.orm import Session

from wasteflow.core.balances import balances
from wasteflow.core.booking import Late, merge_late
from wasteflow.core.periods import Period
from wasteflow.core.places import Place, site, yard
from wasteflow.core.postings_bulk import (
    ENTRY_CODES,
    BulkRollup,
    Difference,
    EntryColumns,
    bulk_entry_postings,
    columns_from_rows,
    differences,
)
from wasteflow.core.tracing.identity import check_identity
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.entries import book_at
from wasteflow.services.packing import packed_faults
from wasteflow.services.proof import Fault, entry_faults, load_faults, reversal_faults
from wasteflow.services.proof_booking import (
    BookingProof,
    Posted,
    joined_late,
    late_differences,
)
from wasteflow.services.proof_closes import close_faults
from wasteflow.services.proof_live import prove_live
from wasteflow.services.proof_loads import prove_loads, rollup_of
from wasteflow.services.proof_seals import seal_faults
from wasteflow.services.tracing import forget, traced
from wasteflow_models import queries, scan
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.packed_months import ROWS_ONLY
from wasteflow_models.rollup_stored import stored_late, stored_rollup

SHOWN_RECORDS = 20
BLOCK = 50_000


class CheckReport(Struct):
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


def check_books(*, db: Database, full: bool = False, witnesses: Sequence[str] = ()) -> CheckReport:
    """Prove the books of `db`; nothing this process keeps of them is trusted.

    full: also trace every closed month again, not only the last of every firm, and prove every
    sealed record; witnesses: heads of seals known from elsewhere (`proof_seals`).
    """
    report = CheckReport()
    forget()
    with db.read() as session:
        session.info[ROWS_ONLY] = True
        keys = load_keys(session)
        expected, late = joined_late(record_rollups(session, keys, report))
        found = stored_rollup(session)
        report.flows = len(found.kg)
        report.faults += _compare(session, keys, differences(expected, found))
        report.faults += _late_faults(keys, late_differences(late, stored_late(session)))
        report.faults += packed_faults(session, keys)
        report.findings = _findings(session, keys)
        sealed = seal_faults(session, witnesses) if full else []
        if report.ok:
            _prove_tracing(session, keys, report)
            report.faults += close_faults(session, keys, full)
        else:
            forget()
        report.faults += sealed
    return report


def record_rollups(session: Session, keys: Keys, report: CheckReport) -> Iterator[Posted]:
    """What the records post, in parts; what does not hold in them goes to `report`."""
    booking = BookingProof(session, keys)
    yield from _prove_loads(session, booking, report)
    yield from _prove_entries(session, booking, report)


def _prove_loads(session: Session, booking: BookingProof, report: CheckReport) -> Iterator[Posted]:
    """Check every load; yield what blocks of them post."""
    for count, posted in prove_loads(session, booking, report.faults):
        report.shipments += count
        yield posted
    report.faults += prove_live(session, booking.keys)


def _prove_entries(
    session: Session, booking: BookingProof, report: CheckReport
) -> Iterator[Posted]:
    """Check every entry; yield what blocks of them post."""
    keys = booking.keys
    gone = queries.reversed_entry_ids(session)
    originals: dict[int, Any] = {}
    reversals: list[Any] = []
    rows: list[tuple[int, ...]] = []
    late: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for row in scan.entries(session):
        report.entries += 1
        report.faults += entry_faults(row, _entry_key(row, keys))
        if booking.entry(row, _entry_key(row, keys), report.faults):
            sign = 1 if row.reverses_id is None else -1
            late.setdefault((row.booked_month, sign), []).append(_entry_tuple(row, False))
        if row.id in gone:
            originals[row.id] = row
        if row.reverses_id is not None:
            reversals.append(row)
        else:
            rows.append(_entry_tuple(row, row.id in gone))
        if len(rows) == BLOCK:
            yield Posted(_entry_block(rows), {})
            rows = []
    yield Posted(_entry_block(rows), _late_entries(late))
    report.faults += reversal_faults(reversals, originals, lambda row: _entry_key(row, keys))


def _late_entries(rows: Mapping[tuple[int, int], list[tuple[int, ...]]]) -> Late:
    """Late postings of entries given by (booked month, sign)."""
    parts = ((month, sign, _entry_block(listed)) for (month, sign), listed in rows.items())
    return merge_late(
        {month: BulkRollup(part.keys, sign * part.kg, sign * part.n)} for month, sign, part in parts
    )


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


def _compare(session: Session, keys: Keys, bad: Sequence[Difference]) -> list[Fault]:
    """Roll-up rows that are not the sum of their records."""
    if not bad:
        return []
    records = _records_of(session, {item.key for item in bad})
    return [
        Fault(
            "rollup_mismatch",
            _key_text(item.key, keys),
            records.get(item.key, []),
            _amount(item.expected),
            _amount(item.found),
        )
        for item in bad
    ]


def _late_faults(keys: Keys, bad: Sequence[tuple[int, Difference]]) -> list[Fault]:
    """Late rows that are not what the records booked in their month."""
    return [
        Fault(
            "late_mismatch",
            f"booked {month}: {_key_text(item.key, keys)}",
            expected=_amount(item.expected),
            found=_amount(item.found),
        )
        for month, item in bad
    ]


def _amount(pair: tuple[int, int]) -> str:
    return f"{tonnes_text(pair[0])} t / n={pair[1]}"


def _key_text(key: BulkKey, keys: Keys) -> str:
    month, *rest = key
    source, target = _place_text(keys, *rest[:3]), _place_text(keys, *rest[3:6])
    material = keys.codes["material"].get(rest[6], "?")
    route = keys.codes["route"].get(rest[7], "?")
    grade = Evidence(rest[8]).word
    return f"{month} {source} -> {target} {material}/{route} {grade}"


def _place_text(keys: Keys, kind: int, a: int, b: int) -> str:
    """Key of a place; the bare numbers where no such place or firm exists."""
    try:
        return keys.place(kind, a, b).key
    except (KeyError, ValueError):
        return f"?{kind}:{a}:{b}"


def _records_of(session: Session, wanted: set[BulkKey]) -> dict[BulkKey, list[str]]:
    """Documents that post to the given keys (at most SHOWN_RECORDS each)."""
    found: dict[BulkKey, list[str]] = {}

    def note(rollup: BulkRollup, doc_no: str) -> None:
        for key in map(tuple, rollup.keys.tolist()):
            documents = found.setdefault(key, []) if key in wanted else None
            if documents is not None and len(documents) < SHOWN_RECORDS:
                documents.append(doc_no)

    months = {key[0] for key in wanted}
    for header, events in scan.loads(session):
        status, _ = load_faults(header, events, "")
        if status and {status.dispatched_month, status.received_month, status.lost_month} & months:
            note(rollup_of(header, status), header.doc_no)
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
    return [
        {
            "code": "stocktake_stale",
            "enterprise": keys.codes["enterprise"][row.enterprise_id],
            "compartment": row.compartment,
            "material": keys.codes["material"][row.material_id],
            "record": row.doc_no,
            "book_at_count_t": tonnes_text(then_kg),
            "book_now_t": tonnes_text(now_kg),
        }
        for row, then_kg, now_kg in stale_rows(session, keys)
    ]


def stale_rows(session: Session, keys: Keys) -> Iterator[tuple[Any, int, int]]:
    """(entry, book at the count, book now) of every stocktake whose two books differ."""
    gone = queries.reversed_entry_ids(session)
    for row in _stocktakes(session):
        if row.id in gone or row.reverses_id is not None:
            continue
        firm, stuff = (
            keys.codes["enterprise"][row.enterprise_id],
            keys.codes["material"][row.material_id],
        )
        place = yard(firm) if row.compartment == "yard" else site(firm)
        then_kg = row.book_kg or 0
        now_kg = book_at(session, keys, place, stuff, row.day) - row.difference_kg
        if now_kg != then_kg:
            yield row, then_kg, now_kg


def _stocktakes(session: Session) -> Iterable[Any]:
    return scan.entries(session, kind="stocktake")
