"""Solving (I - C) u = v and (I - C^T) x = b on the sites of a month, for few dense columns.

Most sites only give or only take.  Those that do both, the middle, are a tenth of all, and only
they have to be solved for:

    back:     u_ends = v,  u_middle by LU of v + C u_ends,  u_givers = v + C u_ends + C u_middle
    forward:  x_givers = b,  x_middle by LU of b + C^T x_givers,  x_ends = b + C^T x_(both)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.flows import Floats, Ints
from wasteflow.core.tracing.solve import csr

WIDE = 300
"""Places in a loop from which on an ordering that looks for little fill-in pays."""


class Elimination:
    """One month: `middle` sites in an order in which senders precede receivers but for loops."""

    def __init__(
        self,
        middle: Ints,
        less: sparse.csc_array,
        loop: int,
        senders: Ints,
        to_ends: sparse.csr_array,
        givers: Ints,
        to_middle: sparse.csr_array,
    ) -> None:
        self.middle, self._less, self.widest = middle, less, loop
        self._senders, self._to_ends = senders, to_ends
        self._givers, self._to_middle = givers, to_middle

    @cached_property
    def _factors(self) -> Any:
        """LU of I - C^T.  Columns are diagonally dominant: no pivoting; panels of one column."""
        order = "NATURAL" if self.widest < WIDE else "COLAMD"
        return sparse.linalg.splu(
            self._less, permc_spec=order, diag_pivot_thresh=0.0, panel_size=1, relax=1
        )

    def back(self, v: Floats) -> None:
        """u of (I - C) u = v (sites x columns), in place."""
        if len(self._senders):
            v[self._senders] += self._to_ends @ v
        if len(self.middle):
            solved = np.ascontiguousarray(self._factors.solve(v[self.middle], trans="T"))
            v[self.middle] = solved
            v[self._givers] += self._to_middle @ solved

    def forward(self, b: Floats) -> None:
        """x of (I - C^T) x = b (sites x columns), in place."""
        if len(self.middle):
            entering = b[self.middle] + self._to_middle.T @ b[self._givers]
            b[self.middle] = self._factors.solve(entering)
        if len(self._senders):
            b += self._to_ends.T @ b[self._senders]


class _Compact(NamedTuple):
    """A block-diagonal matrix without blank rows: the sites its rows stand for, by month."""

    rows: Ints
    matrix: sparse.csr_array


def _compact(rows: Ints, columns: Ints, values: Floats, width: int) -> _Compact:
    found, row = np.unique(rows, return_inverse=True)
    return _Compact(found, csr(values, row, columns, (len(found), width)))


def eliminations(whole: sparse.csr_array, count: int, cut: Callable[..., Any]) -> list[Elimination]:
    """One for every of the `count` equal blocks on the diagonal of C.

    cut(matrix, rows, first column, columns, kind): rows of a matrix, as `blocks.rows_of`.
    """
    size = whole.shape[0]
    width = size // count
    row = np.repeat(np.arange(size), np.diff(whole.indptr))
    column, values = whole.indices.astype(np.int64), whole.data
    takes = np.zeros(size, bool)
    takes[column] = True
    both = takes & (np.diff(whole.indptr) > 0)
    inner = both[row] & both[column]
    order, loops = _ordered(row[inner], column[inner], np.flatnonzero(both), width)
    at = np.full(size, -1, np.int64)
    at[order] = np.arange(len(order))
    less = _unit_less(at[row[inner]], at[column[inner]], values[inner], len(order))
    ends, some = ~both[column], ~both[row] & both[column]
    to_ends = _compact(row[ends], column[ends], values[ends], size)
    to_middle = _compact(row[some], at[column[some]], values[some], len(order))
    months = np.arange(count + 1) * width
    bounds, sent, gave = (
        np.searchsorted(part, months).tolist()
        for part in (np.sort(order), to_ends.rows, to_middle.rows)
    )
    found = []
    for number, first in enumerate(months[:-1].tolist()):
        low, high = bounds[number : number + 2]
        mine, giving = slice(*sent[number : number + 2]), slice(*gave[number : number + 2])
        found.append(
            Elimination(
                order[low:high] - first,
                cut(less, slice(low, high), low, high - low, sparse.csc_array),
                int(loops[low:high].max(initial=0)),
                to_ends.rows[mine] - first,
                cut(to_ends.matrix, mine, first, width),
                to_middle.rows[giving] - first,
                cut(to_middle.matrix, giving, low, high - low),
            )
        )
    return found


def _ordered(row: Ints, column: Ints, sites: Ints, width: int) -> tuple[Ints, Ints]:
    """`sites` month by month, those of a month by strongly connected component, in the order SciPy
    finds them; and the places in the component of each.

    Only fill-in depends on that order, never the result.
    """
    ends = np.searchsorted(sites, row), np.searchsorted(sites, column)
    graph = csr(np.ones(len(row)), *ends, (len(sites), len(sites)))
    _, component = sparse.csgraph.connected_components(graph, connection="strong")
    order = np.lexsort((component, sites // width))
    return sites[order], np.bincount(component)[component[order]]


def _unit_less(row: Ints, column: Ints, values: Floats, size: int) -> sparse.csr_array:
    """I - C of the middle."""
    unit = np.arange(size)
    cells = np.concatenate([np.ones(size), -values])
    found = csr(cells, np.concatenate([unit, row]), np.concatenate([unit, column]), (size, size))
    found.sort_indices()
    return found
