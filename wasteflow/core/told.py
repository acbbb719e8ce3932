"""Which sums of a calendar year are told to people who may not see the firms behind them; pure.

The rule (4-contract 4.5; 统计法 article 25: nothing that identifies a single respondent):

1. Sums are told for whole calendar quarters that are over, and for runs of them within one year.
2. A line (a waste, an industry, all together) of an area is told for all of a year or not at all.
3. It is told if at least three firms or none stand behind it in every quarter, and if no adding and
   subtracting of told lines, of this area and of every area that shares firms with it and is not
   larger, speaks of fewer than three firms, in any quarter or over the year.

Why subtracting periods then finds nothing: every told figure adds up quarters of one line, and the
same lines are told in each of them, so a combination of figures falls into one combination of
lines for each quarter, and rule 3 holds for every one.  A firm whose ledger starts within the year
stands behind later periods only; a line that counts it and the same line of a longer period that
does not are judged like two lines.  The verdict does not depend on who asks, for which area first,
or how often.

What it does not protect: against two firms that put their own figures together; against a large
firm among small ones (no rule of dominance); against who compares the same figure before and after
a late correction; against readers who know a firm's figures from elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from wasteflow.core.bulletin import AMOUNTS, LEADING, TOTAL, amount_kg
from wasteflow.core.disclosure import Area, Atom, Atoms, hidden_through
from wasteflow.core.periods import Period, next_month
from wasteflow.core.rates import FirmTerms
from wasteflow.core.reach import ALL
from wasteflow.core.registry import Registry

Key = tuple[str, str]
"""(table, line): ("material", "red_mud"), ("industry", "C2619"), ("total", "total")."""
REST: Final = AMOUNTS[len(LEADING) :]
Views = tuple[Mapping[Key, Sequence[Atoms]], ...]
_ANY: Final = "any"
_QUARTER: Final = 3
_WEIGHT: Final[Mapping[str, int]] = {"industry": 0, "material": 10**18, TOTAL: 10**19}
"""What to give up first: industries before wastes, the total last; then the smallest."""


class Hidden(Struct, frozen=True):
    """Lines of an area in a year that are not told; and those told in their main amounts only."""

    lines: frozenset[Key] = frozenset()
    rest: frozenset[Key] = frozenset()


def told_period(period: Period, running: int) -> Period | None:
    """The whole quarters of a period that are over, of its last year; None if there are none.

    running: the month that is not over yet (yyyymm).

    >>> told_period(Period.parse("2026-01..2026-11"), 202611).text
    '2026-01..2026-09'
    >>> told_period(Period.parse("2026-02"), 202611) is None
    True
    """
    last = min(period.last, next_month(running, -1))
    last = next_month(last, -(last % 100 % _QUARTER))
    first = max(period.first, last // 100 * 100 + 1)
    first = next_month(first, -(first % 100 - 1) % _QUARTER)
    return Period.of(first, last) if first <= last else None


def quarters_of(year: int, running: int) -> list[Period]:
    """The quarters of a year that are over: what its verdict is made from."""
    quarters = [Period.parse(f"{year}Q{number}") for number in (1, 2, 3, 4)]
    return [quarter for quarter in quarters if quarter.last < running]


def areas_before(scope: str, registry: Registry) -> list[str]:
    """Areas that share firms with a scope, directly or through others, none larger; it is the last.

    They are in one order for everybody (fewest firms first).  Of areas with the same firms, one
    stands for all.  Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    firms = registry.in_scope(scope)
    if not firms:
        return [scope]
    places = [*(f"park:{code}" for code in registry.parks)]
    places += [*(f"region:{code}" for code in registry.regions), ALL]
    ordered: dict[frozenset[str], str] = {}
    for place in sorted(places, key=lambda place: (len(registry.in_scope(place)), place)):
        inside = registry.in_scope(place)
        if inside and inside != firms and (len(inside), place) < (len(firms), scope):
            ordered.setdefault(inside, place)
    reached, waiting = set(firms), list(ordered)
    found: set[frozenset[str]] = set()
    while more := [inside for inside in waiting if not reached.isdisjoint(inside)]:
        found.update(more)
        reached.update(*more)
        waiting = [inside for inside in waiting if inside not in found]
    return [*(place for inside, place in ordered.items() if inside in found), scope]


