"""`wasteflow close` and `--as-of`: closing, listing, reopening, errors, both languages, check."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.files import Command
from tests.store.books import Books, entry
from tests.store.closed import a_spring
from tests.store.databases import KINDS, new_database
from wasteflow_models.engine import Database

pytestmark = pytest.mark.xdist_group("close_command")  # one process: they share a database


@pytest.fixture(scope="module", params=KINDS)
def closed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    """`wasteflow` on a spring of which January and February are closed, and a late record."""
    folder = tmp_path_factory.mktemp("closed")
    with new_database(request, request.param, folder) as url:
        db = Database(url)
        books = Books(db, folder)
        books.register()
        a_spring(books)
        command = Command(url, folder)
        told = command.good("close", "--park", "park.a", "--month", "2026-02")
        assert told.splitlines()[0] == "park.a 已结账：2026-01, 2026-02（3 家企业）。"
        assert told.count("仍有 1 车在途未验收：ROAD") == 2  # of its consignor and its consignee
        books.entries(entry("X", "generation", "9.000", "2026-02-11"))
        db.dispose()
        yield command


def test_closing_warns_and_says_what_was_closed(own: Command, tmp_path: Path) -> None:
    db = Database(own.url)
    books = Books(db, tmp_path)
    books.register()
    a_spring(books)
    db.dispose()
    result = own("close", "--enterprise", "maker", "--month", "2026-03", lang="en")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "maker closed 2026-01, 2026-02, 2026-03 (1 firms).",
        "· “maker” still has 1 loads on the road at the month's end: ROAD",
    ]
    told = json.loads(
        own.good("close", "--enterprise", "cement", "--month", "2026-03", "--format", "json")
    )
    assert (told["closed"], told["warnings"][0]["records"]) == (
        ["2026-01", "2026-02", "2026-03"],
        ["ROAD"],
    )


def test_the_list_in_three_forms(closed: Command) -> None:
    table = closed.good("close", "--list", "--park", "park.a").splitlines()
    assert len(table) == 4 and "2026-02" in table[3]
    rows = json.loads(
        closed.good("close", "--list", "--enterprise", "maker", "--figures", "--format", "json")
    )
    assert [row["month"] for row in rows] == ["2026-01", "2026-02"]
    assert rows[0]["by_park"] and rows[0]["figures"]["month"]["pg"]["declared"]
    text = closed.good("close", "--list", "--month", "2026-02", "--format", "csv")
    found = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert {row["organisation"] for row in found} == {"park.a", "maker", "maker2", "cement"}
    assert all(len(row["digest"]) == 64 for row in found)


def test_reports_as_of_a_close(closed: Command) -> None:
    asked = ("rates", "--period", "2026", "--by", "enterprise", "--format", "json")
    then = json.loads(closed.good(*asked, "--as-of", "2026-02"))
    now = json.loads(closed.good(*asked[:2], "2026-01..2026-02", *asked[3:]))
    assert then["period"] == now["period"] == "2026-01..2026-02"
    assert (then["total"]["generated_t"], now["total"]["generated_t"]) == ("200.000", "209.000")
    assert then["as_reported"] == {
        "month": "2026-02", "not_closed": [], "changed_since": True,
    }  # fmt: skip
    for words in (("balance",), ("flows",), ("targets",), ("rates", "--by", "material")):
        lines = closed.good(*words, "--as-of", "2026-02").splitlines()
        assert "按 2026-02 结账时的账" in lines, words
    shown = closed("rates", "--as-of", "2026-03", lang="en").output
    assert "2 firms have not closed it: cement, maker" in shown
    for command in ("rates", "balance"):
        text = closed.good(command, "--as-of", "2026-02", "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
        assert rows and {row["as_of"] for row in rows} == {"2026-02"}


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("close", "--park", "park.a", "--month", "2026-02"), 1, "已经结账"),
        (("close", "--month", "2026-03"), 1, "请指明一个企业或一个园区"),
        (("close", "--park", "park.a", "--month", "2026-2"), 2, "2026-2"),
        (("close", "--park", "nowhere", "--month", "2026-03"), 1, "nowhere"),
        (("close", "--enterprise", "maker", "--month", "2099-01"), 1, "还没有结束"),
        (("close", "--park", "park.a", "--month", "2026-02", "--reopen"), 1, "原因"),
        (
            ("close", "--enterprise", "maker", "--month", "2026-02", "--reopen", "--reason", "r"),
            1,
            "由园区 park.a 统一结账",
        ),
        (("rates", "--period", "2026-05", "--as-of", "2026-02"), 2, "晚于 2026-02"),
        (("balance", "--as-of", "soon"), 2, "soon"),
    ],
)
def test_errors_say_what_next(
    closed: Command, words: tuple[str, ...], exit_code: int, says: str
) -> None:
    result = closed(*words)
    assert (result.exit_code, says in result.output) == (exit_code, True), result.output


def test_check_and_reopening_in_order(closed: Command) -> None:
    assert closed.good("check", "--full").splitlines()[-1].startswith("账本无误")
    again = ("close", "--park", "park.a", "--reopen", "--reason", "盘点更正", "--month")
    assert closed(*again, "2026-01").exit_code == 1
    assert closed.good(*again, "2026-02") == "已重新打开 park.a 的 2026-02（3 家企业）。\n"
    assert "盘点更正" in closed.good("close", "--list", "--history", "--park", "park.a")
    assert len(closed.good("close", "--list", "--park", "park.a").splitlines()) == 3
    closed.good("close", "--park", "park.a", "--month", "2026-02")
    closed.good("check")
