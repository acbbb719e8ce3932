"""The bulletin of a scope as numbers: lines of terms, transfers, stock; what is printed of them.

Source: 固体废物污染环境防治信息发布指南, 环办固体函〔2024〕37号 (2-domain 1.4): generated, utilised
and disposed with their prior stock, rates, stored, leading industries and wastes, transfers across
provinces.  Tonnes are those of `rates`; nothing is read or worded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.audit import Audit, Figure, audit_figures
from wasteflow.core.books import PeriodBooks
from wasteflow.core.disclosure import Atoms
from wasteflow.core.formulas import NOTHING_GENERATED, Rate, Terms, official
from wasteflow.core.places import PlaceKind
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Registry
from wasteflow.core.rules import PROVINCE_DIGITS

TOTAL: Final = "total"
OUT, IN = "out", "in"
TOP: Final = 5
"""Industries and wastes that the guide wants named."""
KG_PER_UNIT: Final = 10_000_000
"""Kilograms of 万吨, in which a bulletin is printed."""
RATE_PLACES: Final = 2
MAX_PLACES: Final = 7
COARSE, FINE = 2, 4
OTHERS: Final = ("lost", "outside", "weighing_difference", "stocktake_loss", "settled")
"""Terms that a bulletin prints as one column, so that what was generated is all accounted for."""
AMOUNTS: Final = (
    "generated",
    "utilised",
    "utilised_prior",
    "disposed",
    "disposed_prior",
    "stored",
    "dumped",
    "other",
)
"""Columns of amounts, in the order they are printed; names as `audit-figures` knows them."""
STOCKS: Final = ("opening", "closing", "on_the_road")
"""Amounts of a stock, in the order they are printed."""
LEADING: Final = ("generated", "utilised", "utilised_prior")
"""Amounts that are told wherever a line is; the others are hidden together where one must be."""


class Line(Struct):
    """A line of a table: its sums, the (firm, material) behind it, and behind each of the rest."""

    key: str
    terms: Terms = field(default_factory=Terms)
    atoms: set[tuple[str, str]] = field(default_factory=set)
    behind: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    hidden: bool = False
    rest_hidden: bool = False

    @property
    def firms(self) -> int:
        """How many firms stand behind it."""
        return len({firm for firm, _ in self.atoms})

    def add(self, item: FirmTerms) -> None:
        """Add what a firm did with a material; one that did nothing stands behind nothing."""
        amounts = {name: amount_kg(item.terms, name) for name in AMOUNTS}
        self.terms.add(item.terms)
        if not any(kg is None or kg for kg in amounts.values()):
            return
        atom = item.enterprise, item.material
        self.atoms.add(atom)
        for name, kg in amounts.items():
            if kg is None or kg:
                self.behind[name].add(atom)


class Transfer(Struct, frozen=True):
    """Mass that crossed the border of a province: out of the scope or into it, accepted kilograms.

    province: first digits of the other side's region, "" if it is not known.
    """

    direction: str
    province: str
    material: str
    fate: str
    kg: int
    loads: int
    atoms: Atoms


class Stock(Struct, frozen=True):
    """Stock of a material of the firms in scope: on their premises and on the road, kilograms.

    behind: name of an amount → what stands behind it.
    """

    material: str
    opening: int
    closing: int
    on_the_road: int
    behind: Mapping[str, Atoms]


class Bulletin(Struct):
    """The lines of one period; `late`: firms left out with the month their ledger starts."""

    total: Line
    materials: list[Line]
    industries: list[Line]
    late: dict[str, int]
    unstated: bool


def amount_kg(terms: Terms, name: str) -> int | None:
    """Kilograms of a column of the bulletin, None where they are not known."""
    if name == "other":
        return sum(int(getattr(terms, f"{word}_kg")) for word in OTHERS)
    kg: int | None = getattr(terms, f"{name}_kg")
    return kg


def disposal_rate(terms: Terms) -> Rate:
    """处置率 = disposed / (generated + disposed_prior) [V], the consistent form; in [0, 1].

    Source: 2-domain 1.2.

    >>> disposal_rate(Terms(generated_kg=80, disposed_kg=50, disposed_prior_kg=20)).value
    Fraction(1, 2)
    """
    if terms.disposed_kg is None or terms.disposed_prior_kg is None:
        return Rate(None, terms.reason or "prior_stock_untraced")
    below = terms.generated_kg + terms.disposed_prior_kg
    return Rate(Fraction(terms.disposed_kg, below)) if below else Rate(None, NOTHING_GENERATED)


def bulletin(items: Iterable[FirmTerms], registry: Registry) -> Bulletin:
    """Lines by material (in order of code), by industry and in total; products are left out."""
    found = Bulletin(Line(TOTAL), [], [], {}, False)
    materials: dict[str, Line] = {}
    industries: dict[str, Line] = {}
    for item in items:
        if not registry.materials[item.material].is_waste:
            continue
        if item.late:
            found.late[item.enterprise] = max(item.late, found.late.get(item.enterprise, 0))
            continue
        industry = registry.enterprises[item.enterprise].industry
        found.unstated |= item.unstated
        found.total.add(item)
        materials.setdefault(item.material, Line(item.material)).add(item)
        industries.setdefault(industry, Line(industry)).add(item)
    found.materials = [line for _, line in sorted(materials.items()) if line.atoms]
    found.industries = largest(line for _, line in sorted(industries.items()) if line.atoms)
    return found


def largest(lines: Iterable[Line]) -> list[Line]:
    """Lines by what was generated, the most first; equal ones by their key."""
    return sorted(lines, key=lambda line: (-line.terms.generated_kg, line.key))


def transfers(books: PeriodBooks, firms: frozenset[str], registry: Registry) -> list[Transfer]:
    """What firms in scope sent to another province, or took from one, by province and fate.

    Accepted kilograms in the month of acceptance.  A load whose other side lies in no registered
    region is told with a blank province: nobody knows whether it crossed a border.  A return is no
    transfer.
    """
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    behind: dict[tuple[str, str, str, str], set[tuple[str, str]]] = defaultdict(set)
    for flow in books.flows:
        source, target = flow.source, flow.target
        accepted = target.kind in (PlaceKind.SITE, PlaceKind.OUTSIDE)
        if source.kind is not PlaceKind.TRANSIT or not accepted or source.a == source.b:
            continue
        if not registry.materials[flow.material].is_waste:
            continue
        ends = {OUT: (source.a, source.b), IN: (source.b, source.a)}
        for direction, (own, other) in ends.items():
            mine, theirs = province_of(registry, own), province_of(registry, other)
            if own not in firms or (mine and mine == theirs) or not mine:
                continue
            fate = registry.routes[flow.route].fate
            key = direction, theirs, flow.material, fate
            sums[key][0] += flow.kg
            sums[key][1] += flow.n
            behind[key].add((own, flow.material))
    return [
        Transfer(*key, kg, loads, frozenset(behind[key]))
        for key, (kg, loads) in sorted(sums.items(), key=lambda item: (item[0][0] != OUT, item[0]))
    ]


def province_of(registry: Registry, firm: str) -> str:
    """First two digits of the region of a firm, "" if it lies in none."""
    return registry.region_of(firm)[:PROVINCE_DIGITS] if firm in registry.enterprises else ""


def stocks(books: PeriodBooks, firms: frozenset[str], registry: Registry) -> list[Stock]:
    """Stock of every waste at both ends of the period, and what of the closing is on the road."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STOCKS, 0))
    behind: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(
        lambda: {name: set() for name in STOCKS}
    )
    for held, end in ((books.opening, "opening"), (books.closing(), "closing")):
        for (place, material), kg in held.items():
            if place.owner not in firms or not kg or not registry.materials[material].is_waste:
                continue
            moving = end == "closing" and place.kind is PlaceKind.TRANSIT
            for name in (end, "on_the_road") if moving else (end,):
                sums[material][name] += kg
                behind[material][name].add((place.owner, material))
    return [
        Stock(
            stuff,
            **sums[stuff],
            behind={name: frozenset(atoms) for name, atoms in behind[stuff].items()},
        )
        for stuff in sorted(sums)
    ]


