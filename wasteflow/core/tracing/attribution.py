"""What is credited to a generator in a period, on the declared and on the verified basis.

Verified: mass traced into `use:*`.  Declared: mass is open until it is credited, at the earlier of
its first acceptance by another firm under a route with fate `use` (or `disposal`) and its first use
(or disposal) entry; a crediting move is therefore an exit of the class of open mass, and each tonne
is credited at most once by construction (2-domain 1.5).  Both are the same tracing under the mixing
rule with other exits; the terms of a period follow from one adjoint sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from wasteflow.core.formulas import AMOUNTS, Terms
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.adjoint import Hits
from wasteflow.core.tracing.flows import UNKNOWN_YEAR, Floats, Ints, Mask, is_pseudo
from wasteflow.core.tracing.months import CREDIT_DISPOSAL, CREDIT_USE, SETTLED, Chain
from wasteflow.core.tracing.rounding import controlled_rounding
from wasteflow.core.tracing.solve import MonthSystem, Sources
from wasteflow.core.tracing.yearpass import Lens, open_lens
from wasteflow.core.vocabulary import Evidence


class Basis(StrEnum):
    """How utilisation is counted (the territorial basis needs no generator)."""

    DECLARED = "declared"
    VERIFIED = "verified"


class Split(StrEnum):
    """How finely `Terms.split` tells the utilised kilograms; each key is a column of the sweep.

    `evidence` leaves the route of its keys blank.
    """

    ROUTE = "route"
    EVIDENCE = "evidence"


FATES = (
    "utilised",
    "disposed",
    "dumped",
    "lost",
    "outside",
    "weighing_difference",
    "stocktake_loss",
    "settled",
)
"""Words of the terms in the order of the codes of `fate_codes`."""
USED, DISPOSED = 0, 1
FATE_STEP = 10_000_000
_BY_KIND = {
    int(PlaceKind.USE): USED,
    int(PlaceKind.DISPOSAL): DISPOSED,
    int(PlaceKind.DUMPING): 2,
    int(PlaceKind.LOST): 3,
    int(PlaceKind.OUTSIDE): 4,
    int(PlaceKind.WEIGHING): 5,
    int(PlaceKind.STOCKTAKE): 6,
    SETTLED: 7,
}
_LOOKUP = np.array([_BY_KIND.get(kind, -1) for kind in range(SETTLED + 1)], dtype=np.int64)


def fate_codes(system: MonthSystem, basis: Basis) -> Ints:
    """Index into `FATES` of every move, -1 where the mass stays in the class that is traced."""
    fate = _LOOKUP[system.moves.kind]
    if basis is Basis.DECLARED:
        fate = np.where(system.moves.mark == CREDIT_USE, USED, fate)
        fate = np.where(system.moves.mark == CREDIT_DISPOSAL, DISPOSED, fate)
    return np.asarray(fate, dtype=np.int64)


def lens_of(basis: Basis) -> Lens | None:
    """The moves that the traced class goes along with."""
    return open_lens if basis is Basis.DECLARED else None


def move_codes(system: MonthSystem, basis: Basis, split: Split = Split.ROUTE) -> Ints:
    """Code of fate, and for use also of route and evidence, of every move; -1 for none.

    `decode` turns it back.
    """
    fate = fate_codes(system, basis)
    moves = system.moves
    by_route = (moves.route + 1) * 10 if split is Split.ROUTE else np.zeros_like(moves.route)
    split_code = np.where(fate == USED, by_route + moves.evidence, 0)
    return np.where(fate < 0, -1, fate * FATE_STEP + split_code)


def decode(code: int) -> tuple[int, int, int]:
    """(fate, route, evidence) of a move code; route -1 where it is not told."""
    fate, rest = divmod(code, FATE_STEP)
    return fate, rest // 10 - 1, rest % 10


class Cumulative(NamedTuple):
    """Kilograms of a name used (verified) and ever generated, opening stock included, to an end."""

    used_kg: float
    generated_kg: int


class PeriodTerms(Struct, frozen=True):
    """Terms of a material and period by origin name, whole kilograms, identity exact.

    `generators`: enterprises; `pseudo`: origins that credit nobody (their `generated_kg` is what
    arose).  Amounts count mass generated in the period but for `utilised_kg` and `disposed_kg`,
    whose older part stands in `…_prior_kg`; `unknown_year_kg`: the part of utilised_prior_kg whose
    year nobody stated.  `ever` (verified basis only): name → what was used since the books began
    and all it ever had; their ratio is the cumulative verified rate, which late use cannot flatter.
    """

    period: Period
    basis: Basis
    generators: dict[str, Terms]
    pseudo: dict[str, Terms]
    unknown_year_kg: dict[str, int] = field(default_factory=dict)
    ever: dict[str, Cumulative] = field(default_factory=dict)


class Span(NamedTuple):
    """Months and columns of a period: `codes` (ascending) start at `base`, stock and ever next."""

    period: Period
    first: int
    last: int
    codes: Ints
    base: int

    @property
    def stock(self) -> int:
        return self.base + len(self.codes)

    @property
    def ever(self) -> int:
        """Everything used since the books began (verified basis only)."""
        return self.stock + 1


def spans_of(chain: Chain, periods: Sequence[Period], basis: Basis, split: Split) -> list[Span]:
    spans: list[Span] = []
    base = 0
    coded: dict[int, Ints] = {}
    for period in periods:
        first, last = chain.span(period)
        parts = [np.zeros(0, np.int64)]
        for number in range(first, last + 1):
            if number not in coded:
                codes = np.unique(move_codes(chain.months[number], basis, split))
                coded[number] = codes[codes >= 0]
            parts.append(coded[number])
        span = Span(period, first, last, np.unique(np.concatenate(parts)), base)
        spans.append(span)
        base = span.stock + (2 if basis is Basis.VERIFIED else 1)
    return spans


def no_hits(number: int, system: MonthSystem) -> Hits:
    """No move counts (the value comes from elsewhere)."""
    empty = np.zeros(0, np.int64)
    return Hits(empty, empty)


class Arrivals:
    """Whole kilograms that came in by name, added up from the first month of the books."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        came = self._by_month([system.sources for system in chain.months])
        stated = self._by_month([system.opened for system in chain.months])
        self._came = np.cumsum(came, axis=0)
        self._had = np.cumsum(came + stated, axis=0)

    def _by_month(self, sources: Sequence[Sources]) -> Ints:
        """Months x names, after a row of nothing."""
        shape = len(sources) + 1, len(self.chain.names)
        found = np.zeros(shape, np.int64)
        for row, part in zip(found[1:], sources, strict=True):
            np.add.at(row, self.chain.origin_name[part.origin], part.kg)
        return found

    def within(self, span: Span) -> Ints:
        """What came in during the months, openings not counted."""
        return np.asarray(self._came[max(span.last + 1, span.first)] - self._came[span.first])

    def until(self, last: int) -> Ints:
        """All that ever came in to the end of a month, opening stock included."""
        return np.asarray(self._had[last + 1])


