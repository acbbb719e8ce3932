"""Which sums of several tables may be published together without telling of a firm; pure.

`core.suppression` looks at one table with a total.  A bulletin prints the same tonnes by waste and
by industry, and an area may lie inside another that prints its own: a sum and the difference of two
sums are both known then.  Here every sum is a set of atoms (firm, material), and a firm is told of
if some combination of the published sums, added or subtracted, consists of its atoms alone, or of
those of so few firms that each could work out the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Generic, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.later import linalg
from wasteflow.core.suppression import LEAST, LEAST_OTHERS, few

Atom = tuple[str, str]
"""(firm, material)."""
Atoms = frozenset[Atom]
K = TypeVar("K", bound=Hashable)
_TINY: Final = 1e-9


def firms_of(atoms: Iterable[Atom]) -> frozenset[str]:
    """The firms behind a sum."""
    return frozenset(firm for firm, _ in atoms)


class Area(Struct, Generic[K], frozen=True):
    """What is asked for of one area: its firms, its sums seen in several ways, and their sizes.

    views: key → the sums of that key that are told together if the key is (a quarter's, a year's).
    A key is told in every view or in none; an area with fewer views looks the same in the others.
    """

    firms: frozenset[str]
    views: tuple[Mapping[K, Sequence[Atoms]], ...]
    sizes: Mapping[K, int]


def hidden_through(
    areas: Sequence[Area[K]], own: frozenset[str] = frozenset()
) -> list[frozenset[K]]:
    """Keys to hide of each area, in the order in which they are decided upon.

    An area is judged beside what is told of those before it that share firms with it, directly or
    through others: what two areas without a common firm tell cannot be combined.  own: firms whose
    figures the reader knows anyway.  A sum of nothing is shown: it tells nothing.

    Three steelworks and a foundry make slag: beside all slag, that of steel would tell of the
    foundry's.

    >>> slag = frozenset((firm, "slag") for firm in "abcd")
    >>> lines = {"slag": (slag,), "steel": (slag - {("d", "slag")},)}
    >>> hidden_through([Area(firms_of(slag), (lines,), {"slag": 40, "steel": 30})])
    [frozenset({'steel'})]
    """
    told: list[tuple[frozenset[str], list[list[Atoms]]]] = []
    verdicts = []
    most = max((len(area.views) for area in areas), default=0)
    for given in areas:
        views = (*given.views, *given.views[-1:] * (most - len(given.views)))
        area = Area(given.firms, views, given.sizes)
        beside = _connected(area.firms, told)
        published = [
            [sums for place in beside for sums in told[place][1][view]] for view in range(most)
        ]
        hidden = _hidden_of(area, published, own)
        verdicts.append(hidden)
        shown = [
            [atoms for key, sums in view.items() if key not in hidden for atoms in sums if atoms]
            for view in area.views
        ]
        told.append((area.firms, shown))
    return verdicts


def _connected(
    firms: frozenset[str], told: Sequence[tuple[frozenset[str], list[list[Atoms]]]]
) -> list[int]:
    reached, waiting = set(firms), list(range(len(told)))
    while more := [place for place in waiting if not reached.isdisjoint(told[place][0])]:
        reached.update(*(told[place][0] for place in more))
        waiting = [place for place in waiting if place not in more]
    return [place for place in range(len(told)) if place not in waiting]


def _hidden_of(
    area: Area[K], published: Sequence[Sequence[Atoms]], own: frozenset[str]
) -> frozenset[K]:
    hidden = {
        key
        for view in area.views
        for key, sums in view.items()
        if any(few(firms_of(atoms), own) for atoms in sums)
    }
    known = [frozenset(sums) for sums in published]
    keys = {key for view in area.views for key in view} - hidden
    # a sum that stands elsewhere already can be given up for nothing
    given = {key for key in keys if _stands(area, key, known)}
    shown = sorted(
        keys - given, key=lambda key: (area.sizes.get(key, 0), _width(area, key), str(key))
    )

    def telling(view: int) -> bool:
        sums = {atoms for key in shown for atoms in area.views[view].get(key, ()) if atoms}
        sums -= known[view]
        return bool(sums) and tells([*known[view], *sorted(sums, key=sorted)], own)

    gone: list[K] = []
    for view, cells in enumerate(area.views):
        while telling(view):  # the smallest goes, until what is left tells nothing
            smallest = next(key for key in shown if any(cells.get(key, ())))
            shown.remove(smallest)
            gone.append(smallest)
    for key in gone[-2::-1]:  # what went before the one that mattered comes back
        shown.append(key)
        if any(map(telling, range(len(area.views)))):
            shown.remove(key)
            hidden.add(key)
    return frozenset(hidden | set(gone[-1:]))


def _stands(area: Area[K], key: K, known: Sequence[frozenset[Atoms]]) -> bool:
    return all(
        not atoms or atoms in sums
        for view, sums in zip(area.views, known, strict=True)
        for atoms in view.get(key, ())
    )


def _width(area: Area[K], key: K) -> int:
    return sum(len(atoms) for view in area.views for atoms in view.get(key, ()))


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
    basis, triangle, _ = linalg.qr(table, pivoting=True)
    rank = int((np.abs(np.diagonal(triangle)) > _TINY).sum())
    null: NDArray[np.float64] = basis[:, rank:].T
    return null
