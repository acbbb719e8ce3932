"""Loads as the tests of the API make them: from a draft to whatever state a test needs."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api

LOAD: dict[str, Any] = {
    "consignor": "ent.p1",
    "consignee": "ent.use",
    "material": "phosphogypsum",
    "route": "pg_use",
    "mode": "road",
    "vehicle": "云A12345",
    "dispatched_t": "30.000",
}


def drafted(api: Api, who: str = "op-p1", **more: Any) -> dict[str, Any]:
    """A new draft of `who`."""
    response = api.post(who, "/shipments", {**LOAD, **more})
    assert response.status_code == 201, response.get_json()
    found: dict[str, Any] = response.get_json()
    return found


def moved(
    api: Api, who: str, load: dict[str, Any], move: str, body: Any = None, status: int = 200
) -> dict[str, Any]:
    """The load after a move, which must answer `status`."""
    tag = f'"{load["version"]}"'
    response = api.post(who, f"/shipments/{load['id']}/{move}", body, If_Match=tag)
    assert response.status_code == status, response.get_json()
    found: dict[str, Any] = response.get_json()
    return found


def issued(api: Api, **more: Any) -> dict[str, Any]:
    """A load that its consignor issued."""
    return drafted(api, issue=True, **more)


def on_the_road(api: Api, **more: Any) -> dict[str, Any]:
    """A load that left its site."""
    return moved(api, "gate-p1", issued(api, **more), "dispatch")


def accepted(api: Api, **more: Any) -> dict[str, Any]:
    """A load that arrived in full."""
    load = on_the_road(api, **more)
    return moved(api, "op-use", load, "decide", {"received_t": load["dispatched_t"]})
