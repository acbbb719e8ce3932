"""Same rows by single call, bulk call, page, CSV and XLSX: same verdicts, same books."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.api.conftest import Api, api_over
from tests.api.page_door import PageDoor, agree
from wasteflow.services.checking import check_books
from wasteflow.services.uploads import Owner, take_upload
from wasteflow.services.work import Job
from wasteflow.worker import Worker

COLUMNS = ("doc_no", "enterprise", "kind", "material", "route", "date", "tonnes", "remark")
ROWS = st.fixed_dictionaries(
    {
        "enterprise": st.sampled_from(["ent.p1", "甲化工"]),
        "kind": st.sampled_from(["generation", "use", "to_yard", "nonsense"]),
        "material": st.sampled_from(["phosphogypsum", "phosphogypsum", "moon_dust"]),
        "route": st.sampled_from(["", "pg_use", "pc_use", "nowhere"]),
        "date": st.sampled_from(["2026-06-01", "2026-06-02", "2126-01-01", "2026-13-01"]),
        "tonnes": st.sampled_from(["12.5", "3", "0", "-4", "1.2345"]),
        "remark": st.sampled_from(["", "=1+1", "备注 a"]),
    }
)
Row = dict[str, str]
TABLES = (
    "SELECT doc_no, month, kg, kind, remark FROM entry ORDER BY doc_no, id",
    "SELECT material_id, month, kg, n FROM flow_month ORDER BY 1, 2, 3, 4",
)


@pytest.fixture
def doors(request: pytest.FixtureRequest, tmp_path: Path, _templates: Any) -> Iterator[list[Api]]:
    """Five copies of the same books."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                api_over(request, "sqlite", _made(tmp_path / str(number)), _templates("sqlite"))
            )
            for number in range(5)
        ]


@pytest.fixture
def page(doors: list[Api]) -> PageDoor:
    """A clerk at the pages of the last copy."""
    return PageDoor(doors[-1])


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def sent(row: Row) -> dict[str, str]:
    """A row as JSON: a blank is left out."""
    return {name: value for name, value in row.items() if value}


def by_call(api: Api, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Number → problem of the rows that a single call refuses."""
    refused = {}
    for row in rows:
        answer = api.post("op-p1", "/entries", sent(row))
        if answer.status_code >= 400:
            refused[row["doc_no"]] = answer.get_json()
    return refused


def by_bulk(api: Api, rows: list[Row]) -> dict[str, str]:
    """Number → code of the rows that a bulk call refuses."""
    body = {"objects": [sent(row) for row in rows]}
    answer = api.post("op-p1", "/entries/bulk", body).get_json()
    return {
        row["doc_no"]: item["problem"]["errors"][0]["code"]
        for row, item in zip(rows, answer["results"], strict=True)
        if item["status"] >= 400
    }


def as_table(rows: list[Row], columns: tuple[str, ...], name: str, mass: str) -> bytes:
    """The rows as a file of the kind its name says, masses as numbers where there are numbers."""
    if name.endswith(".csv"):
        lines = io.StringIO()
        writer = csv.DictWriter(lines, columns)
        writer.writeheader()
        writer.writerows(rows)
        return lines.getvalue().encode()
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(columns)
    for row in rows:
        page.append([float(row[n]) if n == mass else row[n] or None for n in columns])
        for cell in page[page.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_file(api: Api, rows: list[Row], name: str) -> dict[str, str]:
    """The same of a file; then the rows that are right are sent alone."""
    told: dict[str, str] = {}
    for number, code in told_of(api, rows, name, COLUMNS, "tonnes", "entries"):
        told.setdefault(number, code)  # further reasons stand behind the verdict
    return told


def told_of(
    api: Api, rows: list[Row], name: str, columns: tuple[str, ...], mass: str, kind: str
) -> list[tuple[str, str]]:
    """(number, code) of all that a file is refused for; what is right in it is then sent alone."""
    done = uploaded(api, as_table(rows, columns, name, mass), name, kind)
    if done.state == "done":
        return []
    assert done.state == "refused", done
    told = [(rows[item["line"] - 2]["doc_no"], item["code"]) for item in done.result["issues"]]
    refused = {number for number, _ in told}
    good = [row for row in rows if row["doc_no"] not in refused]
    if good:
        assert uploaded(api, as_table(good, columns, name, mass), name, kind).state == "done"
    return told


def uploaded(api: Api, content: bytes, name: str, kind: str = "entries") -> Job:
    """A file, published at once."""
    take_upload(
        db=api.db,
        kind=kind,
        filename=name,
        pieces=[content],
        owner=Owner("ent.p1", 0, ""),
        options={"publish": True},
        now=datetime.now(UTC),
    )
    done = Worker(api.db, lambda: datetime.now(UTC)).once()
    assert done is not None
    return done


def content(api: Api) -> list[list[tuple[Any, ...]]]:
    """What the books hold."""
    with api.db.read() as session:
        return [[tuple(row) for row in session.execute(text(query))] for query in TABLES]


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # the books grow with each example: nothing can be shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(given_rows=st.lists(ROWS, min_size=2, max_size=8))
def test_five_doors_one_verdict(doors: list[Api], page: PageDoor, given_rows: list[Row]) -> None:
    single, bulk, text_file, sheet, _ = doors
    made = len(content(single)[0])
    rows = [{"doc_no": f"D{made}-{place}", **row} for place, row in enumerate(given_rows)]
    problems = by_call(single, rows)
    words = page.entries(rows)
    assert words.keys() == problems.keys()
    for number, problem in problems.items():
        assert agree(problem, words[number]), (problem["errors"], words[number])
    told = {number: problem["errors"][0]["code"] for number, problem in problems.items()}
    assert by_bulk(bulk, rows) == told
    assert by_file(text_file, rows, "rows.csv") == told
    assert by_file(sheet, rows, "rows.xlsx") == told
    first, *others = [content(api) for api in doors]
    for other in others:
        assert other == first
    assert check_books(db=single.db).ok and check_books(db=page.api.db).ok
