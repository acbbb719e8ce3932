"""Scenarios over HTTP: who may, versions, faults with pointers, results, comparison, files."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.permission_cases import GIVER, cases, enrol_stances, firm_subject
from wasteflow_models.convert import load_keys

PLAN: dict[str, Any] = {
    "scope": "park:park.b",
    "name": "停用丁建材",
    "base": "2026-01..2026-06",
    "material": "phosphogypsum",
    "blocks": [{"kind": "close", "enterprise": "ent.use"}],
}


def saved(api: Api, who: str = "planner", **changes: Any) -> dict[str, Any]:
    response = api.post(who, "/scenarios", PLAN | changes)
    assert response.status_code == 201, response.get_json()
    found: dict[str, Any] = response.get_json()
    return found


def test_the_whole_life_of_a_scenario(api: Api) -> None:
    made = saved(api, scope="all")
    path = f"/scenarios/{made['id']}"
    result = api.get("planner", f"{path}/result").get_json()
    assert result["scenario"]["blocks"] == PLAN["blocks"]
    (year,) = result["years"]
    assert year["unplaced_t"] == result["today"]["utilised_t"] and year["utilised_t"] == "0.000"
    assert {row["reason"] for row in result["unserved"]} == {"no_receiver"}
    other = saved(api, scope="all", name="不变", blocks=[])
    both = api.get("planner", f"/scenarios/compare?ids={made['id']},{other['id']}").get_json()
    assert [item["scenario"]["name"] for item in both["scenarios"]] == ["停用丁建材", "不变"]
    assert both["scenarios"][1]["years"][0] == both["scenarios"][1]["today"]
    for ending, start in (("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        assert api.get("planner", f"{path}/result?format={ending}").data.startswith(start)
        ids = f"{made['id']},{other['id']}"
        assert api.get("planner", f"/scenarios/compare?ids={ids}&format={ending}").data[:2]
    listed = api.get("planner", "/scenarios").get_json()["items"]
    assert [item["name"] for item in listed] == ["不变", "停用丁建材"]

    tag = api.get("planner", path).headers["ETag"]
    changed = api.call("planner", "PUT", path, PLAN | {"name": "甲"}, If_Match=tag)
    assert changed.status_code == 200 and changed.get_json()["version"] == 2
    assert api.call("planner", "PUT", path, PLAN, If_Match=tag).status_code == 412
    assert api.call("planner", "PUT", path, PLAN).status_code == 428
    assert api.call("planner", "DELETE", path, If_Match=tag).status_code == 412
    assert api.call("planner", "DELETE", path, If_Match='"2"').status_code == 204
    assert api.get("planner", path).status_code == 404
    assert len(api.get("planner", "/scenarios/projects").get_json()["items"]) == 7


def test_faults_point_at_their_fields(api: Api) -> None:
    wrong = PLAN | {"blocks": [{"kind": "close"}, {"kind": "growth", "percent": "x"}]}
    response = api.post("planner", "/scenarios", wrong)
    assert response.status_code == 422
    pointers = [item["pointer"] for item in response.get_json()["errors"]]
    assert pointers == ["/blocks/0/facility", "/blocks/1/percent"]
    assert api.post("planner", "/scenarios", PLAN | {"blocks": [1]}).status_code == 422
    assert api.post("planner", "/scenarios", PLAN | {"more": 1}).status_code == 422
    assert api.get("planner", "/scenarios/compare?ids=no").status_code == 422
    assert api.get("planner", "/scenarios/compare?ids=").status_code == 422


def test_everybody_is_answered_as_the_table_says(api: Api) -> None:
    tokens = enrol_stances(api.db)
    with api.db.read() as session:
        subject = firm_subject(load_keys(session).registry)

    def bearer(stance: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens[stance]}"} if stance in tokens else {}

    plan = PLAN | {"scope": f"enterprise:{GIVER}"}
    made = saved(api, "head-p1", scope=plan["scope"])
    client, base = api.app.test_client(), f"/api/v1/scenarios/{made['id']}"
    for case in cases("scenario.read", subject):
        headers = bearer(case.stance)
        for path in (base, f"{base}/result", f"/api/v1/scenarios/compare?ids={made['id']}"):
            case.check(client.get(path, headers=headers).status_code)
        listed = client.get("/api/v1/scenarios", headers=headers)
        if headers:
            assert bool(listed.get_json()["items"]) is not bool(case.status), case.stance
    for case in cases("scenario.write", subject):
        headers = bearer(case.stance)
        case.check(client.post("/api/v1/scenarios", json=plan, headers=headers).status_code)
        stale = headers | {"If-Match": '"77"'}
        case.check(client.put(base, json=plan, headers=stale).status_code)
        case.check(client.delete(base, headers=stale).status_code)


def test_nobody_moves_a_scenario_where_he_may_not_write(api: Api) -> None:
    made = saved(api, "head-p1", scope=f"enterprise:{GIVER}")
    moved = PLAN | {"scope": "enterprise:ent.use"}
    path = f"/scenarios/{made['id']}"
    assert api.call("head-p1", "PUT", path, moved, If_Match="*").status_code in (403, 404)
    assert api.get("head-p1", path).get_json()["scope"] == f"enterprise:{GIVER}"
