"""What every call shares: sign-in, problems, strict bodies, pages, ETags, the document."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from tests.api.conftest import Api

PARK = {"code": "park.new", "name_zh": "新园区", "region": "530181", "level": "national"}


def test_the_document_is_valid_openapi_3_1(api: Api) -> None:
    document = api.app.test_client().get("/api/v1/openapi.json").get_json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["summary"], (method, path)
            content = operation["responses"]["default"]["$ref"]
            assert content.endswith("DEFAULT_ERROR")
    problem = document["components"]["responses"]["DEFAULT_ERROR"]
    assert list(problem["content"]) == ["application/problem+json"]


def test_nobody_is_told_to_sign_in_before_anything_is_checked(api: Api) -> None:
    for method, path in (("GET", "/parks"), ("POST", "/parks"), ("GET", "/rates?scope=nonsense")):
        response = api.call("", method, path)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.content_type == "application/problem+json"
        assert response.get_json()["code"] == "not_signed_in"


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN,zh;q=0.9", "没有这条记录"), ("en-GB", "Not found")]
)
def test_problems_speak_the_language_asked_for(api: Api, language: str, title: str) -> None:
    response = api.get("admin", "/parks/park.none", Accept_Language=language)
    problem = response.get_json()
    assert response.status_code == 404 and problem["title"] == title
    assert problem["type"] == "urn:wasteflow:problem:unknown_code"
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert response.headers["Content-Language"] == language[:2]
    other = api.get("admin", "/parks/park.none?lang=zh").get_json()
    assert other["title"] == "没有这条记录"


def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    response = api.call("admin", "DELETE", "/parks")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json_body"),
        (b'{"code": NaN}', "application/json", 400, "bad_json_body"),
        (b'{"code": "a", "code": "b"}', "application/json", 400, "bad_json_key_twice"),
        (b"\xff{}", "application/json", 400, "bad_json_body"),
        (b"[" * 100_000, "application/json", 400, "bad_json_body"),
        (b"{}", "text/plain", 415, "media_type"),
        (b"[]", "application/json", 422, "object_needed"),
        (b"{}", "application/json", 422, "missing_value"),
    ],
)
def test_bodies_that_are_no_object(
    api: Api, body: bytes, kind: str, status: int, code: str
) -> None:
    response = api.app.test_client().post(
        "/api/v1/parks",
        data=body,
        content_type=kind,
        headers=api.people["admin"].headers,
    )
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_each_fault_has_its_pointer(api: Api) -> None:
    body = {"code": "a b", "level": "huge", "lon": "east", "nonsense": 1}
    problem = api.post("admin", "/parks", body).get_json()
    found = {item["pointer"]: item["code"] for item in problem["errors"]}
    assert found == {
        "/code": "bad_code",
        "/level": "bad_word",
        "/lon": "bad_shape",
        "/nonsense": "unknown_parameter",
    }
    assert problem["code"] == "invalid" and "4" in problem["detail"]


def test_unknown_and_repeated_parameters_are_refused(api: Api) -> None:
    assert api.get("admin", "/parks?nonsense=1").status_code == 422
    assert api.get("admin", "/parks?limit=1&limit=2").get_json()["code"] == "parameter_twice"
    for limit in ("0", "201", "x", "-1", "1.0"):
        assert api.get("admin", f"/parks?limit={limit}").get_json()["code"] == "bad_limit"


def test_pages_go_through_a_list_without_gap_or_repetition(api: Api) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = api.get("op-p1", f"/enterprises?limit=3{cursor}").get_json()
        seen += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["ent.p1", "ent.p2", "ent.trade", "ent.use"]
    for bad in ("xx", "W10", "WzFd", "%00", "WyJhIiwiYiJd"):
        assert api.get("op-p1", f"/enterprises?cursor={bad}").get_json()["code"] == "bad_cursor"


def test_an_object_is_made_read_and_changed_by_version(api: Api) -> None:
    made = api.post("admin", "/parks", PARK)
    assert made.status_code == 201, made.get_json()
    assert made.headers["Location"] == "/api/v1/parks/park.new"
    again = api.get("op-p1", "/parks/park.new")
    assert again.get_json() == made.get_json() and again.headers["ETag"] == made.headers["ETag"]
    tag = again.headers["ETag"]
    assert api.get("op-p1", "/parks/park.new", If_None_Match=tag).status_code == 304
    change = {"name_en": "New Park"}
    assert api.call("admin", "PATCH", "/parks/park.new", change).status_code == 428
    stale = api.call("admin", "PATCH", "/parks/park.new", change, If_Match='"other"')
    assert stale.status_code == 412 and stale.headers["ETag"] == tag
    two = api.call("admin", "PATCH", "/parks/park.new", change, If_Match=f'{tag}, W/"x"')
    assert two.status_code == 412
    done = api.call("admin", "PATCH", "/parks/park.new", change, If_Match=f"W/{tag}")  # packed
    assert done.status_code == 200 and done.get_json()["name_en"] == "New Park"
    assert "Retry-After" not in done.headers
    assert done.get_json()["name_zh"] == "新园区"
    assert api.call("admin", "PATCH", "/parks/park.new", change, If_Match=tag).status_code == 412
    twice = api.post("admin", "/parks", PARK)
    assert twice.status_code == 409 and twice.get_json()["code"] == "code_exists"


def test_what_the_registry_forbids_is_told_at_its_field(api: Api) -> None:
    body = {**PARK, "parent": "park.none"}
    problem = api.post("admin", "/parks", body).get_json()
    assert problem["status"] == 422 and problem["errors"][0]["pointer"] == "/parent"
    half = {**PARK, "lon": 102.5}
    assert api.post("admin", "/parks", half).get_json()["errors"][0]["code"] == "half_position"
    assert api.get("admin", "/parks/park.new").status_code == 404


@pytest.mark.parametrize(
    ("who", "kind", "body", "status"),
    [
        ("op-p1", "parks", PARK, 403),
        ("manager-a", "enterprises", {"code": "e.n", "name_zh": "新", "park": "park.a"}, 201),
        ("manager-a", "enterprises", {"code": "e.n", "name_zh": "新", "park": "park.b"}, 403),
        (
            "head-p1",
            "facilities",
            {"code": "f.n", "enterprise": "ent.p1", "kind": "use", "name": "新线"},
            201,
        ),
        (
            "head-p1",
            "facilities",
            {"code": "f.n", "enterprise": "ent.p2", "kind": "use", "name": "新线"},
            403,
        ),
        ("planner", "materials", {"code": "ash", "name_zh": "粉煤灰", "is_waste": True}, 403),
        ("admin", "materials", {"code": "ash", "name_zh": "粉煤灰", "is_waste": True}, 201),
    ],
)
def test_the_registry_is_written_by_role(
    api: Api, who: str, kind: str, body: dict[str, object], status: int
) -> None:
    response = api.post(who, f"/{kind}", body)
    assert response.status_code == status, response.get_json()
    stored = api.get("admin", f"/{kind}/{body['code']}").status_code
    assert stored == (200 if status == 201 else 404)


def test_a_key_is_answered_once(api: Api) -> None:
    first = api.post("admin", "/parks", PARK, Idempotency_Key="k-1")
    again = api.post("admin", "/parks", PARK, Idempotency_Key="k-1")
    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.data == again.data and first.headers["ETag"] == again.headers["ETag"]
    other = api.post("admin", "/parks", {**PARK, "code": "park.x"}, Idempotency_Key="k-1")
    assert other.status_code == 422 and other.get_json()["code"] == "key_reused"
    assert api.get("admin", "/parks/park.x").status_code == 404
    manager = api.post("manager-a", "/parks", PARK, Idempotency_Key="k-1")
    assert manager.status_code == 403
    assert api.post("admin", "/parks", PARK, Idempotency_Key="a b").status_code == 400


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    bad = {**PARK, "parent": "park.none"}
    assert api.post("admin", "/parks", bad, Idempotency_Key="k").status_code == 422
    assert api.post("admin", "/parks", PARK, Idempotency_Key="k").status_code == 201
