"""Numbers and periods as people read them: masses, rates, counts, periods; no figure is computed.

Masses come as whole kilograms or as tonnes text of the contract, and always leave with a unit.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from wasteflow.core.periods import SHANGHAI, Period
from wasteflow_maps.style import mass_text

NONE: Final = "–"
_MONTHS: Final = tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())  # noqa: SIM905


class Mass(NamedTuple):
    """A mass ready to print: number, unit, and the exact tonnes for a tooltip."""

    number: str
    unit: str
    exact: str


def kg_of(tonnes: str | None) -> int | None:
    """Whole kilograms of a tonnes text of the contract.

    >>> kg_of("31.480"), kg_of(None)
    (31480, None)
    """
    return None if tonnes is None else int(Decimal(tonnes) * 1000)


def mass(kg: int, lang: str) -> Mass:
    """`kg` in 万吨 or 吨 (Chinese), t (English), with as many places as it deserves.

    >>> mass(123_456_789, "zh")
    Mass(number='12.35', unit='万吨', exact='123,456.789 吨')
    """
    number, _, unit = mass_text(kg, lang).partition(" ")
    whole = Decimal(kg) / 1000
    return Mass(number, unit, f"{whole:,.3f} {'吨' if lang == 'zh' else 't'}")


def cell(kg: int | None) -> str:
    """A mass in tonnes for a column whose head names the unit; small ones keep their kilograms.

    >>> cell(1_234_567_890), cell(12_340), cell(83), cell(0), cell(None)
    ('1,234,568', '12.3', '0.083', '0', '–')
    """
    if kg is None:
        return NONE
    if kg == 0:
        return "0"
    size = abs(kg)
    places = 0 if size >= 1_000_000 else 1 if size >= 10_000 else 3
    return f"{Decimal(kg) / 1000:,.{places}f}"


def percent(value: float | None) -> str:
    """A fraction as a percentage with one decimal.

    >>> percent(0.7868), percent(None)
    ('78.7', '–')
    """
    return NONE if value is None else f"{Decimal(str(value)) * 100:.1f}"


def money(yuan: str | None, lang: str) -> str:
    """Yuan for reading: 元, 万元, 亿元, or CNY and millions of it; a dash for what is not known.

    >>> money("-7751378.40", "zh"), money("-7751378.40", "en"), money("950", "en")
    ('-775.1 万元', '-7.75 M CNY', '950 CNY')
    """
    if yuan is None:
        return NONE
    value = Decimal(yuan)
    if lang == "en":
        large = abs(value) >= 1_000_000
        return f"{value / 1_000_000:,.2f} M CNY" if large else f"{value:,.0f} CNY"
    if abs(value) >= 100_000_000:
        return f"{value / 100_000_000:,.2f} 亿元"
    return f"{value / 10_000:,.1f} 万元" if abs(value) >= 10_000 else f"{value:,.0f} 元"


def target_value(operator: str, value: str, unit: str, lang: str) -> str:
    """The value of a target with its operator and unit; "" for a qualitative one.

    >>> target_value(">=", "0.75", "fraction", "zh"), target_value(">=", "4000000000", "t", "zh")
    ('≥ 75 %', '≥ 40 亿吨')
    >>> target_value("<=", "0", "t", "en"), target_value("keep", "0.95", "fraction", "en")
    ('≤ 0 t', '≥ 95 %')
    """
    if not value:
        return ""
    sign = {">=": "≥ ", "<=": "≤ ", "keep": "≥ "}.get(operator, "")
    number = Decimal(value)
    if unit == "fraction":
        return f"{sign}{_plain(number * 100)} %"
    if unit != "t":
        return f"{sign}{_plain(number)} {unit}"
    if abs(number) >= 100_000_000:
        size, word = (100_000_000, "亿吨") if lang == "zh" else (1_000_000, "Mt")
        return f"{sign}{_plain(number / size)} {word}"
    amount = mass(int(number * 1000), lang)
    return f"{sign}{amount.number} {amount.unit}"


def _plain(number: Decimal) -> str:
    """A number without trailing zeros and without an exponent."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(number: int) -> str:
    """A count with thousands separators."""
    return f"{number:,}"


def month_words(month: int, lang: str) -> str:
    """A month in words.

    >>> month_words(202607, "zh"), month_words(202607, "en")
    ('2026年7月', 'Jul 2026')
    """
    year, number = divmod(month, 100)
    return f"{year}年{number}月" if lang == "zh" else f"{_MONTHS[number - 1]} {year}"


def month_short(month: int, lang: str) -> str:
    """A month without its year, for an axis."""
    number = month % 100
    return f"{number}月" if lang == "zh" else _MONTHS[number - 1]


def period_words(period: Period, lang: str) -> str:
    """A period in words.

    >>> period_words(Period.parse("2026-01..2026-10"), "zh")
    '2026年1—10月'
    >>> [period_words(Period.parse(text), "zh") for text in ("2025Q3", "2025-11..2026-02")]
    ['2025年第3季度', '2025年11月—2026年2月']
    >>> [period_words(Period.parse(text), "en") for text in ("2025", "2025H1", "2025-07")]
    ['2025', 'H1 2025', 'Jul 2025']
    """
    text, year = period.text, period.first // 100
    if period.first == period.last:
        return month_words(period.first, lang)
    if text == str(year):
        return f"{year}年" if lang == "zh" else text
    if "Q" in text:
        return f"{year}年第{text[-1]}季度" if lang == "zh" else f"Q{text[-1]} {year}"
    if "H" in text:
        halves = "上下" if lang == "zh" else "12"
        half = halves[int(text[-1]) - 1]
        return f"{year}年{half}半年" if lang == "zh" else f"H{half} {year}"
    if year == period.last // 100:
        first, last = period.first % 100, period.last % 100
        if lang == "zh":
            return f"{year}年{first}—{last}月"
        return f"{_MONTHS[first - 1]}–{_MONTHS[last - 1]} {year}"
    dash = "—" if lang == "zh" else " – "
    return f"{month_words(period.first, lang)}{dash}{month_words(period.last, lang)}"


def moment_words(moment: datetime) -> str:
    """A moment by the clock of Beijing, to the second.

    >>> from datetime import UTC
    >>> moment_words(datetime(2026, 7, 1, 4, tzinfo=UTC))
    '2026-07-01 12:00:00'
    """
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
