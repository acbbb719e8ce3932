"""Park indicators: stated by form, by file and over the API; computed; who may do what."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from tests.people import Visitor, enrol, sign_in
from tests.permission_cases import bearer, cases, enrol_stances
from tests.web_books import NOW, REGISTRY, TRADED, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.errors import InvalidValue, RowsRefused
from wasteflow.core.periods import Period
from wasteflow.core.reach import subject_of_scope
from wasteflow.jobs import import_file
from wasteflow.services.park_indicators import indicators_report
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import overview
from wasteflow.web.access import books

STATED = {
    "park": "park.a", "input": "industrial_value_added", "year": 2026, "value": "500",
    "date": None, "source": "monthly statistics", "reason": None,
}  # fmt: skip
API = "/api/v1/reports/park-indicators"


@pytest.fixture
def app(tmp_path: Path, _sqlite_template: Path) -> Iterator[Flask]:
    """The pages over small books, with people."""
    path = tmp_path / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, tmp_path, (*REGISTRY, *TRADED))
    found = create_app(Config(url))
    enrol(books(found).db, ["planner", "root", "admin.p1"])
    yield found
    books(found).db.dispose()


def value(app: Flask, indicator: str, park: str = "park.a") -> dict[str, object]:
    """The row of an indicator of a park in 2026."""
    report = indicators_report(db=books(app).db, scope=f"park:{park}", year="2026")
    rows = {row["indicator"]: row for row in report["parks"][0]["rows"]}
    found: dict[str, object] = rows[indicator]
    return found


def test_an_input_is_stated_corrected_with_a_reason_and_kept(app: Flask) -> None:
    planner = Visitor(sign_in(app, "planner"))
    missing = value(app, "generation_intensity")
    assert missing["value"] is None and missing["missing"] == ["industrial_value_added"]
    page = "/indicators?scope=park:park.a&year=2026&lang=en"
    assert "missing: industrial value added" in planner.client.get(page).get_data(as_text=True)
    form = {k: str(v) for k, v in STATED.items() if v is not None and k != "park"}
    there = "/indicators/inputs?scope=park:park.a&lang=en"
    assert planner.send(there, form).status_code == 303
    assert value(app, "generation_intensity")["value"] == 3.0, "1,500 t over 500 × 10,000 CNY"
    assert "3.0000" in planner.client.get(page).get_data(as_text=True)
    wrong = planner.send(there, {**form, "value": "600"})
    assert wrong.status_code == 422 and "give a reason" in wrong.get_data(as_text=True)
    assert planner.send(there, {**form, "value": "-1"}).status_code == 422
    again = {**form, "value": "750.0", "reason": "final figure"}
    assert planner.send(there, again).status_code == 303
    assert value(app, "generation_intensity")["value"] == 2.0
    listed = planner.client.get(there).get_data(as_text=True)
    assert "corrected" in listed and "final figure" in listed and "500" in listed
    table = planner.client.get(f"{there}&format=csv").get_data(as_text=True)
    assert table.count("monthly statistics") == 2


def test_the_file_takes_all_or_nothing_and_skips_what_is_known(app: Flask, tmp_path: Path) -> None:
    db, path = books(app).db, tmp_path / "inputs.csv"
    head = "园区,指标,年份,数值,来源,原因\n"

    def taken(*lines: str) -> tuple[int, int]:
        path.write_text(head + "".join(f"{line}\n" for line in lines), "utf-8")
        report = import_file(db=db, kind="park_inputs", path=path, now=NOW).report
        return report.taken, report.skipped

    rows = ("park.a,主要资源消费量,2026,1000,年报,", "park.a,工业增加值,2026,500,年报,")
    assert taken(*rows) == (2, 0) and taken(*rows) == (0, 2)
    assert value(app, "resource_productivity")["value"] == 0.5
    for bad, code in (
        ("park.a,工业增加值,2026,501,年报,", "input_differs"),
        ("park.zz,工业增加值,2026,1,年报,", "unknown_code"),
        ("park.a,工业用水量,2026,-1,年报,", "negative_amount"),
    ):
        with pytest.raises(RowsRefused) as refused:
            taken("park.b,工业增加值,2026,9,年报,", bad)
        assert [issue.code for issue in refused.value.issues] == [code]
    assert value(app, "generation_intensity", "park.b")["value"] is None, "all or nothing"
    with pytest.raises(RowsRefused):
        taken("park.b,工业用水量,2026,1,a,", "park.b,工业用水量,2026,2,a,")


def test_figures_are_those_of_the_rates_and_nothing_is_guessed(app: Flask) -> None:
    db = books(app).db
    for park in ("park.a", "park.b"):
        scope = f"park:{park}"
        told = indicators_report(db=db, scope=scope, year="2026")["parks"][0]
        rate = rates_report(db=db, scope=scope, period=Period.parse("2026"))["total"]
        rows = {row["indicator"]: row for row in told["rows"]}
        assert rows["utilisation"]["value"] == pytest.approx(rate["value"], abs=1e-9)
        assert told["books"]["generated_t"] == rate["generated_t"]
        assert all(not each["verified"] for row in told["rows"] for each in row["thresholds"])
    assert told["books"]["used_in_park_t"] == "200.000"
    assert rows["chain_firms"]["value"] == pytest.approx(2 / 3), "trader and user; the maker not"
    assert rows["left_decline"]["not_computable"] == "year_before_missing"
    (old,) = indicators_report(db=db, scope="park:park.b", year="2020")["parks"]
    rows = {row["indicator"]: row for row in old["rows"]}
    assert rows["chain_firms"]["not_computable"] == "nothing_recorded", "unknown is not 0"
    with pytest.raises(InvalidValue, match="calendar year"):
        indicators_report(db=db, scope="all", year="2026H1")


def test_a_year_recorded_in_part_is_not_compared(app: Flask, tmp_path: Path) -> None:
    """Books that begin in November do not hold the year before; those of January do."""
    head = "doc_no,enterprise,kind,material,route,date,tonnes\n"

    def after(day: str) -> dict[str, object]:
        path = tmp_path / "before.csv"
        row = f"before-{day},ent.p1,generation,phosphogypsum,,{day},4000.000\n"
        path.write_text(head + row, "utf-8")
        import_file(db=books(app).db, kind="entries", path=path, now=NOW)
        return value(app, "left_decline")

    november = after("2025-11-15")
    assert november["value"] is None and november["not_computable"] == "year_before_missing"
    january = after("2025-01-20")
    assert january["not_computable"] is None and january["value"] is not None
    now = rates_report(db=books(app).db, scope="park:park.a", period=Period.parse("2026"))["total"]
    left = float(now["stored_t"]) + float(now["disposed_t"])
    assert january["value"] == pytest.approx((8000 - left) / 8000, abs=1e-6) and left > 0


def test_the_api_and_its_rights(app: Flask) -> None:
    db, client = books(app).db, app.test_client()
    tokens = enrol_stances(db)
    registry = overview(db=db).registry
    subject = subject_of_scope(registry, "park:park.a")
    body = {**STATED}
    for case in cases("indicator.write", subject):
        headers = bearer(tokens, case.stance)
        case.check(client.post("/api/v1/park-inputs", json=body, headers=headers).status_code)
    for case in cases("report.read", subject):
        headers = bearer(tokens, case.stance)
        case.check(client.get(f"{API}?scope=park:park.a", headers=headers).status_code)
        case.check(client.get("/api/v1/park-inputs?scope=park:park.a", headers=headers).status_code)
    boss = bearer(tokens, "planner.country")
    (item,) = client.get("/api/v1/park-inputs?year=2026", headers=boss).get_json()["items"]
    assert (item["value"], item["unit"], item["take"]) == ("500", "10000 CNY", 1)
    told = client.get(f"{API}?scope=park:park.a&period=2026", headers=boss).get_json()
    assert told["parks"][0]["park"] == "park.a"
    other = client.post("/api/v1/park-inputs", json={**STATED, "value": "7"}, headers=boss)
    assert other.status_code == 422
    assert other.get_json()["errors"][0]["pointer"] == "/value"
    file = client.get(f"{API}?scope=park:park.a&period=2026&format=xlsx", headers=boss)
    book = openpyxl.load_workbook(io.BytesIO(file.data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert 3 in [cell.value for cell in cells] and not [c for c in cells if c.data_type == "f"]
    assert client.get(f"{API}?period=2026H1", headers=boss).status_code in (400, 422)
