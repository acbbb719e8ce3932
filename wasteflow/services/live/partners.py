"""Who a firm ships to and gets from: tonnes, loads, the last one, permits that end; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import add
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, case, func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.bulletin import province_of
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reading import readable_firms
from wasteflow.core.registry import Registry
from wasteflow.core.rules import takes
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.views import moment
from wasteflow_models.by_month import elsewhere, ids_of
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow, visible
from wasteflow_models.parties import of_either, sides

TO: Final = "to"
FROM: Final = "from"
LAST: Final = 999_912
"""After every month."""
_ROW: Final = ShipmentRow
_ON_ROAD: Final = (LoadState.IN_TRANSIT.value, LoadState.RECEIVED.value)


def partners_of(
    *, db: Database, actor: Actor | None, firm: str, first: int
) -> list[dict[str, Any]]:
    """A line for each partner, direction, material and route of `firm`, the most tonnes first.

    first: month (yyyymm) of dispatch from which deliveries count; returns, redirects and reversed
    loads do not.  A line: `partner`, `way` ("to": the firm ships; "from"), `material`, `route`,
    `loads`, `dispatched_kg`, `accepted_kg`, `open` (not yet decided), `disputed`, `last` (`id`,
    `doc_no`, `at` of the load dispatched last), `ends` (what ends first of the receiver's permits
    for this use and the sender's filings, with its day, or None).
    Raises Denied where the loads of the firm are not the actor's business.
    """
    with db.read() as session:
        keys = load_keys(session)
        if actor is None:
            raise Denied(Verdict.NOT_SIGNED_IN, "shipment.read")
        firms = readable_firms(actor, "shipment.read", keys.registry)
        if firm not in keys.ids["enterprise"] or (firms is not None and firm not in firms):
            raise Denied(Verdict.NOT_ONES_BUSINESS, "shipment.read")
        lines = _sums(session, keys, firm, first)
        last = _last(session, keys, [line.pop("key") for line in lines])
        for line, load in zip(lines, last, strict=True):
            line["last"] = load
            line["ends"] = first_end(keys.registry, firm, line)
        return lines


def _sums(session: Session, keys: Keys, firm: str, first: int) -> list[dict[str, Any]]:
    own = keys.id_of("enterprise", firm)
    found: dict[tuple[int, ...], list[int]] = {}
    ways = [[*way, ids_of(first, LAST)] for way in sides(session, [own], 1)]
    for way in [*ways, [of_either(session, [own]), *elsewhere(session, first, LAST)]]:
        for row in session.execute(_lines(first).where(*way)):
            link, told = tuple(row[:4]), [int(value) for value in row[4:]]
            if link in found:
                *sums, last = found[link]
                told = [*map(add, sums, told), max(last, told[-1])]
            found[link] = told
    lines = []
    for link, told in sorted(found.items(), key=lambda item: (-item[1][2], item[0])):
        sender, receiver, material, route = link
        line: dict[str, Any] = {
            "partner": keys.codes["enterprise"][receiver if sender == own else sender],
            "way": TO if sender == own else FROM,
            "material": keys.codes["material"][material],
            "route": keys.codes["route"][route],
        }
        lines.append(line | dict(zip(_SUMS, told, strict=True)))
    return lines


_SUMS: Final = ("loads", "dispatched_kg", "accepted_kg", "open", "disputed", "key")


def _lines(first: int) -> Any:
    """Sums by link, material and route; of loads of which a condition is still to come."""
    link = (_ROW.consignor_id, _ROW.consignee_id, _ROW.material_id, _ROW.route_id)
    sums = (
        func.count(),
        func.sum(_ROW.dispatched_kg),
        func.sum(_ROW.accepted_kg),
        _number(_ROW.state.in_(_ON_ROAD)),
        _number((_ROW.evidence == 4) & (_ROW.received_month > 0)),
        func.max(_ROW.id),
    )
    mine = (
        _ROW.consignor_id != _ROW.consignee_id,
        _ROW.kind == "delivery",
        _ROW.dispatched_month >= max(first, 1),
        ~_ROW.reversed_,
        visible(),
    )
    return select(*link, *sums).where(*mine).group_by(*link).order_by(*link)


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0), type_=Integer)


def _last(session: Session, keys: Keys, ids: list[int]) -> list[dict[str, Any]]:
    """The loads of these keys, in their order, a query for them all."""
    rows = session.scalars(select(_ROW).where(_ROW.id.in_(ids)).order_by(_ROW.id))
    found = {
        held.row.id: {
            "id": str(held.uid),
            "doc_no": held.row.doc_no,
            "at": moment(held.row.dispatched_at) if held.row.dispatched_at else "",
        }
        for held in held_rows(session, keys, list(rows))
    }
    return [found[key] for key in ids]


def first_end(registry: Registry, firm: str, line: Mapping[str, Any]) -> dict[str, Any] | None:
    """The permit or filing of a link that ends first: `kind`, `code`, `title`, `on`; None if none.

    Permits are those of the receiver's facilities that take this material for this route; filings
    those of the sender that cover it where the two lie in different provinces.  Of several of one
    kind the link leans on the one that ends last; without a stated end, none ends.
    """
    sender, receiver = (firm, line["partner"]) if line["way"] == TO else (line["partner"], firm)
    route, material = registry.routes.get(line["route"]), line["material"]
    sites = [
        (site.valid_to or date.max, "permit", site.code, site.name or site.code)
        for site in registry.facilities_of.get(receiver, ())
        if route is not None and takes(site, route, material)
    ]
    papers: list[tuple[date, str, str, str]] = []
    if province_of(registry, sender) != province_of(registry, receiver):
        papers = [
            (paper.valid_to or date.max, "filing", paper.code, paper.document or paper.code)
            for paper in registry.filings.values()
            if paper.enterprise == sender and (not paper.materials or material in paper.materials)
        ]
    ends = [max(group) for group in (sites, papers) if group]
    ends = [end for end in ends if end[0] != date.max]
    if not ends:
        return None
    on, kind, code, title = min(ends)
    return {"kind": kind, "code": code, "title": title, "on": on}
