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

from wasteflow.core.tracing.flows import Floats, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.operators import Operator, contracted
from wasteflow.core.tracing.solve import MonthSystem, Sources

Lens = Callable[[MonthSystem], Mask]
"""Which moves of a month a class of mass goes along with; the others are its exits."""


def open_lens(system: MonthSystem) -> Mask:
    """Mass not yet credited: an acceptance that credits ends it (2-domain 1.5)."""
    return np.asarray(system.moves.mark == 0)


class YearPass(NamedTuple):
    """Result per month of the chain; arrays are places x years (phi: queues x years).

    `start` = content at the beginning, openings posted in the month included; `close` = content at
    the end.  Kilograms, float64.
    """

    phi: tuple[Floats, ...]
    start: tuple[Floats, ...]
    close: tuple[Floats, ...]


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
        known = [self._made.get((number, None)) for number in wanted]
        like = [one for one in known if one is not None]
        months = [self.chain.months[number] for number in wanted]
        made = contracted(months, lens, like if len(like) == len(wanted) else ())
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
    queues = slice(chain.site_count, None)
    content = np.zeros((len(chain.places), len(chain.years)))
    kept: list[tuple[Floats, ...]] = []
    if known is not None and before:
        kept = list(zip(*(part[:before] for part in known), strict=True))
        content = known.close[before - 1]
    operators.prepare(len(kept), len(chain.months) - 1)
    for number, system in enumerate(chain.months[len(kept) :], len(kept)):
        operator = operators.of(number)
        if len(system.opened.place):
            content = content + by_year(chain, system.opened)
        phi = draw_fractions(chain, system, content[queues])
        drawn = content[queues] * phi
        b = operator.drawn.T @ drawn
        b += by_year(chain, system.sources)
        b[: chain.site_count] += content[: chain.site_count]
        pool = operator.forward(b)
        np.maximum(pool, 0.0, out=pool)
        pool[system.circulating] = 0.0
        close = pool - pool * system.passed[:, None]
        close[queues] += content[queues] - drawn
        close[system.closing == 0] = 0.0
        kept.append((phi, content, close))
        content = close
    if not kept:
        return YearPass((), (), ())
    return YearPass(*zip(*kept, strict=True))


def by_year(chain: Chain, sources: Sources) -> Floats:
    """Kilograms of sources per place and year."""
    shape = len(chain.places), len(chain.years)
    cell = sources.place * shape[1] + chain.origin_year[sources.origin]
    kg = np.bincount(cell, sources.kg.astype(np.float64), minlength=shape[0] * shape[1])
    return np.asarray(kg.reshape(shape), dtype=np.float64)


def draw_fractions(chain: Chain, system: MonthSystem, content: Floats) -> Floats:
    """phi(queue, year): the share of each year of the opening content that is drawn (rule Q).

    Yards give the oldest year first, transits pro rata; 1 where everything is drawn.
    """
    queues = slice(chain.site_count, None)
    draw = system.draw[queues]
    phi = np.zeros_like(content)
    some = np.flatnonzero(draw > 0)
    phi[some] = (draw[some] / system.opening[queues][some])[:, None]
    yards = some[chain.is_yard[queues][some]]
    held = content[yards]
    taken = np.clip(draw[yards, None] - (np.cumsum(held, axis=1) - held), 0.0, held)
    phi[yards] = np.divide(taken, held, out=np.zeros_like(held), where=held > 0)
    phi[(draw > 0) & (draw == system.opening[queues])] = 1.0
    return phi
