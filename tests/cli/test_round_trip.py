"""Out and in again: exported demo books give the same roll-up in a new database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import Books
from tests.store.databases import new_database
from wasteflow.jobs import import_file, seed_database
from wasteflow.synthetic.demo import KINDS as DEMO_KINDS
from wasteflow.synthetic.demo import demo_rows, write_demo
from wasteflow_models.engine import Database

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
    for kind in (*REGISTRY, "entries", "shipments"):
        out = tmp_path / f"{kind}.{ending}"
        source.good("export", kind, "--out", out, "--encoding", encoding)
        if out.stat().st_size > 10 and kind != "filings":
            own.good("import", kind, out)
    db = Database(own.url)
    again = Books(db, tmp_path)
    again.check()
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
