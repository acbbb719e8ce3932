"""Numbers that records carry in an organisation's own software: claimed once, found again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, insert, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError
from wasteflow_models.api import ExternalIdRow
from wasteflow_models.engine import Database

_ROW = ExternalIdRow
_REFS: Final[BindParameter[Any]] = bindparam("refs", expanding=True)
_NUMBERS: Final = (
    select(_ROW.ref, _ROW.organisation, _ROW.external_id)
    .where(_ROW.kind == bindparam("kind"), _ROW.ref.in_(_REFS))
    .order_by(_ROW.ref, _ROW.organisation)
)


class ExternalIdTaken(WasteflowError):
    """The number belongs to another record of the organisation; `ref` is that record's id."""

    def __init__(self, external_id: str, ref: str) -> None:
        self.ref = ref
        super().__init__("external_id_taken", value=external_id, id=ref)


def give_external_id(
    session: Session, organisation: str, kind: str, external_id: str, ref: str
) -> None:
    """Give the record `ref` its outside number, in the transaction that makes the record.

    Raises ExternalIdTaken.
    """
    query = select(_ROW.ref).where(
        _ROW.organisation == organisation, _ROW.kind == kind, _ROW.external_id == external_id
    )
    there = session.scalars(query).one_or_none()
    if there is not None:
        raise ExternalIdTaken(external_id, there)
    session.execute(
        insert(_ROW).values(organisation=organisation, kind=kind, external_id=external_id, ref=ref)
    )


def find_external_ids(
    *, db: Database, organisations: frozenset[str] | None, kind: str, external_id: str
) -> list[str]:
    """Ids of the records that carry a number in one of `organisations` (None = any), in order."""
    with db.read() as session:
        query = select(_ROW.ref).where(_ROW.kind == kind, _ROW.external_id == external_id)
        if organisations is not None:
            query = query.where(_ROW.organisation.in_(sorted(organisations)))
        return list(session.scalars(query.order_by(_ROW.organisation)))


def numbers_of(session: Session, kind: str, refs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Id of a record → organisation → its number there; records without any are left out."""
    found: dict[str, dict[str, str]] = {}
    if refs:
        for ref, organisation, number in session.execute(_NUMBERS, {"kind": kind, "refs": refs}):
            found.setdefault(ref, {})[organisation] = number
    return found


def number_for(numbers: Mapping[str, str], organisations: Collection[str]) -> str | None:
    """The number of a record in the first of `organisations` that gave it one: one's own alone."""
    return next((numbers[one] for one in sorted(numbers) if one in organisations), None)
