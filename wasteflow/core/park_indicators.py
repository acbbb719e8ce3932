"""Indicators of a park and year: what the books give, what is stated beside them, formulas; pure.

Families (2-domain 1.4): HJ 274-2015 国家生态工业示范园区, 国家绿色园区 (工信厅节函〔2016〕586号),
无废城市 (环固体〔2021〕114号).  Their numbers and most formulas are from memory ([K]): thresholds
are shown as unverified and nothing is judged by them.  A missing input is named, never 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from msgspec import Struct, field

from wasteflow.core.books import FlowSum
from wasteflow.core.bulletin import decimal_text, printed_rate
from wasteflow.core.formulas import Rate, Terms, disposal_inclusive, official
from wasteflow.core.places import PlaceKind
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Fate

HJ274, GREEN, WASTE_FREE, OURS = "hj274", "green_park", "waste_free_city", "ours"
"""Families an indicator belongs to."""

INPUTS: Final[Mapping[str, str]] = {
    "industrial_value_added": "10000 CNY",
    "resource_consumption": "t",
    "energy_consumption": "tce",
    "water_use": "m3",
    "renewable_collected": "t",
    "renewable_recycled": "t",
    "hazardous_generated": "t",
    "hazardous_handled": "t",
    "new_chain_projects": "1",
}
"""Name of an input → its unit; each is of a park and a calendar year."""

MISSING: Final = "input_missing"
NO_BEFORE: Final = "year_before_missing"
NOTHING: Final = "input_zero"
NOTHING_LEFT: Final = "nothing_left_before"


class ParkFacts(Struct, frozen=True):
    """What the books say of a park and year, and what was stated (name → amount).

    before: terms of the year before, None if the ledgers do not reach back so far;
    used_kg: used in the park, whosever waste; firms, linked: registered, and those of them that
    gave or took a load for use from another firm.
    """

    terms: Terms
    before: Terms | None
    used_kg: int
    firms: int
    linked: int
    stated: Mapping[str, Decimal] = field(default_factory=dict)
    reason: str = ""


class Figure(NamedTuple):
    """A value, or why there is none: a code and what is missing."""

    value: Fraction | None
    why: str = ""
    missing: tuple[str, ...] = ()


class Threshold(NamedTuple):
    """What a family wants; all are recalled and not read again (`verified` stays False)."""

    family: str
    operator: str
    value: str
    verified: bool = False


class Indicator(Struct, frozen=True):
    """A named figure: unit, families, evidence of its formula, the inputs it needs, its rule."""

    code: str
    unit: str
    families: tuple[str, ...]
    evidence: str
    inputs: tuple[str, ...]
    rule: Callable[[ParkFacts], Figure]
    thresholds: tuple[Threshold, ...] = ()

    def of(self, facts: ParkFacts) -> Figure:
        """Its value for a park, or what is missing."""
        missing = tuple(name for name in self.inputs if name not in facts.stated)
        return Figure(None, MISSING, missing) if missing else self.rule(facts)


def _rate(rate: Rate) -> Figure:
    return Figure(rate.value, rate.not_computable or "")


def _official(facts: ParkFacts) -> Figure:
    """综合利用率 = utilised / (generated + utilised_prior) [V]; in [0, 1]."""
    return Figure(None, facts.reason) if facts.reason else _rate(official(facts.terms))


def _handled(facts: ParkFacts) -> Figure:
    """处置利用率, the strict form with both prior stocks below [V]."""
    return Figure(None, facts.reason) if facts.reason else _rate(disposal_inclusive(facts.terms))


def _intensity(facts: ParkFacts) -> Figure:
    """一般工业固体废物产生强度 = generated / 工业增加值, t per 万元 [K].

    >>> facts = ParkFacts(Terms(generated_kg=5_000_000), None, 0, 1, 0,
    ...                   {"industrial_value_added": Decimal("2000")})
    >>> _intensity(facts).value
    Fraction(5, 2)
    """
    if facts.reason:
        return Figure(None, facts.reason)
    made = Fraction(tonnes_text(facts.terms.generated_kg))
    return _over(made, facts, "industrial_value_added")


def _left(terms: Terms) -> int | None:
    """Kilograms put in store or disposed of in the year, None where that is not known."""
    if terms.stored_kg is None or terms.disposed_kg is None:
        return None
    return terms.stored_kg + terms.disposed_kg


def reaches_back(first: int, january: int) -> bool:
    """Whether books that begin in month `first` (yyyymm, 0 = empty) hold the whole year before.

    A year that is recorded in part is not compared with a whole one.

    >>> reaches_back(202411, 202401), reaches_back(202401, 202401), reaches_back(0, 202401)
    (False, True, False)
    """
    return 0 < first <= january


def _decline(facts: ParkFacts) -> Figure:
    """贮存处置量下降幅度 = (last year's - this year's) / last year's of (贮存量 + 处置量) [K].

    Negative where more was left; at most 1.

    >>> now, before = Terms(stored_kg=60), Terms(stored_kg=70, disposed_kg=10)
    >>> _decline(ParkFacts(now, before, 0, 1, 0)).value
    Fraction(1, 4)
    """
    if facts.reason or facts.before is None:
        return Figure(None, facts.reason or NO_BEFORE)
    now, before = _left(facts.terms), _left(facts.before)
    if now is None or before is None:
        return Figure(None, facts.terms.reason or facts.before.reason or "prior_stock_untraced")
    return Figure(Fraction(before - now, before)) if before else Figure(None, NOTHING_LEFT)


def _with_hazardous(facts: ParkFacts) -> Figure:
    """固体废弃物（含危废）处置利用率: both kinds, strict form, above and below the line [K]."""
    terms = facts.terms
    above = (terms.utilised_kg, terms.disposed_kg)
    below = (terms.generated_kg, terms.utilised_prior_kg, terms.disposed_prior_kg)
    if facts.reason or None in above or None in below:
        return Figure(None, facts.reason or terms.reason or "prior_stock_untraced")
    top = Fraction(sum(kg or 0 for kg in above), 1000) + Fraction(facts.stated["hazardous_handled"])
    whole = Fraction(sum(kg or 0 for kg in below), 1000)
    whole += Fraction(facts.stated["hazardous_generated"])
    return Figure(top / whole) if whole else Figure(None, "nothing_generated")


def _recycled(facts: ParkFacts) -> Figure:
    """再生资源循环利用率 = 再生资源循环利用量 / 再生资源收集量 [K]; in [0, 1] if both are right."""
    return _over(Fraction(facts.stated["renewable_recycled"]), facts, "renewable_collected")


def _linked(facts: ParkFacts) -> Figure:
    """生态工业链企业比例: firms with a realised exchange for use / firms of the park.

    The name is of HJ 274 [V], what counts as a chain is ours [D]: a load accepted for use between
    two firms, one of them in the park.

    >>> _linked(ParkFacts(Terms(), None, 0, 8, 2)).value
    Fraction(1, 4)
    """
    if facts.reason and not facts.linked:
        return Figure(None, facts.reason)
    return Figure(Fraction(facts.linked, facts.firms)) if facts.firms else Figure(None, "no_firms")


def _projects(facts: ParkFacts) -> Figure:
    """新增构建生态工业链项目数量, as stated [V name]."""
    return Figure(Fraction(facts.stated["new_chain_projects"]))


def _productivity(name: str, factor: int = 1) -> Callable[[ParkFacts], Figure]:
    """工业增加值 per unit of an input; `factor`: 10,000 for yuan instead of 万元."""

    def rule(facts: ParkFacts) -> Figure:
        return _over(Fraction(facts.stated["industrial_value_added"]) * factor, facts, name)

    return rule


def _circular(facts: ParkFacts) -> Figure:
    """循环物料占比 = waste used in the park / (主要资源消费量 + waste used in the park) [D].

    In the manner of the circular material use rate of Eurostat; the wording of a Chinese scheme it
    is not.

    >>> facts = ParkFacts(Terms(), None, 1_000_000, 1, 0, {"resource_consumption": Decimal(3000)})
    >>> _circular(facts).value
    Fraction(1, 4)
    """
    if facts.reason and not facts.used_kg:
        return Figure(None, facts.reason)
    used = Fraction(facts.used_kg, 1000)
    whole = used + Fraction(facts.stated["resource_consumption"])
    return Figure(used / whole) if whole else Figure(None, NOTHING, ("resource_consumption",))


def _over(above: Fraction, facts: ParkFacts, name: str) -> Figure:
    """A ratio over a stated input, which must not be 0."""
    below = Fraction(facts.stated[name])
    return Figure(above / below) if below else Figure(None, NOTHING, (name,))


FRACTION, COUNT = "fraction", "1"
PLACES: Final = 4
BOTH_ENDS: Final = 2
INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "utilisation", FRACTION, (HJ274, GREEN, WASTE_FREE), "V", (), _official,
        (Threshold(HJ274, ">=", "0.70"), Threshold(GREEN, ">=", "0.95")),
    ),
    Indicator(
        "handling", FRACTION, (HJ274,), "V", (), _handled, (Threshold(HJ274, ">=", "1"),)
    ),
    Indicator(
        "handling_with_hazardous", FRACTION, (GREEN,), "K",
        ("hazardous_generated", "hazardous_handled"), _with_hazardous,
    ),
    Indicator(
        "generation_intensity", "t/10000 CNY", (WASTE_FREE,), "K", ("industrial_value_added",),
        _intensity,
    ),
    Indicator("left_decline", FRACTION, (WASTE_FREE,), "K", (), _decline),
    Indicator(
        "renewable_recycling", FRACTION, (HJ274,), "K",
        ("renewable_recycled", "renewable_collected"), _recycled,
    ),
    Indicator(
        "new_chain_projects", COUNT, (HJ274,), "V", ("new_chain_projects",), _projects,
        (Threshold(HJ274, ">=", "6"),),
    ),
    Indicator("chain_firms", FRACTION, (HJ274,), "D", (), _linked),
    Indicator("circular_share", FRACTION, (OURS,), "D", ("resource_consumption",), _circular),
    Indicator(
        "resource_productivity", "10000 CNY/t", (OURS,), "K",
        ("industrial_value_added", "resource_consumption"), _productivity("resource_consumption"),
    ),
    Indicator(
        "energy_productivity", "10000 CNY/tce", (GREEN,), "K",
        ("industrial_value_added", "energy_consumption"), _productivity("energy_consumption"),
    ),
    Indicator(
        "water_productivity", "CNY/m3", (GREEN,), "K",
        ("industrial_value_added", "water_use"), _productivity("water_use", 10_000),
    ),
)  # fmt: skip
"""Every indicator in the order it is shown."""


def used_by_firms(flows: Iterable[FlowSum], registry: Registry) -> dict[str, int]:
    """Firm → kilograms of waste that it put to use, whosever it was."""
    found: dict[str, int] = defaultdict(int)
    for flow in flows:
        if flow.target.kind is PlaceKind.USE and registry.materials[flow.material].is_waste:
            found[flow.source.owner] += flow.kg
    return found


def exchanging(flows: Iterable[FlowSum], registry: Registry) -> frozenset[str]:
    """Firms that gave another firm waste for use, or took some; accepted loads count."""
    found: set[str] = set()
    for flow in flows:
        accepted = flow.target.kind in (PlaceKind.SITE, PlaceKind.OUTSIDE)
        if flow.source.kind is not PlaceKind.TRANSIT or not accepted or flow.kg <= 0:
            continue
        ends = {flow.source.a, flow.source.b}
        if len(ends) < BOTH_ENDS or not registry.materials[flow.material].is_waste:
            continue
        if registry.routes[flow.route].fate == Fate.USE:
            found |= ends
    return frozenset(found)


def printed_value(unit: str, value: Fraction | None) -> str | None:
    """A value as it is printed: fractions in percent with two decimals, counts plain, others with
    four decimals.

    >>> printed_value(FRACTION, Fraction(1, 4)), printed_value("1", Fraction(6))
    ('25.00', '6')
    >>> printed_value("10000 CNY/t", Fraction(2, 3)), printed_value("t", None)
    ('0.6667', None)
    """
    if value is None or unit == FRACTION:
        return printed_rate(value)
    if unit == COUNT and value.denominator == 1:
        return str(value.numerator)
    return decimal_text(value, PLACES)
