"""Refused parts and their children: a return or redirect finds its parent and stays within it.

Children of a file wait until its deliveries are staged; a parent may stand in the file, in the
books, or be a child itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.errors import RowIssue
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.core.units import tonnes_text
from wasteflow.services.load_convert import Kin
from wasteflow.services.load_known import Known
from wasteflow_models import load_parents
from wasteflow_models.convert import Keys
from wasteflow_models.words import LOAD_KINDS

Ints = NDArray[np.int64]
RETURN = LOAD_KINDS.index("return")
REDIRECT = LOAD_KINDS.index("redirect")


class Parent(Struct):
    """A load that may have children: its ends and holder, and the refused kilograms still open.

    `place`: its id in the tables, or the negative of (row + 1) for a child of this very file.
    """

    place: int
    consignor: int
    holder: int
    consignee: int
    material: int
    refused_kg: int
    open_kg: int
    at: int
    alive: bool = True


class Family(Struct):
    """Children bound to parents: rows in an order that puts parents first, and the parent of each.

    `parent` is an id, or the negative of (row + 1) of another child of the file.
    """

    rows: list[int]
    parents: list[Parent]


Parents = dict[str, list[Parent]]
"""Number → the loads of it that may have children."""


def settle(
    keys: Keys, batch: LoadBatch, kin: Kin, parents: Parents, issues: list[RowIssue]
) -> Family:
    """Bind each child of `batch` to its parent; those that do not fit become issues.

    parents: those `parents_in` found of all numbers the children name; children join them.
    """
    wanted = set(kin.parent_doc_no)
    family = Family([], [])
    waiting = list(range(len(batch)))
    while waiting:
        left = []
        for row in waiting:
            parent = _find(batch, row, parents.get(kin.parent_doc_no[row], []))
            if parent is None:
                left.append(row)
                continue
            issue = _problem(keys, batch, kin, row, parent)
            if issue:
                issues.append(issue)
                continue
            parent.open_kg -= int(batch.dispatched_kg[row])
            family.rows.append(row)
            family.parents.append(parent)
            if batch.doc_no[row] in wanted:
                parents.setdefault(batch.doc_no[row], []).append(_of_row(batch, row, parent))
        if len(left) == len(waiting):
            issues += [_issue(batch, row, "parent_doc_no", "parent_missing") for row in left]
            break
        waiting = left
    return family


def parents_in(
    session: Session, numbers: Sequence[str], completing: Mapping[int, Known], batch_id: int
) -> Parents:
    """Loads of these numbers in the tables, staged ones of this file included."""
    found: Parents = {}
    for facts in load_parents.parent_facts(session, numbers, batch_id):
        refused, at = facts.refused_kg, facts.last_at
        if facts.id in completing:
            receipt = completing[facts.id].values
            refused, at = int(receipt["refused_kg"]), int(receipt["received_at"])
        parent = Parent(
            facts.id,
            facts.consignor_id,
            facts.holder_id,
            facts.consignee_id,
            facts.material_id,
            refused,
            refused - facts.children_kg,
            at,
            not facts.reversed,
        )
        found.setdefault(facts.doc_no, []).append(parent)
    return found


def _of_row(batch: LoadBatch, row: int, parent: Parent) -> Parent:
    """A child of the file as a parent of others."""
    refused = int(batch.refused_kg[row])
    return Parent(
        -row - 1,
        int(batch.consignor_id[row]),
        parent.holder,
        int(batch.consignee_id[row]),
        int(batch.material_id[row]),
        refused,
        refused,
        int((batch.received_at if batch.received_month[row] else batch.dispatched_at)[row]),
    )


def _find(batch: LoadBatch, row: int, parents: list[Parent]) -> Parent | None:
    """The parent by number: a load that one end of the child sent or refused."""
    consignor, material = int(batch.consignor_id[row]), int(batch.material_id[row])
    found = [
        parent
        for parent in parents
        if consignor in (parent.consignor, parent.consignee, parent.holder)
        and parent.material == material
    ]
    living = [parent for parent in found if parent.alive]
    return next(iter(living or found), None)


def _problem(keys: Keys, batch: LoadBatch, kin: Kin, row: int, parent: Parent) -> RowIssue | None:
    """Why the child does not fit its parent, or None."""
    kind, consignee = int(kin.kind[row]), int(batch.consignee_id[row])
    if not parent.alive or not parent.refused_kg:
        return _issue(batch, row, "parent_doc_no", "parent_not_refused")
    if kind == RETURN and consignee != parent.holder:
        holder = keys.codes["enterprise"][parent.holder]
        return _issue(batch, row, "consignee", "return_to_other", consignor=holder)
    if kind == RETURN and parent.consignee == parent.holder:
        return _issue(batch, row, "kind", "redirect_to_same")
    if kind == REDIRECT and consignee in (parent.consignee, parent.holder):
        return _issue(batch, row, "consignee", "redirect_to_same")
    if int(batch.dispatched_at[row]) < parent.at:
        moment = load_parents.moment_text(parent.at)
        return _issue(batch, row, "dispatched_at", "child_before_parent", moment=moment)
    if int(batch.dispatched_kg[row]) > parent.open_kg:
        left = tonnes_text(parent.open_kg)
        return _issue(batch, row, "dispatched_t", "child_over_refused", open=left)
    return None


def _issue(batch: LoadBatch, row: int, field: str, code: str, **params: str) -> RowIssue:
    return RowIssue(int(batch.line[row]), field, "", code, params)
