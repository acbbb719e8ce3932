"""`/targets`: every target by scope with its status, gap, pace and chart; judged by services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, render_template, request

from wasteflow.core.formulas import FORMULAS
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.target_values import NET_NEW_STOCK, UTILISED_AMOUNT
from wasteflow.core.targets import target_materials
from wasteflow.services.target_series import Series, target_series
from wasteflow.services.target_status import targets_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of, mass, percent, period_words
from wasteflow.web.pages.reported import Banner, banner_of, compare_count
from wasteflow.web.pages.tables import Cell, Column, file_response, page_of, wants_file
from wasteflow.web.pages.target_chart import Curve, curve
from wasteflow.web.pages.targets import covering
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, reason, text

STATUSES: Final = ("behind", "at_risk", "on_course", "met")
REFERENCE, OPEN = "reference_line", "open"
HIDDEN: Final = "beyond_reach"
_FIGURES: Final = (
    "actual", "projected", "verified_actual", "verified_projected", "verified_status", "status",
    "gap_t", "needed_pace_t_per_month", "milestone",
)  # fmt: skip
KINDS: Final = (*STATUSES, REFERENCE, OPEN)


@dataclass(frozen=True, slots=True)
class Board:
    """One target as the board shows it: its row of the report, kind of status, chart, links."""

    row: Mapping[str, Any]
    kind: str
    chart: Curve | None
    address: str
    year_words: str
    whole: bool

    @property
    def judged(self) -> bool:
        """True if it has a status."""
        return self.kind in STATUSES


def show() -> str | Response:
    """The board, or its table as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    boards, report = board_of(view)
    if wants_file():
        return _file(view, boards)
    wanted = request.args.get("status", "")
    shown = [
        item for item in boards if wanted in ("", item.kind) or (wanted == "red" and is_red(item))
    ]
    counts = {kind: sum(item.kind == kind for item in boards) for kind in KINDS}
    groups: dict[str, list[Board]] = {}
    place = _by_scope(view.registry)
    for item in shown:
        groups.setdefault(str(item.row["scope"]), []).append(item)
    return render_template(
        "targets.html",
        view=view,
        groups=sorted(groups.items(), key=lambda item: (_urgency(item[1]), place(item[0]))),
        counts=counts,
        red=sum(is_red(item) for item in boards),
        total=len(boards),
        status=wanted,
        as_of=str(report["as_of"] or ""),
        value=value_words,
        banner=_banner(view, report, boards),
    )


def _banner(view: View, report: Mapping[str, Any], boards: Sequence[Board]) -> Banner | None:
    """How many targets stand elsewhere today, over the same months."""
    if not view.as_of:
        return None
    today = {row["code"]: row for row in targets_report(db=books().db, period=view.span)["rows"]}
    shown = [item.row for item in boards if view.opens(str(item.row["scope"]))]
    rows = [(row, today[row["code"]]) for row in shown]
    figures = [
        compare_count(
            text(f"reported.targets_{name}"),
            len(rows),
            sum(then[name] != now[name] for then, now in rows),
        )
        for name in ("actual", "status")
    ]
    return banner_of(view, report, figures)


def _urgency(items: Sequence[Board]) -> int:
    """Order of a scope by its worst judged target; scopes without one come last."""
    return min(KINDS.index(item.kind) if item.judged else len(STATUSES) for item in items)


def is_red(item: Board) -> bool:
    """Behind two months running."""
    return bool(item.row["red"])


def board_of(view: View, charts: bool = True) -> tuple[list[Board], dict[str, Any]]:
    """(targets of the view, the report they are from); judged ones first, worst first."""
    db, reported_to = books().db, view.as_of
    report = targets_report(db=db, period=view.span, reported_to=reported_to)
    series = target_series(db=db, period=view.span, reported_to=reported_to) if charts else {}
    rows = [_seen(view, row) for row in report["rows"] if _asked(view, row)]
    curves = {row["code"]: series.get(row["code"]) for row in rows if row["reason"] != HIDDEN}
    boards = [_board(view, row, curves.get(row["code"])) for row in rows]
    boards.sort(key=lambda item: (KINDS.index(item.kind), item.row["year"] or 0, item.row["code"]))
    return boards, report


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


def _board(view: View, row: Mapping[str, Any], series: Series | None) -> Board:
    kind = row["status"] or (REFERENCE if row["reference_line"] else OPEN)
    numbers = [number_of(row[key]) for key in ("target", "milestone", "projected")]
    address, whole = _address(view, row)
    year = period_words(Period.parse(str(row["measured"])), lang())
    return Board(row, str(kind), curve(series, *numbers), address, year, whole)


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


def _by_scope(registry: Registry) -> Any:
    """Order of scopes: the country, regions from wide to narrow, parks, enterprises."""
    words = {"all": 0, "region": 1, "park": 2, "enterprise": 3}

    def key(scope: str) -> tuple[int, int, str]:
        word = scope.partition(":")[0]
        return words.get(word, 4), len(covering(registry, scope)), scope

    return key


def _file(view: View, boards: Sequence[Board]) -> Response:
    keys = (
        "scope", "metric", "materials", "operator", "target", "year", "measured", "actual",
        "verified", "projected", "status", "red", "gap", "pace", "reason", "source",
    )  # fmt: skip
    columns = [Column(key, "basis.declared" if key == "actual" else f"board.{key}") for key in keys]
    rows = [{key: Cell(_plain(view, item, key)) for key in keys} for item in boards]
    page = page_of(columns, rows, sort="scope")
    name = f"wasteflow-targets-{view.span.text}"
    return file_response(page, name, text, view.books.synthetic)


def _plain(view: View, item: Board, key: str) -> str:
    row = item.row
    named = {"verified": "verified_actual", "gap": "gap_t", "pace": "needed_pace_t_per_month"}
    value = row.get(named.get(key, key))
    match key:
        case "metric":
            return text(f"metric.{row['metric']}")
        case "materials":
            return view.material_names(row["materials"])
        case "scope":
            return view.scope_words(str(row["scope"]))
        case "status":
            return text(f"status.{item.kind}")
        case "red":
            return text("board.yes") if row["red"] else ""
        case "reason":
            return reason(row["reason"])
    return "" if value is None else str(value)
