"""Members, tokens and delegations by the API: made, listed, taken back, and whose they are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api

FIRM = "/members?enterprise=ent.p1"


def roles(api: Api, who: str = "head-p1") -> set[tuple[str, str]]:
    """(login, role) of everybody in ent.p1."""
    return {(row["login"], row["role"]) for row in api.get(who, FIRM).get_json()["items"]}


def test_a_member_is_added_listed_and_removed(api_anywhere: Api) -> None:
    api = api_anywhere
    body = {"login": "nobody", "enterprise": "ent.p1", "role": "gate"}
    before = roles(api)
    made = api.post("head-p1", "/members", body)
    assert made.status_code == 201, made.get_json()
    assert (made.get_json()["login"], made.get_json()["role"]) == ("nobody", "gate")
    assert roles(api) - before == {("nobody", "gate")} and roles(api, "admin") == roles(api)
    assert api.get("nobody", "/me").get_json()["roles"][0]["organisation"] == "ent.p1"
    path = f"{FIRM}&login=nobody&role=gate"
    assert api.call("op-p1", "DELETE", path).status_code == 404
    assert api.call("head-p1", "DELETE", path).status_code == 204
    assert roles(api) == before and api.get("nobody", "/me").get_json()["roles"] == []
    assert api.call("head-p1", "DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("who", "read", "write"),
    [
        ("", 401, 401),
        ("op-p1", 404, 404),
        ("op-use", 404, 404),
        ("manager-b", 404, 404),
        ("manager-a", 200, 403),
    ],
)
def test_members_are_managed_by_their_admin(api: Api, who: str, read: int, write: int) -> None:
    before = roles(api)
    body = {"login": "nobody", "enterprise": "ent.p1", "role": "operator"}
    assert api.get(who, FIRM).status_code == read
    assert api.post(who, "/members", body).status_code == write
    path = f"{FIRM}&login=op-p1&role=operator"
    assert api.call(who, "DELETE", path).status_code == write
    assert roles(api) == before


def test_a_token_is_said_once_narrowed_and_revoked(api_anywhere: Api) -> None:
    api = api_anywhere
    made = api.post("op-p1", "/tokens", {"name": "scale", "scopes": ["read"], "days": 2})
    assert made.status_code == 201, made.get_json()
    token: dict[str, Any] = made.get_json()
    assert token["secret"].startswith("wf_") and token["scopes"] == ["read"]
    listed = api.get("op-p1", "/tokens").get_json()["items"]
    (mine,) = [row for row in listed if row["id"] == token["id"]]
    assert mine["name"] == "scale" and "secret" not in mine
    client = api.app.test_client()
    signed = {"Authorization": f"Bearer {token['secret']}"}
    assert client.get("/api/v1/me", headers=signed).get_json()["scopes"] == ["read"]
    entry = {"doc_no": "T1", "enterprise": "ent.p1", "kind": "generation",
             "material": "phosphogypsum", "date": "2026-06-15", "tonnes": "1"}  # fmt: skip
    assert client.post("/api/v1/entries", headers=signed, json=entry).status_code == 403
    path = f"/tokens/{token['id']}"
    for stranger in ("op-use", "head-p1", "manager-a"):
        assert api.call(stranger, "DELETE", path).status_code == 404, stranger
        assert token["id"] not in [
            row["id"] for row in api.get(stranger, "/tokens").get_json()["items"]
        ]
    assert client.get("/api/v1/me", headers=signed).status_code == 200
    assert api.call("op-p1", "DELETE", path).status_code == 204
    gone = client.get("/api/v1/me", headers=signed)
    assert gone.status_code == 401 and gone.get_json()["code"] == "token_not_valid"
    assert 'error="invalid_token"' in gone.headers["WWW-Authenticate"]
    assert api.call("", "DELETE", path).status_code == 401


def test_a_delegation_is_granted_used_and_revoked(api_anywhere: Api) -> None:
    api = api_anywhere
    last = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    body = {"enterprise": "ent.p1", "login": "op-use", "families": ["entry"], "last": last}
    entry = {"doc_no": "D1", "enterprise": "ent.p1", "kind": "generation",
             "material": "phosphogypsum", "date": "2026-06-15", "tonnes": "1"}  # fmt: skip
    assert api.post("op-use", "/entries", entry).status_code == 404
    assert api.post("op-p1", "/delegations", body).status_code == 403
    assert api.post("op-use", "/delegations", body).status_code == 404
    made = api.post("head-p1", "/delegations", body)
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["in_force"] and made.get_json()["families"] == ["entry"]
    number = made.get_json()["id"]
    granted = api.get("head-p1", "/delegations?enterprise=ent.p1").get_json()["items"]
    assert [row["id"] for row in granted] == [number]
    assert [row["id"] for row in api.get("op-use", "/delegations").get_json()["items"]] == [number]
    assert api.get("op-trade", "/delegations?enterprise=ent.p1").status_code == 404
    assert api.post("op-use", "/entries", entry).status_code == 201
    path = f"/delegations/{number}/revoke"
    assert api.post("op-trade", path, {"reason": "x"}).status_code == 404
    assert api.post("head-p1", path, {"reason": "over"}).status_code == 204
    assert api.post("op-use", "/entries", {**entry, "doc_no": "D2"}).status_code == 404
    (row,) = api.get("head-p1", "/delegations?enterprise=ent.p1").get_json()["items"]
    assert (row["in_force"], row["revoked_by"], row["revoke_reason"]) == (False, "head-p1", "over")
