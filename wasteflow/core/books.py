"""The books of a period as reports read them: sums of flows and the stock they start from.

Built from the roll-up alone, so their size depends on links, never on loads.  They are columns
(numbers of places, materials and routes); a flow becomes an object when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from wasteflow.core.columns import Ints, groups_of
from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import HOLDING, Place, PlaceKind
from wasteflow.core.postings import FlowKey
from wasteflow.core.vocabulary import Evidence


class FlowSum(NamedTuple):
    """Kilograms and loads that went from one place to another in a period."""

    source: Place
    target: Place
    material: str
    route: str
    evidence: Evidence
    kg: int
    n: int


Stock = dict[tuple[Place, str], int]
"""(holding place, material) → book kilograms; negative where more went out than came in."""


@dataclass(frozen=True)
class Names:
    """What the numbers of columns stand for; every list in sorted order.

    `memo`: what was derived from these names and may be kept as long as they are.
    """

    places: Sequence[Place]
    materials: Sequence[str]
    routes: Sequence[str]
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def kinds(self) -> Ints:
        """Kind of every place."""
        return np.array([place.kind for place in self.places], dtype=np.int64)

    @cached_property
    def holding(self) -> NDArray[np.bool_]:
        """Which places hold stock."""
        return np.isin(self.kinds, [int(kind) for kind in HOLDING])

    @cached_property
    def ends(self) -> tuple[Ints, Ints]:
        """Numbers that tell the two arguments of every place apart (equal text, equal number)."""
        known: dict[str, int] = {}
        pairs = [
            [known.setdefault(text, len(known)) for text in place[1:]] for place in self.places
        ]
        columns = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2)
        return columns[:, 0], columns[:, 1]


class FlowSums(Sequence[FlowSum]):
    """Flows as columns: numbers of `names`, whole kilograms, loads; rows in order, keys once."""

    def __init__(self, names: Names, key: Sequence[Ints], kg: Ints, n: Ints) -> None:
        """key: source, target, material, route, evidence."""
        self.names = names
        self.source, self.target, self.material, self.route, self.evidence = key
        self.kg, self.n = kg, n

    @classmethod
    def of(cls, flows: Iterable[FlowSum]) -> FlowSums:
        """Columns of flows (in any order, keys may repeat)."""
        if isinstance(flows, FlowSums):
            return flows
        listed = list(flows)
        names = Names(
            sorted({place for flow in listed for place in flow[:2]}),
            sorted({flow.material for flow in listed}),
            sorted({flow.route for flow in listed}),
        )
        place = {item: number for number, item in enumerate(names.places)}
        stuff = {item: number for number, item in enumerate(names.materials)}
        route = {item: number for number, item in enumerate(names.routes)}
        rows = [
            (place[f.source], place[f.target], stuff[f.material], route[f.route], *map(int, f[4:]))
            for f in listed
        ]
        columns = list(np.array(rows, dtype=np.int64).reshape(len(rows), 7).T)
        return summed(names, columns[:5], columns[5], columns[6])

    def only(self, rows: NDArray[np.bool_]) -> FlowSums:
        """Those of the rows."""
        key = self.source, self.target, self.material, self.route, self.evidence
        return FlowSums(self.names, [column[rows] for column in key], self.kg[rows], self.n[rows])

    def of_material(self, code: str) -> FlowSums:
        """Flows of a material ("" = all)."""
        if not code:
            return self
        wanted = [number for number, item in enumerate(self.names.materials) if item == code]
        return self.only(np.isin(self.material, wanted))

    @overload
    def __getitem__(self, index: int) -> FlowSum: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FlowSum]: ...
    def __getitem__(self, index: int | slice) -> FlowSum | Sequence[FlowSum]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        names = self.names
        return FlowSum(
            names.places[self.source[index]],
            names.places[self.target[index]],
            names.materials[self.material[index]],
            names.routes[self.route[index]],
            Evidence(int(self.evidence[index])),
            int(self.kg[index]),
            int(self.n[index]),
        )

    def __iter__(self) -> Iterator[FlowSum]:
        names = self.names
        grades = {int(grade): grade for grade in Evidence}
        columns = self.source, self.target, self.material, self.route, self.evidence
        rows = zip(*(c.tolist() for c in (*columns, self.kg, self.n)), strict=True)
        for source, target, material, route, grade, kg, n in rows:
            yield FlowSum(
                names.places[source],
                names.places[target],
                names.materials[material],
                names.routes[route],
                grades[grade],
                kg,
                n,
            )

    def __len__(self) -> int:
        return len(self.kg)


class StockSums(Mapping[tuple[Place, str], int]):
    """Stock as columns: numbers of `names` and book kilograms, in order, none of them zero."""

    def __init__(self, names: Names, place: Ints, material: Ints, kg: Ints) -> None:
        self.names = names
        self.place, self.material, self.kg = place, material, kg

    @cached_property
    def _by_key(self) -> Stock:
        names = self.names
        rows = zip(self.place.tolist(), self.material.tolist(), self.kg.tolist(), strict=True)
        return {(names.places[place], names.materials[stuff]): kg for place, stuff, kg in rows}

    def __getitem__(self, key: tuple[Place, str]) -> int:
        return self._by_key[key]

    def __iter__(self) -> Iterator[tuple[Place, str]]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self.kg)


@dataclass(frozen=True, slots=True)
class PeriodBooks:
    """Flows of a period and the opening stock of every holding place.

    Opening postings (期初) dated in the first month belong to the opening stock, not to the flows:
    they say what lay there before.  Later ones are flows from the boundary `opening`.
    `negative` lists places whose book was below zero at a month end of the period.
    """

    period: Period
    flows: Sequence[FlowSum]
    opening: Mapping[tuple[Place, str], int]
    negative: frozenset[tuple[Place, str]] = field(default_factory=frozenset)

    def columns(self) -> tuple[FlowSums, StockSums]:
        """Flows and opening stock as columns that share their names."""
        flows, opening = self.flows, self.opening
        if (
            isinstance(flows, FlowSums)
            and isinstance(opening, StockSums)
            and flows.names is opening.names
        ):
            return flows, opening
        return _columns_of(flows, opening)

    def closing(self) -> Stock:
        """Book stock at the end of the period: opening + in - out, zeros left out."""
        return dict(closing_of(*self.columns()))


def closing_of(flows: FlowSums, opening: StockSums) -> StockSums:
    """Stock after the flows; both with the same names."""
    moved = [(opening.place, opening.material, opening.kg)]
    for end, sign in ((flows.target, 1), (flows.source, -1)):
        held = flows.names.holding[end]
        moved.append((end[held], flows.material[held], sign * flows.kg[held]))
    return _stock(flows.names, *(np.concatenate(part) for part in zip(*moved, strict=True)))


def summed(names: Names, key: Sequence[Ints], kg: Ints, n: Ints) -> FlowSums:
    """Rows with equal keys (source, target, material, route, evidence) added up, in order."""
    groups = groups_of(key)
    return FlowSums(
        names, [column[groups.first] for column in key], groups.sums(kg), groups.sums(n)
    )


def _stock(names: Names, place: Ints, material: Ints, kg: Ints) -> StockSums:
    """Kilograms per place and material, zeros left out."""
    groups = groups_of([place, material])
    total = groups.sums(kg)
    first = groups.first[total != 0]
    return StockSums(names, place[first], material[first], total[total != 0])


def _columns_of(
    flows: Iterable[FlowSum], opening: Mapping[tuple[Place, str], int]
) -> tuple[FlowSums, StockSums]:
    """Columns of objects; openings get a row of nothing among the flows to share the names."""
    held = [FlowSum(place, place, stuff, "", Evidence(0), 0, 0) for place, stuff in opening]
    together = FlowSums.of([*flows, *held])
    names = together.names
    place = {item: number for number, item in enumerate(names.places)}
    stuff = {item: number for number, item in enumerate(names.materials)}
    rows = [(place[key[0]], stuff[key[1]], kg) for key, kg in opening.items()]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 3).T
    return together.only((together.kg != 0) | (together.n != 0)), _stock(names, *columns)


class MonthFlows(NamedTuple):
    """Roll-up rows of one material and month, numbered like `Names`; columns as long as `kg`."""

    month: int
    material: int
    source: Ints
    target: Ints
    route: Ints
    evidence: Ints
    kg: Ints
    n: Ints


def flows_of_months(
    names: Names, months: Iterable[MonthFlows], without_openings_of: int = 0
) -> FlowSums:
    """Flows of months added up, without the opening postings of one of them."""
    parts: list[list[Ints]] = [[np.zeros(0, np.int64)] * 7]
    for item in months:
        columns: list[Ints] = [
            item.source, item.target, np.full(len(item.kg), item.material), item.route,
            item.evidence, item.kg, item.n,
        ]  # fmt: skip
        if item.month == without_openings_of:
            kept = names.kinds[item.source] != PlaceKind.OPENING
            columns = [column[kept] for column in columns]
        parts.append(columns)
    whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return summed(names, whole[:5], whole[5], whole[6])


class Ledger:
    """Book kilograms per material and place while months go by (names.places x materials)."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.book = np.zeros((len(names.materials), len(names.places)), np.int64)

    def move(self, item: MonthFlows, rows: NDArray[np.bool_] | None = None) -> None:
        """Post a month (bincount in float64 is exact below 2^53 kg), or some of its rows."""
        kept: NDArray[np.bool_] | slice = slice(None) if rows is None else rows
        kg, count = item.kg[kept].astype(np.float64), len(self.names.places)
        line = self.book[item.material]
        line += np.bincount(item.target[kept], kg, count).astype(np.int64)
        line -= np.bincount(item.source[kept], kg, count).astype(np.int64)

    def stock(self) -> StockSums:
        """What holding places hold now."""
        held = np.where(self.names.holding, self.book, 0).T
        place, material = np.nonzero(held)
        return StockSums(self.names, place, material, held[place, material])


