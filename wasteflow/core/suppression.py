"""How many firms a sum must hold to be shown to people who may not see them (4-contract 4.5); pure.

What sums tell together is `core.disclosure`, over a year and nested areas `core.told`.
"""

from __future__ import annotations

from typing import Final

Firms = frozenset[str]

LEAST: Final = 3
"""Firms a sum must hold."""
LEAST_OTHERS: Final = 2
"""Firms that must be in a sum beside the asker's own, whose figures the asker knows."""


def few(firms: Firms, own: Firms = frozenset()) -> bool:
    """Whether a sum tells too much about one of its firms; an empty one tells nothing.

    >>> few(frozenset("ab")), few(frozenset("abc")), few(frozenset("abc"), own=frozenset("ab"))
    (True, False, True)
    """
    return bool(firms) and (len(firms) < LEAST or 0 < len(firms - own) < LEAST_OTHERS)
