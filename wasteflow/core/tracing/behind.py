"""The postings behind a term of a generator: how much of each one was its mass (drill of a rate).

One forward pass with the generator's columns alone, on the basis of the term.  What belongs to a
period's new mass follows from a pass that starts empty on its first day; the rest is older.  The
parts of a term are floats and add up to it before rounding; callers round them to its kilograms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from wasteflow.core.later import sparse
from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.tracing.attribution import DISPOSED, FATES, USED, Basis, fate_codes, lens_of
from wasteflow.core.tracing.flows import Floats
from wasteflow.core.tracing.forward import ForwardMonth, State, forward
from wasteflow.core.tracing.months import SETTLED, Chain
from wasteflow.core.tracing.solve import MonthSystem, Sources
from wasteflow.core.tracing.yearpass import Lens, Operators, YearPass
from wasteflow.core.vocabulary import Evidence

PRIOR_TERMS = {"utilised_prior": USED, "disposed_prior": DISPOSED}
WHOLE_TERMS = {"utilised": USED, "disposed": DISPOSED}
NEW_TERMS = {
    word: number for number, word in enumerate(FATES) if word not in (*WHOLE_TERMS, "settled")
}
BEHIND = (*WHOLE_TERMS, *PRIOR_TERMS, *NEW_TERMS)
"""Terms whose postings can be told; the words of `formulas.Terms`."""

_Move = tuple[int, int]


class Part(NamedTuple):
    """A posting of `posting_kg` and how much of it (float) was the generator's."""

    month: int
    source: Place
    target: Place
    route: str
    evidence: Evidence
    posting_kg: int
    kg: float


class Lying(NamedTuple):
    """Kilograms (float) of a generator's new mass in a place at the end of a period."""

    place: Place
    kg: float


def postings_behind(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis, term: str
) -> list[Part]:
    """Postings of the period with the part of each that makes the firm's `term` (of `BEHIND`).

    In order of month and place; postings without a part are left out.
    """
    chain = operators.chain
    if term in WHOLE_TERMS:
        found = _leaving(operators, passed, firm, period, basis, WHOLE_TERMS[term], new=False)
    elif term in PRIOR_TERMS:
        code = PRIOR_TERMS[term]
        found = _leaving(operators, passed, firm, period, basis, code, new=False)
        for move, kg in _leaving(operators, passed, firm, period, basis, code, new=True).items():
            found[move] = found.get(move, 0.0) - kg
    else:
        found = _leaving(operators, passed, firm, period, basis, NEW_TERMS[term], new=True)
    return [
        part_of(chain, number, move, kg)
        for (number, move), kg in sorted(found.items())
        if kg > 5e-7
    ]


def stored_behind(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis
) -> list[Lying]:
    """Where the firm's new mass lies at the end of the period, not credited on `basis`."""
    chain = operators.chain
    last = chain.span(period)[1]
    for step in _pass(operators, passed, firm, period, basis, new=True):
        if step.number == last:
            kept: Floats = np.asarray(step.closing().sum(axis=1)).ravel()
            return [
                Lying(chain.places[place], float(kept[place]))
                for place in np.flatnonzero(kept > 5e-7).tolist()
            ]
    return []


def _leaving(
    operators: Operators,
    passed: YearPass,
    firm: str,
    period: Period,
    basis: Basis,
    code: int,
    *,
    new: bool,
) -> dict[_Move, float]:
    """(month's position, move) → kilograms of the firm that left along it with fate `code`."""
    first = operators.chain.span(period)[0]
    found: dict[_Move, float] = {}
    for step in _pass(operators, passed, firm, period, basis, new=new):
        if step.number < first:
            continue
        moves = np.flatnonzero(fate_codes(step.system, basis) == code)
        table = step.grouped(moves, np.arange(len(moves)), len(moves))
        kg = np.asarray(table.sum(axis=1)).ravel()
        for position in np.flatnonzero(kg > 0).tolist():
            found[step.number, int(moves[position])] = float(kg[position])
    return found


def _pass(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis, *, new: bool
) -> Iterator[ForwardMonth]:
    """Forward over the firm's columns to the period's end; `new`: only what arose in it."""
    chain = operators.chain
    first, last = chain.span(period)
    year = period.first // 100 if new else 0
    own = [n for n, o in enumerate(chain.origins) if o.name == firm and o.year >= year]
    if not own or last < first:
        return
    start, lens = None, lens_of(basis)
    if new:
        shape = len(chain.places), len(chain.origins)
        before = next_month(period.first, -1)
        start = State(before, chain.places, chain.origins, sparse.csr_array(shape))
        operators = without_openings(operators, first, last, lens)
    yield from forward(operators, passed, last=last, lens=lens, start=start, only=own)


def new_mass(
    operators: Operators, passed: YearPass, firm: str, period: Period, basis: Basis
) -> Iterator[ForwardMonth]:
    """Months of the period, traced for what the firm generated in it and nobody has credited."""
    return _pass(operators, passed, firm, period, basis, new=True)


def without_openings(operators: Operators, first: int, last: int, lens: Lens | None) -> Operators:
    """The same systems for a pass that leaves out what opening entries of the months state.

    Shares and draws stay those of the whole books; stated stock is prior for every period.
    """
    chain = operators.chain
    nothing = np.zeros(0, np.int64)
    none = Sources(nothing, nothing, nothing, nothing)
    bare = replace(chain, months=tuple(replace(month, opened=none) for month in chain.months))
    made = {(number, lens): operators.of(number, lens) for number in range(first, last + 1)}
    return Operators(bare, made)


def part_of(chain: Chain, number: int, move: int, kg: float) -> Part:
    """The posting of a move of a month (not one to `settled`) with a part of it."""
    system: MonthSystem = chain.months[number]
    moves = system.moves
    kind, target = int(moves.kind[move]), int(moves.target[move])
    route = chain.routes[moves.route[move]] if moves.route[move] >= 0 else ""
    if target >= 0:
        place = chain.places[target]
    elif kind in (PlaceKind.USE, PlaceKind.DISPOSAL):
        place = Place(PlaceKind(kind), route)
    else:
        assert kind != SETTLED
        place = Place(PlaceKind(kind))
    return Part(
        system.month,
        chain.places[int(moves.source[move])],
        place,
        route,
        Evidence(int(moves.evidence[move])),
        int(moves.kg[move]),
        kg,
    )
