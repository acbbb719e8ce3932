"""Signing in with password or identity provider, and out; failures make the next try wait.

A try is counted as failed before the password is looked at and the count taken back when it is
right, in the database: parallel tries on several server processes gain nothing.  Logins that do
not exist cost the same work, are counted the same and look the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.credentials import FORGET_AFTER, wait_after
from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.services.account_log import note
from wasteflow.services.acting import digest
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.users import HASHER, NewUser, find, verified
from wasteflow_models.accounts import AccountRow, SignInGuardRow, SignInRow
from wasteflow_models.engine import Alone, Database

KEPT_DAYS: Final = 30
_USER, _ADDRESS = "user", "address"


class Opened(Struct, frozen=True):
    """A sign-in just opened: the secret for the browser's cookie, said once."""

    secret: str
    login: str
    lang: str
    must_change: bool


class SignInRefused(WasteflowError):
    """`sign_in_failed`, or `sign_in_locked` with the `seconds` to wait; never says which part."""


def sign_in(
    *, db: Database, login: str, password: str, now: datetime, hours: int, address: str = ""
) -> Opened:
    """Open a sign-in of `hours` for login and password; raises SignInRefused.

    Two transactions: no writer may wait for a password to be hashed.
    """
    login = login.strip().lower()[:80]
    _count_try(db=db, login=login, address=address, now=now)
    with db.read() as session:
        account = find(session, login)
        stored = account.password_hash if account is not None and account.active else ""
    right = verified(stored, password)
    renewed = HASHER.hash(password) if right and HASHER.check_needs_rehash(stored) else ""
    opened = None
    with db.write(Alone.NOBODY) as session:
        account = find(session, login, lock=True)
        if right and account is not None and account.active and account.password_hash == stored:
            account.password_hash = renewed or stored
            _forgive(session, login, address, now)
            opened = _open(session, account, now, hours, address, "sign_in")
        else:
            note(session, "sign_in.failed", actor=None, now=now, address=address, about=login)
    if opened is None:
        raise SignInRefused("sign_in_failed")
    return opened


@again_if_overtaken
def sign_in_by_subject(
    *,
    db: Database,
    subject: str,
    now: datetime,
    hours: int,
    address: str = "",
    create: NewUser | None = None,
) -> Opened:
    """Open a sign-in for whom the identity provider vouches.

    create: the user to make if nobody has this identity; never takes over a login that is there.
    Raises NotFound `oidc_no_user`.
    """
    with db.write(Alone.NOBODY) as session:
        account = session.scalars(
            select(AccountRow).where(AccountRow.oidc_subject == subject).with_for_update()
        ).one_or_none()
        if account is None and create is not None and find(session, create.login) is None:
            account = AccountRow(
                login=create.login,
                name=create.name or create.login,
                email=create.email,
                active=True,
                oidc_subject=subject,
                epoch=1,
                created_at=now,
            )
            session.add(account)
            session.flush()
            note(session, "user.create", actor=None, now=now, address=address, about=create.login)
        if account is None or not account.active:
            raise NotFound("oidc_no_user", value=subject)
        return _open(session, account, now, hours, address, "sign_in.oidc")


def sign_out(*, db: Database, secret: str, actor: Actor, now: datetime, address: str = "") -> None:
    """End a sign-in; one that has ended already stays as it is."""
    with db.write(Alone.NOBODY) as session:
        row = session.scalars(
            select(SignInRow).where(SignInRow.digest == digest(secret)).with_for_update()
        ).one_or_none()
        if row is not None and row.ended_at is None:
            row.ended_at = now
            note(session, "sign_out", actor=actor, now=now, address=address, about=actor.login)


def sign_out_everywhere(*, db: Database, actor: Actor, now: datetime, address: str = "") -> None:
    """End every sign-in of a user, as after a lost phone; tokens stay."""
    open_ = SignInRow.account_id == actor.user_id, SignInRow.ended_at.is_(None)
    with db.write(Alone.NOBODY) as session:
        session.execute(update(SignInRow).where(*open_).values(ended_at=now))
        note(
            session,
            "sign_out",
            actor=actor,
            now=now,
            address=address,
            about=actor.login,
            detail="everywhere",
        )


def _open(
    session: Session, account: AccountRow, now: datetime, hours: int, address: str, action: str
) -> Opened:
    old = now - timedelta(days=KEPT_DAYS)
    session.execute(delete(SignInRow).where(SignInRow.expires_at < old))
    secret = token_urlsafe(32)
    row = SignInRow(
        account_id=account.id,
        digest=digest(secret),
        epoch=account.epoch,
        created_at=now,
        expires_at=now + timedelta(hours=hours),
        address=address[:64],
    )
    session.add(row)
    session.flush()
    actor = Actor(account.id, account.login, session_id=row.id)
    note(session, action, actor=actor, now=now, address=address, about=account.login)
    return Opened(secret, account.login, account.lang, account.must_change)


def _keys(login: str, address: str) -> list[tuple[str, str]]:
    """(kind, key) of the guards of a try, in order of the keys so that nobody deadlocks."""
    keys = [(_USER, f"{_USER}:{login}")]
    return sorted([*keys, (_ADDRESS, f"{_ADDRESS}:{address[:64]}")] if address else keys)


@again_if_overtaken
def _count_try(*, db: Database, login: str, address: str, now: datetime) -> None:
    """Count a try as failed; SignInRefused `sign_in_locked` while one must wait."""
    with db.write(Alone.NOBODY) as session:
        session.execute(delete(SignInGuardRow).where(SignInGuardRow.last_at < now - FORGET_AFTER))
        guards = []
        for kind, key in _keys(login, address):
            row = session.get(SignInGuardRow, key, with_for_update=True)
            if row is not None and row.locked_until is not None and row.locked_until > now:
                seconds = int((row.locked_until - now).total_seconds()) + 1
                raise SignInRefused("sign_in_locked", seconds=seconds)
            guards.append((kind, key, row))
        for kind, key, found in guards:
            row = found or SignInGuardRow(key=key, failures=0, last_at=now)
            row.failures += 1
            row.last_at = now
            wait = wait_after(kind, row.failures)
            row.locked_until = now + wait if wait else None
            session.add(row)


def _forgive(session: Session, login: str, address: str, now: datetime) -> None:
    """The try was right: its login starts afresh, its address gets this one try back."""
    for kind, key in _keys(login, address):
        row = session.get(SignInGuardRow, key, with_for_update=True)
        if row is None:
            continue
        row.failures = 0 if kind == _USER else max(0, row.failures - 1)
        row.locked_until = None
        if not row.failures:
            session.delete(row)
