"""Product output by the API: recorded once, read, listed, reversed, logged, told to followers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api

OUTPUT: dict[str, Any] = {
    "enterprise": "ent.p1",
    "product": "p2o5",
    "date": "2026-03-31",
    "tonnes": "20.000",
}
PATH = "/products/ent.p1/p2o5/2026-03-31"


def test_output_is_recorded_read_reversed_and_sent_again(api_anywhere: Api) -> None:
    api = api_anywhere
    made = api.post("op-p1", "/products", OUTPUT, Idempotency_Key="march")
    assert made.status_code == 201, made.get_json()
    body = made.get_json()
    assert (body["id"], body["state"], body["take"]) == (
        PATH.removeprefix("/products/"),
        "in_force",
        1,
    )
    assert (body["tonnes"], body["month"], body["p2o5_pct"]) == ("20.000", "2026-03", None)
    assert made.headers["Location"] == f"/api/v1{PATH}"
    again = api.post("op-p1", "/products", OUTPUT, Idempotency_Key="march")
    assert again.headers["Idempotency-Replayed"] == "true" and again.get_json() == body
    assert api.post("op-p1", "/products", OUTPUT).status_code == 200
    other = api.post("op-p1", "/products", {**OUTPUT, "tonnes": "21"})
    assert (other.status_code, other.get_json()["errors"][0]["code"]) == (422, "product_differs")
    found = api.get("reader-p1", PATH)
    assert found.headers["ETag"] == made.headers["ETag"]
    assert found.get_json() == {name: body[name] for name in body if name != "warnings"}
    tag = found.headers["ETag"]
    assert api.get("op-p1", PATH, If_None_Match=tag).status_code == 304
    assert api.post("op-p1", f"{PATH}/reverse", {"reason": " "}).status_code == 422
    back = api.post("op-p1", f"{PATH}/reverse", {"reason": "wrong month"})
    assert (back.status_code, back.get_json()["state"]) == (200, "reversed"), back.get_json()
    assert api.post("op-p1", f"{PATH}/reverse", {"reason": "x"}).status_code == 409
    second = api.post("op-p1", "/products", {**OUTPUT, "tonnes": "21"})
    assert (second.status_code, second.get_json()["take"]) == (201, 2)
    assert api.get("op-p1", PATH).get_json()["tonnes"] == "21.000"
    listed = api.get("op-p1", "/products?product=p2o5&period=2026-03").get_json()["items"]
    assert [(item["take"], item["state"]) for item in listed] == [(1, "reversed"), (2, "in_force")]
    changes = api.get("op-p1", "/changes").get_json()["items"]
    assert [(item["action"], item["ref"]) for item in changes if item["kind"] == "product"] == [
        (action, body["id"]) for action in ("recorded", "reversed", "recorded")
    ]
    log = api.get("head-p1", "/audit?search=product.").get_json()["items"]
    assert [(row["actor"], row["action"]) for row in log] == [
        ("op-p1", f"product.{action}") for action in ("recorded", "reversed", "recorded")
    ]


def test_output_is_ones_own_business(api: Api) -> None:
    assert api.post("op-p1", "/products", OUTPUT).status_code == 201
    for who, read, write in (
        ("", 401, 401),
        ("op-p2", 404, 404),
        ("manager-b", 404, 404),
        ("reader-p1", 200, 403),
        ("manager-a", 200, 403),
        ("planner", 200, 403),
    ):
        assert api.get(who, PATH).status_code == read, who
        assert api.post(who, f"{PATH}/reverse", {"reason": "x"}).status_code == write, who
        body = {**OUTPUT, "date": "2026-04-30"}
        assert api.post(who, "/products", body).status_code == write, who
    assert api.get("op-p1", PATH).get_json()["state"] == "in_force"
    assert api.get("op-p2", "/products").get_json()["items"] == []
    assert api.get("planner", "/products?scope=enterprise:ent.p2").get_json()["items"] == []
    unknown = PATH.replace("p2o5", "steel")
    assert api.get("op-p1", unknown).status_code == 404
    assert api.post("op-p1", f"{unknown}/reverse", {"reason": "x"}).status_code == 404
    assert api.get("op-p1", "/products/ent.p1/p2o5/yesterday").status_code == 404


def test_output_is_listed_in_pages(api: Api) -> None:
    days = [f"2026-0{month}-15" for month in range(1, 6)]
    for day in days:
        assert api.post("op-p1", "/products", {**OUTPUT, "date": day}).status_code == 201
    found, cursor = [], ""
    while True:
        page = api.get("planner", f"/products?limit=2{cursor}").get_json()
        found.append([item["date"] for item in page["items"]])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == [days[:2], days[2:4], days[4:]]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tonnes", "-3", "negative_amount"),
        ("tonnes", "0", "zero_tonnes"),
        ("date", "2099-01-01", "future_date"),
        ("enterprise", "ent.none", "unknown_code"),
        ("product", "a/b", "bad_code"),
    ],
)
def test_wrong_output_says_where(api: Api, field: str, value: str, code: str) -> None:
    problem = api.post("op-p1", "/products", {**OUTPUT, field: value}).get_json()
    assert problem["status"] == 422 and problem["errors"][0]["pointer"] == f"/{field}", problem
    assert problem["errors"][0]["code"] == code, problem
