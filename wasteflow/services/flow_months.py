"""The links of a period month by month, for a map that plays; no graph is built."""

from __future__ import annotations

from wasteflow.core.books import flows_of_months
from wasteflow.core.flow_filter import EdgeKey
from wasteflow.core.graph import edge_sums
from wasteflow.core.periods import Period
from wasteflow_models import month_flows
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

MonthEdges = tuple[int, dict[EdgeKey, tuple[int, int]]]
"""A month (yyyymm), and edge → (kilograms, loads) in it."""


def flows_by_month(
    *, db: Database, period: Period, level: str, material: str = ""
) -> list[MonthEdges]:
    """Every month of a period with its edges; the sum over the months is the flow report's.

    Raises NotFound `unknown_code`.
    """
    with db.read() as session:
        keys = load_keys(session)
        names = month_flows.numbering(session, keys).names
        found: list[MonthEdges] = []
        for month in period.months():
            rows = month_flows.month_flows(session, keys, month, month, material=material)
            edges = edge_sums(flows_of_months(names, rows), keys.registry, level, material)
            found.append((month, {edge[:4]: edge[4:] for edge in edges}))
        return found
