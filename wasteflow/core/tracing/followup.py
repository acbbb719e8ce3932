"""What later happened to declared tonnes, and how much of everything ever generated was used.

Nothing here undoes a credit; it only lists (2-domain 1.5).  Both stand on the adjoint: the value of
open mass at a crediting move is the value of credited mass at the place it goes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.adjoint import Column, Extra, Hits, Pools, adjoint, used
from wasteflow.core.tracing.attribution import no_hits
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import CREDIT_DISPOSAL, CREDIT_USE, Chain
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.yearpass import Lens, Operators, YearPass, open_lens


class AfterCredit(NamedTuple):
    """Kilograms once declared as used that in the period were shipped on for the first time, or
    reached a disposal (entry or acceptance)."""

    reshipped_kg: float
    disposed_kg: float


class Cumulative(NamedTuple):
    """Kilograms of a name used (verified) and ever generated, opening stock included, to an end."""

    used_kg: float
    generated_kg: int


def credited_lens(system: MonthSystem) -> Mask:
    """Credited mass goes along with everything but what disposes of it."""
    return np.asarray(system.moves.mark != CREDIT_DISPOSAL)


def unshipped_lens(system: MonthSystem) -> Mask:
    """Credited mass until it is dispatched again."""
    return ~_dispatches(system)


def _dispatches(system: MonthSystem) -> Mask:
    moves = system.moves
    return np.asarray((moves.kind == PlaceKind.TRANSIT) & system.is_site[moves.source])


def _disposals(system: MonthSystem) -> Mask:
    return np.asarray(system.moves.mark == CREDIT_DISPOSAL)


def after_credit(
    operators: Operators, passed: YearPass, periods: Sequence[Period]
) -> list[dict[str, AfterCredit]]:
    """Per period: origin name → `declared_then_reshipped`, `declared_then_disposed` kilograms."""
    chain = operators.chain
    columns = [Column(*chain.span(period)) for period in periods]
    reshipped = _followed(operators, passed, columns, unshipped_lens, _dispatches)
    disposed = _followed(operators, passed, columns, credited_lens, _disposals)
    found = []
    for position in range(len(periods)):
        by_name = {
            name: AfterCredit(float(reshipped[number, position]), float(disposed[number, position]))
            for number, name in enumerate(chain.names)
            if max(reshipped[number, position], disposed[number, position]) > 0.5
        }
        found.append(by_name)
    return found


def _followed(
    operators: Operators,
    passed: YearPass,
    columns: Sequence[Column],
    lens: Lens,
    counts: Lens,
) -> Floats:
    """Kilograms per name that, after a credit for use, reach the moves that `counts` in time.

    First the credited class backwards, kept per month; then the open class, for which a crediting
    acceptance is worth what the credited class is worth where it arrives.
    """
    chain = operators.chain
    kept: dict[int, tuple[Ints, Floats]] = {}

    def hits(number: int, system: MonthSystem) -> Hits:
        moves = np.flatnonzero(counts(system))
        some = [n for n, column in enumerate(columns) if column.first <= number <= column.last]
        return Hits(np.tile(moves, len(some)), np.repeat(np.array(some, np.int64), len(moves)))

    def observe(number: int, live: Ints, pools: Pools) -> None:
        moves = operators.chain.months[number].moves
        rows = np.flatnonzero((moves.mark == CREDIT_USE) & (moves.target >= 0))
        kept[number] = rows, pools.rows(moves.target[rows])

    def extra(number: int, system: MonthSystem, live: Ints, years: int) -> Extra | None:
        if number not in kept or not len(kept[number][0]):
            return None
        moves, (rows, u) = system.moves, kept[number]
        places, position = np.unique(moves.source[rows], return_inverse=True)
        arrive = sparse.csr_array(
            (moves.share[rows], (position, np.arange(len(rows)))), shape=(len(places), len(rows))
        )
        drawn = (arrive @ u.reshape(len(rows), -1)).reshape(len(places), *u.shape[1:])
        return Extra(places, drawn * system.passed[places, None, None], drawn)

    adjoint(operators, passed, columns, hits, lens=lens, observe=observe)
    reached = adjoint(operators, passed, columns, no_hits, lens=open_lens, extra=extra)
    return by_name(chain, reached.total)


def cumulative_verified(
    operators: Operators, passed: YearPass, ends: Sequence[int]
) -> list[dict[str, Cumulative]]:
    """Per month of `ends` (yyyymm): name → used since the books began, and all it ever had.

    The ratio is the cumulative verified rate: late use cannot flatter it.
    """
    chain = operators.chain
    labels = [system.month for system in chain.months]
    lasts = [int(np.searchsorted(labels, end, side="right")) - 1 for end in ends]

    def hits(number: int, system: MonthSystem) -> Hits:
        moves = used(system)
        some = [position for position, last in enumerate(lasts) if number <= last]
        return Hits(np.tile(moves, len(some)), np.repeat(np.array(some, np.int64), len(moves)))

    columns = [Column(0, last) for last in lasts]
    totals = by_name(chain, adjoint(operators, passed, columns, hits).total)
    found = []
    for position, last in enumerate(lasts):
        ever = np.zeros(len(chain.names), np.int64)
        for system in chain.months[: last + 1]:
            for part in (system.opened, system.sources):
                np.add.at(ever, chain.origin_name[part.origin], part.kg)
        found.append(
            {
                name: Cumulative(float(totals[number, position]), int(ever[number]))
                for number, name in enumerate(chain.names)
                if ever[number]
            }
        )
    return found


def by_name(chain: Chain, by_origin: Floats) -> Floats:
    """Rows of origins added up by name (names x columns)."""
    found = np.zeros((len(chain.names), by_origin.shape[1]))
    np.add.at(found, chain.origin_name, by_origin)
    return found


@dataclass(frozen=True, slots=True)
class Territory:
    """Used within a set of enterprises and generated by them in a period, kilograms."""

    used_kg: int
    generated_kg: int


def territorial(chain: Chain, period: Period, enterprises: frozenset[str]) -> Territory:
    """Tonnes used in the scope and generated in the scope; needs no tracing (territorial basis)."""
    inside = np.array([place.owner in enterprises for place in chain.places], dtype=bool)
    first, last = chain.span(period)
    used_kg = generated_kg = 0
    for system in chain.months[first : last + 1]:
        rows = used(system)
        used_kg += int(system.moves.kg[rows][inside[system.moves.source[rows]]].sum())
        born = system.sources.born == PlaceKind.GENERATION
        generated_kg += int(system.sources.kg[born & inside[system.sources.place]].sum())
    return Territory(used_kg, generated_kg)
