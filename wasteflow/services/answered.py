"""Requests that are answered once: the answer is kept with what the request changed, or neither is.

A client that lost the answer sends the same request with the same key and gets it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

from msgspec import Struct
from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError
from wasteflow.services.again import TRIES
from wasteflow_models.api import IdempotencyRow
from wasteflow_models.engine import Alone, Database, is_conflict, linked
from wasteflow_models.prepared import Prepared

KEPT_DAYS: Final = 7
_ROW: Final = IdempotencyRow
_TABLE: Final = cast(Table, _ROW.__table__)
_HOLD: Final = Prepared(insert(_TABLE), _TABLE.c.keys())
_ANSWER: Final = Prepared(
    update(_TABLE)
    .where(_TABLE.c.account_id == bindparam("account"), _TABLE.c.key == bindparam("held"))
    .values({name: bindparam(name) for name in ("status", "headers", "body")})
)
_T = TypeVar("_T")


class KeyReused(WasteflowError):
    """The key belongs to another request of the same account."""

    def __init__(self) -> None:
        super().__init__("key_reused")


class KeptAnswer(Struct, frozen=True):
    """Status, headers and body of an answer; `replayed`: it was kept."""

    status: int
    headers: Mapping[str, str]
    body: str
    replayed: bool = False


def answer_once(
    *,
    db: Database,
    account_id: int,
    key: str,
    digest: str,
    now: datetime,
    make: Callable[[], KeptAnswer],
    alone: Alone | None = None,
) -> KeptAnswer:
    """`make()` in one transaction with its answer, or the answer kept under `key`.

    A duplicate that comes meanwhile waits for the first.  What `make` raises undoes everything and
    keeps nothing: the key is free again.  alone: what a service in it raises is not caught in it,
    and this is whom it keeps out.
    Raises KeyReused if `digest` is another one.
    """
    for left in reversed(range(TRIES)):
        try:
            with db.together(single=alone is not None, alone=alone) as session:
                _hold(session, account_id, key, digest, now, hurry=alone is None)
                answer = make()
                told = {
                    "account": account_id,
                    "held": key,
                    "status": answer.status,
                    "headers": json.dumps(dict(answer.headers)),
                    "body": answer.body,
                }
                session.flush()
                _ANSWER.later(linked(session), told)
            return answer
        except DBAPIError as error:
            if not _came_second(error):
                raise
            # First to be found out only now: a request is seldom a retry.
            found = kept_answer(db=db, account_id=account_id, key=key, digest=digest)
            if found is not None:
                db.settle()
                return found
            if not left:
                raise
    raise AssertionError("the last try returned or raised")


def _hold(
    session: Session, account_id: int, key: str, digest: str, now: datetime, *, hurry: bool = True
) -> None:
    """Take a key before anything is done, so that a duplicate waits.

    hurry: find out at once, and not with the next statement, that it is taken.
    """
    told = {"account_id": account_id, "key": key, "digest": digest, "at": now}
    hold = _HOLD.run if hurry else _HOLD.later
    hold(linked(session), {**told, "status": 0, "headers": "{}", "body": ""})


def _came_second(error: DBAPIError) -> bool:
    """True if another writer was there first (SQLite names the broken key in its message)."""
    return is_conflict(error) or "UNIQUE constraint failed: idempotency" in str(error.orig)


def in_one_transaction(make: Callable[[], _T], *, db: Database) -> _T:
    """`make()` in one transaction, done again if another writer came first."""
    for left in reversed(range(TRIES)):
        try:
            with db.together():
                return make()
        except DBAPIError as error:
            if not left or not is_conflict(error):
                raise
    raise AssertionError("the last try returned or raised")


def kept_answer(*, db: Database, account_id: int, key: str, digest: str) -> KeptAnswer | None:
    """The answer kept under a key, None if there is none; raises KeyReused."""
    with db.read() as session:
        row = session.execute(
            select(_ROW.digest, _ROW.status, _ROW.headers, _ROW.body).where(
                _ROW.account_id == account_id, _ROW.key == key
            )
        ).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReused
    return KeptAnswer(row.status, json.loads(row.headers), row.body, replayed=True)


def claim_key(*, db: Database, account_id: int, key: str, digest: str, now: datetime) -> None:
    """Hold a key for a request of many parts, each kept under a key of its own.

    Raises KeyReused if it belongs to another request.
    """
    if kept_answer(db=db, account_id=account_id, key=key, digest=digest) is not None:
        return
    try:
        with db.write(Alone.NOBODY) as session:
            _hold(session, account_id, key, digest, now)
    except DBAPIError as error:
        if not _came_second(error):
            raise
        kept_answer(db=db, account_id=account_id, key=key, digest=digest)


def forget_answers(*, db: Database, now: datetime, days: int = KEPT_DAYS) -> int:
    """Drop answers older than `days`; returns how many."""
    with db.write(Alone.NOBODY) as session:
        done = session.execute(delete(_ROW).where(_ROW.at < now - timedelta(days=days)))
        return int(getattr(done, "rowcount", 0))
