"""Our tracing: rates of a year with no chain remembered, and the whole table by origin.

No other program we know traces a ledger to its generators, so there is no peer.
"""

from __future__ import annotations

from typing import Any

from benchmarks.measuring import Prepared
from benchmarks.ours import kilograms
from wasteflow.core.periods import Period
from wasteflow.core.tracing.forward import forward
from wasteflow.services import rating
from wasteflow.services import tracing as services
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def traced_rates(url: str, warm_url: str, period: str, basis: str, cold: bool) -> Prepared:
    """Rates by park and material of a period, every chain of months made anew.

    cold: registry and columns of the roll-up are read again as well; otherwise they are in memory.
    """
    db, small, span = Database(url), Database(warm_url), Period.parse(period)

    def run(books: Database) -> dict[str, Any]:
        return rating.rates_report(db=books, period=span, by="park,material", basis=basis)

    def facts(report: dict[str, Any]) -> dict[str, Any]:
        return {
            "rows": len(report["rows"]),
            "utilised_kg": kilograms(report["total"]["utilised_t"]),
        }

    def warm() -> None:
        run(small)
        if not cold:
            run(db)

    return Prepared(
        run=lambda: run(db),
        facts=facts,
        warm=warm,
        before=services.forget if cold else services.forget_chains,
        end=db.dispose,
    )


def origin_table(url: str) -> Prepared:
    """Every place by every origin (generator and year) at the end of every month, all materials."""
    db = Database(url)
    with db.read() as session:
        keys = load_keys(session)
        versions = queries.rollup_versions(session, keys)
        books = [services.traced(session, keys, stuff, versions) for stuff in sorted(versions)]

    def run() -> dict[str, int]:
        cells = months = 0
        for item in books:
            for step in forward(item.operators, item.passed):
                cells += int(step.closing().nnz)
                months += 1
        return {"months": months, "cells": cells}

    return Prepared(run, facts=lambda found: found, end=db.dispose)
