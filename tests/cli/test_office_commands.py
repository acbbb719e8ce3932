"""Commands of seal, findings, backup and restore; the demo holds one of every finding."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import make_url, text

from tests.cli.files import Command
from tests.store.books import Books, entry, load
from tests.store.live import person
from wasteflow.cli.common import Settings, now
from wasteflow.cli.demo import fill_demo, print_demo_findings, print_demo_people
from wasteflow.cli.demo_troubles import GIVER, SLAG, _files
from wasteflow.core.actors import Role
from wasteflow.core.bulletin import AMOUNTS
from wasteflow.core.finding_kinds import KINDS
from wasteflow.core.periods import SHANGHAI, Period, month_text, next_month
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.corrections import reverse
from wasteflow.services.finding_list import Asked, list_findings, refresh_findings
from wasteflow.services.live.listing import LoadFilter, list_loads
from wasteflow.services.live.reading import get_load
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


def test_the_demo_holds_one_of_every_finding_and_mending_resolves_it(
    demo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(demo.good("findings", "--format", "json"))["rows"]
    assert {row["code"] for row in rows} == set(KINDS)
    assert all(row["ref"] and row["message"] for row in rows)
    one = demo.good("findings", "--kind", "over_quota", "--format", "csv")
    assert "over_quota" in one and one.count("\n") == 2
    assert "demo.trouble" in demo.good("findings", "--severity", "alert")
    assert demo.good("check", "--full")
    assert migrate.current(demo.url) == migrate.head()
    monkeypatch.setattr("tests.store.books.NOW", now())  # the demo is sealed: nothing dated back
    own = Command(_copy(demo, tmp_path), tmp_path)
    db = Database(own.url)
    try:
        _each_leads_to_its_record(db, rows)
        _each_goes_with_its_cause(db, rows, tmp_path)
    finally:
        db.dispose()
    assert own.good("check", "--full")


def _copy(demo: Command, folder: Path) -> str:
    """URL of a copy of the demo that may be written to."""
    path = folder / "own.sqlite3"
    with (
        closing(sqlite3.connect(make_url(demo.url).database or "")) as source,
        closing(sqlite3.connect(path)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{path.as_posix()}"


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
    assert demo("bulletin", *asked, "--public").exit_code != 0, "the running quarter is not told"
    public = json.loads(demo.good("bulletin", *asked[:2], *asked[4:], "--public"))
    firms = {row["key"]: row["firms"] for row in whole["rows"]}
    hidden = {row["key"] for row in public["rows"] if row["hidden"]}
    assert {key for key, number in firms.items() if number < 3} <= hidden
    assert all(row["generated_t"] is None for row in public["rows"] if row["hidden"])
    told = ("--period", public["period"], "--format", "json")
    in_full = json.loads(demo.good("bulletin", *asked[:2], *told))["total"]["generated_t"]
    assert public["total"]["generated_t"] in (None, in_full)
