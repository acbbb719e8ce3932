"""Corrections and returns by the API: what is refused, where in the body, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.loads import LOAD, accepted, moved, on_the_road


def refused(api: Api, load: dict[str, Any], changes: dict[str, Any], why: str = "scale") -> Any:
    """The problem that a revision of `load` meets."""
    body = {"changes": changes, "reason": why}
    answer = api.post("op-p1", f"/shipments/{load['id']}/revisions", body, If_Match="*")
    assert answer.status_code == 422, answer.get_json()
    return answer.get_json()


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"received_t": None}, "/changes/received_t", "missing_value"),
        ({"accepted_t": None, "refused_t": None}, "/changes/accepted_t", "missing_value"),
        ({"dispatched_t": "80"}, "/changes/dispatched_t", "over_twice_cap"),
        ({"route": "pc_use"}, "/changes/route", "route_does_not_fit_material"),
        ({"accepted_t": "29"}, "/changes/reason", "reason_of_refusal"),
        ({"mode": "conveyor"}, "/changes/mode", "not_revisable"),
        ({"consignee": "ent.p2"}, "/changes/consignee", "unknown_parameter"),
    ],
)
def test_what_cannot_be_corrected_is_named_where_it_stands(
    api: Api, changes: dict[str, Any], pointer: str, code: str
) -> None:
    load = accepted(api)
    if code == "reason_of_refusal":
        changes = {"received_t": "30", **changes}
    problem = refused(api, load, changes)
    (fault,) = problem["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert "?" not in fault["message"], "every part of the message is known"
    if code == "unknown_parameter":
        assert "received_t" in fault["message"], "the fields of `changes`, not those around them"
    assert refused(api, load, {"dispatched_t": "31"}, " ")["errors"][0]["pointer"] == "/reason"


def test_a_correction_that_opens_a_wide_gap_is_warned_of(api: Api) -> None:
    load = accepted(api)
    body = {"changes": {"received_t": "20.000"}, "reason": "typed wrongly"}
    done = api.post("op-use", f"/shipments/{load['id']}/revisions", body, If_Match="*").get_json()
    (warning,) = done["shipment"]["warnings"]
    assert warning["code"] == "corrected_gap" and "33.3 %" in warning["message"]
    assert done["revision"]["status"] == "pending"


def test_many_corrections_are_proposed_at_once_and_each_is_told(api: Api) -> None:
    load, other = accepted(api), accepted(api)
    wrong = {"reason": "scale", "changes": {"dispatched_t": "30.500"}}
    objects = [
        {**wrong, "doc_no": load["doc_no"], "consignor": "ent.p1"},
        {**wrong, "shipment": other["id"], "version": 1},
        {**wrong, "shipment": other["id"], "changes": {"dispatched_t": "80"}},
        {**wrong, "doc_no": "none"},
        wrong,
    ]
    told = api.post("op-p1", "/revisions/bulk", {"objects": objects}, Idempotency_Key="many")
    results = told.get_json()["results"]
    assert [item["status"] for item in results] == [201, 412, 422, 404, 422]
    assert results[0]["object"]["revision"]["status"] == "pending"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/changes/dispatched_t"
    assert results[4]["problem"]["errors"][0]["code"] == "load_named"
    again = api.post("op-p1", "/revisions/bulk", {"objects": objects}, Idempotency_Key="many")
    assert again.get_json()["results"][0] == results[0], "proposed once"
    made = results[0]["object"]["revision"]["id"]
    done = api.post("op-use", f"/revisions/{made}/approve", {}, If_Match="*").get_json()
    assert done["shipment"]["dispatched_t"] == "30.500"
    refused = api.post("reader-p1", "/revisions/bulk", {"objects": objects[:1]}).get_json()
    assert [item["status"] for item in refused["results"]] == [403]
    foreign = api.post("op-p2", "/revisions/bulk", {"objects": objects[:2]}).get_json()
    assert [item["status"] for item in foreign["results"]] == [404, 404]


def test_messages_name_the_clock_of_the_country_the_route_and_the_firm(api: Api) -> None:
    load = on_the_road(api)
    early = api.post(
        "op-use",
        f"/shipments/{load['id']}/decide",
        {"received_t": "30", "received_at": "2026-01-02T08:00"},
        If_Match="*",
    ).get_json()
    sent = load["dispatched_at"].replace("T", " ")
    assert early["code"] == "time_out_of_order" and sent[:16] in early["detail"]
    wrong = api.post("op-p1", "/shipments", {**LOAD, "issue": True, "route": "pc_use"}).get_json()
    assert "“pc_use”" in wrong["detail"]
    lost = moved(api, "op-p1", load, "cancel", {"reason": "turned round"})
    end = api.post("op-p1", f"/shipments/{load['id']}/dispatch", {}, If_Match="*").get_json()
    assert lost["state"] == "cancelled" and "at its end" in end["detail"] and end["moves"] == []


def test_a_return_is_of_what_was_refused_and_leaves_who_refused_it(api: Api) -> None:
    load = on_the_road(api)
    told = {"received_t": "30", "refused_t": "5", "reason": "wet"}
    load = moved(api, "op-use", load, "decide", told)
    back = {**LOAD, "consignor": "ent.use", "consignee": "ent.p1", "route": "pg_yard"}
    back |= {"kind": "return", "parent": load["id"], "issue": True, "dispatched_t": "6.000"}
    over = api.post("op-use", "/shipments", back).get_json()
    assert over["code"] == "child_over_refused" and "5.000" in over["detail"]
    own = {**back, "kind": "redirect", "consignor": "ent.p1", "consignee": "ent.trade"}
    other = api.post("op-p1", "/shipments", {**own, "route": "pg_trade"}).get_json()
    assert other["code"] == "child_from_refuser" and "ent.use" in other["detail"]
    assert api.post("op-use", "/shipments", {**back, "dispatched_t": "5"}).status_code == 201


def test_flows_of_a_firm_name_nobody_else_who_had_not_closed(api: Api) -> None:
    told = {"enterprise": "ent.p1", "month": "2026-01"}
    assert api.post("head-p1", "/closes", told).status_code == 201
    path = "/flows?period=2026-01&as_of=2026-01&scope=enterprise:ent.p1"
    graph = api.get("head-p1", path).get_json()
    held = graph.get("as_reported") or graph["graph"]["as_reported"]
    assert held["not_closed"] == []
