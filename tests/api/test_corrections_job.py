"""More than fifty corrections by the API: a job, each proposed once whatever happens to workers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.loads import accepted
from wasteflow.services.checking import check_books
from wasteflow.services.live import many_job
from wasteflow.web.api import bulk_revisions
from wasteflow.worker import Worker


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_revisions, "MANY", 2)


def wanted(api: Api) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Three loads, and what is asked: two sound, one of no load, one wrong by itself, one stale."""
    loads = [accepted(api) for _ in range(3)]
    wrong = {"reason": "scale", "changes": {"dispatched_t": "30.500"}}
    return loads, [
        {**wrong, "doc_no": loads[0]["doc_no"], "consignor": "ent.p1"},
        {**wrong, "shipment": loads[1]["id"], "changes": {"remark": "late"}},
        {**wrong, "doc_no": "none"},
        {**wrong, "shipment": loads[2]["id"], "changes": {"consignee": "ent.p2"}},
        {**wrong, "shipment": loads[2]["id"], "version": 1},
        {**wrong, "shipment": loads[2]["id"], "changes": {"dispatched_t": "80"}},
    ]


def worked(api: Api, after: timedelta = timedelta()) -> None:
    Worker(api.db, lambda: datetime.now(UTC) + after, kinds=("corrections",)).once()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_corrections_become_a_job(api_on: Callable[[str], Api], kind: str) -> None:
    api = api_on(kind)
    loads, objects = wanted(api)
    body = {"objects": objects}
    asked = api.post("op-p1", "/revisions/bulk", body, Idempotency_Key="many")
    job = asked.get_json()
    assert (asked.status_code, job["state"], job["total"]) == (202, "waiting", 6)
    where = asked.headers["Location"].removeprefix("/api/v1")
    again = api.post("op-p1", "/revisions/bulk", body, Idempotency_Key="many")
    assert (again.status_code, again.get_json()["id"]) == (202, job["id"]), "asked once"
    other = api.post("op-p1", "/revisions/bulk", {"objects": objects[:4]}, Idempotency_Key="many")
    assert (other.status_code, other.get_json()["code"]) == (422, "key_reused")
    assert api.get("op-use", where).status_code == 404, "it is nobody else's"
    assert api.get("op-p1", f"/shipments/{loads[0]['id']}").get_json()["revision"] is None
    worked(api)
    told = api.get("op-p1", where).get_json()
    assert (told["state"], told["done"], told["proposed"], told["failed"]) == ("done", 6, 2, 4)
    status = [item["status"] for item in told["results"]]
    assert status == ["pending", "approved", "refused", "refused", "refused", "refused"]
    codes = [item["problem"] and item["problem"]["code"] for item in told["results"]]
    assert codes[2:5] == ["load_number_unknown", "unknown_parameter", "stale_version"]
    assert told["results"][5]["problem"]["errors"][0]["pointer"] == "/dispatched_t"
    assert told["results"][0]["asked"] == ["ent.use"]
    revision = told["results"][0]["revision"]
    done = api.post("op-use", f"/revisions/{revision}/approve", {}, If_Match="*").get_json()
    assert done["shipment"]["dispatched_t"] == "30.500"
    assert check_books(db=api.db).faults == []


def test_few_corrections_are_answered_at_once(api: Api) -> None:
    _, objects = wanted(api)
    told = api.post("op-p1", "/revisions/bulk", {"objects": objects[:2]})
    assert (told.status_code, told.get_json()["done"]) == (200, 2)


def test_a_worker_that_dies_proposes_nothing_twice(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, objects = wanted(api)
    job = api.post("op-p1", "/revisions/bulk", {"objects": objects}).get_json()
    one = many_job.propose_of_job

    class Died(BaseException):
        pass

    def dies(**given: Any) -> Any:
        if given["index"] == 2:
            raise Died
        return one(**given)

    with monkeypatch.context() as patch:
        patch.setattr("wasteflow.corrections_job.propose_of_job", dies)
        with pytest.raises(Died):
            worked(api)
    where = f"/revisions/bulk/{job['id']}"
    assert api.get("op-p1", where).get_json()["state"] == "running"
    worked(api, timedelta(minutes=5))
    told = api.get("op-p1", where).get_json()
    assert (told["state"], told["proposed"], told["failed"]) == ("done", 2, 4)
    for load in loads[:2]:
        found = api.get("op-p1", f"/shipments/{load['id']}/revisions").get_json()["items"]
        assert len(found) == 1


def test_it_acts_with_the_rights_of_who_asked(api: Api) -> None:
    _, objects = wanted(api)
    asked = api.post("reader-p1", "/revisions/bulk", {"objects": objects}).get_json()
    worked(api)
    told = api.get("reader-p1", f"/revisions/bulk/{asked['id']}").get_json()
    assert (told["proposed"], told["failed"]) == (0, 6)
