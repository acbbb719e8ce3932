"""`/`: how much, how well used, against which targets, and what needs attention.

Of large books, and from a new server, the page comes at once and its parts follow, each with an
address of its own (`/overview/part`); what is known already, and otherwise everything of small
books, stands on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import abort, render_template, request
from markupsafe import Markup
from msgspec import Struct

from wasteflow.core.periods import Period
from wasteflow.core.registry import Target
from wasteflow.services.finding_list import open_counts
from wasteflow.web.access import books
from wasteflow.web.answers import known, once, unfinish
from wasteflow.web.identity import now
from wasteflow.web.pages import attention, links, months, stocks, strip, targets
from wasteflow.web.pages.rates import RateRow, rate_rows
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang
from wasteflow_maps.style import colour_of

CARDS, GROUPS, LINKS = 6, 12, 6
SMALL_PLACES: Final = 1_000
"""Books of so many places at most are so quick that the page waits for all of its parts."""


class Card(Struct, frozen=True):
    """A material: its rates, stock and the scales of targets that are for it alone."""

    code: str
    colour: str
    row: RateRow
    stock: stocks.Stock
    scales: tuple[targets.Scale, ...]


class BookFigures(Struct, frozen=True):
    """What the roll-up tells without tracing: balances, largest links, what needs attention."""

    lines: tuple[stocks.StockLine, ...]
    links: tuple[links.LinkRow, ...]
    links_total: int
    notices: tuple[attention.Notice, ...]
    findings: Mapping[str, int]


class RateFigures(Struct, frozen=True):
    """Headline, materials, groups and targets of the period: one tracing of the period."""

    total: RateRow
    stock: stocks.Stock
    cards: tuple[Card, ...]
    cards_left: int
    scales: tuple[targets.Scale, ...]
    regional: tuple[Target, ...]
    grouping: str
    groups: tuple[RateRow, ...]
    groups_left: int
    left_out: tuple[str, ...]
    from_start: str


def book_figures(view: View) -> BookFigures:
    """The part `books`."""
    lines = stocks.stock_lines(view)
    found = links.links_of(view, links.flows_of(view))
    notices = attention.notices(view, lines, found)
    counts = open_counts(db=books().db, firms=view.firms, now=now())
    return BookFigures(tuple(lines), tuple(found[:LINKS]), len(found), tuple(notices), counts)


def rate_figures(view: View) -> RateFigures:
    """The part `figures`."""
    rows, total = rate_rows(view, "material")
    held: BookFigures = made("books", view)
    grouping = "enterprise" if view.scope.startswith(("park:", "enterprise:")) else "park"
    groups = [] if view.scope.startswith("enterprise:") else rate_rows(view, grouping)[0]
    groups = sorted(groups, key=lambda row: (-row.generated_kg, row.keys[grouping]))
    year = view.span.last // 100
    actuals = targets.Actuals(view, rows, total)
    scales = targets.scales(view.registry, view.scope, view.material, year, actuals.rate_of)
    waste = {code for code, item in view.registry.materials.items() if item.is_waste}
    counted = {view.material} if view.material else set(view.registry.materials)
    cards = _cards(view, rows, held.lines, scales)
    return RateFigures(
        total=total,
        stock=stocks.stock_of(held.lines, counted if view.material or view.products else waste),
        cards=tuple(cards[:CARDS]),
        cards_left=max(0, len(cards) - CARDS),
        scales=tuple(scale for scale in scales if len(scale.materials) != 1),
        regional=tuple(targets.regional(view.registry, view.scope, view.material)),
        grouping=grouping,
        groups=tuple(groups[:GROUPS]),
        groups_left=max(0, len(groups) - GROUPS),
        left_out=tuple(note for note in total.notes if " ledger_starts_" in note),
        from_start=Period.of(max(view.books.first or 0, view.span.first), view.span.last).text,
    )


PARTS: Final[Mapping[str, tuple[Callable[[View], Any], tuple[str, ...]]]] = {
    "books": (book_figures, ("attention", "links")),
    "figures": (rate_figures, ("left_out", "kpis", "materials", "groups", "targets")),
    "chart": (lambda view: months.chart(view, lang()), ("chart",)),
    "strip": (strip.strip, ("strip",)),
}
"""Part → what makes its figures, and the slots of the page they fill; quick ones first."""
_PART_OF: Final = {slot: part for part, (_, slots) in PARTS.items() for slot in slots}
_OPEN: Final = ("left_out", "groups")
"""Slots that may stay empty: nothing stands in for them."""


def show() -> str:
    """The page, or the empty state of books without records."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    quick = view.books.places <= SMALL_PLACES and not books().warming
    whole = quick or request.args.get("parts") == "all"
    found = {part: made(part, view) if whole else known(_key(part, view)) for part in PARTS}
    waiting = [part for part, figures in found.items() if figures is None]
    if waiting:
        unfinish()

    def slot(name: str) -> Markup:
        part = _PART_OF[name]
        return _slot(name, part, view, found[part])

    return render_template("overview.html", view=view, slot=slot, waiting=waiting)


def part() -> str:
    """`/overview/part`: the slots that one part fills, for the page that waits for it."""
    name = request.args.get("part", "")
    view = read_view()
    if name not in PARTS or view.empty:
        abort(404)
    figures = made(name, view)
    return "".join(_slot(slot, name, view, figures) for slot in PARTS[name][1])


def made(part: str, view: View) -> Any:
    """The figures of a part, made once for a version of the data."""
    return once(_key(part, view), lambda: PARTS[part][0](view))


def _key(part: str, view: View) -> tuple[object, ...]:
    period = view.period.text if view.period else ""
    return "overview", part, view.scope, period, view.material, view.products, lang()


def _slot(name: str, part: str, view: View, figures: object | None) -> Markup:
    """A slot with what it shows, or with the sign that its part is being worked out."""
    if figures is not None:
        body = render_template(f"_overview_{name}.html", view=view, figures=figures)
    elif name in _OPEN:
        body = ""
    else:
        body = render_template("_waiting.html", view=view, part=part, slot=name)
    return Markup('<div data-slot="{}" data-of="{}">{}</div>\n').format(name, part, Markup(body))


def _cards(
    view: View,
    rows: Sequence[RateRow],
    lines: Sequence[stocks.StockLine],
    scales: Sequence[targets.Scale],
) -> list[Card]:
    """A card per material that moved, or lies in stock; wastes first, by what was generated."""
    materials = view.registry.materials
    cards = []
    for row in rows:
        code = row.keys["material"]
        mine = tuple(scale for scale in scales if scale.materials == (code,))
        stock = stocks.stock_of(lines, {code})
        booked = row.rate.why == "product" and any(line.material == code for line in lines)
        if row.idle and not stock.closing_kg and not booked:
            continue
        cards.append(Card(code, colour_of(code), row, stock, mine))
    return sorted(
        cards, key=lambda c: (not materials[c.code].is_waste, -c.row.generated_kg, c.code)
    )
