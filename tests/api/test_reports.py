"""Reports of the API: the commands' objects, within one's own scopes, known by their version."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.api.conftest import Api
from wasteflow.core.flow_filter import GRADES
from wasteflow.core.periods import Period
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report, flows_report

YEAR = Period.parse("2026")


def test_the_objects_are_those_of_the_commands(api: Api) -> None:
    rates = api.get("planner", "/rates?period=2026&by=park,material&formula=simple").get_json()
    assert rates == rates_report(db=api.db, period=YEAR, by="park,material", formula="simple")
    flows = api.get("planner", "/flows?period=2026&level=park").get_json()
    assert flows == flows_report(db=api.db, period=YEAR, level="park")
    balances = api.get("op-p1", "/balances?period=2026&scope=enterprise:ent.p1").get_json()
    assert balances == balance_report(db=api.db, scope="enterprise:ent.p1", period=YEAR)


PATHS = (
    "/balances?", "/flows?", "/rates?", "/targets/status?", "/links?", "/findings?", "/map?",
    "/potential-links?",
    "/trace?enterprise=ent.p1&material=phosphogypsum&", "/postings?enterprise=ent.p1&",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_reports_are_known_by_the_version_of_the_books(api: Api, path: str) -> None:
    path += "period=2026"
    first = api.get("planner", path)
    assert first.status_code == 200, first.get_json()
    tag = first.headers["ETag"]
    assert api.get("planner", path, If_None_Match=tag).status_code == 304
    entry = {
        "doc_no": "N1", "enterprise": "ent.p1", "kind": "generation",
        "material": "phosphogypsum", "date": "2026-06-01", "tonnes": "7",
    }  # fmt: skip
    assert api.post("op-p1", "/entries", entry).status_code == 201
    again = api.get("planner", path, If_None_Match=tag)
    assert again.status_code == 200 and again.headers["ETag"] != tag


@pytest.mark.parametrize(
    ("who", "scope", "status"),
    [
        ("op-p1", "all", 404),
        ("op-p1", "enterprise:ent.p1", 200),
        ("op-p1", "enterprise:ent.p2", 404),
        ("op-p1", "park:park.a", 404),
        ("manager-a", "park:park.a", 200),
        ("manager-a", "enterprise:ent.p1", 200),
        ("manager-a", "park:park.b", 404),
        ("manager-a", "region:530000", 404),
        ("planner", "region:530000", 200),
        ("nobody", "enterprise:ent.p1", 404),
        ("", "all", 401),
        ("admin", "all", 200),
        ("planner", "enterprise:ent.none", 404),
        ("planner", "nonsense", 422),
    ],
)
def test_a_scope_is_ones_business_or_not(api: Api, who: str, scope: str, status: int) -> None:
    for path in ("/rates", "/balances", "/flows", "/links", "/findings", "/potential-links"):
        response = api.get(who, f"{path}?period=2026&scope={scope}")
        assert response.status_code == status, (path, response.get_json())


def test_a_firm_sees_its_links_and_no_stocks_of_others(api: Api) -> None:
    flows = api.get("op-p1", "/flows?period=2026&scope=enterprise:ent.p1").get_json()
    assert {edge["source"] for edge in flows["edges"]} <= {"ent.p1", "generation"} | {
        node["id"] for node in flows["nodes"] if node["kind"] != "enterprise"
    }
    other = next(node for node in flows["nodes"] if node["id"] == "ent.use")
    own = next(node for node in flows["nodes"] if node["id"] == "ent.p1")
    assert "closing_kg" in own and "closing_kg" not in other
    wide = api.get("op-p1", "/flows?scope=enterprise:ent.p1&level=park")
    assert wide.get_json()["code"] == "level_wider"


def test_targets_are_those_of_ones_own_scopes(api: Api) -> None:
    everything = api.get("planner", "/targets/status").get_json()["rows"]
    assert {row["code"] for row in everything} == {"t.cn", "t.yn", "t.new", "t.amount"}
    assert api.get("op-p1", "/targets/status").get_json()["rows"] == []


def test_wrong_parameters_are_told(api: Api) -> None:
    for query, code in (
        ("period=2026-13", "bad_period"), ("formula=magic", "bad_word"),
        ("by=planet", "bad_grouping"), ("as_of=2026-1", "bad_shape"),
    ):  # fmt: skip
        problem = api.get("planner", f"/rates?{query}").get_json()
        assert (problem["status"], problem["code"]) == (422, code)


def test_a_rate_opens_into_postings_and_records_that_add_up(api: Api) -> None:
    """Rate → tonnes of the firm → postings → records; the sums agree at each step."""
    asked = "enterprise=ent.p1&material=phosphogypsum&period=2026"
    rate = api.get("planner", "/rates?period=2026&scope=enterprise:ent.p1").get_json()["total"]
    steps = 0
    for term in ("generated", "utilised", "stored"):
        found = api.get("op-p1", f"/postings?{asked}&term={term}").get_json()
        assert found["total_t"] == rate[f"{term}_t"] != "0.000"
        assert sum(Decimal(row["part_t"]) for row in found["rows"]) == Decimal(found["total_t"])
        rows = found["rows"]
        if term == "stored":
            assert {row["posting_t"] for row in rows} == {None}
            at = rows[0]["place"]
            place = api.get("op-p1", f"/postings?{asked}&term=stored&at={at}").get_json()
            assert place["total_t"] == rows[0]["part_t"]
            assert sum(Decimal(row["part_t"]) for row in place["rows"]) == Decimal(place["total_t"])
            rows = [row for row in place["rows"] if "month" in row]
        for row in rows:
            names = ("month", "source", "target", "material", "evidence")
            key = "&".join(f"{name}={row[name]}" for name in names)
            if row["posting_t"] is None:
                continue
            key += f"&route={row['route']}" if row["route"] else ""
            behind = api.get("op-p1", f"/postings/records?{key}").get_json()
            assert behind["total_t"] == behind["rollup_t"] == row["posting_t"]
            tonnes = sum(Decimal(record["tonnes"]) for record in behind["rows"])
            assert tonnes == Decimal(row["posting_t"]) and behind["count"] == len(behind["rows"])
            steps += 1
    assert steps > 4


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("op-p2", "/postings?enterprise=ent.p1", 404),
        ("", "/postings?enterprise=ent.p1", 401),
        ("planner", "/postings?enterprise=ent.none", 404),
        ("planner", "/postings?enterprise=ent.p1&term=utilised&at=site:ent.p1", 422),
        (
            "planner",
            "/postings?enterprise=ent.p1&term=stored&at=site:ent.p1&basis=territorial",
            422,
        ),
        ("op-p2", "/postings/records?month=2026-01&source=generation&target=site:ent.p1&", 404),
        ("", "/postings/records?month=2026-01&source=generation&target=site:ent.p1&", 401),
        ("planner", "/postings/records?month=2026-01&source=cellar&target=site:ent.p1&", 422),
    ],
)
def test_the_drill_is_of_ones_own(api: Api, who: str, path: str, status: int) -> None:
    path += "material=phosphogypsum&evidence=one_sided" if path.endswith("&") else ""
    response = api.get(who, path)
    assert response.status_code == status, response.get_json()


def test_the_map_takes_the_filters_of_its_page(api: Api) -> None:
    def links(more: str = "") -> int:
        answer = api.get("planner", f"/map?period=2026{more}")
        assert answer.status_code == 200, answer.get_json()
        return len(answer.get_json()["links"])

    def features(more: str = "") -> int:
        answer = api.get("planner", f"/map?period=2026&format=geojson{more}")
        assert answer.status_code == 200, answer.get_json()
        found = json.loads(answer.get_data())["features"]
        return sum(item["geometry"]["type"] == "LineString" for item in found if item["geometry"])

    whole = links()
    assert whole == features() >= 1
    months = [f"&month=2026-{month:02d}" for month in range(1, 8)]
    assert 0 in (shown := [links(month) for month in months]) and max(shown) == whole
    assert shown == [features(month) for month in months]
    for grade in ("disputed", "both"):
        assert features(f"&evidence={grade}") == links(f"&evidence={grade}")
    assert {links(f"&evidence={grade}") for grade in GRADES} > {0}
    assert links("&least=0.001&links=1000") == whole
    assert links("&least=1000000") == features("&least=1000000") == 0


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ("class=nonsense", "/class", "bad_word"),
        ("least=much", "/least", "bad_shape"),
        ("least=-1", "/least", "negative_amount"),
        ("evidence=good", "/evidence", "bad_word"),
        ("links=7", "/links", "bad_word"),
        ("month=2025-12", "/month", "month_outside"),
    ],
)
def test_a_filter_of_the_map_that_means_nothing_is_refused(
    api: Api, more: str, pointer: str, code: str
) -> None:
    answer = api.get("planner", f"/map?period=2026&format=geojson&{more}")
    assert answer.status_code == 422
    assert [(item["pointer"], item["code"]) for item in answer.get_json()["errors"]] == [
        (pointer, code)
    ]
