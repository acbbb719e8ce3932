"""Who acts: the actor of a sign-in, of an API token, of a login, with memberships in force now.

A delegation in force is a membership with the role `delegate`, narrowed to the records it names;
one granted to a firm reaches the admins and operators of that firm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, or_, select, update
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Membership, Role
from wasteflow_models.accounts import (
    AccountRow,
    DelegationRow,
    MembershipRow,
    SignInRow,
    TokenRow,
)
from wasteflow_models.engine import Alone, Database

USED_EVERY: Final = timedelta(minutes=10)
"""The last use of a token is noted at most this often: a read must not become a write."""
_DELEGATING: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR)
_T, _A, _M, _D = (table.__table__ for table in (TokenRow, AccountRow, MembershipRow, DelegationRow))
_TOKEN: Final = (
    select(
        _T.c.id,
        _T.c.account_id,
        _T.c.scopes,
        _T.c.expires_at,
        _T.c.revoked_at,
        _T.c.used_at,
        _A.c.login,
        _A.c.name,
        _A.c.active,
    )
    .join(_A, _A.c.id == _T.c.account_id)
    .where(_T.c.digest == bindparam("digest"))
)
_NOW: Final[BindParameter[datetime]] = bindparam("now", type_=_M.c.valid_from.type)
_MEMBERSHIPS: Final = (
    select(_M.c.role, _M.c.organisation)
    .where(
        _M.c.account_id == bindparam("account"),
        _M.c.valid_from <= _NOW,
        or_(_M.c.valid_to.is_(None), _M.c.valid_to > _NOW),
    )
    .order_by(_M.c.role, _M.c.organisation)
)
_FIRMS: Final[BindParameter[Any]] = bindparam("firms", expanding=True)
_DELEGATIONS: Final = (
    select(_D.c.enterprise, _D.c.families)
    .where(
        or_(
            _D.c.account_id == bindparam("account"),
            _D.c.organisation.in_(_FIRMS),
        ),
        _D.c.valid_from <= _NOW,
        _D.c.valid_to > _NOW,
        _D.c.revoked_at.is_(None),
    )
    .order_by(_D.c.id)
)
"""Built once, and of plain columns: every request asks them, and objects cost more than answers."""
TOKEN_MARK: Final = "wf_"
"""First characters of every token, so that scanners find one that was committed somewhere."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An actor with what the pages need beside it."""

    actor: Actor
    lang: str
    must_change: bool


def digest(secret: str) -> str:
    """SHA-256 of a token or the secret of a sign-in, as stored.

    These are 256 random bits: nothing is gained by a slow hash.
    """
    return sha256(secret.encode()).hexdigest()


def actor_of_session(*, db: Database, secret: str, now: datetime) -> SignedIn | None:
    """Who signed in with this browser; None if it ended, ran out, or the account was closed."""
    with db.read() as session:
        found = session.execute(
            select(SignInRow, AccountRow)
            .join(AccountRow, AccountRow.id == SignInRow.account_id)
            .where(SignInRow.digest == digest(secret))
        ).one_or_none()
        if found is None:
            return None
        sign_in, account = found
        gone = sign_in.ended_at is not None or sign_in.expires_at <= now
        if gone or not account.active or sign_in.epoch != account.epoch:
            return None
        actor = _actor(session, account, now, session_id=sign_in.id)
        return SignedIn(actor, account.lang, account.must_change)


def actor_of_token(*, db: Database, token: str, now: datetime) -> Actor | None:
    """Whose token this is; None if it is unknown, ran out, was revoked, or the account closed."""
    if not token.startswith(TOKEN_MARK):
        return None
    with db.read() as session:
        row = session.connection().execute(_TOKEN, {"digest": digest(token)}).one_or_none()
        if row is None:
            return None
        if row.revoked_at is not None or row.expires_at <= now or not row.active:
            return None
        scopes = frozenset(row.scopes.split(";")) if row.scopes else None
        actor = Actor(
            user_id=row.account_id,
            login=row.login,
            name=row.name,
            memberships=memberships_of(session, row.account_id, now),
            token_id=row.id,
            scopes=scopes,
        )
        stale = row.used_at is None or row.used_at + USED_EVERY <= now
    if stale:
        note_use(db=db, token_id=actor.token_id, now=now)
    return actor


def note_use(*, db: Database, token_id: int, now: datetime) -> None:
    """Note when a token was last used."""
    with db.write(Alone.NOBODY) as session:
        session.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=now))


def actor_of_login(*, db: Database, login: str, now: datetime) -> Actor | None:
    """The actor of an active account by its login; None if there is none."""
    with db.read() as session:
        account = session.scalars(
            select(AccountRow).where(AccountRow.login == login.strip().lower())
        ).one_or_none()
        return None if account is None or not account.active else _actor(session, account, now)


def memberships_of(session: Session, account_id: int, now: datetime) -> tuple[Membership, ...]:
    """Memberships and delegations in force, in order."""
    told = {"account": account_id, "now": now}
    session.flush()
    connection = session.connection()
    rows = connection.execute(_MEMBERSHIPS, told)
    own = {Membership(Role(role), organisation) for role, organisation in rows}
    firms = sorted(item.organisation for item in own if item.role in _DELEGATING)
    rows = connection.execute(_DELEGATIONS, {**told, "firms": firms})
    families: dict[str, frozenset[str]] = {}
    for enterprise, words in rows:
        families[enterprise] = families.get(enterprise, frozenset()) | set(words.split(";"))
    given = {Membership(Role.DELEGATE, firm, words) for firm, words in families.items()}
    return tuple(sorted(own | given, key=lambda item: (item.role.value, item.organisation)))


def _actor(
    session: Session,
    account: AccountRow,
    now: datetime,
    *,
    token_id: int = 0,
    session_id: int = 0,
    scopes: frozenset[str] | None = None,
) -> Actor:
    return Actor(
        user_id=account.id,
        login=account.login,
        name=account.name,
        memberships=memberships_of(session, account.id, now),
        token_id=token_id,
        scopes=scopes,
        session_id=session_id,
    )
