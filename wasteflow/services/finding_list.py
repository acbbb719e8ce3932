"""The findings list: brought up to date with the books, listed, counted, snoozed with a reason.

What comes from the roll-up is made anew when the books changed.  What comes from single loads is
made anew for months whose roll-up changed, that somebody changed a load of, or that hold loads
which time alone can turn into a finding.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound, RuleBroken
from wasteflow.core.finding_kinds import KINDS, SEVERITIES, SEVERITY
from wasteflow.core.finding_rules import Found
from wasteflow.core.lifecycle import USUAL_WAITS, Waits
from wasteflow.core.periods import SHANGHAI, Period, shanghai_day
from wasteflow.core.permissions import require
from wasteflow.core.reach import subject_of_firms
from wasteflow.services.finding_books import book_findings
from wasteflow.services.finding_records import month_findings
from wasteflow_models import queries
from wasteflow_models.api import AttachmentRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.findings import (
    FindingRow,
    FindingStateRow,
    findings_in,
    load_months,
)
from wasteflow_models.ledger import BatchRow, EntryRow, ProductRow, RollupVersionRow, StampRow
from wasteflow_models.live import ChangeRow
from wasteflow_models.partitions import month_of_id
from wasteflow_models.rollup import touch
from wasteflow_models.turns import turn_of

TURN: Final = "findings"
STAMP: Final = "finding"
"""Stamp of this list: pages that count findings are made anew when it changes."""
OPEN, SNOOZED, RESOLVED = "open", "snoozed", "resolved"
STATES: Final = (OPEN, SNOOZED, RESOLVED)
SMALL_PLACES: Final = 2_000
LONGEST_SNOOZE_DAYS: Final = 366
_BOOKS: Final = "books"


@dataclass(frozen=True, slots=True)
class Asked:
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


@dataclass(frozen=True, slots=True)
class _Digests:
    """What the list rests on: the whole, each month of loads, registry, last change."""

    books: str
    months: Mapping[int, str]
    registry: str
    change: int


def _digests(session: Session, today: date) -> _Digests:
    month, stamp = RollupVersionRow, StampRow
    versions: dict[int, list[str]] = {}
    ordered = select(month.month, month.material_id, month.version).order_by(
        month.month, month.material_id
    )
    for at, material, version in session.execute(ordered):
        versions.setdefault(at, []).append(f"{material}:{version}")
    stamps = session.execute(select(stamp.name, stamp.version).order_by(stamp.name)).all()
    named = {name: str(version) for name, version in stamps if name != STAMP}
    tops = [
        int(session.scalar(select(func.max(row.id))) or 0)
        for row in (ChangeRow, AttachmentRow, EntryRow, ProductRow, BatchRow)
    ]
    digests = {at: _digest(parts) for at, parts in versions.items()}
    whole = [str(today), *named.values(), *map(str, tops)]
    whole += [f"{at}={digest}" for at, digest in sorted(digests.items())]
    return _Digests(_digest(whole), digests, named.get("registry", ""), tops[0])


def _digest(parts: Iterable[str]) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


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
    somebody may wait for it, or the list was never made (housekeeping does the others).
    """
    today = shanghai_day(now)
    with db.read() as session:
        digests = _digests(session, today)
        known = session.get(FindingStateRow, _BOOKS)
        if known is not None and known.value == digests.books and not everything:
            return False
        if small and known is not None and queries.place_count(session) > SMALL_PLACES:
            return False
    with turn_of(db, TURN) as mine:
        if not mine:
            return False
        with db.read() as session:
            digests = _digests(session, today)
            state = {row.name: (row.value, row.open_loads)
                     for row in session.scalars(select(FindingStateRow))}  # fmt: skip
            keys = load_keys(session)
            found: dict[int, list[Found]] = {0: book_findings(session, keys)}
            loads: dict[int, int] = {}
            for month in _stale_months(session, digests, state, everything):
                part = month_findings(session, keys, month, today, waits)
                found[month], loads[month] = part.items, part.open_loads
        with db.write(Alone.NOBODY) as session:
            changed = _store(session, found, now)
            _note(session, digests, loads)
            if changed:
                touch(session, STAMP)
    return True


