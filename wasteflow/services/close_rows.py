"""Rows of closes and of the stored attribution: which are in force, and the list for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.periods import month_text
from wasteflow.core.units import tonnes_text
from wasteflow.services.close_figures import CreditKey
from wasteflow_models.closes import ENTERPRISE, AttributionMonthRow, MonthCloseRow
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database


def in_force(session: Session, kind: str, month: int = 0) -> Sequence[MonthCloseRow]:
    """Closes that were not reopened, of one month or all, by organisation and month."""
    row = MonthCloseRow
    query = select(row).where(row.kind == kind, row.reopened_at.is_(None))
    if month:
        query = query.where(row.month == month)
    return session.scalars(query.order_by(row.organisation_id, row.month)).all()


def last_closed(session: Session, kind: str, organisation_id: int) -> int:
    """The last month an organisation itself has closed, 0 if none is in force."""
    row = MonthCloseRow
    query = select(func.max(row.month)).where(
        row.kind == kind, row.organisation_id == organisation_id, row.reopened_at.is_(None)
    )
    return session.scalar(query) or 0


def closed_months(*, db: Database) -> list[int]:
    """Months that some enterprise or park has closed, newest first."""
    row = MonthCloseRow
    query = select(row.month).where(row.reopened_at.is_(None)).distinct()
    with db.read() as session:
        return list(session.scalars(query.order_by(row.month.desc())))


def last_takes(session: Session, kind: str, organisation_id: int) -> dict[int, int]:
    """Month → how often an organisation has closed it so far."""
    row = MonthCloseRow
    query = (
        select(row.month, func.max(row.take))
        .where(row.kind == kind, row.organisation_id == organisation_id)
        .group_by(row.month)
        .order_by(row.month)
    )
    return {month: int(take) for month, take in session.execute(query)}


_KEY = tuple(getattr(AttributionMonthRow, name) for name in CreditKey._fields)


def in_force_credits(session: Session, firm_id: int) -> dict[CreditKey, int]:
    """What the closes in force of a firm stored of its attribution, added up."""
    row, close = AttributionMonthRow, MonthCloseRow
    query = (
        select(*_KEY, func.sum(row.kg))
        .join(close, close.id == row.close_id)
        .where(
            close.kind == ENTERPRISE,
            close.organisation_id == firm_id,
            close.reopened_at.is_(None),
        )
        .group_by(*_KEY)
        .order_by(*_KEY)
    )
    return {CreditKey(*found[:-1]): int(found[-1]) for found in session.execute(query) if found[-1]}


def add_credits(session: Session, close_id: int, credits: Mapping[CreditKey, int]) -> None:
    """Store the attribution of a close."""
    rows = [{"close_id": close_id, **key._asdict(), "kg": kg} for key, kg in credits.items()]
    if rows:
        session.execute(insert(AttributionMonthRow), rows)


def list_closes(
    *,
    db: Database,
    enterprise: str = "",
    park: str = "",
    month: int = 0,
    history: bool = False,
    figures: bool = False,
) -> list[dict[str, Any]]:
    """Closes by kind, organisation and month; those reopened too with `history`.

    enterprise, park, month: only theirs, "" and 0 for all; figures: with what was stored.
    """
    row = MonthCloseRow
    query = select(row).order_by(row.kind, row.organisation_id, row.month, row.take)
    if month:
        query = query.where(row.month == month)
    if not history:
        query = query.where(row.reopened_at.is_(None))
    with db.read() as session:
        keys = load_keys(session)
        found = [close_row(item, keys, figures) for item in session.scalars(query)]
    wanted = {("enterprise", enterprise), ("park", park)}
    if not enterprise and not park:
        return found
    return [item for item in found if (item["kind"], item["organisation"]) in wanted]


def close_row(row: MonthCloseRow, keys: Keys, figures: bool = False) -> dict[str, Any]:
    """JSON shape of one close."""
    found: dict[str, Any] = {
        "id": row.id,
        "kind": row.kind,
        "organisation": keys.codes[row.kind].get(row.organisation_id, ""),
        "month": month_text(row.month),
        "take": row.take,
        "through": month_text(row.through),
        "by_park": row.park_close_id > 0,
        "closed_at": row.closed_at.isoformat(),
        "closed_by": row.closed_by,
        "reason": row.reason,
        "reopened_at": row.reopened_at.isoformat() if row.reopened_at else None,
        "reopened_by": row.reopened_by,
        "reopened_reason": row.reopened_reason,
        "digest": row.digest,
    }
    return {**found, "figures": json.loads(row.figures)} if figures else found


def stored_attribution(*, db: Database, enterprise: str, month: int = 0) -> list[dict[str, Any]]:
    """The attribution that the closes in force of a firm stored, of one month or all."""
    with db.read() as session:
        keys = load_keys(session)
        credits = in_force_credits(session, keys.id_of("enterprise", enterprise))
    return [
        {
            "month": month_text(key.month),
            "material": keys.codes["material"][key.material_id],
            "year_generated": key.year or None,
            "basis": key.basis,
            "fate": key.fate,
            "route": keys.codes["route"][key.route_id],
            "evidence": key.evidence,
            "tonnes": tonnes_text(kg),
        }
        for key, kg in sorted(credits.items())
        if month in (0, key.month)
    ]
