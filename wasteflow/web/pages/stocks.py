"""Balance lines as pages use them: stock of a scope, and lines that need attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wasteflow.services.reports import balance_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of
from wasteflow.web.pages.view import View

COMPARTMENTS = ("site", "yard", "transit")
FINDINGS = ("negative_stock", "unbalanced")


class StockLine(Struct, frozen=True):
    """A balance line in kilograms."""

    enterprise: str
    compartment: str
    material: str
    opening_kg: int
    in_kg: int
    out_kg: int
    closing_kg: int
    residual_kg: int
    findings: tuple[str, ...]


class Stock(Struct, frozen=True):
    """Closing stock of a group of lines and its change over the period, in kilograms."""

    closing_kg: int = 0
    change_kg: int = 0


def stock_lines(view: View) -> list[StockLine]:
    """Every balance line of a view."""
    return lines_of(balance_of(view))


def balance_of(view: View) -> dict[str, Any]:
    """The balance report of a view."""
    return balance_report(
        db=books().db,
        scope=view.scope,
        period=view.span,
        material=view.material,
        as_of=view.as_of,
    )


def lines_of(report: Mapping[str, Any]) -> list[StockLine]:
    """Every line of a balance report."""
    return [_line(row) for row in report["rows"]]


def _line(row: Mapping[str, Any]) -> StockLine:
    return StockLine(
        row["enterprise"],
        row["compartment"],
        row["material"],
        kg_of(row["opening_t"]) or 0,
        sum(kg_of(tonnes) or 0 for tonnes in row["in"].values()),
        sum(kg_of(tonnes) or 0 for tonnes in row["out"].values()),
        kg_of(row["closing_t"]) or 0,
        kg_of(row["residual_t"]) or 0,
        tuple(row["findings"]),
    )


def stock_of(lines: Sequence[StockLine], materials: set[str]) -> Stock:
    """Stock of some materials at the period's end, transit included, and its change."""
    mine = [line for line in lines if line.material in materials]
    closing = sum(line.closing_kg for line in mine)
    return Stock(closing, closing - sum(line.opening_kg for line in mine))
