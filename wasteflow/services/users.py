"""Users: create, find, password, language, deactivate; nobody locks out the last system admin."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Membership, Role, Subject
from wasteflow.core.credentials import check_password, clean_login
from wasteflow.core.errors import InvalidValue, NotFound, RuleBroken
from wasteflow.core.permissions import require
from wasteflow.services.account_log import alone, note
from wasteflow.services.again import again_if_overtaken
from wasteflow_models.accounts import AccountRow, MembershipRow
from wasteflow_models.engine import Alone, Database

HASHER: Final = PasswordHasher()
"""argon2id with the parameters of RFC 9106 for little memory (64 MiB, 3 passes)."""


class NewUser(Struct, frozen=True):
    """What is known of a user to be; `password` "" for one who signs in by OpenID Connect.

    `must_change`: the password was chosen by somebody else, and the user shall choose another.
    """

    login: str
    name: str = ""
    email: str = ""
    password: str = ""
    lang: str = ""
    oidc_subject: str = ""
    must_change: bool = True


@again_if_overtaken
def create_user(
    *,
    db: Database,
    user: NewUser,
    actor: Actor,
    now: datetime,
    membership: Membership | None = None,
    address: str = "",
    hasher: PasswordHasher = HASHER,
) -> int:
    """Create a user, with a first role; returns the id.

    An enterprise admin creates users for the own enterprise (`membership` in it), a system admin
    any.
    Raises Denied; InvalidValue `login_bad`, `login_taken`, `password_…`, and those of a grant.
    """
    from wasteflow.services.memberships import add_membership, subject_of_membership

    login = clean_login(user.login)
    if user.password:
        check_password(user.password, login)
    secret = hasher.hash(user.password) if user.password else ""
    with db.write(Alone.NOBODY) as session:
        subject = subject_of_membership(session, membership) if membership else Subject()
        require(actor, "user.create", subject)
        if find(session, login) is not None:
            raise InvalidValue("login_taken", value=login)
        row = AccountRow(
            login=login,
            name=user.name.strip() or login,
            email=user.email.strip(),
            password_hash=secret,
            must_change=bool(secret) and user.must_change,
            active=True,
            lang=user.lang,
            oidc_subject=user.oidc_subject or None,
            epoch=1,
            created_at=now,
        )
        session.add(row)
        session.flush()
        organisation = membership.organisation if membership else ""
        note(
            session,
            "user.create",
            actor=actor,
            now=now,
            address=address,
            about=login,
            organisation=organisation,
        )
        if membership is not None:
            add_membership(session, row, membership, actor=actor, now=now, address=address)
        return row.id


def set_password(
    *,
    db: Database,
    login: str,
    password: str,
    actor: Actor,
    now: datetime,
    current: str = "",
    address: str = "",
    hasher: PasswordHasher = HASHER,
) -> None:
    """Set a password and end every sign-in of the user at once.

    Oneself needs the `current` password; others need the right `user.write`, and the user must
    choose a new one.
    Raises Denied; InvalidValue `password_…`; NotFound `user_unknown`.
    """
    own = actor.login == login.strip().lower()
    with db.read() as session:
        row = known(session, login)
        require(actor, "account.write" if own else "user.write", Subject(user=row.login))
        stored, login = row.password_hash, row.login
    if own and not verified(stored, current):
        raise InvalidValue("password_wrong")
    check_password(password, login)
    secret = hasher.hash(password)
    with db.write(Alone.NOBODY) as session:
        row = known(session, login, lock=True)
        if row.password_hash != stored and own:
            raise InvalidValue("password_wrong")
        row.password_hash, row.must_change = secret, not own
        row.epoch += 1
        note(session, "user.password", actor=actor, now=now, address=address, about=login)


def set_language(
    *, db: Database, lang: str, actor: Actor, now: datetime, address: str = ""
) -> None:
    """Set the language of the own pages and mails: "zh", "en" or "" (that of the site)."""
    if lang not in ("", "zh", "en"):
        raise InvalidValue("unknown_code", what="lang", value=lang)
    with db.write(Alone.NOBODY) as session:
        require(actor, "account.write", Subject(user=actor.login))
        row = known(session, actor.login, lock=True)
        row.lang = lang
        note(session, "user.lang", actor=actor, now=now, address=address, about=row.login)


def set_active(
    *,
    db: Database,
    login: str,
    active: bool,
    actor: Actor,
    now: datetime,
    address: str = "",
) -> None:
    """Deactivate a user (every sign-in and token ends at once) or activate again.

    Raises Denied; NotFound `user_unknown`; RuleBroken `last_system_admin`.
    """
    with db.write(Alone.NOBODY) as session:
        alone(session)
        require(actor, "user.write", Subject())
        row = known(session, login, lock=True)
        if row.active == active:
            return
        if not active:
            row.epoch += 1
        row.active = active
        session.flush()
        keep_an_admin(session, now)
        action = "user.activate" if active else "user.deactivate"
        note(session, action, actor=actor, now=now, address=address, about=row.login)


def users_report(*, db: Database, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Every user with the roles in force, by login."""
    with db.read() as session:
        require(actor, "user.read", Subject())
        roles = _roles_now(session, now)
        rows = session.scalars(select(AccountRow).order_by(AccountRow.login))
        return [
            {
                "login": row.login,
                "name": row.name,
                "email": row.email,
                "active": row.active,
                "created_at": row.created_at,
                "roles": roles.get(row.id, []),
            }
            for row in rows
        ]


