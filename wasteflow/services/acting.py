"""Who acts: the actor of a sign-in, of an API token, of a login, with memberships in force now.

A delegation in force is a membership with the role `delegate`, narrowed to the records it names;
one granted to a firm reaches the admins and operators of that firm.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    String,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
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
from wasteflow_models.prepared import Prepared

USED_EVERY: Final = timedelta(minutes=10)
"""The last use of a token is noted at most this often: a read must not become a write."""
_DELEGATING: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR)
_T, _A, _M, _D = (table.__table__ for table in (TokenRow, AccountRow, MembershipRow, DelegationRow))
_NOW: Final[BindParameter[datetime]] = bindparam("now", type_=_M.c.valid_from.type)
_IN_FORCE: Final = (
    _M.c.valid_from <= _NOW,
    or_(_M.c.valid_to.is_(None), _M.c.valid_to > _NOW),
)
_LENT_NOW: Final = (
    _D.c.valid_from <= _NOW,
    _D.c.valid_to > _NOW,
    _D.c.revoked_at.is_(None),
)
_MEMBERSHIPS: Final = (
    select(_M.c.role, _M.c.organisation)
    .where(_M.c.account_id == bindparam("account"), *_IN_FORCE)
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
        *_LENT_NOW,
    )
    .order_by(_D.c.id)
)
"""Built once, and of plain columns: every request asks them, and objects cost more than answers."""
_STALE: Final[BindParameter[datetime]] = bindparam("stale", type_=_T.c.used_at.type)
_NOTHING: Final = literal_column("''", String)
_TOKEN_ROW, _MEMBER, _LENT = 0, 1, 2


def _kind(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


def _token_query() -> CompoundSelect[Any]:
    """Everything about the actor of a token in one answer: rows of (kind, id, account, texts, use).

    The token with its account if both hold now; memberships; delegations.
    """
    mine = _T.c.digest == bindparam("digest")
    staff = select(_M.c.organisation).where(
        _M.c.account_id == _T.c.account_id,
        _M.c.role.in_([literal_column(f"'{role.value}'") for role in _DELEGATING]),
        *_IN_FORCE,
    )
    stale = or_(_T.c.used_at.is_(None), _T.c.used_at <= _STALE)
    use = case((stale, _kind(1)), else_=_kind(0))
    token = (
        select(_kind(_TOKEN_ROW), _T.c.id, _A.c.id, _T.c.scopes, _A.c.login, _A.c.name, use)
        .select_from(_T.join(_A, _A.c.id == _T.c.account_id))
        .where(mine, _T.c.revoked_at.is_(None), _T.c.expires_at > _NOW, _A.c.active)
    )
    none = _kind(0)
    own = (
        select(_kind(_MEMBER), none, none, _M.c.role, _M.c.organisation, _NOTHING, none)
        .select_from(_M.join(_T, _T.c.account_id == _M.c.account_id))
        .where(mine, *_IN_FORCE)
    )
    lent = (
        select(_kind(_LENT), none, none, _D.c.enterprise, _D.c.families, _NOTHING, none)
        .select_from(_D, _T)
        .where(mine, *_LENT_NOW)
        .where(
            or_(
                _D.c.account_id == _T.c.account_id,
                _D.c.organisation.in_(staff.correlate(_T)),
            )
        )
    )
    return union_all(token, own, lent)


_TOKEN: Final = Prepared(_token_query())
TOKEN_MARK: Final = "wf_"
"""First characters of every token, so that scanners find one that was committed somewhere."""


class SignedIn(Struct, frozen=True):
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
    """Whose token this is; None if it is unknown, ran out, was revoked, or the account closed.

    The database is asked with every request, so that a revocation holds from the next one on.
    """
    if not token.startswith(TOKEN_MARK):
        return None
    told = {"digest": digest(token), "now": now, "stale": now - USED_EVERY}
    with db.look() as connection:
        rows = _TOKEN.rows(connection, told)
    about = next((row for row in rows if row[0] == _TOKEN_ROW), None)
    if about is None:
        return None
    _, token_id, account_id, scopes, login, name, stale = about
    actor = Actor(
        user_id=account_id,
        login=login,
        name=name,
        memberships=_memberships(
            {
                Membership(Role(role), firm)
                for kind, _, _, role, firm, *_ in rows
                if kind == _MEMBER
            },
            [(firm, words) for kind, _, _, firm, words, *_ in rows if kind == _LENT],
        ),
        token_id=token_id,
        scopes=frozenset(scopes.split(";")) if scopes else None,
    )
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
    lent = connection.execute(_DELEGATIONS, {**told, "firms": firms})
    return _memberships(own, [(enterprise, words) for enterprise, words in lent])


def _memberships(own: set[Membership], lent: Iterable[tuple[str, str]]) -> tuple[Membership, ...]:
    """Memberships and, by enterprise, what the delegations (enterprise, families) allow."""
    families: dict[str, frozenset[str]] = {}
    for enterprise, words in lent:
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
