"""Recording entries: a file of what firms did alone becomes rows and roll-up in one commit.

Stocktakes come last, in order of their day: each stores the counted level, the book it was held
against and the signed difference, and posts only the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.booking import first_open, late_part
from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.core.places import Place, site, yard
from wasteflow.core.postings import Rollup, add_postings, entry_postings
from wasteflow.core.postings_bulk import (
    ENTRY_CODES,
    EntryColumns,
    bulk_entry_postings,
    columns_from_rows,
)
from wasteflow.core.vocabulary import EntryKind
from wasteflow.services.batches import note_import
from wasteflow.services.booking import post, post_rollup
from wasteflow.services.corrections import EntryReversal
from wasteflow.services.entry_rows import CheckedEntry, EntryChecker, opening_issues
from wasteflow.services.identity import new_uids
from wasteflow.services.outcome import ImportReport, Progress, Row
from wasteflow_models import day_books, queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.entry_store import insert_entries, number_entry
from wasteflow_models.late import closed
from wasteflow_models.ledger import BatchRow
from wasteflow_models.order import next_entry, staged_from

WRITE_CHUNK = 5000
OTHER_IMPORT = "doc_no_in_other_import"
"""Why a number is refused that stands in a file which is not published yet."""
FEW_ENTRIES = 8
"""So many entries are posted one by one: arrays cost more than they do."""
FEW_FIRMS = 50
"""So many firms are asked for by name; for more it is quicker to read all openings."""


class Before(Struct, frozen=True):
    """The reversal that an entry given by hand comes after, in the same transaction: written with
    it at the end, so that nobody waits while the entry is looked at.
    """

    entry_id: int
    reversal: EntryReversal
    write: Callable[[], None]

    def now(self, session: Session, keys: Keys) -> None:
        """Write it now."""
        self.reversal.post(session, keys)
        self.write()


def take_entries(
    session: Session,
    rows: Sequence[Row],
    issues: list[RowIssue],
    batch: BatchRow | None,
    now: datetime,
    report: ImportReport,
    tick: Progress,
    before: Before | None = None,
) -> list[dict[str, Any]]:
    """Check rows against the books and write them; raises RowsRefused with `issues` and its own.

    batch: what imported them, None for an entry given by hand; before: what the entry given by hand
    comes after.  Returns the columns of those that are new, stocktakes last.
    """
    keys = load_keys(session)
    checked = check_rows(keys, rows, issues, report, tick)
    new = new_of(session, keys, checked, issues, report, before)
    firms = {keys.id_of("enterprise", item.entry.enterprise) for item in new}
    if batch is not None:
        session.add(batch)
        session.flush()
        batch.taken, batch.skipped = len(new), report.skipped
    if batch is None:
        written = [_write_one(session, keys, item, now, before) for item in new]
    else:
        written = _write(session, keys, new, batch.id, now)
    report.taken = len(new)
    if batch is not None:
        note_import(session, keys, batch, firms, now)
    tick(len(rows))
    return written


def check_rows(
    keys: Keys,
    rows: Sequence[Row],
    issues: list[RowIssue],
    report: ImportReport,
    tick: Progress,
) -> list[CheckedEntry]:
    """The rows that hold by themselves; what is wrong with the others goes to `issues`."""
    checker = EntryChecker(keys.registry, report.warnings)
    checked: list[CheckedEntry] = []
    for count, row in enumerate(rows):
        result = checker.check(row)
        if isinstance(result, RowIssue):
            issues.append(result)
        else:
            checked.append(result)
        if count % WRITE_CHUNK == 0:
            tick(count)
    return checked


def new_of(
    session: Session,
    keys: Keys,
    checked: Sequence[CheckedEntry],
    issues: list[RowIssue],
    report: ImportReport,
    before: Before | None = None,
) -> list[CheckedEntry]:
    """The entries that are new, held against the books; raises RowsRefused with all `issues`."""
    new = _not_known(session, keys, checked, issues, report, before)
    firms = {keys.id_of("enterprise", item.entry.enterprise) for item in new}
    openings = queries.opening_days(session, keys, firms if len(firms) <= FEW_FIRMS else ())
    firsts = day_books.first_days(session, keys, _opened_places(new))
    issues += opening_issues(new, openings, firsts)
    if issues:
        raise RowsRefused(issues)
    return new


def _not_known(
    session: Session,
    keys: Keys,
    checked: Sequence[CheckedEntry],
    issues: list[RowIssue],
    report: ImportReport,
    before: Before | None,
) -> list[CheckedEntry]:
    """Entries whose number is new; repeated ones are counted, conflicting ones refused."""
    numbers = {
        (keys.id_of("enterprise", item.entry.enterprise), item.entry.doc_no): item
        for item in checked
    }
    stored = queries.entries_by_number(session, numbers)
    gone = set(queries.reversed_entry_ids(session, [row.id for row in stored.values()]))
    staged = staged_from(session) if stored else 0
    gone |= {before.entry_id} if before else set()
    seen: dict[tuple[str, str], CheckedEntry] = {}
    new = []
    for item in checked:
        number = item.entry.enterprise, item.entry.doc_no
        row = stored.get((keys.id_of("enterprise", number[0]), number[1]))
        if row is not None:
            if row.id >= staged:
                issues.append(RowIssue(item.line, "doc_no", number[1], OTHER_IMPORT))
            elif row.content == item.content:
                report.skipped += 1
            else:
                code = "doc_no_reversed" if row.id in gone else "doc_no_differs"
                issues.append(RowIssue(item.line, "doc_no", number[1], code))
        elif number not in seen:
            seen[number] = item
            new.append(item)
        elif seen[number].content == item.content:
            report.skipped += 1
        else:
            params = {"other_line": str(seen[number].line)}
            issues.append(RowIssue(item.line, "doc_no", number[1], "duplicate_doc_in_file", params))
    return new


def _opened_places(items: Iterable[CheckedEntry]) -> set[tuple[str, str, str]]:
    return {
        (item.entry.enterprise, item.entry.compartment, item.entry.material)
        for item in items
        if item.entry.kind is EntryKind.OPENING
    }


def _write_one(
    session: Session, keys: Keys, item: CheckedEntry, now: datetime, before: Before | None
) -> dict[str, Any]:
    """Post an entry given by hand, then number and insert it; its number is known to the database
    alone (`NEWEST`), so that nobody waits for this process while others wait for it.
    """
    session.flush()
    entry = item.entry
    if entry.kind is EntryKind.STOCKTAKE:
        book = book_at(session, keys, counted_place(item), entry.material, entry.day)
        item = item.counted_against(book)
    through = closed(session, keys).through
    row = entry_values(item, keys, through, 0, new_uids(1, now)[0], None, now)
    rollup: Rollup = {}
    add_postings(rollup, entry_postings(item.entry))
    if before and before.reversal.booked_month == row["booked_month"]:
        for key, (
            kg,
            n,
        ) in before.reversal.rollup.items():  # what comes to nothing is kept: touched
            had_kg, had_n = rollup.get(key, (0, 0))
            rollup[key] = had_kg + kg, had_n + n
    elif before:
        before.reversal.post(session, keys)
    post_rollup(session, keys, rollup, row["booked_month"])
    if before:
        before.write()
    number_entry(session, row)
    return row


def _write(
    session: Session,
    keys: Keys,
    items: Sequence[CheckedEntry],
    batch_id: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Insert entries and their postings: everything but stocktakes first, then those by day."""
    written: list[dict[str, Any]] = []
    next_id = next_entry(session)
    uids = new_uids(len(items), now)
    plain = [item for item in items if item.entry.kind is not EntryKind.STOCKTAKE]
    through = closed(session, keys).through
    facts: dict[int, list[tuple[int, ...]]] = {}
    few: dict[int, Rollup] = {}
    for start in range(0, len(plain), WRITE_CHUNK):
        values = []
        for offset, item in enumerate(plain[start : start + WRITE_CHUNK], start):
            row = entry_values(item, keys, through, next_id + offset, uids[offset], batch_id, now)
            late = row["booked_month"] if row["booked_month"] > row["month"] else 0
            if len(plain) > FEW_ENTRIES:
                facts.setdefault(late, []).append(entry_facts(row))
            else:
                add_postings(few.setdefault(late, {}), entry_postings(item.entry))
            values.append(row)
        insert_entries(session, values)
        written += values
    for booked_month, rollup in sorted(few.items()):
        post_rollup(session, keys, rollup, booked_month)
    for booked_month, listed in sorted(facts.items()):
        columns = columns_from_rows(EntryColumns, listed)
        assert isinstance(columns, EntryColumns)
        moved = bulk_entry_postings(columns)
        post(session, moved, late_part(moved, booked_month))
    counts = [item for item in items if item.entry.kind is EntryKind.STOCKTAKE]
    behind = next_id + len(plain)
    return written + write_counts(session, keys, counts, behind, uids[len(plain) :], batch_id, now)


