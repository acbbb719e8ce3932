"""Who could answer for a firm: somebody with an account there, or a delegate; reads only.

A partner who is not on the system must not hold up the chain.  Where the site keeps no accounts at
all nothing is known of who could answer, and every firm inside the books counts as able to.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Role
from wasteflow.services.live.held import Held
from wasteflow_models.accounts import AccountRow, DelegationRow, MembershipRow
from wasteflow_models.engine import SNAPSHOT

SIGNING: Final = (Role.ENTERPRISE_ADMIN.value, Role.OPERATOR.value)
"""Roles that sign for their firm."""


def can_answer(held: Held, firm: str, now: datetime) -> bool:
    """Whether somebody could sign for `firm` in the second of `now`; never for an external one.

    Moments of loads are whole seconds, those of memberships are not: who came in the same second
    before is there.
    """
    if held.external(firm):
        return False
    memo: dict[Any, bool] | None = held.session.info.get(SNAPSHOT)
    if memo is None:
        return _can_answer(held.session, firm, now)
    asked = "can_answer", firm, now
    if asked not in memo:
        memo[asked] = _can_answer(held.session, firm, now)
    return memo[asked]


def _can_answer(session: Session, firm: str, now: datetime) -> bool:
    begun = now.replace(microsecond=0) + timedelta(seconds=1)
    if not session.scalar(select(exists().select_from(AccountRow))):
        return True
    staff = (
        select(MembershipRow.id)
        .join(AccountRow, AccountRow.id == MembershipRow.account_id)
        .where(
            AccountRow.active,
            MembershipRow.organisation == firm,
            MembershipRow.role.in_(SIGNING),
            MembershipRow.valid_from < begun,
            or_(MembershipRow.valid_to.is_(None), MembershipRow.valid_to > now),
        )
        .limit(1)
    )
    delegated = (
        select(DelegationRow.id)
        .where(
            DelegationRow.enterprise == firm,
            DelegationRow.families.contains("shipment"),
            DelegationRow.revoked_at.is_(None),
            DelegationRow.valid_from < begun,
            DelegationRow.valid_to > now,
        )
        .limit(1)
    )
    return any(session.scalar(query) is not None for query in (staff, delegated))
