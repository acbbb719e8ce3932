"""Months with the queues contracted over all of them give what they give one by one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracing_networks import FATES, Row, network
from wasteflow.core.periods import next_month
from wasteflow.core.places import GENERATION, WEIGHING, Place, PlaceKind, site, transit, yard
from wasteflow.core.tracing.adjoint import Column, Hits, adjoint
from wasteflow.core.tracing.flows import Floats, FlowTable
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.solve import MonthSystem
from wasteflow.core.tracing.sweep import sweep
from wasteflow.core.tracing.yearpass import (
    Lens,
    Operators,
    by_year,
    draw_fractions,
    open_lens,
    prepared,
    year_pass,
)

SEEDS = st.integers(0, 1_000_000)
Make = Callable[[int], list[Row]]


def waiting(seed: int) -> list[Row]:
    """Loads that come a month later, of which refused parts go back, some a month later again.

    Firms send both ways, so refused parts can go in circles, also over the ends of months.
    """
    dice = Random(seed)
    names = ["g0", "g1", "g2"]
    rows: list[Row] = []
    month = 202511
    for _ in range(5):
        after, last = next_month(month), next_month(month, 2)
        for firm in names:
            rows += [
                (month, GENERATION, site(firm), "", 1, dice.randrange(300_000, 500_000)),
                (month, site(firm), yard(firm), "", 1, dice.randrange(1, 90_000)),
                (after, yard(firm), site(firm), "", 1, dice.randrange(1, 120_000)),
                (month, site(firm), Place(PlaceKind.USE, "u"), "u", 1, dice.randrange(1, 90_000)),
            ]
        for a, b in ((a, b) for a in names for b in names if a != b and dice.random() < 0.8):
            route, road, back = dice.choice("uts"), transit(a, b), transit(b, a)
            kg = [dice.randrange(1_000, 30_000) for _ in range(5)]
            rows += [
                (month, site(a), road, route, 1, sum(kg)),
                (month, road, site(b), route, 1, kg[0]),
                (after, road, site(b), route, 1, kg[1]),
                (after, road, back, route, 1, kg[2]),
                (after, back, site(a), route, 1, kg[2]),
                (after, road, WEIGHING, route, 1, kg[3]),
                (after, road, transit(a, "g0"), route, 1, kg[4]),
                (last, transit(a, "g0"), site("g0"), route, 1, kg[4]),
            ]
        month = after
    return [row for row in rows if row[1] != row[2]]


def chain_of(rows: list[Row]) -> Chain:
    return build_chain(FlowTable.of_rows(rows), FATES)


def plain_year_pass(chain: Chain) -> list[tuple[Floats, Floats, Floats]]:
    """(phi, start, close) of every month by one dense system of all its places."""
    content = np.zeros((len(chain.places), len(chain.years)))
    found = []
    for system in chain.months:
        start = content + by_year(chain, system.opened)
        phi = np.zeros_like(start)
        queues = np.flatnonzero(system.draw)
        rows = queues - chain.site_count
        phi[queues] = draw_fractions(chain, system, start[queues], rows)
        drawn = start * phi
        moves = system.moves
        share = np.zeros((len(start), len(start)))
        some = (moves.target >= 0) & ~system.circulating[moves.source]
        np.add.at(share, (moves.source[some], moves.target[some]), moves.share[some])
        b = np.where(chain.is_site[:, None], start, 0.0) + by_year(chain, system.sources)
        b += share.T @ drawn
        pool = np.linalg.solve(np.eye(len(b)) - (share * system.passed[:, None]).T, b)
        pool[system.circulating] = 0.0
        content = pool * (1.0 - system.passed[:, None])
        content += np.where(chain.is_site[:, None], 0.0, start - drawn)
        found.append((phi[chain.site_count :], start, content))
    return found


@given(seed=SEEDS, make=st.sampled_from([waiting, network]))
@settings(max_examples=15)
def test_the_pass_by_year_is_that_of_dense_months(seed: int, make: Make) -> None:
    chain = chain_of(make(seed))
    operators, passed = prepared(chain)
    plain = plain_year_pass(chain)
    for month, (tables, truth) in enumerate(zip(zip(*passed, strict=True), plain, strict=True)):
        for table, expected in zip(tables, truth, strict=True):
            assert np.allclose(table.dense(), expected, atol=1e-5), month
    for before in range(1, len(chain.months) + 1):
        gone_on = year_pass(operators, passed, before)
        for tables, others in zip(gone_on, passed, strict=True):
            for table, other in zip(tables, others, strict=True):
                assert np.allclose(table.dense(), other.dense(), atol=1e-5)


@pytest.mark.parametrize("lens", [None, open_lens])
@given(seed=SEEDS, make=st.sampled_from([waiting, network]))
@settings(max_examples=10)
def test_a_sweep_gives_what_the_adjoint_gives(seed: int, make: Make, lens: Lens | None) -> None:
    """Columns with and without history, of stock, that end at different months."""
    chain = chain_of(make(seed))
    operators, passed = prepared(chain)
    last = len(chain.months) - 1
    somewhere = np.arange(len(chain.places)) % 3 > 0
    columns = [
        Column(1, last),
        Column(1, last - 1, history=False, stock=np.ones(len(chain.places), bool)),
        Column(0, 1, stock=somewhere),
        Column(last, last, history=False, stock=somewhere),
    ]

    def hits(number: int, system: MonthSystem) -> Hits:
        moves = np.arange(len(system.moves.kg))
        return Hits(moves, moves % len(columns))

    found = sweep(operators, passed, columns, hits, lens=lens).kg
    expected = adjoint(operators, passed, columns, hits, lens=lens).kg
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-5)
    assert expected.any()


def test_refused_parts_may_wait_over_several_months() -> None:
    """The ledgers above hold what the contraction is about: ways of queues over many months."""
    chain = chain_of(waiting(3))
    unrolled = Operators(chain).unrolled()
    assert unrolled.depth > 4
    assert unrolled.books.n_queues > len(unrolled.books.kept) > 0
