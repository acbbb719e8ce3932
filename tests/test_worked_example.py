"""The worked example of the documents, run as a test: every table of the page is what comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wasteflow.core.periods import Period
from wasteflow.jobs import Imported, import_file, seed_folder
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import reverse
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report, flows_report
from wasteflow_models.engine import Database

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "worked-example.md"
NOW = datetime(2026, 2, 1, 1, tzinfo=UTC)
SCOPE = "park:park.example"
MONTHS = ("2025-12", "2026-01")
FILES = (
    ("parks", "parks"),
    ("enterprises", "enterprises"),
    ("facilities", "facilities"),
    ("entries", "entries"),
    ("shipments", "shipments-2025-12"),
    ("shipments", "shipments-2026-01"),
)
Cells = list[list[str]]


def tables() -> dict[str, Cells]:
    """Name in the comment before a table → its rows (heading and rule left out)."""
    found: dict[str, Cells] = {}
    text = PAGE.read_text(encoding="utf-8")
    for match in re.finditer(r"<!-- table: (.+?) -->\n\n((?:\|.*\n)+)", text):
        lines = match[2].splitlines()[2:]
        found[match[1]] = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    return found


TABLES = tables()


def _import(db: Database, kind: str, path: Path) -> Imported:
    return import_file(db=db, kind=kind, path=path, now=NOW)


@pytest.fixture
def books(database_url: str) -> Iterator[tuple[Database, list[Imported]]]:
    """The example's database, and what its imports reported."""
    db = Database(database_url)
    for kind in ("regions", "materials", "routes"):
        _import(db, kind, seed_folder() / f"{kind}.csv")
    yield db, [_import(db, kind, DOCS / "example" / f"{name}.csv") for kind, name in FILES]
    db.dispose()


def _parts(cell: str) -> dict[str, str]:
    """{"use": "50.000"} of "use 50.000; …"."""
    pairs = (part.split() for part in cell.split(";") if part.strip())
    return {word: tonnes for word, tonnes in pairs}


def _balance(db: Database, month: str) -> list[dict[str, Any]]:
    report = balance_report(db=db, scope=SCOPE, period=Period.parse(month))
    return [
        {
            "line": (row["enterprise"], row["compartment"]),
            "opening": row["opening_t"],
            "in": row["in"],
            "out": row["out"],
            "closing": row["closing_t"],
            "residual": row["residual_t"],
        }
        for row in report["rows"]
    ]


def _printed_balance(month: str) -> list[dict[str, Any]]:
    return [
        {
            "line": (firm, compartment),
            "opening": opening,
            "in": _parts(ins),
            "out": _parts(outs),
            "closing": closing,
            "residual": residual,
        }
        for firm, compartment, opening, ins, outs, closing, residual in TABLES[f"balance {month}"]
    ]


def _rate_cells(db: Database, month: str) -> dict[tuple[str, str], str]:
    """(formula, enterprise or total) → "69.75 %" or the reason."""
    cells = {}
    for formula in ("simple", "official"):
        report = rates_report(
            db=db, scope=SCOPE, period=Period.parse(month), formula=formula, by="enterprise"
        )
        for row in [*report["rows"], {**report["total"], "enterprise": "total"}]:
            value = row["value"]
            shown = row["not_computable"] if value is None else f"{value * 100:.2f} %"
            cells[formula, row["enterprise"]] = shown
    return cells


def test_the_page_has_all_its_tables() -> None:
    names = [f"{what} {month}" for month in MONTHS for what in ("balance", "flows", "rates")]
    assert sorted(TABLES) == sorted(names)
    assert all(TABLES.values())


def test_every_printed_figure_is_what_the_program_says(
    books: tuple[Database, list[Imported]],
) -> None:
    db, imported = books
    for month in MONTHS:
        assert _balance(db, month) == _printed_balance(month)
        graph = flows_report(db=db, period=Period.parse(month))
        edges = [
            [edge["source"], edge["target"], edge["route"], edge["tonnes"], str(edge["loads"])]
            for edge in graph["edges"]
        ]
        assert sorted(edges) == sorted(TABLES[f"flows {month}"])
        rates = _rate_cells(db, month)
        printed = {
            (formula, firm): cell
            for formula, *cells in TABLES[f"rates {month}"]
            for firm, cell in zip(("ex.jia", "ex.yi", "total"), cells, strict=True)
        }
        assert rates == printed
    last = imported[-1].report
    assert (last.taken, last.completed, last.skipped) == (6, 1, 0)


def test_the_example_checks_as_the_page_says(books: tuple[Database, list[Imported]]) -> None:
    db, _ = books
    report = check_books(db=db)
    assert report.ok
    found = [(item["code"], item["enterprise"], item["compartment"]) for item in report.findings]
    assert found == [("unbalanced", "ex.jia", "yard")]
    year = rates_report(db=db, scope="enterprise:ex.jia", period=Period.parse("2025"))
    assert year["total"]["not_computable"] == "ledger_starts_2025-12"


def test_closing_of_one_month_is_the_opening_of_the_next() -> None:
    first, second = (
        {(firm, part): line for firm, part, *line in TABLES[f"balance {month}"]} for month in MONTHS
    )
    for place, line in second.items():
        assert line[0] == (first[place][3] if place in first else "0.000"), place


def test_the_mistake_is_mended_as_the_page_says(
    books: tuple[Database, list[Imported]], tmp_path: Path
) -> None:
    db, _ = books
    reverse(db=db, doc_no="JIA-07", reason="磅单看错", now=NOW)
    path = tmp_path / "mended.csv"
    path.write_text(
        "doc_no,enterprise,kind,material,route,date,tonnes\n"
        "JIA-07/2,ex.jia,disposal,phosphogypsum,pg_landfill,2026-01-20,24.000\n",
        encoding="utf-8",
    )
    assert _import(db, "entries", path).report.taken == 1
    closing = {row["line"]: row["closing"] for row in _balance(db, "2026-01")}
    printed = {row["line"]: row["closing"] for row in _printed_balance("2026-01")}
    assert closing == {**printed, ("ex.jia", "site"): "126.000"}
    assert check_books(db=db).ok
