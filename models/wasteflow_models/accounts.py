"""Account tables: people, their roles and delegations, tokens, sign-ins, and who did what to whom.

Organisations are named by their stable codes, so that an account survives a registry that is
imported again.  Secrets are stored as argon2id hashes (passwords) or SHA-256 of 256 random bits.
"""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class AccountRow(Base):
    """A person; `login` is lower case, `epoch` grows when all sign-ins must end.

    `password_hash` is "" for somebody who signs in by OpenID Connect alone; `must_change` marks a
    password that somebody else chose.
    """

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str] = mapped_column(Text, default="")
    must_change: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    lang: Mapped[str] = mapped_column(String(2), default="")
    oidc_subject: Mapped[str | None] = mapped_column(String(400), unique=True)
    epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcMoment)


class MembershipRow(Base):
    """A role of a person in an organisation from `valid_from` until `valid_to` (None: open)."""

    __tablename__ = "membership"
    __table_args__ = (Index("ix_membership_organisation", "organisation", "role"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    valid_from: Mapped[datetime] = mapped_column(UtcMoment)
    valid_to: Mapped[datetime | None] = mapped_column(UtcMoment)


class DelegationRow(Base):
    """Leave to keep an enterprise's records, for a person or for the staff of another firm.

    `families` are "entry", "shipment" or both, joined by ";".
    """

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("(account_id IS NULL) <> (organisation = '')", name="one_holder"),
        Index("ix_delegation_organisation", "organisation"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    enterprise: Mapped[str] = mapped_column(String(80), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    organisation: Mapped[str] = mapped_column(String(80), default="")
    families: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")
    valid_from: Mapped[datetime] = mapped_column(UtcMoment)
    valid_to: Mapped[datetime] = mapped_column(UtcMoment)
    granted_at: Mapped[datetime] = mapped_column(UtcMoment)
    granted_by: Mapped[str] = mapped_column(String(80))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    revoked_by: Mapped[str] = mapped_column(String(80), default="")
    revoke_reason: Mapped[str] = mapped_column(Text, default="")


class TokenRow(Base):
    """An API token: SHA-256 of what was printed once, and its first characters to know it by.

    `scopes` joined by ";", "" = everything its user may.
    """

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(12))
    scopes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcMoment)
    expires_at: Mapped[datetime] = mapped_column(UtcMoment)
    used_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcMoment)


class SignInRow(Base):
    """A browser's sign-in; it holds while its `epoch` is that of the account."""

    __tablename__ = "sign_in"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    epoch: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(UtcMoment)
    expires_at: Mapped[datetime] = mapped_column(UtcMoment)
    ended_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    address: Mapped[str] = mapped_column(String(64), default="")


class SignInGuardRow(Base):
    """Failed sign-ins of a login or an address in a row, and until when the next must wait."""

    __tablename__ = "sign_in_guard"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcMoment, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UtcMoment)


class AccountEventRow(Base):
    """Who did what to whose account, when, from where, by which sign-in or token; append-only."""

    __tablename__ = "account_event"
    __table_args__ = (Index("ix_account_event_organisation", "organisation", "id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcMoment)
    actor: Mapped[str] = mapped_column(String(80), default="")
    action: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(200), default="", index=True)
    organisation: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    token_id: Mapped[int] = mapped_column(Key, default=0)
    sign_in_id: Mapped[int] = mapped_column(Key, default=0)
    detail: Mapped[str] = mapped_column(Text, default="")


class SecretRow(Base):
    """A secret all server processes share, such as the key that signs the session cookie.

    Its row is also what account administration locks, so that two admins cannot each remove the
    last of two system admins.
    """

    __tablename__ = "secret"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
