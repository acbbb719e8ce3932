"""Targets of a view as the board shows them: status, gap, pace, chart; judged by services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.formulas import FORMULAS
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.target_values import NET_NEW_STOCK, UTILISED_AMOUNT
from wasteflow.core.targets import target_materials
from wasteflow.services.target_series import target_series
from wasteflow.services.target_status import targets_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of, mass, percent, period_words
from wasteflow.web.pages.target_chart import Curve, curve
from wasteflow.web.pages.targets import covering
from wasteflow.web.pages.view import View
from wasteflow.web.texts import lang

STATUSES: Final = ("behind", "at_risk", "on_course", "met")
REFERENCE, OPEN = "reference_line", "open"
HIDDEN: Final = "beyond_reach"
_FIGURES: Final = (
    "actual", "projected", "verified_actual", "verified_projected", "verified_status", "status",
    "gap_t", "needed_pace_t_per_month", "milestone",
)  # fmt: skip
KINDS: Final = (*STATUSES, REFERENCE, OPEN)


class Board(Struct, frozen=True):
    """One target as the board shows it: its row of the report, kind of status, links."""

    row: Mapping[str, Any]
    kind: str
    address: str
    year_words: str
    whole: bool

    @property
    def code(self) -> str:
        """Of the target."""
        return str(self.row["code"])

    @property
    def judged(self) -> bool:
        """True if it has a status."""
        return self.kind in STATUSES


def is_red(item: Board) -> bool:
    """Behind two months running."""
    return bool(item.row["red"])


def board_of(view: View) -> tuple[list[Board], dict[str, Any]]:
    """(targets of the view, the report they are from); judged ones first, worst first."""
    report = targets_report(db=books().db, period=view.span, reported_to=view.as_of)
    rows = [_seen(view, row) for row in report["rows"] if _asked(view, row)]
    boards = [_board(view, row) for row in rows]
    boards.sort(key=lambda item: (KINDS.index(item.kind), item.row["year"] or 0, item.row["code"]))
    return boards, report


def curves_of(view: View, boards: Sequence[Board]) -> dict[str, Curve]:
    """Code → chart of the targets that have points to draw."""
    series = target_series(db=books().db, period=view.span, reported_to=view.as_of)
    found = {}
    for item in boards:
        numbers = [number_of(item.row[key]) for key in ("target", "milestone", "projected")]
        drawn = curve(series.get(item.code), *numbers) if item.row["reason"] != HIDDEN else None
        if drawn:
            found[item.code] = drawn
    return found


def _seen(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A target of an area the asker may not read in full stands without its figures."""
    if view.opens(str(row["scope"])):
        return row
    plain = {key: None for key in _FIGURES}
    return {**row, **plain, "red": False, "trajectory": [], "notes": [], "reason": HIDDEN}


def _asked(view: View, row: Mapping[str, Any]) -> bool:
    """Targets of the scope and all around and inside it, for the material."""
    if view.material and view.material not in _materials(view.registry, row):
        return False
    if view.scope == "all" or row["scope"] in covering(view.registry, view.scope):
        return True
    return view.scope in covering(view.registry, str(row["scope"]))


def _materials(registry: Registry, row: Mapping[str, Any]) -> frozenset[str]:
    return target_materials(registry.targets[row["code"]], registry)


def _board(view: View, row: Mapping[str, Any]) -> Board:
    kind = row["status"] or (REFERENCE if row["reference_line"] else OPEN)
    address, whole = _address(view, row)
    year = period_words(Period.parse(str(row["measured"])), lang())
    return Board(row, str(kind), address, year, whole)


def number_of(value: Any) -> float | None:
    """A value of the report as a number: a fraction, or kilograms of a tonnes text."""
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) else float(kg_of(str(value)) or 0)


def _address(view: View, row: Mapping[str, Any]) -> tuple[str, bool]:
    """(where the figure of a target opens, whether it is exactly that figure)."""
    materials = sorted(_materials(view.registry, row))
    held = {code for code, item in view.registry.materials.items() if item.is_waste}
    one = materials[0] if len(materials) == 1 else ""
    metric = str(row["metric"])
    changes = {
        "scope": "" if row["scope"] == "all" else row["scope"],
        "period": row["measured"],
        "material": one,
        "formula": metric if metric in FORMULAS else "official",
        "basis": "declared",
        "by": "enterprise",
        "products": "",
    }
    whole = bool(one) or set(materials) >= held
    if not whole:
        changes["by"] = "enterprise,material"
    if metric in (NET_NEW_STOCK, UTILISED_AMOUNT):
        changes["terms"] = "all"
    return view.address("rates", **changes), whole


def value_words(value: Any, metric: str) -> str:
    """A value of the report with its unit."""
    if value is None:
        return "–"
    if isinstance(value, int | float):
        return f"{percent(float(value))} %"
    amount = mass(kg_of(str(value)) or 0, lang())
    return f"{amount.number} {amount.unit}"
