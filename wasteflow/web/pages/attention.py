"""What needs attention in a view: findings, disputed weights, the road; no judgement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wasteflow.services.checking import stale_stocktakes
from wasteflow.web.access import books
from wasteflow.web.pages.links import LinkRow
from wasteflow.web.pages.stocks import StockLine
from wasteflow.web.pages.view import View
from wasteflow.web.texts import name_of

SHOWN_NAMES: Final = 3
ALERT, WARN, INFO = "alert", "warn", "info"


class Notice(Struct, frozen=True):
    """One kind of thing to look at: how urgent, how many, how much, whose, and where to see it."""

    code: str
    level: str
    count: int
    kg: int | None
    names: tuple[str, ...]
    address: str

    @property
    def more(self) -> int:
        """How many are not named."""
        return max(0, self.count - len(self.names))


def notices(view: View, lines: Sequence[StockLine], links: Sequence[LinkRow]) -> list[Notice]:
    """Everything to look at, most urgent first; kinds without a case are left out."""
    found = [
        _of_lines(view, lines, "negative_stock", ALERT),
        _of_lines(view, lines, "unbalanced", ALERT),
        _stale(view),
        _disputed(view, links),
        _in_transit(view, lines),
    ]
    return [notice for notice in found if notice.count]


def _firm(view: View, code: str) -> str:
    firm = view.registry.enterprises.get(code)
    return name_of(firm) if firm else code


def _names(view: View, codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(_firm(view, code) for code in list(dict.fromkeys(codes))[:SHOWN_NAMES])


def _of_lines(view: View, lines: Sequence[StockLine], code: str, level: str) -> Notice:
    mine = sorted(
        (line for line in lines if code in line.findings),
        key=lambda line: (-abs(line.residual_kg), line.enterprise),
    )
    kg = sum(abs(line.residual_kg) for line in mine) if code == "unbalanced" else None
    address = view.address("balances", finding=code)
    return Notice(code, level, len(mine), kg, _names(view, [x.enterprise for x in mine]), address)


def _stale(view: View) -> Notice:
    found = stale_stocktakes(db=books().db)
    mine = [
        item
        for item in found
        if item["enterprise"] in view.firms
        and (not view.material or item["material"] == view.material)
    ]
    codes = [item["enterprise"] for item in mine]
    return Notice(
        "stocktake_stale", WARN, len(mine), None, _names(view, codes), view.address("balances")
    )


def _disputed(view: View, links: Sequence[LinkRow]) -> Notice:
    mine = sorted((link for link in links if link.disputed_kg), key=lambda link: -link.disputed_kg)
    kg = sum(link.disputed_kg for link in mine)
    address = view.address("flows", evidence="disputed")
    return Notice("disputed", WARN, len(mine), kg, _names(view, [x.source for x in mine]), address)


def _in_transit(view: View, lines: Sequence[StockLine]) -> Notice:
    mine = sorted(
        (line for line in lines if line.compartment == "transit" and line.closing_kg > 0),
        key=lambda line: (-line.closing_kg, line.enterprise),
    )
    kg = sum(line.closing_kg for line in mine)
    address = view.address("balances", compartment="transit")
    return Notice(
        "in_transit", INFO, len(mine), kg, _names(view, [x.enterprise for x in mine]), address
    )