def books_of_months(
    names: Names, months: Sequence[MonthFlows], period: Period, *, negatives: bool = True
) -> PeriodBooks:
    """The books of `period` from all months up to its last, in order of month."""
    ledger = Ledger(names)
    inside = []
    for item in months:
        if item.month < period.first:
            ledger.move(item)
        elif item.month <= period.last:
            inside.append(item)
            if item.month == period.first:
                ledger.move(item, names.kinds[item.source] == PlaceKind.OPENING)
    opening = ledger.stock()
    flows = flows_of_months(names, inside, without_openings_of=period.first)
    if not negatives:
        return PeriodBooks(period, flows, opening)
    ever = np.zeros_like(ledger.book, dtype=bool)
    for month in sorted({period.first, *(item.month for item in inside)}):
        for item in inside:
            if item.month == month:
                first = month == period.first
                stated = names.kinds[item.source] == PlaceKind.OPENING
                ledger.move(item, ~stated if first else None)
        ever |= (ledger.book < 0) & names.holding
    below = frozenset(
        (names.places[place], names.materials[stuff]) for stuff, place in np.argwhere(ever).tolist()
    )
    return PeriodBooks(period, flows, opening, below)


def books_of_rollup(
    rollup: Mapping[FlowKey, tuple[int, int]], period: Period, material: str = ""
) -> PeriodBooks:
    """The books of `period` out of a whole roll-up in memory (tests, small books, checking)."""
    flows: dict[tuple[Place, Place, str, str, Evidence], tuple[int, int]] = {}
    opening: Stock = {}
    monthly: dict[tuple[Place, str], dict[int, int]] = {}
    for key, (kg, n) in rollup.items():
        if key.month > period.last or (material and key.material != material):
            continue
        stated = key.source.kind is PlaceKind.OPENING and key.month == period.first
        if key.month < period.first or stated:
            _move(opening, key, kg)
        else:
            sum_key = key.source, key.target, key.material, key.route, key.evidence
            old = flows.get(sum_key, (0, 0))
            flows[sum_key] = old[0] + kg, old[1] + n
        for place, sign in ((key.target, 1), (key.source, -1)):
            if place.holds_stock:
                months = monthly.setdefault((place, key.material), {})
                months[key.month] = months.get(key.month, 0) + sign * kg
    rows = [FlowSum(*key, kg, n) for key, (kg, n) in sorted(flows.items())]
    return PeriodBooks(period, rows, opening, _negative(monthly, period))


def _move(stock: Stock, key: FlowKey, kg: int) -> None:
    for place, sign in ((key.target, 1), (key.source, -1)):
        if place.holds_stock:
            stock[place, key.material] = stock.get((place, key.material), 0) + sign * kg


def _negative(
    monthly: Mapping[tuple[Place, str], Mapping[int, int]], period: Period
) -> frozenset[tuple[Place, str]]:
    """Places below zero at the end of a month of the period."""
    found = set()
    for key, months in monthly.items():
        book = 0
        ordered = sorted(months)
        for position, month in enumerate(ordered):
            book += months[month]
            until = ordered[position + 1] if position + 1 < len(ordered) else None
            last = period.last if until is None else next_month(until, -1)
            if book < 0 and month <= period.last and last >= period.first:
                found.add(key)
                break
    return frozenset(found)
