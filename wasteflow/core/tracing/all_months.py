"""Books and rows of all months of a chain at once, from which `months` cuts each; nothing named.

A month alone is so small that calls would take longer than numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import Moves, Sources

_Rows = TypeVar("_Rows", Moves, Sources)


class AllBooks(NamedTuple):
    """Columns of `MonthSystem` for all months: months x places."""

    opening: Ints
    closing: Ints
    debt: Ints
    throughput: Ints
    out: Ints
    draw: Ints
    treated: Ints


@dataclass(frozen=True, slots=True)
class ByMonth(Generic[_Rows]):
    """Rows of all months in order of month; `month`: the position of that of each row."""

    month: Ints
    rows: _Rows

    def cuts(self, months: int) -> list[int]:
        """Where the rows of each month start, and where all end."""
        found: list[int] = np.searchsorted(self.month, np.arange(months + 1)).tolist()
        return found

    def of(self, some: slice) -> _Rows:
        """Some of the rows."""
        kind: type[Any] = type(self.rows)
        found: _Rows = kind(*(column[some] for column in self.rows))
        return found


def behind(parts: ByMonth[_Rows], month: Ints, added: _Rows) -> ByMonth[_Rows]:
    """The rows with others behind those of their month."""
    if not len(month):
        return parts
    at = np.searchsorted(parts.month, month, side="right")
    pairs = zip(parts.rows, added, strict=True)
    rows = type(added)(*(np.insert(column, at, more) for column, more in pairs))
    return ByMonth(np.insert(parts.month, at, month), rows)


def reached_from_sources(
    books: AllBooks, passed: Floats, moves: ByMonth[Moves], sources: ByMonth[Sources], is_site: Mask
) -> Mask:
    """Places a source can reach along pool shares (rule C): the others have no composition.

    Sources: opening of a site, what came in, holes, and the receivers of a queue's draw.
    """
    found = is_site & (books.opening > 0)
    reached = found.reshape(-1)
    reached[sources.month * len(is_site) + sources.rows.place] = True
    inner = np.flatnonzero(moves.rows.target >= 0)
    first = moves.month[inner] * len(is_site)
    source, target = first + moves.rows.source[inner], first + moves.rows.target[inner]
    reached[target[books.draw.reshape(-1)[source] > 0]] = True
    carries = np.flatnonzero(~reached[target] & (passed.reshape(-1)[source] > 0))
    _spread(reached, source[carries], target[carries])
    return found


def _spread(reached: Mask, source: Ints, target: Ints) -> None:
    """Add to `reached` all that follow from them along arcs."""
    while True:
        left = ~reached[target]
        source, target = source[left], target[left]
        next_ones = target[reached[source]]
        if not len(next_ones):
            return
        reached[next_ones] = True
