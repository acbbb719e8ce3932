"""Webhooks: somebody's address that is told of changes; made, listed, changed, removed.

Who may is `webhook.read` and `webhook.write` over the scope a webhook is about.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.permissions import Verdict, judge, require
from wasteflow.core.reach import subject_of_scope
from wasteflow.services.identity import new_uids
from wasteflow.services.outbound import checked_address
from wasteflow.services.registry_objects import ObjectChanged
from wasteflow_models.api import WebhookDeliveryRow, WebhookRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.live import ChangeRow

KINDS: Final = ("shipment", "entry", "product", "revision", "close", "import")
SECRET_MARK: Final = "whsec_"
MOST: Final = 20
"""Webhooks of one scope at most."""


class Webhook(Struct, frozen=True):
    """A webhook without its secret, which is said once when it is made."""

    uid: str
    scope: str
    url: str
    kinds: tuple[str, ...]
    active: bool
    off_reason: str
    version: int
    created_at: datetime
    after: int
    failures: int
    next_at: datetime


def create_webhook(
    *,
    db: Database,
    scope: str,
    url: str,
    kinds: Collection[str],
    actor: Actor,
    now: datetime,
    private: bool = False,
) -> tuple[Webhook, str]:
    """Make a webhook that is told of changes from now on; (it, its secret).

    Raises Denied; NotFound `unknown_code`; InvalidValue `bad_scope`, `webhook_url`,
    `webhook_private`, `webhook_too_many`.
    """
    checked_address(url, private=private)
    secret = SECRET_MARK + secrets.token_urlsafe(32)
    with db.write(Alone.NOBODY) as session:
        _demand(session, actor, "webhook.write", scope)
        there = select(func.count()).select_from(WebhookRow).where(WebhookRow.scope == scope)
        if (session.scalar(there) or 0) >= MOST:
            raise InvalidValue("webhook_too_many", limit=MOST)
        row = WebhookRow(
            uid=str(new_uids(1, now)[0]),
            scope=scope,
            url=url,
            secret=secret,
            kinds=";".join(word for word in KINDS if word in kinds),
            active=True,
            off_reason="",
            version=1,
            account_id=actor.user_id,
            created_at=now,
            after=int(session.scalar(select(func.max(ChangeRow.id))) or 0),
            failures=0,
            next_at=now,
        )
        session.add(row)
        session.flush()
        return told(row), secret


def list_webhooks(*, db: Database, actor: Actor) -> list[Webhook]:
    """Webhooks of scopes the actor may read them of, oldest first."""
    with db.read() as session:
        registry = load_keys(session).registry
        rows = session.scalars(select(WebhookRow).order_by(WebhookRow.id)).all()
        return [
            told(row)
            for row in rows
            if judge(actor, "webhook.read", subject_of_scope(registry, row.scope), "webhook.read")
            is Verdict.ALLOWED
        ]


def get_webhook(*, db: Database, uid: str, actor: Actor) -> Webhook:
    """A webhook by its public id; Denied; NotFound `record_unknown`."""
    with db.read() as session:
        row = _row(session, uid)
        _demand(session, actor, "webhook.read", row.scope)
        return told(row)


def change_webhook(
    *,
    db: Database,
    uid: str,
    changes: Mapping[str, Any],
    version: str,
    actor: Actor,
    now: datetime,
    private: bool = False,
) -> Webhook:
    """Change url, kinds or active; switched on again it starts with a clean slate.

    Raises Denied; NotFound; ObjectChanged; InvalidValue.
    """
    with db.write(Alone.NOBODY) as session:
        row = _row(session, uid, lock=True)
        _demand(session, actor, "webhook.write", row.scope)
        if version and version != str(row.version):
            raise ObjectChanged(str(row.version))
        if "url" in changes:
            checked_address(changes["url"], private=private)
            row.url = changes["url"]
        if "kinds" in changes:
            row.kinds = ";".join(word for word in KINDS if word in changes["kinds"])
        if "active" in changes:
            row.active = changes["active"]
            row.off_reason = "" if row.active else "by_hand"
        row.failures, row.next_at = 0, now
        row.version += 1
        session.flush()
        return told(row)


def delete_webhook(*, db: Database, uid: str, actor: Actor) -> None:
    """Remove a webhook and its log; Denied; NotFound."""
    with db.write(Alone.NOBODY) as session:
        row = _row(session, uid, lock=True)
        _demand(session, actor, "webhook.write", row.scope)
        session.execute(delete(WebhookDeliveryRow).where(WebhookDeliveryRow.webhook_id == row.id))
        session.delete(row)


def deliveries(
    *, db: Database, uid: str, actor: Actor, before: int = 0, limit: int
) -> list[dict[str, Any]]:
    """Attempts to tell a webhook, newest first; Denied; NotFound."""
    with db.read() as session:
        row = _row(session, uid)
        _demand(session, actor, "webhook.read", row.scope)
        attempt = WebhookDeliveryRow
        query = select(attempt).where(attempt.webhook_id == row.id)
        if before:
            query = query.where(attempt.id < before)
        return [
            {
                "id": item.id,
                "change": item.change_id,
                "attempt": item.attempt,
                "at": item.at,
                "status": item.status or None,
                "error": item.error,
                "duration_ms": item.duration_ms,
            }
            for item in session.scalars(query.order_by(attempt.id.desc()).limit(limit))
        ]


def _demand(session: Session, actor: Actor, right: str, scope: str) -> None:
    subject = subject_of_scope(load_keys(session).registry, scope)
    require(actor, right, subject, "webhook.read")


def _row(session: Session, uid: str, *, lock: bool = False) -> WebhookRow:
    query = select(WebhookRow).where(WebhookRow.uid == uid)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("record_unknown", value=uid)
    return row


def told(row: WebhookRow) -> Webhook:
    """A row without its secret."""
    return Webhook(
        row.uid,
        row.scope,
        row.url,
        tuple(row.kinds.split(";")) if row.kinds else (),
        row.active,
        row.off_reason,
        row.version,
        row.created_at,
        row.after,
        row.failures,
        row.next_at,
    )
