"""Loops and resale of one material and period: gross, first, repeat, nettable, cycles (section 6).

v_a = share of a firm's outgoing mix that has never been accepted by another firm: what lay at home
or on the road at the start of the period and what was generated there counts, the own yard keeps
it; arrivals, holes, gains and surplus do not.  It is local to one firm and runs by year (rule Q).

    gross = sum F_ab;  repeat_ab = F_ab (1 - v_a);  first = gross - repeat
    counted more than once D = gross - sum_{g != d} M_gd = repeat + returned home
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.later import nx, sparse
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.flows import Floats, Ints, Mask, Origin
from wasteflow.core.tracing.forward import State, forward
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.solve import MonthSystem, Sources
from wasteflow.core.tracing.yearpass import Contents, Operators, YearPass, by_year

Arc = tuple[str, str]
"""(consignor, consignee) by enterprise code."""


class Loop(Struct, frozen=True):
    """A strongly connected part of the shipments of a period; kilograms.

    `nettable_kg`: largest circulation in it (could be paper trade); `cycles`: an illustration, the
    widest bottleneck first; they are not unique and may give less than the maximum.
    """

    members: tuple[str, ...]
    gross_kg: int
    repeat_kg: float
    nettable_kg: int
    cycles: tuple[tuple[tuple[str, ...], int], ...]


class LoopReport(Struct, frozen=True):
    """Loops and resale of a period; kilograms, shares between 0 and 1."""

    period: Period
    gross_kg: int
    repeat_kg: float
    returned_home_kg: float
    arcs: dict[Arc, tuple[int, float]]
    resale_share: dict[str, float]
    loops: tuple[Loop, ...]

    @property
    def first_kg(self) -> float:
        """Accepted kilograms on their first shipment."""
        return self.gross_kg - self.repeat_kg

    @property
    def counted_more_than_once_kg(self) -> float:
        """D: what the sum of shipments counts beyond one shipment from first to final holder."""
        return self.repeat_kg + self.returned_home_kg


class _Firms(NamedTuple):
    """Firms of a chain by code; place → owner and (transit) consignee, and `abroad` transits."""

    codes: tuple[str, ...]
    owner: Ints
    consignee: Ints
    abroad: Mask

    @classmethod
    def of(cls, chain: Chain) -> _Firms:
        codes = sorted({code for p in chain.places for code in (p.a, p.b) if code})
        number = {code: position for position, code in enumerate(codes)}
        transit = [place.kind is PlaceKind.TRANSIT for place in chain.places]
        return cls(
            tuple(codes),
            np.array([number[place.owner] for place in chain.places], dtype=np.int64),
            np.array([number.get(place.b, -1) for place in chain.places], dtype=np.int64),
            np.array(
                [t and p.a != p.b for t, p in zip(transit, chain.places, strict=True)], dtype=bool
            ),
        )

    def accepted(self, system: MonthSystem) -> Mask:
        """Moves by which another firm accepts: from a transit abroad to a site or outside."""
        moves = system.moves
        goal = np.isin(moves.kind, (PlaceKind.SITE, PlaceKind.OUTSIDE))
        return np.asarray(self.abroad[moves.source] & goal)


def loop_report(chain: Chain, passed: YearPass, period: Period) -> LoopReport | None:
    """Figures of section 6 for one period; None where the books hold no month of it."""
    first, last = chain.span(period)
    if last < first:
        return None
    firms = _Firms.of(chain)
    home = _home_pass(chain, passed, firms, first, last)
    arcs = {
        (firms.codes[a], firms.codes[b]): (int(gross), float(max(gross - fresh, 0.0)))
        for (a, b), (gross, fresh) in sorted(home.arcs.items())
    }
    mixed = _ended_at_home(chain, passed, firms, first, last)
    returned = float(np.maximum(mixed - home.ended, 0.0).sum())
    shares = {
        firms.codes[n]: 1.0 - float(home.fresh[n] / home.sent[n])
        for n in np.flatnonzero(home.sent).tolist()
    }
    return LoopReport(
        period,
        sum(gross for gross, _ in arcs.values()),
        sum(repeat for _, repeat in arcs.values()),
        returned,
        arcs,
        shares,
        tuple(_loops(arcs)),
    )


class _Home(Struct):
    """Never-shipped mass of a period: per arc (accepted, of it fresh); per firm what it dispatched,
    of it fresh, and the fresh mass that ended at the firm itself."""

    arcs: dict[tuple[int, int], list[float]]
    sent: Floats
    fresh: Floats
    ended: Floats


def _home_pass(chain: Chain, passed: YearPass, firms: _Firms, first: int, last: int) -> _Home:
    """Forward with columns = years for the class that no other firm has accepted yet."""
    queues = np.flatnonzero(~chain.is_site)
    count = len(firms.codes)
    found = _Home({}, np.zeros(count), np.zeros(count), np.zeros(count))

    def at_home(system: MonthSystem) -> Mask:
        return ~firms.accepted(system)

    own = Operators(chain)
    own.prepare(first, last, at_home)
    content = passed.start[first].dense()
    for number in range(first, last + 1):
        system, operator = chain.months[number], own.of(number, at_home)
        if number > first:
            content = content + by_year(chain, system.opened)
        drawn = content[queues] * passed.phi[number].dense()
        b = by_year(chain, _home_sources(system)) + operator.drawn.T @ drawn
        b[operator.sites] += content[operator.sites]
        pool = np.maximum(operator.forward(b), 0.0)
        out = pool * system.passed[:, None]
        close = pool - out
        out[queues] += drawn
        close[queues] += content[queues] - drawn
        close[system.closing == 0] = 0.0
        content = close
        _count_home(found, firms, system, out.sum(axis=1))
    np.add.at(found.ended, firms.owner, content.sum(axis=1))
    return found


def _count_home(found: _Home, firms: _Firms, system: MonthSystem, out: Floats) -> None:
    moves = system.moves
    fresh = moves.share * out[moves.source]
    accepted = firms.accepted(system)
    goal = np.where(moves.target >= 0, firms.owner[moves.target], firms.consignee[moves.source])
    for row in np.flatnonzero(accepted).tolist():
        arc = int(firms.owner[moves.source[row]]), int(goal[row])
        cell = found.arcs.setdefault(arc, [0, 0.0])
        cell[0] += int(moves.kg[row])
        cell[1] += float(fresh[row])
    sent = (moves.kind == PlaceKind.TRANSIT) & system.is_site[moves.source]
    np.add.at(found.sent, firms.owner[moves.source[sent]], moves.kg[sent])
    np.add.at(found.fresh, firms.owner[moves.source[sent]], fresh[sent])
    ended = (moves.target < 0) & ~accepted
    np.add.at(found.ended, firms.owner[moves.source[ended]], fresh[ended])


def _home_sources(system: MonthSystem) -> Sources:
    """Sources that start at a holder: generation, and what comes from a firm outside the books."""
    some = np.isin(
        system.sources.born, (PlaceKind.GENERATION, PlaceKind.RECIRCULATED, PlaceKind.OUTSIDE)
    )
    return Sources(*(part[some] for part in system.sources))


def _ended_at_home(chain: Chain, passed: YearPass, firms: _Firms, first: int, last: int) -> Floats:
    """M_gg per firm: kilograms whose start holder is the firm and that ended or lie there."""
    held = _by_holder(chain, firms, passed, first, last)
    tracing = Operators(held.chain)
    part = cut_pass(passed, first, last)
    found = np.zeros(len(firms.codes))
    holder = held.chain.origin_name
    for step in forward(tracing, part, start=held.state):
        moves = step.system.moves
        ends = np.flatnonzero(moves.target < 0)
        accepted = firms.accepted(step.system)[ends]
        where = np.where(
            accepted, firms.consignee[moves.source[ends]], firms.owner[moves.source[ends]]
        )
        table = sparse.coo_array(step.grouped(ends, where, len(firms.codes)))
        own = holder[table.col] == table.row
        np.add.at(found, table.row[own], table.data[own])
        if step.number == last - first:
            closing = sparse.coo_array(step.closing())
            own = holder[closing.col] == firms.owner[closing.row]
            np.add.at(found, firms.owner[closing.row[own]], closing.data[own])
    return found


class _Held(NamedTuple):
    chain: Chain
    state: State


def _by_holder(chain: Chain, firms: _Firms, passed: YearPass, first: int, last: int) -> _Held:
    """The months of the period with origins = (start holder, year) instead of generators."""
    years = len(chain.years)
    origins = tuple(Origin(code, year) for code in firms.codes for year in chain.years)

    def recast(sources: Sources) -> Sources:
        origin = firms.owner[sources.place] * years + chain.origin_year[sources.origin]
        return sources._replace(origin=origin)

    months = []
    for number in range(first, last + 1):
        system = chain.months[number]
        opened = system.opened
        if number == first:
            opened = Sources(*(part[:0] for part in opened))
        months.append(replace(system, opened=recast(opened), sources=recast(_home_sources(system))))
    cells = sparse.coo_array(passed.start[first].dense())
    column = firms.owner[cells.row] * years + cells.col
    shape = (len(chain.places), len(origins))
    content = sparse.csr_array((cells.data, (cells.row, column)), shape=shape)
    renamed = replace(
        chain,
        names=firms.codes,
        origins=origins,
        origin_year=np.tile(np.arange(years), len(firms.codes)),
        origin_name=np.repeat(np.arange(len(firms.codes)), years),
        months=tuple(months),
    )
    return _Held(renamed, State(0, chain.places, origins, content))


def cut_pass(passed: YearPass, first: int, last: int) -> YearPass:
    """The months first..last of a year pass."""
    cut = slice(first, last + 1)
    return YearPass(passed.phi[cut], lambda: Contents(passed.start[cut], passed.close[cut]))


def _loops(arcs: dict[Arc, tuple[int, float]]) -> list[Loop]:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from((a, b, gross) for (a, b), (gross, _) in sorted(arcs.items()))
    found = []
    for members in nx.strongly_connected_components(graph):
        if len(members) < 2:
            continue
        inside = {arc: kg for arc, kg in sorted(arcs.items()) if members.issuperset(arc)}
        flows = {arc: gross for arc, (gross, _) in inside.items()}
        found.append(
            Loop(
                tuple(sorted(members)),
                sum(flows.values()),
                sum(repeat for _, repeat in inside.values()),
                nettable(flows),
                tuple(greedy_cycles(flows)),
            )
        )
    return sorted(found, key=lambda loop: (-loop.nettable_kg, loop.members))


def nettable(flows: dict[Arc, int]) -> int:
    """Largest circulation: max sum z with 0 <= z <= F and z balanced at every firm (kilograms).

    Integer minimum-cost flow with cost -1 on every arc.

    >>> nettable({("a", "b"): 80, ("b", "a"): 40, ("a", "c"): 60})
    80
    """
    graph = nx.DiGraph()
    for (a, b), kg in sorted(flows.items()):
        graph.add_edge(a, b, capacity=int(kg), weight=-1)
    cost, _ = nx.network_simplex(graph)
    return -int(cost)


def greedy_cycles(flows: dict[Arc, int]) -> list[tuple[tuple[str, ...], int]]:
    """Cycles of firms with their bottleneck, widest first, ties by code; each empties an arc.

    >>> greedy_cycles({("a", "b"): 80, ("b", "a"): 40})
    [(('a', 'b'), 40)]
    """
    left = dict(sorted(flows.items()))
    found = []
    while cycle := _widest_cycle(left):
        around = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        width = min(left[arc] for arc in around)
        found.append((cycle, width))
        for arc in around:
            left[arc] -= width
        left = {arc: kg for arc, kg in left.items() if kg}
    return found


def _widest_cycle(flows: dict[Arc, int]) -> tuple[str, ...]:
    """The cycle with the widest bottleneck, starting at its first code; () if there is none."""
    widths = sorted(set(flows.values()))
    low, high = -1, len(widths) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _cycle(flows, widths[middle]):
            low = middle
        else:
            high = middle - 1
    return _cycle(flows, widths[low]) if low >= 0 else ()


def _cycle(flows: dict[Arc, int], width: int) -> tuple[str, ...]:
    graph = nx.DiGraph(sorted(arc for arc, kg in flows.items() if kg >= width))
    try:
        cycle = [arc[0] for arc in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return ()
    start = cycle.index(min(cycle))
    return tuple(cycle[start:] + cycle[:start])


def return_shares(operators: Operators, number: int) -> dict[str, float]:
    """(N_ii - 1) / N_ii of the sites that lie on a loop in month `number` of the chain.

    N = (I - P)^-1 inside the loop: the chance that a kilogram at the site comes back in the same
    step (Ziemianek and Bialek 2008: a diagonal above 1 marks a circular flow).
    """
    chain = operators.chain
    operator = operators.of(number)
    p = operator.sites_alone
    _, component = sparse.csgraph.connected_components(p, connection="strong")
    found: dict[str, float] = {}
    for part in np.flatnonzero(np.bincount(component) > 1):
        members = np.flatnonzero(component == part)
        block = np.eye(len(members)) - p[members][:, members].toarray()
        diagonal = np.diag(np.linalg.inv(block))
        for member, value in zip(members, diagonal, strict=True):
            code = chain.places[member].owner
            found[code] = float((value - 1.0) / value)
    return dict(sorted(found.items()))
