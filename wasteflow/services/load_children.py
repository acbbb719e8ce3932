"""Children of refused parts into the books, after the deliveries of their file.

Planned and written in parts, so that other writers never wait long for any of it; a parent that is
a child itself comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.services.load_bound import Bound
from wasteflow.services.load_convert import Kin, joined, pick
from wasteflow.services.load_family import Family, Parents, parents_in, settle
from wasteflow.services.load_staging import Staging
from wasteflow_models import load_store

Ints = NDArray[np.int64]
Writing = Callable[[], AbstractContextManager[Session]]
PART = 4_000
"""Children of a transaction on SQLite, where others wait for it."""
PART_BESIDE = 20_000
"""On PostgreSQL, where they wait for nothing but the same number: as many as a chunk has."""


class Waiting:
    """Children of a file in columns, in file order, until its deliveries are staged.

    part: how many of them make a transaction.
    """

    def __init__(self, part: int = PART) -> None:
        self.part = part
        self._batches: list[LoadBatch] = []
        self._kin: list[Kin] = []

    def add(self, batch: LoadBatch, kin: Kin) -> None:
        """Put the children of a chunk behind those before."""
        self._batches.append(batch)
        self._kin.append(kin)

    def __bool__(self) -> bool:
        return bool(self._batches)

    def all(self) -> tuple[LoadBatch, Kin]:
        """Every child of the file."""
        kinds = np.concatenate([kin.kind for kin in self._kin])
        parents = [number for kin in self._kin for number in kin.parent_doc_no]
        return joined(self._batches), Kin(kinds, parents)


class ChildPlan(Struct):
    """Children in the order they are written, and those whose number stands in the file twice."""

    batch: LoadBatch
    kin: Kin
    family: Family
    again: Ints
    part: int
    ids: dict[int, int] = field(default_factory=dict)

    def parts(self) -> list[tuple[int, int]]:
        """Spans of `family.rows`, one a transaction; at least one."""
        count, part = len(self.family.rows), self.part
        return [(start, min(start + part, count)) for start in range(0, max(count, 1), part)]


class Children(Struct, frozen=True):
    """The children of a file in its order; `fresh`: those that are new, `again`: repeated ones."""

    batch: LoadBatch
    kin: Kin
    fresh: Ints
    again: Ints

    @property
    def parents(self) -> list[str]:
        """Numbers of the parents of the new ones, each once, in order."""
        return sorted({self.kin.parent_doc_no[row] for row in self.fresh.tolist()})


def find_children(writing: Writing, staging: Staging, waiting: Waiting) -> Children:
    """Tell known children from new ones; `writing` gives a session for each part of the work."""
    batch, kin = waiting.all()
    known = np.zeros(len(batch), bool)
    for start in range(0, len(batch), waiting.part):
        part = slice(start, start + waiting.part)
        with writing() as session:
            ids = load_store.find_numbers(session, batch.doc_no[part], batch.consignor_id[part])
        known[part] = ids > 0
    rows = np.flatnonzero(known)
    for start in range(0, len(rows), PART):
        with writing() as session:
            staging.compare_known(session, *_unbound(batch, kin, rows[start : start + PART]))
    first = np.zeros(len(batch), bool)
    first[_first_of_each(batch)] = True
    return Children(batch, kin, np.flatnonzero(first & ~known), np.flatnonzero(~first & ~known))


def plan_children(writing: Writing, staging: Staging, waiting: Waiting) -> ChildPlan:
    """Bind the new children to their parents; no part of it keeps other writers waiting long."""
    children = find_children(writing, staging, waiting)
    numbers, parents = children.parents, Parents()
    for start in range(0, len(numbers), waiting.part):
        with writing() as session:
            part = numbers[start : start + waiting.part]
            parents |= parents_in(session, part, staging.completing, staging.batch_id)
    batch, kin, fresh = children.batch, children.kin, children.fresh
    family = settle(staging.keys, pick(batch, fresh), _kin_of(kin, fresh), parents, staging.issues)
    rows = [int(fresh[row]) for row in family.rows]
    for parent in family.parents:
        if parent.place < 0:
            parent.place = -int(fresh[-parent.place - 1]) - 1
    return ChildPlan(batch, kin, Family(rows, family.parents), children.again, waiting.part)


def stage_children(
    session: Session, staging: Staging, plan: ChildPlan, start: int, stop: int
) -> None:
    """Write the children start..stop of the plan; the repeated ones with the last of them."""
    todo = list(range(start, stop))
    while todo:
        ready = [at for at in todo if plan.family.parents[at].place > 0 or _known(plan, at)]
        _write(session, staging, plan, ready)
        done = set(ready)
        todo = [at for at in todo if at not in done]
        if not ready:
            break
    if stop >= len(plan.family.rows) and len(plan.again):
        staging.compare_known(session, *_unbound(plan.batch, plan.kin, plan.again))


def _known(plan: ChildPlan, at: int) -> bool:
    return -plan.family.parents[at].place - 1 in plan.ids


def _write(session: Session, staging: Staging, plan: ChildPlan, ready: list[int]) -> None:
    """Children whose parents all have their ids."""
    rows = np.array([plan.family.rows[at] for at in ready], np.int64)
    parents = [plan.family.parents[at] for at in ready]
    places = [
        parent.place if parent.place > 0 else plan.ids[-parent.place - 1] for parent in parents
    ]
    bound = Bound(
        plan.kin.kind[rows],
        np.array([parent.holder for parent in parents], np.int64),
        np.array(places, np.int64),
        np.array([parent.consignee for parent in parents], np.int64),
        np.array([parent.refused_kg for parent in parents], np.int64),
        [plan.kin.parent_doc_no[row] for row in rows.tolist()],
    )
    batch = pick(plan.batch, rows)
    ids = staging.take(session, batch, bound)
    staging.book_parents |= staging.of_books(bound.parent)
    plan.ids |= dict(zip(rows.tolist(), ids.tolist(), strict=True))


def _kin_of(kin: Kin, rows: Ints) -> Kin:
    return Kin(kin.kind[rows], [kin.parent_doc_no[row] for row in rows.tolist()])


def _unbound(batch: LoadBatch, kin: Kin, rows: Ints) -> tuple[LoadBatch, Bound]:
    """Children as they stand in the file, for comparison only."""
    chosen, part = pick(batch, rows), _kin_of(kin, rows)
    zero = np.zeros(len(rows), np.int64)
    return chosen, Bound(part.kind, zero, zero, zero, zero, part.parent_doc_no)


def _first_of_each(batch: LoadBatch) -> Ints:
    """Positions of the first row of each (number, consignor), ascending."""
    seen: dict[tuple[str, int], int] = {}
    for row, number in enumerate(zip(batch.doc_no, batch.consignor_id.tolist(), strict=True)):
        seen.setdefault(number, row)
    return np.fromiter(seen.values(), np.int64, len(seen))
