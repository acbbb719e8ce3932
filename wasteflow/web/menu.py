"""The main menu: groups of pages in order, and which group a page belongs to; one table."""

from __future__ import annotations

from typing import Final

from flask import request

from wasteflow.web.identity import offers_key, reach

GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("overview", ("overview",)),
    ("rates", ("targets", "rates", "compare", "gap", "quota", "crosscheck", "audit")),
    ("flows", ("map", "sankey", "matrix", "flows", "balances", "provenance")),
    (
        "symbiosis",
        ("realised", "potential", "link_map", "break_even", "offers", "dependence", "scenarios"),
    ),
    ("office", ("month", "findings", "ledger_forms", "bulletin", "indicators", "seals")),
)
"""Group → its pages, as endpoints of the blueprint `pages`; a group of one is a link."""
SIGNED_IN: Final = frozenset({"offers", "scenarios"})
"""Pages of those with a role of their own; a guest who may read everything has none."""
SUMMARY: Final = "summary"
"""Sums of parks and regions: for those who may not open everything."""
INSIDE: Final = {
    "target_gap": "targets",
    "postings": "rates",
    "records": "rates",
    "proof": "seals",
    "offer": "offers",
    "offer_new": "offers",
    "scenario": "scenarios",
    "scenario_compare": "scenarios",
    "scenario_new": "scenarios",
    "scenario_edit": "scenarios",
    "park_inputs": "indicators",
    "state_park_input": "indicators",
}
"""Page without an entry → the entry it belongs to."""


def menu() -> list[tuple[str, tuple[str, ...]]]:
    """The groups as the asker sees them."""
    hidden = frozenset() if offers_key()[0] else SIGNED_IN
    found = []
    for name, pages in GROUPS:
        shown = tuple(page for page in pages if page not in hidden)
        if name == "office" and not reach().everything:
            shown = (SUMMARY, *shown)
        found.append((name, shown))
    return found


def entry() -> str:
    """The entry of the menu this request belongs to, "" if to none."""
    name = (request.endpoint or "").removeprefix("pages.")
    return INSIDE.get(name, name)
