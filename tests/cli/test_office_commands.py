"""Commands of seal, findings, backup and restore; the demo holds one of every finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text

from tests.cli.files import Command
from tests.store.books import Books, entry, load
from wasteflow.cli.common import Settings
from wasteflow.cli.demo import fill_demo, print_demo_findings, print_demo_people
from wasteflow.core.bulletin import AMOUNTS
from wasteflow.core.finding_kinds import KINDS
from wasteflow.services.reports import overview
from wasteflow_models import migrate
from wasteflow_models.engine import Database


@pytest.fixture
def sqlite(_sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`wasteflow` on an empty SQLite database; tests/store tests the services on both."""
    monkeypatch.setenv("WASTEFLOW_INSTANCE", str(tmp_path / "instance"))
    path = tmp_path / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    return Command(f"sqlite:///{path.as_posix()}", tmp_path)


def fill(command: Command) -> None:
    """A load and an entry."""
    db = Database(command.url)
    books = Books(db, command.folder)
    books.register()
    books.entries(entry("G", "generation", "10.000"))
    books.loads(load("L", "30.000", "30.000"))
    db.dispose()


def test_seal_prove_backup_restore(sqlite: Command, tmp_path: Path) -> None:
    fill(sqlite)
    made = json.loads(sqlite.good("seal", "--format", "json"))
    assert made["number"] == 1 and made["counts"]["event"] == 2
    assert "没有新的记录" in sqlite.good("seal")
    assert made["head"] in sqlite.good("seal", "--list", "--format", "csv")
    assert "无误" in sqlite.good("check", "--head", made["head"][:10])
    assert sqlite("check", "--head", "f" * 64).exit_code == 1
    file = tmp_path / "backup.zip"
    assert "已备份" in sqlite.good("backup", file)
    assert sqlite("backup", file).exit_code == 2  # not overwritten
    there = Command(f"sqlite:///{(tmp_path / 'there.sqlite3').as_posix()}", tmp_path)
    assert "账本无误" in there.good("restore", file)
    assert there("restore", file).exit_code == 1
    assert there.good("restore", file, "--replace")
    assert made["head"] in there.good("seal", "--list", "--format", "json")
    db = Database(there.url)
    with db.write() as session:
        session.execute(text("UPDATE event SET reason = 'x' WHERE seq = 1"))
        uid = session.execute(text("SELECT uid FROM entry")).scalar_one()
    db.dispose()
    report = json.loads(there("check", "--full", "--format", "json").output)
    assert [(fault["code"], fault["records"]) for fault in report["faults"]] == [
        ("sealed_altered", ["L"])
    ]
    out = tmp_path / "proof.json"
    assert str(out) in there.good("seal", "prove", uid, "--out", out)
    assert json.loads(out.read_text("utf-8"))["proofs"][0]["values"]["doc_no"] == "G"
    assert there("seal", "prove", "nonsense").exit_code == 2


@pytest.fixture(scope="module")
def demo(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The demo of four months; nobody writes to it."""
    folder = tmp_path_factory.mktemp("demo")
    path = folder / "demo.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    command = Command(f"sqlite:///{path.as_posix()}", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WASTEFLOW_INSTANCE", str(folder / "instance"))
        db, settings = Database(command.url), Settings("en")
        fill_demo(db, 4, settings)
        print_demo_people(db, settings)
        print_demo_findings(db, settings)
        db.dispose()
        yield command


def test_the_demo_holds_one_of_every_finding(demo: Command) -> None:
    rows = json.loads(demo.good("findings", "--format", "json"))["rows"]
    assert {row["code"] for row in rows} == set(KINDS)
    assert all(row["ref"] and row["message"] for row in rows)
    one = demo.good("findings", "--kind", "over_quota", "--format", "csv")
    assert "over_quota" in one and one.count("\n") == 2
    assert "demo.trouble" in demo.good("findings", "--severity", "alert")
    assert demo.good("check", "--full")
    assert migrate.current(demo.url) == migrate.head()


def whole_period(demo: Command) -> str:
    """First to last month of the demo, which ends with the last full month."""
    db = Database(demo.url)
    held = overview(db=db)
    db.dispose()
    assert held.first and held.last
    return "..".join(f"{month // 100}-{month % 100:02d}" for month in (held.first, held.last))


AREAS = ("all", "region:530000", "region:530181", "park:park.anning", "enterprise:ent.tianan")


def test_the_bulletin_tells_what_rates_balance_and_forms_tell(demo: Command) -> None:
    period = whole_period(demo)
    for area in AREAS:
        asked = ("--scope", area, "--period", period, "--format", "json")
        told = json.loads(demo.good("bulletin", *asked))
        rates = json.loads(demo.good("rates", *asked, "--by", "material"))
        lines = {row["material"]: row for row in rates["rows"] if not row["not_computable"]}
        assert {row["key"] for row in told["rows"]} == lines.keys() and lines
        for line, rate in [
            (told["total"], rates["total"]),
            *((row, lines[row["key"]]) for row in told["rows"]),
        ]:
            for name in AMOUNTS[:-1]:
                assert line[f"{name}_t"] == rate[f"{name}_t"], (area, line["key"], name)
            assert line["rate"] == pytest.approx(rate["value"], abs=1e-9)
        for lines_of in ("rows", "industries"):
            made = sum(Decimal(row["generated_t"]) for row in told[lines_of])
            assert made == Decimal(told["total"]["generated_t"])
        assert all(row["identity_closes"] for row in told["audit"])
        assert all("official" in row["reproduced_by"] for row in told["audit"])
        stock = {row["material"]: row for row in told["stock"]}
        rows = json.loads(demo.good("balance", *asked))["rows"]
        for material, line in stock.items():
            for name in ("opening_t", "closing_t"):
                whole = sum(Decimal(row[name]) for row in rows if row["material"] == material)
                assert Decimal(line[name]) == whole, (area, material, name)


def test_the_files_of_the_bulletin(demo: Command, tmp_path: Path) -> None:
    book, figures = tmp_path / "b.xlsx", tmp_path / "f.csv"
    demo.good("bulletin", "--scope", "region:530000", "--out", book, "--figures", figures)
    sheets = openpyxl.load_workbook(book)
    assert sheets.sheetnames[:3] == ["信息发布表", "按废物种类", "按行业"]
    cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row]
    words = [str(cell.value) for cell in cells if cell.value is not None]
    head = json.loads(demo.good("seal", "--list", "--format", "json"))[0]["head"]
    assert any(head in text for text in words) and any("合成" in text for text in words)
    assert not [cell for cell in cells if cell.data_type == "f"]
    audited = json.loads(demo.good("audit-figures", figures, "--format", "json"))
    assert audited and all("official" in row["reproduced_by"] for row in audited)
    asked = ("--scope", "region:530000", "--period", whole_period(demo), "--format", "json")
    whole = json.loads(demo.good("bulletin", *asked))
    public = json.loads(demo.good("bulletin", *asked, "--public"))
    firms = {row["key"]: row["firms"] for row in whole["rows"]}
    hidden = {row["key"] for row in public["rows"] if row["hidden"]}
    assert {key for key, number in firms.items() if number < 3} <= hidden < firms.keys()
    assert all(row["generated_t"] is None for row in public["rows"] if row["hidden"])
    assert public["total"]["generated_t"] in (None, whole["total"]["generated_t"])
