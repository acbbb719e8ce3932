"""Outlines in, reports and exports out over the API: for whom, in which form, until when."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import update

from tests.api.conftest import Api
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.permissions import Denied
from wasteflow.exports import Export
from wasteflow.own_tables import OWN
from wasteflow.web.exports_out import may_export, reach_of
from wasteflow.worker import Worker
from wasteflow_models.engine import Alone
from wasteflow_models.jobs import JobRow

SQUARE = [[[102.4, 24.9], [102.5, 24.9], [102.5, 25.0], [102.4, 25.0], [102.4, 24.9]]]


def outlines(*codes: str) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"园区": code},
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
        }
        for code in codes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def sent(api: Api, who: str, data: bytes, **form: str) -> Any:
    headers = api.people[who].headers if who else {}
    body = {"file": (io.BytesIO(data), "parks.geojson"), **form}
    path = "/api/v1/parks/outlines"
    return api.app.test_client().post(path, data=body, headers=headers)


ASKED = {"source": "Survey 2026", "crs": "WGS84"}


@pytest.mark.parametrize(
    ("who", "status"),
    [("", 401), ("op-p1", 403), ("nobody", 403), ("manager-a", 200), ("manager-b", 422),
     ("planner", 200), ("admin", 200)],
)  # fmt: skip
def test_outlines_are_changed_by_those_whose_park_it_is(api: Api, who: str, status: int) -> None:
    answer = sent(api, who, outlines("park.a"), **ASKED)
    assert answer.status_code == status, answer.get_json()
    stored = api.get("admin", "/parks/park.a/outline").get_json()
    assert bool(stored["versions"]) == (status == 200)


def test_an_outline_has_versions_with_their_origin(api: Api) -> None:
    assert sent(api, "manager-a", outlines("甲园区"), **ASKED, dry_run="true").status_code == 200
    first = sent(api, "manager-a", outlines("甲园区"), **ASKED, dated="2026-05-01", licence="open")
    assert first.get_json()["changed"] == ["park.a"]
    assert first.get_json()["outlines"][0]["area_km2"] == pytest.approx(111.9, abs=0.5)
    again = sent(api, "manager-a", outlines("甲园区"), **ASKED)
    assert again.get_json()["changed"] == []
    gcj = sent(api, "manager-a", outlines("park.a"), source="Amap", crs="GCJ-02").get_json()
    assert 300 < gcj["outlines"][0]["shift_m"] < 900
    answer = api.get("op-p2", "/parks/park.a/outline")
    versions = answer.get_json()["versions"]
    assert [item["number"] for item in versions] == [2, 1]
    assert versions[1]["dated"] == "2026-05-01" and versions[1]["licence"] == "open"
    assert versions[0]["crs"] == "GCJ-02" and versions[0]["by"] == "manager-a"
    assert answer.headers["ETag"]


def test_what_is_wrong_with_a_file_is_pointed_at(api: Api) -> None:
    for form, pointer in (
        ({"source": "x"}, "/crs"),
        ({**ASKED, "source": ""}, "/source"),
        ({**ASKED, "column": "nothing"}, "/column"),
        ({**ASKED, "odd": "1"}, "/odd"),
    ):
        answer = sent(api, "admin", outlines("park.a"), **form)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == pointer


def test_reports_come_as_xlsx_and_csv(api: Api) -> None:
    for path in ("/balances", "/rates?by=enterprise", "/flows", "/links", "/findings",
                 "/potential-links",
                 "/targets/status", "/trace?enterprise=ent.p1&material=phosphogypsum"):  # fmt: skip
        mark = "&" if "?" in path else "?"
        answer = api.get("planner", f"{path}{mark}format=xlsx&period=2026")
        if path == "/targets/status":
            answer = api.get("planner", "/targets/status?format=xlsx")
        assert answer.status_code == 200, (path, answer.get_json())
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        assert len(book.sheetnames) == 2, path
    answer = api.get("planner", "/balances?format=csv&period=2026")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    told = api.get("planner", "/balances?period=2026").get_json()["rows"]
    assert [row["closing_t"] for row in rows] == [row["closing_t"] for row in told]
    assert api.get("op-p1", "/balances?format=xlsx").status_code == 404  # all is not its business


def test_the_map_comes_as_geodata(api: Api) -> None:
    answer = api.get("planner", "/map?format=geojson&crs=GCJ-02&period=2026")
    whole = answer.get_json(force=True)
    assert whole["crs"]["properties"]["name"] == "GCJ-02" and whole["notes"]["crs"] == "GCJ-02"
    layers = {item["properties"]["layer"] for item in whole["features"]}
    assert layers == {"parks", "enterprises", "links"}
    labels = [item["properties"]["label"] for item in whole["features"]]
    assert any("甲化工 → 丁建材" in label for label in labels)
    own = api.get("op-p1", "/map?format=geojson&scope=enterprise:ent.p1").get_json(force=True)
    firms = [f["properties"]["code"] for f in own["features"]
             if f["properties"]["layer"] == "enterprises"]  # fmt: skip
    assert firms == ["ent.p1"]
    assert api.get("op-p1", "/map?format=kml&scope=enterprise:ent.p2").status_code == 404
    assert api.get("planner", "/map?format=gpkg").data.startswith(b"SQLite format 3")


def work(api: Api) -> None:
    worker = Worker(api.db, lambda: datetime.now(UTC), kinds=("export",))
    while worker.once() is not None:
        pass


def test_an_export_is_made_in_the_background_for_who_asked(api: Api) -> None:
    own = {"kind": "entries", "scope": "enterprise:ent.p1", "format": "xlsx"}
    answer = api.post("op-p1", "/exports", own)
    assert answer.status_code == 202
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert api.get("op-p1", f"{path}/file").status_code == 409
    work(api)
    told = api.get("op-p1", path).get_json()
    assert (told["state"], told["rows"]) == ("done", 2) and told["size"] > 1000
    file = api.get("op-p1", f"{path}/file")
    book = openpyxl.load_workbook(io.BytesIO(file.data))
    assert [row[0].value for row in book.worksheets[0].iter_rows()] == [
        "doc_no", "g1", "g2", "合计" if book.worksheets[0]["A4"].value == "合计" else "Total",
    ]  # fmt: skip
    assert [item["id"] for item in api.get("op-p1", "/exports").get_json()["items"]] == [told["id"]]
    for other in ("op-use", "admin", "manager-a"):  # it belongs to who asked for it
        assert api.get(other, f"{path}/file").status_code == 404
        assert api.get(other, "/exports").get_json()["items"] == []
    with api.db.write(Alone.NOBODY) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(JobRow).values(expires_at=past))
    assert api.get("op-p1", f"{path}/file").status_code == 404


def test_events_and_provenance_are_exported(api: Api) -> None:
    own = {"scope": "enterprise:ent.p1", "format": "csv"}
    found = {}
    for kind in ("events", "provenance"):
        answer = api.post("op-p1", "/exports", {**own, "kind": kind})
        work(api)
        file = api.get("op-p1", f"{answer.headers['Location'].removeprefix('/api/v1')}/file")
        found[kind] = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    events, traced = found["events"], found["provenance"]
    assert events and {row["consignor"] for row in events} == {"ent.p1"}
    first = [row["seq"] for row in events if row["doc_no"] == events[0]["doc_no"]]
    assert first[0] == "1"
    assert {row["event"] for row in events} >= {"dispatched", "decided"}
    generated = [row for row in traced if row["of"] == "ent.p1"]
    assert generated and {row["rule"] for row in traced} == {"mixing"}
    trace = api.get(
        "op-p1",
        "/trace?enterprise=ent.p1&material=phosphogypsum&period=2026&direction=downstream",
    ).get_json()
    same = [row["tonnes"] for row in generated if row["material"] == "phosphogypsum"]
    assert same == [row["tonnes"] for row in trace["rows"]]


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("op-p1", {"kind": "events"}, 404),
        ("op-p1", {"kind": "provenance", "scope": "enterprise:ent.p2"}, 404),
        ("op-p1", {"kind": "account_log"}, 422),
        ("op-p1", {"kind": "shipments"}, 404),
        ("op-p1", {"kind": "entries", "scope": "enterprise:ent.p2"}, 404),
        ("op-p1", {"kind": "closes"}, 404),
        ("op-p1", {"kind": "enterprises", "format": "csv"}, 202),
        ("op-p1", {"kind": "enterprises", "scope": "park:nowhere"}, 404),
        ("manager-a", {"kind": "rates", "scope": "park:park.a"}, 202),
        ("manager-a", {"kind": "rates", "scope": "park:park.b"}, 404),
        ("planner", {"kind": "geodata", "format": "kml"}, 202),
        ("planner", {"kind": "geodata", "format": "xlsx"}, 422),
        ("planner", {"kind": "nonsense"}, 422),
    ],
)
def test_exports_obey_the_rights_of_their_data(
    api: Api, who: str, body: dict[str, str], status: int
) -> None:
    assert api.post(who, "/exports", body).status_code == status


def test_a_file_rests_on_every_kind_of_records_a_delegation_reached() -> None:
    both, one = (
        Actor(1, "d", "D", (Membership(Role.DELEGATE, "ent.p1", frozenset(words)),))
        for words in (("entry", "shipment"), ("shipment",))
    )
    assert set(reach_of(one)) < set(reach_of(both))
    narrowed = Export("own_entries", reach="\n".join(reach_of(both)))
    with pytest.raises(Denied):
        may_export(one, narrowed)


def test_a_token_fetches_its_users_lists_only_with_the_right_to_their_records() -> None:
    user = Actor(1, "d", "D", (Membership(Role.OPERATOR, "ent.p1"),), token_id=7)
    for kind, right in OWN.items():
        asked = Export(kind, reach="\n".join(reach_of(user)))
        may_export(user, asked)
        for scopes in (("read",), ("export.read", right)):
            may_export(replace(user, scopes=frozenset(scopes)), asked)
        with pytest.raises(Denied) as told:
            may_export(replace(user, scopes=frozenset({"export.read"})), asked)
        assert told.value.right == right
