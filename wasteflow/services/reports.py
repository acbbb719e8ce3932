"""Reports from roll-ups and registry alone: balances, the flow graph, what the books hold.

Every function reads in one transaction and computes after it.  The dicts are the JSON shapes of
4-contract 4.3; tonnes are decimal strings.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from wasteflow.core.balances import Balance, balances, total_balance
from wasteflow.core.books import PeriodBooks
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.graph import LEVELS, build_graph, node_link
from wasteflow.core.later import nx
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.services.reported import Reported, cut_period, reported
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


class Overview(Struct, frozen=True):
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


class BooksRead(Struct, frozen=True):
    """The books of a period, their registry, and whether they hold synthetic records.

    `held`: what they rest on, if they are those of a closed month.
    """

    registry: Registry
    period: Period
    books: PeriodBooks
    synthetic: bool
    held: Reported | None

    def told(self, report: dict[str, Any]) -> dict[str, Any]:
        """The report, with what it rests on if it is as of a month."""
        return {**report, "as_reported": self.held.as_dict()} if self.held else report


def read_books(
    *,
    db: Database,
    period: Period,
    scope: str = "all",
    material: str = "",
    negatives: bool = False,
    as_of: int = 0,
) -> BooksRead:
    """The books of a period, now or as they were booked by the end of month `as_of`.

    Raises InvalidValue `bad_scope`, `as_of_before_period`; NotFound `unknown_code`.
    """
    period = cut_period(period, as_of)
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        firms = keys.registry.in_scope(scope)
        books = queries.period_books(
            session, keys, period, material=material, negatives=negatives, as_of=as_of
        )
        synthetic = queries.has_synthetic(session)
        held = reported(session, keys, as_of, firms)
        return BooksRead(keys.registry, period, books, synthetic, held)


def check_material(registry: Registry, material: str) -> None:
    """NotFound `unknown_code` for a material that is not registered."""
    if material and material not in registry.materials:
        raise NotFound("unknown_code", what="material", value=material)


def balance_report(
    *, db: Database, scope: str = "all", period: Period, material: str = "", as_of: int = 0
) -> dict[str, Any]:
    """`balance` of the contract: a line per enterprise, compartment and material, and the total.

    as_of (yyyymm): as it was booked by the end of that month; the period is cut there.
    Raises InvalidValue `bad_scope`, `as_of_before_period`; NotFound `unknown_code`.
    """
    read = read_books(
        db=db, period=period, scope=scope, material=material, negatives=True, as_of=as_of
    )
    lines = balances(read.books, read.registry.in_scope(scope), material)
    return read.told(
        {
            "period": read.period.text,
            "scope": scope,
            "synthetic": read.synthetic,
            "rows": [balance_row(line) for line in lines],
            "total": balance_row(total_balance(lines)),
        }
    )


def balance_row(line: Balance) -> dict[str, Any]:
    """A line of the balance as it stands in JSON."""
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
    _check_level(level)
    read = read_books(db=db, period=period, material=material)
    return _graph(read, level, material, keep_transit), read.synthetic


def _check_level(level: str) -> None:
    if level not in LEVELS:
        raise InvalidValue("bad_level", value=level, known=" ".join(LEVELS))


def _graph(read: BooksRead, level: str, material: str, keep_transit: bool) -> nx.MultiDiGraph[str]:
    return build_graph(
        read.books, read.registry, level=level, material=material, keep_transit=keep_transit
    )


def flows_report(
    *,
    db: Database,
    period: Period,
    level: str = "enterprise",
    material: str = "",
    keep_transit: bool = False,
    as_of: int = 0,
) -> dict[str, Any]:
    """`flows` of the contract: NetworkX node-link with `edges`.

    as_of (yyyymm): as they were booked by the end of that month; the period is cut there.
    Raises InvalidValue `bad_level`, `as_of_before_period`; NotFound `unknown_code`.
    """
    _check_level(level)
    read = read_books(db=db, period=period, material=material, as_of=as_of)
    graph = _graph(read, level, material, keep_transit)
    return read.told({**node_link(graph, read.period.text, level), "synthetic": read.synthetic})
