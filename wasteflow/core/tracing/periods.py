"""Terms of every origin for chosen periods, from one sweep backwards over several materials.

The materials share the columns of the sweep: column k of a period is the k-th way of use of each
of them, since what one sends to a column can never meet what another sends there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wasteflow.core.periods import Period
from wasteflow.core.tracing.adjoint import NEW, PRIOR, Column, Hits, used
from wasteflow.core.tracing.attribution import (
    DISPOSED,
    FATE_STEP,
    USED,
    Arrivals,
    Basis,
    PeriodTerms,
    Span,
    Split,
    by_name,
    lens_of,
    move_codes,
    no_hits,
    terms_of_tables,
    unknown_year,
)
from wasteflow.core.tracing.flows import Floats, Ints
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.sweep import More, sweep
from wasteflow.core.tracing.together import Together
from wasteflow.core.tracing.yearpass import Lens, Operators, YearPass

_PART_STEP = 1_000_000_000
"""What a part adds to the codes of its moves."""


class Layout(NamedTuple):
    """Months of a period, and its columns: `column` of every code (ascending, parts one after the
    other), `uses` those of use, then disposal and the other fates, `stock`, and `ever` (everything
    used since the books began; verified basis only)."""

    period: Period
    first: int
    last: int
    codes: Ints
    column: Ints
    uses: range
    fates: Ints
    stock: int

    @property
    def ever(self) -> int:
        return self.stock + 1

    def holds(self, number: int) -> bool:
        """True if the month at that position of the chain lies in the period."""
        return self.first <= number <= self.last


def period_terms(
    operators: Operators,
    passed: YearPass,
    periods: Sequence[Period],
    basis: Basis,
    split: Split = Split.ROUTE,
) -> list[PeriodTerms]:
    """Terms of every origin name of one material for each period, from one adjoint sweep.

    Cost grows with periods x keys of `split` x months of history; for a row per month over years
    use `monthly.attribution_months`.
    """
    return terms_together(Together.alone(operators, passed), periods, basis, split)[0]


def terms_together(
    whole: Together, periods: Sequence[Period], basis: Basis, split: Split = Split.ROUTE
) -> list[list[PeriodTerms]]:
    """The same for every part, all from one sweep: parts x periods."""
    coded = _Coded(whole, basis, split)
    layouts = _layouts(coded, periods)
    lens = lens_of(basis)
    treatment = _Treatment(whole.operators, layouts)
    reached = sweep(
        whole.operators,
        whole.passed,
        _columns(whole, layouts, basis),
        lambda number, system: _hits(coded, layouts, number, system),
        lens=lens,
        observe=treatment.observe,
    )
    treated = treatment.attribute(whole.passed, lens)
    return [
        _terms(whole, number, layouts, reached.kg, treated, basis)
        for number in range(len(whole.parts))
    ]


class _Coded:
    """What every move of a month counts for, with the part it belongs to; made once a month."""

    def __init__(self, whole: Together, basis: Basis, split: Split) -> None:
        self.whole, self.basis, self.split = whole, basis, split
        self._known: dict[int, tuple[Ints, Ints]] = {}

    def of(self, number: int) -> tuple[Ints, Ints]:
        """(moves that count, their codes)."""
        if number not in self._known:
            system = self.whole.operators.chain.months[number]
            code = move_codes(system, self.basis, self.split)
            moves = np.flatnonzero(code >= 0)
            owner = self.whole.owner[system.moves.source[moves]]
            self._known[number] = moves, owner * _PART_STEP + code[moves]
        return self._known[number]


def _layouts(coded: _Coded, periods: Sequence[Period]) -> list[Layout]:
    found: list[Layout] = []
    base = 0
    for period in periods:
        first, last = coded.whole.operators.chain.span(period)
        parts = [np.unique(coded.of(number)[1]) for number in range(first, last + 1)]
        codes = np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))
        owner, fate = codes // _PART_STEP, codes % _PART_STEP // FATE_STEP
        use = fate == USED  # in front among the codes of a part
        rank = np.arange(len(codes)) - np.searchsorted(owner, owner)
        uses = int(rank[use].max(initial=-1)) + 1
        fates = np.unique(fate[~use])
        column = base + np.where(use, rank, uses + np.searchsorted(fates, fate))
        stock = base + uses + len(fates)
        layout = Layout(period, first, last, codes, column, range(base, base + uses), fates, stock)
        found.append(layout)
        base = (layout.ever if coded.basis is Basis.VERIFIED else layout.stock) + 1
    return found


def _columns(whole: Together, layouts: Sequence[Layout], basis: Basis) -> list[Column]:
    everywhere = np.ones(len(whole.owner), bool)
    columns: list[Column] = []
    for layout in layouts:
        first, last = layout.first, layout.last
        fates = [USED] * len(layout.uses) + layout.fates.tolist()
        columns += [Column(first, last, history=fate <= DISPOSED) for fate in fates]
        columns.append(Column(first, last, history=False, stock=everywhere))
        if basis is Basis.VERIFIED:
            columns.append(Column(0, last))
    return columns


def _hits(coded: _Coded, layouts: Sequence[Layout], number: int, system: MonthSystem) -> Hits:
    found = [Hits(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for layout in layouts:
        if layout.holds(number):
            moves, codes = coded.of(number)
            found.append(Hits(moves, layout.column[np.searchsorted(layout.codes, codes)]))
        if coded.basis is Basis.VERIFIED and number <= layout.last:
            spent = used(system)
            found.append(Hits(spent, np.full(len(spent), layout.ever)))
    return Hits(*(np.concatenate(part) for part in zip(*found, strict=True)))


class _Treatment:
    """Treated mass that is not used by the period's end (consumption balance, 2-domain 1.5).

    A treatment of k kg at a site with throughput T counts, of every kilogram in the pool, the share
    k / T (k capped at T) times one minus its chance u to be used by the end of the period.
    """

    def __init__(self, operators: Operators, layouts: Sequence[Layout]) -> None:
        self.operators, self.layouts = operators, layouts
        self._unused: dict[int, tuple[Ints, Floats]] = {}

    def observe(self, number: int, live: Ints, values: Floats) -> None:
        """Keep 1 - u of the treating sites of the month, per period."""
        if not any(layout.holds(number) for layout in self.layouts):
            return
        sites = np.flatnonzero(self.operators.chain.months[number].treated)
        if not len(sites):
            return
        u = values[sites]
        unused = np.zeros((len(sites), u.shape[1], len(self.layouts)))
        for position, layout in enumerate(self.layouts):
            if layout.holds(number):
                wanted = np.isin(live, layout.uses)
                unused[:, :, position] = 1.0 - u[:, :, wanted].sum(2)
        self._unused[number] = sites, unused

    def attribute(self, passed: YearPass, lens: Lens | None) -> Floats:
        """Treated kilograms that count, per origin and period."""
        chain = self.operators.chain
        if not self._unused:
            return np.zeros((len(chain.origins), len(self.layouts)))
        columns = [Column(layout.first, layout.last) for layout in self.layouts]

        def more(number: int, live: Ints, years: int) -> More | None:
            if number not in self._unused:
                return None
            system = chain.months[number]
            sites, unused = self._unused[number]
            share = system.treated[sites] / system.throughput[sites]
            return More(sites, share[:, None, None] * unused[:, :, live])

        reached = sweep(self.operators, passed, columns, no_hits, lens=lens, more=more)
        return reached.total


def _terms(
    whole: Together,
    number: int,
    layouts: Sequence[Layout],
    kg: Floats,
    treated: Floats,
    basis: Basis,
) -> list[PeriodTerms]:
    """Add the columns of a part up by name for each period, then as `terms_of_tables`."""
    part = whole.parts[number]
    chain, arrivals = part.chain, Arrivals(part.chain)
    mine = kg[:, part.origins]
    unknown = unknown_year(chain)
    treated_kg = by_name(chain, treated[part.origins])
    found = []
    for position, layout in enumerate(layouts):
        bounds = np.array([number, number + 1]) * _PART_STEP
        low, high = np.searchsorted(layout.codes, bounds).tolist()
        cells = mine[:, :, [*layout.column[low:high].tolist(), layout.stock]]
        tables = [
            by_name(chain, cells[NEW]),
            by_name(chain, cells[PRIOR]),
            by_name(chain, cells[PRIOR], unknown),
        ]
        spent = mine[:, :, layout.ever].sum(axis=0) if basis is Basis.VERIFIED else mine[0, :, 0]
        codes = layout.codes[low:high] - number * _PART_STEP
        span = Span(layout.period, *chain.span(layout.period), codes, 0)
        used = by_name(chain, spent[:, None])[:, 0]
        found.append(terms_of_tables(arrivals, span, tables, treated_kg[:, position], used, basis))
    return found
