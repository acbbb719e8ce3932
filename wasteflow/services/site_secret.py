"""Secrets all server processes share: the key that signs cookies."""

from __future__ import annotations

from sqlalchemy import select

from wasteflow_models.accounts import SecretRow
from wasteflow_models.engine import Database

COOKIE = "cookie"


def cookie_key(*, db: Database) -> str:
    """The key that signs session cookies, made when the tables were (migration 0008).

    It protects little: a cookie holds the secret of a sign-in of which the database keeps only a
    digest, so that a copy of the database signs nobody in.
    """
    with db.read() as session:
        query = select(SecretRow.value).where(SecretRow.name == COOKIE)
        return session.scalars(query).one()
