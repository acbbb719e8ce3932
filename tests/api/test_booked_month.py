"""A move that asks for a month: taken if it is open, refused with 409 if it is closed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.loads import issued, moved, on_the_road
from wasteflow.services.checking import check_books

CLOSED, THEN = "2026-08", "2026-08-20T10:00+08:00"


def closing(api: Api) -> None:
    body = {"enterprise": "ent.p1", "month": CLOSED}
    assert api.post("head-p1", "/closes", body).status_code == 201


@pytest.mark.parametrize(
    ("who", "move", "body"),
    [
        ("op-p1", "dispatch", {"dispatched_at": THEN}),
        ("op-use", "decide", {"received_t": "30", "received_at": THEN}),
        ("op-p1", "lost", {"at": THEN, "reason": "x"}),
    ],
)
def test_a_closed_month_is_refused_only_where_it_is_asked_for(
    api_anywhere: Api, who: str, move: str, body: dict[str, Any]
) -> None:
    api = api_anywhere
    load = issued(api)
    if move != "dispatch":
        load = moved(api, "gate-p1", load, "dispatch", {"dispatched_at": "2026-08-20T09:00+08:00"})
    closing(api)
    path, tag = f"/shipments/{load['id']}/{move}", f'"{load["version"]}"'
    refused = api.post(who, path, {**body, "booked_month": CLOSED}, If_Match=tag)
    assert refused.status_code == 409, refused.get_json()
    assert refused.get_json()["code"] == "month_closed" and CLOSED in refused.get_json()["detail"]
    assert api.get("op-p1", f"/shipments/{load['id']}").get_json()["version"] == load["version"]
    assert api.post(who, path, body, If_Match=tag).status_code == 200
    assert check_books(db=api.db).ok


def test_an_open_month_that_is_asked_for_is_taken(api: Api) -> None:
    load = on_the_road(api)
    month = load["dispatched_at"][:7]
    body = {"received_t": "30", "received_at": load["dispatched_at"], "booked_month": month}
    done = api.post("op-use", f"/shipments/{load['id']}/decide", body, If_Match="*")
    assert done.status_code == 200, done.get_json()
    wrong = api.post("op-p1", f"/shipments/{load['id']}/lost", {"booked_month": "x"}, If_Match="*")
    assert wrong.status_code == 422
