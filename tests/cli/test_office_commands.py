"""Commands of seal, findings, backup and restore; the demo holds one of every finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.cli.files import Command
from tests.store.books import Books, entry, load
from tests.store.live import person
from wasteflow.cli.common import Settings, now
from wasteflow.cli.demo import fill_demo, print_demo_findings, print_demo_people
from wasteflow.cli.demo_troubles import GIVER, SLAG, _files
from wasteflow.core.actors import Role
from wasteflow.core.finding_kinds import KINDS
from wasteflow.core.periods import SHANGHAI, Period, month_text, next_month
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.corrections import reverse
from wasteflow.services.finding_list import Asked, list_findings, refresh_findings
from wasteflow.services.live.reading import LoadFilter, get_load, list_loads
from wasteflow.services.reports import overview
from wasteflow.services.seal_proofs import kind_of_record
from wasteflow_models import migrate
from wasteflow_models.engine import Database

ROOT = person(999, Role.SYSTEM_ADMIN, "")


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


def test_the_demo_holds_one_of_every_finding(
    sqlite: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr("tests.store.books.NOW", now())  # the demo is sealed: nothing dated back
    db = Database(sqlite.url)
    try:
        _each_leads_to_its_record(db, rows)
        _each_goes_with_its_cause(db, rows, sqlite.folder)
    finally:
        db.dispose()
    assert sqlite.good("check", "--full")


def _each_leads_to_its_record(db: Database, rows: list[dict[str, Any]]) -> None:
    """The record, link, filing or facility that a finding names is there."""
    registry = overview(db=db).registry
    for row in rows:
        assert row["enterprise"] in registry.enterprises
        kind, ref = row["ref_kind"], row["ref"]
        if kind == "load":
            assert get_load(db=db, actor=ROOT, uid=UUID(ref))["id"] == ref
        elif kind == "entry":
            assert kind_of_record(db=db, uid=UUID(ref)) == "entry"
        elif kind in ("filing", "facility"):
            assert ref in (registry.filings if kind == "filing" else registry.facilities)
        elif kind == "loads":
            asked = dict(part.split("=") for part in ref.split("&"))
            wanted = LoadFilter(
                party=asked["party"],
                material=asked["material"],
                period=Period.parse(asked["period"]),
            )
            assert list_loads(db=db, actor=ROOT, wanted=wanted, limit=1, cursor="")["items"]
        else:
            assert kind in ("balance", "crosscheck", "gap") and ref


def _each_goes_with_its_cause(db: Database, rows: list[dict[str, Any]], folder: Path) -> None:
    """One finding of every kind, those of the firms in trouble first: mended, it is resolved."""
    chosen = {row["code"]: row for row in rows}
    chosen |= {row["code"]: row for row in rows if row["enterprise"].startswith(GIVER)}
    today = now().astimezone(SHANGHAI)
    last = next_month(today.year * 100 + today.month, -1)
    files = _files(last)
    (facility,), (filing,) = (rows for kind, rows in files if kind in ("facilities", "filings"))
    late = next(row for row in files[4][1] if row["doc_no"] == "DEMO-X-A11")
    books = Books(db, folder)
    books.take("facilities", {**facility, "capacity_t_per_year": "9000", "valid_to": "2099-01-01"})
    every = {"valid_from": "2020-01-01", "valid_to": "2099-12-31", "quota_t": ""}
    books.take("filings", {**filing, "quota_t": "900"}, {**filing, "code": "f.all", **every})
    wide = {"code": "coef.rm_alumina", "kind": "generation", "material": "red_mud",
            "driver": "alumina", "low": "0.1", "typical": "1.3", "high": "90",
            "unit": "t/t alumina"}  # fmt: skip
    books.take("coefficients", wide)
    books.take("shipments", {**late, "received_at": late["dispatched_at"], "accepted_t": "30.000"})
    start = f"{month_text(next_month(last, -1))}-01"
    more = {"material": SLAG, "enterprise": GIVER}
    books.entries(entry("MEND", "generation", "9000.000", day=start, **more))
    wanted = LoadFilter(doc_no="DEMO-X-A04")
    (load_,) = list_loads(db=db, actor=ROOT, wanted=wanted, limit=2, cursor="")["items"]
    paper = NewAttachment("shipment", load_["id"], b"%PDF-1", "application/pdf", "报告.pdf")
    giver = person(900, Role.OPERATOR, GIVER)
    add_attachment(db=db, folder=folder, document=paper, actor=giver, now=now())
    gone = ["DEMO-X-S1", "DEMO-X-B05", "DEMO-X-A10", "DEMO-X-D1"]
    gone += [chosen["refused_not_returned"]["params"]["record"], *_loop(db)]
    for doc_no in gone:
        reverse(db=db, doc_no=doc_no, reason="误记", now=now())
    refresh_findings(db=db, now=now())
    told = list_findings(db=db, asked=Asked(state="resolved"), now=now())
    resolved = {row["id"] for row in told}
    assert {kind for kind, row in chosen.items() if row["id"] not in resolved} == set()
    assert set(chosen) == set(KINDS)


def _loop(db: Database) -> list[str]:
    """Numbers of the loads that close the loop on paper, returns before what they return."""
    with db.read() as session:
        found = session.execute(
            text(
                "SELECT s.doc_no FROM shipment s JOIN enterprise e ON e.id = s.consignor_id "
                "WHERE e.code = 'demo.trade_b' AND s.doc_no GLOB 'DEMO-SR0[34]-*' "
                "AND NOT s.reversed"
            )
        ).scalars()
        return sorted(found, key=lambda doc_no: (not doc_no.endswith("-R"), doc_no))
