"""Closing and reopening months of an enterprise or a park: what was reported stays as reported.

A close freezes nothing that is known: later records keep their month and are booked in the first
open one (`booking`).  It stores digests, figures and the attribution (`close_figures`), and blocks
on nothing; what needs attention is returned as warnings.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import NotFound, RuleBroken
from wasteflow.core.periods import Period, month_of_day, month_text, next_month, shanghai_day
from wasteflow.core.permissions import require
from wasteflow.core.registry import Registry
from wasteflow.services.close_figures import FirmClose, firm_closes
from wasteflow.services.close_rows import (
    in_force_credits,
    last_closed,
    last_takes,
)
from wasteflow.services.close_sums import beyond, digest_of, member_digests, store_credits
from wasteflow.services.live.writing import note_change
from wasteflow.services.reported import firms_with_books
from wasteflow_models import flow_columns
from wasteflow_models.closes import ENTERPRISE, PARK, MonthCloseRow
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.late import closed, touch_closes
from wasteflow_models.open_loads import open_loads

SHOWN = 20


class Organisation(Struct, frozen=True):
    """Who closes: an enterprise or a park, and the firms it closes for."""

    kind: str
    code: str
    id: int
    firms: tuple[str, ...]


class Draft(Struct):
    """A close as it would be stored, made from the books in `state`."""

    state: Hashable
    months: list[int]
    firms: list[FirmClose]
    warnings: list[dict[str, Any]]


def close_month(
    *,
    db: Database,
    month: int,
    now: datetime,
    enterprise: str = "",
    park: str = "",
    reason: str = "",
    actor: Actor | None = None,
) -> dict[str, Any]:
    """Close `month` (yyyymm), with every earlier month that is still open.

    Exactly one of `enterprise` and `park` is given; a park closes for all its firms.  actor: who
    asks (None: the command line on the server).  Returns the months closed, per firm too, and
    `warnings` (open loads, unbalanced lines, negative stock).  Raises NotFound `unknown_code`;
    RuleBroken `month_not_over`, `month_already_closed`, `external_keeps_no_books`; Denied.
    """
    _check_over(month, now)
    with db.read() as session:
        keys = load_keys(session)
        organisation = find_organisation(keys, enterprise, park)
        if actor is not None:
            require(actor, "month.close", subject_of(keys.registry, organisation))
        draft = _draft(session, keys, organisation, month)
    with db.write(Alone.EVERYBODY) as session:
        keys = load_keys(session)
        if _state(session) != draft.state:  # somebody wrote meanwhile; now nobody does
            organisation = find_organisation(keys, enterprise, park)
            draft = _draft(session, keys, organisation, month)
        _store(session, keys, organisation, draft, now, actor, reason.strip())
        touch_closes(session)
        _note(
            session, organisation, "closed", month, [item.enterprise for item in draft.firms], now
        )
    return {
        "kind": organisation.kind,
        "organisation": organisation.code,
        "month": month_text(month),
        "closed": [month_text(item) for item in draft.months],
        "firms": [
            {"enterprise": item.enterprise, "closed": [month_text(m) for m in item.months]}
            for item in draft.firms
        ],
        "warnings": draft.warnings,
    }


def reopen_month(
    *,
    db: Database,
    month: int,
    reason: str,
    now: datetime,
    enterprise: str = "",
    park: str = "",
    actor: Actor | None = None,
) -> dict[str, Any]:
    """Open a closed month again, the last one first; the close stays in the history.

    What was booked past it meanwhile stays where it is booked.  Raises NotFound `unknown_code`;
    RuleBroken `reason_needed`, `month_not_closed`, `reopen_later_first`, `closed_by_park`; Denied.
    """
    if not reason.strip():
        raise RuleBroken("reason_needed")
    with db.write(Alone.EVERYBODY) as session:
        keys = load_keys(session)
        organisation = find_organisation(keys, enterprise, park)
        if actor is not None:
            require(actor, "month.reopen", subject_of(keys.registry, organisation))
        rows = _to_reopen(session, keys, organisation, month)
        for row in rows:
            row.reopened_at, row.reopened_reason = now, reason.strip()
            row.reopened_by = actor.login if actor else ""
            row.reopened_user_id = actor.user_id if actor else None
        touch_closes(session)
        firm = keys.codes["enterprise"]
        firms = sorted(firm[row.organisation_id] for row in rows if row.kind == ENTERPRISE)
        _note(session, organisation, "reopened", month, firms, now)
    return {
        "kind": organisation.kind,
        "organisation": organisation.code,
        "month": month_text(month),
        "firms": firms,
    }


def _note(
    session: Session,
    organisation: Organisation,
    action: str,
    month: int,
    firms: Iterable[str],
    now: datetime,
) -> None:
    """One change for the act, told to every firm it closes for; its name is the month closed."""
    note_change(
        session,
        now,
        kind="close",
        record_id=organisation.id,
        ref=f"{organisation.kind}:{organisation.code}/{month_text(month)}",
        action=action,
        organisations=sorted({*organisation.firms, *firms}),
    )


def find_organisation(keys: Keys, enterprise: str, park: str) -> Organisation:
    """The organisation of one of two codes; NotFound `unknown_code`, RuleBroken as named."""
    if bool(enterprise) == bool(park):
        raise RuleBroken("close_needs_one")
    registry = keys.registry
    if park:
        firms = registry.in_scope(f"park:{park}")
        inside = sorted(code for code in firms if not registry.enterprises[code].external)
        return Organisation(PARK, park, keys.id_of("park", park), tuple(inside))
    if enterprise not in registry.enterprises:
        raise NotFound("unknown_code", what="enterprise", value=enterprise)
    if registry.enterprises[enterprise].external:
        raise RuleBroken("external_keeps_no_books", value=enterprise)
    return Organisation(ENTERPRISE, enterprise, keys.id_of("enterprise", enterprise), (enterprise,))


def subject_of(registry: Registry, organisation: Organisation) -> Subject:
    """What the permission table is asked about."""
    if organisation.kind == PARK:
        parks = registry.parks_up(organisation.code)
        region = next((registry.parks[p].region for p in parks if registry.parks[p].region), "")
        regions = registry.regions_up(region)
        return Subject(parks=frozenset(parks), regions=frozenset(regions))
    firm = organisation.code
    return Subject(
        enterprise=firm,
        parks=frozenset(registry.parks_up(registry.park_of(firm))),
        regions=frozenset(registry.regions_up(registry.region_of(firm))),
    )


def _check_over(month: int, now: datetime) -> None:
    if month >= month_of_day(shanghai_day(now)):
        raise RuleBroken("month_not_over", month=month_text(month))


def _state(session: Session) -> Hashable:
    """What a draft rests on: roll-up, places, registry and closes."""
    stamps = tuple(flow_columns.stamp(session, name) for name in ("place", "registry", "close"))
    months = flow_columns.versions(session)
    return stamps, tuple((stuff, tuple(found.items())) for stuff, found in months.items())


def _draft(session: Session, keys: Keys, organisation: Organisation, month: int) -> Draft:
    through = closed(session, keys).through
    first = firms_with_books(session, month)
    wanted: dict[str, list[int]] = {}
    for code in organisation.firms:
        key = keys.id_of("enterprise", code)
        months = _open_months(through.get(key, 0), first.get(key, month), month)
        if months:
            wanted[code] = months
    if organisation.kind == ENTERPRISE:
        own = wanted.get(organisation.code, [])
    else:
        earliest = min((months[0] for months in wanted.values()), default=month)
        held = last_closed(session, PARK, organisation.id)
        own = _open_months(held, earliest, month)
    if not own:
        raise RuleBroken("month_already_closed", value=organisation.code, month=month_text(month))
    state = _state(session)
    firms = firm_closes(session, keys, wanted, month)
    return Draft(state, own, firms, _warnings(session, keys, firms, month))


def _open_months(held: int, first: int, month: int) -> list[int]:
    """Months after the last closed one, or from the first that has books, up to `month`."""
    start = next_month(held) if held else min(first, month)
    return list(Period.of(start, month).months()) if start <= month else []


def _warnings(
    session: Session, keys: Keys, firms: Sequence[FirmClose], month: int
) -> list[dict[str, Any]]:
    """Loads still on the road and lines that do not hold, worst months last."""
    found: list[dict[str, Any]] = []
    ids = {keys.id_of("enterprise", item.enterprise): item for item in firms}
    on_road = open_loads(session, ids, month)
    for key, item in ids.items():
        numbers = on_road.get(key, [])
        if numbers:
            found.append(
                {
                    "code": "close_open_loads",
                    "enterprise": item.enterprise,
                    "count": len(numbers),
                    "records": numbers[:SHOWN],
                }
            )
        for at, line in item.lines:
            found += [
                {
                    "code": f"close_{code}",
                    "enterprise": item.enterprise,
                    "month": month_text(at),
                    "compartment": line.compartment,
                    "material": line.material,
                    "residual_kg": line.residual_kg,
                    "closing_kg": line.closing_kg,
                }
                for code in line.findings()
            ]
    return found


def _store(
    session: Session,
    keys: Keys,
    organisation: Organisation,
    draft: Draft,
    now: datetime,
    actor: Actor | None,
    reason: str,
) -> None:
    next_id = (session.scalar(select(func.max(MonthCloseRow.id))) or 0) + 1
    month = draft.months[-1]
    told: dict[str, Any] = {
        "through": month,
        "closed_at": now,
        "closed_by": actor.login if actor else "",
        "user_id": actor.user_id if actor else None,
        "reason": reason,
    }
    park_rows: dict[int, MonthCloseRow] = {}
    if organisation.kind == PARK:
        takes = last_takes(session, PARK, organisation.id)
        for at in draft.months:
            take = takes.get(at, 0) + 1
            row = MonthCloseRow(
                id=next_id, kind=PARK, organisation_id=organisation.id, month=at, take=take, **told
            )
            park_rows[at] = row
            session.add(row)
            next_id += 1
    for item in draft.firms:
        firm_id = keys.id_of("enterprise", item.enterprise)
        before = in_force_credits(session, firm_id)
        takes = last_takes(session, ENTERPRISE, firm_id)
        ids: dict[int, int] = {}
        for at in item.months:
            by = park_rows.get(at)
            ids[at] = next_id
            session.add(
                MonthCloseRow(
                    id=next_id,
                    kind=ENTERPRISE,
                    organisation_id=firm_id,
                    month=at,
                    take=takes.get(at, 0) + 1,
                    park_close_id=by.id if by else 0,
                    digest=item.digests[at],
                    figures=json.dumps(item.figures[at], ensure_ascii=False, sort_keys=True),
                    **told,
                )
            )
            next_id += 1
        store_credits(session, ids, beyond(before, item.credits))
    session.flush()
    for at, row in park_rows.items():
        members = member_digests(session, keys, organisation.firms, at)
        row.digest = digest_of(members)
        row.figures = json.dumps({"firms": sorted(members)})


def _to_reopen(
    session: Session, keys: Keys, organisation: Organisation, month: int
) -> list[MonthCloseRow]:
    """The rows that a reopening opens, its own first; raises where it must not be."""
    row = MonthCloseRow
    mine = session.scalars(
        select(row).where(
            row.kind == organisation.kind,
            row.organisation_id == organisation.id,
            row.month == month,
            row.reopened_at.is_(None),
        )
    ).first()
    above = _parks_above(keys, organisation)
    _not_under_a_park(session, keys, above, month)
    if mine is None:
        raise RuleBroken("month_not_closed", value=organisation.code, month=month_text(month))
    last = last_closed(session, organisation.kind, organisation.id)
    if last > month:
        raise RuleBroken("reopen_later_first", value=organisation.code, month=month_text(last))
    if organisation.kind == ENTERPRISE:
        return [mine]
    firms = session.scalars(
        select(row)
        .where(row.park_close_id == mine.id, row.reopened_at.is_(None))
        .order_by(row.organisation_id)
    ).all()
    for firm in firms:
        last = last_closed(session, ENTERPRISE, firm.organisation_id)
        if last > month:
            code = keys.codes["enterprise"][firm.organisation_id]
            raise RuleBroken("reopen_later_first", value=code, month=month_text(last))
    return [mine, *firms]


def _parks_above(keys: Keys, organisation: Organisation) -> list[str]:
    if organisation.kind == PARK:
        return keys.registry.parks_up(organisation.code)[1:]
    return keys.registry.parks_up(keys.registry.park_of(organisation.code))


def _not_under_a_park(session: Session, keys: Keys, parks: Sequence[str], month: int) -> None:
    """A month that a park above holds closed can only be reopened by that park."""
    for code in parks:
        if last_closed(session, PARK, keys.id_of("park", code)) >= month:
            raise RuleBroken("closed_by_park", month=month_text(month), park=code)
