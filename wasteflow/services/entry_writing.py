"""One entry recorded by hand: the rules of the file of entries, and who recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import FieldIssue, FieldsRefused, Remark, WasteflowError
from wasteflow.core.periods import month_of_day
from wasteflow.core.permissions import require
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.booking import check_asked, open_month
from wasteflow.services.entries import take_entries
from wasteflow.services.live.entries import entry_subject, note_entry, sign_entry, take_back
from wasteflow.services.live.writing import Doer
from wasteflow.services.naming import Names
from wasteflow.services.outcome import ImportReport, Row, Warnings
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import EntryRow


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry by its public id; `new`: it was not there with the same content already."""

    uid: UUID
    new: bool
    warnings: list[Remark]


@again_if_overtaken
def record_entry(
    *,
    db: Database,
    actor: Actor | None,
    values: Mapping[str, Any],
    now: datetime,
    asked_month: int = 0,
    channel: str = "api",
) -> Recorded:
    """Record one entry from typed values of every column (`schemas.rows`).

    asked_month: the month (yyyymm) in which it asks to be booked, 0 = wherever it belongs.
    Raises Denied, FieldsRefused, RowsRefused, RuleBroken `month_closed`.
    """
    with db.write() as session:
        return _record(session, load_keys(session), actor, values, now, asked_month, channel)


@again_if_overtaken
def correct_entry(
    *,
    db: Database,
    actor: Actor | None,
    uid: UUID,
    values: Mapping[str, Any],
    reason: str,
    now: datetime,
    channel: str = "api",
) -> Recorded:
    """Take the entry `uid` back and record `values` in its place, both or neither.

    Raises Denied, FieldsRefused, RowsRefused, RuleBroken `already_reversed`, `reason_needed`.
    """
    with db.write() as session:
        keys = load_keys(session)
        take_back(session, keys, actor, uid, reason, now, channel)
        return _record(session, keys, actor, values, now, 0, channel)


def _record(
    session: Session,
    keys: Keys,
    actor: Actor | None,
    values: Mapping[str, Any],
    now: datetime,
    asked_month: int,
    channel: str,
) -> Recorded:
    firm = _firm(keys, str(values["enterprise"]))
    require(actor, "entry.write", entry_subject(keys, firm))
    assert actor is not None  # require() has refused it
    firm_id = keys.id_of("enterprise", firm)
    if asked_month:
        month = month_of_day(values["date"])
        check_asked(asked_month, month, open_month(session, [firm_id], month))
    report = ImportReport("entries", rows=1)
    take_entries(session, [Row(1, values)], [], None, now, report, lambda done: None)
    row = _row(session, firm_id, values["doc_no"])
    if report.taken:
        sign_entry(session, row.id, Doer.of(actor, channel, [firm]))
        note_entry(session, row, firm, "recorded", now)
    return Recorded(row.uid, bool(report.taken), remarks_of(report.warnings))


def _firm(keys: Keys, name: str) -> str:
    try:
        return Names(keys.registry).enterprise(name)
    except WasteflowError as error:
        raise FieldsRefused([FieldIssue("/enterprise", error.code, error.params)]) from error


def _row(session: Session, firm_id: int, doc_no: str) -> EntryRow:
    query = select(EntryRow).where(EntryRow.enterprise_id == firm_id, EntryRow.doc_no == doc_no)
    return session.scalars(query).one()


def remarks_of(warnings: Warnings) -> list[Remark]:
    """The warnings of one row as remarks of its record."""
    return [item for examples in warnings.examples.values() for _, item in examples]