def terms_of_tables(
    arrivals: Arrivals,
    span: Span,
    tables: Sequence[Floats],
    treated: Floats,
    spent: Floats,
    basis: Basis,
) -> PeriodTerms:
    """Round the table (name new | prior) x (fate, stock) once and read the terms off it.

    tables: new, prior, and of the prior what no year is known of; names x (codes of the span, and
    the stock).  treated, spent (used since the books began; verified only): kilograms by name.
    """
    chain = arrivals.chain
    fresh, before, blank = tables
    cells = np.concatenate([fresh, before - blank, blank])
    whole = controlled_rounding(np.maximum(cells, 0.0))
    new, prior, unknown = whole.reshape(3, len(chain.names), fresh.shape[1])
    arose = arrivals.within(span)
    treated_kg = np.rint(np.round(treated, 5)).astype(np.int64)
    result = PeriodTerms(span.period, basis, {}, {}, {})
    present = new.any(axis=1) | prior.any(axis=1) | unknown.any(axis=1) | (arose > 0)
    numbers = np.flatnonzero(present | (treated_kg > 0))
    kg = arose[numbers], treated_kg[numbers], new[numbers], (prior + unknown)[numbers]
    listed = _listed(*kg, chain, span.codes)
    for number, terms in zip(numbers.tolist(), listed, strict=True):
        name = chain.names[number]
        (result.pseudo if is_pseudo(name) else result.generators)[name] = terms
    uses = int(np.searchsorted(span.codes, FATE_STEP))
    blank_kg = unknown[:, :uses].sum(axis=1)
    for number in np.flatnonzero(blank_kg).tolist():
        result.unknown_year_kg[chain.names[number]] = int(blank_kg[number])
    if basis is Basis.VERIFIED:
        result.ever.update(_ever(arrivals, span, spent))
    return result


