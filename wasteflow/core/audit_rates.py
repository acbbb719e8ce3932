"""Rates of published amounts as intervals: what the rounding of the amounts leaves open.

Exact fractions only.  A blank amount makes the formulas that need it not computable, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

AMOUNTS: Final = (
    "generated",
    "utilised",
    "utilised_prior",
    "disposed",
    "disposed_prior",
    "stored",
    "dumped",
    "treated",
    "other",
)
"""Columns that hold amounts, all of one row in one unit; `other`: weighed away, lost, sent out."""

NOT_PUBLISHED: Final = "not_published"
ZERO_DENOMINATOR: Final = "zero_denominator"
Match = Literal["rounded", "truncated", ""]


class Amount(Struct, frozen=True):
    """A printed amount and the closed interval of true amounts that are printed so."""

    value: Fraction
    low: Fraction
    high: Fraction


def amount_of(printed: Decimal, decimals: int) -> Amount:
    """The amount printed with `decimals` decimals: ± half a unit of the last one, never below 0.

    Both ends belong to the interval, because half up takes the lower and half to even may take the
    upper one.  `decimals` may be negative (-3: rounded to thousands).

    >>> amount_of(Decimal("32.7"), 1)
    Amount(value=Fraction(327, 10), low=Fraction(653, 20), high=Fraction(131, 4))
    >>> amount_of(Decimal(0), 0).low
    Fraction(0, 1)
    """
    value, half = Fraction(printed), unit(decimals) / 2
    return Amount(value, max(Fraction(0), value - half), value + half)


def unit(decimals: int) -> Fraction:
    """One unit of the last decimal.

    >>> unit(1), unit(-2)
    (Fraction(1, 10), Fraction(100, 1))
    """
    return Fraction(10) ** -decimals


class Ratio(Struct, frozen=True):
    """A formula as (sum of signed amounts) ÷ (sum of amounts).

    An amount of the numerator may stand in the denominator too, then with the same sign +.
    """

    over: Mapping[str, int]
    under: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The amounts it needs, in the order of `AMOUNTS`."""
        return tuple(name for name in AMOUNTS if name in self.over or name in self.under)


RATIOS: Final[Mapping[str, Ratio]] = {
    "official": Ratio({"utilised": 1}, ("generated", "utilised_prior")),
    "simple": Ratio({"utilised": 1}, ("generated",)),
    "new_waste": Ratio({"utilised": 1, "utilised_prior": -1}, ("generated",)),
    "fate_share": Ratio({"utilised": 1}, ("utilised", "disposed", "stored", "dumped")),
    "disposal_inclusive": Ratio(
        {"utilised": 1, "disposed": 1}, ("generated", "utilised_prior", "disposed_prior")
    ),
    "consumption_balance": Ratio({"utilised": 1, "treated": 1}, ("generated",)),
    "disposal_inclusive_simple": Ratio({"utilised": 1, "disposed": 1}, ("generated",)),
}
"""Formula id → ratio (2-domain 1.2 and 1.5); the last one exists only for published figures."""


class RateInterval(Struct, frozen=True):
    """Rate of the amounts as printed, and the least and greatest rate their rounding allows.

    Fractions, not percent.  `low` or `high` None with a value: unbounded on that side (the
    denominator may be 0).  `not_computable` is the reason, and `missing` the blank columns of it.
    """

    value: Fraction | None
    low: Fraction | None = None
    high: Fraction | None = None
    not_computable: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """`not_published: utilised_prior`, `zero_denominator`, or None."""
        if self.missing:
            return f"{self.not_computable}: {', '.join(self.missing)}"
        return self.not_computable


