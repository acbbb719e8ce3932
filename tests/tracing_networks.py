"""Random ledgers for the tracing tests: small ones for exact fractions, larger ones for laws."""

from __future__ import annotations

from random import Random

from wasteflow.core.places import (
    DUMPING,
    GENERATION,
    LOST,
    OUTSIDE,
    RECIRCULATED,
    STOCKTAKE,
    WEIGHING,
    Place,
    PlaceKind,
    site,
    transit,
    yard,
)
from wasteflow.core.vocabulary import Evidence

Row = tuple[int, Place, Place, str, int, int]
FATES = {"u": "use", "v": "use", "d": "disposal", "s": "storage", "t": "transfer", "w": "treatment"}
SCALE = 1013
"""Amounts are tonnes and a little, so that a kilogram of rounding is small."""
GRADES = (Evidence.BOTH, Evidence.ONE_SIDED, Evidence.ESTIMATED)


def network(seed: int, firms: int = 4, months: int = 3, links: int = 5) -> list[Row]:
    """Rows of a made-up ledger with everything that can happen to mass, starting 2025-11.

    Firm `f0` never generates; `x` is a firm outside the books; every third ledger has two firms
    that ship to each other with no source at all.
    """
    dice = Random(seed)
    names = [f"f{number}" for number in range(firms)]
    pairs = [(a, b) for a in names for b in names if a != b]
    chosen = dice.sample(pairs, min(links, len(pairs)))
    rows = _openings(dice, names, 202511)
    month = 202511
    for _ in range(months):
        for firm in names:
            rows += _entries(dice, firm, month, generates=firm != "f0")
        for a, b in chosen:
            if dice.random() < 0.85:
                rows += _load(dice, a, b, month, names)
        if dice.random() < 0.3:
            rows += _abroad(dice, names, month)
        if seed % 3 == 0:
            rows += _circle(month)
        month = month + 1 if month % 100 < 12 else (month // 100 + 1) * 100 + 1
    return [(*row[:-1], row[-1] * SCALE) for row in rows]


def _openings(dice: Random, names: list[str], month: int) -> list[Row]:
    rows: list[Row] = []
    for firm in names:
        for _ in range(dice.randrange(3)):
            where = dice.choice([site(firm), yard(firm), yard(firm)])
            generator = dice.choice(["", "", "f1"])
            year = dice.choice(["", "2023", "2024", "2025"])
            kg = dice.randrange(1, 90)
            rows.append((month, Place(PlaceKind.OPENING, generator, year), where, "", 1, kg))
    return rows


def _entries(dice: Random, firm: str, month: int, generates: bool) -> list[Row]:
    here, store = site(firm), yard(firm)

    def sometimes(chance: float, high: int) -> int:
        return dice.randrange(1, high) if dice.random() < chance else 0

    use, disposal = Place(PlaceKind.USE, "u"), Place(PlaceKind.DISPOSAL, "d")
    made = [
        (GENERATION, here, "", sometimes(0.9 * generates, 200)),
        (RECIRCULATED, here, "", sometimes(0.1, 20)),
        (here, store, "", sometimes(0.5, 60)),
        (store, here, "", sometimes(0.5, 60)),
        (here, use, "u", sometimes(0.6, 60)),
        (here, Place(PlaceKind.USE, "v"), "v", sometimes(0.2, 30)),
        (here, disposal, "d", sometimes(0.3, 30)),
        (here, DUMPING, "", sometimes(0.1, 10)),
        (STOCKTAKE, dice.choice([here, store]), "", sometimes(0.1, 10)),
        (dice.choice([here, store]), STOCKTAKE, "", sometimes(0.1, 10)),
        (here, here, "w", sometimes(0.2, 80)),
    ]
    grade = int(dice.choice(GRADES))
    return [(month, a, b, route, grade, kg) for a, b, route, kg in made if kg]


def _load(dice: Random, a: str, b: str, month: int, names: list[str]) -> list[Row]:
    road, route = transit(a, b), dice.choice("uuvdstw")
    grade = int(dice.choice(GRADES))
    kg = dice.randrange(5, 120)
    rows: list[Row] = [(month, site(a), road, route, grade, kg)]
    case = dice.random()
    if case < 0.1:
        return rows
    if case < 0.15:
        return [*rows, (month, road, LOST, route, grade, kg)]
    if case < 0.35:
        change = dice.randrange(1, 4)
        gain = dice.random() < 0.5
        ends = (WEIGHING, road) if gain else (road, WEIGHING)
        rows.append((month, *ends, route, grade, change))
        kg += change if gain else -change
    if case > 0.8:
        refused = dice.randrange(1, kg)
        child = transit(a, dice.choice([a, *names]))
        if child != road:
            rows.append((month, road, child, route, grade, refused))
            rows.append((month, child, site(child.b), route, grade, refused))
        kg -= refused
    late = dice.randrange(0, 3) if dice.random() < 0.3 else 0
    if kg - late > 0:
        rows.append((month, road, site(b), route, grade, kg - late))
    return rows


def _abroad(dice: Random, names: list[str], month: int) -> list[Row]:
    firm, route, kg = dice.choice(names), dice.choice("ut"), dice.randrange(1, 40)
    if dice.random() < 0.5:
        road = transit("x", firm)
        return [(month, OUTSIDE, road, route, 1, kg), (month, road, site(firm), route, 1, kg)]
    road = transit(firm, "x")
    return [(month, site(firm), road, route, 1, kg), (month, road, OUTSIDE, route, 1, kg)]


def _circle(month: int) -> list[Row]:
    rows: list[Row] = []
    for a, b in (("p", "q"), ("q", "p")):
        rows.append((month, site(a), transit(a, b), "t", 0, 7))
        rows.append((month, transit(a, b), site(b), "t", 0, 7))
    return rows
