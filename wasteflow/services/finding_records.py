"""Findings that follow from single loads, of one month of loads at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core import finding_rules as rules
from wasteflow.core.columns import groups_of
from wasteflow.core.finding_rules import Found
from wasteflow.core.lifecycle import Waits
from wasteflow.core.periods import shanghai_day
from wasteflow.core.units import tonnes_text
from wasteflow_models import findings
from wasteflow_models.convert import Keys
from wasteflow_models.scan import UNSEEN
from wasteflow_models.words import MODES, STATES

_OPEN = [STATES.index("in_transit"), STATES.index("received")]
_REFUSING = [STATES.index("partly_accepted"), STATES.index("refused")]
_GONE = [STATES.index("cancelled"), STATES.index("issued")]


class MonthFound(Struct, frozen=True):
    """The findings of the loads of a month, and how many of them may still change by themselves."""

    items: list[Found]
    open_loads: int


class _Month(Struct):
    session: Session
    keys: Keys
    month: int
    today: date
    columns: dict[str, Any]
    waits: Waits
    wanted: set[int]
    """Loads that some finding names."""
    unsettled: int = 0
    """Refused parts that wait for a return or redirect, late or not."""


def month_findings(
    session: Session, keys: Keys, month: int, today: date, waits: Waits
) -> MonthFound:
    """Every finding of the loads kept under a month."""
    columns = findings.month_columns(session, month, UNSEEN)
    at = _Month(session, keys, month, today, columns, waits, set())
    found = [
        *_unanswered(at), *_tickets(at), *_outliers(at), *_over_cap(at),
        *_refused(at),
    ]  # fmt: skip
    uids = findings.load_uids(session, at.wanted)
    told = [_with_uid(item, uids) for item in found]
    waiting = int(np.isin(columns["state"], _OPEN).sum())
    return MonthFound(told, waiting + at.unsettled)


def _with_uid(item: Found, uids: dict[int, UUID]) -> Found:
    """The finding with the public id of its load instead of the key."""
    if item.ref_kind != "load":
        return item
    uid = str(uids.get(int(item.ref), ""))
    return Found(
        item.kind, item.key, item.enterprise, item.material, item.month, "load", uid, item.since,
        item.params,
    )  # fmt: skip


def _load(at: _Month, kind: str, place: int, row: Any, **told: str) -> Found:
    """A finding of the load at a place of the columns."""
    key = int(at.columns["id"][place])
    at.wanted.add(key)
    day = shanghai_day(row.dispatched_at) if row.dispatched_at else None
    return Found(
        kind,
        f"{kind}|{key}",
        at.keys.codes["enterprise"][int(at.columns["consignor_id"][place])],
        at.keys.codes["material"][int(at.columns["material_id"][place])],
        at.month,
        "load",
        str(key),
        day,
        {"record": row.doc_no, **told},
    )


def _rows(at: _Month, places: Any) -> Iterator[tuple[int, Any]]:
    """(place, row of names and moments) of some places."""
    ids = at.columns["id"][places].tolist()
    named = findings.named_loads(at.session, ids)
    for place, key in zip(places.tolist(), ids, strict=True):
        yield place, named[key]


def _unanswered(at: _Month) -> Iterator[Found]:
    """The consignee owes an answer: the finding is the consignee's."""
    places = np.flatnonzero(np.isin(at.columns["state"], _OPEN))
    for place, row in _rows(at, places):
        if row.dispatched_at is None:
            continue
        day = shanghai_day(row.dispatched_at)
        if rules.unanswered(day, at.today):
            item = _load(at, "missing_confirmation", place, row, date=str(day))
            owner = at.keys.codes["enterprise"][int(at.columns["consignee_id"][place])]
            yield Found(
                item.kind, item.key, owner, item.material, item.month, "load", item.ref, day,
                item.params,
            )  # fmt: skip


def _tickets(at: _Month) -> Iterator[Found]:
    tickets = findings.tickets_of_month(at.session, at.month)
    groups = rules.duplicate_tickets((firm, no, str(key)) for firm, no, key in tickets)
    places = {int(key): place for place, key in enumerate(at.columns["id"].tolist())}
    named = findings.named_loads(at.session, (int(k) for keys in groups.values() for k in keys))
    for (firm, ticket), loads in groups.items():
        first = int(loads[0])
        if first not in places:
            continue
        numbers = ", ".join(named[int(key)].doc_no for key in loads[:6])
        item = _load(at, "duplicate_ticket", places[first], named[first])
        yield Found(
            item.kind, f"duplicate_ticket|{firm}|{at.month}|{ticket}", item.enterprise,
            item.material, item.month, "load", item.ref, item.since,
            {"ticket": ticket, "records": numbers, "count": str(len(loads))},
        )  # fmt: skip


def _outliers(at: _Month) -> Iterator[Found]:
    """Loads far from the others of their link and mode in the month."""
    columns = at.columns
    counted = ~np.isin(columns["state"], _GONE) & (columns["dispatched_kg"] > 0)
    # Sheets of several trips and refused parts have no usual size.
    counted &= (columns["kind"] == 0) & (columns["trips"] == 1)
    here = np.flatnonzero(counted)
    names = ("consignor_id", "consignee_id", "material_id", "mode")
    kg = columns["dispatched_kg"][here]
    groups = groups_of([columns[name][here] for name in names])
    far, usual = rules.outliers(groups, kg)
    order = np.flatnonzero(far)[np.argsort(groups.numbers()[far], kind="stable")]
    for number, (place, row) in zip(order.tolist(), _rows(at, here[order]), strict=True):
        told = {"tonnes": tonnes_text(int(kg[number])), "usual": tonnes_text(int(usual[number]))}
        yield _load(at, "outlier_load", place, row, **told)


def _over_cap(at: _Month) -> Iterator[Found]:
    columns = at.columns
    caps = {MODES.index(mode): cap for mode, cap in rules.CAP_KG.items()}
    over = np.zeros(len(columns["id"]), bool)
    for mode, cap in caps.items():
        over |= (columns["mode"] == mode) & (columns["dispatched_kg"] > cap * columns["trips"])
    over &= ~np.isin(columns["state"], _GONE)
    for place, row in _rows(at, np.flatnonzero(over)):
        kg, trips = int(columns["dispatched_kg"][place]), int(columns["trips"][place])
        mode = int(columns["mode"][place])
        if rules.over_cap(MODES[mode], kg, trips):
            limit = tonnes_text(caps[mode] * trips)
            yield _load(at, "load_over_cap", place, row, tonnes=tonnes_text(kg), cap=limit)


def _refused(at: _Month) -> Iterator[Found]:
    places = np.flatnonzero(
        np.isin(at.columns["state"], _REFUSING) & (at.columns["refused_kg"] > 0)
    )
    moved = findings.moved_parts(at.session, at.columns["id"][places].tolist())
    for place, row in _rows(at, places):
        day = shanghai_day(row.received_at)
        at.unsettled += row.refused_kg > moved.get(row.id, 0)
        left = rules.refusal_left(
            row.refused_kg, moved.get(row.id, 0), day, at.today, at.waits.refused_days
        )
        if left:
            yield _load(
                at, "refused_not_returned", place, row, tonnes=tonnes_text(left), date=str(day)
            )
