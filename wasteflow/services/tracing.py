"""Tracing over the books: the chain of months of a material, kept by the versions of its roll-up.

Kept per process.  When a month was written, everything before it is taken over and the rest made
anew: systems, year pass, and the terms of periods that end before it.  One material at a time,
since materials never mix.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from wasteflow.core.periods import Period
from wasteflow.core.tracing.attribution import Basis, PeriodTerms, Split, period_terms
from wasteflow.core.tracing.flows import FlowTable, ledger_starts
from wasteflow.core.tracing.many_periods import forward_is_quicker, terms_of_periods
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.yearpass import Operators, YearPass, year_pass
from wasteflow_models import queries
from wasteflow_models.convert import Keys, forget_keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.flow_columns import forget_columns
from wasteflow_models.kept import Kept
from wasteflow_models.month_flows import forget_books

CHAINS_KEPT = 64
RESULTS_KEPT = 256
"""Chains kept at most in a process, and results for periods with each of them."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Traced:
    """A material's months, their systems, and the pass by year over all of them.

    `versions`: month → version of what the chain was made from; `fates` of the routes then.
    """

    material: str
    versions: Mapping[int, int]
    fates: Mapping[str, str]
    chain: Chain
    operators: Operators
    passed: YearPass
    starts: dict[str, tuple[int, bool]]
    generators: frozenset[str]
    results: Kept[tuple[Period, Hashable], Any] = field(default_factory=lambda: Kept(RESULTS_KEPT))

    def terms(self, periods: Sequence[Period], basis: Basis) -> list[PeriodTerms]:
        """Terms of every origin for each period, each computed once.

        Always split by route, so that a figure is the same to the kilogram however it is grouped.
        """

        def make(missing: list[Period]) -> list[PeriodTerms]:
            if forward_is_quicker(self.chain, missing, basis):
                return terms_of_periods(self.operators, self.passed, missing, basis)
            return period_terms(self.operators, self.passed, missing, basis, Split.ROUTE)

        return self.each(("terms", basis), periods, make)

    def each(
        self, what: Hashable, periods: Sequence[Period], make: Callable[[list[Period]], list[_T]]
    ) -> list[_T]:
        """`make` of every period, those together that are not kept; keeps what it made."""
        found: dict[Period, Any]
        found = {period: self.results.get((period, what)) for period in periods}
        if None in found.values():
            with _making(self.material):
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
    return _found(keys, material, versions, as_of) or _traced(
        keys, material, versions, as_of, queries.flow_table(session, keys, material, as_of)
    )


def each_traced(
    session: Session,
    keys: Keys,
    materials: Sequence[str],
    versions: Mapping[str, Mapping[int, int]],
    as_of: int,
    of_books: Callable[[Traced], _T],
) -> list[_T]:
    """`of_books` of the traced books of every material, in their order.

    Materials never mix, so each is traced in a thread of its own while the next is read; numpy and
    scipy let go of the interpreter while they compute.  `of_books` must not use the session.
    """

    def work(material: str, table: FlowTable | None) -> _T:
        books = _found(keys, material, versions, as_of)
        if books is None:
            assert table is not None
            books = _traced(keys, material, versions, as_of, table)
        return of_books(books)

    if len(materials) < 2:
        return [of_books(traced(session, keys, stuff, versions, as_of)) for stuff in materials]
    with ThreadPoolExecutor(min(len(materials), os.cpu_count() or 1)) as pool:
        made = []
        for stuff in materials:
            known = _found(keys, stuff, versions, as_of) is not None
            table = None if known else queries.flow_table(session, keys, stuff, as_of)
            made.append(pool.submit(work, stuff, table))
        return [one.result() for one in made]


def _making(material: str) -> RLock:
    """Held while a material is traced: whoever asks for the same meanwhile finds it made."""
    return _locks.setdefault(material, RLock())


def _key(
    keys: Keys, material: str, versions: Mapping[str, Mapping[int, int]], as_of: int
) -> Hashable:
    return material, as_of, tuple(versions.get(material, {}).items()), _fates(keys)


def _fates(keys: Keys) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((code, route.fate) for code, route in keys.registry.routes.items()))


def _found(
    keys: Keys, material: str, versions: Mapping[str, Mapping[int, int]], as_of: int
) -> Traced | None:
    return _kept.get(_key(keys, material, versions, as_of))


def _traced(
    keys: Keys,
    material: str,
    versions: Mapping[str, Mapping[int, int]],
    as_of: int,
    table: FlowTable,
) -> Traced:
    """The traced books made of `table`, unless another thread made them meanwhile."""
    with _making(material):
        found = _found(keys, material, versions, as_of)
        if found is None:
            months, fates = versions.get(material, {}), dict(_fates(keys))
            made = _made(material, months, fates, table, _latest.get((material, as_of)))
            key = _key(keys, material, versions, as_of)
            found = _latest.put((material, as_of), _kept.put(key, made))
    return found


def _made(
    material: str,
    months: Mapping[int, int],
    fates: Mapping[str, str],
    table: FlowTable,
    old: Traced | None,
) -> Traced:
    """A new chain; what `old` has of the months before the first changed one is taken over."""
    generators = table.generating_firms()
    chain = build_chain(table, fates, generators)
    operators = Operators(chain)
    starts = ledger_starts(table)
    if old is None or not _comparable(old, fates, generators, chain):
        passed = year_pass(operators)
        return Traced(material, months, fates, chain, operators, passed, starts, generators)
    changed = _first_change(old.versions, months)
    before = sum(system.month < changed for system in chain.months)
    operators.take_over(old.operators, before)
    passed = year_pass(operators, old.passed, before)
    made = Traced(material, months, fates, chain, operators, passed, starts, generators)
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


def _first_change(old: Mapping[int, int], new: Mapping[int, int]) -> int:
    """The first month whose version differs, after all months if none does."""
    differing = [month for month in old.keys() | new.keys() if old.get(month) != new.get(month)]
    return min(differing, default=queries.MAX_MONTH + 1)


def warm_tracing(*, db: Database) -> None:
    """Trace every material of the books once."""
    with db.read() as session:
        keys = load_keys(session)
        versions = queries.rollup_versions(session, keys)
        for material in sorted(versions):
            traced(session, keys, material, versions)


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
