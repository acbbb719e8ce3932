"""Refused parts of the loads of one import, marked as open when its children have taken theirs.

Most returns and redirects stand in the file of their parent: a mark written with the parent would
soon be deleted.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.services.load_bound import Bound
from wasteflow_models import apart
from wasteflow_models.load_marks import OPEN_PART, NewMarks

Ints = NDArray[np.int64]


class OpenParts:
    """New loads with a refused part, and what their children of the same import took of it."""

    def __init__(self) -> None:
        self._loads: list[tuple[Ints, Ints, Ints]] = []
        self._taken: defaultdict[int, int] = defaultdict(int)
        self._refused: dict[int, int] = {}

    def hold(self, marks: NewMarks, ids: Ints, consignor: Ints, consignee: Ints) -> NewMarks:
        """Keep the marks of open parts back, of loads aligned with `ids`; returns the others."""
        held = marks.mark == OPEN_PART
        rows = marks.row[held]
        if len(rows):
            self._loads.append((ids[rows], consignor[rows], consignee[rows]))
        return NewMarks(marks.mark[~held], marks.row[~held], marks.carried)

    def take(self, bound: Bound, dispatched_kg: Ints) -> None:
        """Children that were written, aligned with `dispatched_kg`; others take nothing."""
        columns = bound.parent, bound.parent_refused_kg, dispatched_kg
        for parent, refused, kg in zip(*(column.tolist() for column in columns), strict=True):
            if parent:
                self._taken[parent] += kg
                self._refused[parent] = refused

    def left(self) -> list[Ints]:
        """Id, consignor and consignee of the loads whose part is open, ascending by id."""
        if not self._loads:
            return [np.zeros(0, np.int64)] * 3
        ids, *firms = (np.concatenate(part) for part in zip(*self._loads, strict=True))
        whole = [load for load, kg in self._taken.items() if kg >= self._refused[load]]
        order = np.argsort(ids)
        order = order[~np.isin(ids[order], np.array(whole, np.int64))]
        return [ids[order], *(firm[order].astype(np.int64) for firm in firms)]


def mark_parts(session: Session, loads: list[Ints]) -> None:
    """Write the marks of some of the loads of `OpenParts.left`."""
    ids, consignor, consignee = loads
    rows = np.arange(len(ids))
    marks = NewMarks(np.full(len(ids), OPEN_PART), rows, [])
    apart.add_new(session, marks, ids, consignor, consignee)
