"""Sums of a wider area for somebody who sees only firms in it; small cells are hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wasteflow.core.formulas import PRODUCT
from wasteflow.core.periods import Period
from wasteflow.core.suppression import LEAST, hidden_areas, hidden_cells
from wasteflow.core.units import kg_from_tonnes
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import overview
from wasteflow_models.engine import Database

Firms = frozenset[str]
SHOWN = ("generated_t", "utilised_t", "value", "not_computable")


def summary_report(
    *, db: Database, scope: str, narrower: Sequence[str], own: Firms, period: Period
) -> dict[str, Any]:
    """Generated, utilised and the official rate per waste of a scope, declared basis.

    narrower: the areas inside `scope` whose sums the asker may also ask for, narrowest first;
    own: the firms the asker sees.  A hidden row has `hidden` true and no figure; how many firms
    stand behind a row is said from three on.
    Raises InvalidValue `bad_scope`; NotFound.
    """
    registry = overview(db=db).registry
    detail = rates_report(db=db, period=period, by="enterprise,material")["rows"]
    whole = rates_report(db=db, scope=scope, period=period, by="material")
    rows = [row for row in whole["rows"] if row["not_computable"] != PRODUCT]
    areas = [*narrower, scope]
    active: dict[str, set[str]] = {}
    for row in detail:
        if _moves(row):
            active.setdefault(row["material"], set()).add(row["enterprise"])
    inside = [registry.in_scope(area) for area in areas]
    cells = {row["material"]: inside[-1] & active.get(row["material"], set()) for row in rows}
    sizes = {row["material"]: kg_from_tonnes(row["generated_t"]) for row in rows}
    between = {
        material
        for material in cells
        if hidden_areas([area & active.get(material, set()) for area in inside], own)[-1]
    }
    hidden, no_total = hidden_cells(cells, own, sizes)
    everybody = frozenset().union(*cells.values()) if cells else frozenset()
    all_areas = [frozenset().union(*(a & active.get(m, set()) for m in cells)) for a in inside]
    no_total = no_total or hidden_areas(all_areas, own)[-1]
    if between - hidden:  # a cell hidden for its narrower areas must not follow from the total
        no_total = True
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
                **_figures(row, cells[row["material"]], row["material"] in hidden | between),
            }
            for row in rows
        ],
        "total": _figures(whole["total"], everybody, no_total),
    }


def _moves(row: Mapping[str, Any]) -> bool:
    """Whether a firm adds anything to a row."""
    return any(row[f"{word}_t"] not in (None, "0.000") for word in ("generated", "utilised"))


def _figures(row: Mapping[str, Any], firms: Firms, hidden: bool) -> dict[str, Any]:
    if hidden:
        return {"hidden": True, "firms": None, **dict.fromkeys(SHOWN)}
    return {"hidden": False, "firms": len(firms), **{name: row[name] for name in SHOWN}}
