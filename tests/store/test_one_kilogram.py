"""One kilogram changed anywhere: `wasteflow check` exits 1 and names the key and its records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.store.books import NOW, Books, child, entry, load
from tests.store.databases import KINDS, new_database
from wasteflow.cli import main
from wasteflow.core.periods import SHANGHAI
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import lose, reverse
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow, EventRow, FlowMonthRow, ShipmentRow

DRY = {"basis": "dry", "moisture_pct": "20", "received_moisture_pct": "21"}

LOADS = [
    load("P", "30.000", "20.000", refused_t="10.000"),
    child("P-R", "P", "6.000"),
    child("P-D", "P", "4.000", "redirect", consignee="board", route="plaster"),
    load("ROAD", "31.000"),
    load("GAIN", "30.000", "30.100", moisture_pct="20"),
    load("DRY", "24.000", "20.000", refused_t="3.900", **DRY),
    load("AWAY", "30.000", "29.000", consignee="far", route="plaster", reason="x"),
    load("LOST", "29.000"),
    load("BAD", "30.000", "20.000"),
]
ENTRIES = [
    entry("O", "opening", "100.000", "2026-01-01", year_generated="2020"),
    entry("G", "generation", "500.000", moisture_pct="20"),
    entry("GD", "generation", "8.000", basis="dry", moisture_pct="20"),
    entry("TY", "to_yard", "20.000"),
    entry("FY", "from_yard", "5.000"),
    entry("U", "use", "7.000", route="retarder", weighed="estimated"),
    entry("T", "treatment", "4.000", route="wash"),
    entry("S", "stocktake", "110.000", "2026-03-15", reason="survey"),
]


@pytest.fixture(scope="module", params=KINDS)
def sound(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _registered: Any
) -> Iterator[Books]:
    """Books with every kind of load, event and entry."""
    folder: Path = tmp_path_factory.mktemp("kilogram")
    with new_database(request, request.param, folder, _registered(request.param)) as url:
        books = Books(Database(url), folder)
        books.loads(*LOADS)
        books.entries(*ENTRIES)
        at = NOW.astimezone(SHANGHAI).replace(month=5)
        lose(db=books.db, doc_no="LOST", reason="翻车", at=at, now=NOW)
        reverse_both(books)
        books.check()
        yield books
        books.db.dispose()


def reverse_both(books: Books) -> None:
    """Reverse the load and the entry that carry the number GONE."""
    books.loads(load("GONE-L", "30.000", "30.000"))
    books.entries(entry("GONE-E", "generation", "3.000"))
    for doc_no in ("GONE-L", "GONE-E"):
        reverse(db=books.db, doc_no=doc_no, reason="误录", now=NOW)


T = TypeVar("T")
Edit = sa.Update | sa.Delete | sa.Insert


@contextmanager
def changed(books: Books, statement: Edit) -> Iterator[None]:
    """The books with one statement done to them, taken back at the end."""
    table = statement.table
    assert isinstance(table, sa.Table)
    before = rows_by_key(books, table)
    with books.db.write() as session:
        session.execute(statement)
    after = rows_by_key(books, table)
    touched = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    assert touched, statement
    try:
        yield
    finally:
        with books.db.write() as session:
            for key in touched:
                where = sa.and_(*(c == v for c, v in zip(table.primary_key, key, strict=True)))
                if key not in after:
                    session.execute(sa.insert(table).values(before[key]))
                elif key not in before:
                    session.execute(sa.delete(table).where(where))
                else:
                    session.execute(sa.update(table).where(where).values(before[key]))


def rows_by_key(books: Books, table: sa.Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Primary key → row of a whole table."""
    with books.db.read() as session:
        rows = [dict(row._mapping) for row in session.execute(sa.select(*table.c))]
    names = [column.name for column in table.primary_key]
    return {tuple(row[name] for name in names): row for row in rows}


def some(books: Books, rows: Sequence[T]) -> Sequence[T]:
    """Every second row, on PostgreSQL every sixth: the proof itself is the same code."""
    return rows[:: 2 if books.db.is_sqlite else 6]


