"""Whole kilograms for what is shown: controlled rounding of two-way tables; once, at the end.

A two-way table with whole margins always has a rounding with every cell floor or ceiling and all
margins exact (network matrices are totally unimodular; controlled rounding, Cox 1987; as a maximum
flow, Sima 1999; paper 6 section 5).  Three-way tables have no such guarantee.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.flows import Floats, Ints

SNAP_KG = 1e-5
"""A cell this near to a whole kilogram is that whole kilogram."""
MARGIN_KG = 1e-3
"""A margin this near to a whole kilogram is taken as whole (float error is below 1e-6 kg)."""
_MUCH = 1_000_000_000


class Rounded(NamedTuple):
    """`kg` whole kilograms; `row_rest` what a row misses (0 unless both margins cannot hold)."""

    kg: sparse.csr_array
    row_rest: Ints


def largest_remainder(values: Floats, total: int) -> Ints:
    """Whole numbers near `values` with sum `total`; ties: the larger value, then the earlier.

    >>> largest_remainder(np.array([22971.43, 13371.43, 66857.14, 7800.0]), 111000).tolist()
    [22972, 13371, 66857, 7800]
    """
    whole = np.floor(values + 1e-9).astype(np.int64)
    missing = int(total - whole.sum())
    if missing and len(values):
        rest = np.round(values - whole, 6)
        order = np.lexsort((np.arange(len(values)), -values, -rest))
        each, more = divmod(missing, len(values))
        whole += each
        whole[order[:more]] += 1
    return whole


def round_table(cells: sparse.csr_array, rows: Ints, columns: Ints) -> Rounded:
    """`cells` (floats >= 0) in whole kilograms with row sums `rows` and column sums `columns`.

    Larger remainders are raised first (> 0.5, > 0.2, all); earlier choices may be undone.  Where
    the margins do not belong to the cells (closed months) cells may move by more than one
    kilogram.  If even that cannot be, the columns hold and `row_rest` tells the rows' difference.
    Both margins must have one sum.
    """
    if int(rows.sum()) != int(columns.sum()):
        raise ValueError(f"margins differ: {rows.sum()} and {columns.sum()} kg")
    table = sparse.csr_array(cells, copy=True)
    table.sum_duplicates()
    line = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    work = _rounded(table.data, line, table.indices.astype(np.int64), rows, columns)
    shape = table.shape
    found = sparse.csr_array((work.whole, (work.line, work.column)), shape=shape)
    return Rounded(found, work.row_need)


def _rounded(values: Floats, line: Ints, column: Ints, rows: Ints, columns: Ints) -> _Work:
    """The cells `values` at (line, column), which stand in that order, rounded."""
    work = _Work(values, line, column, rows, columns)
    for threshold in (0.5, 0.2, 0.0):
        offered = (work.rest > threshold) & ~work.raised
        work.push(offered.astype(np.int64), work.raised.astype(np.int64))
    work.push(np.full(len(line), _MUCH), np.minimum(work.whole, _MUCH))
    work.keep_columns()
    return work


class _Work:
    """Whole cells so far and what rows and columns still need."""

    def __init__(self, values: Floats, line: Ints, column: Ints, rows: Ints, columns: Ints) -> None:
        near = np.rint(values)
        snapped = np.abs(values - near) < SNAP_KG
        whole = np.where(snapped, near, np.floor(values))
        # What lies behind the fifth decimal depends on the order of adding up and decides nothing.
        self.rest = np.where(snapped, 0.0, np.round(values - whole, 5))
        self.whole = whole.astype(np.int64)
        self.base = self.whole.copy()
        self.line, self.column = line, column
        self._rows, self._columns = rows, columns

    @property
    def raised(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.asarray(self.whole > self.base)

    @property
    def row_need(self) -> Ints:
        return self._rows - _sum(self.line, self.whole, len(self._rows))

    @property
    def column_need(self) -> Ints:
        return self._columns - _sum(self.column, self.whole, len(self._columns))

    def push(self, up: Ints, down: Ints) -> None:
        """Raise cells by at most `up`, lower them by at most `down`, so that margins are met.

        One maximum flow: source → rows that need more (columns that have too much) → cells →
        columns that need more (rows that have too much) → sink.
        """
        row_need, column_need = self.row_need, self.column_need
        if not row_need.any() and not column_need.any():
            return
        rows, columns = len(row_need), len(column_need)
        first_row, first_column = 2, 2 + rows
        raising, lowering = np.flatnonzero(up > 0), np.flatnonzero(down > 0)
        if not len(raising) and not len(lowering):
            return
        arcs = [
            _from(0, first_row, row_need),
            _into(1, first_row, -row_need),
            _from(0, first_column, -column_need),
            _into(1, first_column, column_need),
            (first_row + self.line[raising], first_column + self.column[raising], up[raising]),
            (first_column + self.column[lowering], first_row + self.line[lowering], down[lowering]),
        ]
        start, end, capacity = (np.concatenate(part) for part in zip(*arcs, strict=True))
        size = 2 + rows + columns
        graph = sparse.csr_array((capacity.astype(np.int32), (start, end)), shape=(size, size))
        flow = sparse.coo_array(sparse.csgraph.maximum_flow(graph, 0, 1).flow)
        cell = (flow.row >= 2) & (flow.row < 2 + rows) & (flow.col >= 2 + rows) & (flow.data != 0)
        key = (flow.row[cell].astype(np.int64) - 2) * columns + flow.col[cell] - 2 - rows
        at = np.searchsorted(self.line * columns + self.column, key)
        self.whole[at] += flow.data[cell]

    def keep_columns(self) -> None:
        """Last resort: the columns hold (the books), rows show their difference."""
        for column in np.flatnonzero(self.column_need):
            cells = np.flatnonzero(self.column == column)
            if len(cells):
                values = self.base[cells].astype(np.float64) + self.rest[cells]
                self.whole[cells] = largest_remainder(values, int(self._columns[column]))


_Arcs = tuple[Ints, Ints, Ints]


def _from(node: int, first: int, need: Ints) -> _Arcs:
    """Arcs (start, end, capacity) from a node to those that need something."""
    at = np.flatnonzero(need > 0)
    return np.full(len(at), node), first + at, need[at]


def _into(node: int, first: int, need: Ints) -> _Arcs:
    """The same into it."""
    to, at, capacity = _from(node, first, need)
    return at, to, capacity


def _sum(index: Ints, kg: Ints, count: int) -> Ints:
    return np.bincount(index, weights=kg, minlength=count).astype(np.int64)


def controlled_rounding(cells: Floats) -> Ints:
    """A dense table (floats >= 0) with every cell, row sum and column sum floor or ceiling.

    Margins that are whole stay exact.  The others are completed by one more row and column, which
    makes all margins whole, and left to the rounding.
    """
    found = np.zeros(cells.shape, np.int64)
    lines, bars = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not len(lines):
        return found
    cells = cells[np.ix_(lines, bars)]
    rows, columns = cells.sum(axis=1), cells.sum(axis=0)
    beside, below = _complement(rows), _complement(columns)
    corner = float(_complement(np.array([beside.sum()]))[0])
    full = np.block([[cells, beside[:, None]], [below[None, :], np.array([[corner]])]])
    row_sums = np.rint(full.sum(axis=1)).astype(np.int64)
    column_sums = np.rint(full.sum(axis=0)).astype(np.int64)
    if int(row_sums.sum()) != int(column_sums.sum()):
        raise ValueError(f"margins differ: {row_sums.sum()} and {column_sums.sum()} kg")
    line, bar = np.nonzero(full)
    work = _rounded(full[line, bar], line, bar, row_sums, column_sums)
    inner = (line < len(lines)) & (bar < len(bars))
    found[lines[line[inner]], bars[bar[inner]]] = work.whole[inner]
    return found


def _complement(sums: Floats) -> Floats:
    """What is missing to the next whole kilogram, 0 where the sum is whole."""
    whole = np.abs(sums - np.rint(sums)) < MARGIN_KG
    return np.where(whole, 0.0, np.ceil(sums) - sums)


class Closed(NamedTuple):
    """A closed month in whole kilograms: exits (origins x fates) and the new stock per origin."""

    exits: sparse.csr_array
    stock: Ints
    row_rest: Ints


def close_month(stock_before: Ints, sources: Ints, exits: sparse.csr_array, posted: Ints) -> Closed:
    """Round one month of the closed-month chain; what was closed before never changes.

    stock_before: whole kilograms per origin at the last close; sources: kilograms that came in per
    origin; exits: traced floats (origins x fates); posted: whole kilograms per fate (the books).
    Row totals are stock before + sources; the new stock is the balance (paper 6 section 5).
    """
    rows = stock_before + sources
    rest = rows - np.asarray(exits.sum(axis=1)).ravel()
    cells = sparse.hstack([exits, sparse.csr_array(np.maximum(rest, 0.0)[:, None])], format="csr")
    columns = np.append(posted, rows.sum() - posted.sum())
    cells = sparse.csr_array(cells)
    rounded = round_table(_with_last_column(cells), rows, columns)
    table = sparse.csr_array(rounded.kg)
    stock = np.asarray(table[:, [-1]].toarray()).ravel()
    return Closed(sparse.csr_array(table[:, :-1]), stock, rounded.row_rest)


def _with_last_column(cells: sparse.csr_array) -> sparse.csr_array:
    """Every row gets a cell in the last column, so that stock can always take the balance."""
    rows, columns = cells.shape
    found = sparse.coo_array(cells)
    line = np.concatenate([found.row, np.arange(rows)])
    column = np.concatenate([found.col, np.full(rows, columns - 1)])
    data = np.concatenate([found.data, np.zeros(rows)])
    return sparse.csr_array((data, (line, column)), shape=cells.shape)
