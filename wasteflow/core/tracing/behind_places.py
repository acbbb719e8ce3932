"""What a place did with mass of some origins: every posting in and out, what lies, what settled.

For figures that are no postings themselves: what is stored somewhere, what filled an earlier hole,
what a treatment counts for.  In a place: in - out = lying at the end + settled, and each of the
four follows from one forward pass with the columns of the origins alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from wasteflow.core.periods import Period
from wasteflow.core.places import Place
from wasteflow.core.tracing.adjoint import Column, Hits, Pools, adjoint
from wasteflow.core.tracing.attribution import USED, Basis, fate_codes, lens_of
from wasteflow.core.tracing.behind import Lying, Part, new_mass, part_of
from wasteflow.core.tracing.flows import Floats, Ints, Origin
from wasteflow.core.tracing.forward import ForwardMonth, forward
from wasteflow.core.tracing.months import SETTLED, Chain
from wasteflow.core.tracing.provenance import SHIPPED, Fate, ends_of
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.yearpass import Operators, YearPass


class PlaceBook(Struct):
    """Parts (float kilograms) of origins in the postings into and out of a place over a period.

    Mass that comes from a boundary (generation, opening, …) is not among `came`: it is whole
    postings of its own, and a caller knows whose.
    """

    came: list[Part] = field(default_factory=list)
    went: list[Part] = field(default_factory=list)
    settled: dict[int, float] = field(default_factory=dict)
    """Month (yyyymm) → kilograms that filled an earlier hole there."""
    lying_kg: float = 0.0


class Treated(NamedTuple):
    """Kilograms (float) of a generator that a month's treatment at a site counts for."""

    month: int
    place: Place
    kg: float


def new_at_place(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis, place: Place
) -> PlaceBook:
    """The book of a place for what `firm` generated in the period and nobody has credited yet."""
    found = PlaceBook()
    number = operators.chain.places.index(place)
    for step in new_mass(operators, passed, firm, period, basis):
        _enter(found, operators.chain, step, number)
    return found


def origin_at_place(
    operators: Operators, passed: YearPass, origin: Origin, period: Period, place: Place
) -> PlaceBook:
    """The book of a place for all mass of an origin, from the start of the books."""
    chain = operators.chain
    own = [number for number, item in enumerate(chain.origins) if item == origin]
    last = chain.span(period)[1]
    found = PlaceBook()
    number = chain.places.index(place)
    if own:
        for step in forward(operators, passed, last=last, only=own):
            _enter(found, chain, step, number)
    return found


def _enter(found: PlaceBook, chain: Chain, step: ForwardMonth, number: int) -> None:
    """Add a month to the book of a place; what lies is that of the latest month."""
    moves, month = step.system.moves, step.system.month
    into = np.flatnonzero(step.carries() & (moves.target == number))
    out = np.flatnonzero(moves.source == number)
    for rows, parts in ((into, found.came), (out, found.went)):
        for move, kg in zip(rows.tolist(), _kg(step, rows).tolist(), strict=True):
            if kg <= 5e-7:
                continue
            if moves.kind[move] == SETTLED:
                found.settled[month] = found.settled.get(month, 0.0) + kg
            else:
                parts.append(part_of(chain, step.number, move, kg))
    found.lying_kg = float(step.closing()[[number]].sum())


def _kg(step: ForwardMonth, moves: Ints) -> Floats:
    """Kilograms of the traced origins along each move."""
    table = step.grouped(moves, np.arange(len(moves)), len(moves))
    return np.asarray(table.sum(axis=1)).ravel()


def settled_behind(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis
) -> list[Lying]:
    """Places where the firm's new mass filled an earlier hole in the period, and how much of it."""
    chain = operators.chain
    sums: dict[int, float] = {}
    for step in new_mass(operators, passed, firm, period, basis):
        rows = np.flatnonzero(step.system.moves.kind == SETTLED)
        for place, kg in zip(
            step.system.moves.source[rows].tolist(), _kg(step, rows).tolist(), strict=True
        ):
            sums[place] = sums.get(place, 0.0) + kg
    return [Lying(chain.places[place], kg) for place, kg in sorted(sums.items()) if kg > 5e-7]


def ended_behind(
    operators: Operators,
    passed: YearPass,
    origin: Origin,
    period: Period,
    fate: Fate,
) -> list[Part]:
    """Postings along which mass of an origin met a fate of a trace (`stock` is no posting)."""
    chain = operators.chain
    first, last = chain.span(period)
    own = [number for number, item in enumerate(chain.origins) if item == origin]
    found: list[Part] = []
    if not own or last < first:
        return found
    for step in forward(operators, passed, last=last, only=own):
        if step.number < first:
            continue
        moves, fates = ends_of(chain, step.system, shipped=fate.what == SHIPPED)
        rows = moves[np.array([item == fate for item in fates], dtype=bool)]
        found += [
            part_of(chain, step.number, move, kg)
            for move, kg in zip(rows.tolist(), _kg(step, rows).tolist(), strict=True)
            if kg > 5e-7
        ]
    return found


def treated_behind(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis
) -> list[Treated]:
    """Treatments of the period by site and month, with the firm's part not used by its end.

    Of k kg treated at a site with throughput T the share k / T of the firm's pool counts, of every
    kilogram one minus its chance to be used by the end of the period (2-domain 1.5).
    """
    chain = operators.chain
    first, last = chain.span(period)
    own = [number for number, origin in enumerate(chain.origins) if origin.name == firm]
    if not own or last < first:
        return []
    lens = lens_of(basis)
    unused = _unused(operators, passed, first, last, basis)
    year = chain.origin_year[own]
    found = []
    for step in forward(operators, passed, last=last, lens=lens, only=own):
        if step.number not in unused:
            continue
        sites, left = unused[step.number]
        system = step.system
        pool = step.pool()[sites][:, own].toarray()
        share = system.treated[sites] / system.throughput[sites]
        kilograms = (pool * left[:, year]).sum(axis=1) * share
        found += [
            Treated(system.month, chain.places[site], kg)
            for site, kg in zip(sites.tolist(), kilograms.tolist(), strict=True)
            if kg > 5e-7
        ]
    return found


def _unused(
    operators: Operators, passed: YearPass, first: int, last: int, basis: Basis
) -> dict[int, tuple[Ints, Floats]]:
    """Month → treating sites and one minus the chance of use by the end, sites x years."""
    chain = operators.chain
    found: dict[int, tuple[Ints, Floats]] = {}

    def hits(number: int, system: MonthSystem) -> Hits:
        moves = np.flatnonzero(fate_codes(system, basis) == USED)
        return Hits(moves, np.zeros(len(moves), np.int64))

    def observe(number: int, live: Ints, pools: Pools) -> None:
        sites = np.flatnonzero(chain.months[number].treated)
        if len(sites):
            left = np.ones((len(sites), len(chain.years)))
            chance = pools.rows(sites)[:, :, 0]
            left[:, : chance.shape[1]] -= chance
            found[number] = sites, left

    columns: Sequence[Column] = [Column(first, last, history=False)]
    adjoint(operators, passed, columns, hits, lens=lens_of(basis), observe=observe)
    return found
