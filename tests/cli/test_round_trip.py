"""Out and in again: every kind exported gives the same tables in a new database.

Tables that no kind of file carries stand in `LEFT_OUT` with the reason; `backup` carries them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.cli.files import Command
from tests.store.books import Books
from tests.store.databases import new_database
from wasteflow.exports import KINDS
from wasteflow.jobs import import_boundaries, import_file, seed_database
from wasteflow.services.backup import KNOWN
from wasteflow.services.registry_rows import TABLES as REGISTRY_TABLES
from wasteflow.synthetic.demo import KINDS as DEMO_KINDS
from wasteflow.synthetic.demo import demo_rows, write_demo
from wasteflow_models.base import Base
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow, EventRow, ProductRow, ShipmentRow
from wasteflow_models.statements import ParkInputRow, ProfileRow

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
    "profiles": (
        "enterprise,material,waste_code,class,source_step,state,composition,pollution,year\n"
        "{firm},phosphogypsum,312-001-S01,II,萃取,固态,CaSO4·2H2O,含氟、总磷,2025\n"
    ),
}
OUTLINE = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"{park}"},'
    '"geometry":{"type":"Polygon","coordinates":'
    "[[[102.4,24.9],[102.5,24.9],[102.5,25.0],[102.4,24.9]]]}}]}"
)
FILED = ("products", "park_inputs", "profiles", "entries", "shipments")
"""Kinds behind the registry, in the order they come in."""
TABLES: dict[str, Any] = {**REGISTRY_TABLES, "entry": EntryRow, "shipment": ShipmentRow}
TABLES |= {"event": EventRow, "product": ProductRow}
TABLES |= {"park_input": ParkInputRow, "profile": ProfileRow}
OWN = {"id", "uid", "batch_id", "recorded_at", "recorded_by", "content"}
"""What belongs to a database and not to what it holds."""
_ACTS = "who did what when at this server: an account of acts, not of waste"
_DERIVED = "made anew from the records"
_OFFICE = "work of the office and the partners, in their own exports and in the backup"
LEFT_OUT = {
    **dict.fromkeys(
        ("account", "membership", "delegation", "token", "sign_in", "sign_in_guard",
         "account_event", "secret", "event_actor", "entry_actor", "change", "batch",
         "batch_signer"), _ACTS
    ),
    **dict.fromkeys(
        ("load_number", "load_child", "load_handed", "sender", "staged", "place", "rollup_month",
         "stamp", "flow_month", "flow_part", "flow_packed", "finding", "seal_block",
         "load_apart", "carrier_month"), _DERIVED
    ),
    **dict.fromkeys(
        ("scenario", "exchange_offer", "exchange_offer_event", "finding_state", "attachment",
         "external_id"), _OFFICE
    ),
    **dict.fromkeys(
        ("job", "job_file", "job_chunk", "column_map", "idempotency", "webhook",
         "webhook_delivery", "reminder_mail", "daily_work", "signing_due"),
        "of this server: work under way, addresses, keys",
    ),
    **dict.fromkeys(
        ("load_draft", "revision", "revision_answer"), "not in force yet: no record to hand on"
    ),
    **dict.fromkeys(
        ("month_close", "flow_late", "attribution_month", "seal"),
        "closing and sealing freeze what stood in these books at a moment; exported as reports",
    ),
    "park_outline": "the outline in force goes with its park; versions before it are its history",
}  # fmt: skip
"""Table → why no file of a kind carries it."""
KINDS_OF = {
    "parent_id": "", "consignor_id": "enterprise", "consignee_id": "enterprise",
    "holder_id": "enterprise", "generator_id": "enterprise", "parent_consignee_id": "enterprise",
    "from_facility_id": "facility", "to_facility_id": "facility", "from_region_id": "region",
    "to_region_id": "region",
}  # fmt: skip


def demo_codes(books: Books) -> tuple[str, str]:
    """A firm and a park of the demo, for the rows of `MORE`."""
    with books.db.read() as session:
        registry = load_keys(session).registry
        return min(registry.enterprises), min(registry.parks)


def test_every_table_goes_out_and_in_or_says_why_not() -> None:
    carried = {table.__table__.name for table in TABLES.values()}
    assert carried.isdisjoint(LEFT_OUT)
    assert KNOWN  # its modules are imported: the metadata holds every table
    assert carried | set(LEFT_OUT) == set(Base.metadata.tables)
    assert {*REGISTRY, *FILED} == set(KINDS)


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
        firm, park = demo_codes(books)
        for kind, text in MORE.items():  # kinds the demo has nothing of
            whole = text.replace("{firm}", firm).replace("{park}", park)
            (folder / f"{kind}.csv").write_text(whole, encoding="utf-8")
            import_file(db=books.db, kind=kind, path=folder / f"{kind}.csv", now=NOW)
        path = folder / "parks.geojson"
        path.write_text(OUTLINE.replace("{park}", park), encoding="utf-8")
        import_boundaries(db=books.db, path=path, now=NOW, crs="WGS84")
        books.check()
        yield books
        books.db.dispose()


@pytest.mark.parametrize(
    ("ending", "encoding", "geo"),
    [
        ("csv", "utf-8-sig", "geojson"),
        ("csv", "gb18030", "kml"),
        ("json", "utf-8", "gpkg"),
        ("xlsx", "utf-8", "geojson"),
    ],
)
def test_demo_books_out_and_in_again(
    demo: Books, own: Command, tmp_path: Path, ending: str, encoding: str, geo: str
) -> None:
    if own.url.startswith("postgresql") and geo != "gpkg":
        pytest.skip("what a file holds does not hang on the database it goes into")
    source = Command(demo.db.url, tmp_path)
    for kind in (*REGISTRY, *FILED):
        out = tmp_path / f"{kind}.{ending}"
        source.good("export", kind, "--out", out, "--encoding", encoding)
        own.good("import", kind, out)
    source.good("export", "boundaries", "--out", tmp_path / f"parks.{geo}")
    own.good("import", "boundaries", tmp_path / f"parks.{geo}", "--crs", "WGS84")
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
