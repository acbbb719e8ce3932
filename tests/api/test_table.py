"""Every move × every person × every state, as the life cycle and the permission table say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Api
from tests.api.loads import accepted, drafted, issued, moved, on_the_road
from tests.api.people import PEOPLE
from wasteflow.core.lifecycle import IllegalMove, Move, demand, rule_for
from wasteflow.core.permissions import Denied, Verdict, require
from wasteflow.services.acting import actor_of_login
from wasteflow.services.live.held import hold
from wasteflow_models.convert import load_keys

REASON = {"reason": "test"}
CALLS: dict[Move, tuple[str, str, dict[str, Any]]] = {
    Move.EDIT: ("PATCH", "/shipments/{id}", {"remark": "x"}),
    Move.DELETE: ("DELETE", "/shipments/{id}", {}),
    Move.ISSUE: ("POST", "/shipments/{id}/issue", {}),
    Move.DISPATCH: ("POST", "/shipments/{id}/dispatch", {}),
    Move.HAND_OVER: ("POST", "/shipments/{id}/hand-over", {"carrier": "Next"}),
    Move.RECEIVE: ("POST", "/shipments/{id}/receive", {"received_t": "30"}),
    Move.DECIDE: ("POST", "/shipments/{id}/decide", {"received_t": "30"}),
    Move.CANCEL: ("POST", "/shipments/{id}/cancel", REASON),
    Move.LOSE: ("POST", "/shipments/{id}/lost", REASON),
    Move.ACKNOWLEDGE: ("POST", "/shipments/{id}/dispute", {"answer": "acknowledge"}),
    Move.CONTEST: ("POST", "/shipments/{id}/dispute", {"answer": "contest", **REASON}),
    Move.SETTLE: ("POST", "/shipments/{id}/settle", {"agreed_t": "29", **REASON}),
    Move.REMIND: ("POST", "/shipments/{id}/remind", {}),
    Move.CLOSE_ONE_SIDED: ("POST", "/shipments/{id}/close-one-sided", {"document": "D"}),
    Move.CONFIRM: ("POST", "/shipments/{id}/confirm", {}),
    Move.REVISE: (
        "POST",
        "/shipments/{id}/revisions",
        {"changes": {"remark": "new"}, **REASON},
    ),
    Move.APPROVE: ("POST", "/revisions/{revision}/approve", {}),
    Move.REFUSE: ("POST", "/revisions/{revision}/refuse", REASON),
    Move.WITHDRAW: ("POST", "/revisions/{revision}/withdraw", {}),
}
"""Move → its call; every move of the table has one."""


def received(api: Api) -> dict[str, Any]:
    return moved(api, "gate-use", on_the_road(api), "receive", {"received_t": "30"})


def disputed(api: Api) -> dict[str, Any]:
    body = {"received_t": "20", "reason": "x"}
    return moved(api, "op-use", on_the_road(api), "decide", body)


def cancelled(api: Api) -> dict[str, Any]:
    return moved(api, "op-p1", issued(api), "cancel", REASON)


def lost(api: Api) -> dict[str, Any]:
    return moved(api, "op-p1", on_the_road(api), "lost", REASON)


def revised(api: Api) -> dict[str, Any]:
    """A load whose revision waits for the sender."""
    load = accepted(api)
    body = {"changes": {"received_t": "29"}, **REASON}
    path = f"/shipments/{load['id']}/revisions"
    found: dict[str, Any] = api.post("op-use", path, body, If_Match="*").get_json()["shipment"]
    return found


STATES: dict[str, Callable[[Api], dict[str, Any]]] = {
    "draft": drafted,
    "issued": issued,
    "in_transit": on_the_road,
    "received": received,
    "accepted": accepted,
    "disputed": disputed,
    "cancelled": cancelled,
    "lost": lost,
    "revised": revised,
}


def expected(api: Api, who: str, move: Move, load: dict[str, Any]) -> int:
    """401, 404, 409, 403, or 0 for a move that is let in (its guards may still refuse)."""
    if not who:
        return 401
    actor = actor_of_login(db=api.db, login=who, now=datetime.now(UTC))
    with api.db.read() as session:
        held = hold(session, load_keys(session), actor, UUID(load["id"]), lock=False)
        subject, state, flags = held.subject, held.state, held.flags
    try:
        require(actor, "shipment.read", subject)
        demand(actor, rule_for(move, state, flags), subject)
    except Denied as error:
        return 404 if error.verdict is Verdict.NOT_ONES_BUSINESS else 403
    except IllegalMove:
        return 409
    return 0


def called(api: Api, who: str, move: Move, load: dict[str, Any]) -> int:
    """The status of the call of a move."""
    method, path, body = CALLS[move]
    revision = (load["revision"] or {}).get("id", load["id"])
    path = path.format(id=load["id"], revision=revision)
    given = None if method == "DELETE" else body
    version = f'"{load["version"]}"'
    return api.call(who, method, path, given, If_Match=version).status_code


def test_every_move_has_its_call() -> None:
    assert set(CALLS) == set(Move)


WHO = ("", "op-p1", "gate-p1", "reader-p1", "op-use", "op-p2", "manager-b")
"""Nobody, and one of each verdict on either side; everybody else has the slow test."""


@pytest.mark.parametrize("state", STATES)
def test_every_person_is_answered_as_the_tables_say(api: Api, state: str) -> None:
    walk(api, state, WHO)


def walk(api: Api, state: str, people: tuple[str, ...]) -> None:
    """Call every move of a load in `state` as each of `people`."""
    make = STATES[state]
    load = make(api)
    let_in = []
    for move in Move:
        if move in (Move.APPROVE, Move.REFUSE, Move.WITHDRAW) and not load["revision"]:
            continue
        for who in people:
            wanted = expected(api, who, move, load)
            if not wanted:
                let_in.append((who, move))
                continue
            assert called(api, who, move, load) == wanted, (state, move, who)
    after = api.get("op-p1", f"/shipments/{load['id']}").get_json()
    assert after["version"] == load["version"], "a denied call changed something"
    fresh, worked = load, 0
    for who, move in let_in:
        status = called(api, who, move, fresh)
        assert status in (200, 201, 204, 409, 422), (state, move, who, status)
        if status < 300:
            worked += 1
            fresh = make(api)
    assert worked or not let_in


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_really_every_person_is_answered_as_the_tables_say(api: Api, state: str) -> None:
    walk(api, state, ("", *PEOPLE))


RECORDS = (
    ("GET", "/shipments/{id}"),
    ("GET", "/shipments/{id}/events"),
    (
        "GET",
        "/shipments/{id}/revisions",
    ),
)


def test_reading_is_for_those_whose_business_it_is(api: Api) -> None:
    load = on_the_road(api)
    readers = {"admin", "planner", "manager-a", "manager-b", "head-p1", "op-p1", "gate-p1"}
    readers |= {"reader-p1", "op-use", "gate-use"}
    for method, path in RECORDS:
        for who in ("", *PEOPLE):
            status = api.call(who, method, path.format(id=load["id"])).status_code
            assert status == (401 if not who else 200 if who in readers else 404), (path, who)
