"""An allocation as the rows of `match` in the contract; every number is taken, none decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from wasteflow.core.formulas import Terms, official
from wasteflow.core.symbiosis.allocate import Allocation
from wasteflow.core.symbiosis.links import Arc, Demand, Limits, Obstacle, Problem, Supply, Verdict
from wasteflow.core.symbiosis.prices import FEN, Cost, Prices
from wasteflow.core.units import tonnes_text

GRAMS_PER_TONNE: Final = 1_000_000
KG: Final = 1000


def yuan(fen: int) -> str:
    """Fen as a decimal string of yuan.

    >>> yuan(-1205)
    '-12.05'
    """
    return f"{'-' if fen < 0 else ''}{abs(fen) // FEN}.{abs(fen) % FEN:02d}"


def total_row(problem: Problem, found: Allocation, terms: Terms) -> dict[str, Any]:
    """Sums over all links, and the official rate of the scope before and with them."""
    pairs = list(zip(problem.arcs, found.kg, strict=True))
    served = sum(found.kg)
    after = Terms()
    after.add(terms)
    if after.utilised_kg is not None:
        after.utilised_kg += served
    before, then = official(terms), official(after)
    co2 = [None if arc.cost.co2_g is None else arc.cost.co2_g * kg for arc, kg in pairs if kg]
    return {
        "tonnes": tonnes_text(served),
        "supply_t": tonnes_text(sum(supply.kg for supply in problem.supplies)),
        "unserved_t": tonnes_text(sum(found.unserved_kg)),
        "cost": yuan(round(sum(arc.cost.net_fen * kg for arc, kg in pairs) / KG)),
        "co2_t": _co2(co2),
        "rate_before": None if before.value is None else round(float(before.value), 9),
        "rate_after": None if then.value is None else round(float(then.value), 9),
        "not_computable": before.not_computable,
        "unpriced": sorted({part for arc, kg in pairs if kg for part in arc.cost.unpriced}),
    }


def co2_tonnes(links: Iterable[tuple[Arc, int]]) -> str | None:
    """Tonnes of CO2 of links with their kilograms; None if one is not known or there are none."""
    grams = [None if arc.cost.co2_g is None else arc.cost.co2_g * kg for arc, kg in links]
    return _co2(grams) if grams else None


def _co2(grams: list[int | None]) -> str | None:
    """Tonnes of CO2 of products of g/t and kg; None if one is not known."""
    known = [value for value in grams if value is not None]
    if len(known) < len(grams):
        return None
    return f"{sum(known) / KG / GRAMS_PER_TONNE:.3f}"


def link_row(
    problem: Problem,
    arc: Arc,
    kg: int,
    prices: Prices,
    limits: Limits,
    terms: Terms,
) -> dict[str, Any]:
    """A proposed link: what it moves, costs, changes, and why it can be made."""
    supply, demand = problem.supplies[arc.supply], problem.demands[arc.demand]
    below = (terms.generated_kg or 0) + (terms.utilised_prior_kg or 0)
    known = terms.utilised_kg is not None and terms.utilised_prior_kg is not None and below
    return {
        "from": supply.enterprise,
        "to": demand.enterprise,
        "facility": demand.facility,
        "material": supply.material,
        "route": arc.route,
        "tonnes": tonnes_text(kg),
        "distance_km": round(arc.km, 1),
        "cost": yuan(round(arc.cost.net_fen * kg / KG)),
        "co2_t": _co2([None if arc.cost.co2_g is None else arc.cost.co2_g * kg]),
        "per_tonne": cost_row(arc.cost),
        "break_even_km": prices.break_even_km(supply.material, arc.route, demand.enterprise),
        "share_of_supply": round(kg / supply.kg, 6),
        "share_of_capacity": round(kg / demand.kg, 6),
        "rate_points": round(100 * kg / below, 6) if known else None,
        "filing": arc.filing,
        "why": _why(arc, supply, demand, prices, limits),
    }


def cost_row(cost: Cost) -> dict[str, Any]:
    """Yuan per tonne by part; None = no coefficient says it."""
    parts = {
        name: None if fen is None else yuan(fen)
        for name, fen in (
            ("freight", cost.freight_fen),
            ("treatment", cost.treatment_fen),
            ("gate_value", cost.gate_fen),
            ("avoided_storage", cost.storage_fen),
        )
    }
    return {**parts, "net": yuan(cost.net_fen), "unpriced": list(cost.unpriced)}


def _why(arc: Arc, supply: Supply, demand: Demand, prices: Prices, limits: Limits) -> list[str]:
    """Codes of what makes a link feasible, and of what it still needs."""
    found = ["route_fits", "permit_holds"]
    found.append("filing_covers" if arc.filing else "no_border")
    if limits.max_km is not None:
        found.append("within_limit")
    elif prices.radius(supply.material) is None:
        found.append("no_radius_known")
    elif not arc.cost.unpriced and arc.cost.net_fen <= 0:
        found.append("pays_for_itself")
    else:
        found.append("within_radius")
    if arc.conditional:
        found.append("link_document_needed")
    if demand.planned:
        found.append("facility_ahead")
    return found


def verdict_row(
    supply: Supply, demand: Demand, found: Verdict, prices: Prices, limits: Limits
) -> dict[str, Any]:
    """One pair that was asked for: feasible or not, and the numbers it was judged by."""
    arc, feasible = found.arc, not found.against
    return {
        "facility": demand.facility,
        "material": supply.material,
        "route": arc.route if arc else "",
        "feasible": feasible,
        "against": list(found.against),
        "distance_km": round(arc.km, 1) if arc else None,
        "limit_km": found.limit_km,
        "per_tonne": cost_row(arc.cost) if arc else None,
        "break_even_km": prices.break_even_km(supply.material, arc.route, demand.enterprise)
        if arc
        else None,
        "why": _why(arc, supply, demand, prices, limits) if arc and feasible else [],
    }


def unserved_rows(problem: Problem, found: Allocation) -> list[dict[str, Any]]:
    """A row per producer and material that keeps something, the largest first."""
    rows = []
    for number, kg in enumerate(found.unserved_kg):
        if not kg:
            continue
        supply, obstacle = problem.supplies[number], problem.obstacles.get(number)
        rows.append(
            {
                "enterprise": supply.enterprise,
                "material": supply.material,
                "tonnes": tonnes_text(kg),
                "reason": found.reasons[number],
                **_obstacle(obstacle),
            }
        )
    return sorted(rows, key=lambda row: (-float(row["tonnes"]), row["enterprise"], row["material"]))


def _obstacle(found: Obstacle | None) -> dict[str, Any]:
    """The receiver that came closest, with its numbers."""
    if found is None:
        return {"facility": "", "distance_km": None, "limit_km": None, "per_tonne": None}
    return {
        "facility": found.facility,
        "distance_km": None if found.km is None else round(found.km, 1),
        "limit_km": found.limit_km,
        "per_tonne": None if found.cost is None else cost_row(found.cost),
    }
