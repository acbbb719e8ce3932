"""Dependence as rows for pages, files and the API; every number is taken, none decided.

A firm that may not be named stands as None with `hidden`; its tonnes are the asker's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from wasteflow.core.formulas import Rate
from wasteflow.core.symbiosis.dependence import (
    Closure,
    Concentration,
    Dependence,
    concentration,
    points_lost,
)
from wasteflow.core.symbiosis.rows import yuan
from wasteflow.core.symbiosis.structure import Bridge, Hinge
from wasteflow.core.symbiosis.today import Owner
from wasteflow.core.units import tonnes_text

PLACES: Final = 9
Names = Callable[[str], bool]
"""Whether a firm may be named."""

FORMULA_WORDS: Final = {
    "points_lost": "100 * (rate - rate without the use at the receiver)",
    "points_lost_rerouted": "the same after what lost its place went where there is room",
    "stranded_t": "tonnes that lost their place - tonnes that found another",
    "hhi": "sum over receivers of (share of the tonnes)^2, from 1/n to 1",
}
"""What stands behind each number, told with the report."""


def fraction(value: Fraction | None) -> float | None:
    """A fraction as it is told."""
    return None if value is None else round(float(value), PLACES)


def rate_value(rate: Rate | None) -> float | None:
    """The value of a rate as it is told."""
    return None if rate is None else fraction(rate.value)


def closure_row(found: Dependence, closure: Closure, share_of: int, names: Names) -> dict[str, Any]:
    """A receiver closed: tonnes, points lost without and with re-routing, whom it strands."""
    named = names(closure.receiver)
    asked = closure.rerouted_terms is not None
    lost_rate, back_rate = closure.rate, closure.rerouted_rate
    return {
        "receiver": closure.receiver if named else None,
        "hidden": not named,
        "own_use": all(item.producer == closure.receiver for item in closure.lost),
        "producers": len({item.producer for item in closure.lost}),
        "tonnes": tonnes_text(closure.kg),
        "share": fraction(Fraction(closure.kg, share_of)) if share_of else None,
        "rate_without": rate_value(lost_rate),
        "points_lost": fraction(points_lost(found.rate, lost_rate)),
        "rerouted": asked,
        "rerouted_t": tonnes_text(closure.rerouted_kg) if asked else None,
        "stranded_t": tonnes_text(closure.kg - closure.rerouted_kg) if asked else None,
        "rate_rerouted": rate_value(back_rate),
        "points_lost_rerouted": fraction(points_lost(found.rate, back_rate)),
        "cost": None if closure.cost_fen is None else yuan(closure.cost_fen),
        "not_computable": lost_rate.not_computable or found.rate.not_computable,
        "lost": [
            {
                "producer": item.producer,
                "material": item.material,
                "tonnes": tonnes_text(item.kg),
                "rerouted_t": None if item.rerouted_kg is None else tonnes_text(item.rerouted_kg),
                "stranded_t": tonnes_text(item.stranded_kg),
                "reason": item.reason or ("" if asked else "not_rerouted"),
            }
            for item in sorted(closure.lost, key=lambda item: (-item.kg, item[:2]))
        ],
    }


def concentration_row(found: Concentration | None, names: Names) -> dict[str, Any]:
    """Number of receivers and their shares; nothing computable where nothing is used."""
    if found is None:
        nothing = {"receivers": 0, "hhi": None, "top1": None, "top3": None, "largest": None}
        return {**nothing, "hidden": False, "not_computable": "nothing_used"}
    named = names(found.largest)
    return {
        "receivers": found.receivers,
        "hhi": fraction(found.hhi),
        "top1": fraction(found.top1),
        "top3": fraction(found.top3),
        "largest": found.largest if named else None,
        "hidden": not named,
        "not_computable": None,
    }


def producer_rows(
    owners: Collection[Owner], taken: Mapping[Owner, Mapping[str, int]], names: Names
) -> list[dict[str, Any]]:
    """A row per producer and material, those of the most used tonnes first."""
    rows = []
    for owner in owners:
        kg = taken.get(owner, {})
        rows.append(
            {
                "enterprise": owner[0],
                "material": owner[1],
                "utilised_t": tonnes_text(sum(kg.values())),
                "only_receiver": len(kg) == 1,
                **concentration_row(concentration(kg), names),
            }
        )
    return sorted(
        rows, key=lambda row: (-float(row["utilised_t"]), row["enterprise"], row["material"])
    )


def hinge_rows(hinges: Iterable[Hinge], bridges: Iterable[Bridge]) -> dict[str, Any]:
    """Articulation points and bridges; their firms touch the scope, so they may be named."""
    return {
        "articulation": [
            {
                "enterprise": item.firm,
                "parts": item.parts,
                "cut_off": item.cut_off,
                "tonnes": tonnes_text(item.kg),
            }
            for item in hinges
        ],
        "bridges": [
            {
                "one": item.one,
                "other": item.other,
                "cut_off": item.cut_off,
                "tonnes": tonnes_text(item.kg),
            }
            for item in bridges
        ],
    }
