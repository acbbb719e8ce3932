"""Every kind of bad row of 4-contract 4.5 through the command: told, nothing taken, no trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import child, entry, load
from wasteflow import jobs

BAD_LOADS: dict[str, tuple[dict[str, str], str, str]] = {
    # case: (row, field, words of the English message)
    "future": (load("X", dispatched_at="2099-01-01"), "dispatched_at", "future"),
    "received in the future": (
        load("X", "1", "1", received_at="2099-01-01"),
        "received_at",
        "future",
    ),
    "zero": (load("X", "0.000"), "dispatched_t", "must not be zero"),
    "negative": (load("X", "-30.000"), "dispatched_t", "from_yard"),
    "negative refused": (load("X", "30", "30", refused_t="-1"), "refused_t", "from_yard"),
    "nan": (load("X", "NaN"), "dispatched_t", "not a number"),
    "infinite": (load("X", "inf"), "dispatched_t", "not a number"),
    "1e400": (load("X", "1e400"), "dispatched_t", "not a number"),
    "1e20": (load("X", "1e20"), "dispatched_t", "more than one record can hold"),
    "four places": (load("X", "30.0001"), "dispatched_t", "--round-kg"),
    "with a unit": (load("X", "30吨"), "dispatched_t", "without a unit"),
    "no weight": (load("X", ""), "dispatched_t", "dispatched or the accepted"),
    "nothing received": (load("X", "30", "0"), "received_t", "nothing was received"),
    "not the sum": (
        load("X", "30", "20", received_t="30", refused_t="9"),
        "received_t",
        "accepted",
    ),
    "received before": (
        load("X", "1", "1", received_at="2026-03-02T07:59:59+08:00"),
        "received_at",
        "earlier than the dispatch",
    ),
    "over twice the cap": (load("X", "70.001", mode="road"), "dispatched_t", "twice the cap"),
    "over twice for two": (
        load("X", "140.001", mode="road", loads="2"),
        "dispatched_t",
        "twice the cap",
    ),
    "sender = receiver": (load("X", consignee="maker"), "consignee", "sender and receiver"),
    "the same by name": (load("X", consignee="磷化工厂"), "consignee", "sender and receiver"),
    "route for others": (load("X", material="slag"), "route", "not for this material"),
    "route not there": (load("X", route="plaster"), "route", "no registered facility"),
    "unknown consignor": (load("X", consignor="nobody"), "consignor", "“nobody”"),
    "unknown consignee": (load("X", consignee="无此厂"), "consignee", "“无此厂”"),
    "unknown material": (load("X", material="gold"), "material", "“gold”"),
    "unknown route": (load("X", route="moon"), "route", "“moon”"),
    "unknown parent": (child("X", "nowhere", "1"), "parent_doc_no", "nowhere"),
    "unknown facility": (load("X", from_facility="ghost"), "from_facility", "“ghost”"),
    "facility of others": (load("X", to_facility="maker.heap"), "to_facility", "does not belong"),
    "bad time": (load("X", dispatched_at="yesterday"), "dispatched_at", "is not a time"),
    "no such day": (load("X", dispatched_at="2026-02-30"), "dispatched_at", "is not a time"),
    "bad word": (load("X", mode="rocket"), "mode", "road"),
    "bad count": (load("X", loads="1.5"), "loads", "whole number"),
    "dry without moisture": (load("X", basis="dry"), "moisture_pct", "moisture"),
    "moisture of 100": (load("X", moisture_pct="100"), "moisture_pct", "percentage"),
    "dry beyond all": (
        load("X", "900000000000", basis="dry", moisture_pct="99.999"),
        "moisture_pct",
        "more than one record can hold",
    ),
    "no number": (load(""), "doc_no", "required"),
    "number with a space": (load("A B"), "doc_no", "document number"),
    "no consignor": (load("X", consignor=""), "consignor", "required"),
    "long text": (load("X", remark="长" * 501), "remark", "at most 500"),
    "bell": (load("X", remark="a\u202eb"), "remark", "invisible"),
}
BAD_ENTRIES: dict[str, tuple[dict[str, str], str, str]] = {
    "future": (entry("X", "generation", "1", "2999-01-01"), "date", "between 1950"),
    "tomorrow": (entry("X", "generation", "1", "2099-01-01"), "date", "future"),
    "zero": (entry("X", "generation", "0"), "tonnes", "must not be zero"),
    "negative": (entry("X", "use", "-5", route="retarder"), "tonnes", "from_yard"),
    "negative count": (entry("X", "stocktake", "-1", reason="survey"), "tonnes", "from_yard"),
    "nan": (entry("X", "generation", "nan"), "tonnes", "not a number"),
    "four places": (entry("X", "generation", "1.0001"), "tonnes", "--round-kg"),
    "no route": (entry("X", "use", "1"), "route", "needs a route"),
    "wrong fate": (entry("X", "use", "1", route="fill"), "route", "another fate"),
    "route for others": (
        entry("X", "use", "1", material="slag", route="plaster"),
        "route",
        "not for this material",
    ),
    "no reason": (entry("X", "stocktake", "1"), "reason", "reason is needed"),
    "bad reason": (entry("X", "stocktake", "1", reason="magic"), "reason", "moisture"),
    "unknown kind": (entry("X", "alchemy", "1"), "kind", "generation"),
    "unknown enterprise": (
        entry("X", "generation", "1", enterprise="nobody"),
        "enterprise",
        "nobody",
    ),
    "unknown material": (entry("X", "generation", "1", material="gold"), "material", "“gold”"),
    "year of another": (
        entry("X", "generation", "1", year_generated="2020"),
        "year_generated",
        "opening",
    ),
    "year after": (entry("X", "opening", "1", year_generated="2027"), "year_generated", "after"),
    "from_use elsewhere": (entry("X", "to_yard", "1", from_use="是"), "from_use", "generation"),
    "dry without moisture": (
        entry("X", "generation", "1", basis="干基"),
        "moisture_pct",
        "moisture",
    ),
}
CASES = [
    *(("shipments", name, *case) for name, case in BAD_LOADS.items()),
    *(("entries", name, *case) for name, case in BAD_ENTRIES.items()),
]


@pytest.fixture(scope="module")
def before(command: Command) -> dict[str, int]:
    """Row counts of all tables before anything bad was tried."""
    return command.counts()


def numbered(row: dict[str, str], field: str, position: int) -> dict[str, str]:
    """The row under a number of its own, unless its number is what is wrong."""
    return row if field == "doc_no" else row | {"doc_no": f"X{position}"}


@pytest.mark.parametrize("kind", ["shipments", "entries"])
def test_every_bad_row_is_told_in_both_languages(
    command: Command, before: dict[str, int], kind: str
) -> None:
    """All of them in one file: exit 1; line, field, value, reason and what to do of each."""
    cases = [(case[1], *case[2:]) for case in CASES if case[0] == kind]
    rows = [numbered(row, field, i) for i, (_, row, field, _) in enumerate(cases)]
    path = command.rows("all.csv", *rows)
    english, chinese = (command("import", kind, path, lang=lang) for lang in ("en", "zh"))
    assert (english.exit_code, chinese.exit_code) == (1, 1)
    told = list(zip(english.stderr.splitlines(), chinese.stderr.splitlines(), strict=True))
    assert f"{len(cases)} rows are refused, so nothing of the file was taken" in told[-1][0]
    assert len(told) == len(cases) + 1
    for i, ((name, row, field, words), (en, zh)) in enumerate(zip(cases, told[:-1], strict=True)):
        assert en.startswith(f"line {i + 2}  {field}="), (name, en)
        assert words in en, (name, en)
        assert zh.startswith(f"第 {i + 2} 行  {field}="), (name, zh)
        assert repr(row.get(field) or "")[1:41] in zh, (name, zh)
        reason = zh.split(": ", 1)[1]
        assert any("\u4e00" <= char <= "\u9fff" for char in reason), (name, zh)
    assert command.counts() == before


def test_a_bad_row_keeps_the_good_ones_out(command: Command, before: dict[str, int]) -> None:
    """A case alone behind a good row: exit 1, told with its line, and no trace of either."""
    for kind, name, row, field, words in CASES[::5]:
        good = load("GOOD") if kind == "shipments" else entry("GOOD", "generation", "1.000")
        result = command("import", kind, command.rows("bad.csv", good, row), lang="en")
        first, last = result.stderr.splitlines()
        assert result.exit_code == 1, (name, result.output)
        assert first.startswith(f"line 3  {field}=") and words in first, (name, first)
        assert "1 rows are refused" in last
    assert command.counts() == before


def test_duplicate_numbers(command: Command, before: dict[str, int]) -> None:
    path = command.rows("twice.csv", load("A"), load("B"), load("A", "31.000"))
    result = command("import", "shipments", path, lang="en")
    assert result.exit_code == 1
    assert "line 4  doc_no='A'" in result.stderr and "line 2 of this file" in result.stderr
    assert command.counts() == before


def test_many_bad_rows_are_listed_to_fifty(command: Command, before: dict[str, int]) -> None:
    path = command.rows("many.csv", *(load(f"L{i}", "0") for i in range(80)))
    result = command("import", "shipments", path)
    assert result.exit_code == 1
    told = result.stderr.splitlines()
    assert len(told) == 52 and "另有 30 行" in told[-2] and "有 80 行不能接收" in told[-1]
    assert command.counts() == before


def test_a_dry_run_says_the_same_and_leaves_no_trace(
    command: Command, before: dict[str, int]
) -> None:
    good = command.rows("dry.csv", load("D", "40.000", mode="road"), load("E", "1", "1"))
    result = command("import", "shipments", good, "--dry-run", "--format", "json")
    report = json.loads(result.output)
    assert (result.exit_code, report["dry_run"], report["taken"]) == (0, True, 2)
    assert [warning["code"] for warning in report["warnings"]] == ["over_cap"]
    bad = command.rows("dry-bad.csv", load("D"), load("E", "0"))
    assert command("import", "shipments", bad, "--dry-run").exit_code == 1
    entries = command.rows("dry-e.csv", entry("D", "stocktake", "1", reason="loss"))
    assert "试运行，未写入" in command.good("import", "entries", entries, "--dry-run")
    firms = command.rows(
        "dry-f.csv", {"code": "new", "name_zh": "新"}, {"code": "maker", "name_zh": "改"}
    )
    assert "新增 1，更新 1" in command.good("import", "enterprises", firms, "--dry-run")
    assert command.counts() == before
    assert command(
        "import", "shipments", command.rows("n.csv", load("X", consignor="改"))
    ).exit_code


def test_warnings_do_not_block(own: Command) -> None:
    from tests.store.books import Books
    from wasteflow_models.engine import Database

    db = Database(own.url)
    Books(db, own.folder).register()
    db.dispose()
    path = own.rows(
        "w.csv",
        load("OVER", "35.001", "35.001", mode="road"),
        load("BORDER", "1", "1", consignee="board", route="plaster"),
        load("NEW", "1", "1", consignee="maker2", route="heap"),
        load("GAP", "30", "29"),
        load("FINE", "70.000", "70.000", mode="road", loads="2"),
        load("YEAR", "900000.000", "900000.000"),
    )
    out = own.good("import", "shipments", path)
    assert "新增 6" in out
    for code, line in (
        ("over_cap", 2),
        ("cross_province_without_filing", 3),
        ("route_not_registered", 4),
        ("reason_missing", 5),
    ):
        assert f"! {code} (1 行): 第 {line} 行" in out, (code, out)
    assert "（云南省 → 贵州省）" in out, "provinces go by their names"
    again = own.rows("v.csv", load("BORDER2", "1", "1", consignee="board", route="plaster"))
    told = own("import", "shipments", again, lang="en").output
    assert "(云南省 → 贵州省)" in told, "in the other language too, where they have no other name"
    assert own("check").exit_code == 0


@pytest.fixture(params=["rows", "columns"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to read a file of entries, whatever its size."""
    monkeypatch.setattr(jobs, "COLUMNS_BYTES", 0 if request.param == "columns" else 1 << 30)


