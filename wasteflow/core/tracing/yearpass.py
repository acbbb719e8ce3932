"""Year pass: who leaves a queue first, and how old the mass of every place is; columns are years.

Gives the draw fractions phi(queue, year) on which both the adjoint and the forward pass stand
(paper 6, 4.1).  phi depends on the year alone, so every finer split (generator, credited or not)
stays linear once it is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.operators import Operator, contracted
from wasteflow.core.tracing.solve import MonthSystem, Sources

Lens = Callable[[MonthSystem], Mask]
"""Which moves of a month a class of mass goes along with; the others are its exits."""


def open_lens(system: MonthSystem) -> Mask:
    """Mass not yet credited: an acceptance that credits ends it (2-domain 1.5)."""
    return np.asarray(system.moves.mark == 0)


class Rows(NamedTuple):
    """Rows of a table of `height` rows that hold something, by `at` ascending; the rest is 0."""

    at: Ints
    part: Floats
    height: int

    def dense(self) -> Floats:
        """The whole table."""
        found = np.zeros((self.height, self.part.shape[1]))
        found[self.at] = self.part
        return found


class YearPass(NamedTuple):
    """Result per month of the chain; tables are places x years (phi: queues x years).

    `start` = content at the beginning, openings posted in the month included; `close` = content at
    the end.  Kilograms, float64.  The rows of `phi` are the queues that are drawn from
    (`Operator.draws`).
    """

    phi: tuple[Rows, ...]
    start: tuple[Rows, ...]
    close: tuple[Rows, ...]


@dataclass(slots=True)
class Operators:
    """The contracted systems of a chain, one per month and lens, made when first needed."""

    chain: Chain
    _made: dict[tuple[int, Lens | None], Operator] = field(default_factory=dict)

    def of(self, number: int, lens: Lens | None = None) -> Operator:
        """Operator of month `number` of the chain."""
        if (number, lens) not in self._made:
            self.prepare(number, number, lens)
        return self._made[number, lens]

    def prepare(self, first: int, last: int, lens: Lens | None = None) -> None:
        """Make those of the months first..last together: many at once are quicker than each."""
        wanted = [n for n in range(first, last + 1) if (n, lens) not in self._made]
        months = [self.chain.months[number] for number in wanted]
        whole = [self._made.get((number, None)) for number in wanted]
        made = contracted(months, lens, [one for one in whole if one is not None])
        self._made.update(((number, lens), one) for number, one in zip(wanted, made, strict=True))

    def take_over(self, other: Operators, before: int) -> None:
        """Take the systems of months 0..before - 1 from a chain that is the same so far."""
        self._made.update({key: made for key, made in other._made.items() if key[0] < before})


def prepared(chain: Chain) -> tuple[Operators, YearPass]:
    """What every question about a material starts from."""
    operators = Operators(chain)
    return operators, year_pass(operators)


def year_pass(operators: Operators, known: YearPass | None = None, before: int = 0) -> YearPass:
    """Every month forward from the start of the books, columns = years.

    known: the pass of a chain of the same places and years that agrees in months 0..before - 1.
    """
    chain = operators.chain
    content = np.zeros((len(chain.places), len(chain.years)))
    kept: list[tuple[Rows, ...]] = []
    if known is not None and before:
        kept = list(zip(*(part[:before] for part in known), strict=True))
        content = known.close[before - 1].dense()
    operators.prepare(len(kept), len(chain.months) - 1)
    close = kept[-1][2] if kept else _rows(content)
    for number, system in enumerate(chain.months[len(kept) :], len(kept)):
        start = close
        if len(system.opened.place):
            content += by_year(chain, system.opened)
            start = _rows(content)
        phi = _a_month(chain, system, operators.of(number), content)
        close = _rows(content)
        kept.append((phi, start, close))
    if not kept:
        return YearPass((), (), ())
    return YearPass(*zip(*kept, strict=True))


def _a_month(chain: Chain, system: MonthSystem, operator: Operator, content: Floats) -> Rows:
    """Take the content of every place over a month, in place; gives the draw fractions.

    Of the queues only those are touched that something enters or leaves: most stand empty.
    """
    n_sites, of_queues = chain.site_count, content[chain.site_count :]
    sources = by_place_and_year(chain, system.sources)
    rows, to_sites, to_queues, targets = operator.draws
    phi = draw_fractions(chain, system, of_queues[rows], rows)
    drawn = of_queues[rows] * phi
    needed, queues, at = _touched(system, operator)
    entering = np.zeros((len(queues), content.shape[1]))
    entering[at[targets]] = to_queues.T @ drawn
    own = sources.at >= n_sites
    entering[at[sources.at[own] - n_sites]] += sources.part[own]
    at_sites = content[:n_sites] + to_sites.T @ drawn
    at_sites[sources.at[~own]] += sources.part[~own]
    at_sites += operator.needed_to_site.T @ entering[at[needed]]
    operator.elimination.forward(at_sites)
    froms, goals, onward = operator.ways
    pool = entering
    if len(goals):
        pool[at[goals]] += onward.T @ entering[at[froms]]
    pool += operator.to_queues_of(at, len(queues)).T @ at_sites
    staying = of_queues[queues]
    staying[at[rows]] -= drawn
    of_queues[queues] = _left(system, pool, n_sites + queues, staying)
    content[:n_sites] = _left(system, at_sites, operator.sites, None)
    return Rows(rows, phi, len(of_queues))


def _touched(system: MonthSystem, operator: Operator) -> tuple[Ints, Ints, Ints]:
    """(queues with something of their own, all that move, queue → its position among these)."""
    queues = operator.queues
    moving = (system.throughput[queues] > 0) | (system.out[queues] > 0)
    moving[operator.needed] = True
    moving[operator.ways.froms] = True
    moving[operator.ways.targets] = True
    moving[operator.to_queue.indices] = True
    moving[operator.draws.rows] = True
    found = np.flatnonzero(moving)
    at = np.full(len(moving), -1, np.int64)
    at[found] = np.arange(len(found))
    return operator.needed, found, at


def _left(
    system: MonthSystem, pool: Floats, places: Ints | slice, staying: Floats | None
) -> Floats:
    """What is left of the pools of `places` at the end of the month, with what lay aside."""
    np.maximum(pool, 0.0, out=pool)
    pool[system.circulating[places]] = 0.0
    pool -= pool * system.passed[places][:, None]
    if staying is not None:
        pool += staying
    pool[system.closing[places] == 0] = 0.0
    return pool


def _rows(table: Floats) -> Rows:
    some = np.zeros(len(table), bool)
    for column in table.T:  # many times quicker than `any` over short rows
        some |= column != 0
    at = np.flatnonzero(some)
    return Rows(at, table[at], len(table))


def by_place_and_year(chain: Chain, sources: Sources) -> Rows:
    """Kilograms of sources per place and year, of the places that have any."""
    places, row = np.unique(sources.place, return_inverse=True)
    shape = len(places), len(chain.years)
    cell = row * shape[1] + chain.origin_year[sources.origin]
    kg = np.bincount(cell, sources.kg.astype(np.float64), minlength=shape[0] * shape[1])
    return Rows(places, np.asarray(kg.reshape(shape), dtype=np.float64), len(chain.places))


def by_year(chain: Chain, sources: Sources) -> Floats:
    """Kilograms of sources per place and year."""
    return by_place_and_year(chain, sources).dense()


def draw_fractions(chain: Chain, system: MonthSystem, held: Floats, rows: Ints) -> Floats:
    """phi(queue, year) of the queues `rows`, all of them drawn from; `held`: their content.

    The share of each year of the opening content that is drawn (rule Q).  Yards give the oldest
    year first, transits pro rata; 1 where everything is drawn.
    """
    places = chain.site_count + rows
    draw, opening = system.draw[places], system.opening[places]
    phi = np.repeat((draw / opening)[:, None], held.shape[1], axis=1)
    yards = np.flatnonzero(chain.is_yard[places])
    old = held[yards]
    taken = np.clip(draw[yards, None] - (np.cumsum(old, axis=1) - old), 0.0, old)
    phi[yards] = np.divide(taken, old, out=np.zeros_like(old), where=old > 0)
    phi[draw == opening] = 1.0
    return phi
