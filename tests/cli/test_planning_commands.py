"""Commands of the planner and of provenance: table, JSON, CSV, both languages, errors, no data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.files import Command
from tests.store.books import Books, entry
from tests.store.databases import KINDS, new_database
from tests.store.planned import PG, PLANNED, plan
from wasteflow_models.engine import Database

pytestmark = pytest.mark.xdist_group("planning_commands")  # one process: they share a database

COMMANDS: dict[str, tuple[str, ...]] = {
    "rates": ("rates", "--period", "2026", "--by", "enterprise", "--basis", "verified"),
    "trace": ("trace", "--enterprise", "maker", "--material", PG, "--period", "2026"),
    "postings": ("postings", "--enterprise", "maker", "--material", PG, "--period", "2026"),
    "stored": ("postings", "--enterprise", "maker", "--period", "2026", "--term", "stored"),
    "loops": ("loops", "--period", "2026"),
    "gap": ("gap", "--period", "2026"),
    "targets": ("targets", "--period", "2026"),
    "quota": ("quota", "--period", "2026"),
    "crosscheck": ("crosscheck", "--period", "2026"),
}
LISTS = {"rates": "rows", "trace": "rows", "postings": "rows", "stored": "rows",
         "loops": "materials", "gap": "firms",
         "targets": "rows", "quota": "rows", "crosscheck": "rows"}  # fmt: skip
NESTED = {"rates": {"by_evidence"}, "stored": {"posting_t"}, "loops": {"resale", "loops"}}
"""Parts of a row that the CSV leaves to the JSON."""


@pytest.fixture(scope="module", params=KINDS)
def planner(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    """`wasteflow` on the books of `tests.store.planned`."""
    folder = tmp_path_factory.mktemp("planner")
    with new_database(request, request.param, folder) as url:
        db = Database(url)
        plan(Books(db, folder))
        db.dispose()
        yield Command(url, folder)


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows of a CSV on standard output."""
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


@pytest.mark.parametrize("name", COMMANDS)
def test_json_csv_and_tables_tell_the_same(planner: Command, name: str) -> None:
    report: dict[str, Any] = json.loads(planner.good(*COMMANDS[name], "--format", "json"))
    listed = report[LISTS[name]]
    assert listed
    written = rows_of(planner.good(*COMMANDS[name], "--format", "csv"))
    if name == "rates":
        assert written.pop()["total"] == "true"
    assert len(written) == len(listed)
    for row, cells in zip(listed, written, strict=True):
        assert set(row) - NESTED.get(name, set()) <= set(cells)
        for key, value in row.items():
            if isinstance(value, str):
                assert cells[key] == value
    for lang in ("zh", "en"):
        shown = planner(*COMMANDS[name], lang=lang)
        assert shown.exit_code == 0
        for row in listed:
            first = next(iter(row.values()))
            assert str(first) in shown.output


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("trace", "按混合规则推算", "under the mixing rule"),
        ("loops", "可对冲 4.000 吨", "nettable 4.000 t"),
        ("gap", "收货单位", "Link by link"),
        ("targets", "落后 ●红", "behind RED"),
        ("targets", "参考线", "reference line"),
        ("quota", "新增堆存量大于零", "net new stock is above zero"),
        ("crosscheck", "产生量偏高", "more was generated than"),
    ],
)
def test_both_languages_say_what_matters(planner: Command, name: str, zh: str, en: str) -> None:
    assert zh in planner(*COMMANDS[name]).output
    assert en in planner(*COMMANDS[name], lang="en").output


def test_figures_of_the_tables(planner: Command) -> None:
    verified = planner(*COMMANDS["rates"], lang="en").output
    assert "cumulative" in verified and "64.15 %" in verified  # 603 of 940 t
    assert "603.000" in verified and "2026 all official verified" in verified
    gap = planner(*COMMANDS["gap"], lang="en").output
    assert next(line.split()[2:7] for line in gap.splitlines() if line.startswith("maker ")) == [
        "702.000", "603.000", "99.000", "5.000", "1.000"
    ]  # fmt: skip
    upstream = planner(
        "trace", "--enterprise", "board", "--material", PG, "--direction", "upstream", lang="en"
    )
    assert "Total 77.000 t, under the mixing rule." in upstream.output
    course = [line for line in planner(*COMMANDS["targets"]).output.splitlines() if "t.cou" in line]
    assert "可达" in course[0] and "936.000 t" in course[0]