def write_counts(
    session: Session,
    keys: Keys,
    counts: list[CheckedEntry],
    next_id: int,
    uids: Sequence[UUID],
    batch_id: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Insert stocktakes by day, each held against the book as the one before it left it."""
    return [
        write_count(session, keys, item, next_id + offset, uids[offset], batch_id, now)
        for offset, item in enumerate(in_order(counts))
    ]


def in_order(counts: Iterable[CheckedEntry]) -> list[CheckedEntry]:
    """Stocktakes in the order in which they are held against the book."""
    return sorted(
        counts, key=lambda item: (item.entry.day, item.entry.enterprise, item.entry.doc_no)
    )


def write_count(
    session: Session,
    keys: Keys,
    item: CheckedEntry,
    key: int,
    uid: UUID,
    batch_id: int,
    now: datetime,
) -> dict[str, Any]:
    """Insert a stocktake, held against the book as it is; its columns."""
    entry = item.entry
    book = book_at(session, keys, counted_place(item), entry.material, entry.day)
    settled = item.counted_against(book)
    difference: Rollup = {}
    add_postings(difference, entry_postings(settled.entry))
    through = closed(session, keys).through
    row = entry_values(settled, keys, through, key, uid, batch_id, now)
    insert_entries(session, [row])
    post_rollup(session, keys, difference, row["booked_month"])
    return row


def entry_facts(row: Mapping[str, Any]) -> tuple[int, ...]:
    """A row of the table in the order of `EntryColumns`."""
    return (
        ENTRY_CODES[row["kind"]],
        row["enterprise_id"],
        row["material_id"],
        row["route_id"] or 0,
        row["month"],
        row["kg"],
        row["difference_kg"],
        row["compartment"] == "yard",
        row["generator_id"] or 0,
        row["year_generated"] or 0,
        row["from_use"],
        row["evidence"],
        0,
    )


def counted_place(item: CheckedEntry) -> Place:
    """The site or yard that a stocktake counts."""
    entry = item.entry
    return yard(entry.enterprise) if entry.compartment == "yard" else site(entry.enterprise)


def book_at(session: Session, keys: Keys, place: Place, material: str, day: date) -> int:
    """Book kilograms of a site or yard at the end of `day`."""
    book = day_books.book_before_month(session, keys, place, material, day)
    rollup: Rollup = {}
    for postings in day_books.postings_of_month_until(session, keys, place, material, day):
        add_postings(rollup, postings)
    for key, (kg, _) in rollup.items():
        book += kg * ((key.target == place) - (key.source == place))
    return book


def entry_values(
    item: CheckedEntry,
    keys: Keys,
    through: Mapping[int, int],
    key: int,
    uid: UUID,
    batch_id: int | None,
    now: datetime,
) -> dict[str, Any]:
    """Columns of `entry`; through: the last closed month of each firm."""
    entry, values, mass = item.entry, item.values, item.weight
    enterprise_id = keys.id_of("enterprise", entry.enterprise)
    return {
        "id": key,
        "uid": uid,
        "batch_id": batch_id,
        "doc_no": entry.doc_no,
        "enterprise_id": enterprise_id,
        "facility_id": keys.id_of("facility", values.get("facility") or "") or None,
        "kind": entry.kind.value,
        "material_id": keys.id_of("material", entry.material),
        "route_id": keys.id_of("route", entry.route) or None,
        "day": entry.day,
        "month": entry.month,
        "booked_month": first_open(entry.month, [through.get(enterprise_id, 0)]),
        "kg": mass.kg,
        "input_kg": mass.input_kg,
        "dry_kg": mass.dry_kg,
        "basis": mass.basis,
        "moisture": mass.moisture,
        "weighed": mass.weighed,
        "compartment": entry.compartment,
        "generator_id": keys.id_of("enterprise", entry.generator) or None,
        "year_generated": entry.year_generated,
        "from_use": entry.from_use,
        "evidence": int(entry.evidence),
        "book_kg": item.book_kg,
        "difference_kg": entry.difference_kg,
        "reverses_id": None,
        "handler": values.get("handler") or "",
        "reason": values.get("reason") or "",
        "remark": values.get("remark") or "",
        "content": item.content,
        "recorded_at": now,
    }
