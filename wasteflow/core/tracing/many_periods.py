"""Terms of many periods at once: forward passes instead of a sweep backwards for each of them.

    total(m) = what left along each fate in month m, by name: one pass over all months
    new(m)   = the same for mass that arose since a period's first day: of that pass the origins
               that arose since, if none is older too; else one pass more per first month
    prior    = total - new, each summed over the months of the period

A sweep backwards carries the columns of every period through all of its history; forward every
month is seen once, whatever the number of periods (paper 6, 4: "for every month at once use
forward").  The figures are those of `periods.terms_together`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from wasteflow.core.later import sparse
from wasteflow.core.periods import Period, next_month
from wasteflow.core.tracing.adjoint import Column, Hits
from wasteflow.core.tracing.attribution import (
    DISPOSED,
    FATE_STEP,
    USED,
    Arrivals,
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
    unknown_year,
)
from wasteflow.core.tracing.behind import without_openings
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.forward import ForwardMonth, State, forward
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.sweep import sweep
from wasteflow.core.tracing.together import Together
from wasteflow.core.tracing.yearpass import Operators, YearPass

FEW_ORIGINS = 6_000
"""Up to so many origins a forward pass stays small."""
STEP_COLUMNS = 45
"""A month forward takes about as long as so many columns of a month backwards."""


def forward_is_quicker(whole: Together, periods: Sequence[Period], basis: Basis) -> bool:
    """Whether `periods_together` answers sooner than one sweep back (`periods.terms_together`).

    Backwards every column of a period goes through all months before its end; forward all months
    are passed once, and the months of the periods at worst once more for every first day.
    """
    chain = whole.operators.chain
    many = max(len(part.chain.origins) for part in whole.parts)
    if len(periods) == 1 or many > FEW_ORIGINS:
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


class _Passed(Struct):
    """Exits by month, stock by name (all, of unknown year) at the ends asked for, pools of the
    sites that treat."""

    exits: dict[int, _Exits] = field(default_factory=dict)
    stock: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    pools: dict[int, sparse.coo_array] = field(default_factory=dict)


class _Since(NamedTuple):
    """The periods with one first month: their ends, and the origins that are their new mass.

    Not `told`: some of these origins also have older mass (`_since_of`).
    """

    first: int
    ends: frozenset[int]
    born: Mask
    told: bool

    @property
    def last(self) -> int:
        return max(self.ends, default=-1)


def terms_of_periods(
    operators: Operators, passed: YearPass, periods: Sequence[Period], basis: Basis
) -> list[PeriodTerms]:
    """Terms of every origin name of one material for each period, split by route."""
    return periods_together(Together.alone(operators, passed), periods, basis)[0]


def periods_together(
    whole: Together, periods: Sequence[Period], basis: Basis
) -> list[list[PeriodTerms]]:
    """The same for every part, all from the same passes: parts x periods."""
    operators = whole.operators
    chain = operators.chain
    spans = spans_of(chain, periods, basis, Split.ROUTE)
    firsts = [_since_of(chain, spans, first) for first in sorted({span.first for span in spans})]
    everything, fresh = _all_months(whole, spans, firsts, basis)
    stated: dict[int, _Passed] = {}
    for since in firsts:
        opened = any(len(chain.months[n].opened.kg) for n in range(since.first, since.last + 1))
        if not since.told:
            fresh[since.first] = _from_nothing(whole, since, basis, openings=False)
        stated[since.first] = fresh[since.first]
        if opened and since.first == 0:
            stated[since.first] = everything
        elif opened:
            stated[since.first] = _from_nothing(whole, since, basis, openings=True)
    unused = _unused(operators, whole.passed, spans, basis)
    spent = _spent(chain, everything, basis)
    arrivals = [Arrivals(part.chain) for part in whole.parts]
    found: list[list[PeriodTerms]] = [[] for _ in whole.parts]
    for number, span in enumerate(spans):
        tables = _tables(chain, span, everything, fresh[span.first], stated[span.first])
        treated = _treated(chain, span, number, everything, unused)
        used = spent[span.last + 1] if basis is Basis.VERIFIED else spent[0]
        for terms, came, names in zip(found, arrivals, whole.names(), strict=True):
            cut = [table[names] for table in tables]
            some = np.flatnonzero(np.any([table[:, :-1].any(axis=0) for table in cut], axis=0))
            mine = Span(span.period, *came.chain.span(span.period), span.codes[some], 0)
            cut = [table[:, np.append(some, -1)] for table in cut]  # codes of this part alone
            terms.append(terms_of_tables(came, mine, cut, treated[names], used[names], basis))
    return found


def _since_of(chain: Chain, spans: Sequence[Span], first: int) -> _Since:
    """Which origins arise in the periods from `first` on.

    If all mass of theirs does, the new mass of the periods is told by its origin in the pass over
    everything; an opening entry that states their year, or a first day inside a year, prevents it.
    """
    ends = frozenset(span.last for span in spans if span.first == first and span.last >= first)
    born, older = np.zeros(len(chain.origins), bool), np.zeros(len(chain.origins), bool)
    for number, system in enumerate(chain.months[: max(ends, default=-1) + 1]):
        (older if number < first else born)[system.sources.origin] = True
        older[system.opened.origin] = True
    return _Since(first, ends, born, not (born & older).any())


class _ByName:
    """Columns of origins (rows x origins) added up by name, of all origins or of some."""

    def __init__(self, kg: sparse.csr_array, chain: Chain) -> None:
        row = np.repeat(np.arange(kg.shape[0]), np.diff(kg.indptr))
        self._shape = kg.shape[0], len(chain.names)
        self._cell = row * self._shape[1] + chain.origin_name[kg.indices]
        self._origin, self._kg = kg.indices, kg.data

    def of(self, some: Mask | None = None) -> Floats:
        """Kilograms rows x names; some: of these origins alone."""
        cell, kg = self._cell, self._kg
        if some is not None:
            at = np.flatnonzero(some[self._origin])
            cell, kg = cell[at], kg[at]
        found = np.bincount(cell, kg, self._shape[0] * self._shape[1])
        return np.asarray(found.reshape(self._shape), dtype=np.float64)


def _all_months(
    whole: Together, spans: Sequence[Span], firsts: Sequence[_Since], basis: Basis
) -> tuple[_Passed, dict[int, _Passed]]:
    """One pass over all months: everything, and the new mass of those `firsts` it can tell."""
    chain = whole.operators.chain
    last = max((span.last for span in spans), default=-1)
    begin = min((span.first for span in spans), default=0)
    if basis is Basis.VERIFIED:
        begin = 0  # everything used since the books began stands beside
    told = [since for since in firsts if since.told]
    everything, fresh = _Passed(), {since.first: _Passed() for since in told}
    unknown = unknown_year(chain)
    from_start = {span.last for span in spans if span.first == 0}
    for step in forward(whole.operators, whole.passed, last=last, lens=lens_of(basis)):
        number = step.number
        if number < begin:
            continue
        live = [since for since in told if since.first <= number <= since.last]
        codes, exits = _exits(step, basis, chain)
        everything.exits[number] = _Exits(codes, exits.of(), exits.of(unknown))
        for since in live:
            born = exits.of(since.born), exits.of(since.born & unknown)
            fresh[since.first].exits[number] = _Exits(codes, *born)
        sites = np.flatnonzero(step.system.treated)
        if len(sites):
            everything.pools[number] = sparse.coo_array(step.pool_of(sites))
        ending = [since for since in live if number in since.ends]
        if ending or number in from_start:
            kept = _stock(step, chain)
            everything.stock[number] = kept.of()[0], kept.of(unknown)[0]
            for since in ending:
                born = kept.of(since.born)[0], kept.of(since.born & unknown)[0]
                fresh[since.first].stock[number] = born
    return everything, fresh


def _exits(step: ForwardMonth, basis: Basis, chain: Chain) -> tuple[Ints, _ByName]:
    """Codes of what left in the month, and its kilograms."""
    code = move_codes(step.system, basis)
    moves = np.flatnonzero(code >= 0)
    codes, group = np.unique(code[moves], return_inverse=True)
    return codes, _ByName(step.grouped(moves, group, len(codes)), chain)


def _stock(step: ForwardMonth, chain: Chain) -> _ByName:
    """What lies anywhere at the end of the month, as one row."""
    kept = step.closing()
    pointer = np.array([0, kept.nnz])
    shape = 1, kept.shape[1]
    return _ByName(sparse.csr_array((kept.data, kept.indices, pointer), shape=shape), chain)


def _from_nothing(whole: Together, since: _Since, basis: Basis, *, openings: bool) -> _Passed:
    """The months of the periods for mass that arose in them.

    openings: with the stock that entries of these months state (prior for every period).
    """
    operators, first, last = whole.operators, since.first, since.last
    chain, found = operators.chain, _Passed()
    if last < first:
        return found
    lens, unknown = lens_of(basis), unknown_year(chain)
    operators.prepare(first, last, lens)
    shape = len(chain.places), len(chain.origins)
    before = next_month(chain.months[first].month, -1)
    start = State(before, chain.places, chain.origins, sparse.csr_array(shape))
    used = operators if openings else without_openings(operators, first, last, lens)
    for step in forward(used, whole.passed, last=last, lens=lens, start=start):
        codes, exits = _exits(step, basis, chain)
        found.exits[step.number] = _Exits(codes, exits.of(), exits.of(unknown))
        if step.number in since.ends:
            kept = _stock(step, chain)
            found.stock[step.number] = kept.of()[0], kept.of(unknown)[0]
    return found


def _tables(
    chain: Chain, span: Span, whole: _Passed, fresh: _Passed, stated: _Passed
) -> list[Floats]:
    """New, prior and prior of unknown year of a period: names x (codes, stock).

    Of other fates than use and disposal, and of stock, prior is only what the period's own opening
    entries state.
    """
    shape = len(span.codes) + 1, len(chain.names)
    new, prior, unknown = (np.zeros(shape) for _ in range(3))
    old = np.array([decode(code)[0] <= DISPOSED for code in span.codes.tolist()], dtype=bool)
    for number in range(span.first, span.last + 1):
        total, arose, said = whole.exits[number], fresh.exits[number], stated.exits[number]
        row = np.searchsorted(span.codes, total.codes)
        traced = old[row][:, None]
        new[row] += arose.kg
        prior[row] += np.where(traced, total.kg, said.kg) - arose.kg
        unknown[row] += np.where(traced, total.unknown, said.unknown)
    if span.last in fresh.stock:
        new[-1] = fresh.stock[span.last][0]
        prior[-1] = stated.stock[span.last][0] - new[-1]
        unknown[-1] = stated.stock[span.last][1]
    return [new.T, np.maximum(prior, 0.0).T, unknown.T]


def _spent(chain: Chain, whole: _Passed, basis: Basis) -> list[Floats]:
    """Used by name since the books began, to the end of every month (verified basis only)."""
    found = [np.zeros(len(chain.names))]
    if basis is Basis.VERIFIED:
        for _, exits in sorted(whole.exits.items()):
            used = exits.codes < FATE_STEP
            found.append(found[-1] + exits.kg[used].sum(axis=0))
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

    def observe(number: int, live: Ints, values: Floats) -> None:
        sites = np.flatnonzero(chain.months[number].treated)
        if len(sites):
            chance = values[sites]
            left = np.zeros((len(sites), len(chain.years), len(spans)))
            left[:, : chance.shape[1], live] = 1.0 - chance
            found[number] = left

    sweep(operators, passed, columns, hits, lens=lens_of(basis), observe=observe)
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
