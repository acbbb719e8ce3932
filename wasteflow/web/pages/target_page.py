"""`/targets`: the board of targets by scope, its parts, and its table as a file.

Of large books the page comes at once, then the targets, then their charts, each part by an address
of its own (`/targets/part`); of small books everything stands on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Response, abort, render_template, request
from markupsafe import Markup
from msgspec import Struct

from wasteflow.core.registry import Registry
from wasteflow.services.target_status import targets_report
from wasteflow.web.access import books
from wasteflow.web.answers import known, once, unfinish
from wasteflow.web.pages.overview import SMALL_PLACES
from wasteflow.web.pages.reported import Banner, banner_of, compare_count
from wasteflow.web.pages.tables import Cell, Column, file_response, page_of, wants_file
from wasteflow.web.pages.target_board import (
    KINDS,
    STATUSES,
    Board,
    board_of,
    curves_of,
    is_red,
    value_words,
)
from wasteflow.web.pages.target_chart import Curve
from wasteflow.web.pages.targets import covering
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang, reason, text


class Targets(Struct, frozen=True):
    """The part `board`: every target of the view, and what the figures rest on."""

    boards: tuple[Board, ...]
    as_of: str
    banner: Banner | None


def targets_of(view: View) -> Targets:
    """The part `board`, read once for a view."""
    boards, report = board_of(view)
    return Targets(tuple(boards), str(report["as_of"] or ""), _banner(view, report, boards))


def charts_of(view: View) -> dict[str, Curve]:
    """The part `charts`: code → chart."""
    found: Targets = made("board", view)
    return curves_of(view, found.boards)


PARTS: Final[Mapping[str, Callable[[View], Any]]] = {"board": targets_of, "charts": charts_of}


def show() -> str | Response:
    """The board, or its table as a file."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    if wants_file():
        return _file(view, made("board", view).boards)
    whole = view.books.places <= SMALL_PLACES or request.args.get("parts") == "all"
    found = {part: made(part, view) if whole else known(_key(part, view)) for part in PARTS}
    waiting = [part for part, figures in found.items() if figures is None]
    if waiting:
        unfinish()
    board = _board(view, found["board"], found["charts"])
    return render_template(
        "targets.html", view=view, board=board, waiting=waiting, status=_status()
    )


def part() -> str:
    """`/targets/part`: the board, or the charts of what the board shows."""
    name, view = request.args.get("part", ""), read_view()
    if name not in PARTS or view.empty:
        abort(404)
    figures = made(name, view)
    if name == "board":
        return _board(view, figures, known(_key("charts", view)))
    shown = _shown(made("board", view).boards)
    return "".join(_chart(view, item, figures) for item in shown)


def made(name: str, view: View) -> Any:
    """The figures of a part, made once for a version of the data."""
    return once(_key(name, view), lambda: PARTS[name](view))


def _key(name: str, view: View) -> tuple[object, ...]:
    period = view.period.text if view.period else ""
    return "targets", name, view.scope, period, view.material, view.products, view.as_of, lang()


def _status() -> str:
    """Which kind of targets is asked for ("" = all)."""
    return request.args.get("status", "")


def _shown(boards: Sequence[Board]) -> list[Board]:
    wanted = _status()
    return [
        item for item in boards if wanted in ("", item.kind) or (wanted == "red" and is_red(item))
    ]


def _board(view: View, found: Any, charts: Any) -> Markup:
    """The slot of the board, with the slots of its charts or the sign that they follow."""
    if found is None:
        body = render_template(
            "_waiting.html", view=view, part="board", slot="board", page="targets"
        )
        return _slot("board", "board", body)
    groups: dict[str, list[Board]] = {}
    for item in _shown(found.boards):
        groups.setdefault(str(item.row["scope"]), []).append(item)
    place = _by_scope(view.registry)
    body = render_template(
        "_target_board.html",
        view=view,
        groups=sorted(groups.items(), key=lambda item: (_urgency(item[1]), place(item[0]))),
        counts={kind: sum(item.kind == kind for item in found.boards) for kind in KINDS},
        red=sum(is_red(item) for item in found.boards),
        total=len(found.boards),
        status=_status(),
        as_of=found.as_of,
        value=value_words,
        banner=found.banner,
        chart=lambda item: _chart(view, item, charts),
    )
    return _slot("board", "board", body)


def _chart(view: View, item: Board, charts: Mapping[str, Curve] | None) -> Markup:
    """The slot of the chart of one target; nothing stands in for a target without figures."""
    if charts is None and item.row["actual"] is None:
        return _slot(f"chart-{item.code}", "charts", "")
    body = render_template(
        "_target_chart.html",
        view=view,
        b=item,
        waiting=charts is None,
        drawn=charts.get(item.code) if charts else None,
        value=value_words,
    )
    return _slot(f"chart-{item.code}", "charts", body)


def _slot(name: str, part_name: str, body: str) -> Markup:
    slot = '<div data-slot="{}" data-of="{}">{}</div>\n'
    return Markup(slot).format(name, part_name, Markup(body))


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
