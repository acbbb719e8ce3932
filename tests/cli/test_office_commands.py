"""Commands of seal, findings, backup and restore; the demo holds one of every finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.cli.files import Command
from tests.store.books import Books, entry, load
from wasteflow.cli.common import Settings
from wasteflow.cli.demo import fill_demo, print_demo_findings, print_demo_people
from wasteflow.core.finding_kinds import KINDS
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


def test_the_demo_holds_one_of_every_finding(sqlite: Command) -> None:
    db, settings = Database(sqlite.url), Settings("en")
    fill_demo(db, 4, settings)
    print_demo_people(db, settings)
    print_demo_findings(db, settings)
    db.dispose()
    rows = json.loads(sqlite.good("findings", "--format", "json"))["rows"]
    assert {row["code"] for row in rows} == set(KINDS)
    assert all(row["ref"] and row["message"] for row in rows)
    one = sqlite.good("findings", "--kind", "over_quota", "--format", "csv")
    assert "over_quota" in one and one.count("\n") == 2
    assert "demo.trouble" in sqlite.good("findings", "--severity", "alert")
    assert sqlite.good("check", "--full")
    assert migrate.current(sqlite.url) == migrate.head()
