"""Loads by the API: made, moved, refused where the life cycle or the table says so."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.api.conftest import Api
from tests.api.loads import LOAD, accepted, drafted, issued, moved, on_the_road
from wasteflow.core.ids import load_of_uid
from wasteflow.services.checking import check_books
from wasteflow_models.api import AttachmentRow


def test_a_load_from_draft_to_accepted(api_anywhere: Api) -> None:
    api = api_anywhere
    load = drafted(api)
    assert load["state"] == "draft" and load["version"] == 1
    assert {item["move"] for item in load["moves"]} >= {"edit", "delete", "issue"}
    load = moved(api, "op-p1", load, "issue")
    assert load["state"] == "issued" and load["declared_t"] == "30.000"
    load = moved(api, "gate-p1", load, "dispatch", {"dispatched_t": "30.100"})
    load = moved(api, "gate-use", load, "receive", {"received_t": "30.050", "ticket_no": "T1"})
    assert load["state"] == "received"
    load = moved(api, "op-use", load, "decide")
    assert (load["state"], load["accepted_t"], load["evidence"]) == ("accepted", "30.050", "both")
    assert load["signed_by"] == ["ent.p1", "ent.use"]
    assert check_books(db=api.db).ok


def test_a_load_is_issued_at_once_or_not_made_at_all(api: Api) -> None:
    assert issued(api)["state"] == "issued"
    before = api.get("op-p1", "/changes").get_json()["after"]
    bad = {**LOAD, "issue": True, "route": "pc_use"}
    problem = api.post("op-p1", "/shipments", bad).get_json()
    assert problem["status"] == 422 and problem["errors"][0]["pointer"] == "/route"
    assert api.get("op-p1", f"/changes?after={before}").get_json()["items"] == []


def test_an_illegal_move_tells_the_legal_ones(api: Api) -> None:
    load = issued(api)
    problem = moved(api, "op-use", load, "decide", {"received_t": "1"}, status=409)
    assert problem["code"] == "illegal_move" and problem["state"] == "issued"
    assert {"move": "dispatch", "who": ["carrier", "consignor"]} in problem["moves"]
    assert "dispatch" in problem["detail"]
    zh = api.post(
        "op-use", f"/shipments/{load['id']}/decide", {}, If_Match="*", Accept_Language="zh"
    )
    assert "发货" in zh.get_json()["detail"]


def test_every_move_rests_on_a_version(api: Api) -> None:
    load = issued(api)
    path = f"/shipments/{load['id']}/dispatch"
    assert api.post("op-p1", path).status_code == 428
    stale = api.post("op-p1", path, If_Match='"1"')
    assert stale.status_code == 412 and stale.headers["ETag"] == f'"{load["version"]}"'
    assert api.post("op-p1", path, If_Match='"x"').status_code == 412
    done = api.post("op-p1", path, If_Match=f'"{load["version"]}"')
    assert done.status_code == 200
    assert done.headers["ETag"] == f'"{done.get_json()["version"]}"'
    assert api.post("op-p1", path, If_Match="*").status_code == 409


@pytest.mark.parametrize(
    ("who", "status"),
    [("", 401), ("op-p2", 404), ("nobody", 404), ("reader-p1", 403), ("gate-p1", 403)],
)
def test_strangers_and_the_wrong_roles_change_nothing(api: Api, who: str, status: int) -> None:
    load = on_the_road(api)
    path = f"/shipments/{load['id']}/cancel"
    response = api.post(who, path, {"reason": "x"}, If_Match=f'"{load["version"]}"')
    assert response.status_code == status, response.get_json()
    assert moved(api, "op-use", load, "decide", {"received_t": "30"})["state"] == "accepted"


def test_warnings_do_not_block(api: Api) -> None:
    load = issued(api, dispatched_t="36")
    codes = {item["code"]: item for item in load["warnings"]}
    assert codes["over_cap"]["pointer"] == "/dispatched_t"
    problem = api.post("op-p1", "/shipments", {**LOAD, "issue": True, "dispatched_t": "80"})
    assert problem.get_json()["errors"][0]["code"] == "over_twice_cap"


def test_a_dispute_is_contested_and_acknowledged(api: Api) -> None:
    load = on_the_road(api)
    body = {"received_t": "20", "reason": "short"}
    load = moved(api, "op-use", load, "decide", body)
    assert load["disputed"] and load["warnings"][0]["code"] == "weight_disputed"
    contested = {"answer": "contest", "reason": "our scale says 30"}
    load = moved(api, "op-p1", load, "dispute", contested)
    assert load["contested"]
    settled = {"agreed_t": "25", "reason": "third scale"}
    assert moved(api, "manager-b", load, "settle", settled, status=409)["code"] == (
        "wait_before_settling"
    )
    load = moved(api, "op-p1", load, "dispute", {"answer": "acknowledge"})
    assert not load["disputed"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("dispatched_t", 30, "mass_as_json_number"),
        ("dispatched_t", "30.0001", "too_many_places"),
        ("dispatched_t", "-3", "negative_tonnes"),
        ("dispatched_t", "NaN", "not_a_number"),
        ("mode", "rocket", "bad_word"),
        ("consignee", "ent.none", "unknown_code"),
        ("remark", "x" * 501, "text_too_long"),
        ("nonsense", "1", "unknown_parameter"),
    ],
)
def test_a_wrong_field_is_named(api: Api, field: str, value: object, code: str) -> None:
    problem = api.post("op-p1", "/shipments", {**LOAD, "issue": True, field: value}).get_json()
    assert problem["status"] == 422
    assert [(f"/{field}", code)] == [(e["pointer"], e["code"]) for e in problem["errors"]]


def test_an_external_id_is_used_once_per_organisation(api_anywhere: Api) -> None:
    api = api_anywhere
    first = api.post("op-p1", "/shipments", {**LOAD, "external_id": "SAP-1"})
    assert first.status_code == 201
    again = api.post("op-p1", "/shipments", {**LOAD, "external_id": "SAP-1"})
    assert again.status_code == 409 and again.get_json()["id"] == first.get_json()["id"]
    other = {**LOAD, "consignor": "ent.p2", "external_id": "SAP-1"}
    assert api.post("op-p2", "/shipments", other).status_code == 201


def test_a_retried_move_is_made_once(api_anywhere: Api) -> None:
    api = api_anywhere
    load = issued(api)
    path, tag = f"/shipments/{load['id']}/dispatch", f'"{load["version"]}"'
    first = api.post("op-p1", path, {}, If_Match=tag, Idempotency_Key="d-1")
    again = api.post("op-p1", path, {}, If_Match=tag, Idempotency_Key="d-1")
    assert first.status_code == again.status_code == 200 and first.data == again.data
    assert first.headers["ETag"] == again.headers["ETag"]
    made = api.post("op-p1", "/shipments", LOAD, Idempotency_Key="c-1")
    assert api.post("op-p1", "/shipments", LOAD, Idempotency_Key="c-1").data == made.data
    assert check_books(db=api.db).ok


def test_a_draft_is_edited_and_thrown_away(api: Api) -> None:
    """Its number elsewhere is free again, and its papers are gone with it."""
    outside = {**LOAD, "external_id": "SAP-2"}
    load = api.post("op-p1", "/shipments", outside).get_json()
    path = f"/shipments/{load['id']}"
    form = {"shipment": load["id"], "file": (BytesIO(b"%PDF-1"), "t.pdf", "application/pdf")}
    headers = api.people["op-p1"].headers
    paper = api.app.test_client().post("/api/v1/attachments", data=form, headers=headers)
    assert paper.status_code == 201, paper.get_json()
    edit = api.call("op-p1", "PATCH", path, {"vehicle": None, "remark": "x"}, If_Match='"1"')
    assert edit.status_code == 200
    assert (edit.get_json()["vehicle"], edit.get_json()["remark"]) == (None, "x")
    assert api.call("op-p1", "DELETE", path, If_Match='"1"').status_code == 412
    assert api.call("op-use", "DELETE", path, If_Match='"2"').status_code == 404
    assert api.call("op-p1", "DELETE", path, If_Match='"2"').status_code == 204
    assert api.call("op-p1", "DELETE", path, If_Match='"2"').status_code == 404
    with api.db.read() as session:
        assert not session.scalars(select(AttachmentRow.ref)).all()
    again = api.post("op-p1", "/shipments", outside)
    assert again.status_code == 201
    keys = [load_of_uid(UUID(item["id"])) for item in (load, again.get_json())]
    assert keys[0] and keys[1] and keys[0].key < keys[1].key  # an id never means another load


def test_the_feed_tells_both_parties_and_nobody_else(api: Api) -> None:
    after = api.get("op-p1", "/changes").get_json()["after"]
    load = accepted(api)
    feed = api.get("op-use", f"/changes?after={after}").get_json()
    assert [item["action"] for item in feed["items"]] == ["issued", "dispatched", "decided"]
    assert {item["ref"] for item in feed["items"]} == {load["id"]} and not feed["more"]
    own = api.get("op-p1", f"/changes?after={after}&limit=2").get_json()
    assert [item["action"] for item in own["items"]] == ["drafted", "issued"] and own["more"]
    rest = api.get("op-p1", f"/changes?after={own['after']}").get_json()
    assert [item["action"] for item in rest["items"]] == ["dispatched", "decided"]
    assert api.get("op-p2", f"/changes?after={after}").get_json()["items"] == []
    assert len(api.get("planner", f"/changes?after={after}").get_json()["items"]) == 4
