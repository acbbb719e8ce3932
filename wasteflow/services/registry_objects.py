"""Single registry objects: read by code, listed in order of code, made, changed by version.

The version of an object is a digest of its values; a change names the version it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound, RowIssue, RowsRefused, WasteflowError
from wasteflow.core.periods import shanghai_day
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.batches import new_batch
from wasteflow.services.export import registry_value
from wasteflow.services.outcome import ImportReport, Row
from wasteflow.services.registry import take_rows
from wasteflow.services.registry_rows import TABLES
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database

VERSION_DIGITS = 20


class ObjectChanged(WasteflowError):
    """The object changed since the caller read it; `version` is the one it has now."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__("version_stale")


class AlreadyThere(WasteflowError):
    """An object of this code is registered already."""


class RegistryObject(Struct, frozen=True):
    """Typed values of one object by column of the contract, and their version."""

    values: Mapping[str, Any]

    @property
    def code(self) -> str:
        """Its code."""
        return str(self.values["code"])

    @property
    def version(self) -> str:
        """Digest of the values: equal versions mean equal objects."""
        text = repr([(name, _plain(value)) for name, value in sorted(self.values.items())])
        return sha256(text.encode()).hexdigest()[:VERSION_DIGITS]


def _plain(value: Any) -> str:
    return "" if value in (None, "", ()) else str(value)


def list_objects(*, db: Database, kind: str, after: str = "", limit: int) -> list[RegistryObject]:
    """At most `limit` objects of a kind in order of code, those after the code `after`."""
    table = TABLES[kind]
    with db.read() as session:
        keys = load_keys(session)
        query = select(table).where(table.code > after).order_by(table.code).limit(limit)
        return [_object(kind, row, keys) for row in session.scalars(query)]


def get_object(*, db: Database, kind: str, code: str) -> RegistryObject:
    """The object of a code; NotFound `unknown_code`."""
    with db.read() as session:
        return _stored(session, kind, code)


def create_object(
    *, db: Database, kind: str, values: Mapping[str, Any], now: datetime
) -> RegistryObject:
    """Register a new object from checked values.

    Raises AlreadyThere `code_exists`, RowsRefused.
    """
    code = str(values["code"])
    with db.write(Alone.EVERYBODY) as session:
        if _row(session, kind, code) is not None:
            raise AlreadyThere("code_exists", value=code)
        _take(session, kind, values, now)
        return _stored(session, kind, code)


def change_object(
    *,
    db: Database,
    kind: str,
    code: str,
    changes: Mapping[str, Any],
    version: str,
    now: datetime,
) -> RegistryObject:
    """Change some values of an object that still has `version` ("" = whatever it has).

    Raises NotFound, ObjectChanged, RowsRefused.
    """
    with db.write(Alone.EVERYBODY) as session:
        before = _stored(session, kind, code)
        if version and version != before.version:
            raise ObjectChanged(before.version)
        _take(session, kind, {**before.values, **changes, "code": code}, now)
        return _stored(session, kind, code)


def _take(session: Session, kind: str, given: Mapping[str, Any], now: datetime) -> None:
    values = dict(given)
    clock = Clock(shanghai_day(now), now)
    fault = complete_and_check(kind, values, clock, lambda name: True)
    if fault is not None:
        name, reason = fault
        raise RowsRefused(
            [RowIssue(1, name, str(given.get(name) or ""), reason.code, reason.params)]
        )
    report = ImportReport(kind, rows=1)
    take_rows(session, kind, [Row(1, values)], [], report)
    batch = new_batch(kind=kind, now=now)
    batch.taken, batch.skipped = report.taken + report.updated, report.skipped
    session.add(batch)
    session.flush()
    session.expire_all()


def _row(session: Session, kind: str, code: str) -> Any:
    table = TABLES[kind]
    return session.scalars(select(table).where(table.code == code)).one_or_none()


def _stored(session: Session, kind: str, code: str) -> RegistryObject:
    row = _row(session, kind, code)
    if row is None:
        raise NotFound("unknown_code", what=_singular(kind), value=code)
    return _object(kind, row, load_keys(session))


def _singular(kind: str) -> str:
    return "facility" if kind == "facilities" else kind.removesuffix("s")


def _object(kind: str, row: Any, keys: Keys) -> RegistryObject:
    own = keys.codes.get(_singular(kind), {})
    return RegistryObject(
        {
            column.name: registry_value(kind, column.name, row, keys, own)
            for column in columns_of(kind)
        }
    )
