"""Which sums of several tables may be published together without telling of a firm; pure.

`core.suppression` looks at one table with a total.  A bulletin prints the same tonnes by waste and
by industry, and an area may lie inside another that prints its own: a sum and the difference of two
sums are both known then.  Here every sum is a set of atoms (firm, material), and a firm is told of
if some combination of the published sums, added or subtracted, consists of its atoms alone, or of
those of so few firms that each could work out the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from wasteflow.core.suppression import LEAST, LEAST_OTHERS, few

Atom = tuple[str, str]
"""(firm, material)."""
Atoms = frozenset[Atom]
K = TypeVar("K", bound=Hashable)
_TINY: Final = 1e-9


def firms_of(atoms: Iterable[Atom]) -> frozenset[str]:
    """The firms behind a sum."""
    return frozenset(firm for firm, _ in atoms)


def hidden_sums(
    areas: Sequence[Mapping[K, Atoms]],
    own: frozenset[str] = frozenset(),
    sizes: Mapping[K, int] | None = None,
) -> frozenset[K]:
    """Keys to hide of the last area, whose narrower ones (first) are published by the same rule.

    own: firms whose figures the reader knows anyway; sizes: what to give up first (smallest).
    A sum of nothing is shown: it tells nothing.

    Three steelworks and a foundry make slag: beside all slag, that of steel would tell of the
    foundry's.

    >>> slag = frozenset((firm, "slag") for firm in "abcd")
    >>> sorted(hidden_sums([{"slag": slag, "steel": slag - {("d", "slag")}}]))
    ['steel']
    """
    weigh = sizes or {}
    published: list[Atoms] = []
    hidden: set[K] = set()
    for cells in areas:
        hidden = {key for key, atoms in cells.items() if few(firms_of(atoms), own)}
        shown = {key: atoms for key, atoms in cells.items() if atoms and key not in hidden}
        while shown and tells([*published, *shown.values()], own):
            # the smallest goes, until what is left tells nothing
            gone = min(shown, key=lambda key: (weigh.get(key, 0), len(shown[key]), str(key)))
            hidden.add(gone)
            del shown[gone]
        published += shown.values()
    return frozenset(hidden)


def tells(sums: Sequence[Atoms], own: frozenset[str] = frozenset()) -> bool:
    """Whether sums and differences of the sums speak of fewer firms than may be spoken of.

    That is one or two firms, for a reader who knows a firm's own figures one other.  Exact: the
    space spanned by the sums is cut down to what vanishes on every group of atoms that many firms
    share; a vector of the rest that stands on the atoms of too few firms tells of them.

    >>> wide, narrow = [frozenset((firm, "") for firm in firms) for firms in ("abcd", "abc")]
    >>> tells([wide]), tells([wide, narrow])
    (False, True)
    """
    groups = _groups(sums, own)
    most = LEAST_OTHERS - 1 if own else LEAST - 1
    small = [(pattern, firms) for pattern, firms in groups.items() if len(firms) <= most]
    large = [pattern for pattern, firms in groups.items() if len(firms) > most]
    if not small:
        return False
    rows = _columns([pattern for pattern, _ in small], len(sums))
    left = _left_null(_columns(large, len(sums))) @ rows
    alive = np.flatnonzero(np.abs(left).max(axis=0, initial=0.0) > _TINY)
    if not len(alive):
        return False
    behind = [small[place][1] for place in alive.tolist()]
    onto = _projection(left[:, alive])
    for few_firms in _candidates(onto, behind, most):
        mine = [place for place, firms in enumerate(behind) if firms <= few_firms]
        # a vector of the space stands on these columns alone if it loses nothing off them
        if mine and np.linalg.eigvalsh(onto[np.ix_(mine, mine)])[-1] > 1 - _TINY:
            return True
    return False


def _groups(sums: Sequence[Atoms], own: frozenset[str]) -> dict[tuple[int, ...], frozenset[str]]:
    """Which sums hold an atom → the firms with such atoms, without the reader's own."""
    where: dict[Atom, list[int]] = {}
    for place, atoms in enumerate(sums):
        for atom in atoms:
            if atom[0] not in own:
                where.setdefault(atom, []).append(place)
    found: dict[tuple[int, ...], set[str]] = {}
    for (firm, _), places in where.items():
        found.setdefault(tuple(places), set()).add(firm)
    return {pattern: frozenset(firms) for pattern, firms in sorted(found.items())}


def _projection(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The projection onto the space that the rows span."""
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    kept = basis[values > _TINY]
    onto: NDArray[np.float64] = kept.T @ kept
    return onto


def _candidates(
    onto: NDArray[np.float64], behind: Sequence[frozenset[str]], most: int
) -> Iterator[frozenset[str]]:
    """Every single firm; every two whose columns have to do with each other.

    Columns that do not are told of together only where one of the firms is told of alone.
    """
    columns: dict[str, list[int]] = {}
    for place, firms in enumerate(behind):
        for firm in firms:
            columns.setdefault(firm, []).append(place)
    names = sorted(columns)
    yield from (frozenset({name}) for name in names)
    if most == 1:
        return
    holds = np.zeros((len(names), len(behind)))
    for row, name in enumerate(names):
        holds[row, columns[name]] = 1.0
    together = holds @ (np.abs(onto) > _TINY) @ holds.T
    for first, second in np.argwhere(np.triu(together, 1) > 0).tolist():
        yield frozenset({names[first], names[second]})


def _columns(patterns: Sequence[tuple[int, ...]], height: int) -> NDArray[np.float64]:
    table = np.zeros((height, len(patterns)))
    for column, pattern in enumerate(patterns):
        table[list(pattern), column] = 1.0
    return table


def _left_null(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Combinations of rows that vanish in every column."""
    if not table.shape[1]:
        return np.eye(table.shape[0])
    left, values, _ = np.linalg.svd(table)
    rank = int((values > _TINY).sum())
    null: NDArray[np.float64] = left[:, rank:].T
    return null
