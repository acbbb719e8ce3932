"""What a target asks for and what the books give it: goal, trajectory, value, projection.

Exact: rates are fractions, amounts kilograms.  The judgement stands in `targets`.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from wasteflow.core.consumption import net_new_stock
from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, PRIOR_UNTRACED, UNTRACED, Rate, Terms
from wasteflow.core.registry import Target
from wasteflow.core.units import decimal_from_text

UTILISED_AMOUNT, NET_NEW_STOCK, QUALITATIVE = "utilised_amount", "net_new_stock", "qualitative"
NO_VALUE, BAD_VALUE = "no_target_value", "bad_target_value"
YEAR_MONTHS: Final = 12

RATE_TERMS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "official": (("utilised",), ("generated", "utilised_prior")),
    "simple": (("utilised",), ("generated",)),
    "new_waste": (("utilised", "-utilised_prior"), ("generated",)),
    "fate_share": (("utilised",), ("utilised", "disposed", "stored", "dumped")),
    "disposal_inclusive": (
        ("utilised", "disposed"),
        ("generated", "utilised_prior", "disposed_prior"),
    ),
    "consumption_balance": (("utilised", "treated"), ("generated",)),
}
"""Rate → terms above and below its line; only tonnes to go are computed from them."""
_AT_MOST_ONE: Final = frozenset({"official", "new_waste", "fate_share", "disposal_inclusive"})
_RATE_UNITS: Final = {"": 1, "fraction": 1, "ratio": 1, "1": 1}
_RATE_UNITS_PERCENT: Final = ("%", "％", "percent", "百分比")
_MASS_UNITS: Final = {
    "": 1000, "t": 1000, "吨": 1000, "kg": 1, "千克": 1, "kt": 10**6, "万吨": 10**7, "万t": 10**7,
    "mt": 10**9, "亿吨": 10**11, "亿t": 10**11,
}  # fmt: skip
"""Unit of an amount → kilograms; "/a" and "/年" are understood."""


class Standing(Struct, frozen=True):
    """What the books say of a target's scope and materials at the end of `month`.

    to_date: terms of January..month of that year as one period; last_year: of the 12 months that
    end with `month` as one period, None where a ledger of the scope is younger.  reason: why there
    are no terms, told as it is.
    """

    month: int
    to_date: Terms | None
    last_year: Terms | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


def is_amount(metric: str) -> bool:
    """True for metrics in tonnes."""
    return metric in (UTILISED_AMOUNT, NET_NEW_STOCK)


def is_ceiling(target: Target) -> bool:
    """True if lower is better: `<=`, and keeping a net new stock."""
    return target.operator == "<=" or (target.operator == "keep" and target.metric == NET_NEW_STOCK)


def goal_of(target: Target) -> tuple[Fraction | None, str]:
    """(value in fractions or kilograms, reason why there is none).

    A `keep` without value keeps the baseline.  Reasons: `no_target_value`, `bad_target_value`.
    """
    text = target.value
    if not text and target.operator == "keep":
        text = target.baseline_value
    if not text:
        return None, NO_VALUE
    value = _in_unit(target, text)
    if value is None or (target.metric in _AT_MOST_ONE and not 0 <= value <= 1):
        return None, BAD_VALUE
    return value, ""


def _in_unit(target: Target, text: str) -> Fraction | None:
    """A value of the target's unit as fraction or kilograms; None if it cannot be read."""
    unit = target.unit.strip().lower()
    try:
        number = Fraction(Decimal(decimal_from_text(text)))
    except InvalidValue:
        return None
    if is_amount(target.metric):
        factor = _MASS_UNITS.get(unit.removesuffix("/a").removesuffix("/年"))
        return None if factor is None else number * factor
    if unit in _RATE_UNITS_PERCENT:
        return number / 100
    return number if unit in _RATE_UNITS else None


def trajectory_of(target: Target, goal: Fraction | None) -> tuple[tuple[int, Fraction], ...]:
    """(year, value) of the straight line from the baseline to the goal; () without a baseline."""
    first, last = target.baseline_year, target.year
    if goal is None or first is None or last is None or not first < last:
        return ()
    start = _in_unit(target, target.baseline_value) if target.baseline_value else None
    if start is None:
        return ()
    step = (goal - start) / (last - first)
    return tuple((year, start + step * (year - first)) for year in range(first, last + 1))


def value_of(metric: str, terms: Terms, months: int = 1) -> Rate:
    """Rate, or amount in kilograms, of terms that stand `months` times over.

    Reasons are those of the formulas; `attribution_untraced` also for a metric nobody computes.
    """
    if metric in FORMULAS:
        return FORMULAS[metric](terms)
    if metric == UTILISED_AMOUNT and terms.utilised_kg is not None:
        return Rate(Fraction(terms.utilised_kg, months))
    if metric == NET_NEW_STOCK:
        net = net_new_stock(terms)
        if net is not None:
            return Rate(Fraction(net, months))
        if terms.utilised_kg is not None:
            return Rate(None, PRIOR_UNTRACED)
    return Rate(None, terms.reason or UNTRACED)


def projected_terms(standing: Standing) -> tuple[Terms, int]:
    """(terms of the whole year times n, n): exact in whole kilograms, rates do not mind n.

    >>> half = Standing(202606, Terms(generated_kg=60), Terms(generated_kg=240))
    >>> terms, times = projected_terms(half)
    >>> terms.generated_kg / times
    180.0
    """
    to_date = standing.to_date or Terms()
    done = standing.month % 100
    if done == YEAR_MONTHS:
        return to_date, 1
    if standing.last_year is None:
        return _sum(to_date, YEAR_MONTHS, Terms(), 0), done
    return _sum(to_date, YEAR_MONTHS, standing.last_year, YEAR_MONTHS - done), YEAR_MONTHS


def _sum(one: Terms, times: int, other: Terms, other_times: int) -> Terms:
    """times · one + other_times · other; an unknown term stays unknown, splits are left out."""
    found = Terms(reason=one.reason or other.reason)
    for name in Terms.__struct_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, int) and isinstance(theirs, int):
            setattr(found, name, times * mine + other_times * theirs)
        elif mine is None or theirs is None:
            setattr(found, name, None)
    return found


def sum_of(terms: Terms, names: tuple[str, ...]) -> Fraction:
    """Kilograms of named terms added up ("-" before a name takes away); unknown counts nothing."""
    total = 0
    for name in names:
        kg = getattr(terms, f"{name.removeprefix('-')}_kg") or 0
        total += -kg if name.startswith("-") else kg
    return Fraction(total)