def faults_of(books: Books) -> list[dict[str, Any]]:
    """Faults of `wasteflow check --format json`, which must end with 1."""
    command = ["--lang", "en", "--database", books.db.url, "check", "--format", "json"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    report = json.loads(result.output)
    assert report["ok"] is False
    return list(report["faults"])


def named(faults: list[dict[str, Any]], doc_no: str) -> bool:
    """Whether a fault names the record, and every fault its key."""
    assert faults and all(fault["key"] and fault["code"] for fault in faults)
    return any(doc_no in fault["records"] for fault in faults)


def one_of_each(books: Books, table: type[Any]) -> list[tuple[Any, str]]:
    """(condition that finds a row, its document number): one row of every kind and basis."""
    keys: tuple[Any, ...] = (table.id,) if table is not EventRow else ()
    if table is EventRow:
        keys = (EventRow.shipment_id, EventRow.seq)
        labels = (EventRow.kind, EventRow.basis, EventRow.moisture.is_(None))
        query = sa.select(*keys, ShipmentRow.doc_no, *labels).join(
            ShipmentRow, ShipmentRow.id == EventRow.shipment_id
        )
    else:
        extra = (table.basis, table.reverses_id.is_(None)) if table is EntryRow else ()
        query = sa.select(*keys, table.doc_no, table.kind, *extra)
        query = query if table is EntryRow else query.add_columns(table.state, table.reversed_)
    found: dict[tuple[Any, ...], tuple[Any, str]] = {}
    with books.db.read() as session:
        for row in session.execute(query.order_by(*keys)):
            values: list[Any] = list(row)
            where = sa.and_(*(c == v for c, v in zip(keys, values, strict=False)))
            found.setdefault(tuple(values[len(keys) + 1 :]), (where, values[len(keys)]))
    return list(found.values())


MASSES: list[tuple[type[Any], str]] = [
    *(
        (ShipmentRow, name)
        for name in ("dispatched_kg", "received_kg", "accepted_kg", "refused_kg")
    ),
    *((EventRow, name) for name in ("kg", "input_kg", "dry_kg", "accepted_kg", "refused_kg")),
    *((EntryRow, name) for name in ("kg", "input_kg", "dry_kg", "book_kg", "difference_kg")),
]


def test_the_list_of_masses_is_complete() -> None:
    tables = (ShipmentRow, EventRow, EntryRow, FlowMonthRow)
    found = {(t, c.name) for t in tables for c in t.__table__.c if c.name.endswith("kg")}
    assert found == {*MASSES, (FlowMonthRow, "kg")}


@pytest.mark.parametrize(
    ("table", "column"), MASSES, ids=lambda item: getattr(item, "__name__", item)
)
def test_a_kilogram_in_a_record(sound: Books, table: type[Any], column: str) -> None:
    """One kilogram more (from NULL: a kilogram that should not be there) in rows of every kind."""
    attribute = getattr(table, column)
    for position, (where, doc_no) in enumerate(one_of_each(sound, table)):
        more = sa.update(table).where(where).values({column: sa.func.coalesce(attribute, 0) + 1})
        with changed(sound, more):
            if position % 5 == 0:
                assert named(faults_of(sound), doc_no), doc_no
            else:
                faults = check_books(db=sound.db).as_dict()["faults"]
                assert named(faults, doc_no), doc_no
    sound.check()


OTHERS: list[tuple[type[Any], str, str, Any]] = [
    (ShipmentRow, "P", "dispatched_month", 202602),
    (ShipmentRow, "P", "received_month", 202604),
    (ShipmentRow, "ROAD", "received_month", 202604),
    (ShipmentRow, "LOST", "lost_month", 202604),
    (ShipmentRow, "P", "evidence", 3),
    (ShipmentRow, "BAD", "evidence", 2),
    (ShipmentRow, "P", "trips", 2),
    (ShipmentRow, "P", "state", "accepted"),
    (ShipmentRow, "ROAD", "reversed", True),
    (ShipmentRow, "GONE-L", "reversed", False),
    (ShipmentRow, "AWAY", "to_outside", False),
    (ShipmentRow, "P", "from_outside", True),
    (ShipmentRow, "P-R", "parent_id", None),
    (ShipmentRow, "P", "route_id", 2),
    (ShipmentRow, "P", "material_id", 2),
    (ShipmentRow, "P", "dispatched_at", NOW),
    (ShipmentRow, "LOST", "dispatched_at", NOW),
    (ShipmentRow, "DRY", "received_at", NOW),
    (ShipmentRow, "P", "consignee_id", 9_999),
    (ShipmentRow, "DRY", "from_facility_id", 9_999),
    (ShipmentRow, "P", "doc_no", "P-2"),
    (EntryRow, "G", "month", 202602),
    (EntryRow, "G", "booked_month", 202602),
    (EntryRow, "G", "evidence", 3),
    (EntryRow, "U", "route_id", 2),
    (EntryRow, "O", "year_generated", 2019),
    (EntryRow, "O", "compartment", "site"),
    (EntryRow, "G", "from_use", True),
    (EntryRow, "G", "kind", "dumping"),
    (EntryRow, "GONE-E#reversal", "evidence", 3),
]


def test_other_cells_of_a_record(sound: Books) -> None:
    """Months, evidence, trips, states, ends: what the books are added up by."""
    for table, doc_no, column, value in OTHERS:
        edit = sa.update(table.__table__).where(table.doc_no == doc_no).values({column: value})
        with changed(sound, edit):
            faults = check_books(db=sound.db).as_dict()["faults"]
            name = value if column == "doc_no" else doc_no.removesuffix("#reversal")
            assert named(faults, name), (doc_no, column)
    sound.check()


def test_month_and_evidence_of_an_event(sound: Books) -> None:
    rows = one_of_each(sound, EventRow)
    for where, doc_no in rows:
        for values in ({"booked_month": 202401}, {"at": NOW.replace(year=2024)}):
            with changed(sound, sa.update(EventRow).where(where).values(values)):
                assert named(check_books(db=sound.db).as_dict()["faults"], doc_no), values
    for doc_no, seq in (("P", 2), ("LOST", 2), ("ROAD", 1)):  # the last one gives its grade
        load_id = sa.select(ShipmentRow.id).where(ShipmentRow.doc_no == doc_no).scalar_subquery()
        where = sa.and_(EventRow.shipment_id == load_id, EventRow.seq == seq)
        with changed(sound, sa.update(EventRow).where(where).values(evidence=1)):
            assert named(faults_of(sound), doc_no)
    sound.check()


def test_a_record_that_is_missing(sound: Books) -> None:
    for where, doc_no in one_of_each(sound, EventRow):
        with changed(sound, sa.delete(EventRow).where(where)):
            assert named(check_books(db=sound.db).as_dict()["faults"], doc_no), doc_no
    for where, doc_no in one_of_each(sound, EntryRow):
        if doc_no.startswith("GONE-E") and "#" not in doc_no:
            continue  # the database itself refuses: its reversal refers to it
        with changed(sound, sa.delete(EntryRow).where(where)):
            faults = faults_of(sound)
            assert {fault["code"] for fault in faults} == {"rollup_mismatch"}, doc_no
            (fault,) = faults
            assert "maker" in fault["key"] and fault["expected"] != fault["found"]


def test_a_kilogram_or_a_row_of_the_rollup(sound: Books) -> None:
    """Every row: kilograms, count, month, grade; and the row gone.  The records are named."""
    with sound.db.read() as session:
        rows = session.execute(sa.select(*FlowMonthRow.__table__.c)).all()
    keys = [column.name for column in FlowMonthRow.__table__.primary_key]
    for position, row in enumerate(some(sound, rows)):
        where = sa.and_(*(FlowMonthRow.__table__.c[name] == getattr(row, name) for name in keys))
        update = sa.update(FlowMonthRow).where(where)
        statements: list[Edit] = [update.values(kg=FlowMonthRow.kg + 1)]
        if position % 5 == 0:
            statements += [
                update.values(kg=FlowMonthRow.kg - 1),
                sa.delete(FlowMonthRow).where(where),
            ]
            statements += [update.values(n=FlowMonthRow.n + 1), update.values(month=202401)]
            statements += [update.values(evidence=0)]
        for statement in statements:
            with changed(sound, statement):
                faults = check_books(db=sound.db).as_dict()["faults"]
                assert {fault["code"] for fault in faults} == {"rollup_mismatch"}
                (fault,) = [fault for fault in faults if fault["records"]]
                assert str(row.month) in fault["key"]
                assert " -> " in fault["key"] and "pg/" in fault["key"]
    sound.check()


def test_a_row_too_many_in_the_rollup(sound: Books) -> None:
    with sound.db.read() as session:
        row = session.execute(sa.select(*FlowMonthRow.__table__.c).limit(1)).one()
    extra = dict(row._mapping) | {"month": 202001, "kg": 1}
    with changed(sound, sa.insert(FlowMonthRow).values(extra)):
        (fault,) = faults_of(sound)
        assert fault["code"] == "rollup_mismatch" and "202001" in fault["key"]
        assert (fault["expected"], fault["records"]) == ("0.000 t / n=0", [])


def test_the_faults_are_printed(sound: Books) -> None:
    more = sa.update(ShipmentRow).where(ShipmentRow.doc_no == "P").values(accepted_kg=20_001)
    with changed(sound, more):
        for lang, word in (("zh", "发现"), ("en", "faults")):
            command = ["--lang", lang, "--database", sound.db.url, "check"]
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 1
            assert "fold_mismatch shipment maker P accepted_kg" in result.output
            assert "20000" in result.output and "20001" in result.output
            assert word in result.output
    assert CliRunner().invoke(main, ["--database", sound.db.url, "check"]).exit_code == 0
