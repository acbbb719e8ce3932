"""Findings of a scope and period: what looks wrong in the books and blocks nothing; reads only."""

from __future__ import annotations

from typing import Any

from wasteflow.core.balances import balances
from wasteflow.core.periods import Period
from wasteflow.core.units import tonnes_text
from wasteflow.services.checking import stale_stocktakes
from wasteflow.services.reports import read_books
from wasteflow_models.engine import Database


def findings_report(
    *, db: Database, scope: str = "all", period: Period, material: str = ""
) -> dict[str, Any]:
    """{period, scope, synthetic, rows}: negative stock, imbalance, stocktakes that went stale.

    The rows are those of `check`.  Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    read = read_books(db=db, period=period, material=material, negatives=True)
    firms = read.registry.in_scope(scope)
    rows = [
        {
            "code": code,
            "enterprise": line.enterprise,
            "compartment": line.compartment,
            "material": line.material,
            "closing_t": tonnes_text(line.closing_kg),
            "residual_t": tonnes_text(line.residual_kg),
        }
        for line in balances(read.books, firms, material)
        for code in line.findings()
    ]
    rows += [
        row
        for row in stale_stocktakes(db=db)
        if row["enterprise"] in firms and material in ("", row["material"])
    ]
    return {"period": period.text, "scope": scope, "synthetic": read.synthetic, "rows": rows}