# --- what is printed ---------------------------------------------------------------------------


def places_for(lines: Sequence[Line]) -> int:
    """Decimals of 万吨: two, four where the smallest waste would be told with two digits or less.

    No more digits than a reader can use, no line that is all zeros.
    """
    made = [line.terms.generated_kg for line in lines if line.terms.generated_kg]
    return COARSE if not made or min(made) >= KG_PER_UNIT else FINE


def printed(kg: int | None, places: int) -> str | None:
    """Kilograms as 万吨 with so many decimals, rounded half to even (GB/T 8170).

    >>> printed(25_049_999, 2), printed(25_050_000, 2), printed(None, 2)
    ('2.50', '2.50', None)
    """
    if kg is None:
        return None
    return decimal_text(Fraction(kg, KG_PER_UNIT), places)


def printed_rate(value: Fraction | None) -> str | None:
    """A rate in percent with two decimals, rounded half to even.

    >>> printed_rate(Fraction(2, 3)), printed_rate(None)
    ('66.67', None)
    """
    return None if value is None else decimal_text(value * 100, RATE_PLACES)


def decimal_text(value: Fraction, places: int) -> str:
    """A number with so many decimals, rounded half to even."""
    return format(Decimal(round(value * 10**places)).scaleb(-places), "f")


def figure_of(line: Line, places: int, scope: str, period: str) -> Figure:
    """The line as a published figure: its printed amounts and its printed official rate."""
    amounts = {name: printed(amount_kg(line.terms, name), places) for name in AMOUNTS}
    rate = printed_rate(official(line.terms).value)
    return Figure(
        id=line.key,
        amounts={name: Decimal(text) for name, text in amounts.items() if text is not None},
        decimals=places,
        published_rate=None if rate is None else Decimal(rate),
        rate_decimals=RATE_PLACES,
        scope=scope,
        year=period,
        material=line.key,
    )


