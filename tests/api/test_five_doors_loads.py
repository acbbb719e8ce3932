"""Same loads by single call, bulk call, page, CSV and XLSX: same verdicts, same masses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.api.conftest import Api, api_over
from tests.api.page_door import PageDoor, agree
from tests.api.test_five_doors import told_of
from wasteflow.services.checking import check_books

COLUMNS = (
    "doc_no", "consignor", "consignee", "material", "route", "mode", "vehicle", "dispatched_at",
    "dispatched_t", "remark",
)  # fmt: skip
ROWS = st.fixed_dictionaries(
    {
        "consignor": st.sampled_from(["ent.p1", "甲化工"]),
        "consignee": st.sampled_from(["ent.use", "丁建材", "ent.p1", "ent.nobody"]),
        "material": st.sampled_from(["phosphogypsum", "phosphogypsum", "moon_dust"]),
        "route": st.sampled_from(["pg_use", "pg_use", "pc_use", "nowhere"]),
        "mode": st.sampled_from(["road", "rail", "cart"]),
        "vehicle": st.just("云A12345"),
        "dispatched_at": st.sampled_from(
            ["2026-06-01T08:00:00+08:00", "2026-06-02T10:30:00+08:00", "2126-01-01T08:00:00+08:00"]
        ),
        "dispatched_t": st.sampled_from(["12.5", "31.480", "31.480", "36", "0", "-4", "1.2345"]),
        "remark": st.sampled_from(["", "=1+1", "备注 a"]),
    }
)
Row = dict[str, str]
Refused = dict[str, set[str]]
Problems = dict[str, dict[str, Any]]
EXAMPLES = count()
"""A number of an example: the books grow, and a load that may not leave keeps its own."""
TABLES = (
    "SELECT doc_no, dispatched_month, dispatched_kg, trips, mode, vehicle, remark, state "
    "FROM shipment WHERE dispatched_month > 0 ORDER BY doc_no",
    "SELECT material_id, month, kg, n FROM flow_month ORDER BY 1, 2, 3, 4",
)


@pytest.fixture
def doors(request: pytest.FixtureRequest, tmp_path: Path, _templates: Any) -> Iterator[list[Api]]:
    """Five copies of the same books."""
    with ExitStack() as stack:
        made = []
        for number in range(5):
            folder = tmp_path / str(number)
            folder.mkdir()
            made.append(
                stack.enter_context(api_over(request, "sqlite", folder, _templates("sqlite")))
            )
        yield made


@pytest.fixture
def page(doors: list[Api]) -> PageDoor:
    """A clerk at the pages of the last copy."""
    return PageDoor(doors[-1])


def faults(row: Row) -> int:
    """In how many cells the row is wrong."""
    return sum(
        (
            row["consignee"] in ("ent.p1", "ent.nobody"),
            row["material"] == "moon_dust",
            row["route"] != "pg_use",
            row["mode"] == "cart",
            row["dispatched_at"].startswith("2126"),
            row["dispatched_t"] in ("0", "-4", "1.2345"),
        )
    )


def draft(row: Row) -> dict[str, Any]:
    """A row as the body of a load that is issued at once: a blank is left out."""
    return {name: value for name, value in row.items() if value} | {"issue": True}


def leave(api: Api, load: dict[str, Any], row: Row) -> dict[str, Any]:
    """The issued load leaves its site as its row says; the problem of a refusal."""
    body = {name: row[name] for name in ("dispatched_at", "dispatched_t")}
    tag = f'"{load["version"]}"'
    answer = api.post("op-p1", f"/shipments/{load['id']}/dispatch", body, If_Match=tag)
    return {} if answer.status_code == 200 else answer.get_json()


def codes_of(problem: dict[str, Any]) -> set[str]:
    """Codes of all that is wrong with one object."""
    return {str(fault["code"]) for fault in problem.get("errors") or [problem]}


def by_call(api: Api, rows: list[Row]) -> Problems:
    """Number → problem of the rows that a single call refuses."""
    refused: Problems = {}
    for row in rows:
        answer = api.post("op-p1", "/shipments", draft(row))
        told = answer.get_json()
        problem = leave(api, told, row) if answer.status_code == 201 else told
        if problem:
            refused[row["doc_no"]] = problem
    return refused


def by_bulk(api: Api, rows: list[Row]) -> Refused:
    """Number → codes of the rows that a bulk call refuses."""
    body = {"objects": [draft(row) for row in rows]}
    refused: Refused = {}
    results = api.post("op-p1", "/shipments/bulk", body).get_json()["results"]
    for row, item in zip(rows, results, strict=True):
        good = item["status"] == 201
        problem = leave(api, item["object"], row) if good else item["problem"]
        if problem:
            refused[row["doc_no"]] = codes_of(problem)
    return refused


def by_file(api: Api, rows: list[Row], name: str) -> Refused:
    """The same of a file; then the rows that are right are sent alone."""
    refused: Refused = {}
    for number, code in told_of(api, rows, name, COLUMNS, "dispatched_t", "shipments"):
        refused.setdefault(number, set()).add(code)
    return refused


def content(api: Api) -> list[list[tuple[Any, ...]]]:
    """What the books hold; a load that was issued and may not leave is no business of a file."""
    with api.db.read() as session:
        return [[tuple(row) for row in session.execute(text(query))] for query in TABLES]


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],  # the books grow with each example: nothing can be shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(given_rows=st.lists(ROWS, min_size=3, max_size=8))
def test_five_doors_one_verdict(doors: list[Api], page: PageDoor, given_rows: list[Row]) -> None:
    single, bulk, text_file, sheet, _ = doors
    made = next(EXAMPLES)
    rows = [{"doc_no": f"D{made}-{place}", **row} for place, row in enumerate(given_rows)]
    problems = by_call(single, rows)
    words = page.loads(rows)
    assert words.keys() == problems.keys()
    for row in rows:
        if faults(row) == 1:
            number = row["doc_no"]
            assert agree(problems[number], words[number]), (problems[number], words[number])
    told = {number: codes_of(problem) for number, problem in problems.items()}
    assert by_bulk(bulk, rows) == told
    for api, name in ((text_file, "rows.csv"), (sheet, "rows.xlsx")):
        found = by_file(api, rows, name)
        assert found.keys() == told.keys()
        for row in rows:  # of several faults each door may name those of the stage it stopped at
            if faults(row) == 1:
                number = row["doc_no"]
                assert found[number] & told[number], (row, found[number], told[number])
    first, *others = [content(api) for api in doors]
    assert all(other == first for other in others)
    assert check_books(db=single.db).ok and check_books(db=page.api.db).ok
