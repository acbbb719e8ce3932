"""Adjoint: what a kilogram lying at a place is worth for chosen targets, backwards in time.

    (I - P) u = v,   v = target share + (a's complement) * w_next(own stock, by year)
    w(site) = u,     w(queue, year) = phi * r + (1 - phi) * w_next,   r = value of what is drawn

The kilograms of a source that reach a target are kg * u(place, year): exact, because phi depends on
the year only, and without a column per origin (paper 6, 4.2).  What was generated on or after the
first day of a column's period is new, everything before it is prior; stock of an `opening` entry is
always prior, whatever year it states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.solve import MonthSystem, Operator, Sources
from wasteflow.core.tracing.yearpass import Lens, Operators, YearPass

NEW, PRIOR = 0, 1
"""First axis of `Reached.kg`: came in during the period, was there before it."""


class Column(NamedTuple):
    """One target: months first..last (positions in the chain).

    `history`: follow it back to the start of the books (prior kilograms by origin); `stock`: mask
    of the places whose content at the end of `last` counts 1.
    """

    first: int
    last: int
    history: bool = True
    stock: Mask | None = None


class Hits(NamedTuple):
    """Moves (positions in the month) that count for a column, each with weight 1."""

    move: Ints
    column: Ints


class Extra(NamedTuple):
    """Further value per kilogram, places x years x columns: of every pool, of everything drawn."""

    pool: Floats
    drawn: Floats


@dataclass(frozen=True, slots=True)
class Reached:
    """Kilograms that reach each column: kg[NEW | PRIOR, origin, column]."""

    kg: Floats

    @property
    def total(self) -> Floats:
        """Kilograms per origin and column, new and prior together."""
        return np.asarray(self.kg.sum(axis=0))


HitsOf = Callable[[int, MonthSystem], Hits]
ExtraOf = Callable[[int, MonthSystem, Ints, int], Extra | None]
Observer = Callable[[int, Ints, Floats], None]


def adjoint(
    operators: Operators,
    passed: YearPass,
    columns: Sequence[Column],
    hits: HitsOf,
    *,
    lens: Lens | None = None,
    extra: ExtraOf | None = None,
    observe: Observer | None = None,
) -> Reached:
    """Kilograms of every origin that reach the columns.

    hits(number, system): the moves that count (columns outside their period are ignored).
    lens: the moves the traced class goes along with (None: all).
    extra(number, system, live columns, live years): value that other classes or places add.
    observe(number, live columns, u): sees the pool values, places x live years x live columns.
    """
    chain = operators.chain
    first = np.array([column.first for column in columns], dtype=np.int64)
    last = np.array([column.last for column in columns], dtype=np.int64)
    history = np.array([column.history for column in columns], dtype=bool)
    worth = np.zeros((len(chain.places), len(chain.years), len(columns)))
    found = np.zeros((2, len(chain.origins), len(columns)))
    for number in range(int(last.max(initial=-1)), -1, -1):
        for position, column in enumerate(columns):
            if column.last == number and column.stock is not None:
                worth[column.stock, :, position] = 1.0
        live = np.flatnonzero((last >= number) & (history | (first <= number)))
        if not len(live):
            continue
        system, operator = chain.months[number], operators.of(number, lens)
        years = chain.live_years(system)
        counted = (first <= number) & (last >= number)
        pool, drawn = _target_values(system, hits(number, system), counted, live)
        more = extra(number, system, live, years) if extra else None
        step = _Step(operator, system, passed.phi[number][:, :years])
        u, w = step.back(worth[:, :years, live], pool, drawn, more)
        if observe:
            observe(number, live, u)
        worth[:, :years, live] = w
        _collect(found, chain, system.sources, u, live, first <= number)
        _collect(found, chain, system.opened, w, live, np.zeros(len(columns), bool))
    return Reached(found)


class _Step(NamedTuple):
    operator: Operator
    system: MonthSystem
    phi: Floats

    def back(
        self, worth: Floats, pool: Floats, drawn: Floats, more: Extra | None
    ) -> tuple[Floats, Floats]:
        """(value of each pool, value of the content at the month's start), places x years x K."""
        places, years, count = worth.shape
        queues = self.operator.queues
        v = (1.0 - self.system.passed)[:, None, None] * worth + pool[:, None, :]
        r = np.broadcast_to(drawn[queues][:, None, :], (len(queues), years, count))
        if more is not None:
            v = v + more.pool
            r = r + more.drawn[queues]
        u = self.operator.backward(v.reshape(places, years * count))
        r = r + (self.operator.drawn @ u).reshape(len(queues), years, count)
        u = u.reshape(places, years, count)
        w = u.copy()
        phi = self.phi[:, :, None]
        w[queues] = phi * r + (1.0 - phi) * worth[queues]
        return u, w


def _target_values(
    system: MonthSystem, hits: Hits, counted: Mask, live: Ints
) -> tuple[Floats, Floats]:
    """Value (places x live columns) that the counted moves give a pool kilogram and a drawn one."""
    width = len(counted)
    keep = counted[hits.column] & ~system.circulating[system.moves.source[hits.move]]
    move, column = hits.move[keep], hits.column[keep]
    place, share = system.moves.source[move], system.moves.share[move]
    shape = (len(system.out), width)
    drawn = sparse.csr_array((share, (place, column)), shape=shape).toarray()[:, live]
    return drawn * system.passed[:, None], drawn * (system.draw > 0)[:, None]


def _collect(
    found: Floats, chain: Chain, sources: Sources, value: Floats, live: Ints, new: Mask
) -> None:
    """Add kg * value of every source to its origin; `new` says in which columns' period it lies."""
    if not len(sources.kg):
        return
    kg = sources.kg[:, None] * value[sources.place, chain.origin_year[sources.origin], :]
    status = np.where(new[live], NEW, PRIOR)
    np.add.at(found, (status[None, :], sources.origin[:, None], live[None, :]), kg)


def moves_to(*kinds: int) -> Callable[[MonthSystem], Ints]:
    """Positions of the moves to boundaries of `kinds`."""

    def positions(system: MonthSystem) -> Ints:
        outside = system.moves.target < 0
        return np.flatnonzero(outside & np.isin(system.moves.kind, kinds))

    return positions


used = moves_to(PlaceKind.USE)
"""Moves into `use:*`: what counts on the verified basis."""