@pytest.mark.usefixtures("way")
def test_rounding_is_asked_for_and_reported(own: Command) -> None:
    own.good("seed")
    row = {"enterprise": "ent.tianan", "kind": "generation", "material": "phosphogypsum"}
    rows = [
        row | {"doc_no": str(i), "date": "2026-01-02", "tonnes": tonnes}
        for i, tonnes in enumerate(("1.0005", "1.0015", "2.000", "0.0004999"))
    ]
    path = own.rows("fine.csv", *rows[:3])
    assert own("import", "entries", path).exit_code == 1
    out = own.good("import", "entries", path, "--round-kg")
    assert "取整 2 行" in out
    third = own("import", "entries", own.rows("zero.csv", rows[3]), "--round-kg", lang="en")
    assert third.exit_code == 1 and "must not be zero" in third.stderr
    out = own.good("balance", "--period", "2026", "--format", "csv")
    assert "4.002" in out  # 1.000 + 1.002 + 2.000: half to even


@pytest.mark.usefixtures("way")
def test_the_errors_file_is_mended_and_imported(own: Command, tmp_path: Path) -> None:
    own.good("seed")
    header = "单号,企业,记录类别,物料,日期,吨数,备注\n"
    lines = (
        "甲1,ent.tianan,产生,phosphogypsum,2026-01-02,10.000,=1+1\n"
        "甲2,ent.tianan,产生,phosphogypsum,2026-01-02,-10.000,\n"
        "甲3,ent.tianan,产生,phosphogypsum,2026-01-02,1,234.5,多一格\n"
    )
    path = own.file("sheet.csv", header + lines)
    errors = tmp_path / "wrong.csv"
    result = own("import", "entries", path, "--errors", errors)
    assert result.exit_code == 1 and str(errors) in result.stderr
    text = errors.read_text(encoding="utf-8-sig")
    assert "错误原因" in text.splitlines()[0] and "from_yard" in text
    assert own("import", "entries", errors).exit_code == 1  # not mended yet
    mended = text.replace("-10.000", "10.000").replace("1,234.5,", '"1,234.5",')
    errors.write_text(mended, encoding="utf-8-sig")
    report = json.loads(own.good("import", "entries", errors, "--format", "json"))
    assert report["taken"] == 3
    out = tmp_path / "out.json"
    own.good("export", "entries", "--out", out)
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert [(item["doc_no"], item["tonnes"]) for item in rows] == [
        ("甲1", "10.000"),
        ("甲2", "10.000"),
        ("甲3", "1234.500"),
    ]
    assert rows[0]["remark"] == "=1+1"
