"""Use links of a starting point as columns, and exact whole-number arithmetic on them; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.columns import Ints
from wasteflow.core.symbiosis.dependence import half_even
from wasteflow.core.symbiosis.today import Owner, Today, UseLink

_SURE: Final = 1e12
"""Below it a product or quotient in double precision is off by less than `_NEAR`."""
_NEAR: Final = 1e-2


class LinkColumns(Struct, frozen=True):
    """Links in their order; `owner` and `group` are positions in `owners` (generator, material) and
    `groups` (receiver, material, route), both ascending."""

    links: tuple[UseLink, ...]
    owners: tuple[Owner, ...]
    groups: tuple[tuple[str, str, str], ...]
    owner: Ints
    group: Ints
    kg: Ints
    prior_kg: Ints
    of_group: tuple[Ints, ...]


class KeptLink(NamedTuple):
    """A link in a year: what it would carry, what it carries, the older part of both."""

    link: UseLink
    target_kg: int
    target_prior_kg: int
    kg: int
    prior_kg: int


class KeptLinks(Struct, frozen=True):
    """The links of a year, in the order of the starting point: columns, read as `KeptLink`."""

    columns: LinkColumns
    target_kg: Ints
    target_prior_kg: Ints
    kg: Ints
    prior_kg: Ints

    def __iter__(self) -> Iterator[KeptLink]:
        columns = self.target_kg, self.target_prior_kg, self.kg, self.prior_kg
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for link, amounts in zip(self.columns.links, rows, strict=True):
            yield KeptLink(link, *amounts)

    def displaced(self) -> dict[Owner, tuple[int, int]]:
        """(generator, material) → (kilograms without their place, the older part of them)."""
        lost = np.flatnonzero(self.target_kg > self.kg)
        return self._by_owner(
            lost,
            (self.target_kg - self.kg)[lost],
            (self.target_prior_kg - self.prior_kg)[lost],
        )

    def targets(self) -> dict[Owner, tuple[int, int]]:
        """(generator, material) → (what its links would carry, the older part of it)."""
        return self._by_owner(np.arange(len(self.kg)), self.target_kg, self.target_prior_kg)

    def _by_owner(self, rows: Ints, kg: Ints, prior: Ints) -> dict[Owner, tuple[int, int]]:
        owner = self.columns.owner[rows]
        sums = [np.zeros(len(self.columns.owners), np.int64) for _ in range(2)]
        for total, column in zip(sums, (kg, prior), strict=True):
            np.add.at(total, owner, column)
        whole, older = sums[0].tolist(), sums[1].tolist()
        return {
            self.columns.owners[number]: (whole[number], older[number])
            for number in np.unique(owner).tolist()
        }


def columns_of(today: Today) -> LinkColumns:
    """The links of a starting point, kept with it."""
    found = today.memo.get("link_columns")
    if not isinstance(found, LinkColumns):
        found = today.memo["link_columns"] = _columns(today.links)
    return found


def _columns(links: tuple[UseLink, ...]) -> LinkColumns:
    owners = tuple(sorted({(link.generator, link.material) for link in links}))
    groups = tuple(sorted({(link.receiver, link.material, link.route) for link in links}))
    at_owner = {owner: number for number, owner in enumerate(owners)}
    at_group = {group: number for number, group in enumerate(groups)}
    group = np.array(
        [at_group[link.receiver, link.material, link.route] for link in links], np.int64
    )
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(groups)))
    return LinkColumns(
        links,
        owners,
        groups,
        np.array([at_owner[link.generator, link.material] for link in links], np.int64),
        group,
        np.array([link.kg for link in links], np.int64),
        np.array([link.prior_kg for link in links], np.int64),
        tuple(np.split(order, ends[:-1])) if len(groups) else (),
    )


def scaled(kg: int, factor: Fraction) -> int:
    """`kg` times a factor, half to even."""
    above, below = factor.as_integer_ratio()
    return kg if above == below else half_even(kg * above, below)


def times(kg: Ints, factor: Fraction) -> Ints:
    """A column times a factor, half to even, exact.

    >>> times(np.array([5, 10**15 + 1, 7]), Fraction(1, 2)).tolist()
    [2, 500000000000000, 4]
    """
    above, below = factor.as_integer_ratio()
    if above == below:
        return kg
    near = kg.astype(np.float64) * (above / below)
    return _exact(near, lambda row: half_even(int(kg[row]) * above, below))


def shares(kg: Ints, part: Ints, whole: Ints) -> Ints:
    """kg x part / whole row by row, half to even, exact; 0 where `whole` is 0.

    >>> shares(np.array([50, 1]), np.array([20, 1]), np.array([100, 0])).tolist()
    [10, 0]
    """
    near: NDArray[np.float64] = kg.astype(np.float64) * part / np.where(whole > 0, whole, 1)
    near[whole <= 0] = 0.0

    def one(row: int) -> int:
        return half_even(int(kg[row]) * int(part[row]), int(whole[row])) if whole[row] > 0 else 0

    return _exact(near, one)


def _exact(near: NDArray[np.float64], one: Callable[[int], int]) -> Ints:
    """`near` rounded; rows that double precision cannot decide are worked out by `one`."""
    found = np.rint(near)
    doubtful = (np.abs(np.abs(near - np.floor(near)) - 0.5) < _NEAR) | (np.abs(near) > _SURE)
    whole = found.astype(np.int64)
    for row in np.flatnonzero(doubtful).tolist():
        whole[row] = one(row)
    return whole
