"""Roles of people in organisations: granted, revoked, listed; delegations are beside this."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import FIRM_ROLES, Actor, Membership, Role, Subject
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.permissions import require
from wasteflow.core.reach import subject_of_firms, subject_of_scope
from wasteflow.services.account_log import alone, note
from wasteflow.services.naming import known as registered
from wasteflow.services.users import keep_an_admin, known
from wasteflow_models.accounts import AccountRow, MembershipRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database


def role_of(word: str) -> Role:
    """The role of a word; InvalidValue `role_unknown`."""
    if word not in {role.value for role in Role}:
        raise InvalidValue("role_unknown", value=word, known=", ".join(Role))
    return Role(word)


def grant_membership(
    *,
    db: Database,
    login: str,
    membership: Membership,
    actor: Actor,
    now: datetime,
    address: str = "",
) -> None:
    """Give a user a role in an organisation from now on.

    Raises Denied; NotFound `user_unknown`, `unknown_code`; InvalidValue `role_…`,
    `membership_there`.
    """
    with db.write(Alone.NOBODY) as session:
        alone(session)
        subject_of = subject_of_membership(session, membership)
        require(actor, _right(membership, "write"), subject_of)
        row = known(session, login, lock=True)
        add_membership(session, row, membership, actor=actor, now=now, address=address)


def revoke_membership(
    *,
    db: Database,
    login: str,
    membership: Membership,
    actor: Actor,
    now: datetime,
    address: str = "",
) -> None:
    """Take a role back; it holds no more from the next request on.

    Raises Denied; NotFound `user_unknown`, `membership_unknown`; RuleBroken `last_system_admin`.
    """
    with db.write(Alone.NOBODY) as session:
        alone(session)
        require(actor, _right(membership, "write"), _subject(session, membership))
        account = known(session, login)
        rows = _open_rows(session, account.id, membership, now)
        if not rows:
            raise NotFound(
                "membership_unknown", login=account.login, organisation=membership.organisation
            )
        for row in rows:
            row.valid_to = now
        session.flush()
        if membership.role is Role.SYSTEM_ADMIN:
            keep_an_admin(session, now)
        _note(session, "member.revoke", account, membership, actor, now, address)


def members_report(
    *, db: Database, enterprise: str, actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    """People with a role in an enterprise now, by login and role.

    Raises Denied.
    """
    with db.read() as session:
        subject = subject_of_firms(load_keys(session).registry, enterprise)
        require(actor, "member.read", subject)
        query = (
            select(AccountRow, MembershipRow)
            .join(MembershipRow, MembershipRow.account_id == AccountRow.id)
            .where(
                MembershipRow.organisation == enterprise,
                MembershipRow.role.in_([role.value for role in FIRM_ROLES]),
                MembershipRow.valid_from <= now,
                or_(MembershipRow.valid_to.is_(None), MembershipRow.valid_to > now),
            )
            .order_by(AccountRow.login, MembershipRow.role)
        )
        return [
            {
                "login": account.login,
                "name": account.name,
                "active": account.active,
                "role": row.role,
                "since": row.valid_from,
            }
            for account, row in session.execute(query)
        ]


def subject_of_membership(session: Session, membership: Membership) -> Subject:
    """What a role is about; its organisation must be registered.

    Raises NotFound `unknown_code`; InvalidValue `role_needs_organisation`,
    `role_without_organisation`, `role_by_delegation`.
    """
    role, organisation = membership.role, membership.organisation
    registry = load_keys(session).registry
    if role is Role.DELEGATE:
        raise InvalidValue("role_by_delegation")
    if role is Role.SYSTEM_ADMIN and organisation:
        raise InvalidValue("role_without_organisation")
    if not organisation and role not in (Role.SYSTEM_ADMIN, Role.PLANNER):
        raise InvalidValue("role_needs_organisation", role=role.value)
    if role in FIRM_ROLES:
        registered(registry.enterprises, "enterprise", organisation)
    elif role is Role.PARK_MANAGER:
        registered(registry.parks, "park", organisation)
    elif role is Role.PLANNER and organisation:
        registered(registry.regions, "region", organisation)
    return _subject(session, membership)


def add_membership(
    session: Session,
    account: AccountRow,
    membership: Membership,
    *,
    actor: Actor,
    now: datetime,
    address: str,
) -> None:
    """Add the row of a grant the table allows; InvalidValue `membership_there`."""
    if _open_rows(session, account.id, membership, now):
        raise InvalidValue(
            "membership_there", login=account.login, organisation=membership.organisation
        )
    session.add(
        MembershipRow(
            account_id=account.id,
            role=membership.role.value,
            organisation=membership.organisation,
            valid_from=now,
        )
    )
    _note(session, "member.grant", account, membership, actor, now, address)


def _subject(session: Session, membership: Membership) -> Subject:
    """The subject of a role, also in an organisation that is registered no more."""
    registry = load_keys(session).registry
    organisation = membership.organisation
    if membership.role in FIRM_ROLES:
        return subject_of_firms(registry, organisation)
    if membership.role is Role.PARK_MANAGER and organisation in registry.parks:
        return subject_of_scope(registry, f"park:{organisation}")
    return Subject()


def _right(membership: Membership, what: str) -> str:
    family = "member" if membership.role in FIRM_ROLES else "office"
    return f"{family}.{what}"


def _open_rows(
    session: Session, account_id: int, membership: Membership, now: datetime
) -> list[MembershipRow]:
    query = (
        select(MembershipRow)
        .where(
            MembershipRow.account_id == account_id,
            MembershipRow.role == membership.role.value,
            MembershipRow.organisation == membership.organisation,
            or_(MembershipRow.valid_to.is_(None), MembershipRow.valid_to > now),
        )
        .order_by(MembershipRow.id)
    )
    return list(session.scalars(query))


def _note(
    session: Session,
    action: str,
    account: AccountRow,
    membership: Membership,
    actor: Actor,
    now: datetime,
    address: str,
) -> None:
    note(
        session,
        action,
        actor=actor,
        now=now,
        address=address,
        about=account.login,
        organisation=membership.organisation,
        detail=membership.role.value,
    )
