"""Generation held against product output by coefficient (2-domain 5): a range and a finding.

A finding never blocks: coefficients are rules of thumb.  Posted masses are wet; coefficients do not
say what they are.  So generation is out of range only if it is so on either basis; `dry_kg` is what
was measured, or the wet mass less the free water of the moisture coefficient, low to high.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.coefficients import (
    FREE_WATER,
    GENERATION,
    MOISTURE,
    Coefficient,
    coefficient_of,
)
from wasteflow.core.units import tonnes_text

BELOW, ABOVE = "generation_below_output", "generation_above_output"
BASIS_UNCLEAR = "generation_basis_unclear"
NO_OUTPUT, NO_RANGE = "no_product_output", "no_coefficient_range"
MONTHS_DIFFER = "output_months_differ"
P2O5: Final = "p2o5"
FULL: Final = 100_000
"""100 % in thousandths of a percent."""

INCLUDES: Final[dict[str, frozenset[str]]] = {
    "crude_steel": frozenset({"converter_steel", "eaf_steel"}),
    "alumina": frozenset({"alumina_sinter"}),
    "phosphate_fertiliser": frozenset({"dap"}),
}
"""Driver → drivers whose output it already holds: counted once, as the wider one."""
ACIDS: Final = frozenset({P2O5, "h3po4_100", "phosphoric_acid"})
"""Products that are the acid itself; beside them fertilisers made from it are not counted again."""

Months = Mapping[int, int]
"""Month (yyyymm) → kilograms."""


class Output(Struct, frozen=True):
    """Output of one product of an enterprise in a month.

    `p2o5` is its P2O5 content in thousandths of a percent, None where it is not given.
    """

    enterprise: str
    product: str
    month: int
    kg: int
    p2o5: int | None = None


class Crosscheck(Struct, frozen=True):
    """Generation of one enterprise and material against its output; kilograms, None = unknown.

    `drivers` maps each driver to its output; `expected` is (low, typical, high) generation;
    `dry_kg` is (low, high).  `finding` is "" where all is well, `reason` says why nothing could be
    checked.
    """

    enterprise: str
    material: str
    generated_kg: int
    dry_kg: tuple[int, int] | None = None
    drivers: Mapping[str, int] = field(default_factory=dict)
    expected: tuple[int | None, int | None, int | None] = (None, None, None)
    coefficients: tuple[str, ...] = ()
    finding: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def factor(self) -> Fraction | None:
        """Tonnes generated (wet) per tonne of the one driver; None with several or no output."""
        outputs = list(self.drivers.values())
        return Fraction(self.generated_kg, outputs[0]) if len(outputs) == 1 and outputs[0] else None


def crosscheck(
    outputs: Iterable[Output],
    generated: Mapping[tuple[str, str], Months],
    coefficients: Iterable[Coefficient],
    *,
    dry: Mapping[tuple[str, str], int] | None = None,
) -> list[Crosscheck]:
    """One line per (enterprise, material) with generation or with an output that brings it.

    generated: wet kilograms by month, without what is flagged `from_use`; dry: measured dry
    kilograms where every record of the period has them.  In order of enterprise and material.
    """
    known = sorted(coefficients, key=lambda item: item.code)
    made = _by_driver(outputs, known)
    checkable = {item.material for item in known if item.kind == GENERATION and item.material}
    keys = {key for key in generated if key[1] in checkable} | set(made)
    return [
        _check(key, made.get(key, {}), generated.get(key, {}), known, (dry or {}).get(key))
        for key in sorted(keys)
    ]


def drivers_of(product: str, p2o5: int | None, coefficients: Iterable[Coefficient]) -> list[str]:
    """Drivers an output can be counted under: by its P2O5 content, else by its own name.

    Empty where no generation coefficient knows it.
    """
    driver = P2O5 if p2o5 is not None else product
    return [
        item.driver
        for item in coefficients
        if item.kind == GENERATION and item.material and item.driver == driver
    ]


def _by_driver(
    outputs: Iterable[Output], coefficients: list[Coefficient]
) -> dict[tuple[str, str], dict[str, dict[int, Fraction]]]:
    """(enterprise, material) → driver → month → kilograms of the driver, nothing counted twice."""
    materials: dict[str, set[str]] = {}
    for item in coefficients:
        if item.kind == GENERATION and item.material:
            materials.setdefault(item.driver, set()).add(item.material)
    rows = list(outputs)
    acid_makers = {row.enterprise for row in rows if row.product in ACIDS}
    found: dict[tuple[str, str], dict[str, dict[int, Fraction]]] = {}
    for row in rows:
        driver, kg = row.product, Fraction(row.kg)
        if row.p2o5 is not None:
            driver, kg = P2O5, kg * row.p2o5 / FULL
        bearing = row.p2o5 is not None or "phosphogypsum" in materials.get(driver, ())
        if bearing and row.product not in ACIDS and row.enterprise in acid_makers:
            continue
        for material in sorted(materials.get(driver, ())):
            months = found.setdefault((row.enterprise, material), {}).setdefault(driver, {})
            months[row.month] = months.get(row.month, Fraction(0)) + kg
    for drivers in found.values():
        for wide, narrow in INCLUDES.items():
            if wide in drivers:
                for name in narrow:
                    drivers.pop(name, None)
    return found


def _check(
    key: tuple[str, str],
    drivers: Mapping[str, Mapping[int, Fraction]],
    generated: Months,
    coefficients: list[Coefficient],
    dry: int | None,
) -> Crosscheck:
    wet = sum(generated.values())
    dry_span = _dry_span(key[1], wet, coefficients) if dry is None else (dry, dry)
    if not drivers:
        return Crosscheck(*key, wet, dry_span, reason=NO_OUTPUT)
    amounts = {name: sum(months.values(), Fraction(0)) for name, months in sorted(drivers.items())}
    used = {name: coefficient_of(coefficients, GENERATION, key[1], name) for name in amounts}
    low, typical, high = (
        _expected(amounts, {name: getattr(item, end) for name, item in used.items()})
        for end in ("low", "typical", "high")
    )
    stated = {month for months in drivers.values() for month in months}
    differ = {month for month, kg in generated.items() if kg} - stated
    return Crosscheck(
        *key,
        generated_kg=wet,
        dry_kg=dry_span,
        drivers={name: int(kg) for name, kg in amounts.items()},
        expected=(_whole(low), _whole(typical), _whole(high)),
        coefficients=tuple(sorted(item.code for item in used.values() if item)),
        finding=_finding(wet, dry_span, low, high),
        reason=NO_RANGE if low is None and high is None else "",
        notes=(MONTHS_DIFFER,) if differ else (),
    )


def _whole(kg: Fraction | None) -> int | None:
    return None if kg is None else int(kg)


def _expected(
    amounts: Mapping[str, Fraction], factors: Mapping[str, Fraction | None]
) -> Fraction | None:
    """Σ output × factor; None if one factor is not established."""
    total = Fraction(0)
    for name, kg in amounts.items():
        factor = factors.get(name)
        if factor is None:
            return None
        total += kg * factor
    return total


def _dry_span(material: str, wet: int, coefficients: list[Coefficient]) -> tuple[int, int] | None:
    """(low, high) dry kilograms of a wet mass by its free-water coefficient; None without one."""
    water = coefficient_of(coefficients, MOISTURE, material, FREE_WATER)
    if water is None or water.low is None or water.high is None:
        return None
    return int(wet * (1 - water.high)), int(wet * (1 - water.low))


def _finding(
    wet: int, dry: tuple[int, int] | None, low: Fraction | None, high: Fraction | None
) -> str:
    """Below or above on every basis, in range on the dry one alone, or ""."""
    on_wet = _side(wet, wet, low, high)
    if not on_wet or dry is None:
        return on_wet
    on_dry = _side(dry[0], dry[1], low, high)
    return on_wet if on_wet == on_dry else BASIS_UNCLEAR


def _side(least: int, most: int, low: Fraction | None, high: Fraction | None) -> str:
    """Where the span least..most lies of the range."""
    if low is not None and most < low:
        return BELOW
    return ABOVE if high is not None and least > high else ""


def crosscheck_row(line: Crosscheck) -> dict[str, Any]:
    """The JSON object of one line; tonnes are strings; `basis` is that of `generated_t`."""
    low, typical, high = (_tonnes(kg) for kg in line.expected)
    factor = line.factor
    return {
        "enterprise": line.enterprise,
        "material": line.material,
        "output_t": {driver: tonnes_text(kg) for driver, kg in line.drivers.items()},
        "generated_t": tonnes_text(line.generated_kg),
        "basis": "wet",
        "generated_dry_t": None if line.dry_kg is None else [tonnes_text(kg) for kg in line.dry_kg],
        "expected_t": {"low": low, "typical": typical, "high": high},
        "factor": None if factor is None else round(float(factor), 6),
        "coefficients": list(line.coefficients),
        "finding": line.finding or None,
        "reason": line.reason or None,
        "notes": list(line.notes),
    }


def _tonnes(kg: int | None) -> str | None:
    return None if kg is None else tonnes_text(kg)
