"""Telling webhooks of changes: in order, signed, again after a pause, off after too many failures.

A call is made outside every transaction; what came of it is noted in one of its own.  One process
at a time delivers (`models.turns`); a call that was made and not noted is made again, so receivers
know a change by its number.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import delete, select

from wasteflow.core.reading import holder_word
from wasteflow.core.registry import Registry
from wasteflow.services.changes import Change, list_changes
from wasteflow.services.outbound import Told, post
from wasteflow_models.api import WebhookDeliveryRow, WebhookRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database

PAUSES_S: Final = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Wait after the first, second … failure in a row; after one more the webhook is switched off."""
LOG_DAYS: Final = 30
AT_ONCE: Final = 50
"""Changes told to one webhook before the next has its turn."""
Post = Callable[[str, bytes, Mapping[str, str]], Told]


class _Due(Struct, frozen=True):
    """A webhook whose turn it is."""

    id: int
    uid: str
    url: str
    secret: str
    after: int
    failures: int
    kinds: tuple[str, ...]
    firms: frozenset[str] | None


class Round(Struct):
    """What one round of deliveries did."""

    told: int = 0
    failed: int = 0
    switched_off: int = 0


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 (hex) over `<timestamp>.<body>`.

    >>> signature("whsec_x", 1700000000, b"{}")[:16]
    'be8cb8325f220244'
    """
    return hmac.new(secret.encode(), b"%d." % timestamp + body, "sha256").hexdigest()


def body_of(uid: str, change: Change) -> bytes:
    """The thin payload: which change of which record; the record itself is read by its id."""
    told: dict[str, Any] = {
        "webhook": uid,
        "change": {
            "id": change.id,
            "at": change.at.isoformat(),
            "kind": change.kind,
            "action": change.action,
            "ref": change.ref,
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(secret: str, change: Change, body: bytes, now: datetime) -> dict[str, str]:
    """Headers of a call: type, signature with its moment, number of the change."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "wasteflow-webhook/1",
        "Wasteflow-Change": str(change.id),
        "Wasteflow-Signature": f"t={timestamp},v1={signature(secret, timestamp, body)}",
    }


def deliver(
    *,
    db: Database,
    clock: Callable[[], datetime],
    private: bool = False,
    call: Post | None = None,
) -> Round:
    """Tell every webhook that is due of what it does not know yet; returns what was done."""
    done = Round()
    send = call or (lambda url, body, headers: post(url, body, headers, private=private))
    for due in _due(db, clock()):
        for _ in range(AT_ONCE):
            found = list_changes(
                db=db, after=due.after, limit=1, readers={"": due.firms}, kinds=due.kinds
            )
            if not found.items:
                if found.after > due.after:
                    _pass_over(db, due.id, found.after)
                break
            change = found.items[0]
            body = body_of(due.uid, change)
            began = time.monotonic()
            moment = clock()
            told = send(due.url, body, headers_of(due.secret, change, body, moment))
            took_ms = round(1000 * (time.monotonic() - began))
            if not _note(db, due, change.id, told, took_ms, moment, done):
                break
            due = _next(due, change.id)
    return done


def _next(due: _Due, after: int) -> _Due:
    return _Due(due.id, due.uid, due.url, due.secret, after, 0, due.kinds, due.firms)


def _due(db: Database, now: datetime) -> list[_Due]:
    """Webhooks that are on and whose pause is over, oldest first."""
    with db.read() as session:
        registry = load_keys(session).registry
        query = select(WebhookRow).where(WebhookRow.active, WebhookRow.next_at <= now)
        return [
            _Due(
                row.id,
                row.uid,
                row.url,
                row.secret,
                row.after,
                row.failures,
                tuple(row.kinds.split(";")) if row.kinds else (),
                _firms(registry, row.scope),
            )
            for row in session.scalars(query.order_by(WebhookRow.id))
        ]


def _firms(registry: Registry, scope: str) -> frozenset[str] | None:
    """What a webhook of a scope is told of: one of a firm also where its mass is moved."""
    if scope == "all":
        return None
    kind, _, code = scope.partition(":")
    mine = {holder_word(code)} if kind == "enterprise" else set()
    return registry.in_scope(scope) | mine


def _pass_over(db: Database, webhook_id: int, after: int) -> None:
    """Note that nothing up to `after` is the webhook's business."""
    with db.write(Alone.NOBODY) as session:
        row = session.get(WebhookRow, webhook_id, with_for_update=True)
        if row is not None and row.after < after:
            row.after = after


def _note(
    db: Database,
    due: _Due,
    change_id: int,
    told: Told,
    took_ms: int,
    now: datetime,
    done: Round,
) -> bool:
    """Write down an attempt; True if the webhook may be told of the next change."""
    with db.write(Alone.NOBODY) as session:
        row = session.get(WebhookRow, due.id, with_for_update=True)
        if row is None:
            return False
        session.add(
            WebhookDeliveryRow(
                webhook_id=row.id,
                change_id=change_id,
                attempt=row.failures + 1,
                at=now,
                status=told.status,
                error=told.error[:300],
                duration_ms=took_ms,
            )
        )
        if told.ok:
            row.after, row.failures, row.next_at = max(row.after, change_id), 0, now
            done.told += 1
            return row.active
        done.failed += 1
        row.failures += 1
        if row.failures > len(PAUSES_S):
            row.active, row.off_reason = False, "failures"
            row.version += 1
            done.switched_off += 1
        else:
            row.next_at = now + timedelta(seconds=PAUSES_S[row.failures - 1])
        return False


def forget_deliveries(*, db: Database, now: datetime, days: int = LOG_DAYS) -> int:
    """Drop attempts older than `days`; returns how many."""
    with db.write(Alone.NOBODY) as session:
        row = WebhookDeliveryRow
        done = session.execute(delete(row).where(row.at < now - timedelta(days=days)))
        return int(getattr(done, "rowcount", 0))
