"""What stands around the inbox on the page of the day: counts, doors, the firm's figures in short.

Reads reports and lists of the services; nothing is decided or reckoned here but sums of a balance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for
from msgspec import Struct

from wasteflow.core.actors import Actor, Role
from wasteflow.core.periods import Period, month_of_day, month_text, next_month, shanghai_day
from wasteflow.services.close_rows import list_closes
from wasteflow.services.finding_list import open_counts
from wasteflow.services.live.gate import unanswered
from wasteflow.services.reports import balance_report
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import kg_of, month_words
from wasteflow.web.identity import now, this_month
from wasteflow.web.pages.loads_data import month_of_text, waits
from wasteflow.web.pages.loads_words import registry
from wasteflow.web.texts import lang

FIRMS: Final = 3
"""Firms whose figures stand on the page; whoever keeps more opens the rest from the balances."""
LATE: Final = 5
STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
GATE: Final = (*STAFF, Role.GATE)
FIRM: Final = (*GATE, Role.READER)
_TILES: Final = (
    ("decide", ("decide",)),
    ("dispatch", ("dispatch", "issue")),
    ("acknowledge", ("acknowledge",)),
    ("approve", ("approve",)),
)
"""Tile → what is due of the inbox; a tile leads to the first section of its kinds."""
_SPENT: Final = ("use", "disposal", "treatment")


class Tile(Struct, frozen=True):
    """How many wait of one kind, and where they stand; `goal` is "" where none wait."""

    name: str
    number: int
    goal: str


class Door(Struct, frozen=True):
    """A shortcut: text key, address, and whether it is the one most people of this role take."""

    name: str
    address: str
    first: bool = False


class MaterialLine(Struct, frozen=True):
    """A firm's month of one material in kilograms; `stock_kg` at its end, transit left out."""

    material: str
    generated_kg: int
    received_kg: int
    spent_kg: int
    sent_kg: int
    stock_kg: int


class FirmShort(Struct, frozen=True):
    """A firm in short: a month of it, `due`: the month to close, 0 if none; open findings."""

    code: str
    period: str
    period_words: str
    lines: Sequence[MaterialLine]
    due: int
    due_words: str
    due_name: str
    may_close: bool
    findings: int


class Day(Struct, frozen=True):
    """Everything around the inbox."""

    tiles: Sequence[Tile]
    doors: Sequence[Door]
    firms: Sequence[FirmShort]
    more_firms: int
    late: Mapping[str, Any]
    late_days: int
    links: Sequence[Door]


def day_of(actor: Actor, due: Sequence[Mapping[str, Any]]) -> Day | None:
    """The day of somebody with a part in a firm; None for everybody else."""
    mine = sorted(actor.organisations(*FIRM) & registry().enterprises.keys())
    if not mine:
        return None
    days = waits().close_days
    late = unanswered(db=books().db, actor=actor, now=now(), days=days, limit=LATE)
    return Day(
        tiles=_tiles(actor, due, int(late["total"])),
        doors=_doors(actor),
        firms=[_short(actor, code) for code in mine[:FIRMS]],
        more_firms=max(0, len(mine) - FIRMS),
        late=late,
        late_days=days,
        links=_links(actor, mine[0]),
    )


def _tiles(actor: Actor, due: Sequence[Mapping[str, Any]], late: int) -> list[Tile]:
    found = []
    if actor.organisations(*GATE):
        for name, kinds in _TILES:
            there = [kind for kind in kinds if any(item["move"] == kind for item in due)]
            number = sum(item["move"] in kinds for item in due)
            found.append(Tile(name, number, f"#h-{there[0]}" if there else ""))
    return [*found, Tile("late", late, "#h-late" if late else "")]


def _doors(actor: Actor) -> list[Door]:
    staff, gate = actor.organisations(*STAFF), actor.organisations(*GATE)
    found = []
    if gate:
        found.append(Door("gate", url_for("loads.gate"), True))
    if staff:
        found.append(Door("log", url_for("loads.log")))
        found.append(Door("new_load", url_for("loads.new")))
        found.append(Door("upload", url_for("uploads.index")))
    return found


def _links(actor: Actor, code: str) -> list[Door]:
    """Pages about one's own firm, by what the asker may do there."""
    scope = f"enterprise:{code}"
    found = [
        Door("balances", url_for("pages.balances", scope=scope)),
        Door("partners", url_for("loads.partners", of=code)),
        Door("ledger_forms", url_for("pages.ledger_forms", scope=scope)),
        Door("entries", url_for("loads.entries", enterprise=code)),
        Door("offers", url_for("pages.offers")),
    ]
    if actor.organisations(Role.ENTERPRISE_ADMIN):
        found.append(Door("members", url_for("accounts.members")))
        found.append(Door("log_book", url_for("accounts.log")))
    if actor.organisations(*FIRM):
        found.append(Door("delegations", url_for("accounts.delegations")))
    return [*found, Door("tokens", url_for("accounts.own", _anchor="h-tokens"))]


def _short(actor: Actor, code: str) -> FirmShort:
    month = min(this_month(), books_seen().last or this_month())
    period = Period.of(month, month)
    report = balance_report(db=books().db, scope=f"enterprise:{code}", period=period)
    due = _month_due(code)
    counts = open_counts(db=books().db, firms=[code], now=now())
    return FirmShort(
        code=code,
        period=period.text,
        period_words=month_words(month, lang()),
        lines=material_lines(report["rows"]),
        due=due,
        due_words=month_words(due, lang()) if due else "",
        due_name=month_text(due) if due else "",
        may_close=code in actor.organisations(Role.ENTERPRISE_ADMIN),
        findings=sum(counts.values()),
    )


def material_lines(rows: Sequence[Mapping[str, Any]]) -> list[MaterialLine]:
    """Lines of a balance report by material: what came in, what went, what lies there."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["compartment"] == "transit":
            continue
        sums = found.setdefault(row["material"], dict.fromkeys(("gen", "got", "gone", "sent"), 0))
        sums["gen"] += sum(
            kg_of(row["in"].get(word)) or 0 for word in ("generation", "recirculated")
        )
        sums["got"] += kg_of(row["in"].get("received")) or 0
        sums["gone"] += sum(kg_of(row["out"].get(word)) or 0 for word in _SPENT)
        sums["sent"] += kg_of(row["out"].get("dispatched")) or 0
        sums["stock"] = sums.get("stock", 0) + (kg_of(row["closing_t"]) or 0)
    return [
        MaterialLine(code, sums["gen"], sums["got"], sums["gone"], sums["sent"], sums["stock"])
        for code, sums in sorted(found.items())
        if any(sums.values())
    ]


def _month_due(code: str) -> int:
    """The earliest month that is over and not closed, of those the books hold; 0 if none."""
    last = next_month(month_of_day(shanghai_day(now())), -1)
    rows = list_closes(db=books().db, enterprise=code)
    closed = max((month_of_text(row["month"]) for row in rows), default=0)
    first = next_month(closed, 1) if closed else books_seen().first or 0
    return first if first and first <= last else 0
