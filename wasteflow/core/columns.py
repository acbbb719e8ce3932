"""Whole-number columns as keys: packed into few integers, sorted, grouped and looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_BITS = 63


def packed(columns: Sequence[Ints]) -> list[Ints]:
    """The columns in as few int64 as hold them, most significant first; order and equality stay.

    Each column gets the bits its own range needs, so what comes out means nothing outside one call.
    """
    found: list[Ints] = []
    room = 0
    for column in columns:
        low = int(column.min()) if len(column) else 0
        width = (int(column.max()) - low).bit_length() if len(column) else 0
        if width > _BITS:
            found.append(column.astype(np.int64))
            room = 0
            continue
        part = column.astype(np.int64) - low
        if found and width <= room:
            found[-1] = (found[-1] << width) | part
            room -= width
        else:
            found.append(part)
            room = _BITS - width
    return found


def order_of(columns: Sequence[Ints]) -> Ints:
    """Positions in lexicographic order of the columns, equal rows in the order they stand in."""
    keys = packed(columns)
    if len(keys) == 1:
        return np.argsort(keys[0], kind="stable")
    return np.lexsort(keys[::-1])


class Groups(NamedTuple):
    """Rows with equal keys together: `order` sorts them, `starts` are the groups' first rows."""

    order: Ints
    starts: Ints

    @property
    def first(self) -> Ints:
        """One row (position before sorting) of every group."""
        return self.order[self.starts]

    def numbers(self) -> Ints:
        """Number of its group for every row, in the order before sorting."""
        found = np.empty(len(self.order), np.int64)
        lengths = np.diff(np.append(self.starts, len(self.order)))
        found[self.order] = np.repeat(np.arange(len(self.starts)), lengths)
        return found

    def sums(self, values: Ints) -> Ints:
        """Sum of `values` (in the order before sorting) per group."""
        if not len(self.starts):
            return np.zeros(0, np.int64)
        return np.add.reduceat(values[self.order].astype(np.int64, copy=False), self.starts)


def groups_of(columns: Sequence[Ints]) -> Groups:
    """Groups of equal rows, in lexicographic order of the columns."""
    keys = packed(columns)
    order = np.argsort(keys[0], kind="stable") if len(keys) == 1 else np.lexsort(keys[::-1])
    if not len(order):
        return Groups(order, np.zeros(0, np.int64))
    new = np.zeros(len(order), bool)
    new[0] = True
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return Groups(order, np.flatnonzero(new))


def positions_in(known: Sequence[Ints], wanted: Sequence[Ints]) -> Ints:
    """Row of `known` (each row once) that equals each row of `wanted`, -1 where none does."""
    count = len(known[0])
    found = groups_of([np.concatenate(pair) for pair in zip(known, wanted, strict=True)])
    # Stable order: where a group holds a known row, it stands first.
    first = np.where(found.first < count, found.first, -1)
    return first[found.numbers()[count:]]


def positions_in_sorted(known: Ints, wanted: Ints) -> Ints:
    """Position in the ascending `known` of each of `wanted`, -1 where it is not.

    >>> positions_in_sorted(np.array([2, 5]), np.array([5, 3, 9])).tolist()
    [1, -1, -1]
    """
    found = np.searchsorted(known, wanted)
    inside = found < len(known)
    inside[inside] = known[found[inside]] == wanted[inside]
    return np.where(inside, found, -1)


def sums_by_part(whole: Ints, part: Ints, kg: Ints) -> tuple[Ints, Ints, Ints]:
    """(whole, part, sum of kg), the parts of a whole in the order in which they first appear."""
    groups = groups_of([whole, part])
    first, total = groups.first, groups.sums(kg)
    order = np.lexsort((first, whole[first]))
    return whole[first][order], part[first][order], total[order]