def any_user(*, db: Database) -> bool:
    """Whether there is a user at all."""
    with db.read() as session:
        return session.execute(select(AccountRow.id).limit(1)).first() is not None


def find(session: Session, login: str, *, lock: bool = False) -> AccountRow | None:
    """The account of a login."""
    query = select(AccountRow).where(AccountRow.login == login.strip().lower())
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def known(session: Session, login: str, *, lock: bool = False) -> AccountRow:
    """The account of a login; NotFound `user_unknown`."""
    row = find(session, login, lock=lock)
    if row is None:
        raise NotFound("user_unknown", value=login)
    return row


def keep_an_admin(session: Session, now: datetime) -> None:
    """RuleBroken `last_system_admin` if nobody who can sign in is system admin any more.

    Only where there has been one: a database may hold users before it has an admin.
    """
    admins = select(MembershipRow.account_id).where(
        MembershipRow.role == Role.SYSTEM_ADMIN.value, MembershipRow.valid_from <= now
    )
    if session.execute(admins.limit(1)).first() is None:
        return
    able = (
        select(func.count())
        .select_from(MembershipRow)
        .join(AccountRow, AccountRow.id == MembershipRow.account_id)
        .where(
            MembershipRow.role == Role.SYSTEM_ADMIN.value,
            MembershipRow.valid_from <= now,
            MembershipRow.valid_to.is_(None),
            AccountRow.active,
            or_(AccountRow.password_hash != "", AccountRow.oidc_subject.is_not(None)),
        )
    )
    if not session.execute(able).scalar_one():
        raise RuleBroken("last_system_admin")


def verified(stored: str, password: str) -> bool:
    """Whether a password belongs to a stored hash; the same work where there is none."""
    try:
        HASHER.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


@cache
def _nobody() -> str:
    """A hash no password belongs to that anybody knows."""
    from secrets import token_urlsafe

    return HASHER.hash(token_urlsafe(32))


def _roles_now(session: Session, now: datetime) -> dict[int, list[Membership]]:
    query = (
        select(MembershipRow.account_id, MembershipRow.role, MembershipRow.organisation)
        .where(
            MembershipRow.valid_from <= now,
            or_(MembershipRow.valid_to.is_(None), MembershipRow.valid_to > now),
        )
        .order_by(MembershipRow.account_id, MembershipRow.role, MembershipRow.organisation)
    )
    found: dict[int, list[Membership]] = {}
    for account, role, organisation in session.execute(query):
        found.setdefault(account, []).append(Membership(Role(role), organisation))
    return found
