"""The planning line of the overview: verified rate, targets by status, paper reuse, 以用定产."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from wasteflow.web.formats import kg_of
from wasteflow.web.pages.explained import report_of
from wasteflow.web.pages.explorer import gap_rows
from wasteflow.web.pages.planning import consumption_of, quota_sums
from wasteflow.web.pages.rates import Rate
from wasteflow.web.pages.target_board import STATUSES, board_of, is_red
from wasteflow.web.pages.view import View

GAPS = 3


class Strip(Struct, frozen=True):
    """What stands beside the declared headline figures."""

    verified: Rate
    declared: Rate
    cumulative: float | None
    counts: dict[str, int]
    red: int
    gaps: tuple[dict[str, Any], ...]
    gap_kg: int | None
    quota: dict[str, Any]

    @property
    def judged(self) -> int:
        """How many targets have a status."""
        return sum(self.counts.values())


def strip(view: View) -> Strip:
    """Read it once for a view."""
    totals = {
        basis: report_of(view, "official", basis, "")["total"] for basis in ("declared", "verified")
    }
    boards, _ = board_of(view)
    used = {basis: kg_of(total["utilised_t"]) for basis, total in totals.items()}
    gap = None
    if used["declared"] is not None and used["verified"] is not None:
        gap = used["declared"] - used["verified"]
    rates = {
        basis: Rate("official", total["value"], total["not_computable"])
        for basis, total in totals.items()
    }
    return Strip(
        rates["verified"],
        rates["declared"],
        totals["verified"].get("cumulative_verified"),
        {kind: sum(item.kind == kind for item in boards) for kind in STATUSES},
        sum(is_red(item) for item in boards),
        tuple(gap_rows(view)[:GAPS]),
        gap,
        quota_sums(consumption_of(view)),
    )
