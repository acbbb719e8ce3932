"""Stocks of a scenario year by year, never drawn below zero; pure.

    growth           = what the stock grew by in the base period, in proportion to generation
    shortfall        = what of a draw-down (growth < 0) the stock at the start of the year lacks
    use of old stock = less by the shortfall of its producer, link by link in proportion; then what
                       of the old stock was disposed of
    end              = start + growth + shortfall + what found no place - what was put to use of it

Without it a heap of 100 t drawn down by 60 t a year would stand at -20 t after two years, and the
rate would count gypsum that no longer exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from msgspec.structs import replace

from wasteflow.core.formulas import Terms
from wasteflow.core.scenarios.columns import scaled
from wasteflow.core.symbiosis.today import Owner, Today

ONE = Fraction(1)
Scale = Mapping[Owner, Fraction]


def shortfalls(today: Today, scale: Scale, before: Mapping[Owner, int]) -> dict[Owner, int]:
    """(holder, material) → kilograms of its draw-down that its stock no longer holds."""
    found = {}
    for owner, (_, grown) in today.stock.items():
        more = scaled(grown, scale.get(owner, ONE))
        lacking = -more - max(0, before.get(owner, 0))
        if more < 0 < lacking:
            found[owner] = lacking
    return found


def older_disposal(terms: Terms, kg: int) -> Terms:
    """Terms with `kg` less of older waste disposed of, as far as any was."""
    prior = min(kg, terms.disposed_prior_kg or 0)
    if not prior or terms.disposed_kg is None or terms.disposed_prior_kg is None:
        return terms
    return replace(
        terms,
        disposed_kg=terms.disposed_kg - prior,
        disposed_prior_kg=terms.disposed_prior_kg - prior,
        split={},
    )


def stocks_at_end(
    today: Today,
    scale: Scale,
    before: Mapping[Owner, int],
    short: Mapping[Owner, int],
    unplaced: Mapping[Owner, int],
    taken: Mapping[Owner, int],
) -> dict[Owner, int]:
    """Stock at the end of the year by holder."""
    ends = dict(before)
    for owner, (_, grown) in today.stock.items():
        more = scaled(grown, scale.get(owner, ONE))
        out = min(taken.get(owner, 0), max(0, more))
        ends[owner] = ends.get(owner, 0) + more + short.get(owner, 0) - out
    for owner, kg in unplaced.items():
        ends[owner] = ends.get(owner, 0) + kg
    return ends
