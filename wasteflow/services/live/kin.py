"""Refused parts: the parent of a return or redirect, and how much of it is still to be moved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from wasteflow.core.ids import load_of_uid
from wasteflow.core.periods import moment_words
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadKind, LoadState
from wasteflow.services.live.content import refuse
from wasteflow.services.live.held import Held
from wasteflow_models.ledger import LoadChildRow, LoadNumberRow, ShipmentRow, visible


class Parent(Struct, frozen=True):
    """A load with a refused part, locked, and the kilograms of it that nothing has moved yet."""

    row: ShipmentRow
    open_kg: int


_CHILDREN = (
    select(ShipmentRow)
    .join(LoadChildRow, LoadChildRow.child_id == ShipmentRow.id)
    .where(
        LoadChildRow.parent_id == bindparam("key"),
        ~ShipmentRow.reversed_,
        ShipmentRow.state != LoadState.CANCELLED.value,
    )
    .order_by(ShipmentRow.id)
)


def children_of(session: Session, key: int) -> list[ShipmentRow]:
    """Returns and redirects of a load that are not reversed or cancelled, in order of id."""
    return list(session.scalars(_CHILDREN, {"key": key}))


def parent_of(session: Session, key: int, but: int = 0) -> Parent:
    """The parent of a key, its child `but` not counted."""
    row = session.scalars(
        select(ShipmentRow)
        .where(ShipmentRow.id == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return Parent(row, row.refused_kg - moved_kg(session, key, but))


def moved_kg(session: Session, key: int, but: int = 0) -> int:
    """Refused kilograms of a load that its children have moved."""
    return sum(child.dispatched_kg for child in children_of(session, key) if child.id != but)


def fitting_parent(held: Held, values: Mapping[str, Any]) -> Parent | None:
    """The parent a draft names by id or number; None for a delivery.

    Raises FieldsRefused: `parent_unknown`, `parent_not_refused`, `child_differs`,
    `return_to_other`, `redirect_to_same`, `child_over_refused`.
    """
    kind = LoadKind(values.get("kind") or LoadKind.DELIVERY)
    told = values.get("parent") or values.get("parent_doc_no")
    if kind is LoadKind.DELIVERY:
        if told:
            raise refuse("kind", "child_kind_needed")
        return None
    if not told:
        raise refuse("parent_doc_no", "parent_missing")
    key = _named(held, values)
    if not key:
        _say_who_sends(held, values)
        raise refuse("parent_doc_no", "parent_unknown", value=told)
    parent = parent_of(held.session, key, held.row.id)
    _fits(held, parent, kind, values)
    return parent


def _say_who_sends(held: Held, values: Mapping[str, Any]) -> None:
    """FieldsRefused `child_from_refuser` where the parent is a load that the consignor sent."""
    key = _named(held, values, ShipmentRow.consignor_id)
    if key:
        refuser = parent_of(held.session, key).row.consignee_id
        raise refuse(
            "consignor", "child_from_refuser", value=held.keys.codes["enterprise"][refuser]
        )


def _named(held: Held, values: Mapping[str, Any], side: Any = ShipmentRow.consignee_id) -> int:
    """Key of the parent that the consignor of the draft refused (`side`), 0 if there is none."""
    own = held.keys.id_of("enterprise", held.consignor)
    query = select(ShipmentRow.id).where(visible(), side == own)
    if values.get("parent"):
        try:
            ref = load_of_uid(UUID(values["parent"]))
        except ValueError:
            return 0
        if ref is None or ref.number:
            return 0
        return held.session.scalar(query.where(ShipmentRow.id == ref.key)) or 0
    numbered = (
        query.join(LoadNumberRow, LoadNumberRow.shipment_id == ShipmentRow.id)
        .where(LoadNumberRow.doc_no == values["parent_doc_no"])
        .order_by(ShipmentRow.reversed_, ShipmentRow.id)
    )
    return held.session.scalars(numbered.limit(1)).one_or_none() or 0


def _fits(held: Held, parent: Parent, kind: LoadKind, values: Mapping[str, Any]) -> None:
    row, codes = parent.row, held.keys.codes
    holder, refuser = codes["enterprise"][row.holder_id], codes["enterprise"][row.consignee_id]
    material = codes["material"][row.material_id]
    if row.reversed_ or not row.refused_kg:
        raise refuse("parent_doc_no", "parent_not_refused", value=row.doc_no)
    if values.get("material") != material:
        raise refuse("material", "child_differs", expected=material)
    if kind is LoadKind.RETURN and refuser == holder:
        raise refuse("kind", "redirect_to_same")
    if kind is LoadKind.RETURN and held.consignee != holder:
        raise refuse("consignee", "return_to_other", consignor=holder)
    if kind is LoadKind.REDIRECT and held.consignee in (refuser, holder):
        raise refuse("consignee", "redirect_to_same")
    if parent.open_kg <= 0:
        raise refuse("dispatched_t", "child_over_refused", open=tonnes_text(max(parent.open_kg, 0)))


def within_refused(held: Held, kg: int, at: datetime) -> None:
    """A child leaves after its parent was received, with at most the open part of it.

    Raises FieldsRefused `child_over_refused`, `child_before_parent`, `parent_not_refused`.
    """
    if not held.row.parent_id:
        return
    parent = parent_of(held.session, held.row.parent_id, held.row.id)
    received = parent.row.received_at
    if parent.row.reversed_:
        raise refuse("parent_doc_no", "parent_not_refused", value=parent.row.doc_no)
    if received is not None and at < received:
        raise refuse("dispatched_at", "child_before_parent", moment=moment_words(received))
    if kg > parent.open_kg:
        raise refuse("dispatched_t", "child_over_refused", open=tonnes_text(parent.open_kg))
