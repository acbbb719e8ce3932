"""Mass in whole kilograms, tonnes as decimal strings, wet and dry basis, percentages.

No float ever holds a ledger mass; more than three decimals are refused, not rounded, unless the
caller asks for `round_kg` (4-contract 4.3).
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from wasteflow.core.errors import InvalidValue

MAX_KG = 10**15
"""Upper bound of one mass (1e12 t): far above any load, far below 64 bits."""

_WIDE = Context(prec=200)
"""Enough digits for any cell: the default context would round a long one silently."""
_MAX_DIGITS = 100
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．－＋，", "0123456789.-+,")
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d{1,2})?\Z")


def decimal_from_text(text: str) -> Decimal:
    """The number written in `text`; full-width digits and thousands commas are understood.

    >>> decimal_from_text(" 1,234.50 ")
    Decimal('1234.50')

    Raises InvalidValue (`not_a_number`) for anything else, NaN and infinities included.
    """
    clean = text.strip().translate(_FULL_WIDTH)
    if len(clean) > _MAX_DIGITS or not _NUMBER.match(clean) or not any(map(str.isdigit, clean)):
        raise InvalidValue("not_a_number", value=text)
    try:
        return Decimal(clean.replace(",", ""))
    except InvalidOperation as error:
        raise InvalidValue("not_a_number", value=text) from error


def kg_from_tonnes(text: str, *, round_kg: bool = False) -> int:
    """Whole kilograms of a mass written in tonnes.

    >>> kg_from_tonnes("31.480")
    31480

    Raises InvalidValue: `not_a_number`, `too_many_places` (more than 3, unless `round_kg`, which
    rounds half to even as GB/T 8170 does), `mass_too_large`.
    """
    kg = decimal_from_text(text).scaleb(3, _WIDE)
    if abs(kg) > MAX_KG:
        raise InvalidValue("mass_too_large", value=text)
    whole = int(kg.to_integral_value(rounding=ROUND_HALF_EVEN))
    if kg != whole and not round_kg:
        raise InvalidValue("too_many_places", value=text)
    return whole


def tonnes_text(kg: int) -> str:
    """Decimal string in tonnes with three places.

    >>> tonnes_text(31480), tonnes_text(-5)
    ('31.480', '-0.005')
    """
    sign = "-" if kg < 0 else ""
    return f"{sign}{abs(kg) // 1000}.{abs(kg) % 1000:03d}"


def moisture_from_text(text: str) -> int:
    """Moisture in thousandths of a percent of the wet mass: "20.5" → 20500; 0 ≤ m < 100 %.

    Raises InvalidValue: `not_a_number`, `moisture_out_of_range`.
    """
    value = decimal_from_text(text.strip().rstrip("%％")).scaleb(3, _WIDE)
    if not 0 <= value < 100_000 or value != int(value):
        raise InvalidValue("moisture_out_of_range", value=text)
    return int(value)


def percent_from_text(text: str) -> int:
    """Thousandths of a percent of a share: "46.5" → 46500; 0 < share ≤ 100 %.

    >>> percent_from_text("100 %")
    100000

    Raises InvalidValue: `not_a_number`, `percent_out_of_range`.
    """
    value = decimal_from_text(text.strip().rstrip("%％")).scaleb(3, _WIDE)
    if not 0 < value <= 100_000 or value != int(value):
        raise InvalidValue("percent_out_of_range", value=text)
    return int(value)


def wet_from_dry(dry_kg: int, moisture: int) -> int:
    """Wet kilograms of a dry mass at `moisture` (thousandths of a percent of the wet mass).

    wet = dry / (1 - m), rounded half to even.

    >>> wet_from_dry(80_000, 20_000)
    100000
    """
    exact = Decimal(dry_kg) * 100_000 / (100_000 - moisture)
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def dry_from_wet(wet_kg: int, moisture: int) -> int:
    """Dry kilograms of a wet mass at `moisture` (thousandths of a percent of the wet mass).

    >>> dry_from_wet(100_000, 20_000)
    80000
    """
    exact = Decimal(wet_kg) * (100_000 - moisture) / 100_000
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
