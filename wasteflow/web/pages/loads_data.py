"""What the pages of loads read through the services, put together for one page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from wasteflow.core.periods import month_text
from wasteflow.core.actors import Actor, Role
from wasteflow.services.live.around import get_kin, latest_links, names_of_users
from wasteflow.services.live.reading import get_events, get_load, get_revisions
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor
from wasteflow.web.pages.loads_words import moment

LATELY: Final = 6
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
    if load["revision"]:
        load["revision"] |= _stand(load["revision"], mine)
    load["open_refused_t"] = kin["open_t"]
    return {"load": load, "events": events, "revisions": revisions, "kin": kin}


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


__all__ = ["lately", "month_of_text", "month_text", "read_one"]