def _ever(arrivals: Arrivals, span: Span, spent: Floats) -> dict[str, Cumulative]:
    """Used and all ever had, opening stock included, to the end of the period, per name."""
    had, names = arrivals.until(span.last), arrivals.chain.names
    return {
        names[number]: Cumulative(float(spent[number]), int(had[number]))
        for number in np.flatnonzero(had).tolist()
    }


_Word = tuple[int, tuple[str, Evidence] | None]


def _words(chain: Chain, codes: Ints) -> list[_Word]:
    """What the code of each column says: fate, and for use (route, evidence)."""
    found: list[_Word] = []
    for code in codes.tolist():
        fate, route, grade = decode(code)
        key = chain.routes[route] if route >= 0 else "", Evidence(grade)
        found.append((fate, key if fate == USED else None))
    return found


def _listed(
    arose: Ints, treated: Ints, new: Ints, older: Ints, chain: Chain, codes: Ints
) -> list[Terms]:
    """The terms of names, one a row; `new` and `older`: names x (codes, stock)."""
    words = _words(chain, codes)
    whole = new[:, :-1] + older[:, :-1]
    fate = np.array([fate for fate, _ in words], dtype=np.int64)
    columns = {"generated_kg": arose, "treated_kg": treated, "stored_kg": new[:, -1]}
    for code, word in enumerate(FATES):
        some = np.flatnonzero(fate == code)
        all_kg, old_kg = whole[:, some].sum(axis=1), older[:, some].sum(axis=1)
        if code in (USED, DISPOSED):
            columns[f"{word}_kg"], columns[f"{word}_prior_kg"] = all_kg, old_kg
        else:
            columns[f"{word}_kg"] = all_kg - old_kg
    rows = zip(*(columns[name].tolist() for name in AMOUNTS), strict=True)
    listed = [Terms(*row) for row in rows]
    _split(listed, words, whole)
    return listed


def _split(listed: Sequence[Terms], words: Sequence[_Word], whole: Ints) -> None:
    """Give every name its utilised kilograms by route and evidence."""
    told = [(key, column) for column, (_, key) in enumerate(words) if key is not None]
    keys = list(dict.fromkeys(key for key, _ in told))
    kg = np.zeros((len(whole), len(keys)), np.int64)
    for key, column in told:
        kg[:, keys.index(key)] += whole[:, column]
    row, at = np.nonzero(kg)
    words_there, kg_there = [keys[number] for number in at.tolist()], kg[row, at].tolist()
    bounds = np.searchsorted(row, np.arange(len(listed) + 1)).tolist()
    for terms, (low, high) in zip(listed, pairwise(bounds), strict=True):
        terms.split.update(zip(words_there[low:high], kg_there[low:high], strict=True))


def unknown_year(chain: Chain) -> Mask:
    """Origins of no known year."""
    return np.asarray(np.asarray(chain.years)[chain.origin_year] == UNKNOWN_YEAR)


def by_name(chain: Chain, by_origin: Floats, some: Mask | None = None) -> Floats:
    """Rows of origins added up by name; some: of these origins alone."""
    names = chain.origin_name
    if some is not None:
        by_origin, names = by_origin[some], names[some]
    shape = len(chain.names), by_origin.shape[1]
    cell = names[:, None] * shape[1] + np.arange(shape[1])
    found = np.bincount(cell.ravel(), by_origin.ravel(), shape[0] * shape[1])
    return np.asarray(found.reshape(shape), dtype=np.float64)
