"""Same loads by single call, bulk call, CSV and XLSX: same verdicts, same masses in the books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.api.conftest import Api, api_over
from tests.api.test_three_doors import as_table, uploaded
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
TABLES = (
    "SELECT doc_no, dispatched_month, dispatched_kg, trips, mode, vehicle, remark, state "
    "FROM shipment WHERE dispatched_month > 0 ORDER BY doc_no",
    "SELECT material_id, month, kg, n FROM flow_month ORDER BY 1, 2, 3, 4",
)


@pytest.fixture
def doors(request: pytest.FixtureRequest, tmp_path: Path, _templates: Any) -> Iterator[list[Api]]:
    """Four copies of the same books."""
    with ExitStack() as stack:
        made = []
        for number in range(4):
            folder = tmp_path / str(number)
            folder.mkdir()
            made.append(
                stack.enter_context(api_over(request, "sqlite", folder, _templates("sqlite")))
            )
        yield made


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


def leave(api: Api, load: dict[str, Any], row: Row) -> set[str]:
    """The issued load leaves its site as its row says; the codes of a refusal."""
    body = {name: row[name] for name in ("dispatched_at", "dispatched_t")}
    tag = f'"{load["version"]}"'
    answer = api.post("op-p1", f"/shipments/{load['id']}/dispatch", body, If_Match=tag)
    return set() if answer.status_code == 200 else codes_of(answer.get_json())


def codes_of(problem: dict[str, Any]) -> set[str]:
    """Codes of all that is wrong with one object."""
    return {str(fault["code"]) for fault in problem.get("errors") or [problem]}


def by_call(api: Api, rows: list[Row]) -> Refused:
    """Number → codes of the rows that a single call refuses."""
    refused: Refused = {}
    for row in rows:
        answer = api.post("op-p1", "/shipments", draft(row))
        told = answer.get_json()
        codes = leave(api, told, row) if answer.status_code == 201 else codes_of(told)
        if codes:
            refused[row["doc_no"]] = codes
    return refused


def by_bulk(api: Api, rows: list[Row]) -> Refused:
    """The same of a bulk call."""
    body = {"objects": [draft(row) for row in rows]}
    refused: Refused = {}
    results = api.post("op-p1", "/shipments/bulk", body).get_json()["results"]
    for row, item in zip(rows, results, strict=True):
        good = item["status"] == 201
        codes = leave(api, item["object"], row) if good else codes_of(item["problem"])
        if codes:
            refused[row["doc_no"]] = codes
    return refused


def by_file(api: Api, rows: list[Row], name: str) -> Refused:
    """The same of a file; then the rows that are right are sent alone."""
    done = uploaded(api, as_table(rows, COLUMNS, name, "dispatched_t"), name, "shipments")
    if done.state == "done":
        return {}
    assert done.state == "refused", done
    refused: Refused = {}
    for item in done.result["issues"]:
        refused.setdefault(rows[item["line"] - 2]["doc_no"], set()).add(item["code"])
    good = [row for row in rows if row["doc_no"] not in refused]
    if good:
        data = as_table(good, COLUMNS, name, "dispatched_t")
        assert uploaded(api, data, name, "shipments").state == "done"
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
def test_four_doors_one_verdict(doors: list[Api], given_rows: list[Row]) -> None:
    single, bulk, text_file, sheet = doors
    made = len(content(single)[0])
    rows = [{"doc_no": f"D{made}-{place}", **row} for place, row in enumerate(given_rows)]
    told = by_call(single, rows)
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
    assert check_books(db=single.db).ok and check_books(db=sheet.db).ok
