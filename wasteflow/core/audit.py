"""The auditor of published figures: which formula gives the printed rate, does the identity close.

Rates and their rounding are in `audit_rates`, the findings in `audit_findings`; no file is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from wasteflow.core.audit_findings import Facts, findings_of, stock_rolls_forward
from wasteflow.core.audit_rates import (
    AMOUNTS,
    RATIOS,
    Amount,
    Match,
    RateInterval,
    amount_of,
    identity_residual,
    match,
    rate_interval,
)
from wasteflow.core.errors import InvalidValue, Remark

MAX_DECIMALS: Final = 15
_SHOWN_PLACES: Final = 12


class Figure(Struct, frozen=True):
    """One row of a published table, as printed; what is not printed is absent or None.

    `amounts` is a part of the columns `AMOUNTS`, all in one unit; `published_rate` is in percent.
    `decimals` and `rate_decimals` say how both were rounded; None takes the decimals of the print
    (of the amount with most of them), and a finding says so.
    Raises InvalidValue: `bad_figure`, `bad_decimals`.
    """

    id: str
    amounts: Mapping[str, Decimal]
    decimals: int | None = None
    published_rate: Decimal | None = None
    rate_decimals: int | None = None
    scope: str = ""
    year: str = ""
    material: str = ""

    def __post_init__(self) -> None:
        rate = () if self.published_rate is None else (self.published_rate,)
        for value in (*self.amounts.values(), *rate):
            if value < 0:
                raise InvalidValue("bad_figure", value=value)
        for decimals in (self.decimals, self.rate_decimals):
            if decimals is not None and abs(decimals) > MAX_DECIMALS:
                raise InvalidValue("bad_decimals", value=decimals, limit=MAX_DECIMALS)


class Audit(Struct, frozen=True):
    """Rates of a figure by formula, how each gives the printed one, identity, findings."""

    figure: Figure
    decimals: int
    rate_decimals: int
    rates: Mapping[str, RateInterval]
    matches: Mapping[str, Match]
    residual: Amount | None
    findings: tuple[Remark, ...] = field(default=())

    @property
    def reproduced_by(self) -> list[str]:
        """Formulas whose interval meets the rounded or truncated published rate."""
        return [name for name, how in self.matches.items() if how]

    def as_dict(self) -> dict[str, Any]:
        """The object of the contract (4-contract 4.3): fractions and amounts as JSON numbers.

        Bounds are rounded outwards at the 12th decimal; None is "no bound".
        """
        rates: dict[str, dict[str, Any]] = {}
        for name, rate in self.rates.items():
            if rate.value is None:
                rates[name] = {"not_computable": rate.reason}
            else:
                rates[name] = {
                    "value": _number(rate.value, round),
                    "low": _number(rate.low, floor),
                    "high": _number(rate.high, ceil),
                }
        return {
            "id": self.figure.id,
            "rates": rates,
            "reproduced_by": self.reproduced_by,
            "identity_residual": None if self.residual is None else float(self.residual.value),
            "findings": [finding.code for finding in self.findings],
        }


def audit_figure(figure: Figure) -> Audit:
    """Audit one figure by itself.

    2016, 214 cities, in 亿吨: the printed 48.0 % is a share of fate, not a utilisation rate.
    Source: 2017年全国大、中城市固体废物污染环境防治年报.

    >>> amounts = {"generated": "14.8", "utilised": "8.6", "disposed": "3.8", "stored": "5.5",
    ...            "dumped": "0.0"}
    >>> audit = audit_figure(Figure("2016", {k: Decimal(v) for k, v in amounts.items()}, 1,
    ...                             Decimal("48.0"), 1))
    >>> audit.reproduced_by, audit.rates["official"].reason, audit.residual
    (['fate_share'], 'not_published: utilised_prior', None)
    """
    return _audit(figure, None)


def audit_figures(figures: Iterable[Figure]) -> list[Audit]:
    """Audit figures in their order, also against the year before of the same scope and material.

    An `id` given more than once is a finding on each but the first.
    """
    listed = list(figures)
    by_year: dict[tuple[str, str, int], list[Figure]] = {}
    for figure in listed:
        by_year.setdefault((figure.scope, figure.material, _year(figure)), []).append(figure)
    seen: set[str] = set()
    audits = []
    for figure in listed:
        year = _year(figure)
        before = by_year.get((figure.scope, figure.material, year - 1), []) if year else []
        audit = _audit(figure, before[0] if len(before) == 1 else None)
        if figure.id in seen:
            again = Remark("figure_id_repeated", {"value": figure.id})
            audit = replace(audit, findings=(again, *audit.findings))
        seen.add(figure.id)
        audits.append(audit)
    return audits


def _year(figure: Figure) -> int:
    """The calendar year, 0 where the cell is something else.

    >>> _year(Figure("a", {}, year="2016年")), _year(Figure("b", {}, year="2016H1"))
    (2016, 0)
    """
    text = figure.year.removesuffix("年").strip()
    return int(text) if len(text) == 4 and text.isdecimal() else 0


def _audit(figure: Figure, before: Figure | None) -> Audit:
    decimals = _decimals(figure)
    amounts = _amounts(figure)
    rates = {name: rate_interval(ratio, amounts) for name, ratio in RATIOS.items()}
    printed, places = figure.published_rate, figure.rate_decimals
    if places is None:
        places = 0 if printed is None else _places(printed)
    matches: dict[str, Match] = {
        name: "" if printed is None else match(rate, printed, places)
        for name, rate in rates.items()
    }
    residual = identity_residual(amounts)
    rolls = before is not None and stock_rolls_forward(amounts, _amounts(before))
    facts = Facts(
        amounts=amounts,
        rates=rates,
        matches=matches,
        residual=residual,
        published_rate=printed,
        rolls_from=before.id if before is not None and rolls else "",
    )
    notes = tuple(_notes(figure, decimals, places))
    findings = (*notes, *findings_of(facts))
    return Audit(figure, decimals, places, rates, matches, residual, findings)


def _amounts(figure: Figure) -> dict[str, Amount]:
    """The amounts with their intervals, in the order of `AMOUNTS`."""
    decimals = _decimals(figure)
    return {
        name: amount_of(figure.amounts[name], decimals)
        for name in AMOUNTS
        if name in figure.amounts
    }


def _decimals(figure: Figure) -> int:
    """Decimals the amounts are rounded to: as stated, otherwise the most that is printed."""
    if figure.decimals is not None:
        return figure.decimals
    return max((_places(value) for value in figure.amounts.values()), default=0)


def _places(value: Decimal) -> int:
    """Decimals of a number as it is printed.

    >>> _places(Decimal("60.30")), _places(Decimal("1.2E+3"))
    (2, 0)
    """
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _notes(figure: Figure, decimals: int, places: int) -> Iterable[Remark]:
    """What was assumed about decimals, and where the print contradicts what is stated."""
    if figure.decimals is None and figure.amounts:
        yield Remark("decimals_assumed", {"column": "decimals_of_amounts", "value": str(decimals)})
    if figure.published_rate is not None and figure.rate_decimals is None:
        yield Remark("decimals_assumed", {"column": "decimals_of_rate", "value": str(places)})
    finer = [name for name in AMOUNTS if _finer(figure.amounts.get(name, Decimal(0)), decimals)]
    if figure.published_rate is not None and _finer(figure.published_rate, places):
        finer.append("published_rate")
    if finer:
        yield Remark("more_decimals_than_stated", {"columns": ", ".join(finer)})


def _finer(value: Decimal, decimals: int) -> bool:
    """Whether `value` cannot have been rounded to `decimals` decimals."""
    scaled = Fraction(value) * Fraction(10) ** decimals
    return scaled.denominator != 1


def _number(value: Fraction | None, rounding: Any) -> float | None:
    """A fraction as a JSON number of at most 12 decimals."""
    if value is None:
        return None
    return float(Fraction(rounding(value * 10**_SHOWN_PLACES), 10**_SHOWN_PLACES))