class Year:
    """What every generator did in the quarters of a year that are over; asked by area."""

    def __init__(
        self, quarters: Sequence[Period], items: Iterable[FirmTerms], registry: Registry
    ) -> None:
        """items: terms on the declared basis for each of the quarters; products are left out."""
        self._registry = registry
        self._quarters = quarters
        self._active: dict[tuple[str, str], set[Atom]] = defaultdict(set)
        self._generated: dict[tuple[str, Atom], int] = {}
        self._counted_from: dict[Atom, int] = {}
        self._safe: list[tuple[frozenset[str], list[Views]]] = []  # looked at, nothing to hide
        for item in items:
            if registry.materials[item.material].is_waste:
                self._add(item)

    def _add(self, item: FirmTerms) -> None:
        atom = item.enterprise, item.material
        if item.late:
            self._counted_from[atom] = max(item.late, self._counted_from.get(atom, 0))
            return
        known = [name for name in AMOUNTS if amount_kg(item.terms, name) != 0]
        for name in (*known, _ANY) if known else ():
            self._active[name, item.period].add(atom)
        self._generated[item.period, atom] = item.terms.generated_kg

    @property
    def mark(self) -> str:
        """Digest of all the verdict depends on but the registry: equal ones, equal verdicts."""
        active = sorted((key, sorted(atoms)) for key, atoms in self._active.items())
        parts = active, sorted(self._generated.items()), sorted(self._counted_from.items())
        return sha256(repr(parts).encode()).hexdigest()

    def hidden(self, areas: Sequence[str], own: frozenset[str] = frozenset()) -> list[Hidden]:
        """The verdict of each of `areas_before` some scope; own: as for somebody who knows them.

        The own firms add to what is hidden, they never take away: the same verdict is the ground
        for everybody.
        """
        gone = self._lines(_ANY, areas, own, [frozenset()] * len(areas))
        rest = gone
        for name in REST:
            rest = self._lines(name, areas, own, rest)
        return [Hidden(*pair) for pair in zip(gone, rest, strict=True)]

    def _lines(
        self,
        name: str,
        areas: Sequence[str],
        own: frozenset[str],
        before: Sequence[frozenset[Key]],
    ) -> list[frozenset[Key]]:
        """Hidden lines by what stands behind one amount, those hidden before among them.

        Quarter after quarter, so that what was hidden once stays so as the year goes on.
        """
        verdict = list(before)
        for known in (frozenset[str](), own)[: 2 if own else 1]:
            for number in range(len(self._quarters)):
                told = [
                    self._area(name, number, self._registry.in_scope(place), hidden)
                    for place, hidden in zip(areas, verdict, strict=True)
                ]
                views = [area.views for area in told]
                if (known, views) in self._safe:
                    continue
                more = hidden_through(told, known)
                verdict = [old | new for old, new in zip(verdict, more, strict=True)]
                if not any(more):
                    self._safe.append((known, views))
        return verdict

    def _area(
        self, name: str, number: int, firms: frozenset[str], hidden: frozenset[Key]
    ) -> Area[Key]:
        """The lines of an area in one quarter, and in the year up to it."""
        over = self._quarters[: number + 1]
        to_date = frozenset[Atom]().union(*(self._active[name, part.text] for part in over))
        cells = self._cells(to_date, firms, hidden)
        layers = {key: self._layers(atoms, over) for key, atoms in cells.items()}
        quarter = self._cells(self._active[name, over[-1].text], firms, hidden)
        sizes = {
            key: _WEIGHT[key[0]]
            + sum(self._generated.get((part.text, atom), 0) for part in over for atom in atoms)
            for key, atoms in cells.items()
        }
        alone = {key: self._layers(atoms, over) for key, atoms in quarter.items()}
        return Area(firms, (alone,) if alone == layers else (alone, layers), sizes)

    def _layers(self, atoms: Atoms, over: Sequence[Period]) -> tuple[Atoms, ...]:
        """What a line counts of a firm's doings in a period from each of the quarters on.

        A firm whose ledger starts within the period is left out of all of it.
        """
        starts = [frozenset(self._counted(atoms, part.first)) for part in over]
        return tuple(dict.fromkeys(starts))

    def _counted(self, atoms: Atoms, first: int) -> Iterator[Atom]:
        return (atom for atom in atoms if self._counted_from.get(atom, 0) <= first)

    def _cells(
        self, atoms: Iterable[Atom], firms: frozenset[str], hidden: frozenset[Key]
    ) -> dict[Key, Atoms]:
        cells: dict[Key, set[Atom]] = defaultdict(set)
        for atom in atoms:
            if atom[0] in firms:
                industry = self._registry.enterprises[atom[0]].industry
                for key in (("material", atom[1]), ("industry", industry), (TOTAL, TOTAL)):
                    cells[key].add(atom)
        return {key: frozenset(found) for key, found in cells.items() if key not in hidden}
