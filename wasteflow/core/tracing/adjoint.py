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
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from wasteflow.core.later import sparse
from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.operators import Operator
from wasteflow.core.tracing.solve import MonthSystem, Sources
from wasteflow.core.tracing.yearpass import Lens, Operators, Rows, YearPass

EVERY = slice(None)
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
    """Further value per kilogram at some places: of their pools, of everything drawn from them.

    `places` ascending; `pool` and `drawn` are places x live years x live columns.
    """

    places: Ints
    pool: Floats
    drawn: Floats


class Reached(Struct, frozen=True):
    """Kilograms that reach each column: kg[NEW | PRIOR, origin, column]."""

    kg: Floats

    @property
    def total(self) -> Floats:
        """Kilograms per origin and column, new and prior together."""
        return np.asarray(self.kg.sum(axis=0))


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
    observe(number, live columns, pools): is offered the pool values of the month.
    """
    chain = operators.chain
    first = np.array([column.first for column in columns], dtype=np.int64)
    last = np.array([column.last for column in columns], dtype=np.int64)
    history = np.array([column.history for column in columns], dtype=bool)
    found = np.zeros((2, len(chain.origins), len(columns)))
    worth = _Worth(chain)
    end = int(last.max(initial=-1))
    operators.prepare(0 if history.any() else int(first.min(initial=0)), end, lens)
    for number in range(end, -1, -1):
        live = np.flatnonzero((last >= number) & (history | (first <= number)))
        if not len(live):
            continue
        system, operator = chain.months[number], operators.of(number, lens)
        worth.keep(live, chain.live_years(system))
        for position in np.flatnonzero(last[live] == number).tolist():
            worth.lies(position, columns[live[position]].stock)
        value = _moved(system, hits(number, system), (first <= number) & (last >= number), live)
        more = extra(number, system, live, worth.years) if extra else None
        pools = Pools(operator, system, worth, value, more)
        if observe:
            observe(number, live, pools)
        sources = system.sources
        came = pools.at(sources.place, chain.origin_year[sources.origin])
        collect(found, sources, came, live, first[live] <= number)
        worth.go_back(pools, passed.phi[number])
        opened = system.opened
        if len(opened.kg):
            lay = worth.at(opened.place, chain.origin_year[opened.origin])
            collect(found, opened, lay, live, np.zeros(len(live), bool))
    return Reached(found)


class _Worth:
    """Value of a kilogram lying at a place at a month's end, by year of origin and live column.

    Sites and queues apart (places x years x columns): a month touches all sites, but only those
    queues from which something was drawn.
    """

    def __init__(self, chain: Chain) -> None:
        self.first_queue = chain.site_count
        self.columns = np.zeros(0, np.int64)
        self.years = len(chain.years)
        shape = self.years, 0
        self.sites = np.zeros((chain.site_count, *shape))
        self.queues = np.zeros((len(chain.places) - chain.site_count, *shape))

    def keep(self, live: Ints, years: int) -> None:
        """Let go of columns and years that are over, and take in new columns, worth nothing yet."""
        if years == self.years and np.array_equal(live, self.columns):
            return
        known = np.flatnonzero(np.isin(live, self.columns))
        old = np.searchsorted(self.columns, live[known])
        parts = []
        for part in (self.sites, self.queues):
            if len(known) == len(live):
                parts.append(np.take(part[:, :years], old, axis=2))
                continue
            made = np.zeros((len(part), years, len(live)))
            if len(known):
                made[:, :, known] = part[:, :years, old]
            parts.append(made)
        self.sites, self.queues = parts
        self.columns, self.years = live, years

    def lies(self, position: int, stock: Mask | None) -> None:
        """A column ends here: what lies at the places of `stock` counts 1."""
        if stock is not None:
            self.sites[stock[: self.first_queue], :, position] = 1.0
            self.queues[stock[self.first_queue :], :, position] = 1.0

    def at(self, place: Ints, year: Ints) -> Floats:
        """Value per kilogram of places and years: pairs x columns."""
        found = np.empty((len(place), len(self.columns)))
        site = place < self.first_queue
        found[site] = self.sites[place[site], year[site]]
        found[~site] = self.queues[place[~site] - self.first_queue, year[~site]]
        return found

    def go_back(self, pools: Pools, phi: Rows) -> None:
        """From the end of a month to its start: sites by their pool, queues by what was drawn."""
        rows = phi.at
        share = phi.part[:, : self.years, None]
        kept = self.queues[rows]
        kept *= 1.0 - share
        kept += share * pools.drawn()
        self.queues[rows] = kept
        self.sites = pools.sites


class Pools:
    """Value of a kilogram in every pool of a month: u of (I - P) u = v.

    v = moves that count + (what stays) * worth.  Sites are solved at once; of the queues only those
    that every sweep needs, the others when asked for, before `worth` goes back over the month.
    """

    def __init__(
        self,
        operator: Operator,
        system: MonthSystem,
        worth: _Worth,
        value: Floats,
        more: Extra | None,
    ) -> None:
        self.operator, self.system, self.worth, self.more = operator, system, worth, more
        queues, sites = operator.queues, operator.sites
        self._shape = worth.years, len(worth.columns)
        self._stays = 1.0 - system.passed
        self._counted = value[queues]
        self._pool = self._counted * system.passed[queues, None]
        v = worth.sites * self._stays[sites, None, None]
        v += (value[sites] * system.passed[sites, None])[:, None, :]
        self._extra_queues = np.zeros(0, np.int64)
        if more is not None:
            at_site = more.places < worth.first_queue
            v[more.places[at_site]] += more.pool[at_site]
            self._extra_queues = np.flatnonzero(~at_site)
        flat = self._flat(v)
        flat += self._from_queues()
        operator.elimination.back(flat)
        self.sites = v

    @property
    def _extra_rows(self) -> Ints:
        """Queues (positions among them) to which `more` adds value."""
        assert self.more is not None
        return np.asarray(self.more.places[self._extra_queues] - self.worth.first_queue)

    def _flat(self, values: Floats) -> Floats:
        return values.reshape(len(values), self._shape[0] * self._shape[1])

    def _deep(self, values: Floats) -> Floats:
        return values.reshape(len(values), *self._shape)

    def _from_queues(self) -> Floats:
        """H v of the queues, without making v."""
        operator = self.operator
        held: Floats = operator.staying @ self._flat(self.worth.queues)
        self._deep(held)[...] += (operator.to_queue @ self._pool)[:, None, :]
        if self.more is not None and len(self._extra_queues):
            rows = self._extra_rows
            extra = self._flat(self.more.pool[self._extra_queues])
            held += operator.to_queue[:, rows] @ extra
        return held

    def _kept(self, rows: Ints, years: slice) -> Floats:
        """v of some queues and years, rows x (years * columns)."""
        v = self.worth.queues[rows, years]
        v *= self._stays[self.operator.queues][rows, None, None]
        v += self._pool[rows, None, :]
        if self.more is not None and len(self._extra_queues):
            at, some = _meeting(rows, self._extra_rows)
            v[at] += self.more.pool[self._extra_queues[some], years]
        return v.reshape(len(rows), v.shape[1] * v.shape[2])

    def _of(self, rows: Ints, to_site: sparse.csr_array, years: slice = EVERY) -> Floats:
        """N v + G u of some queues, rows x years x columns; `to_site` = those rows of G."""
        at_sites = self._flat(self.sites)
        if years != EVERY:
            at_sites = np.ascontiguousarray(self.sites[:, years])
            at_sites = at_sites.reshape(len(at_sites), at_sites.shape[1] * at_sites.shape[2])
        u = self._kept(rows, years) + to_site @ at_sites
        froms, targets, onward = self.operator.ways
        if len(targets):
            at = np.minimum(np.searchsorted(froms, rows), len(froms) - 1)
            some = np.flatnonzero(froms[at] == rows)
            u[some] += (onward @ self._kept(targets, years))[at[some]]
        return np.asarray(u.reshape(len(rows), -1, self._shape[1]))

    def queues(self, rows: Ints) -> Floats:
        """Value of the pools of some queues (positions among them), rows x years x columns."""
        if not len(rows):
            return np.zeros((0, *self._shape))
        return self._of(rows, self.operator.to_site_of(rows))

    def drawn(self) -> Floats:
        """Value of what is drawn from the queues `draws.rows`, rows x years x columns."""
        rows, to_sites, to_queues, targets = self.operator.draws
        r: Floats = to_sites @ self._flat(self.sites)
        if len(targets):
            r += to_queues @ self._flat(self.queues(targets))
        r = self._deep(r) + self._counted[rows][:, None, :]
        if self.more is not None and len(self._extra_queues):
            at, some = _meeting(rows, self._extra_rows)
            r[at] += self.more.drawn[self._extra_queues[some]]
        return r

    def rows(self, places: Ints) -> Floats:
        """Value of the pools of places, places x years x columns."""
        found = np.empty((len(places), *self._shape))
        site = places < self.worth.first_queue
        found[site] = self.sites[places[site]]
        found[~site] = self.queues(places[~site] - self.worth.first_queue)
        return found

    def at(self, place: Ints, year: Ints) -> Floats:
        """Value per kilogram of places and years: pairs x columns.

        What comes in during a month is of its year, so that mostly one year is asked for.
        """
        found = np.empty((len(place), self._shape[1]))
        site = place < self.worth.first_queue
        found[site] = self.sites[place[site], year[site]]
        rows, when = place[~site] - self.worth.first_queue, year[~site]
        at_queues = np.empty((len(rows), self._shape[1]))
        for one in np.flatnonzero(np.bincount(when)).tolist():
            some = np.flatnonzero(when == one)
            wanted, back = np.unique(rows[some], return_inverse=True)
            to_site = self.operator.to_site_of(wanted)
            at_queues[some] = self._of(wanted, to_site, slice(one, one + 1))[back, 0]
        found[~site] = at_queues
        return found


HitsOf = Callable[[int, MonthSystem], Hits]
ExtraOf = Callable[[int, MonthSystem, Ints, int], Extra | None]
Observer = Callable[[int, Ints, Pools], None]


def _meeting(rows: Ints, known: Ints) -> tuple[Ints, Ints]:
    """Positions in `rows` and in `known` of what stands in both; each holds a row once."""
    _, at, some = np.intersect1d(rows, known, assume_unique=True, return_indices=True)
    return at, some


def _moved(system: MonthSystem, hits: Hits, counted: Mask, live: Ints) -> Floats:
    """Share of what leaves a place along counted moves, places x live columns."""
    keep = counted[hits.column] & ~system.circulating[system.moves.source[hits.move]]
    move = hits.move[keep]
    cell = system.moves.source[move] * len(live) + np.searchsorted(live, hits.column[keep])
    shape = len(system.out), len(live)
    found = np.bincount(cell, system.moves.share[move], minlength=shape[0] * shape[1])
    return np.asarray(found.reshape(shape), dtype=np.float64)


def collect(found: Floats, sources: Sources, value: Floats, live: Ints, new: Mask) -> None:
    """Add kg * value of every source to its origin; `new` says in which columns' period it lies."""
    if not len(sources.kg):
        return
    starts = np.flatnonzero(np.diff(sources.origin, prepend=-1))  # they stand in order of origin
    origin = sources.origin[starts]
    kg = np.add.reduceat(value * sources.kg[:, None], starts, axis=0)
    for status, some in ((NEW, new), (PRIOR, ~new)):
        if some.any():
            found[status, origin[:, None], live[some]] += kg[:, some]


def moves_to(*kinds: int) -> Callable[[MonthSystem], Ints]:
    """Positions of the moves to boundaries of `kinds`."""

    def positions(system: MonthSystem) -> Ints:
        outside = system.moves.target < 0
        return np.flatnonzero(outside & np.isin(system.moves.kind, kinds))

    return positions


used = moves_to(PlaceKind.USE)
"""Moves into `use:*`: what counts on the verified basis."""
