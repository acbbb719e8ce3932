"""Delegations: an enterprise lets a person or another firm keep its records for a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.periods import SHANGHAI
from wasteflow.core.permissions import TABLE, Denied, Verdict, require, standings
from wasteflow.core.reach import subject_of_firms
from wasteflow.services.account_log import note
from wasteflow.services.naming import known as registered
from wasteflow.services.users import known
from wasteflow_models.accounts import AccountRow, DelegationRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database

FAMILIES: Final = ("entry", "shipment")
MOST_DAYS: Final = 731


class NewDelegation(Struct, frozen=True):
    """What is granted to whom: the user `login` or the staff of `organisation`, days inclusive."""

    enterprise: str
    login: str = ""
    organisation: str = ""
    families: Collection[str] = FAMILIES
    first: date | None = None
    last: date | None = None
    reason: str = ""


def grant_delegation(
    *, db: Database, delegation: NewDelegation, actor: Actor, now: datetime, address: str = ""
) -> int:
    """Grant a delegation; returns its id.  Days are those of Asia/Shanghai.

    Raises Denied; NotFound `user_unknown`, `unknown_code`; InvalidValue `delegation_…`.
    """
    today = now.astimezone(SHANGHAI).date()
    first, last = delegation.first or today, delegation.last or today
    if last < max(first, today) or (last - first).days >= MOST_DAYS:
        raise InvalidValue("delegation_dates", days=MOST_DAYS)
    families = [word for word in FAMILIES if word in delegation.families]
    if not families or set(delegation.families) - set(FAMILIES):
        raise InvalidValue("delegation_families")
    to_user, to_firm = delegation.login.strip(), delegation.organisation.strip()
    if bool(to_user) == bool(to_firm) or to_firm == delegation.enterprise:
        raise InvalidValue("delegation_holder")
    with db.write(Alone.NOBODY) as session:
        registry = load_keys(session).registry
        registered(registry.enterprises, "enterprise", delegation.enterprise)
        require(actor, "delegation.write", subject_of_firms(registry, delegation.enterprise))
        if to_firm:
            registered(registry.enterprises, "enterprise", to_firm)
        row = DelegationRow(
            enterprise=delegation.enterprise,
            account_id=known(session, to_user).id if to_user else None,
            organisation=to_firm,
            families=";".join(families),
            reason=delegation.reason.strip(),
            valid_from=max(now, _midnight(first)),
            valid_to=_midnight(last + timedelta(days=1)),
            granted_at=now,
            granted_by=actor.login,
        )
        session.add(row)
        session.flush()
        note(
            session,
            "delegation.grant",
            actor=actor,
            now=now,
            address=address,
            about=to_user or to_firm,
            organisation=delegation.enterprise,
            detail=f"{row.families} {first}..{last}",
        )
        return row.id


def revoke_delegation(
    *,
    db: Database,
    delegation_id: int,
    reason: str,
    actor: Actor,
    now: datetime,
    address: str = "",
) -> None:
    """End a delegation now.

    Raises Denied (what is not one's business as such); NotFound `delegation_unknown`;
    InvalidValue `reason_needed`.
    """
    if not reason.strip():
        raise InvalidValue("reason_needed")
    with db.write(Alone.NOBODY) as session:
        row = session.get(DelegationRow, delegation_id, with_for_update=True)
        if row is None:
            raise NotFound("delegation_unknown")
        registry = load_keys(session).registry
        require(actor, "delegation.write", subject_of_firms(registry, row.enterprise))
        if row.revoked_at is not None or row.valid_to <= now:
            raise NotFound("delegation_unknown")
        row.revoked_at, row.revoked_by, row.revoke_reason = now, actor.login, reason.strip()
        note(
            session,
            "delegation.revoke",
            actor=actor,
            now=now,
            address=address,
            about=_holder(session, row),
            organisation=row.enterprise,
            detail=reason.strip(),
        )


def delegations_report(
    *, db: Database, actor: Actor, now: datetime, enterprise: str = ""
) -> list[dict[str, Any]]:
    """Delegations an enterprise granted, or all that were granted to the actor; newest first.

    `in_force` says whether one holds now, `granted` that it is one of `enterprise`.
    Raises Denied.
    """
    with db.read() as session:
        query = select(DelegationRow)
        if enterprise:
            subject = subject_of_firms(load_keys(session).registry, enterprise)
            if not standings(actor, subject) & TABLE["delegation.read"]:
                raise Denied(Verdict.NOT_ONES_BUSINESS, "delegation.read")
            query = query.where(DelegationRow.enterprise == enterprise)
        else:
            firms = sorted(actor.organisations(Role.ENTERPRISE_ADMIN, Role.OPERATOR))
            query = query.where(
                or_(
                    DelegationRow.account_id == actor.user_id,
                    DelegationRow.organisation.in_(firms),
                )
            )
        rows = session.scalars(query.order_by(DelegationRow.id.desc())).all()
        return [
            {
                "id": row.id,
                "enterprise": row.enterprise,
                "holder": _holder(session, row),
                "to_user": row.account_id is not None,
                "families": row.families.split(";"),
                "first": row.valid_from.astimezone(SHANGHAI).date(),
                "last": (row.valid_to.astimezone(SHANGHAI) - timedelta(days=1)).date(),
                "reason": row.reason,
                "granted_by": row.granted_by,
                "revoked_at": row.revoked_at,
                "revoked_by": row.revoked_by,
                "revoke_reason": row.revoke_reason,
                "in_force": row.revoked_at is None and row.valid_from <= now < row.valid_to,
                "open": row.revoked_at is None and now < row.valid_to,
            }
            for row in rows
        ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _holder(session: Session, row: DelegationRow) -> str:
    if row.account_id is None:
        return row.organisation
    return session.scalars(select(AccountRow.login).where(AccountRow.id == row.account_id)).one()
