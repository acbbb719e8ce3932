"""What the pages of loads read through the services, put together for one page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from wasteflow.core.actors import Actor, Role
from wasteflow.core.lifecycle import Move, Waits
from wasteflow.services.live.around import get_kin, latest_links, names_of_users
from wasteflow.services.live.reading import get_events, get_load, get_revisions
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_words import moment, registry

LATELY: Final = 6
_DECISIONS: Final = ("decided", "closed_one_sided", "receipt_revised")
_STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)


def read_one(uid: UUID) -> dict[str, Any]:
    """A load with its events, revisions and kin, and the names of those who acted.

    Raises Denied where it is not the asker's business.
    """
    db, actor = books().db, current_actor()
    load = get_load(db=db, actor=actor, uid=uid)
    events = get_events(db=db, actor=actor, uid=uid)
    revisions = get_revisions(db=db, actor=actor, uid=uid)
    kin = get_kin(db=db, actor=actor, uid=uid)
    _name(events)
    mine = actor.organisations(*_STAFF) if actor else frozenset()
    kin["mine"] = load.get("consignee") in mine
    kin["close_from"] = close_from(load, events, mine) if mine else None
    kin["settle_from"] = settle_from(load, events)
    if load["revision"]:
        load["revision"] |= _stand(load["revision"], mine)
    load["open_refused_t"] = kin["open_t"]
    load["moves"] = [
        move for move in load["moves"] if _timely(move["move"], load, events, kin, mine)
    ]
    return {"load": load, "events": events, "revisions": revisions, "kin": kin}


def _timely(
    move: str,
    load: dict[str, Any],
    events: list[dict[str, Any]],
    kin: dict[str, Any],
    mine: frozenset[str],
) -> bool:
    """Whether a move that the table opens makes sense now, so that no button leads to a refusal.

    The services judge again; this only keeps quiet about what they would refuse.
    """
    if move == Move.REMIND:
        return bool(mine) and bool(set(kin["owing"]) - mine)
    if move == Move.CLOSE_ONE_SIDED:
        until = close_from(load, events, mine)
        return until is not None and until <= now()
    if move == Move.SETTLE:
        start = settle_from(load, events)
        return start is not None and start <= now()
    if move == Move.CONFIRM:
        return bool({load["consignor"], load["consignee"]} & mine - set(load["signed_by"]))
    if move == Move.DELETE:
        return kin["drafted_by"] in mine
    return True


def settle_from(load: dict[str, Any], events: list[dict[str, Any]]) -> datetime | None:
    """The moment from which the park manager may settle; None where nothing is disputed."""
    decided = [item for item in events if item["event"] in _DECISIONS]
    if not load["disputed"] or not decided:
        return None
    since = datetime.fromisoformat(decided[-1]["recorded_at"])
    return since + timedelta(days=Waits().settle_days)


def close_from(
    load: dict[str, Any], events: list[dict[str, Any]], mine: frozenset[str]
) -> datetime | None:
    """The moment from which one's own side may close alone; None where it has to remind first."""
    sides = [load["consignor"], load["consignee"]]
    other = next((firm for firm in sides if firm and firm not in mine), "")
    known = registry().enterprises.get(other)
    if known is not None and known.external:
        return datetime.fromisoformat(load["created_at"])
    reminded = [
        datetime.fromisoformat(item["recorded_at"])
        for item in events
        if item["event"] == "reminded" and item["by"] and item["by"]["side"] in mine
    ]
    return min(reminded) + timedelta(days=Waits().close_days) if reminded else None


def _name(events: Iterable[dict[str, Any]]) -> None:
    """Put the names of users into `by`, and say which events were booked later."""
    ids = {event["by"]["user_id"] for event in events if event["by"]}
    names = names_of_users(db=books().db, ids=ids) if ids else {}
    for event in events:
        if event["by"]:
            event["by"]["name"] = names.get(event["by"]["user_id"], "")
        physical = event["details"].get("month") or moment(event["at"])[:7]
        event["late"] = bool(event["booked_month"]) and event["booked_month"] > physical


def _stand(revision: dict[str, Any], mine: frozenset[str]) -> dict[str, Any]:
    """Whether the asker is to answer a revision, and whether it is his own."""
    waiting = {item["organisation"] for item in revision["answers"] if not item["answer"]}
    return {
        "mine": bool(waiting & mine),
        "own": revision["proposed_by"]["organisation"] in mine,
    }


def lately(firms: Iterable[str]) -> list[dict[str, Any]]:
    """The last load of each link of these firms."""
    actor: Actor | None = current_actor()
    if actor is None:
        return []
    found = latest_links(db=books().db, actor=actor, firms=tuple(firms), limit=LATELY)
    return [{**item, "day": moment(item["at"])[:10]} for item in found]


def month_of_text(value: str) -> int:
    """yyyymm of "2026-10"."""
    year, _, month = value.partition("-")
    return int(year) * 100 + int(month)
