"""Entries one by one: listed by id, read by their public id; nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound
from wasteflow.core.periods import Period, month_text
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.export import entry_values
from wasteflow.services.external_ids import numbers_of
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    EntryRow,
    recorded,
)


class EntryObject(Struct, frozen=True):
    """An entry: its values by column of the contract, and what the books added.

    `key` orders the list.  `external_id`: its number in the software of its firm, "" for none or
    where nobody asked.  `reverses`: uid of the entry it takes back; `reversed_`: taken back.
    """

    key: int
    uid: UUID
    values: dict[str, Any]
    kg: int
    month: int
    booked_month: int
    evidence: str
    reverses: UUID | None
    reversed_: bool
    recorded_at: datetime
    difference_kg: int
    book_kg: int | None
    external_id: str = ""

    @property
    def enterprise(self) -> str:
        """Code of its enterprise."""
        return str(self.values["enterprise"])

    @property
    def state(self) -> str:
        """`in_force`, `reversed`, or `reversal`."""
        if self.reverses is not None:
            return "reversal"
        return "reversed" if self.reversed_ else "in_force"


class EntryFilter(Struct, frozen=True):
    """Which entries of a list: enterprises (None = all), kind, material, months, recorded after."""

    firms: Collection[str] | None = None
    kind: str = ""
    material: str = ""
    period: Period | None = None
    updated_after: datetime | None = None


def list_entries(
    *, db: Database, wanted: EntryFilter, after: int = 0, limit: int, newest: bool = False
) -> list[EntryObject]:
    """At most `limit` entries in the order they were recorded, those after the key `after`.

    newest: the other way round, the last recorded first; `after` then goes back in time.
    """
    with db.read() as session:
        keys = load_keys(session)
        query = _filtered(wanted, keys)
        if newest:
            query = query.where(EntryRow.id < after) if after else query
            query = query.order_by(EntryRow.id.desc())
        else:
            query = query.where(EntryRow.id > after).order_by(EntryRow.id)
        rows = session.scalars(query.limit(limit)).all()
        return numbered(session, entry_objects(session, keys, list(rows)))


def get_entry(*, db: Database, uid: UUID) -> EntryObject:
    """The entry of a public id; NotFound `record_unknown`."""
    with db.read() as session:
        row = session.scalars(select(EntryRow).where(EntryRow.uid == uid, recorded())).one_or_none()
        if row is None:
            raise NotFound("record_unknown", value=uid)
        return numbered(session, entry_objects(session, load_keys(session), [row]))[0]


def numbered(session: Session, items: list[EntryObject]) -> list[EntryObject]:
    """The entries with their numbers in the software of their firms."""
    found = numbers_of(session, "entry", [str(item.uid) for item in items])
    return [
        replace(item, external_id=found.get(str(item.uid), {}).get(item.enterprise, ""))
        for item in items
    ]


def _filtered(wanted: EntryFilter, keys: Keys) -> Select[EntryRow]:
    query: Select[Any] = select(EntryRow).where(recorded())
    if wanted.firms is not None:
        ids = sorted(keys.ids["enterprise"][firm] for firm in wanted.firms)
        query = query.where(EntryRow.enterprise_id.in_(ids))
    if wanted.kind:
        query = query.where(EntryRow.kind == wanted.kind)
    if wanted.material:
        query = query.where(EntryRow.material_id == keys.ids["material"].get(wanted.material, 0))
    if wanted.period:
        query = query.where(EntryRow.month.between(wanted.period.first, wanted.period.last))
    if wanted.updated_after:
        query = query.where(EntryRow.recorded_at > wanted.updated_after)
    return query


def entry_objects(
    session: Session,
    keys: Keys,
    rows: Sequence[EntryRow | SimpleNamespace],
    gone: Collection[int] | None = None,
) -> list[EntryObject]:
    """Rows, or the columns of new ones, as objects; gone: ids of those that were taken back, asked
    for if it is None.
    """
    if gone is None:
        gone = queries.reversed_entry_ids(session, [row.id for row in rows])
    reversing = {row.reverses_id for row in rows if row.reverses_id is not None}
    uids: dict[int, UUID] = {}
    if reversing:
        query = select(EntryRow.id, EntryRow.uid).where(EntryRow.id.in_(sorted(reversing)))
        uids = {key: uid for key, uid in session.execute(query)}
    return [
        EntryObject(
            key=row.id,
            uid=row.uid,
            values=entry_values(row, keys),
            kg=row.kg,
            month=row.month,
            booked_month=row.booked_month,
            evidence=Evidence(row.evidence).word,
            reverses=uids[row.reverses_id] if row.reverses_id is not None else None,
            reversed_=row.id in gone,
            recorded_at=row.recorded_at,
            difference_kg=row.difference_kg,
            book_kg=row.book_kg,
        )
        for row in rows
    ]


def months_of(item: EntryObject) -> dict[str, str]:
    """The physical and the booked month of an entry as text."""
    return {"month": month_text(item.month), "booked_month": month_text(item.booked_month)}
