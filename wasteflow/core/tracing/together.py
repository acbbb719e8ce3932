"""Several materials as one chain: their places side by side, so that a month is one system.

Materials never mix, so the system of all of them is block-diagonal and gives each what it would
give alone.  It is made only to save calls: a month of one material is so small that the calls
would take longer than the numbers.  Nothing is solved here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.solve import MonthSystem, Moves, Sources
from wasteflow.core.tracing.yearpass import (
    Contents,
    Operators,
    Rows,
    YearPass,
    prepared,
    year_pass,
)


class Part(NamedTuple):
    """A material among the others: where its sites and queues, origins and names stand in the whole
    chain, and the positions there of its own years and months."""

    chain: Chain
    sites: slice
    queues: slice
    origins: slice
    years: Ints
    months: Ints


class Together(Struct, frozen=True):
    """The whole chain with its systems and year pass; `owner`: the part of every place."""

    operators: Operators
    passed: YearPass
    parts: tuple[Part, ...]
    owner: Ints

    @classmethod
    def alone(cls, operators: Operators, passed: YearPass) -> Together:
        """One material by itself."""
        chain = operators.chain
        sites, everything = chain.site_count, len(chain.places)
        part = Part(
            chain,
            slice(0, sites),
            slice(sites, everything),
            slice(0, len(chain.origins)),
            np.arange(len(chain.years)),
            np.arange(len(chain.months)),
        )
        return cls(operators, passed, (part,), np.zeros(everything, np.int64))

    @classmethod
    def of(cls, chains: Sequence[Chain]) -> Together:
        """The year pass over several materials at once."""
        if len(chains) == 1:
            return cls.alone(*prepared(chains[0]))
        parts = _parts(chains)
        operators = Operators(_joined(parts))
        owner = np.zeros(len(operators.chain.places), np.int64)
        for number, part in enumerate(parts):
            owner[part.sites] = owner[part.queues] = number
        return cls(operators, year_pass(operators), parts, owner)

    def names(self) -> list[slice]:
        """Where the names of each part stand among those of the whole."""
        return _slices([len(part.chain.names) for part in self.parts], 0)

    def pass_of(self, number: int) -> YearPass:
        """The year pass of one part, in the numbering of its own chain."""
        part, whole = self.parts[number], self.passed
        if len(self.parts) == 1:
            return whole
        first_queue = self.operators.chain.site_count
        behind = slice(part.queues.start - first_queue, part.queues.stop - first_queue)
        months = part.months.tolist()

        def contents() -> Contents:
            ranges = [part.sites, part.queues]
            tables = (
                tuple(_cut(table[month], ranges, part.years) for month in months)
                for table in (whole.start, whole.close)
            )
            return Contents(*tables)

        phi = tuple(_cut(whole.phi[month], [behind], part.years) for month in months)
        return YearPass(phi, contents)


def _cut(rows: Rows, ranges: Sequence[slice], years: Ints) -> Rows:
    """The rows in some ranges of places, numbered through, with some of the columns."""
    at, tables, height = [], [], 0
    for some in ranges:
        low, high = np.searchsorted(rows.at, (some.start, some.stop)).tolist()
        at.append(rows.at[low:high] - some.start + height)
        tables.append(rows.part[low:high, years])
        height += some.stop - some.start
    return Rows(np.concatenate(at), np.concatenate(tables), height)


def _parts(chains: Sequence[Chain]) -> tuple[Part, ...]:
    years = sorted({year for chain in chains for year in chain.years})
    labels = sorted({system.month for chain in chains for system in chain.months})
    sites = [chain.site_count for chain in chains]
    queues = [len(chain.places) - count for chain, count in zip(chains, sites, strict=True)]
    site_cuts = _slices(sites, 0)
    queue_cuts = _slices(queues, sum(sites))
    origin_cuts = _slices([len(chain.origins) for chain in chains], 0)
    cuts = zip(chains, site_cuts, queue_cuts, origin_cuts, strict=True)
    return tuple(
        Part(
            chain,
            at_sites,
            at_queues,
            origins,
            np.searchsorted(years, chain.years),
            np.searchsorted(labels, [system.month for system in chain.months]),
        )
        for chain, at_sites, at_queues, origins in cuts
    )


def _slices(lengths: Sequence[int], first: int) -> list[slice]:
    bounds = np.cumsum([first, *lengths]).tolist()
    return [slice(*bound) for bound in pairwise(bounds)]


def _joined(parts: Sequence[Part]) -> Chain:
    """One chain of all parts; its findings are left to theirs."""
    chains = [part.chain for part in parts]
    years = sorted({year for chain in chains for year in chain.years})
    labels = sorted({system.month for chain in chains for system in chain.months})
    names = _slices([len(chain.names) for chain in chains], 0)
    months = zip(*(_filled(part.chain, labels) for part in parts), strict=True)
    places = [place for part in parts for place in part.chain.places[: part.chain.site_count]]
    places += [place for part in parts for place in part.chain.places[part.chain.site_count :]]
    to_whole = [_numbers(part) for part in parts]
    is_site = np.arange(len(places)) < sum(chain.site_count for chain in chains)
    return Chain(
        places=tuple(places),
        routes=chains[0].routes,
        is_site=is_site,
        is_yard=_side_by_side([chain.is_yard for chain in chains], parts),
        years=tuple(years),
        names=tuple(name for chain in chains for name in chain.names),
        origins=tuple(origin for chain in chains for origin in chain.origins),
        origin_year=np.concatenate([part.years[part.chain.origin_year] for part in parts]),
        origin_name=np.concatenate(
            [cut.start + chain.origin_name for cut, chain in zip(names, chains, strict=True)]
        ),
        months=tuple(_month(systems, parts, to_whole, is_site) for systems in months),
        findings=(),
    )


def _numbers(part: Part) -> Ints:
    """Place of a part → place of the whole; one more at the end, so that -1 stays -1."""
    sites, queues = part.sites, part.queues
    ranges = np.arange(sites.start, sites.stop), np.arange(queues.start, queues.stop), [-1]
    return np.concatenate(ranges)


def _filled(chain: Chain, labels: Sequence[int]) -> list[MonthSystem]:
    """The months of a chain, with months in which nothing moves where it has none."""
    known = {system.month: system for system in chain.months}
    found: list[MonthSystem] = []
    for label in labels:
        before = found[-1] if found else None
        found.append(known.get(label) or _still(chain, label, before))
    return found


def _still(chain: Chain, month: int, before: MonthSystem | None) -> MonthSystem:
    """A month in which nothing moves: what lay at the end of the month before lies there still."""
    nothing, none = np.zeros(len(chain.places), np.int64), np.zeros(0, np.int64)
    held = before.closing if before else nothing
    return MonthSystem(
        month=month,
        is_site=chain.is_site,
        opening=held,
        closing=held,
        debt=before.debt if before else nothing,
        throughput=np.where(chain.is_site, held, 0),
        out=nothing,
        draw=nothing,
        passed=np.zeros(len(nothing)),
        moves=Moves(none, none, none, none, none, none, none, np.zeros(0)),
        opened=Sources(none, none, none, none),
        sources=Sources(none, none, none, none),
        treated=nothing,
        circulating=np.zeros(len(nothing), bool),
    )


def _side_by_side(columns: Sequence[Ints | Floats | Mask], parts: Sequence[Part]) -> np.ndarray:
    """A value per place of every part, sites before queues."""
    cuts = [part.sites.stop - part.sites.start for part in parts]
    pairs = list(zip(columns, cuts, strict=True))
    return np.concatenate([c[:cut] for c, cut in pairs] + [c[cut:] for c, cut in pairs])


def _month(
    systems: Sequence[MonthSystem], parts: Sequence[Part], to_whole: Sequence[Ints], is_site: Mask
) -> MonthSystem:
    """One month of all parts."""
    pairs = list(zip(systems, to_whole, strict=True))
    moves = Moves(*map(np.concatenate, zip(*(system.moves for system in systems), strict=True)))
    moves = moves._replace(
        source=np.concatenate([at[system.moves.source] for system, at in pairs]),
        target=np.concatenate([at[system.moves.target] for system, at in pairs]),
    )
    columns = {
        name: _side_by_side([getattr(system, name) for system in systems], parts)
        for name in _BY_PLACE
    }
    return MonthSystem(
        month=systems[0].month,
        is_site=is_site,
        moves=moves,
        opened=_sources([system.opened for system in systems], parts, to_whole),
        sources=_sources([system.sources for system in systems], parts, to_whole),
        **columns,
    )


_BY_PLACE = (
    "opening",
    "closing",
    "debt",
    "throughput",
    "out",
    "draw",
    "passed",
    "treated",
    "circulating",
)


def _sources(found: Sequence[Sources], parts: Sequence[Part], to_whole: Sequence[Ints]) -> Sources:
    joined = Sources(*map(np.concatenate, zip(*found, strict=True)))
    return joined._replace(
        place=np.concatenate([at[one.place] for at, one in zip(to_whole, found, strict=True)]),
        origin=np.concatenate(
            [part.origins.start + one.origin for part, one in zip(parts, found, strict=True)]
        ),
    )
