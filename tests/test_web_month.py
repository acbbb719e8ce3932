"""The month of a park, the checklist of its close, and who would close the gap of a target."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import PASSWORD, Visitor, enrol, sign_in
from tests.permission_cases import bearer, cases, enrol_stances
from tests.web_books import NOW, REGISTRY, TRADED, load
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.periods import Period
from wasteflow.core.reach import subject_of_scope
from wasteflow.services.close_checks import CHECKS, close_checks
from wasteflow.services.closing import close_month
from wasteflow.services.month_sheet import BASES, MONTHS, NOT_RECORDED, month_sheet
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report, overview
from wasteflow.web.access import books

GAP = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source,"
    "coverage_complete\n"
    "t.a,park:park.a,phosphogypsum,official,>=,0.70,fraction,2026,binding,园区方案,true\n"
    "t.far,all,phosphogypsum,official,>=,0.99,fraction,2026,binding,全国方案,true\n"
)
DISPUTED = (
    "doc_no,consignor,consignee,material,route,mode,dispatched_at,dispatched_t,received_at,"
    "received_t,accepted_t,loads,reason\n"
    "d1,ent.p1,ent.use,phosphogypsum,pg_use,road,2026-04-20,30.000,2026-04-21,20.000,20.000,1,\n"
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Iterator[Flask]:
    """The pages over small books with targets of a park and of everybody, with people."""
    folder = tmp_path_factory.mktemp("month")
    path = folder / "books.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, folder, (*REGISTRY, ("targets", GAP), *TRADED))
    found = create_app(Config(url, lang="en"))
    enrol(books(found).db, ["planner", "root", "park.a", "park.b", "admin.p1"])
    yield found
    books(found).db.dispose()


def html(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[-600:]
    return text


@pytest.mark.parametrize("scope", ["all", "park:park.a", "park:park.b", "enterprise:ent.use"])
def test_every_figure_is_that_of_rates_and_balances(app: Flask, scope: str) -> None:
    db, month = books(app).db, 202603
    told = month_sheet(db=db, scope=scope, month=month)
    assert told["months"] == {"now": "2026-03", "before": "2026-02", "year_before": "2025-03"}
    figures = {row["figure"]: row for row in told["figures"]}
    for word in MONTHS[:2]:
        period = Period.parse(told["months"][word])
        for row in told["rates"]:
            total = rates_report(db=db, scope=scope, period=period, basis=row["basis"])["total"]
            assert row[word] == total["value"]
            assert row[f"{word}_not_computable"] == total["not_computable"]
            assert figures[row["basis"]][f"{word}_t"] == total["utilised_t"]
            assert figures["generated"][f"{word}_t"] == total["generated_t"]
        lines = [
            line
            for line in balance_report(db=db, scope=scope, period=period)["rows"]
            if line["material"] == "phosphogypsum"
        ]
        held = [line for line in lines if line["compartment"] != "transit"]
        for name, there in (
            ("stock", [line["closing_t"] for line in held]),
            ("transit", [line["closing_t"] for line in lines if line not in held]),
            ("residual", [line["residual_t"] for line in lines]),
            ("dispatched", [line["out"].get("dispatched", "0") for line in held]),
            ("received", [line["in"].get("received", "0") for line in held]),
            ("spent", [line["out"].get("use", "0") for line in held]),
        ):
            assert Decimal(figures[name][f"{word}_t"]) == sum(map(Decimal, there)), name
    for row in told["figures"]:
        assert row["year_before_t"] is None
        assert row["year_before_not_computable"] == NOT_RECORDED
    assert [row["year_before"] for row in told["rates"]] == [None] * len(BASES)


def test_who_is_silent_and_who_has_not_closed(app: Flask) -> None:
    db = books(app).db
    told = month_sheet(db=db, scope="all", month=202603)
    assert told["silent"] == ["ent.p2", "ent.trade"], "they recorded in February"
    assert told["open"] == ["ent.p1", "ent.p2", "ent.trade", "ent.use"]
    assert month_sheet(db=db, scope="park:park.a", month=202603)["silent"] == []
    long_ago = month_sheet(db=db, scope="all", month=202512)
    assert long_ago["silent"] == [] and long_ago["open"] == []


def test_a_park_manager_starts_with_the_month_and_every_figure_leads_on(app: Flask) -> None:
    client = app.test_client()
    token = Visitor(client).form_token("/sign-in")
    form = {"csrf_token": token, "login": "park.a", "password": PASSWORD}
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/month")
    page = html(client, "/month?period=2026-03")
    assert ("Month at a glance: Mar 2026" in page and "甲园区" in page) or "Park A" in page
    assert "500" in page and "books begin" not in page
    rows = re.search(r'<table class="data month-table">(.*?)</table>', page, re.DOTALL)
    assert rows is not None
    addresses = {unescape(found) for found in re.findall(r'href="([^"]+)"', rows[1])}
    assert len(addresses) > 10
    for address in sorted(addresses):
        html(client, address)
    file = client.get("/month?period=2026-03&format=csv").get_data().decode("utf-8-sig")
    cells = {row["figure"]: row for row in csv.DictReader(io.StringIO(file))}
    assert cells["generated"]["2026-03"] == "500.000"
    html(client, "/month?scope=park:park.b", 404)
    assert html(sign_in(app, "planner"), "/month?period=2026-03&lang=zh").count("个百分点") > 0


def test_the_api_tells_the_same_to_who_may_read(app: Flask) -> None:
    db, client = books(app).db, app.test_client()
    tokens = enrol_stances(db)
    subject = subject_of_scope(overview(db=db).registry, "park:park.a")
    address = "/api/v1/reports/month?scope=park:park.a&period=2026-03"
    for case in cases("report.read", subject):
        headers = bearer(tokens, case.stance)
        case.check(client.get(address, headers=headers).status_code)
    boss = bearer(tokens, "planner.country")
    told = client.get(address, headers=boss).get_json()
    assert told == month_sheet(db=db, scope="park:park.a", month=202603)
    file = client.get(f"{address}&format=csv", headers=boss).get_data(as_text=True)
    assert "generated,t,500.000" in file


def test_the_checklist_names_what_a_close_would_pass_over(
    tmp_path: Path, _sqlite_template: Path
) -> None:
    path = tmp_path / "close.sqlite3"
    path.write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{path.as_posix()}"
    load(url, tmp_path, (*REGISTRY, *TRADED, ("shipments", DISPUTED)))
    app = create_app(Config(url, lang="en"))
    db = books(app).db
    enrol(db, ["park.a", "admin.p1"])
    found = {item.code: item for item in close_checks(db=db, scope="park:park.a", month=202605)}
    assert list(found) == list(CHECKS)
    assert list(found["undecided"].records) == ["s3"]
    assert list(found["disputed"].records) == ["s2", "d1"]
    assert found["revisions"].count == 0
    use = {item.code: item for item in close_checks(db=db, scope="park:park.b", month=202603)}
    assert list(use["silent"].firms) == ["ent.p2", "ent.trade"]
    manager = sign_in(app, "park.a")
    page = html(manager, "/months?of=park:park.a&month=2026-05")
    assert "Before you close May 2026" in page and "with 4 earlier months" in page
    assert ">s3</a>" in page and ">d1</a>" in page and "Firms without records" in page
    assert "Before you close Jan 2026" in html(manager, "/months?of=park:park.a&month=nonsense")
    own = html(sign_in(app, "admin.p1"), "/months?of=enterprise:ent.p1&month=2026-05")
    assert ">s3</a>" in own and "Firms without records" not in own
    close_month(db=db, month=202605, now=NOW, park="park.a")
    assert month_sheet(db=db, scope="all", month=202605)["open"] == [
        "ent.p2",
        "ent.trade",
        "ent.use",
    ]
    db.dispose()


def test_a_missed_target_names_the_firms_that_would_close_its_gap(app: Flask) -> None:
    planner = sign_in(app, "root")
    board = html(planner, "/targets?period=2026-01..2026-05")
    assert "target=t.a" in board
    page = html(planner, "/targets/gap?target=t.a&period=2026-01..2026-05")
    assert "Where the gap could be closed" in page and "enough to close the gap" in page
    assert "more than the whole gap" in page
    file = planner.get("/targets/gap?target=t.far&period=2026-01..2026-05&format=csv")
    rows = list(csv.DictReader(io.StringIO(file.get_data().decode("utf-8-sig"))))
    left = [Decimal(row["Stored, disposed of (t)"]) for row in rows]
    assert len(rows) == 2 and left == sorted(left, reverse=True)
    report = rates_report(db=books(app).db, scope="all", period=Period.parse("2026-01..2026-05"))
    assert sum(left) == Decimal(report["total"]["stored_t"]) + Decimal(
        report["total"]["disposed_t"]
    )
    for address in re.findall(r'href="(/(?:rates|potential)[^"]+)"', page):
        html(planner, unescape(address))
    html(planner, "/targets/gap?target=t.none", 404)
    assert planner.get("/targets/gap").headers["Location"].startswith("/targets")
    html(sign_in(app, "park.b"), "/targets/gap?target=t.a&period=2026-01..2026-05", 404)


@pytest.mark.parametrize(("lang", "why"), [("zh", "账本尚无"), ("en", "before the books")])
def test_a_month_before_the_books_is_said_in_words(app: Flask, lang: str, why: str) -> None:
    page = html(sign_in(app, "park.a"), f"/month?period=2025-06&lang={lang}")
    assert page.count(why) >= 3 * len(BASES) and NOT_RECORDED not in page
    assert "2026" in page and 'id="h-open"' not in page and 'id="h-silent"' not in page
    kept = html(sign_in(app, "park.a"), f"/month?period=2026-03&lang={lang}")
    assert 'id="h-open"' in kept and 'id="h-silent"' in kept
