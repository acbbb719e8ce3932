"""The findings list: brought up to date with the books, listed, counted, snoozed with a reason.

What comes from the roll-up is made anew when the books changed.  What comes from single loads is
made anew for months whose roll-up changed, that somebody changed a load of, or that hold loads
which time alone can turn into a finding.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound, RuleBroken
from wasteflow.core.finding_kinds import KINDS, SEVERITIES, SEVERITY
from wasteflow.core.finding_rules import Found
from wasteflow.core.lifecycle import USUAL_WAITS, Waits
from wasteflow.core.periods import SHANGHAI, Period, shanghai_day
from wasteflow.core.permissions import require
from wasteflow.core.reach import subject_of_firms
from wasteflow.schemas.field_base import clean_text
from wasteflow.services.finding_books import book_findings
from wasteflow.services.finding_digests import BOOKS, MADE, STAMP, Digests, digests_of
from wasteflow.services.finding_records import month_findings
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.findings import (
    FindingKey,
    FindingRow,
    FindingStateRow,
    drop_resolved,
    finding_keys,
    finding_rows,
    load_months,
)
from wasteflow_models.live import ChangeRow
from wasteflow_models.load_ids import month_of_id
from wasteflow_models.rollup import touch
from wasteflow_models.turns import turn_of

TURN: Final = "findings"
OPEN, SNOOZED, RESOLVED = "open", "snoozed", "resolved"
STATES: Final = (OPEN, SNOOZED, RESOLVED)
SMALL_PLACES: Final = 2_000
LONGEST_SNOOZE_DAYS: Final = 366
LAST_ID: Final = (1 << 63) - 1
"""No key of a database is above it."""
Place = tuple[int, int, str, int]
"""Where a finding stands in the list: severity, kind, since, id."""


class Asked(Struct, frozen=True):
    """Which findings: of firms (None = all), by kind, severity, state, material, months."""

    firms: Collection[str] | None = None
    kind: str = ""
    severity: str = ""
    state: str = OPEN
    material: str = ""
    period: Period | None = None

    def check(self) -> None:
        """InvalidValue `bad_word` for a word that is none."""
        for told, known in (
            (self.kind, KINDS),
            (self.severity, SEVERITIES),
            (self.state, (*STATES, "all")),
        ):
            if told and told not in known:
                raise InvalidValue("finding_word", value=told, known=", ".join(known))


# --- up to date --------------------------------------------------------------------------------


def refresh_findings(
    *,
    db: Database,
    now: datetime,
    waits: Waits = USUAL_WAITS,
    everything: bool = False,
    small: bool = False,
) -> bool:
    """Bring the list up to date; False if it was, or another process does it.

    everything: look at every month of loads again; small: only if the books are so small that
    somebody may wait for it (housekeeping does the others).
    """
    today = shanghai_day(now)
    with db.read() as session:
        digests = digests_of(session, today)
        known = session.get(FindingStateRow, BOOKS)
        if known is not None and known.value == digests.books and not everything:
            return False
        if small and queries.place_count(session) > SMALL_PLACES:
            return False
    with turn_of(db, TURN) as mine:
        if not mine:
            return False
        with db.read() as session:
            digests = digests_of(session, today)
            state = {row.name: (row.value, row.open_loads)
                     for row in session.scalars(select(FindingStateRow))}  # fmt: skip
            keys = load_keys(session)
            found: dict[int, list[Found]] = {0: book_findings(session, keys)}
            loads: dict[int, int] = {}
            for month in _stale_months(session, digests, state, everything):
                part = month_findings(session, keys, month, today, waits)
                found[month], loads[month] = part.items, part.open_loads
        with db.write(Alone.NOBODY) as session:
            _store(session, found, now)
            _note(session, digests, loads, now)
            touch(session, STAMP)
    return True


def _stale_months(
    session: Session,
    digests: Digests,
    state: Mapping[str, tuple[str, int]],
    everything: bool,
) -> list[int]:
    """Months of loads whose findings may not be what they were."""
    months = load_months(session)
    same_registry = state.get("registry", ("", 0))[0] == digests.registry
    if everything or not same_registry:
        return months
    since = int(state.get("change", ("0", 0))[0])
    touched = select(ChangeRow.record_id).where(ChangeRow.id > since, ChangeRow.kind == "shipment")
    stale = {month_of_id(key) for key in session.scalars(touched)}
    for month in months:
        value, open_loads = state.get(str(month), ("", 1))
        if open_loads or value != digests.months.get(month, ""):
            stale.add(month)
    return sorted(stale.intersection(months))


def _note(session: Session, digests: Digests, loads: Mapping[int, int], now: datetime) -> None:
    rows = [(str(month), digests.months.get(month, ""), n) for month, n in loads.items()]
    rows += [
        (BOOKS, digests.books, 0),
        (MADE, now.isoformat(), 0),
        ("registry", digests.registry, 0),
        ("change", str(digests.change), 0),
    ]
    for name, value, open_loads in rows:
        session.merge(FindingStateRow(name=name, value=value, open_loads=open_loads))


def _store(session: Session, found: Mapping[int, list[Found]], now: datetime) -> None:
    """Hold what was found against what is listed."""
    query = select(FindingRow).where(FindingRow.source.in_(sorted(found)))
    listed = {row.key: row for row in session.scalars(query.order_by(FindingRow.id))}
    said = set[str]()
    for source, items in sorted(found.items()):
        for item in items:
            if item.key in said:  # one cause met twice, such as by two routes of a link
                continue
            said.add(item.key)
            row = listed.pop(item.key, None)
            if row is None:
                session.add(_row(item, source, now))
            else:
                _renew(row, item, source, now)
    for row in listed.values():
        if row.resolved_at is None:
            row.resolved_at, row.snoozed_until = now, None


def _row(item: Found, source: int, now: datetime) -> FindingRow:
    return FindingRow(
        key=item.key,
        kind=item.kind,
        source=source,
        enterprise=item.enterprise,
        material=item.material,
        month=item.month,
        ref_kind=item.ref_kind,
        ref=item.ref,
        params=_json(item),
        since=_since(item, now),
    )


def _since(item: Found, now: datetime) -> datetime:
    """When it began: the day it is about, else the moment it was noticed."""
    if item.since is None:
        return now
    return min(now, datetime.combine(item.since, time(), SHANGHAI))


def _json(item: Found) -> str:
    return json.dumps(dict(item.params), ensure_ascii=False, sort_keys=True)


def _renew(row: FindingRow, item: Found, source: int, now: datetime) -> None:
    """A finding that is there again: what it says now, and open again if it was resolved."""
    if row.snoozed_until is not None and row.snoozed_until < shanghai_day(now):
        row.snoozed_until = None
    if row.resolved_at is not None:
        row.resolved_at, row.since = None, now
    row.params, row.ref, row.enterprise, row.source = _json(item), item.ref, item.enterprise, source


# --- read and snooze ---------------------------------------------------------------------------


def state_of(row: FindingRow, today: date) -> str:
    """open, snoozed or resolved."""
    if row.resolved_at is not None:
        return RESOLVED
    return SNOOZED if row.snoozed_until and row.snoozed_until >= today else OPEN


class FindingPage(Struct, frozen=True):
    """Some findings of a list, how many it has, and the place of the last one if more follow."""

    rows: list[dict[str, Any]]
    total: int
    place: Place | None


def list_findings(*, db: Database, asked: Asked, now: datetime) -> list[dict[str, Any]]:
    """The findings asked for: most urgent first, then by kind and age.

    Raises InvalidValue `finding_word`.
    """
    return page_findings(db=db, asked=asked, now=now).rows


def page_findings(
    *,
    db: Database,
    asked: Asked,
    now: datetime,
    limit: int | None = None,
    start: int = 0,
    after: Place | None = None,
) -> FindingPage:
    """A page of `list_findings`: `limit` of them (None = all) from `start`, or after a place.

    Raises InvalidValue `finding_word`.
    """
    asked.check()
    today = shanghai_day(now)
    with db.read() as session:
        keys = finding_keys(session, asked.firms, _kinds(asked), _conditions(asked, today))
        places = sorted((_place(key), key.id) for key in keys)
        if after is not None:
            start = bisect_right(places, (after, after[-1]))
        stop = len(places) if limit is None else start + limit
        chosen = places[start:stop]
        rows = finding_rows(session, (number for _, number in chosen))
        shown = [finding_dict(rows[number], today) for _, number in chosen]
    more = chosen and stop < len(places)
    return FindingPage(shown, len(places), chosen[-1][0] if more else None)


def _place(key: FindingKey) -> Place:
    severity = SEVERITIES.index(SEVERITY[key.kind])
    return severity, KINDS.index(key.kind), key.since.astimezone(UTC).isoformat(), key.id


def _kinds(asked: Asked) -> list[str]:
    return [
        kind
        for kind in KINDS
        if asked.kind in ("", kind) and asked.severity in ("", SEVERITY[kind])
    ]


def _conditions(asked: Asked, today: date) -> list[ColumnElement[bool]]:
    row = FindingRow
    put_aside = and_(row.snoozed_until.is_not(None), row.snoozed_until >= today)
    found: list[ColumnElement[bool]] = []
    if asked.state == RESOLVED:
        found.append(row.resolved_at.is_not(None))
    elif asked.state in (OPEN, SNOOZED):
        found.append(row.resolved_at.is_(None))
        found.append(put_aside if asked.state == SNOOZED else not_(put_aside))
    if asked.material:
        found.append(row.material == asked.material)
    if asked.period is not None:
        months = row.month.between(asked.period.first, asked.period.last)
        found.append(or_(row.month == 0, months))
    return found


def finding_dict(row: FindingRow, today: date) -> dict[str, Any]:
    """A finding as page, command and API show it."""
    return {
        "id": row.id,
        "code": row.kind,
        "severity": SEVERITY[row.kind],
        "state": state_of(row, today),
        "enterprise": row.enterprise,
        "material": row.material,
        "month": row.month or None,
        "ref_kind": row.ref_kind,
        "ref": row.ref,
        "since": row.since.isoformat(),
        "resolved_at": row.resolved_at.isoformat() if row.resolved_at else None,
        "snoozed_until": row.snoozed_until.isoformat() if row.snoozed_until else None,
        "snoozed_by": row.snoozed_by,
        "snooze_reason": row.snooze_reason,
        "params": json.loads(row.params),
    }


def open_counts(*, db: Database, firms: Collection[str], now: datetime) -> dict[str, int]:
    """Kind → how many are open, as the list stands; kinds without any left out."""
    with db.read() as session:
        keys = finding_keys(session, firms, KINDS, _conditions(Asked(), shanghai_day(now)))
    found = Counter(key.kind for key in keys)
    return {kind: found[kind] for kind in KINDS if kind in found}


def open_by_firm(
    *, db: Database, firms: Collection[str], now: datetime
) -> dict[str, dict[str, int]]:
    """Enterprise → severity → how many are open, as the list stands; firms without any left out."""
    with db.read() as session:
        keys = finding_keys(session, firms, KINDS, _conditions(Asked(), shanghai_day(now)))
    found: dict[str, Counter[str]] = {}
    for key in keys:
        found.setdefault(key.enterprise, Counter())[SEVERITY[key.kind]] += 1
    return {code: dict(found[code]) for code in sorted(found)}


def forget_findings(*, db: Database, now: datetime, days: int) -> int:
    """Drop findings that were resolved more than `days` ago; returns how many."""
    with db.write(Alone.NOBODY) as session:
        return drop_resolved(session, now - timedelta(days=days))


def snooze_finding(
    *,
    db: Database,
    actor: Actor | None,
    finding_id: int,
    until: date | None,
    reason: str,
    now: datetime,
) -> dict[str, Any]:
    """Put a finding aside until the end of a day, with a reason; until None: take it back.

    It stays in the list as snoozed, with who did it and why.
    Raises Denied, NotFound `finding_unknown`; RuleBroken `reason_needed`, `snooze_until`,
    `finding_resolved`; InvalidValue for a reason that is too long or holds control characters.
    """
    why = clean_text(reason.strip())
    today = shanghai_day(now)
    with db.write(Alone.NOBODY) as session:
        row = session.get(FindingRow, finding_id) if finding_id <= LAST_ID else None
        if row is None:
            raise NotFound("finding_unknown", value=finding_id)
        registry = load_keys(session).registry
        require(actor, "finding.snooze", subject_of_firms(registry, row.enterprise))
        assert actor is not None  # require() has refused it
        if row.resolved_at is not None:
            raise RuleBroken("finding_resolved", value=finding_id)
        if until is not None:
            if not why:
                raise RuleBroken("reason_needed")
            if not 0 <= (until - today).days <= LONGEST_SNOOZE_DAYS:
                raise RuleBroken("snooze_until", value=until, days=LONGEST_SNOOZE_DAYS)
        row.snoozed_until, row.snooze_reason = until, why
        row.snoozed_at, row.snoozed_by = now, actor.login
        touch(session, STAMP)
        session.flush()
        return finding_dict(row, today)
