"""Entries and corrections by the API: recorded, reversed, listed; revisions answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.loads import LOAD, accepted, issued, moved
from wasteflow.services.checking import check_books

ENTRY: dict[str, Any] = {
    "doc_no": "G-100",
    "enterprise": "ent.p1",
    "kind": "generation",
    "material": "phosphogypsum",
    "date": "2026-06-15",
    "tonnes": "12.500",
}


def test_an_entry_is_recorded_read_and_reversed(api_anywhere: Api) -> None:
    api = api_anywhere
    made = api.post("op-p1", "/entries", {**ENTRY, "external_id": "E1"})
    assert made.status_code == 201, made.get_json()
    entry = made.get_json()
    assert (entry["kg"], entry["evidence"], entry["state"]) == (12500, "one_sided", "in_force")
    found = api.get("reader-p1", f"/entries/{entry['id']}")
    assert found.headers["ETag"] == made.headers["ETag"]
    assert found.get_json() == {k: v for k, v in entry.items() if k != "warnings"}
    same = api.post("op-p1", "/entries", ENTRY)
    assert same.status_code == 200 and same.get_json()["id"] == entry["id"]
    assert entry["external_id"] == same.get_json()["external_id"] == "E1"
    assert api.get("planner", f"/entries/{entry['id']}").get_json()["external_id"] is None
    other = api.post("op-p1", "/entries", {**ENTRY, "tonnes": "13"})
    assert other.get_json()["errors"][0] | {"message": ""} == {
        "pointer": "/doc_no", "code": "doc_no_differs", "message": "",
    }  # fmt: skip
    path = f"/entries/{entry['id']}/reverse"
    assert api.post("reader-p1", path, {"reason": "x"}).status_code == 403
    assert api.post("op-p2", path, {"reason": "x"}).status_code == 404
    assert api.post("op-p1", path, {"reason": " "}).status_code == 422
    back = api.post("op-p1", path, {"reason": "wrong scale"}).get_json()
    assert back["state"] == "reversal" and back["reverses"] == entry["id"]
    assert api.get("op-p1", f"/entries/{entry['id']}").get_json()["state"] == "reversed"
    assert api.post("op-p1", path, {"reason": "x"}).status_code == 409
    assert check_books(db=api.db).ok


def test_entries_are_listed_for_those_whose_business_they_are(api: Api) -> None:
    mine = api.get("op-p1", "/entries").get_json()["items"]
    assert {item["enterprise"] for item in mine} == {"ent.p1"} and len(mine) == 2
    assert len(api.get("planner", "/entries").get_json()["items"]) == 5
    assert api.get("nobody", "/entries").get_json()["items"] == []
    park = api.get("manager-b", "/entries?kind=use").get_json()["items"]
    assert [item["enterprise"] for item in park] == ["ent.use"]
    pages, cursor = [], ""
    while True:
        page = api.get("planner", f"/entries?limit=2{cursor}").get_json()
        pages.append([item["doc_no"] for item in page["items"]])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == [["g1", "g2"], ["g3", "u1"], ["c1"]]
    after = api.get("planner", "/entries?updated_after=2026-07-02").get_json()
    assert after["items"] == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tonnes", "-3", "negative_tonnes"),
        ("tonnes", "0", "zero_tonnes"),
        ("date", "2999-01-01", "bad_date"),
        ("date", "2099-01-01", "future_date"),
        ("kind", "use", "route_missing"),
        ("material", "gold", "unknown_code"),
        ("enterprise", "ent.none", "unknown_code"),
    ],
)
def test_a_wrong_entry_says_where(api: Api, field: str, value: str, code: str) -> None:
    problem = api.post("op-p1", "/entries", {**ENTRY, field: value}).get_json()
    assert problem["status"] == 422 and problem["errors"][0]["code"] == code, problem


def test_a_load_is_corrected_with_the_other_partys_word(api_anywhere: Api) -> None:
    api = api_anywhere
    load = accepted(api)
    body = {"changes": {"received_t": "29.500"}, "reason": "scale certificate"}
    path = f"/shipments/{load['id']}/revisions"
    tag = f'"{load["version"]}"'
    made = api.post("op-use", path, body, If_Match=tag)
    assert made.status_code == 201, made.get_json()
    revision = made.get_json()["revision"]
    assert revision["status"] == "pending"
    assert (revision["before"]["received_t"], revision["after"]["received_t"]) == (
        "30.000", "29.500",
    )  # fmt: skip
    own = api.post("op-use", f"/revisions/{revision['id']}/approve", {}, If_Match="*")
    assert own.status_code in (403, 409, 422)
    version = made.headers["ETag"]
    done = api.post("op-p1", f"/revisions/{revision['id']}/approve", {}, If_Match=version)
    assert done.status_code == 200, done.get_json()
    assert done.get_json()["revision"]["status"] == "approved"
    assert done.get_json()["shipment"]["accepted_t"] == "29.500"
    listed = api.get("op-p1", path).get_json()["items"]
    assert [item["status"] for item in listed] == ["approved"]
    events = api.get("op-p1", f"/shipments/{load['id']}/events").get_json()["items"]
    assert events[-1]["by"]["organisation"] == "ent.p1"
    assert check_books(db=api.db).ok


def test_a_revision_is_refused_or_withdrawn(api: Api) -> None:
    load = accepted(api)
    path = f"/shipments/{load['id']}/revisions"
    body = {"changes": {"received_t": "29.500"}, "reason": "x"}
    made = api.post("op-use", path, body, If_Match="*").get_json()["revision"]
    again = api.post("op-p1", path, body, If_Match="*")
    assert again.status_code == 409
    refused = api.post("op-p1", f"/revisions/{made['id']}/refuse", {"reason": "no"}, If_Match="*")
    assert refused.get_json()["revision"]["status"] == "refused"
    made = api.post("op-use", path, body, If_Match="*").get_json()["revision"]
    gone = api.post("op-use", f"/revisions/{made['id']}/withdraw", {}, If_Match="*")
    assert gone.get_json()["revision"]["status"] == "withdrawn"
    assert api.get("op-p2", f"/revisions/{made['id']}").status_code == 404
    assert (
        api.post("op-p1", f"/revisions/{made['id']}/approve", {}, If_Match="*").status_code == 409
    )


def test_loads_are_listed_and_read(api: Api) -> None:
    load = issued(api, external_id="X-9")
    tag = f'"{load["version"]}"'
    found = api.get("op-use", f"/shipments/{load['id']}")
    assert found.headers["ETag"] == tag
    assert api.get("op-use", f"/shipments/{load['id']}", If_None_Match=tag).status_code == 304
    listed = api.get("op-use", "/shipments?state=issued").get_json()["items"]
    assert [item["id"] for item in listed] == [load["id"]]
    mine = api.get("op-p1", "/shipments?external_id=X-9").get_json()["items"]
    assert [item["id"] for item in mine] == [load["id"]]
    assert load["external_id"] == mine[0]["external_id"] == "X-9"
    assert (listed[0]["external_id"], found.get_json()["external_id"]) == (None, None), "of another"
    held = api.get("op-p1", "/shipments?limit=200").get_json()["items"]
    assert {item["external_id"] for item in held if item["id"] != load["id"]} == {None}
    sent = api.post("op-p1", f"/shipments/{load['id']}/dispatch", {}, If_Match="*").get_json()
    assert sent["external_id"] == "X-9"
    assert api.get("op-use", "/shipments?external_id=X-9").get_json()["items"] == []
    assert api.get("op-p2", f"/shipments/{load['id']}").status_code == 404
    first = api.get("op-p1", "/shipments?limit=2").get_json()
    rest = api.get("op-p1", f"/shipments?limit=2&cursor={first['next']}").get_json()
    numbers = [item["doc_no"] for page in (first, rest) for item in page["items"]]
    assert len(numbers) == len(set(numbers)) == 4 and rest["next"] is None
    assert api.get("op-p1", "/shipments?cursor=nonsense").get_json()["code"] == "bad_cursor"
    assert api.get("op-p1", "/shipments?limit=2&cursor=").get_json() == first


def test_an_annulled_load_is_out_of_the_books(api: Api) -> None:
    load = moved(api, "gate-p1", issued(api), "dispatch")
    path = f"/shipments/{load['id']}/revisions"
    body = {"annul": True, "reason": "entered twice"}
    done = api.post("op-p1", path, body, If_Match="*").get_json()
    assert done["revision"]["annuls"] and done["shipment"]["reversed"]
    assert check_books(db=api.db).ok
    assert LOAD["dispatched_t"] == "30.000"
