"""The worked example of the documents, run as a test: every table of the page is what comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wasteflow.core.periods import Period
from wasteflow.jobs import import_file, seed_folder
from wasteflow.load_files import Imported
from wasteflow.services.checking import check_books
from wasteflow.services.corrections import reverse
from wasteflow.services.provenance import trace_report
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


TERMS = (
    "generated_t",
    "utilised_t",
    "utilised_prior_t",
    "stored_t",
    "disposed_t",
    "disposed_prior_t",
    "weighing_difference_t",
    "identity_residual_t",
)


def _rates(db: Database, month: str, basis: str, formula: str) -> list[dict[str, Any]]:
    """Rows of the two producers, then the total."""
    report = rates_report(
        db=db,
        scope=SCOPE,
        period=Period.parse(month),
        formula=formula,
        basis=basis,
        by="enterprise",
    )
    assert [row["enterprise"] for row in report["rows"]] == ["ex.jia", "ex.yi"]
    assert report["pseudo"] == []
    return [*report["rows"], report["total"]]


def _rate_cells(db: Database, month: str) -> Cells:
    """Basis, formula, and the rates of both producers and in total."""
    return [
        [
            basis,
            formula,
            *(f"{row['value'] * 100:.2f} %" for row in _rates(db, month, basis, formula)),
        ]
        for basis in ("declared", "verified")
        for formula in ("official", "simple")
    ]


def _term_cells(db: Database, month: str) -> Cells:
    """Basis, enterprise and the tonnes behind its rate."""
    return [
        [basis, row["enterprise"], *(row[term] for term in TERMS)]
        for basis in ("declared", "verified")
        for row in _rates(db, month, basis, "official")[:-1]
    ]


def _trace_cells(db: Database, month: str) -> Cells:
    """Whose waste the board factory used and holds."""
    report = trace_report(
        db=db,
        enterprise="ex.board",
        material="phosphogypsum",
        period=Period.parse(month),
        direction="upstream",
    )
    assert report["total_t"] == "144.500"
    return [
        [row["origin"], str(row["year_generated"]), row["what"], row["tonnes"]]
        for row in report["rows"]
    ]


def test_the_page_has_all_its_tables() -> None:
    kinds = ("balance", "flows", "rates", "terms")
    names = [f"{what} {month}" for month in MONTHS for what in kinds]
    assert sorted(TABLES) == sorted([*names, "trace 2026-01"])
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
        assert _rate_cells(db, month) == TABLES[f"rates {month}"]
        assert _term_cells(db, month) == TABLES[f"terms {month}"]
    assert _trace_cells(db, "2026-01") == TABLES["trace 2026-01"]
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


def test_the_rates_follow_from_the_printed_amounts() -> None:
    """Who has only the page gets the rates, the identity and the sums from its amounts."""
    for month in MONTHS:
        terms = {
            (basis, firm): list(map(Decimal, row)) for basis, firm, *row in TABLES[f"terms {month}"]
        }
        for basis, formula, *printed in TABLES[f"rates {month}"]:
            pairs = []
            for firm in ("ex.jia", "ex.yi"):
                generated, used, prior, *_ = terms[basis, firm]
                pairs.append((used, generated + (prior if formula == "official" else 0)))
            sums = sum((a for a, _ in pairs), Decimal()), sum((b for _, b in pairs), Decimal())
            pairs.append(sums)
            assert [f"{a / b * 100:.2f} %" for a, b in pairs] == printed
        for made, used, prior, stored, gone, gone_prior, weighing, residual in terms.values():
            assert made == used - prior + stored + gone - gone_prior + weighing + residual
        verified = sum(row[1] for (basis, _), row in terms.items() if basis == "verified")
        uses = [Decimal(row[3]) for row in TABLES[f"flows {month}"] if row[1].startswith("use:")]
        assert verified == sum(uses)


def test_cumulative_verified_is_what_the_page_says(
    books: tuple[Database, list[Imported]],
) -> None:
    rows = _rates(books[0], "2026-01", "verified", "official")
    assert [f"{row['cumulative_verified'] * 100:.2f}" for row in rows[:2]] == ["26.53", "77.03"]
    text = PAGE.read_text(encoding="utf-8")
    assert "**26.53 %**" in text and "**77.03 %**" in text


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
