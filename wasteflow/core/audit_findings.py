"""Findings on one published figure: small checks, each certain whatever the rounding hid.

A check compares ends of intervals, so it speaks only when no true amounts could satisfy it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Final

from msgspec import Struct

from wasteflow.core.audit_rates import Amount, Match, RateInterval
from wasteflow.core.errors import Remark

CUMULATIVE_RATIO: Final = Fraction(3, 2)
"""Stored this many times what the year can have left to store looks like a closing stock …"""
CUMULATIVE_EXCESS: Final = Fraction(2, 100)
"""… if it also exceeds that by this share of generated; below lies statistical noise."""

_UTILISATION: Final = ("official", "simple", "new_waste", "fate_share")
_WITH_DISPOSAL: Final = ("disposal_inclusive", "disposal_inclusive_simple")
_NOTHING: Final = Fraction(0)


class Facts(Struct, frozen=True):
    """What the checks look at; `rolls_from` names the figure of the year before if the change of
    stored since then is what a closing stock would do, "" otherwise."""

    amounts: Mapping[str, Amount]
    rates: Mapping[str, RateInterval]
    matches: Mapping[str, Match]
    residual: Amount | None
    published_rate: Decimal | None
    rolls_from: str = ""

    def low(self, name: str) -> Fraction:
        """Least true amount; 0 where it is blank, which is a bound and no value."""
        return self.amounts[name].low if name in self.amounts else _NOTHING

    @property
    def reproduced(self) -> list[str]:
        """Formulas that give the published rate."""
        return [name for name, how in self.matches.items() if how]


def findings_of(facts: Facts) -> list[Remark]:
    """Every finding on the figure, in a fixed order."""
    return [finding for check in _CHECKS for finding in check(facts)]


def _above_100(facts: Facts) -> Iterator[Remark]:
    """The printed rate, or the official one whatever the rounding, exceeds 100 %."""
    printed, official = facts.published_rate, facts.rates["official"]
    if printed is not None and printed > 100:
        yield Remark("rate_above_100", {"percent": format(printed, "f")})
    elif official.low is not None and official.low > 1:
        yield Remark("rate_above_100", {"percent": percent_text(official.value)})


def _prior_in_total(facts: Facts) -> Iterator[Remark]:
    """A part of an amount exceeds the amount."""
    for whole, code in (
        ("utilised", "prior_exceeds_utilised"),
        ("disposed", "prior_exceeds_disposed"),
    ):
        total, part = facts.amounts.get(whole), facts.amounts.get(f"{whole}_prior")
        if total and part and part.low > total.high:
            yield Remark(
                code, {"prior": amount_text(part.value), "total": amount_text(total.value)}
            )


def _more_than_generated(facts: Facts) -> Iterator[Remark]:
    """More used or disposed than generated, and no prior stock declared."""
    generated = facts.amounts.get("generated")
    if generated is None:
        return
    for whole, code in (
        ("utilised", "utilised_exceeds_generated_without_prior"),
        ("disposed", "disposed_exceeds_generated_without_prior"),
    ):
        total, prior = facts.amounts.get(whole), facts.amounts.get(f"{whole}_prior")
        declared = prior is not None and prior.value > 0
        room = generated.high + (prior.high if prior else _NOTHING)
        if total and not declared and total.low > room:
            yield Remark(
                code,
                {"total": amount_text(total.value), "generated": amount_text(generated.value)},
            )


def _identity(facts: Facts) -> Iterator[Remark]:
    """The identity does not close, or its known parts alone exceed what was generated."""
    residual = facts.residual
    if residual is not None:
        if not residual.low <= 0 <= residual.high:
            names = {
                "residual": residual.value,
                "low": residual.low,
                "high": residual.high,
            }
            yield Remark(
                "identity_does_not_close",
                {name: amount_text(value) for name, value in names.items()},
            )
        return
    room, generated = room_to_store(facts), facts.amounts.get("generated")
    if room is None or generated is None or stored_is_cumulative(facts):
        return
    stored = facts.low("stored")
    if stored > room:
        yield Remark(
            "parts_exceed_generated",
            {
                "parts": amount_text(generated.high - room + stored),
                "generated": amount_text(generated.high),
            },
        )


def room_to_store(facts: Facts) -> Fraction | None:
    """The most that this year's generation can have left to store; None without `generated`.

    generated - (utilised - prior) - (disposed - prior) - dumped, each at the end that leaves most;
    a difference with a blank in it, and a blank `dumped`, may be as little as 0.
    """
    generated = facts.amounts.get("generated")
    if generated is None:
        return None
    room = generated.high - facts.low("dumped")
    for name in ("utilised", "disposed"):
        prior = facts.amounts.get(f"{name}_prior")
        if prior is not None:
            room -= max(_NOTHING, facts.low(name) - prior.high)
    return room


def stored_is_cumulative(facts: Facts) -> bool:
    """Whether stored looks like the closing stock (累计贮存量) instead of what the year stored.

    Stored is put in store out of the year's own generation, so it cannot exceed generated.  It
    looks cumulative if it does; or if it is at least `CUMULATIVE_RATIO` times the room left by the
    other fates and above it by at least `CUMULATIVE_EXCESS` of generated, while these others
    alone fit into generated; or if the identity does not close and stored changed since the year
    before by generated - utilised - disposed - dumped, as a stock does (the priors cancel).
    """
    stored, generated = facts.amounts.get("stored"), facts.amounts.get("generated")
    room = room_to_store(facts)
    if stored is None or generated is None or room is None:
        return False
    if stored.low > generated.high:
        return True
    open_identity = facts.residual is not None and facts.residual.high < 0
    if open_identity and facts.rolls_from:
        return True
    excess = stored.low - room
    return (
        room >= 0
        and stored.low >= CUMULATIVE_RATIO * room
        and excess > CUMULATIVE_EXCESS * generated.high
    )


def _cumulative(facts: Facts) -> Iterator[Remark]:
    room = room_to_store(facts)
    if room is not None and stored_is_cumulative(facts):
        stored = amount_text(facts.amounts["stored"].value)
        yield Remark(
            "stored_looks_cumulative",
            {
                "stored": stored,
                "room": amount_text(max(_NOTHING, room)),
                "previous": facts.rolls_from,
            },
        )


def stock_rolls_forward(now: Mapping[str, Amount], before: Mapping[str, Amount]) -> bool:
    """Whether stored changed since the year before as a closing stock does.

    closing - opening = generated - utilised - disposed - dumped, within all roundings.
    """
    needed = ("generated", "utilised", "disposed", "dumped", "stored")
    if "stored" not in before or any(name not in now for name in needed):
        return False
    ends = [now["generated"].low, now["generated"].high]
    for name in needed[1:4]:
        ends = [ends[0] - now[name].high, ends[1] - now[name].low]
    least = now["stored"].low - before["stored"].high
    most = now["stored"].high - before["stored"].low
    return least <= ends[1] and ends[0] <= most


def _implied_prior(facts: Facts) -> Iterator[Remark]:
    """Fates add up to more than generated where prior amounts are blank: stock was used.

    Prior amounts not published = utilised + disposed + stored + dumped - published priors -
    generated; with `dumped` blank that is a lower bound.  The official rate then lies between
    those with the most and the least of it below the line, at most 1.  Nothing is filled in.
    """
    needed = ("generated", "utilised", "disposed", "stored")
    priors = [name for name in ("utilised_prior", "disposed_prior") if name not in facts.amounts]
    if not priors or any(name not in facts.amounts for name in needed):
        return
    if stored_is_cumulative(facts):
        return
    items = facts.amounts
    plus = [items[name] for name in (*needed[1:], "dumped", "other") if name in items]
    minus = [
        items[name] for name in ("generated", "utilised_prior", "disposed_prior") if name in items
    ]
    low = sum((i.low for i in plus), _NOTHING) - sum((i.high for i in minus), _NOTHING)
    high = sum((i.high for i in plus), _NOTHING) - sum((i.low for i in minus), _NOTHING)
    if low <= 0:
        return
    params = {"columns": ", ".join(priors), "low": amount_text(low)}
    if "dumped" in items:
        params["high"] = amount_text(high)
        if "utilised_prior" in priors:
            own = low if len(priors) == 1 else max(_NOTHING, low - items["disposed"].high)
            used, made = items["utilised"], items["generated"]
            least = used.low / (made.high + high)
            under = made.low + own
            most = used.high / under if used.high < under else Fraction(1)
            params["official_low"] = percent_text(least, floor)
            params["official_high"] = percent_text(most, ceil)
    yield Remark("prior_stock_implied", params)


def _published(facts: Facts) -> Iterator[Remark]:
    """What the published rate is, if it is not the official one."""
    if facts.published_rate is None:
        return
    printed = {"percent": format(facts.published_rate, "f")}
    computable = [name for name, rate in facts.rates.items() if rate.value is not None]
    if not computable:
        yield Remark("published_rate_not_testable", printed)
        return
    found = facts.reproduced
    if not found:
        yield Remark(
            "published_rate_not_reproduced", {**printed, "formulas": ", ".join(computable)}
        )
        return
    if all(facts.matches[name] == "truncated" for name in found):
        yield Remark("published_rate_truncated", {**printed, "formulas": ", ".join(found)})
    if "official" in computable and "official" not in found:
        yield Remark("published_rate_not_official", {**printed, "formulas": ", ".join(found)})
    if not any(name in found for name in _UTILISATION):
        if "consumption_balance" in found:
            yield Remark("treated_counted_as_use", printed)
        if any(name in found for name in _WITH_DISPOSAL):
            yield Remark("disposal_counted_as_use", printed)


_CHECKS: Final[tuple[Callable[[Facts], Iterator[Remark]], ...]] = (
    _above_100,
    _prior_in_total,
    _more_than_generated,
    _identity,
    _cumulative,
    _implied_prior,
    _published,
)


def amount_text(value: Fraction) -> str:
    """An amount as a plain decimal of at most 6 places.

    >>> amount_text(Fraction(-3, 20)), amount_text(Fraction(5000))
    ('-0.15', '5000')
    """
    return _plain(round(value * 10**6), 6)


def percent_text(value: Fraction | None, rounding: Callable[[Fraction], int] = round) -> str:
    """A fraction as percent of at most 2 places, bounds rounded by `floor` or `ceil`; "" for None.

    >>> percent_text(Fraction(2, 3)), percent_text(Fraction(2, 3), floor)
    ('66.67', '66.66')
    """
    return "" if value is None else _plain(rounding(value * 10**4), 2)


def _plain(scaled: int, places: int) -> str:
    text = f"{abs(scaled) // 10**places}.{abs(scaled) % 10**places:0{places}d}"
    return ("-" if scaled < 0 else "") + text.rstrip("0").rstrip(".")
