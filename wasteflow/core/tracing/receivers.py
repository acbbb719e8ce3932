"""Which firm a generator's credited use took place at: tonnes by generator, receiver and route.

    total(m) = what was credited in month m, by origin and the firm that took it: one forward pass
    new(m)   = the same for mass that arose since the period's first day: a pass from an empty start
    prior    = total - new, added up over the months of the period

Declared: the receiver is the firm that accepted the mass for use first (the generator itself where
it used its own).  Sums over receivers are those of `attribution.period_terms`, to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.periods import Period, next_month
from wasteflow.core.tracing.attribution import USED, Basis, fate_codes, lens_of
from wasteflow.core.tracing.behind import without_openings
from wasteflow.core.tracing.flows import Floats, Ints, is_pseudo
from wasteflow.core.tracing.forward import ForwardMonth, State, forward
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.together import Together
from wasteflow.core.tracing.yearpass import Operators, YearPass


class CreditedUse(NamedTuple):
    """Kilograms of a generator credited at a receiver by a route, and the older part of them."""

    generator: str
    receiver: str
    route: str
    kg: float
    prior_kg: float


def credited_use(
    operators: Operators, passed: YearPass, period: Period, basis: Basis = Basis.DECLARED
) -> list[CreditedUse]:
    """Rows in order of generator, receiver, route; pseudo-origins credit nobody: left out."""
    return credited_use_together(Together.alone(operators, passed), [0], period, basis)[0]


def credited_use_together(
    whole: Together, wanted: Sequence[int], period: Period, basis: Basis = Basis.DECLARED
) -> list[list[CreditedUse]]:
    """The same for several materials at once: rows of each part that is `wanted`."""
    operators, passed = whole.operators, whole.passed
    chain = operators.chain
    first, last = chain.span(period)
    if last < first:
        return [[] for _ in wanted]
    only = [
        number
        for part in wanted
        for number in range(whole.parts[part].origins.start, whole.parts[part].origins.stop)
    ]
    firms = sorted({place.owner for place in chain.places})
    number = {firm: position for position, firm in enumerate(firms)}
    owner = np.array([number[place.owner] for place in chain.places], dtype=np.int64)
    lens = lens_of(basis)
    total = _Sums(chain, owner, len(firms))
    for step in forward(operators, passed, last=last, lens=lens, only=only):
        if step.number >= first:
            total.note(step, basis)
    fresh = _Sums(chain, owner, len(firms))
    operators.prepare(first, last, lens)
    empty = sparse.csr_array((len(chain.places), len(chain.origins)))
    before = next_month(chain.months[first].month, -1)
    start = State(before, chain.places, chain.origins, empty)
    bare = without_openings(operators, first, last, lens)
    for step in forward(bare, passed, last=last, lens=lens, start=start, only=only):
        fresh.note(step, basis)
    new = dict(zip(*fresh.added(), strict=True))
    names = whole.names()
    owned = {at: part for part in wanted for at in range(names[part].start, names[part].stop)}
    found: dict[int, list[CreditedUse]] = {part: [] for part in wanted}
    credits_nobody = [is_pseudo(name) for name in chain.names]
    for code, kg in zip(*total.added(), strict=True):
        at, firm, route = total.decode(code)
        if kg > 0 and not credits_nobody[at]:
            prior = min(kg, max(0.0, kg - new.get(code, 0.0)))
            found[owned[at]].append(CreditedUse(chain.names[at], firms[firm], route, kg, prior))
    return [sorted(found[part]) for part in wanted]


class _Sums:
    """Credited kilograms by name, firm and route, month after month."""

    def __init__(self, chain: Chain, owner: Ints, firms: int) -> None:
        self._chain, self._owner = chain, owner
        self._routes = len(chain.routes) + 1
        self._width = firms * self._routes
        self._codes: list[Ints] = []
        self._kg: list[Floats] = []

    def note(self, step: ForwardMonth, basis: Basis) -> None:
        """Keep what was credited in a month."""
        moves = step.system.moves
        used = np.flatnonzero(fate_codes(step.system, basis) == USED)
        if not len(used):
            return
        place = np.where(moves.target[used] >= 0, moves.target[used], moves.source[used])
        key = self._owner[place] * self._routes + moves.route[used] + 1
        keys, group = np.unique(key, return_inverse=True)
        cells = sparse.coo_array(step.grouped(used, group, len(keys)))
        code = self._chain.origin_name[cells.col] * self._width + keys[cells.row]
        codes, at = np.unique(code, return_inverse=True)
        self._codes.append(codes)
        self._kg.append(np.asarray(np.bincount(at, cells.data, len(codes)), dtype=np.float64))

    def added(self) -> tuple[list[int], list[float]]:
        """(codes ascending, kilograms)."""
        codes = np.concatenate([np.zeros(0, np.int64), *self._codes])
        unique, at = np.unique(codes, return_inverse=True)
        kg = np.bincount(at, np.concatenate([np.zeros(0), *self._kg]), len(unique))
        return unique.tolist(), kg.tolist()

    def decode(self, code: int) -> tuple[int, int, str]:
        """(number of the name, number of the firm, route) of a code."""
        name, rest = divmod(code, self._width)
        firm, route = divmod(rest, self._routes)
        return name, firm, self._chain.routes[route - 1] if route else ""
