"""Reports from roll-ups and registry alone: balances, the flow graph, what the books hold.

Every function reads in one transaction and computes after it.  The dicts are the JSON shapes of
4-contract 4.3; tonnes are decimal strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import networkx as nx

from wasteflow.core.balances import Balance, balances, total_balance
from wasteflow.core.books import PeriodBooks
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.graph import LEVELS, build_graph, node_link
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


@dataclass(frozen=True, slots=True)
class Overview:
    """What the books hold: registry, first and last month, synthetic or not, number of places."""

    registry: Registry
    first: int | None
    last: int | None
    synthetic: bool
    places: int = 0


def overview(*, db: Database) -> Overview:
    """Registry snapshot and span of the books."""
    with db.read() as session:
        span = queries.ledger_months(session)
        first, last = span or (None, None)
        return Overview(
            load_keys(session).registry,
            first,
            last,
            queries.has_synthetic(session),
            queries.place_count(session),
        )


def read_books(
    *, db: Database, period: Period, material: str = "", negatives: bool = False
) -> tuple[Registry, PeriodBooks, bool]:
    """Registry, books of the period, and whether they hold synthetic records."""
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        books = queries.period_books(session, keys, period, material=material, negatives=negatives)
        return keys.registry, books, queries.has_synthetic(session)


def check_material(registry: Registry, material: str) -> None:
    """NotFound `unknown_code` for a material that is not registered."""
    if material and material not in registry.materials:
        raise NotFound("unknown_code", what="material", value=material)


def balance_report(
    *, db: Database, scope: str = "all", period: Period, material: str = ""
) -> dict[str, Any]:
    """`balance` of the contract: a line per enterprise, compartment and material, and the total.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    registry, books, synthetic = read_books(db=db, period=period, material=material, negatives=True)
    lines = balances(books, registry.in_scope(scope), material)
    return {
        "period": period.text,
        "scope": scope,
        "synthetic": synthetic,
        "rows": [_balance_row(line) for line in lines],
        "total": _balance_row(total_balance(lines)),
    }


def _balance_row(line: Balance) -> dict[str, Any]:
    return {
        "enterprise": line.enterprise,
        "compartment": line.compartment,
        "material": line.material,
        "opening_t": tonnes_text(line.opening_kg),
        "in": {word: tonnes_text(kg) for word, kg in sorted(line.ins.items())},
        "out": {word: tonnes_text(kg) for word, kg in sorted(line.outs.items())},
        "closing_t": tonnes_text(line.closing_kg),
        "residual_t": tonnes_text(line.residual_kg),
        "findings": line.findings(),
    }


def flow_graph(
    *,
    db: Database,
    period: Period,
    level: str = "enterprise",
    material: str = "",
    keep_transit: bool = False,
) -> tuple[nx.MultiDiGraph[str], bool]:
    """The flow graph of a period and whether it holds synthetic records.

    Raises InvalidValue `bad_level`, NotFound `unknown_code`.
    """
    if level not in LEVELS:
        raise InvalidValue("bad_level", value=level, known=" ".join(LEVELS))
    registry, books, synthetic = read_books(db=db, period=period, material=material)
    graph = build_graph(books, registry, level=level, material=material, keep_transit=keep_transit)
    return graph, synthetic


def flows_report(
    *,
    db: Database,
    period: Period,
    level: str = "enterprise",
    material: str = "",
    keep_transit: bool = False,
) -> dict[str, Any]:
    """`flows` of the contract: NetworkX node-link with `edges`."""
    graph, synthetic = flow_graph(
        db=db, period=period, level=level, material=material, keep_transit=keep_transit
    )
    return {**node_link(graph, period.text, level), "synthetic": synthetic}
