"""The marks of loads that stand apart from the many that are over (`apart`), told from columns.

Without tables: the process that reads a file makes them ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]
DISPUTED: Final = 16
"""Mark of loads whose weights are disputed; other marks are the number of a state."""
OPEN_PART: Final = 17
"""Mark of loads in force with a refused part that returns and redirects have not taken whole."""
HELD: Final = 18
"""Mark of loads whose mass a firm holds that is neither of their two: it stands as consignor."""
ORDINARY = (STATES.index(LoadState.DRAFT), STATES.index(LoadState.ACCEPTED))
APART: Final = frozenset(STATES) - {STATES[number] for number in ORDINARY}
"""Words of the states whose loads have a mark: all but drafts and accepted loads."""
MARKS = [*(n for n in range(len(STATES)) if n not in ORDINARY), DISPUTED, OPEN_PART, HELD]


def mark_of(state: str) -> int:
    """The mark of a state of `APART`."""
    return STATES.index(state)


class NewMarks(NamedTuple):
    """What new loads leave in both tables: marks with the row of their load, carriers by month."""

    mark: Ints
    row: Ints
    carried: list[tuple[str, int]]


def new_marks(
    state: Sequence[str],
    evidence: Ints,
    refused_kg: Ints,
    received_month: Ints,
    carrier: list[str] | str,
    month: Ints,
) -> NewMarks:
    """Those of loads in columns, not reversed and without children."""
    told = np.flatnonzero((received_month == 0) | (refused_kg > 0))
    words = [state if isinstance(state, str) else state[row] for row in told.tolist()]
    numbers = np.array([STATES.index(word) for word in words], np.int64)
    kept = ~np.isin(numbers, ORDINARY)
    disputed = np.flatnonzero(evidence == int(Evidence.DISPUTED))
    parts = np.flatnonzero(refused_kg > 0)
    rows = [told[kept], disputed, parts]
    marks = [numbers[kept], np.full(len(disputed), DISPUTED), np.full(len(parts), OPEN_PART)]
    carried = [
        (name, key)
        for key in np.unique(month).tolist()
        for name in ([carrier] if isinstance(carrier, str) else _names(carrier, month == key))
        if name
    ]
    return NewMarks(np.concatenate(marks), np.concatenate(rows), carried)


def _names(carrier: list[str], here: NDArray[np.bool_]) -> set[str]:
    return set(carrier) if here.all() else set(compress(carrier, here.tolist()))


def stay_apart(state: Ints, evidence: Ints, refused_kg: Ints) -> NDArray[np.bool_]:
    """Which received loads may have marks: neither accepted whole nor undisputed."""
    found: NDArray[np.bool_] = ~np.isin(state, ORDINARY) | (refused_kg > 0)
    found |= evidence == int(Evidence.DISPUTED)
    return found
