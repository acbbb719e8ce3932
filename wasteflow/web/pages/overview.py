"""`/`: how much, how well used, against which targets, and what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template

from wasteflow.core.periods import Period
from wasteflow.core.registry import Target
from wasteflow.web.pages import attention, links, months, stocks, strip, targets
from wasteflow.web.pages.rates import RateRow, rate_rows
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.texts import lang
from wasteflow_maps.style import colour_of

CARDS, GROUPS, LINKS = 6, 12, 6


@dataclass(frozen=True, slots=True)
class Card:
    """A material: its rates, stock and the scales of targets that are for it alone."""

    code: str
    colour: str
    row: RateRow
    stock: stocks.Stock
    scales: tuple[targets.Scale, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the overview shows."""

    total: RateRow
    stock: stocks.Stock
    cards: tuple[Card, ...]
    cards_left: int
    scales: tuple[targets.Scale, ...]
    regional: tuple[Target, ...]
    grouping: str
    groups: tuple[RateRow, ...]
    groups_left: int
    chart: months.Chart
    links: tuple[links.LinkRow, ...]
    links_total: int
    notices: tuple[attention.Notice, ...]
    left_out: tuple[str, ...]
    from_start: str
    unstated: bool
    strip: strip.Strip


def show() -> str:
    """The page, or the empty state of books without records."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    return render_template("overview.html", view=view, figures=figures(view))


def figures(view: View) -> Figures:
    """Read every figure of the overview once."""
    rows, total = rate_rows(view, "material")
    lines = stocks.stock_lines(view)
    found_links = links.links_of(view, links.flows_of(view))
    grouping = "enterprise" if view.scope.startswith(("park:", "enterprise:")) else "park"
    groups = [] if view.scope.startswith("enterprise:") else rate_rows(view, grouping)[0]
    groups = sorted(groups, key=lambda row: (-row.generated_kg, row.keys[grouping]))
    year = view.span.last // 100
    actuals = targets.Actuals(view, rows, total)
    scales = targets.scales(view.registry, view.scope, view.material, year, actuals.rate_of)
    waste = {code for code, item in view.registry.materials.items() if item.is_waste}
    counted = {view.material} if view.material else set(view.registry.materials)
    cards = _cards(view, rows, lines, scales)
    return Figures(
        total=total,
        stock=stocks.stock_of(lines, counted if view.material or view.products else waste),
        cards=tuple(cards[:CARDS]),
        cards_left=max(0, len(cards) - CARDS),
        scales=tuple(scale for scale in scales if len(scale.materials) != 1),
        regional=tuple(targets.regional(view.registry, view.scope, view.material)),
        grouping=grouping,
        groups=tuple(groups[:GROUPS]),
        groups_left=max(0, len(groups) - GROUPS),
        chart=months.chart(view, lang()),
        links=tuple(found_links[:LINKS]),
        links_total=len(found_links),
        notices=tuple(attention.notices(view, lines, found_links, rows)),
        left_out=tuple(note for note in total.notes if " ledger_starts_" in note),
        from_start=Period.of(max(view.books.first or 0, view.span.first), view.span.last).text,
        unstated="no_opening_stated" in total.notes,
        strip=strip.strip(view),
    )


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
