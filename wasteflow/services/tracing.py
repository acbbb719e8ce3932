"""Tracing over the books: the chain of months of a material, kept by the versions of its roll-up.

Kept per process.  When a month was written, everything before it is taken over and the rest made
anew: systems, year pass, and the terms of periods that end before it.  One material at a time,
since materials never mix.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from wasteflow.core.collecting import no_collecting
from wasteflow.core.periods import Period
from wasteflow.core.tracing.attribution import Basis, PeriodTerms
from wasteflow.core.tracing.flows import FlowTable, ledger_starts
from wasteflow.core.tracing.many_periods import forward_is_quicker, periods_together
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.periods import terms_together
from wasteflow.core.tracing.together import Together
from wasteflow.core.tracing.yearpass import Operators, YearPass, year_pass
from wasteflow_models import flow_columns, queries
from wasteflow_models.convert import Keys, forget_keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.flow_columns import forget_columns
from wasteflow_models.kept import Kept
from wasteflow_models.month_flows import forget_books

CHAINS_KEPT = 64
RESULTS_KEPT = 256
"""Chains kept at most in a process, and results for periods with each of them."""
JOINED_PLACES = 40_000
"""Materials with so many places in all are traced together: beyond it the numbers of a month take
longer than the calls, and each material is traced in a thread of its own."""
Marks = Mapping[int, tuple[int, int]]
_T = TypeVar("_T")
_S = TypeVar("_S")


@dataclass(frozen=True)
class Traced:
    """A material's months, their systems, and the pass by year over all of them.

    `marks`: month → version of what the chain was made from, and what was cut off as of its month
    (`flow_columns.cuts_of`); `fates` of the routes then; `whole`: what it was traced together with,
    as which `part`.
    """

    material: str
    marks: Marks
    fates: Mapping[str, str]
    chain: Chain
    starts: dict[str, tuple[int, bool]]
    generators: frozenset[str]
    whole: Together
    part: int = 0
    results: Kept[tuple[Period, Hashable], Any] = field(default_factory=lambda: Kept(RESULTS_KEPT))

    @cached_property
    def operators(self) -> Operators:
        """The systems of this material by itself, made when first needed."""
        alone = len(self.whole.parts) == 1
        return self.whole.operators if alone else Operators(self.chain)

    @cached_property
    def passed(self) -> YearPass:
        """The year pass of this material by itself."""
        return self.whole.pass_of(self.part)

    def terms(self, periods: Sequence[Period], basis: Basis) -> list[PeriodTerms]:
        """Terms of every origin for each period, each computed once.

        Always split by route, so that a figure is the same to the kilogram however it is grouped.
        """

        def make(missing: list[Period]) -> list[PeriodTerms]:
            return _all_terms(Together.alone(self.operators, self.passed), missing, basis)[0]

        return self.each(("terms", basis), periods, make)

    def each(
        self, what: Hashable, periods: Sequence[Period], make: Callable[[list[Period]], list[_T]]
    ) -> list[_T]:
        """`make` of every period, those together that are not kept; keeps what it made."""
        found: dict[Period, Any]
        found = {period: self.results.get((period, what)) for period in periods}
        if None in found.values():
            with _making([self.material]):
                found = {period: self.results.get((period, what)) for period in periods}
                missing = [period for period, known in found.items() if known is None]
                for period, result in zip(missing, make(missing) if missing else (), strict=True):
                    found[period] = self.results.put((period, what), result)
        return [found[period] for period in periods]


_locks: dict[str, RLock] = {}
_kept: Kept[Hashable, Traced] = Kept(CHAINS_KEPT)
_latest: Kept[tuple[str, int], Traced] = Kept(CHAINS_KEPT)


def traced(
    session: Session,
    keys: Keys,
    material: str,
    versions: Mapping[str, Mapping[int, int]],
    as_of: int = 0,
) -> Traced:
    """The traced books of `material`, from memory as far as its roll-up has not changed.

    versions: `queries.rollup_versions` of the same transaction; as_of: the month as of which the
    books are traced (0 = now).
    """
    return each_traced(session, keys, [material], versions, as_of)[0]


def each_traced(
    session: Session,
    keys: Keys,
    materials: Sequence[str],
    versions: Mapping[str, Mapping[int, int]],
    as_of: int = 0,
) -> list[Traced]:
    """The same for several materials; those of which nothing is kept are traced together."""
    known = _known(keys, materials, versions, as_of)
    missing = [stuff for stuff in materials if stuff not in known]
    if missing:
        tables = {stuff: queries.flow_table(session, keys, stuff, as_of) for stuff in missing}
        marks = {stuff: _marks(session, keys, stuff, versions, as_of) for stuff in missing}
        with _making(missing), no_collecting():
            known.update(_known(keys, missing, versions, as_of))
            lacking = {stuff: tables[stuff] for stuff in missing if stuff not in known}
            for books in _made(lacking, marks, dict(_fates(keys)), as_of):
                key = _key(keys, books.material, versions, as_of)
                known[books.material] = _kept.put(key, books)
                _latest.put((books.material, as_of), books)
    return [known[stuff] for stuff in materials]


def _known(
    keys: Keys, materials: Sequence[str], versions: Mapping[str, Mapping[int, int]], as_of: int
) -> dict[str, Traced]:
    """The books of those materials that are kept as they are now."""
    found = {stuff: _kept.get(_key(keys, stuff, versions, as_of)) for stuff in materials}
    return {stuff: books for stuff, books in found.items() if books is not None}


def sweep_together(books: Sequence[Traced], periods: Sequence[Period], basis: Basis) -> None:
    """Have the terms of the periods made for all materials at once, as far as they are not kept.

    Only what was traced together, and large materials beside each other; `Traced.terms` makes the
    rest.
    """
    what = ("terms", basis)
    groups: dict[int, list[Traced]] = {}
    for one in books:
        groups.setdefault(id(one.whole), []).append(one)
    apart = [one for one in books if len(one.whole.parts) == 1]
    if sum(len(one.chain.places) for one in apart) > JOINED_PLACES:
        _in_threads(lambda one: one.terms(periods, basis), apart)
    for group in groups.values():
        with _making([one.material for one in group]), no_collecting():
            lacking = [
                one
                for one in group
                if all(one.results.get((period, what)) is None for period in periods)
            ]
            if len(lacking) > 1:
                made = _all_terms(group[0].whole, periods, basis)
                for one in lacking:
                    for period, terms in zip(periods, made[one.part], strict=True):
                        one.results.put((period, what), terms)


def made_together(
    books: Sequence[Traced],
    period: Period,
    what: Hashable,
    make: Callable[[Together, list[Traced]], list[_T]],
) -> list[_T]:
    """What is kept of each material for a period; `make` of those that lack it, as they were
    traced together."""
    key = period, what
    with _making([one.material for one in books]), no_collecting():
        found: dict[str, Any] = {one.material: one.results.get(key) for one in books}
        groups: dict[int, list[Traced]] = {}
        for one in books:
            if found[one.material] is None:
                groups.setdefault(id(one.whole), []).append(one)
        for some in groups.values():
            for one, result in zip(some, make(some[0].whole, some), strict=True):
                found[one.material] = one.results.put(key, result)
        return [found[one.material] for one in books]


def _all_terms(whole: Together, periods: Sequence[Period], basis: Basis) -> list[list[PeriodTerms]]:
    """Terms of every part and period, the quicker way."""
    quicker = forward_is_quicker(whole, periods, basis)
    return (periods_together if quicker else terms_together)(whole, periods, basis)


def _making(materials: Sequence[str]) -> ExitStack:
    """Held while materials are traced: whoever asks for the same meanwhile finds them made.

    Always taken in the order of their codes, so that two who want several cannot wait for each
    other.
    """
    held = ExitStack()
    for stuff in sorted(materials):
        held.enter_context(_locks.setdefault(stuff, RLock()))
    return held


def _key(
    keys: Keys, material: str, versions: Mapping[str, Mapping[int, int]], as_of: int
) -> Hashable:
    return material, as_of, tuple(versions.get(material, {}).items()), _fates(keys)


def _marks(
    session: Session,
    keys: Keys,
    material: str,
    versions: Mapping[str, Mapping[int, int]],
    as_of: int,
) -> Marks:
    months = versions.get(material, {})
    cuts = flow_columns.cuts_of(session, keys.id_of("material", material), months, as_of)
    return {month: (version, cuts[month]) for month, version in months.items()}


def _fates(keys: Keys) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((code, route.fate) for code, route in keys.registry.routes.items()))


def _made(
    tables: Mapping[str, FlowTable],
    marks: Mapping[str, Marks],
    fates: Mapping[str, str],
    as_of: int,
) -> list[Traced]:
    """The traced books of some materials, anew together but for those that were traced before."""
    made: list[Traced] = []
    fresh: list[tuple[str, Chain, FlowTable, frozenset[str]]] = []
    for stuff, table in tables.items():
        generators = table.generating_firms()
        chain = build_chain(table, fates, generators)
        olds = {at: old for (of, at), old in _latest.items() if of == stuff}
        olds = {at: old for at, old in olds.items() if _comparable(old, fates, generators, chain)}
        old = _nearest(olds, marks[stuff], as_of)
        if old is not None:
            made.append(_gone_on(old, marks[stuff], chain, ledger_starts(table)))
        else:
            fresh.append((stuff, chain, table, generators))
    wholes = _wholes([chain for _, chain, _, _ in fresh])
    for (whole, part), (stuff, chain, table, generators) in zip(wholes, fresh, strict=True):
        starts = ledger_starts(table)
        made.append(Traced(stuff, marks[stuff], fates, chain, starts, generators, whole, part))
    return made


def _nearest(olds: Mapping[int, Traced], marks: Marks, as_of: int) -> Traced | None:
    """Of books by the month as of which they were traced, those to go on from.

    They share the most months with what is wanted.  As of another month than `as_of` only if they
    share any: what nothing is known of is traced together with others.
    """
    first = min(marks, default=0)
    shared = {at: _first_change(old.marks, marks) for at, old in olds.items()}
    chosen = [at for at, change in shared.items() if at == as_of or change > first]
    best = max(chosen, key=lambda at: (shared[at], at == as_of, at), default=None)
    return None if best is None else olds[best]


def _wholes(chains: Sequence[Chain]) -> list[tuple[Together, int]]:
    """What each chain is traced with, and as which part."""
    if sum(len(chain.places) for chain in chains) > JOINED_PLACES:
        return [(one, 0) for one in _in_threads(lambda chain: Together.of([chain]), chains)]
    whole = Together.of(chains) if chains else None
    return [(whole, part) for part in range(len(chains))] if whole else []


def _in_threads(work: Callable[[_S], _T], items: Iterable[_S]) -> list[_T]:
    """`work` of every item; numpy and scipy let go of the interpreter while they compute."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


