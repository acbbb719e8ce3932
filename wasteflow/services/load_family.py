"""Refused parts and their children: a return or redirect finds its parent and stays within it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from wasteflow.core.errors import RowIssue
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadKind
from wasteflow.services.load_rows import CheckedLoad
from wasteflow_models import queries
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import ShipmentRow

Number = tuple[str, str]
"""(consignor code, document number)."""


@dataclass(slots=True)
class _Parent:
    """A load that may have children: its ends, holder, and the refused kilograms still open."""

    number: Number
    holder: str
    consignee: str
    material: str
    open_kg: int
    refused_kg: int
    day: datetime
    alive: bool = True

    def decide(self, load: CheckedLoad) -> None:
        """Take over the decision that a later sheet brings for a load on the road."""
        if load.decision is not None:
            self.refused_kg = self.open_kg = load.decision.refused_kg
            self.day = load.decision.at


class Families:
    """Parents of a file's children, from the file and from the books."""

    def __init__(
        self,
        session: Session,
        keys: Keys,
        loads: Iterable[CheckedLoad],
        completed: Mapping[Number, CheckedLoad],
    ) -> None:
        wanted = {load.values.get("parent_doc_no") for load in loads} - {None, ""}
        stored = queries.shipments_by_number(session, wanted)
        rows = [row for group in stored.values() for row in group]
        taken = queries.children_dispatched(session, (row.id for row in rows))
        self._parents: dict[str, list[_Parent]] = {}
        for row in rows:
            parent = _stored_parent(session, row, keys, taken.get(row.id, 0))
            if parent.number in completed:
                parent.decide(completed[parent.number])
            self._add(parent)

    def _add(self, parent: _Parent) -> None:
        self._parents.setdefault(parent.number[1], []).append(parent)

    def settle(self, loads: Sequence[CheckedLoad], issues: list[RowIssue]) -> list[CheckedLoad]:
        """Loads in an order that puts parents before children, children bound to their parents."""
        done: list[CheckedLoad] = []
        waiting = [load for load in loads if load.header.kind is not LoadKind.DELIVERY]
        asked = {load.values.get("parent_doc_no") for load in waiting}
        for load in loads:
            if load.header.kind is LoadKind.DELIVERY:
                self._take(load, done, asked)
        while waiting:
            left = []
            for load in waiting:
                parent = self._find(load)
                if parent is None:
                    left.append(load)
                    continue
                problem = _problem(load, parent)
                if problem:
                    issues.append(problem)
                    continue
                parent.open_kg -= load.dispatch.kg
                bound = load.as_child(parent.number, parent.holder, parent.consignee)
                self._take(bound, done, asked)
            if len(left) == len(waiting):
                issues.extend(_issue(load, "parent_doc_no", "parent_missing") for load in left)
                break
            waiting = left
        return done

    def _take(self, load: CheckedLoad, done: list[CheckedLoad], asked: set[object]) -> None:
        done.append(load)
        if load.header.doc_no in asked:
            self._add(_file_parent(load))

    def _find(self, load: CheckedLoad) -> _Parent | None:
        """The parent by number: a load that one end of the child sent or refused."""
        header = load.header
        found = [
            parent
            for parent in self._parents.get(load.values["parent_doc_no"], [])
            if header.consignor in (parent.number[0], parent.consignee, parent.holder)
            and parent.material == header.material
        ]
        living = [parent for parent in found if parent.alive]
        return next(iter(living or found), None)


def _stored_parent(session: Session, row: ShipmentRow, keys: Keys, taken_kg: int) -> _Parent:
    firm = keys.codes["enterprise"]
    return _Parent(
        (firm[row.consignor_id], row.doc_no),
        firm[row.holder_id],
        firm[row.consignee_id],
        keys.codes["material"][row.material_id],
        row.refused_kg - taken_kg,
        row.refused_kg,
        queries.last_event_at(session, row.id),
        not row.reversed_,
    )


def _file_parent(load: CheckedLoad) -> _Parent:
    header, decision = load.header, load.decision
    refused = decision.refused_kg if decision else 0
    return _Parent(
        (header.consignor, header.doc_no),
        header.holder,
        header.consignee,
        header.material,
        refused,
        refused,
        decision.at if decision else load.dispatch.at,
    )


def _problem(load: CheckedLoad, parent: _Parent) -> RowIssue | None:
    """Why the child does not fit its parent, or None."""
    header = load.header
    if not parent.alive or not parent.refused_kg:
        return _issue(load, "parent_doc_no", "parent_not_refused")
    if header.kind is LoadKind.RETURN and header.consignee != parent.holder:
        return _issue(load, "consignee", "return_to_other", consignor=parent.holder)
    if header.kind is LoadKind.RETURN and parent.consignee == parent.holder:
        return _issue(load, "kind", "redirect_to_same")
    if header.kind is LoadKind.REDIRECT and header.consignee in (parent.consignee, parent.holder):
        return _issue(load, "consignee", "redirect_to_same")
    if load.dispatch.at < parent.day:
        return _issue(load, "dispatched_at", "child_before_parent", moment=str(parent.day))
    if load.dispatch.kg > parent.open_kg:
        return _issue(load, "dispatched_t", "child_over_refused", open=tonnes_text(parent.open_kg))
    return None


def _issue(load: CheckedLoad, field: str, code: str, **params: str) -> RowIssue:
    return RowIssue(load.line, field, str(load.values.get(field) or ""), code, params)