def test_a_figure_opens_into_postings_and_a_posting_into_records(planner: Command) -> None:
    scope = ("--scope", "enterprise:maker", "--period", "2026", "--format", "json")
    rate = json.loads(planner.good("rates", *scope))["total"]
    found = json.loads(planner.good(*COMMANDS["postings"], "--format", "json"))
    assert found["total_t"] == rate["utilised_t"]
    assert sum(Decimal(row["part_t"]) for row in found["rows"]) == Decimal(found["total_t"])
    row = found["rows"][0]
    names = ("month", "source", "target", "material", "route", "evidence")
    asked = [word for name in names for word in (f"--{name}", row[name])]
    behind = json.loads(planner.good("records", *asked, "--format", "json"))
    assert behind["total_t"] == behind["rollup_t"] == row["posting_t"]
    listed = rows_of(planner.good("records", *asked, "--format", "csv"))
    assert sum(Decimal(record["tonnes"]) for record in listed) == Decimal(row["posting_t"])
    assert f"posting {row['posting_t']} t" in planner("records", *asked, lang="en").output
    stored = json.loads(planner.good(*COMMANDS["stored"], "--format", "json"))
    place = stored["rows"][0]
    at = ("--at", place["place"], "--material", PG, "--format", "json")
    assert json.loads(planner.good(*COMMANDS["stored"], *at))["total_t"] == place["part_t"]


def test_what_credits_nobody_stands_under_the_rates(own: Command) -> None:
    """10 t of secondary waste, flagged `from_use`, and 4 t used that nobody had."""
    db = Database(own.url)
    Books(db, own.folder).register(PLANNED)
    db.dispose()
    rows = [
        entry("R", "generation", "10.000", material=PG, from_use="true"),
        entry("U", "use", "4.000", material=PG, enterprise="cement", route="retarder"),
    ]
    assert own("import", "entries", own.rows("entries.csv", *rows)).exit_code == 0
    shown = own("rates", "--basis", "verified", "--period", "2026", lang="en").output
    assert "Credited to no generator" in shown
    lines = [line.split() for line in shown.splitlines() if line.startswith(("recirc", "unexpl"))]
    assert lines == [
        ["recirculated", PG, "1", "10.000", "0.000", "10.000"],
        ["unexplained", PG, "1", "4.000", "4.000", "0.000"],
    ]
    assert "不归属任何产生单位" in own.good("rates", "--period", "2026")


def test_without_a_period_the_last_year_of_the_books_is_taken(planner: Command) -> None:
    for name in ("loops", "gap", "quota", "crosscheck"):
        report = json.loads(planner.good(name, "--format", "json"))
        assert report["period"] == "2026"
    assert json.loads(planner.good("targets", "--format", "json"))["as_of"] == "2026-09"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("trace", "--enterprise", "nobody", "--material", PG), 1, "nobody"),
        (("trace", "--enterprise", "maker", "--material", "tea"), 1, "tea"),
        (("trace", "--enterprise", "maker", "--material", PG, "--period", "spring"), 2, "spring"),
        (("loops", "--material", "tea"), 1, "tea"),
        (("gap", "--scope", "enterprise:nobody"), 1, "nobody"),
        (("gap", "--scope", "somewhere"), 2, "somewhere"),
        (("quota", "--period", "2026Q9"), 2, "2026Q9"),
        (("quota", "--scope", "region:999999"), 1, "999999"),
        (("crosscheck", "--material", "tea"), 1, "tea"),
        (("targets", "--period", "soon"), 2, "soon"),
        (("rates", "--basis", "paper"), 2, "paper"),
        (("rates", "--formula", "best"), 2, "best"),
    ],
)
def test_errors_are_told_in_both_languages(
    planner: Command, words: tuple[str, ...], code: int, told: str
) -> None:
    for lang in ("zh", "en"):
        result = planner(*words, lang=lang)
        assert result.exit_code == code, result.output
        assert result.stdout == "" and told in result.stderr


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if "--enterprise" not in COMMANDS[name]]
)
def test_empty_books_have_no_rows(own: Command, name: str) -> None:
    report = json.loads(own.good(*COMMANDS[name], "--format", "json"))
    assert report[LISTS[name]] == []
    assert own.good(*COMMANDS[name]).count("\n") >= 2
    written = own.good(*COMMANDS[name], "--format", "csv")
    assert len(rows_of(written)) == (1 if name == "rates" else 0) and "," in written


@pytest.mark.parametrize("name", COMMANDS)
def test_a_database_without_tables_is_told(tmp_path: Path, name: str) -> None:
    result = Command(f"sqlite:///{tmp_path / 'new.sqlite3'}", tmp_path)(*COMMANDS[name], lang="en")
    assert result.exit_code == 1 and "wasteflow db upgrade" in result.stderr
    assert not (tmp_path / "new.sqlite3").exists()
