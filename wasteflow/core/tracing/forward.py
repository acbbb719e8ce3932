"""Forward pass with a column per origin: sparse rows, one month after the other, state kept.

`B = site opening + sources + draws routed`, elimination by `LevelPlan`, then closing stock and
outflow of every place by origin (paper 6 section 3 and 4.3).  The sum over places of a column is
the mass of that origin, the sum over columns of a row the stock of that place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from wasteflow.core.later import sparse
from wasteflow.core.places import Place
from wasteflow.core.tracing.flows import Floats, Ints, Mask, Origin
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.operators import Operator
from wasteflow.core.tracing.solve import MonthSystem, Sources, csr
from wasteflow.core.tracing.yearpass import Lens, Operators, Rows, YearPass


class State(Struct, frozen=True):
    """Content of places by origin at the end of `month` (yyyymm), kilograms; rows = places.

    Names its rows and columns, so it can be kept and used again with a chain that has grown.
    """

    month: int
    places: tuple[Place, ...]
    origins: tuple[Origin, ...]
    kg: sparse.csr_array

    def fitted(self, chain: Chain) -> sparse.csr_array:
        """The same content in the numbering of `chain` (KeyError if a place or origin is gone)."""
        if self.places is chain.places and self.origins is chain.origins:
            return self.kg
        place = {item: number for number, item in enumerate(chain.places)}
        origin = {item: number for number, item in enumerate(chain.origins)}
        cells = sparse.coo_array(self.kg)
        rows = np.array([place[item] for item in self.places], dtype=np.int64)[cells.row]
        lines = np.array([origin[item] for item in self.origins], dtype=np.int64)[cells.col]
        shape = (len(chain.places), len(chain.origins))
        return sparse.csr_array((cells.data, (rows, lines)), shape=shape)


class ForwardMonth(Struct):
    """One traced month; columns are the origins of the chain (or the columns asked for)."""

    number: int
    system: MonthSystem
    _lens: Lens | None
    _operator: Operator
    _passing: sparse.csr_array
    _entering: sparse.csr_array
    _drawn: sparse.csr_array
    _kept: sparse.csr_array

    def grouped(self, move: Ints, group: Ints, groups: int) -> sparse.csr_array:
        """Kilograms (groups x origins) that leave along `move`s, each counted in its `group`.

        Works on site rows: what passes a queue is contracted into the share matrix, so no row
        of a queue has to be formed.
        """
        system, operator = self.system, self._operator
        place, share = system.moves.source[move], system.moves.share[move]
        alive = ~system.circulating[place]
        place, share, group = place[alive], share[alive], group[alive]
        first_queue = operator.site_count
        site = place < first_queue
        through = csr(share[site], group[site], place[site], (groups, first_queue))
        through.data *= system.passed[through.indices]
        queue = place[~site] - first_queue
        drawn = csr(share[~site], group[~site], queue, (groups, operator.queue_count))
        found = None
        if drawn.nnz:
            at_queues = drawn.copy()
            at_queues.data *= system.passed[operator.queues][drawn.indices]
            through = through + at_queues @ operator.queue_from_site
            found = at_queues @ self._entering
            if self._drawn.nnz:
                found = found + drawn @ self._drawn
        passing = through @ self._passing
        return passing if found is None else passing + found

    def carries(self) -> Mask:
        """Moves along which the traced class goes from place to place."""
        moves = self.system.moves
        kept = (moves.target >= 0) & ~self.system.circulating[moves.source]
        return kept if self._lens is None else kept & self._lens(self.system)

    def leaving(self) -> sparse.csr_array:
        """Outflow of every place by origin (places x origins)."""
        everything = np.arange(len(self.system.moves.kg))
        return self.grouped(everything, self.system.moves.source, len(self.system.out))

    def pool(self) -> sparse.csr_array:
        """X: kilograms of every origin that pass the pool of each place (places x origins)."""
        operator = self._operator
        at_queues = operator.queue_from_site @ self._passing + self._entering
        return sparse.csr_array(sparse.vstack([self._passing, at_queues], format="csr"))

    def pool_of(self, sites: Ints) -> sparse.csr_array:
        """Rows of `pool` of some sites, without making the others."""
        return self._passing[sites]

    def closing(self) -> sparse.csr_array:
        """Stock at the end of the month (places x origins)."""
        return self._kept


def forward(
    operators: Operators,
    passed: YearPass,
    *,
    last: int | None = None,
    lens: Lens | None = None,
    start: State | None = None,
    only: Sequence[int] | None = None,
) -> Iterator[ForwardMonth]:
    """Trace month by month up to position `last` (default: all).

    lens: moves the class goes along with (None: all); start: state at the end of an earlier month,
    to go on from there (for the same lens); only: origin numbers to trace, others are left out.
    """
    chain = operators.chain
    wanted = np.ones(len(chain.origins), bool)
    if only is not None:
        wanted[:] = False
        wanted[list(only)] = True
    content = sparse.csr_array((len(chain.places), len(chain.origins)))
    if start is not None:
        content = start.fitted(chain)
    stop = len(chain.months) if last is None else last + 1
    begin = sum(start is not None and system.month <= start.month for system in chain.months)
    operators.prepare(begin, stop - 1, lens)
    for number in range(begin, stop):
        traced = _step(operators, number, lens, passed.phi[number], content, wanted)
        yield traced
        content = traced.closing()


def _step(
    operators: Operators,
    number: int,
    lens: Lens | None,
    phi: Rows,
    content: sparse.csr_array,
    wanted: Mask,
) -> ForwardMonth:
    chain = operators.chain
    system, operator = chain.months[number], operators.of(number, lens)
    if len(system.opened.kg):
        content = sparse.csr_array(content + _matrix(chain, system.opened, wanted))
    at_sites, at_queues = content[operator.sites], content[operator.queues]
    part = _per_entry(phi.dense(), at_queues, chain.origin_year)
    drawn = _scaled(at_queues, part)
    kept = _scaled(at_queues, 1.0 - part)
    sources = _matrix(chain, system.sources, wanted)
    routed = operator.place_from_queue @ drawn + sources
    entering = routed[operator.queues]
    b = at_sites + routed[operator.sites] + operator.site_from_queue @ entering
    entering = operator.through_queues(entering)
    passing = operator.plan.solve(b)
    stays = (1.0 - system.passed) * (system.closing > 0)
    staying = _rows_scaled(passing, stays[operator.sites])
    waiting = np.flatnonzero(stays[operator.queues])
    at_hand = operator.queue_from_site[waiting] @ passing + entering[waiting]
    share = np.repeat(stays[operator.queues][waiting], np.diff(at_hand.indptr))
    lengths = np.zeros(operator.queue_count + 1, at_hand.indptr.dtype)
    lengths[waiting + 1] = np.diff(at_hand.indptr)
    parts = at_hand.data * share, at_hand.indices, np.cumsum(lengths, dtype=lengths.dtype)
    aside = kept + sparse.csr_array(parts, shape=kept.shape)
    left = sparse.csr_array(sparse.vstack([staying, aside], format="csr"))
    return ForwardMonth(number, system, lens, operator, passing, entering, drawn, left)


def _matrix(chain: Chain, sources: Sources, wanted: Mask) -> sparse.csr_array:
    some = wanted[sources.origin]
    return sparse.csr_array(
        (sources.kg[some].astype(np.float64), (sources.place[some], sources.origin[some])),
        shape=(len(chain.places), len(chain.origins)),
    )


def _per_entry(phi: Floats, content: sparse.csr_array, origin_year: Ints) -> Floats:
    """phi of the queue and year of every stored cell."""
    rows = np.repeat(np.arange(content.shape[0]), np.diff(content.indptr))
    return np.asarray(phi[rows, origin_year[content.indices]])


def _scaled(matrix: sparse.csr_array, factor: Floats) -> sparse.csr_array:
    """Cells times factors in stored order, cells that become 0 dropped (own index arrays)."""
    keep = factor > 0
    counts = np.concatenate([[0], np.cumsum(keep)])
    parts = matrix.data[keep] * factor[keep], matrix.indices[keep], counts[matrix.indptr]
    return sparse.csr_array(parts, shape=matrix.shape)


def _rows_scaled(matrix: sparse.csr_array, factor: Floats) -> sparse.csr_array:
    return _scaled(matrix, np.repeat(factor, np.diff(matrix.indptr)))