def rate_interval(ratio: Ratio, amounts: Mapping[str, Amount]) -> RateInterval:
    """The rate by `ratio` and its exact extremes over the box of true amounts.

    With numerator N and denominator D > 0 the rate moves with an amount x as (n·D - N·d) / D²,
    n and d being its signs in both.  In the numerator only: as n.  In both (utilised in the share
    of fate): n·D - N·d = the other fates ≥ 0, it rises.  In the denominator only: against N.  So
    each extreme takes the amounts of the numerator at the end that n says, also where they stand
    below the line, and the others at one end according to the sign of N there.

    >>> box = {"utilised": Amount(*map(Fraction, (6, 5, 7))), "generated": Amount(
    ...     *map(Fraction, (10, 9, 11)))}
    >>> rate_interval(RATIOS["simple"], box)
    RateInterval(value=Fraction(3, 5), low=Fraction(5, 11), high=Fraction(7, 9), ...)
    >>> rate_interval(RATIOS["official"], box).reason
    'not_published: utilised_prior'
    """
    missing = tuple(name for name in ratio.columns if name not in amounts)
    if missing:
        return RateInterval(None, not_computable=NOT_PUBLISHED, missing=missing)
    under = sum((amounts[name].value for name in ratio.under), Fraction(0))
    if not under:
        return RateInterval(None, not_computable=ZERO_DENOMINATOR)
    over = sum((sign * amounts[name].value for name, sign in ratio.over.items()), Fraction(0))
    return RateInterval(
        over / under, _extreme(ratio, amounts, top=False), _extreme(ratio, amounts, top=True)
    )


def _extreme(ratio: Ratio, amounts: Mapping[str, Amount], *, top: bool) -> Fraction | None:
    """Greatest (`top`) or least rate over the box; None where there is no bound."""
    chosen = {
        name: amounts[name].high if (sign > 0) == top else amounts[name].low
        for name, sign in ratio.over.items()
    }
    over = sum((sign * chosen[name] for name, sign in ratio.over.items()), Fraction(0))
    small = (over >= 0) == top
    for name in ratio.under:
        if name not in chosen:
            chosen[name] = amounts[name].low if small else amounts[name].high
    under = sum((chosen[name] for name in ratio.under), Fraction(0))
    if under:
        return over / under
    return None if over else Fraction(0)


def match(rate: RateInterval, published: Decimal, decimals: int) -> Match:
    """How `rate` can have been printed as `published` percent with `decimals` decimals.

    With r the printed rate and u a unit of its last decimal, rounding half up prints r for rates in
    [r - u/2, r + u/2), half to even also for the upper end where r is even and not for the lower
    where it is odd; truncation for [r, r + u).

    >>> two_thirds = RateInterval(*[Fraction(2, 3)] * 3)
    >>> match(two_thirds, Decimal("66.7"), 1), match(two_thirds, Decimal("66.6"), 1)
    ('rounded', 'truncated')
    >>> match(two_thirds, Decimal("66.8"), 1)
    ''
    """
    if rate.value is None:
        return ""
    printed, step = Fraction(published) / 100, unit(decimals) / 100
    if rate.high is not None and rate.high < printed - step / 2:
        return ""
    upper, even = printed + step / 2, (printed / step) % 2 == 0
    if rate.low is None or rate.low < upper or (rate.low == upper and even):
        return "rounded"
    return "truncated" if rate.low < printed + step else ""


_IDENTITY: Final = {
    "generated": 1,
    "utilised": -1,
    "utilised_prior": 1,
    "stored": -1,
    "disposed": -1,
    "disposed_prior": 1,
    "dumped": -1,
}


def identity_residual(amounts: Mapping[str, Amount]) -> Amount | None:
    """generated - [(utilised - prior) + stored + (disposed - prior) + dumped + other].

    None if one is unknown, but for `other`: most tables have no such column, and then nothing
    stands for it.

    Every amount stands in it once, so the ends of its interval are sums of ends.
    Source: 排放源统计调查制度, 基101表 (2-domain 1.2).
    """
    if any(name not in amounts for name in _IDENTITY):
        return None
    value = low = high = Fraction(0)
    for name, sign in {**_IDENTITY, **({"other": -1} if "other" in amounts else {})}.items():
        item = amounts[name]
        value += sign * item.value
        low += sign * (item.low if sign > 0 else item.high)
        high += sign * (item.high if sign > 0 else item.low)
    return Amount(value, low, high)
