"""The scope, period and material of the reports, carried in the address through every other page.

Reports write them into their links by themselves (`view`).  Pages of daily work, accounts and the
like have no use for them and would drop them; here every link between such pages keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Flask, request, url_for
from msgspec import Struct

from wasteflow.core.errors import WasteflowError
from wasteflow.core.periods import Period
from wasteflow.web.access import READY, books, books_seen
from wasteflow.web.formats import period_words
from wasteflow.web.identity import reach
from wasteflow.web.texts import lang, name_of

NAMES: Final = ("scope", "period", "material", "products")
LONGEST: Final = 80
PAGES: Final = frozenset(
    {
        "search", "seals", "proof", "offers", "offer", "offer_new", "offer_create", "offer_move",
        "scenarios", "scenario", "scenario_new", "scenario_edit", "scenario_compare",
        "scenario_delete", "audit", "help", "help_one",
    }
)  # fmt: skip
"""Pages of the blueprint `pages` that do not show the scope they are asked for."""
LISTS: Final = frozenset({"loads.index", "loads.entries", "loads.products", "pages.offers"})
"""Lists that filter by material and period themselves; a link that names a filter means just it."""
_FILTERS: Final = ("period", "material")
_WORK: Final = frozenset({"loads", "uploads", "exports", "boundaries", "accounts"})
_DOORS: Final = frozenset(
    {"accounts.sign_in", "accounts.sign_out", "accounts.oidc", "accounts.oidc_back"}
)


class Bar(Struct, frozen=True):
    """What is carried, in words; "" where it is not said."""

    scope: str
    period: str
    material: str


def install(app: Flask) -> None:
    """Links keep what is carried; templates know `carried`, `carried_to` and `carried_bar`."""
    app.url_defaults(_keep)
    told: dict[str, Callable[..., Any]] = {
        "carried": carried,
        "carried_to": carried_to,
        "carried_bar": carried_bar,
    }
    app.context_processor(lambda: told)


def carried() -> dict[str, str]:
    """What the address of this request carries, as it is written there."""
    told = {name: request.args.get(name, "").strip() for name in NAMES}
    typed = request.args.get("period_text", "").strip()
    told["period"] = typed or told["period"]
    return {name: value for name, value in told.items() if value and len(value) <= LONGEST}


def carried_to(page: str) -> str:
    """Address of a page of the menu with what is carried and the language of the address."""
    asked: dict[str, Any] = {**carried(), "lang": request.args.get("lang") or None}
    return url_for(f"pages.{page}", **asked)


def without_view(endpoint: str) -> bool:
    """Whether a page has no use for the scope of reports, and so has to be told to keep it."""
    blueprint, _, name = endpoint.partition(".")
    if endpoint in _DOORS:
        return False
    return blueprint in _WORK or (blueprint == "pages" and name in PAGES)


def _keep(endpoint: str, values: dict[str, Any]) -> None:
    """Add what is carried to a link; what the link says itself, blank too, stays."""
    if request.blueprint not in _WORK | {"pages"} or not without_view(endpoint):
        return
    found = carried()
    if endpoint in LISTS and values:
        found = {name: value for name, value in found.items() if name not in _FILTERS}
    for name, value in found.items():
        values.setdefault(name, value)


def carried_bar() -> Bar | None:
    """What is carried, in words; None where nothing usable is, or the page shows it itself."""
    found = carried()
    if not found or not without_view(request.endpoint or ""):
        return None
    try:
        if books().usable() != READY or not reach().scopes:
            return None
        return _words(found)
    except WasteflowError:  # an address somebody typed: the reports say what is wrong with it
        return None


def _words(found: dict[str, str]) -> Bar | None:
    registry = books_seen().registry
    word, _, code = found.get("scope", "").partition(":")
    tables: dict[str, Any] = {
        "region": registry.regions,
        "park": registry.parks,
        "enterprise": registry.enterprises,
    }
    area = tables.get(word, {}).get(code)
    stuff = registry.materials.get(found.get("material", ""))
    bar = Bar(
        name_of(area) if area and reach().holds(registry, found["scope"]) else "",
        period_words(Period.parse(found["period"]), lang()) if "period" in found else "",
        name_of(stuff) if stuff else "",
    )
    return bar if bar.scope or bar.period or bar.material else None
