"""A second, independent tracer in exact fractions, for tests: no NumPy, nothing of core.tracing.

Follows the rules of paper 6 straight from roll-up rows, one dense elimination a month over all
places and three classes (open, used, disposed) at once; nothing is contracted.  An origin is
(name, year, month it came in; 0 for opening stock).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from wasteflow.core.places import Place, PlaceKind

Row = tuple[int, Place, Place, str, int, int]
"""(month, source, target, route, evidence, kg)."""
Key = tuple[str, int, int]
Mix = dict[tuple[Key, int], Fraction]
"""(origin, class) → kilograms."""
OPEN, USED, DISPOSED = 0, 1, 2
WORDS = {
    PlaceKind.USE: "utilised",
    PlaceKind.DISPOSAL: "disposed",
    PlaceKind.DUMPING: "dumped",
    PlaceKind.OUTSIDE: "outside",
    PlaceKind.WEIGHING: "weighing_difference",
    PlaceKind.LOST: "lost",
    PlaceKind.STOCKTAKE: "stocktake_loss",
}


@dataclass
class ExactMonth:
    """What a month came to: pools, closing stock, exits and credits by origin."""

    month: int
    pool: dict[Place, Mix] = field(default_factory=dict)
    throughput: dict[Place, int] = field(default_factory=dict)
    closing: dict[Place, Mix] = field(default_factory=dict)
    exits: dict[tuple[Place, str], Mix] = field(default_factory=dict)
    credits: dict[tuple[str, Key], Fraction] = field(default_factory=dict)
    disposed_after: dict[Key, Fraction] = field(default_factory=dict)
    unsourced: frozenset[Place] = frozenset()


def trace(rows: Iterable[Row], fates: Mapping[str, str]) -> list[ExactMonth]:
    """Every month of the rows in order."""
    listed = list(rows)
    generators = {t.owner for _, s, t, *_ in listed if s.kind is PlaceKind.GENERATION}
    stock: dict[Place, Mix] = defaultdict(dict)
    debt: dict[Place, int] = defaultdict(int)
    found = []
    for month in sorted({row[0] for row in listed}):
        part = [row for row in listed if row[0] == month and row[1] != row[2]]
        found.append(_month(month, part, fates, generators, stock, debt))
    return found


def _name(source: Place, target: Place, generators: set[str]) -> str:
    match source.kind:
        case PlaceKind.GENERATION:
            return target.a
        case PlaceKind.OPENING:
            return source.a or (target.a if target.a in generators else f"unknown@{target.a}")
        case PlaceKind.STOCKTAKE:
            return f"stocktake@{target.key}"
    words = {
        PlaceKind.RECIRCULATED: "recirculated",
        PlaceKind.WEIGHING: "weighing",
        PlaceKind.OUTSIDE: "outside",
    }
    return f"{words[source.kind]}@{target.a}"


def _mark(source: Place, target: Place, route: str, fates: Mapping[str, str]) -> int:
    if target.kind is PlaceKind.USE:
        return USED
    if target.kind is PlaceKind.DISPOSAL:
        return DISPOSED
    taken = target.kind in (PlaceKind.SITE, PlaceKind.OUTSIDE)
    if source.kind is PlaceKind.TRANSIT and source.a != source.b and taken:
        return {"use": USED, "disposal": DISPOSED}.get(fates.get(route, ""), OPEN)
    return OPEN


def _into(kind: int, mark: int) -> int:
    """Class after a move: open mass takes the mark, used mass only that of a disposal."""
    return mark if kind == OPEN or mark == DISPOSED else kind


Move = tuple[Place, Place | None, str, int, int]
"""(source, holding place it goes to or None, word of the boundary, mark, kg)."""


@dataclass
class _Books:
    """Sums of a month while it is read."""

    inflow: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    out: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    b: dict[Place, Mix] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Fraction)))
    moves: list[Move] = field(default_factory=list)
    throughput: dict[Place, Fraction] = field(default_factory=dict)


def _read(
    rows: list[Row], fates: Mapping[str, str], generators: set[str], stock: dict[Place, Mix]
) -> _Books:
    books = _Books()
    for month, source, target, route, _, kg in rows:
        if source.kind is PlaceKind.OPENING:
            key = _name(source, target, generators), int(source.b or 0), 0
            stock[target][key, OPEN] = stock[target].get((key, OPEN), Fraction(0)) + kg
        elif not source.holds_stock:
            name = _name(source, target, generators)
            books.b[target][(name, month // 100, month), OPEN] += kg
            books.inflow[target] += kg
        else:
            goal = target if target.holds_stock else None
            word = "" if goal else WORDS[target.kind]
            mark = _mark(source, target, route, fates)
            books.moves.append((source, goal, word, mark, kg))
            books.out[source] += kg
            if goal:
                books.inflow[goal] += kg
    return books


def _fill_holes(
    month: int, places: list[Place], books: _Books, stock: dict[Place, Mix], debt: dict[Place, int]
) -> None:
    """Rule H, and the throughput of every place."""
    for place in places:
        opening = int(sum(stock[place].values(), Fraction(0)))
        book = opening - debt[place] + books.inflow[place] - books.out[place]
        owed = max(0, -book)
        hole, settled = max(0, owed - debt[place]), max(0, debt[place] - owed)
        if hole:
            key = f"unexplained@{place.key}", month // 100, month
            books.b[place][key, OPEN] += hole
        if settled:
            books.moves.append((place, None, "settled", OPEN, settled))
            books.out[place] += settled
        debt[place] = owed
        start = opening if place.kind is PlaceKind.SITE else 0
        books.throughput[place] = Fraction(start + books.inflow[place] + hole)


def _month(
    month: int,
    rows: list[Row],
    fates: Mapping[str, str],
    generators: set[str],
    stock: dict[Place, Mix],
    debt: dict[Place, int],
) -> ExactMonth:
    result = ExactMonth(month)
    books = _read(rows, fates, generators, stock)
    places = sorted(set(stock) | set(books.inflow) | set(books.out))
    _fill_holes(month, places, books, stock, debt)
    b, out, throughput = books.b, books.out, books.throughput
    drawn = {place: _draw(place, stock[place], out[place]) for place in places}
    passed: dict[Place, Fraction] = {}
    for place in places:
        if place.kind is PlaceKind.SITE:
            for cell, mass in stock[place].items():
                b[place][cell] += mass
        rest = out[place] - sum(drawn[place].values(), Fraction(0))
        passed[place] = Fraction(rest) / throughput[place] if throughput[place] else Fraction(0)
    for source, goal, _, mark, kg in books.moves:
        if goal:
            for (key, kind), mass in drawn[source].items():
                b[goal][key, _into(kind, mark)] += mass * kg / out[source]
    result.unsourced = _unreached(places, throughput, b, books.moves, passed)
    for place in result.unsourced:
        passed[place] = Fraction(0)
    pool = _solve(places, b, books.moves, passed, out)
    result.pool = pool
    result.throughput = {place: int(throughput[place]) for place in places}
    leaving = {place: _add(_times(pool[place], passed[place]), drawn[place]) for place in places}
    _count(result, books.moves, leaving, out)
    for place in places:
        kept = _times(pool[place], 1 - passed[place])
        if place.kind is not PlaceKind.SITE:
            left = {c: kg - drawn[place].get(c, Fraction(0)) for c, kg in stock[place].items()}
            kept = _add(kept, left)
        stock[place] = {cell: mass for cell, mass in kept.items() if mass}
        result.closing[place] = dict(stock[place])
    return result


def _draw(place: Place, content: Mix, out: int) -> Mix:
    """Rule Q: what leaves first; yards oldest year first, transits pro rata."""
    if place.kind is PlaceKind.SITE:
        return {}
    left = min(Fraction(out), sum(content.values(), Fraction(0)))
    groups: dict[int, list[tuple[Key, int]]] = defaultdict(list)
    for cell in content:
        groups[cell[0][1] if place.kind is PlaceKind.YARD else 0].append(cell)
    taken: Mix = {}
    for year in sorted(groups):
        total = sum((content[cell] for cell in groups[year]), Fraction(0))
        part = min(left, total)
        for cell in groups[year]:
            taken[cell] = content[cell] * part / total if total else Fraction(0)
        left -= part
    return taken


def _unreached(
    places: list[Place],
    throughput: dict[Place, Fraction],
    b: dict[Place, Mix],
    moves: list[Move],
    passed: dict[Place, Fraction],
) -> frozenset[Place]:
    """Rule C by plain search."""
    reached = {place for place in places if any(kg > 0 for kg in b[place].values())}
    open_ = list(reached)
    while open_:
        here = open_.pop()
        for source, goal, *_ in moves:
            if source == here and goal and passed[source] > 0 and goal not in reached:
                reached.add(goal)
                open_.append(goal)
    return frozenset(p for p in places if throughput[p] > 0 and p not in reached)


def _solve(
    places: list[Place],
    b: dict[Place, Mix],
    moves: list[Move],
    passed: dict[Place, Fraction],
    out: dict[Place, int],
) -> dict[Place, Mix]:
    """Gauss-Jordan on unknowns (place, class); right-hand sides are mixes by origin."""
    unknowns = [(place, kind) for place in places for kind in (OPEN, USED, DISPOSED)]
    lines: dict[tuple[Place, int], dict[tuple[Place, int], Fraction]] = {}
    right: dict[tuple[Place, int], dict[Key, Fraction]] = {}
    for place, kind in unknowns:
        lines[place, kind] = {(place, kind): Fraction(1)}
        right[place, kind] = {key: kg for (key, k), kg in b[place].items() if k == kind and kg}
    for source, goal, _, mark, kg in moves:
        if goal and passed[source]:
            share = Fraction(kg, out[source]) * passed[source]
            for kind in (OPEN, USED, DISPOSED):
                line = lines[goal, _into(kind, mark)]
                line[source, kind] = line.get((source, kind), Fraction(0)) - share
    for pivot in unknowns:
        head = lines[pivot][pivot]
        lines[pivot] = {u: value / head for u, value in lines[pivot].items() if value}
        right[pivot] = {key: mass / head for key, mass in right[pivot].items()}
        for other in unknowns:
            factor = lines[other].get(pivot, Fraction(0))
            if other == pivot or not factor:
                continue
            for u, value in lines[pivot].items():
                lines[other][u] = lines[other].get(u, Fraction(0)) - factor * value
            del lines[other][pivot]
            for key, mass in right[pivot].items():
                right[other][key] = right[other].get(key, Fraction(0)) - factor * mass
    found: dict[Place, Mix] = {place: {} for place in places}
    for place, kind in unknowns:
        for key, mass in right[place, kind].items():
            if mass:
                found[place][key, kind] = mass
    return found


def _count(
    result: ExactMonth,
    moves: list[Move],
    leaving: dict[Place, Mix],
    out: dict[Place, int],
) -> None:
    """Exits by place and word, and the declared credits: open mass that a crediting move takes."""
    credits: dict[tuple[str, Key], Fraction] = defaultdict(Fraction)
    for source, goal, word, mark, kg in moves:
        share = Fraction(kg, out[source])
        mix = _times(leaving[source], share)
        if goal is None:
            cell = source, word
            result.exits[cell] = _add(result.exits.get(cell, {}), mix)
        for (key, kind), mass in mix.items():
            if kind == USED and mark == DISPOSED:
                result.disposed_after[key] = result.disposed_after.get(key, Fraction(0)) + mass
            if kind == OPEN and (mark or goal is None):
                credits[{USED: "utilised", DISPOSED: "disposed"}.get(mark, word), key] += mass
    result.credits = dict(credits)


def _times(mix: Mix, factor: Fraction) -> Mix:
    return {cell: kg * factor for cell, kg in mix.items()}


def _add(first: Mix, second: Mix) -> Mix:
    found = dict(first)
    for cell, kg in second.items():
        found[cell] = found.get(cell, Fraction(0)) + kg
    return found
