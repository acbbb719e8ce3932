"""The log of accounts: one line per act, written in the transaction of the act, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import organisations_with
from wasteflow_models.accounts import AccountEventRow, SecretRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

COMMAND: Final = "@command"
"""Login of whoever runs commands on the server: no user, and no user's login may begin so."""
LISTED: Final = 50


def commander() -> Actor:
    """The actor of the commands: whoever may read the database file may do anything with it."""
    return Actor(0, COMMAND, memberships=(Membership(Role.SYSTEM_ADMIN),))


def note(
    session: Session,
    action: str,
    *,
    actor: Actor | None,
    now: datetime,
    address: str,
    about: str = "",
    organisation: str = "",
    detail: str = "",
) -> None:
    """Add a line to the log; `address` is where the act came from, "command" on the server."""
    session.add(
        AccountEventRow(
            at=now,
            actor=actor.login if actor else "",
            action=action,
            about=about[:200],
            organisation=organisation[:200],
            address=address[:64],
            token_id=actor.token_id if actor else 0,
            sign_in_id=actor.session_id if actor else 0,
            detail=detail,
        )
    )


def alone(session: Session) -> None:
    """Accounts are administered one writer at a time: the last admin is removed by nobody."""
    session.execute(select(SecretRow.name).order_by(SecretRow.name).with_for_update())


def log_report(
    *, db: Database, actor: Actor, search: str = "", before: int = 0, limit: int = LISTED
) -> dict[str, Any]:
    """Lines of the log the actor may read, newest first: `{rows, total, next}`.

    An admin of an enterprise and a park manager read what happened in their organisations, a system
    admin everything.  `next` is the `before` of the following page, 0 at the end.
    Raises Denied.
    """
    with db.read() as session:
        query = select(AccountEventRow)
        if not actor.organisations(Role.SYSTEM_ADMIN):
            firms = organisations_with(actor, "audit.read", load_keys(session).registry)
            if not firms:
                raise Denied(Verdict.NOT_ONES_RIGHT, "audit.read")
            query = query.where(AccountEventRow.organisation.in_(firms))
        if search:
            pattern = f"%{search.strip().lower()}%"
            columns = (
                AccountEventRow.actor,
                AccountEventRow.about,
                AccountEventRow.action,
                AccountEventRow.organisation,
                AccountEventRow.address,
            )
            query = query.where(or_(*(func.lower(column).like(pattern) for column in columns)))
        total = session.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        if before:
            query = query.where(AccountEventRow.id < before)
        rows: Sequence[AccountEventRow] = session.scalars(
            query.order_by(AccountEventRow.id.desc()).limit(limit + 1)
        ).all()
        shown = [_line(row) for row in rows[:limit]]
        return {
            "rows": shown,
            "total": int(total),
            "next": shown[-1]["id"] if len(rows) > limit else 0,
        }


def _line(row: AccountEventRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "actor": row.actor,
        "action": row.action,
        "about": row.about,
        "organisation": row.organisation,
        "address": row.address,
        "token_id": row.token_id,
        "sign_in_id": row.sign_in_id,
        "detail": row.detail,
    }
