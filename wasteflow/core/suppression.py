"""Which sums may be shown to somebody who may not see the firms behind them (4-contract 4.5); pure.

A cell of fewer than `LEAST` firms is hidden.  What could be found by subtraction is hidden too:
the only hidden cell beside a total, and the difference between two nested areas.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Final, TypeVar

K = TypeVar("K", bound=Hashable)
Firms = frozenset[str]

LEAST: Final = 3
"""Firms a sum must hold."""
LEAST_OTHERS: Final = 2
"""Firms that must be in a sum beside the asker's own, whose figures the asker knows."""
TOTAL: Final = "total"
"""Name of the sum over all cells in a set of hidden ones."""


def few(firms: Firms, own: Firms = frozenset()) -> bool:
    """Whether a sum tells too much about one of its firms; an empty one tells nothing.

    >>> few(frozenset("ab")), few(frozenset("abc")), few(frozenset("abc"), own=frozenset("ab"))
    (True, False, True)
    """
    return bool(firms) and (len(firms) < LEAST or 0 < len(firms - own) < LEAST_OTHERS)


def hidden_cells(
    cells: Mapping[K, Firms], own: Firms = frozenset(), sizes: Mapping[K, int] | None = None
) -> tuple[frozenset[K], bool]:
    """(cells to hide, whether their total must be hidden too) of one table with a total.

    cells: firms behind each cell; own: firms the asker may see; sizes: what to hide first
    (smallest) when another cell must go so that no hidden one is the difference to the total.

    >>> hidden, total = hidden_cells({"slag": frozenset("ab"), "mud": frozenset("abcd")})
    >>> sorted(hidden), total
    (['mud', 'slag'], False)
    """
    weigh = sizes or {}
    everybody = frozenset().union(*cells.values()) if cells else frozenset()
    hidden = {key for key, firms in cells.items() if few(firms, own)}
    order = sorted(
        (key for key, firms in cells.items() if firms and key not in hidden),
        key=lambda key: (weigh.get(key, 0), len(cells[key]), str(key)),
    )
    while hidden and order and _found_by_subtraction(cells, hidden, own):
        hidden.add(order.pop(0))
    exposed = bool(hidden) and _found_by_subtraction(cells, hidden, own)
    return frozenset(hidden), few(everybody, own) or exposed


def _found_by_subtraction(cells: Mapping[K, Firms], hidden: Collection[K], own: Firms) -> bool:
    """Whether the total less what is shown is a hidden cell, or a sum of too few firms."""
    together = frozenset().union(*(cells[key] for key in hidden))
    return len(hidden) == 1 or few(together, own)


def hidden_areas(areas: Sequence[Firms], own: Firms = frozenset()) -> tuple[bool, ...]:
    """Whether to hide each of nested areas, narrowest first, for one kind of cell.

    An area is hidden if it holds too few firms, or if it holds so few more than a narrower one
    that is shown that the difference would tell of them.

    >>> hidden_areas([frozenset("abc"), frozenset("abcd"), frozenset("abcdefg")])
    (False, True, False)
    """
    shown: list[Firms] = []
    verdicts = []
    for firms in areas:
        hide = few(firms, own) or any(
            0 < len(firms - narrower) < LEAST for narrower in shown if narrower <= firms
        )
        verdicts.append(hide)
        if not hide and firms:
            shown.append(firms)
    return tuple(verdicts)
