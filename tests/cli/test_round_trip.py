"""Out and in again: exported demo books give the same roll-up in a new database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.cli.files import Command
from tests.store.books import Books
from tests.store.databases import new_database
from wasteflow.jobs import import_file, seed_database
from wasteflow.services.registry_rows import TABLES as REGISTRY_TABLES
from wasteflow.synthetic.demo import KINDS as DEMO_KINDS
from wasteflow.synthetic.demo import demo_rows, write_demo
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow, EventRow, ProductRow, ShipmentRow

REGISTRY = (
    "regions",
    "parks",
    "enterprises",
    "materials",
    "routes",
    "facilities",
    "targets",
    "filings",
    "coefficients",
)

MORE = {
    "filings": (
        "code,from_region,to_region,enterprise,material,quota_t,valid_from,valid_to,document\n"
        "fil.1,530000,520000,,phosphogypsum,1234.567,2025-01-01,2026-12-31,云环函〔2025〕7号\n"
    ),
    "products": (
        "enterprise,product,date,tonnes,p2o5_pct\n"
        "{firm},phosphoric_acid,2026-01-31,1200.500,46.5\n{firm},phosphoric_acid,2026-02-28,7,\n"
    ),
}
TABLES: dict[str, Any] = {**REGISTRY_TABLES, "entry": EntryRow, "shipment": ShipmentRow}
TABLES |= {"event": EventRow, "product": ProductRow}
OWN = {"id", "uid", "batch_id", "recorded_at", "content", "boundary"}
"""What belongs to a database and not to what it holds; outlines are geodata of their own."""
KINDS_OF = {
    "parent_id": "", "consignor_id": "enterprise", "consignee_id": "enterprise",
    "holder_id": "enterprise", "generator_id": "enterprise", "parent_consignee_id": "enterprise",
    "from_facility_id": "facility", "to_facility_id": "facility", "from_region_id": "region",
    "to_region_id": "region",
}  # fmt: skip


def demo_firm(books: Books) -> str:
    """A firm of the demo, for the rows of `MORE`."""
    with books.db.read() as session:
        return min(load_keys(session).registry.enterprises)


def held(db: Database) -> dict[str, list[tuple[str, ...]]]:
    """Table → its rows in order, keys as the codes or numbers they stand for."""
    found = {}
    with db.read() as session:
        codes = load_keys(session).codes
        loads = session.execute(select(ShipmentRow.id, ShipmentRow.doc_no))
        numbers = {key: number for key, number in loads}
        for name, table in TABLES.items():
            columns = [item.name for item in table.__table__.c if item.name not in OWN]
            own = (
                {}
                if not hasattr(table, "code")
                else {key: code for key, code in session.execute(select(table.id, table.code))}
            )

            def said(column: str, value: Any, own: Any = own) -> str:
                if column == "shipment_id" or (column == "parent_id" and not own):
                    return numbers.get(value, "")
                if column == "reverses_id" or not column.endswith("_id"):
                    return str(value)
                if column == "parent_id":
                    return str(own.get(value, ""))
                kind = KINDS_OF.get(column, column.removesuffix("_id"))
                return codes[kind].get(value or 0, "")

            rows = session.execute(select(*(table.__table__.c[column] for column in columns)))
            found[name] = sorted(
                tuple(said(column, value) for column, value in zip(columns, row, strict=True))
                for row in rows
            )
    return found


@pytest.fixture(scope="module")
def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """Four months of the demo on SQLite."""
    from tests.store.books import NOW

    folder = tmp_path_factory.mktemp("demo")
    with new_database(request, "sqlite", folder) as url:
        books = Books(Database(url), folder)
        seed_database(db=books.db, now=NOW)
        files = write_demo(demo_rows(4, end=(2026, 2)), folder)
        for kind in DEMO_KINDS:
            import_file(db=books.db, kind=kind, path=files[kind], now=NOW)
        for kind, text in MORE.items():  # kinds the demo has nothing of
            firm = demo_firm(books)
            whole = text.replace("{firm}", firm)
            (folder / f"{kind}.csv").write_text(whole, encoding="utf-8")
            import_file(db=books.db, kind=kind, path=folder / f"{kind}.csv", now=NOW)
        books.check()
        yield books
        books.db.dispose()


@pytest.mark.parametrize(
    ("ending", "encoding"),
    [("csv", "utf-8-sig"), ("csv", "gb18030"), ("json", "utf-8"), ("xlsx", "utf-8")],
)
def test_demo_books_out_and_in_again(
    demo: Books, own: Command, tmp_path: Path, ending: str, encoding: str
) -> None:
    source = Command(demo.db.url, tmp_path)
    for kind in (*REGISTRY, "products", "entries", "shipments"):
        out = tmp_path / f"{kind}.{ending}"
        source.good("export", kind, "--out", out, "--encoding", encoding)
        own.good("import", kind, out)
    db = Database(own.url)
    again = Books(db, tmp_path)
    again.check()
    before, after = held(demo.db), held(db)
    for name, rows in before.items():
        assert rows and after[name] == rows, name
    assert again.rollup() == demo.rollup()
    for text in ("2025", "2026"):
        assert again.graph(text) == demo.graph(text)
    for kind in ("shipments", "entries"):  # and out once more: the same bytes
        ending = "csv" if ending == "xlsx" else ending  # a workbook holds the time it was made
        first, second = tmp_path / f"{kind}.{ending}", tmp_path / f"again.{ending}"
        source.good("export", kind, "--out", first, "--encoding", encoding)
        own.good("export", kind, "--out", second, "--encoding", encoding)
        assert second.read_bytes() == first.read_bytes(), kind
    db.dispose()


def test_exports_come_back_into_their_own_books_as_known(demo: Books, tmp_path: Path) -> None:
    """Every row of an export is recognised: nothing taken, nothing in conflict."""
    source = Command(demo.db.url, tmp_path)
    rollup = demo.rollup()
    for kind in ("entries", "shipments"):
        out = tmp_path / f"{kind}.csv"
        source.good("export", kind, "--out", out)
        assert "新增 0，更新 0，补齐到货 0" in source.good("import", kind, out)
    assert demo.rollup() == rollup
