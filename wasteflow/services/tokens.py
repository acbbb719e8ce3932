"""API tokens: 256 random bits, said once, stored as SHA-256; made, listed, revoked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.permissions import TABLE, require
from wasteflow.services.account_log import note
from wasteflow.services.acting import TOKEN_MARK, digest
from wasteflow.services.users import known
from wasteflow_models.accounts import AccountRow, TokenRow
from wasteflow_models.engine import Alone, Database

MOST_DAYS, DEFAULT_DAYS = 730, 90
SHOWN: Final = len(TOKEN_MARK) + 5
SCOPES: Final = ("read", "write")


class NewToken(Struct, frozen=True):
    """A token just made; `secret` is said once and stored nowhere."""

    id: int
    secret: str
    prefix: str
    expires_at: datetime


def create_token(
    *,
    db: Database,
    actor: Actor,
    name: str,
    now: datetime,
    scopes: Iterable[str] = SCOPES,
    days: int = DEFAULT_DAYS,
    address: str = "",
) -> NewToken:
    """Make a token of the actor's own for `days`.

    scopes: "read", "write" or rights of the table; none: everything the user may, now and later.
    Changes of accounts are in no scope unless it names them (`permissions.CAREFUL`).
    Raises Denied; InvalidValue `token_days`, `token_scope`.
    """
    wanted = sorted(set(scopes))
    for word in wanted:
        if word not in SCOPES and word not in TABLE:
            raise InvalidValue("token_scope", value=word)
    if not 1 <= days <= MOST_DAYS:
        raise InvalidValue("token_days", most=MOST_DAYS)
    require(actor, "token.write", Subject(user=actor.login))
    if actor.scopes is not None and not (wanted and actor.scopes.issuperset(wanted)):
        # A token must not make itself a wider one.
        raise InvalidValue("token_scope", value=", ".join(wanted) or "*")
    secret = TOKEN_MARK + token_urlsafe(32)
    with db.write(Alone.NOBODY) as session:
        account = known(session, actor.login)
        row = TokenRow(
            account_id=account.id,
            name=name.strip()[:100],
            digest=digest(secret),
            prefix=secret[:SHOWN],
            scopes=";".join(wanted),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        session.add(row)
        session.flush()
        note(
            session,
            "token.create",
            actor=actor,
            now=now,
            address=address,
            about=account.login,
            detail=f"{row.prefix} {row.name}".strip(),
        )
        return NewToken(row.id, secret, row.prefix, row.expires_at)


def revoke_token(
    *, db: Database, token_id: int, actor: Actor, now: datetime, address: str = ""
) -> None:
    """Revoke a token: one's own, or anybody's as system admin.

    Raises NotFound `token_unknown`, also for what is not one's business.
    """
    with db.write(Alone.NOBODY) as session:
        row = session.get(TokenRow, token_id, with_for_update=True)
        login = session.scalars(
            select(AccountRow.login).where(AccountRow.id == (row.account_id if row else 0))
        ).one_or_none()
        if row is None or login is None:
            raise NotFound("token_unknown")
        require(actor, "token.revoke", Subject(user=login))
        if row.revoked_at is not None:
            raise NotFound("token_unknown")
        row.revoked_at = now
        note(
            session,
            "token.revoke",
            actor=actor,
            now=now,
            address=address,
            about=login,
            detail=f"{row.prefix} {row.name}".strip(),
        )


def tokens_report(*, db: Database, login: str, actor: Actor) -> list[dict[str, Any]]:
    """Tokens of a user, revoked and run out ones too, newest first; never the token itself.

    Raises Denied; NotFound `user_unknown`.
    """
    with db.read() as session:
        require(actor, "token.read", Subject(user=login.strip().lower()))
        account = known(session, login)
        rows = session.scalars(
            select(TokenRow).where(TokenRow.account_id == account.id).order_by(TokenRow.id.desc())
        )
        return [
            {
                "id": row.id,
                "name": row.name,
                "prefix": row.prefix,
                "scopes": row.scopes.split(";") if row.scopes else [],
                "created_at": row.created_at,
                "expires_at": row.expires_at,
                "used_at": row.used_at,
                "revoked_at": row.revoked_at,
            }
            for row in rows
        ]
