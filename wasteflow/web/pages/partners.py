"""`/partners`: whom one's firm ships to and gets from, what ends soon, the next load with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from flask import Response, make_response, render_template, request, url_for

from wasteflow.core.actors import Actor
from wasteflow.core.periods import next_month, shanghai_day
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reading import readable_firms
from wasteflow.services.live.partners import TO, partners_of
from wasteflow.services.reminders import AHEAD_DAYS
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import NONE, count
from wasteflow.web.identity import current_actor, now, this_month
from wasteflow.web.pages.detail import mass_cell
from wasteflow.web.pages.loads_words import firm, material, moment, registry, route
from wasteflow.web.pages.tables import Cell, Column, Later, Row, file_response, page_of, wants_file
from wasteflow.web.pages.today import FIRM, STAFF
from wasteflow.web.texts import text
from wasteflow_maps.style import colour_of

RIGHT: Final = "shipment.read"
MONTHS: Final = (12, 36, 0)
"""How far back deliveries count; 0 = all of them."""


def show() -> Response:
    """The partners of a firm, or the same as a file."""
    actor = current_actor()
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    firms = _firms(actor)
    code = request.args.get("of", "") or next(iter(firms), "")
    asked = request.args.get("months", "")
    months = int(asked) if asked in {str(word) for word in MONTHS} else MONTHS[0]
    lines = []
    if code:
        first = next_month(this_month(), 1 - months) if months else 0
        lines = partners_of(db=books().db, actor=actor, firm=code, first=first)
    staff = code in actor.organisations(*STAFF)
    today = shanghai_day(now())
    page = page_of(
        _columns(staff), [_row(line, staff, today) for line in lines], sort="-accepted", limit=25
    )
    if wants_file():
        return file_response(page, f"partners-{code}", text, books_seen().synthetic)
    body = render_template(
        "partners.html",
        page=page,
        args=request.args,
        of=code,
        firms=[(key, firm(key)) for key in firms],
        months=months,
        choices=MONTHS,
        ways=[_way(lines, way) for way in ("to", "from")],
        ends=_ends(lines, today),
        staff=staff,
    )
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _firms(actor: Actor) -> list[str]:
    """One's own firms; who has none chooses among those he may read."""
    held = registry()
    own = actor.organisations(*FIRM) & held.enterprises.keys()
    if not own:
        readable = readable_firms(actor, RIGHT, held)
        own = frozenset(held.enterprises) if readable is None else readable
    return sorted(own, key=lambda key: (firm(key), key))


def _way(lines: list[dict[str, Any]], way: str) -> dict[str, Any]:
    """One direction in short: partners, tonnes, loads."""
    found = [line for line in lines if line["way"] == way]
    return {
        "way": way,
        "partners": len({line["partner"] for line in found}),
        "kg": sum(line["accepted_kg"] for line in found),
        "loads": sum(line["loads"] for line in found),
        "open": sum(line["open"] for line in found),
    }


def _ends(lines: list[dict[str, Any]], today: date) -> list[dict[str, Any]]:
    """Permits and filings of these links that are over or end soon, the first first."""
    soon = today + timedelta(days=AHEAD_DAYS)
    found = {}
    for line in lines:
        end = line["ends"]
        if end is not None and end["on"] <= soon:
            owner = line["partner"] if (line["way"] == TO) == (end["kind"] == "permit") else ""
            found[(end["on"], end["kind"], end["code"])] = {**end, "owner": owner}
    return [
        item | {"days": (item["on"] - today).days}
        for _, item in sorted(found.items(), key=lambda pair: pair[0])
    ]


def _columns(staff: bool) -> tuple[Column, ...]:
    return (
        Column("partner", "partners.partner"),
        Column("way", "partners.way"),
        Column("material", "col.material"),
        Column("route", "col.route"),
        Column("loads", "col.loads", "", True),
        Column("accepted", "col.accepted", "t", True),
        Column("open", "partners.open", "", True),
        Column("last", "partners.last"),
        Column("ends", "partners.ends"),
        *((Column("again", "partners.again"),) if staff and not wants_file() else ()),
    )


def _row(line: Mapping[str, Any], staff: bool, today: date) -> Row:
    listed = {"party": line["partner"], "material": line["material"]}
    makers: dict[str, Callable[[], Cell]] = {
        "partner": lambda: Cell(
            firm(line["partner"]),
            firm(line["partner"]),
            url_for("loads.index", party=line["partner"]),
            title=line["partner"],
        ),
        "way": lambda: Cell(text(f"partners.{line['way']}")),
        "material": lambda: Cell(
            material(line["material"]), mark=colour_of(line["material"]), title=line["material"]
        ),
        "route": lambda: Cell(route(line["route"]), title=line["route"]),
        "loads": lambda: Cell(
            count(line["loads"]), line["loads"], url_for("loads.index", **listed)
        ),
        "accepted": lambda: mass_cell(line["accepted_kg"]),
        "open": lambda: Cell(count(line["open"]), line["open"], muted=not line["open"]),
        "last": lambda: Cell(
            moment(line["last"]["at"])[:10],
            moment(line["last"]["at"])[:10],
            url_for("loads.one", uid=line["last"]["id"]),
            title=line["last"]["doc_no"],
        ),
        "ends": lambda: _end_cell(line["ends"], today),
    }
    if staff:
        makers["again"] = lambda: Cell(
            text("partners.again_go"), "", url_for("loads.new", like=line["last"]["id"])
        )
    return Later(makers, {"accepted": line["accepted_kg"], "loads": line["loads"]})


def _end_cell(end: Mapping[str, Any] | None, today: date) -> Cell:
    if end is None:
        return Cell(NONE, None, muted=True)
    day = end["on"].isoformat()
    over = "over" if end["on"] < today else "by"
    return Cell(text(f"partners.ends_{over}", day=day), day, title=end["title"])
