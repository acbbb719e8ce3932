"""Attachments, bulk calls and month closes by the API."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Api
from tests.api.loads import LOAD, issued
from tests.api.test_entries import ENTRY
from wasteflow.services import attachments
from wasteflow.services.checking import check_books

PDF = b"%PDF-1.7\nweigh ticket"


def upload(
    api: Api, who: str, content: bytes, kind: str, name: str = "t.pdf", **form: Any
) -> TestResponse:
    """Hand in a document."""
    data = {"file": (io.BytesIO(content), name, kind), **form}
    return api.app.test_client().post(
        "/api/v1/attachments",
        data=data,
        content_type="multipart/form-data",
        headers=api.people[who].headers,
    )


def test_a_document_is_kept_once_and_comes_back_as_a_download(api: Api) -> None:
    load = issued(api)
    made = upload(api, "op-p1", PDF, "application/pdf", "../磅单.pdf", shipment=load["id"])
    assert made.status_code == 201, made.get_json()
    paper = made.get_json()
    assert (paper["filename"], paper["size"]) == ("磅单.pdf", len(PDF))
    again = upload(api, "gate-use", PDF, "application/pdf", shipment=load["id"])
    assert again.status_code == 200 and again.get_json()["id"] == paper["id"]
    listed = api.get("op-use", f"/attachments?shipment={load['id']}").get_json()["items"]
    assert listed == [paper]
    content = api.get("op-use", f"/attachments/{paper['id']}/content")
    assert content.data == PDF and content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Disposition"].startswith("attachment;")
    for path in (f"/attachments/{paper['id']}", f"/attachments/{paper['id']}/content"):
        assert api.get("op-p2", path).status_code == 404
        assert api.get("", path).status_code == 401


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/pdf", 422, "attachment_empty"),
        (b"<html>", "application/pdf", 422, "attachment_not_its_type"),
        (b"<html>", "text/html", 422, "attachment_type"),
        (b"a\x00b", "text/csv", 422, "attachment_not_its_type"),
        (PDF + b"x" * 3000, "application/pdf", 413, "attachment_too_large"),
        (PDF + b"x" * 9000, "application/pdf", 413, "body_too_large"),
    ],
)
def test_what_is_no_document_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, content: bytes, kind: str, status: int, code: str
) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 2000)
    api.app.config["MAX_CONTENT_LENGTH"] = 8000
    load = issued(api)
    response = upload(api, "op-p1", content, kind, shipment=load["id"])
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert api.get("op-p1", f"/attachments?shipment={load['id']}").get_json()["items"] == []


def test_a_document_belongs_to_one_record_one_may_write(api: Api) -> None:
    load = issued(api)
    assert upload(api, "op-p1", PDF, "application/pdf").get_json()["code"] == "attachment_record"
    for who, status in (("op-p2", 404), ("reader-p1", 403), ("planner", 403)):
        response = upload(api, who, PDF, "application/pdf", shipment=load["id"])
        assert response.status_code == status
    assert api.post("op-p1", "/attachments", {}).status_code == 415


def test_bulk_gives_each_object_its_own_result(api_anywhere: Api) -> None:
    api = api_anywhere
    objects = [
        {**LOAD, "issue": True},
        {**LOAD, "dispatched_t": 30},
        {**LOAD, "consignor": "ent.p2", "consignee": "ent.trade"},
        "nonsense",
        {**LOAD, "external_id": "B1"},
        {**LOAD, "external_id": "B1"},
    ]
    answer = api.post("op-p1", "/shipments/bulk", {"objects": objects}, Idempotency_Key="b")
    found = answer.get_json()
    assert [item["status"] for item in found["results"]] == [201, 422, 404, 422, 201, 409]
    assert (found["done"], found["failed"]) == (2, 4)
    assert found["results"][1]["problem"]["errors"][0]["pointer"] == "/dispatched_t"
    again = api.post("op-p1", "/shipments/bulk", {"objects": objects}, Idempotency_Key="b")
    mine = [item["object"]["id"] for item in again.get_json()["results"] if item["object"]]
    assert mine == [item["object"]["id"] for item in found["results"] if item["object"]]
    other = api.post("op-p1", "/shipments/bulk", {"objects": objects[:1]}, Idempotency_Key="b")
    assert other.get_json()["code"] == "key_reused"
    entries = [{**ENTRY, "doc_no": f"B-{n}"} for n in range(3)] + [{**ENTRY, "tonnes": "0"}]
    done = api.post("op-p1", "/entries/bulk", {"objects": entries}).get_json()
    assert [item["status"] for item in done["results"]] == [201, 201, 201, 422]
    assert check_books(db=api.db).ok


@pytest.mark.parametrize(
    ("objects", "code"),
    [([], "missing_value"), ([{}] * 1001, "too_many_objects"), ("x", "not_a_list")],
)
def test_bulk_takes_a_list_of_a_thousand_at_most(api: Api, objects: Any, code: str) -> None:
    problem = api.post("op-p1", "/entries/bulk", {"objects": objects}).get_json()
    assert problem["errors"][0] | {"message": ""} == {
        "pointer": "/objects", "code": code, "message": "",
    }  # fmt: skip


def test_a_month_is_closed_read_and_opened_again(api: Api) -> None:
    body = {"enterprise": "ent.p1", "month": "2026-03"}
    assert api.post("op-p1", "/closes", body).status_code == 403
    assert api.post("op-p2", "/closes", body).status_code == 404
    done = api.post("head-p1", "/closes", body, Idempotency_Key="c")
    assert done.status_code == 201, done.get_json()
    assert done.get_json()["closed"][-1] == "2026-03"
    assert api.post("head-p1", "/closes", body).status_code == 409
    closes = api.get("op-p1", "/closes?enterprise=ent.p1&month=2026-03&figures=true").get_json()
    assert [item["month"] for item in closes["items"]] == ["2026-03"]
    assert closes["items"][0]["figures"]
    asked = {**ENTRY, "date": "2026-02-10", "booked_month": "2026-02"}
    problem = api.post("op-p1", "/entries", asked)
    assert problem.status_code == 409 and problem.get_json()["code"] == "month_closed"
    late = api.post("op-p1", "/entries", {**ENTRY, "date": "2026-02-10"}).get_json()
    assert (late["month"], late["booked_month"]) == ("2026-02", "2026-04")
    reported = api.get(
        "op-p1", "/balances?period=2026-02&scope=enterprise:ent.p1&as_of=2026-03"
    ).get_json()
    restated = api.get("op-p1", "/balances?period=2026-02&scope=enterprise:ent.p1").get_json()
    assert reported["rows"] != restated["rows"]
    assert check_books(db=api.db).faults == []
    again = {**body, "reason": "wrong"}
    assert api.post("head-p1", "/closes/reopen", again).status_code == 403
    assert api.post("manager-a", "/closes/reopen", again).status_code == 200
