"""Attribution month by month in whole kilograms: what a table per generator and month stores.

One forward pass gives all months; each is rounded once with both margins and then closed: the whole
kilograms of one month are the opening of the next (closed-month chain, paper 6 section 5), so a
stored month never changes by what comes later.  Goes on from a stored month.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from wasteflow.core.later import sparse
from wasteflow.core.tracing.attribution import FATES, Basis, decode, lens_of, move_codes
from wasteflow.core.tracing.flows import Ints, Origin
from wasteflow.core.tracing.forward import ForwardMonth, State, forward
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.rounding import close_month, largest_remainder
from wasteflow.core.tracing.yearpass import Operators, YearPass
from wasteflow.core.vocabulary import Evidence


class Credit(NamedTuple):
    """Whole kilograms of an origin that met a fate in a month (route and evidence for use)."""

    month: int
    origin: Origin
    fate: str
    route: str
    evidence: Evidence | None
    kg: int


class ClosedMonth(Struct, frozen=True):
    """Credits of a month and what is needed to go on: traced state and whole stock by origin."""

    month: int
    credits: tuple[Credit, ...]
    state: State
    stock_kg: dict[Origin, int]


def attribution_months(
    operators: Operators, passed: YearPass, basis: Basis, *, after: ClosedMonth | None = None
) -> Iterator[ClosedMonth]:
    """Every month (those later than `after`) on one basis.

    verified: every posted kilogram of a fate stands in a row, so the columns are the books;
    declared: rows hold open mass only, what was credited before stands nowhere.  In both, stock +
    sources = credits + new stock for every origin, in whole kilograms.
    """
    chain = operators.chain
    stock = np.zeros(len(chain.origins), np.int64)
    if after is not None:
        position = {origin: number for number, origin in enumerate(chain.origins)}
        for origin, kg in after.stock_kg.items():
            stock[position[origin]] = kg
    start = after.state if after else None
    for step in forward(operators, passed, lens=lens_of(basis), start=start):
        code = move_codes(step.system, basis)
        moves = np.flatnonzero((code >= 0) & ~step.system.circulating[step.system.moves.source])
        codes, group = np.unique(code[moves], return_inverse=True)
        table = sparse.csr_array(step.grouped(moves, group, len(codes)).T)
        arrived = _arrived(chain, step)
        posted = _posted(step, moves, group, table, basis)
        closed = close_month(stock, arrived, table, posted)
        stock = closed.stock
        yield ClosedMonth(
            step.system.month,
            _credits(chain, step.system.month, codes, sparse.csr_array(closed.exits)),
            State(step.system.month, chain.places, chain.origins, step.closing()),
            {chain.origins[n]: int(stock[n]) for n in np.flatnonzero(stock).tolist()},
        )


def _arrived(chain: Chain, step: ForwardMonth) -> Ints:
    found = np.zeros(len(chain.origins), np.int64)
    for part in (step.system.opened, step.system.sources):
        np.add.at(found, part.origin, part.kg)
    return found


def _posted(
    step: ForwardMonth, moves: Ints, group: Ints, table: sparse.csr_array, basis: Basis
) -> Ints:
    """Whole kilograms of every fate: the books, or the rounded sum of what was still open."""
    count = table.shape[1]
    if basis is Basis.VERIFIED:
        return np.bincount(group, step.system.moves.kg[moves], minlength=count).astype(np.int64)
    sums = np.asarray(table.sum(axis=0)).ravel()
    return largest_remainder(sums, int(np.rint(sums.sum())))


def _credits(chain: Chain, month: int, codes: Ints, kg: sparse.csr_array) -> tuple[Credit, ...]:
    cells = sparse.coo_array(kg)
    found = []
    for row, column, amount in zip(cells.row, cells.col, cells.data, strict=True):
        if amount:
            fate, route, grade = decode(int(codes[column]))
            split = route >= 0
            found.append(
                Credit(
                    month,
                    chain.origins[row],
                    FATES[fate],
                    chain.routes[route] if split else "",
                    Evidence(grade) if split else None,
                    int(amount),
                )
            )
    return tuple(found)