def _stale_months(
    session: Session,
    digests: _Digests,
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


def _note(session: Session, digests: _Digests, loads: Mapping[int, int]) -> None:
    rows = [(str(month), digests.months.get(month, ""), n) for month, n in loads.items()]
    rows += [
        (_BOOKS, digests.books, 0),
        ("registry", digests.registry, 0),
        ("change", str(digests.change), 0),
    ]
    for name, value, open_loads in rows:
        session.merge(FindingStateRow(name=name, value=value, open_loads=open_loads))


def _store(session: Session, found: Mapping[int, list[Found]], now: datetime) -> bool:
    """Hold what was found against what is listed; whether anything changed."""
    query = select(FindingRow).where(FindingRow.source.in_(sorted(found)))
    listed = {row.key: row for row in session.scalars(query.order_by(FindingRow.id))}
    changed, said = False, set[str]()
    for source, items in sorted(found.items()):
        for item in items:
            if item.key in said:  # one cause met twice, such as by two routes of a link
                continue
            said.add(item.key)
            row = listed.pop(item.key, None)
            if row is None:
                session.add(_row(item, source, now))
                changed = True
            else:
                changed |= _renew(row, item, source, now)
    for row in listed.values():
        if row.resolved_at is None:
            row.resolved_at, row.snoozed_until = now, None
            changed = True
    return changed


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


def _renew(row: FindingRow, item: Found, source: int, now: datetime) -> bool:
    """A finding that is there again: what it says now, and open again if it was resolved."""
    params = _json(item)
    same = row.resolved_at is None and row.params == params and row.ref == item.ref
    if row.snoozed_until is not None and row.snoozed_until < shanghai_day(now):
        row.snoozed_until, same = None, False
    if row.resolved_at is not None:
        row.resolved_at, row.since = None, now
    row.params, row.ref, row.enterprise, row.source = params, item.ref, item.enterprise, source
    return not same


# --- read and snooze ---------------------------------------------------------------------------


def state_of(row: FindingRow, today: date) -> str:
    """open, snoozed or resolved."""
    if row.resolved_at is not None:
        return RESOLVED
    return SNOOZED if row.snoozed_until and row.snoozed_until >= today else OPEN


def list_findings(*, db: Database, asked: Asked, now: datetime) -> list[dict[str, Any]]:
    """The findings asked for: most urgent first, then by kind, firm and age.

    Raises InvalidValue `finding_word`.
    """
    asked.check()
    today = shanghai_day(now)
    with db.read() as session:
        rows = [
            finding_dict(row, today)
            for row in findings_in(session, asked.firms)
            if _fits(row, asked, today)
        ]
    order = {kind: number for number, kind in enumerate(KINDS)}
    rank = {word: number for number, word in enumerate(SEVERITIES)}
    rows.sort(key=lambda item: (rank[item["severity"]], order[item["code"]], item["since"]))
    return rows


def _fits(row: FindingRow, asked: Asked, today: date) -> bool:
    months = asked.period
    return (
        asked.kind in ("", row.kind)
        and asked.severity in ("", SEVERITY[row.kind])
        and asked.state in ("all", state_of(row, today))
        and asked.material in ("", row.material)
        and (months is None or not row.month or months.first <= row.month <= months.last)
    )


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
    today = shanghai_day(now)
    found: dict[str, int] = {}
    with db.read() as session:
        for row in findings_in(session, firms):
            if state_of(row, today) == OPEN:
                found[row.kind] = found.get(row.kind, 0) + 1
    return {kind: found[kind] for kind in KINDS if kind in found}


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
    `finding_resolved`.
    """
    today = shanghai_day(now)
    with db.write(Alone.NOBODY) as session:
        row = session.get(FindingRow, finding_id)
        if row is None:
            raise NotFound("finding_unknown", value=finding_id)
        registry = load_keys(session).registry
        require(actor, "finding.snooze", subject_of_firms(registry, row.enterprise))
        assert actor is not None  # require() has refused it
        if row.resolved_at is not None:
            raise RuleBroken("finding_resolved", value=finding_id)
        if until is not None:
            if not reason.strip():
                raise RuleBroken("reason_needed")
            if not 0 <= (until - today).days <= LONGEST_SNOOZE_DAYS:
                raise RuleBroken("snooze_until", value=until, days=LONGEST_SNOOZE_DAYS)
        row.snoozed_until, row.snooze_reason = until, reason.strip()
        row.snoozed_at, row.snoozed_by = now, actor.login
        touch(session, STAMP)
        session.flush()
        return finding_dict(row, today)
