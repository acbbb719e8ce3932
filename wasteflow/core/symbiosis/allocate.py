"""The cheapest allocation: as many tonnes as can be served, and those at the least cost.

    max  sum x_a,  then  min  sum c_a x_a
    sum over arcs of a supply   <= its kilograms
    sum over arcs of a demand   <= its free kilograms
    sum over arcs of a filing   <= what is left of its quota

One linear programme (HiGHS, through scipy) with the tonnes weighted above any cost; without quotas
its matrix is that of a bipartite network, so vertices are whole kilograms.  At most k partners of a
producer, k links in all, or a smallest contract, make it two mixed-integer programmes: the most
tonnes, then the least cost of so many.  Nobody takes the solver's word: `verify` checks the answer
with integers alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from wasteflow.core.symbiosis.links import Problem

TOLERANCE_KG: Final = 1e-3
"""A vertex is a whole number but for rounding of the solver."""
GAP: Final = 1e-6
SLACK: Final = 1e-9
SLACK_KG: Final = 1e-4
"""By how much less the cheapest answer may carry: what the solver itself takes for nothing."""


class Side(Struct, frozen=True):
    """Side constraints; None = none.

    max_partners: receivers of a producer; max_links: links in all; most_kg: kilograms in all.
    """

    max_partners: int | None = None
    min_contract_kg: int | None = None
    max_links: int | None = None
    most_kg: int | None = None

    @property
    def any(self) -> bool:
        """True if there is one that needs whole decisions."""
        return (self.max_partners, self.min_contract_kg, self.max_links) != (None, None, None)


NO_SIDE: Final = Side()


class Allocation(Struct, frozen=True):
    """Kilograms on every arc of the problem, and what is left unserved of every supply.

    optimal: False if the solver stopped before it could prove it (side constraints only).
    """

    kg: tuple[int, ...]
    unserved_kg: tuple[int, ...]
    optimal: bool = True
    reasons: Mapping[int, str] = field(default_factory=dict)


class NotSolved(RuntimeError):
    """The solver gave no answer; the message is its own."""


def allocate(problem: Problem, side: Side = NO_SIDE) -> Allocation:
    """The allocation; raises NotSolved."""
    if not problem.arcs:
        return _allocation(problem, np.zeros(0, np.int64), True)
    rows = _Rows(problem, side)
    found, optimal = rows.solve_mixed(side) if side.any else (rows.solve(), True)
    return _allocation(problem, rows.whole(found), optimal)


def _allocation(problem: Problem, kg: NDArray[np.int64], optimal: bool) -> Allocation:
    left = np.array([supply.kg for supply in problem.supplies], dtype=np.int64)
    np.subtract.at(left, [arc.supply for arc in problem.arcs], kg)
    return Allocation(
        tuple(kg.tolist()), tuple(left.tolist()), optimal, _reasons(problem, left.tolist())
    )


def _reasons(problem: Problem, left: Sequence[int]) -> dict[int, str]:
    """Why a supply is not served whole: its obstacle, or that others took the capacity."""
    return {
        number: problem.obstacles[number].reason
        if number in problem.obstacles
        else "capacity_taken"
        for number, kg in enumerate(left)
        if kg
    }


class _Rows:
    """The constraint matrix of a problem: supplies, demands, filings with a quota."""

    def __init__(self, problem: Problem, side: Side) -> None:
        from scipy import sparse

        arcs, quotas = problem.arcs, sorted(problem.quotas)
        at = {code: number for number, code in enumerate(quotas)}
        first = len(problem.supplies)
        second = first + len(problem.demands)
        lines, columns = [], []
        for number, arc in enumerate(arcs):
            lines += [arc.supply, first + arc.demand]
            columns += [number, number]
            if arc.filing in at:
                lines.append(second + at[arc.filing])
                columns.append(number)
        total = [] if side.most_kg is None else [side.most_kg]
        lines += [second + len(quotas)] * len(arcs) if total else []
        columns += range(len(arcs)) if total else []
        shape = second + len(quotas) + len(total), len(arcs)
        self.matrix = sparse.csr_array((np.ones(len(lines)), (lines, columns)), shape=shape)
        self.limit = np.array(
            [s.kg for s in problem.supplies]
            + [d.kg for d in problem.demands]
            + [problem.quotas[code] for code in quotas]
            + total,
            dtype=np.int64,
        )
        cost = np.array([arc.cost.net_fen for arc in arcs], dtype=np.float64)
        # Served tonnes before money: no chain of exchanges costs as much as one more kilogram.
        span = float(np.ptp(cost)) if len(cost) else 0.0
        worth = span * min(first, len(problem.demands)) + float(np.abs(cost).max()) + 1.0
        self.objective = cost - worth
        self._cost = cost
        self._problem = problem

    def solve(self) -> NDArray[np.float64]:
        """Kilograms per arc of the linear programme."""
        from scipy.optimize import linprog

        scale = float(max(self.limit.max(), 1))
        result = linprog(
            self.objective / np.abs(self.objective).max(),
            A_ub=self.matrix,
            b_ub=self.limit.astype(np.float64),
            bounds=(0, scale),
            method="highs-ds",
        )
        if result.x is None:
            raise NotSolved(str(result.message))
        return np.asarray(result.x, dtype=np.float64)

    def solve_mixed(self, side: Side) -> tuple[NDArray[np.float64], bool]:
        """Kilograms per arc with side constraints, and whether that is proved to be best."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp

        arcs = self._problem.arcs
        count = len(arcs)
        most = np.array(
            [
                min(self._problem.supplies[a.supply].kg, self._problem.demands[a.demand].kg)
                for a in arcs
            ],
            dtype=np.float64,
        )
        least = float(side.min_contract_kg or 0)
        open_ = most >= max(least, 1.0)
        eye = sparse.eye_array(count, format="csr")
        whole: Any = sparse.csr_array
        rows = [
            LinearConstraint(sparse.hstack([self.matrix, whole(self.matrix.shape)]), ub=self.limit),
            LinearConstraint(sparse.hstack([eye, sparse.diags_array(-most)]), ub=0.0),
        ]
        if least:
            rows.append(LinearConstraint(sparse.hstack([eye, -least * eye]), lb=0.0))
        if side.max_partners is not None:
            of = whole(
                (np.ones(count), ([arc.supply for arc in arcs], range(count))),
                shape=(len(self._problem.supplies), count),
            )
            none = whole((len(self._problem.supplies), count))
            rows.append(LinearConstraint(sparse.hstack([none, of]), ub=side.max_partners))
        if side.max_links is not None:
            ones = whole(np.concatenate([np.zeros(count), np.ones(count)])[np.newaxis, :])
            rows.append(LinearConstraint(ones, ub=side.max_links))
        bounds = Bounds(0.0, np.concatenate([np.where(open_, most, 0.0), open_.astype(float)]))
        whole_decisions = np.concatenate([np.zeros(count), np.ones(count)])

        def solved(objective: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
            scale = float(np.abs(objective).max()) or 1.0
            result = milp(
                np.concatenate([objective / scale, np.zeros(count)]),
                constraints=rows,
                bounds=bounds,
                integrality=whole_decisions,
                options={"mip_rel_gap": GAP, "time_limit": 10.0},
            )
            if result.x is None:
                raise NotSolved(str(result.message))
            # To the solver a millionth is no link; on a large one that is a kilogram or two.
            made = result.x[count:] > 0.5
            return np.where(made, result.x[:count], 0.0), bool(result.status == 0)

        # A whole set of links may be dearer for one tonne more: no weight tells them apart.
        kg, most_proved = solved(np.full(count, -1.0))
        every = whole(np.concatenate([np.ones(count), np.zeros(count)])[np.newaxis, :])
        rows.append(LinearConstraint(every, lb=float(kg.sum()) * (1 - SLACK) - SLACK_KG))
        cheapest, proved = solved(self._cost)
        return cheapest, most_proved and proved

    def whole(self, found: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole kilograms: rounded where the solver meant a whole number, else rounded down.

        Rounding down keeps every limit, since each is an upper one.
        """
        found = np.maximum(found, 0.0)
        near = np.floor(found + TOLERANCE_KG).astype(np.int64)
        if (self.matrix @ near <= self.limit).all():
            return near
        return np.floor(found).astype(np.int64)