def _gone_on(
    old: Traced, marks: Marks, chain: Chain, starts: dict[str, tuple[int, bool]]
) -> Traced:
    """A new chain; what `old` has of the months before the first changed one is taken over."""
    operators = Operators(chain)
    changed = _first_change(old.marks, marks)
    pairs = zip(old.chain.months, chain.months, strict=False)
    before = sum(one.month == other.month < changed for one, other in pairs)
    operators.take_over(old.operators, before)
    passed = year_pass(operators, old.passed, before)
    whole = Together.alone(operators, passed)
    made = Traced(old.material, marks, old.fates, chain, starts, old.generators, whole)
    for key, result in old.results.items():
        if key[0].last < changed:
            made.results.put(key, result)
    return made


def _comparable(
    old: Traced, fates: Mapping[str, str], generators: frozenset[str], chain: Chain
) -> bool:
    """True if the two chains number places and years alike and name sources by the same rule."""
    same = old.fates == fates and old.generators == generators
    return same and old.chain.places == chain.places and old.chain.years == chain.years


def _first_change(old: Marks, new: Marks) -> int:
    """The first month that differs, after all months if none does."""
    differing = [month for month in old.keys() | new.keys() if old.get(month) != new.get(month)]
    return min(differing, default=queries.MAX_MONTH + 1)


def warm_tracing(*, db: Database) -> None:
    """Trace every material of the books once."""
    with db.read() as session:
        keys = load_keys(session)
        versions = queries.rollup_versions(session, keys)
        each_traced(session, keys, sorted(versions), versions)


def forget() -> None:
    """Drop everything this process keeps of any books: registry, columns, sums and chains."""
    forget_keys()
    forget_columns()
    forget_books()
    forget_chains()


def forget_chains() -> None:
    """Drop what this process keeps of tracing; columns of the roll-up stay."""
    _kept.clear()
    _latest.clear()
