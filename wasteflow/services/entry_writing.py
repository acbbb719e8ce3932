"""One entry recorded by hand: the rules of the file of entries, and who recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import FieldIssue, FieldsRefused, Remark, WasteflowError
from wasteflow.core.periods import month_of_day
from wasteflow.core.permissions import require
from wasteflow.core.vocabulary import EntryKind
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.booking import check_asked, open_month
from wasteflow.services.entries import Before, take_entries
from wasteflow.services.entry_objects import EntryObject, entry_objects, numbered
from wasteflow.services.external_ids import give_external_id
from wasteflow.services.live.entries import entry_subject, note_entry, sign_entry, taken_back
from wasteflow.services.live.writing import Doer
from wasteflow.services.naming import Names
from wasteflow.services.outcome import ImportReport, Row, Warnings
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import EntryRow
from wasteflow_models.order import hold_firms

_RESTED_ON: Final = {EntryKind.OPENING.value, EntryKind.STOCKTAKE.value}
"""Kinds that other entries are judged by, or that are held against the books: taken back first."""


class Recorded(Struct, frozen=True):
    """An entry as recorded; `new`: it was not there with the same content already."""

    item: EntryObject
    new: bool
    warnings: list[Remark]

    @property
    def uid(self) -> UUID:
        """Its public id."""
        return self.item.uid


@again_if_overtaken
def record_entry(
    *,
    db: Database,
    actor: Actor | None,
    values: Mapping[str, Any],
    now: datetime,
    asked_month: int = 0,
    external_id: str = "",
    channel: str = "api",
) -> Recorded:
    """Record one entry from typed values of every column (`schemas.rows`).

    asked_month: the month (yyyymm) in which it asks to be booked, 0 = wherever it belongs.
    external_id: the number of a new entry in the software of its firm, "" for none.
    Raises Denied, FieldsRefused, RowsRefused, RuleBroken `month_closed`, ExternalIdTaken.
    """
    with db.write(Alone.FIRMS) as session:
        keys = load_keys(session)
        done = _record(session, keys, actor, values, now, asked_month, channel)
        if external_id and done.new:
            firm, ref = done.item.enterprise, str(done.uid)
            give_external_id(session, firm, "entry", external_id, ref)
            return replace(done, item=replace(done.item, external_id=external_id))
        if not done.new:
            return replace(done, item=numbered(session, [done.item])[0])
        return done


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
    with db.write(Alone.FIRMS) as session:
        keys = load_keys(session)
        taken = taken_back(session, keys, actor, uid, reason, now, channel)
        before = Before(taken.row.id, taken.reversal, partial(taken.write, session))
        if {taken.row.kind, str(values["kind"])} & _RESTED_ON:
            before.now(session, keys)
            return _record(session, keys, actor, values, now, 0, channel)
        return _record(session, keys, actor, values, now, 0, channel, before)


def _record(
    session: Session,
    keys: Keys,
    actor: Actor | None,
    values: Mapping[str, Any],
    now: datetime,
    asked_month: int,
    channel: str,
    before: Before | None = None,
) -> Recorded:
    firm = _firm(keys, str(values["enterprise"]))
    require(actor, "entry.write", entry_subject(keys, firm))
    assert actor is not None  # require() has refused it
    firm_id = keys.id_of("enterprise", firm)
    hold_firms(session, [firm_id])
    if asked_month:
        month = month_of_day(values["date"])
        check_asked(asked_month, month, open_month(session, [firm_id], month, keys))
    report = ImportReport("entries", rows=1)
    written = take_entries(
        session, [Row(1, values)], [], None, now, report, lambda done: None, before
    )
    if before is not None and not written:  # the values stand under another number already
        before.now(session, keys)
    number = values["doc_no"]
    row: EntryRow | SimpleNamespace | None
    if written:
        row = SimpleNamespace(**written[0])  # a mapped object costs as much as the rules
    else:
        row = queries.entry_by_number(session, firm_id, number)
    assert row is not None  # written above, or found there
    if report.taken:
        sign_entry(session, row.id, Doer.of(actor, channel, [firm]))
        note_entry(session, row, firm, "recorded", now)
    gone = () if report.taken else None
    item = entry_objects(session, keys, [row], gone)[0]
    return Recorded(item, bool(report.taken), remarks_of(report.warnings))


def _firm(keys: Keys, name: str) -> str:
    try:
        return Names(keys.registry).enterprise(name)
    except WasteflowError as error:
        raise FieldsRefused([FieldIssue("/enterprise", error.code, error.params)]) from error


def remarks_of(warnings: Warnings) -> list[Remark]:
    """The warnings of one row as remarks of its record."""
    return [item for examples in warnings.examples.values() for _, item in examples]
