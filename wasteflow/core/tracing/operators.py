"""The contracted systems (I - P^T) of months, made for many months at once; nothing is solved here.

Queues (yards, transits) are eliminated beforehand by their Schur complement

    C = P_ss + P_sq N P_qs,   N = (I - P_qq)^-1,   H = P_sq N,   G = N P_qs

The matrices of all months are made together and cut (`blocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.blocks import Blocks, Draws, Ways
from wasteflow.core.tracing.elimination import Elimination
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import LevelPlan, MonthSystem


class Operator:
    """(I - P^T) of a month on its sites, for the moves that the traced class goes along with.

    Queues are the places behind all sites.

        X_s = (I - C^T)^-1 (B_s + G^T B_q);  X_q = N^T B_q + H^T X_s
    """

    def __init__(self, blocks: Blocks, number: int) -> None:
        self.blocks, self.number = blocks, number

    def _cut(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """This month's block on the diagonal."""
        return self.blocks.block(matrix, self.number)

    @cached_property
    def to_site(self) -> sparse.csr_array:
        """G, queues x sites."""
        return self._cut(self.blocks.to_site)

    @cached_property
    def to_queue(self) -> sparse.csr_array:
        """H, sites x queues."""
        return self._cut(self.blocks.to_queue)

    @cached_property
    def sites_alone(self) -> sparse.csr_array:
        """C, sites x sites."""
        return self._cut(self.blocks.sites_alone)

    @cached_property
    def onward(self) -> sparse.csr_array:
        """N - I, queues x queues."""
        return self._cut(self.blocks.onward)

    @cached_property
    def drawn(self) -> sparse.csr_array:
        """Where draws of queues go: F_ij / O_i, queues x places."""
        return self._cut(self.blocks.drawn)

    @cached_property
    def staying(self) -> sparse.csr_array:
        """H times what stays of the pool of each queue: how a site feels what queues keep."""
        return self._cut(self.blocks.staying)

    @property
    def draws(self) -> Draws:
        """Draws, sites and queues apart."""
        return self.blocks.draws[self.number]

    @property
    def needed(self) -> Ints:
        """Queues with something of their own: with a source, or a draw sent to them."""
        return self.blocks.needed[self.number]

    @property
    def needed_to_site(self) -> sparse.csr_array:
        """The rows of G that are `needed`."""
        return self.blocks.needed_to_site[self.number]

    @property
    def ways(self) -> Ways:
        """How refused parts are handed on."""
        return self.blocks.ways[self.number]

    def to_site_of(self, queues: Ints) -> sparse.csr_array:
        """Rows of G, kept for the queues that every sweep backwards asks for."""
        number, blocks = self.number, self.blocks
        for asked, rows in (
            (blocks.born, blocks.born_to_site),
            ([part.targets for part in blocks.draws], blocks.targets_to_site),
        ):
            if np.array_equal(queues, asked[number]):
                return rows[number]
        return self.to_site[queues]

    @property
    def site_count(self) -> int:
        """How many sites there are."""
        return self.blocks.n_sites

    @property
    def sites(self) -> slice:
        """Where the sites stand among the places."""
        return slice(0, self.blocks.n_sites)

    @property
    def queues(self) -> slice:
        """Where the queues stand among the places."""
        return slice(self.blocks.n_sites, None)

    @property
    def queue_count(self) -> int:
        """How many queues there are."""
        return self.blocks.n_queues

    @property
    def elimination(self) -> Elimination:
        """How the sites are solved for dense columns."""
        return self.blocks.eliminations[self.number]

    @cached_property
    def plan(self) -> LevelPlan:
        """Elimination of the sites by strongly connected components, for sparse columns."""
        return LevelPlan(self.sites_alone)

    @cached_property
    def site_from_queue(self) -> sparse.csr_array:
        """G transposed, sites x queues, by rows for sparse columns."""
        return self.to_site.T.tocsr()

    @cached_property
    def queue_from_site(self) -> sparse.csr_array:
        """H transposed, queues x sites."""
        return self.to_queue.T.tocsr()

    @cached_property
    def place_from_queue(self) -> sparse.csr_array:
        """Where draws of queues go, transposed: places x queues."""
        return self.drawn.T.tocsr()

    @cached_property
    def queue_from_queue(self) -> sparse.csr_array:
        """N - I transposed."""
        return self.onward.T.tocsr()

    def through_queues(self, at_queues: Any) -> Any:
        """N^T b: mass that enters queues, with what refused parts pass on to child transits."""
        return at_queues + self.queue_from_queue @ at_queues if self.onward.nnz else at_queues

    def forward(self, b: Floats) -> Floats:
        """X of (I - P^T) X = b for few dense columns (places x columns)."""
        x = np.empty_like(b)
        at_queues = b[self.queues]
        at_sites = b[self.sites] + self.to_site.T @ at_queues
        self.elimination.forward(at_sites)
        x[self.sites] = at_sites
        x[self.queues] = self.through_queues(at_queues) + self.to_queue.T @ at_sites
        return x

    def to_queues_of(self, at: Ints, count: int) -> sparse.csr_array:
        """H with only some queues as columns: `at` gives the position of each among `count`."""
        parts = self.to_queue.data, at[self.to_queue.indices], self.to_queue.indptr
        return sparse.csr_array(parts, shape=(self.site_count, count))


def contracted(
    systems: Sequence[MonthSystem],
    lens: Callable[[MonthSystem], Mask] | None = None,
    like: Sequence[Operator] = (),
) -> list[Operator]:
    """The operators of months of one chain; `lens`: the moves to go along with (None: all).

    Moves outside the lens are exits of the class that is traced.  like: operators of the same
    months for all moves, if they are there and were made together.
    """
    if not systems:
        return []
    known = {id(one.blocks): one.blocks for one in like}
    same = len(known) == 1 and [one.number for one in like] == list(range(len(systems)))
    whole = next(iter(known.values())) if same else None
    blocks = Blocks(systems, lens, whole if whole and whole.count == len(systems) else None)
    return [Operator(blocks, number) for number in range(blocks.count)]
