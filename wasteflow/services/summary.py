"""Sums of a wider area for somebody who sees only firms in it; small cells are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wasteflow.core.bulletin import TOTAL
from wasteflow.core.formulas import PRODUCT
from wasteflow.core.periods import Period
from wasteflow.core.suppression import LEAST
from wasteflow.services.rating import rates_report
from wasteflow.services.told import Reader, hidden_of
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

SHOWN = ("generated_t", "utilised_t", "value", "not_computable")


def summary_report(*, db: Database, scope: str, period: Period, reader: Reader) -> dict[str, Any]:
    """Generated, utilised and the official rate per waste of a scope, declared basis.

    A hidden row has `hidden` true and no figure; how many firms stand behind a row is said from
    three on.
    Raises InvalidValue `bad_scope`, `period_not_told`; NotFound.
    """
    with db.read() as session:
        keys = load_keys(session)
        hidden = hidden_of(session, keys, scope, period, reader).lines
    detail = rates_report(db=db, scope=scope, period=period, by="enterprise,material")["rows"]
    whole = rates_report(db=db, scope=scope, period=period, by="material")
    behind: dict[str, set[str]] = {}
    for row in detail:
        if _moves(row) and row["not_computable"] != PRODUCT:
            for line in (row["material"], TOTAL):
                behind.setdefault(line, set()).add(row["enterprise"])
    return {
        "scope": scope,
        "period": period.text,
        "formula": whole["formula"],
        "basis": whole["basis"],
        "synthetic": whole["synthetic"],
        "least_firms": LEAST,
        "rows": [
            {
                "material": row["material"],
                **_figures(
                    row,
                    len(behind.get(row["material"], ())),
                    ("material", row["material"]) in hidden,
                ),
            }
            for row in whole["rows"]
            if row["not_computable"] != PRODUCT
        ],
        "total": _figures(whole["total"], len(behind.get(TOTAL, ())), (TOTAL, TOTAL) in hidden),
    }


def _moves(row: Mapping[str, Any]) -> bool:
    """Whether a firm adds anything to a row."""
    return any(row[f"{word}_t"] not in (None, "0.000") for word in ("generated", "utilised"))


def _figures(row: Mapping[str, Any], firms: int, hidden: bool) -> dict[str, Any]:
    if hidden:
        return {"hidden": True, "firms": None, **dict.fromkeys(SHOWN)}
    return {"hidden": False, "firms": firms, **{name: row[name] for name in SHOWN}}