def self_audit(lines: Sequence[Line], places: int, scope: str, period: str) -> list[Audit]:
    """What `audit-figures` says of the lines as they are printed; hidden ones are not printed."""
    told = [line for line in lines if not line.hidden and not line.rest_hidden]
    return audit_figures(figure_of(line, places, scope, period) for line in told)


def figures_table(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the printed lines for `audit-figures`; what is hidden is left out."""
    columns = ["id", "scope", "year", "material", *AMOUNTS]
    columns += ["decimals_of_amounts", "published_rate", "decimals_of_rate"]
    rows = [
        [
            row["key"],
            report["scope"],
            report["period"],
            row["key"],
            *(row["printed"][name] or "" for name in AMOUNTS),
            str(report["places"]),
            row["rate_printed"] or "",
            str(RATE_PLACES),
        ]
        for row in (*report["rows"], report["total"])
        if not row["rest_hidden"]
    ]
    return columns, rows


# --- what may be printed -----------------------------------------------------------------------


def hide(
    found: Bulletin, lines: Collection[tuple[str, str]], rest: Collection[tuple[str, str]]
) -> None:
    """Mark what may not be told: whole lines, and lines that keep their leading amounts only.

    Both are (table, key) with the tables "material", "industry" and TOTAL, as `core.told` finds
    them.
    """
    named = [("material", found.materials), ("industry", found.industries), (TOTAL, [found.total])]
    for table, members in named:
        for line in members:
            line.hidden = (table, line.key) in lines
            line.rest_hidden = line.hidden or (table, line.key) in rest
