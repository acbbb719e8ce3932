"""Coefficients as plain data: exact low, typical and high per unit of a driver (2-domain 5)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from msgspec import Struct

GENERATION, MOISTURE = "generation", "moisture"
"""Kinds of coefficient the checks read."""
FREE_WATER = "free_water"


class Coefficient(Struct, frozen=True):
    """One row of `coefficients`; None = not established.

    Kind `generation`: tonnes of `material` per tonne of `driver`; kind `moisture`: fraction of the
    wet mass.
    """

    code: str
    kind: str
    material: str
    driver: str
    low: Fraction | None = None
    typical: Fraction | None = None
    high: Fraction | None = None
    unit: str = ""
    source: str = ""


def coefficient_of(
    coefficients: Iterable[Coefficient], kind: str, material: str, driver: str
) -> Coefficient | None:
    """The coefficient of a kind, material and driver, the first by code; None if there is none."""
    found = [
        item
        for item in coefficients
        if (item.kind, item.material, item.driver) == (kind, material, driver)
    ]
    return min(found, key=lambda item: item.code, default=None)


def per_driver(mass_kg: int, coefficient: Coefficient) -> tuple[int | None, int | None, int | None]:
    """(low, typical, high) kilograms of the driver that generate `mass_kg` of the material.

    The high coefficient gives the low end.  Whole kilograms, rounded down; None where the
    coefficient is not established.

    >>> acid = Coefficient("c", "generation", "m", "d", low=Fraction(9, 2), high=Fraction(6))
    >>> per_driver(9_000, acid)
    (1500, None, 2000)
    """
    ends = (coefficient.high, coefficient.typical, coefficient.low)
    low, typical, high = (None if not end else int(mass_kg / end) for end in ends)
    return low, typical, high
