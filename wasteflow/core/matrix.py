"""Who sends to whom: the largest senders and receivers in a square, the rest as one; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

OTHER: Final = "*"
"""The code of everybody who has no row or column of their own."""


class Matrix(Struct, frozen=True):
    """Kilograms by (sender, receiver); `rows` and `columns` in order, OTHER last where needed.

    The cells add up to `rows_kg`, `columns_kg` and `total_kg`; no link is left out.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], int]
    rows_kg: dict[str, int]
    columns_kg: dict[str, int]
    total_kg: int

    @property
    def largest_kg(self) -> int:
        """The largest cell, 0 in an empty matrix."""
        return max(self.cells.values(), default=0)


def matrix_of(links: Iterable[tuple[str, str, int]], most: int) -> Matrix:
    """The matrix of (sender, receiver, kg) with at most `most` rows and columns beside OTHER.

    >>> found = matrix_of([("a", "b", 5), ("a", "c", 1), ("b", "b", 2)], 1)
    >>> found.rows, found.columns, found.cells[("a", "*")], found.total_kg
    (('a', '*'), ('b', '*'), 1, 8)
    """
    known = list(links)
    rows, columns = _largest(known, 0, most), _largest(known, 1, most)
    cells: dict[tuple[str, str], int] = defaultdict(int)
    rows_kg: dict[str, int] = defaultdict(int)
    columns_kg: dict[str, int] = defaultdict(int)
    for source, target, kg in known:
        row = source if source in rows else OTHER
        column = target if target in columns else OTHER
        cells[row, column] += kg
        rows_kg[row] += kg
        columns_kg[column] += kg
    return Matrix(
        (*rows, *([OTHER] if OTHER in rows_kg else [])),
        (*columns, *([OTHER] if OTHER in columns_kg else [])),
        dict(cells),
        dict(rows_kg),
        dict(columns_kg),
        sum(rows_kg.values()),
    )


def _largest(links: list[tuple[str, str, int]], end: int, most: int) -> tuple[str, ...]:
    """Ends of the links by their sum, the largest first; equal ones by code."""
    sums: dict[str, int] = defaultdict(int)
    for link in links:
        sums[str(link[end])] += link[2]
    return tuple(sorted(sums, key=lambda code: (-sums[code], code))[:most])
