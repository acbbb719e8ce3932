"""Terms of many periods at once: forward passes instead of a sweep backwards for each of them.

    total(m) = what left along each fate in month m, by name: one pass over all months
    new(m)   = the same for mass that arose since a period's first day: one pass per first month
    prior    = total - new, each summed over the months of the period

A sweep backwards carries the columns of every period through all of its history; forward every
month is seen once, whatever the number of periods (paper 6, 4: "for every month at once use
forward").  The figures are those of `attribution.period_terms`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import sparse

from wasteflow.core.periods import Period, next_month
from wasteflow.core.tracing.adjoint import Column, Hits, Pools, adjoint
from wasteflow.core.tracing.attribution import (
    DISPOSED,
    USED,
    Basis,
    PeriodTerms,
    Span,
    Split,
    decode,
    fate_codes,
    lens_of,
    move_codes,
    spans_of,
    terms_of_tables,
)
from wasteflow.core.tracing.behind import without_openings
from wasteflow.core.tracing.flows import UNKNOWN_YEAR, Floats, Ints
from wasteflow.core.tracing.forward import ForwardMonth, State, forward
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.yearpass import Operators, YearPass

FEW_ORIGINS = 6_000
"""Up to so many origins a forward pass stays small."""
STEP_COLUMNS = 45
"""A month forward takes about as long as so many columns of a month backwards."""


def forward_is_quicker(chain: Chain, periods: Sequence[Period], basis: Basis) -> bool:
    """Whether `terms_of_periods` answers sooner than one sweep back (`attribution.period_terms`).

    Backwards every column of a period goes through all months before its end; forward all months
    are passed once, and the months of the periods once more for every first day.
    """
    if len(periods) == 1 or len(chain.origins) > FEW_ORIGINS:
        return False
    spans = spans_of(chain, periods, basis, Split.ROUTE)
    back = sum((span.last + 1) * len(span.codes) for span in spans)
    ends: dict[int, int] = {}
    for span in spans:
        ends[span.first] = max(span.last, ends.get(span.first, -1))
    steps = max((span.last + 1 for span in spans), default=0)
    steps += sum(max(0, last - first + 1) for first, last in ends.items())
    return back > STEP_COLUMNS * steps


class _Exits(NamedTuple):
    """What left in a month: move codes, kilograms (codes x names), those of unknown year."""

    codes: Ints
    kg: Floats
    unknown: Floats


@dataclass(slots=True)
class _Passed:
    """Exits by month, stock by name (all, of unknown year) at the ends asked for, pools of the
    sites that treat."""

    exits: dict[int, _Exits] = field(default_factory=dict)
    stock: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    pools: dict[int, sparse.coo_array] = field(default_factory=dict)


def terms_of_periods(
    operators: Operators, passed: YearPass, periods: Sequence[Period], basis: Basis
) -> list[PeriodTerms]:
    """Terms of every origin name for each period, split by route."""
    chain = operators.chain
    spans = spans_of(chain, periods, basis, Split.ROUTE)
    last = max((span.last for span in spans), default=-1)
    begin = min((span.first for span in spans), default=0)
    if basis is Basis.VERIFIED:
        begin = 0  # everything used since the books began stands beside
    lens = lens_of(basis)
    whole = _Passed()
    for step in forward(operators, passed, last=last, lens=lens):
        if step.number >= begin:
            _note(whole, step, basis, chain)
    fresh: dict[int, _Passed] = {}
    stated: dict[int, _Passed] = {}
    for first in sorted({span.first for span in spans}):
        ends = {span.last for span in spans if span.first == first and span.last >= first}
        months = chain.months[first : max(ends, default=-1) + 1]
        arguments = operators, passed, first, ends, basis
        stated[first] = fresh[first] = _since(*arguments, openings=False)
        if any(len(system.opened.kg) for system in months):
            stated[first] = _since(*arguments, openings=True)
    unused = _unused(operators, passed, spans, basis)
    return [
        terms_of_tables(
            chain,
            span,
            _tables(chain, span, whole, fresh[span.first], stated[span.first]),
            _treated(chain, span, number, whole, unused),
            _spent(chain, span, whole),
            basis,
        )
        for number, span in enumerate(spans)
    ]


def _by_name(kg: sparse.csr_array, chain: Chain, *, unknown: bool = False) -> Floats:
    """Columns of origins added up by name; unknown: only the origins of no known year."""
    if unknown and UNKNOWN_YEAR not in chain.years:
        return np.zeros((kg.shape[0], len(chain.names)))
    row = np.repeat(np.arange(kg.shape[0]), np.diff(kg.indptr))
    column, cells = kg.indices, kg.data
    if unknown:
        some = np.flatnonzero(np.asarray(chain.years)[chain.origin_year[column]] == UNKNOWN_YEAR)
        row, column, cells = row[some], column[some], cells[some]
    shape = kg.shape[0], len(chain.names)
    cell = row * shape[1] + chain.origin_name[column]
    found = np.bincount(cell, cells, shape[0] * shape[1])
    return np.asarray(found.reshape(shape), dtype=np.float64)


def _note(found: _Passed, step: ForwardMonth, basis: Basis, chain: Chain) -> None:
    """Keep what left in the month, and the pools of what was treated."""
    code = move_codes(step.system, basis)
    moves = np.flatnonzero(code >= 0)
    codes, group = np.unique(code[moves], return_inverse=True)
    table = step.grouped(moves, group, len(codes))
    exits = _Exits(codes, _by_name(table, chain), _by_name(table, chain, unknown=True))
    found.exits[step.number] = exits
    sites = np.flatnonzero(step.system.treated)
    if len(sites):
        found.pools[step.number] = sparse.coo_array(step.pool_of(sites))


def _since(
    operators: Operators,
    passed: YearPass,
    first: int,
    ends: Collection[int],
    basis: Basis,
    *,
    openings: bool,
) -> _Passed:
    """The months from `first` to the last of `ends` for mass that arose in them.

    openings: with the stock that entries of these months state (prior for every period).
    """
    chain, found = operators.chain, _Passed()
    last = max(ends, default=-1)
    if last < first:
        return found
    lens = lens_of(basis)
    operators.prepare(first, last, lens)
    shape = len(chain.places), len(chain.origins)
    before = next_month(chain.months[first].month, -1)
    start = State(before, chain.places, chain.origins, sparse.csr_array(shape))
    used = operators if openings else without_openings(operators, first, last, lens)
    for step in forward(used, passed, last=last, lens=lens, start=start):
        _note(found, step, basis, chain)
        if step.number in ends:
            kept = step.closing()
            found.stock[step.number] = (
                _by_name(kept, chain).sum(axis=0),
                _by_name(kept, chain, unknown=True).sum(axis=0),
            )
    return found


def _tables(
    chain: Chain, span: Span, whole: _Passed, fresh: _Passed, stated: _Passed
) -> list[Floats]:
    """New, prior and prior of unknown year of a period: names x (codes, stock).

    Of other fates than use and disposal, and of stock, prior is only what the period's own opening
    entries state.
    """
    shape = len(chain.names), len(span.codes) + 1
    new, prior, unknown = (np.zeros(shape) for _ in range(3))
    old = np.array([decode(code)[0] <= DISPOSED for code in span.codes.tolist()], dtype=bool)
    for number in range(span.first, span.last + 1):
        total, arose, said = whole.exits[number], fresh.exits[number], stated.exits[number]
        column = np.searchsorted(span.codes, total.codes)
        traced = old[column][:, None]
        new[:, column] += arose.kg.T
        prior[:, column] += (np.where(traced, total.kg, said.kg) - arose.kg).T
        unknown[:, column] += np.where(traced, total.unknown, said.unknown).T
    if span.last in fresh.stock:
        new[:, -1] = fresh.stock[span.last][0]
        prior[:, -1] = stated.stock[span.last][0] - new[:, -1]
        unknown[:, -1] = stated.stock[span.last][1]
    return [new, np.maximum(prior, 0.0), unknown]


def _spent(chain: Chain, span: Span, whole: _Passed) -> Floats:
    """Used by name since the books began, as far as the months were kept."""
    found = np.zeros(len(chain.names))
    for number, exits in whole.exits.items():
        if number <= span.last:
            used = np.array([decode(code)[0] == USED for code in exits.codes.tolist()], dtype=bool)
            found += exits.kg[used].sum(axis=0)
    return found


def _unused(
    operators: Operators, passed: YearPass, spans: Sequence[Span], basis: Basis
) -> dict[int, Floats]:
    """Month → one minus the chance of use by each period's end: treating sites x years x periods.

    0 for periods that do not hold the month.
    """
    chain = operators.chain
    found: dict[int, Floats] = {}
    if not any(system.treated.any() for system in chain.months):
        return found
    columns = [Column(span.first, span.last, history=False) for span in spans]

    def hits(number: int, system: MonthSystem) -> Hits:
        moves = np.flatnonzero(fate_codes(system, basis) == USED)
        some = [n for n, span in enumerate(spans) if span.first <= number <= span.last]
        return Hits(np.tile(moves, len(some)), np.repeat(np.array(some, np.int64), len(moves)))

    def observe(number: int, live: Ints, pools: Pools) -> None:
        sites = np.flatnonzero(chain.months[number].treated)
        if len(sites):
            chance = pools.rows(sites)
            left = np.zeros((len(sites), len(chain.years), len(spans)))
            left[:, : chance.shape[1], live] = 1.0 - chance
            found[number] = left

    adjoint(operators, passed, columns, hits, lens=lens_of(basis), observe=observe)
    return found


def _treated(
    chain: Chain, span: Span, position: int, whole: _Passed, unused: dict[int, Floats]
) -> Floats:
    """Treated kilograms that count, by name (2-domain 1.5)."""
    found = np.zeros(len(chain.names))
    for number in range(span.first, span.last + 1):
        if number not in unused:
            continue
        system, pool = chain.months[number], whole.pools[number]
        sites = np.flatnonzero(system.treated)
        share = system.treated[sites] / system.throughput[sites]
        left = unused[number][pool.row, chain.origin_year[pool.col], position]
        kg = pool.data * share[pool.row] * left
        found += np.bincount(chain.origin_name[pool.col], kg, len(chain.names))
    return found
