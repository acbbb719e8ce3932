"""What somebody should do soon: answers owed, revisions to answer, filings and permits that end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from wasteflow.core.actors import Actor, Role
from wasteflow.core.periods import shanghai_day
from wasteflow.core.reading import readable_firms
from wasteflow.core.registry import Registry
from wasteflow.services.live.inbox import inbox
from wasteflow.services.offers import waiting_offers
from wasteflow.services.reports import overview
from wasteflow_models.engine import Database

AHEAD_DAYS: Final = 30
ANSWER, REVISION, FILING, PERMIT = "answer", "revision", "filing", "permit"
OFFER: Final = "offer"
KINDS: Final = (ANSWER, REVISION, OFFER, FILING, PERMIT)
_APPROVE: Final = "approve"


class Reminder(Struct, frozen=True):
    """One thing to do.

    `kind`: answer (a load waits for the organisation's `move`), revision (it is asked to approve
    one), offer (a firm is asked to agree), filing, permit (they end on `due`).  `ref` is the id of
    the load or offer, or the code of the filing or facility; `title` its number, material or name;
    `since` when it began to wait.
    """

    kind: str
    organisation: str
    move: str
    ref: str
    title: str
    since: str | None
    due: date | None


def reminders(
    *, db: Database, actor: Actor, now: datetime, ahead_days: int = AHEAD_DAYS
) -> list[Reminder]:
    """Everything that waits for the actor: what waits longest first, then what ends soonest."""
    waiting = [
        Reminder(
            kind=REVISION if item["move"] == _APPROVE else ANSWER,
            organisation=item["organisation"],
            move=item["move"],
            ref=item["load"]["id"],
            title=item["load"]["doc_no"] or "",
            since=item["since"],
            due=None,
        )
        for item in inbox(db=db, actor=actor)
    ]
    waiting += [
        Reminder(
            kind=OFFER,
            organisation=row["organisation"],
            move="accept",
            ref=row["id"],
            title=row["material"],
            since=row["changed_at"],
            due=date.fromisoformat(row["last"]),
        )
        for row in waiting_offers(db=db, actor=actor, now=now)
    ]
    registry = overview(db=db).registry
    today = shanghai_day(now)
    soon = list(ending(registry, actor, today, today + timedelta(days=ahead_days)))
    return [*waiting, *sorted(soon, key=lambda item: (item.due or today, item.kind, item.ref))]


def ending(registry: Registry, actor: Actor, today: date, last: date) -> Iterator[Reminder]:
    """Filings and permits in force that end by `last`, of firms whose records the actor keeps."""
    keeps = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE, Role.PARK_MANAGER, Role.PLANNER)
    if not actor.organisations(*keeps) and not actor.organisations(Role.SYSTEM_ADMIN):
        return
    firms = readable_firms(actor, "entry.read", registry)
    for filing in registry.filings.values():
        if _soon(filing.valid_to, today, last) and _of(filing.enterprise, firms):
            yield Reminder(
                FILING,
                filing.enterprise,
                "",
                filing.code,
                filing.document or filing.code,
                None,
                filing.valid_to,
            )
    for facility in registry.facilities.values():
        if _soon(facility.valid_to, today, last) and _of(facility.enterprise, firms):
            yield Reminder(
                PERMIT,
                facility.enterprise,
                "",
                facility.code,
                facility.name or facility.code,
                None,
                facility.valid_to,
            )


def _soon(end: date | None, today: date, last: date) -> bool:
    return end is not None and today <= end <= last


def _of(firm: str, firms: frozenset[str] | None) -> bool:
    return firms is None or firm in firms


def by_kind(items: Iterable[Reminder]) -> dict[str, list[Reminder]]:
    """Reminders by kind in the order of KINDS, kinds without any left out."""
    found: dict[str, list[Reminder]] = {}
    for item in items:
        found.setdefault(item.kind, []).append(item)
    return {kind: found[kind] for kind in KINDS if kind in found}
