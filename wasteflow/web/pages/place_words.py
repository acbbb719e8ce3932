"""Places and postings in words, and the cells and addresses of the drill; nothing is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from wasteflow.core.places import HOLDING, Place, PlaceKind
from wasteflow.core.rates import TIMES
from wasteflow.core.reach import Reach
from wasteflow.core.units import tonnes_text
from wasteflow.web.formats import NONE
from wasteflow.web.pages.tables import Cell
from wasteflow.web.pages.view import View
from wasteflow.web.texts import name_of, text

_NAMED = {PlaceKind.USE: "use", PlaceKind.DISPOSAL: "disposal"}


def firm_name(view: View, code: str) -> str:
    """Name of an enterprise, its code if it is not registered."""
    firm = view.registry.enterprises.get(code)
    return name_of(firm) if firm else code


def place_words(view: View, key: str) -> str:
    """A place key in words: firm and compartment, road, or what happened at the boundary."""
    try:
        place = Place.parse(key)
    except ValueError:
        return key
    if place.kind is PlaceKind.TRANSIT:
        ends = firm_name(view, place.a), firm_name(view, place.b)
        return text("place.transit", source=ends[0], target=ends[1])
    if place.kind in (PlaceKind.SITE, PlaceKind.YARD):
        return text(f"place.{place.word}", firm=firm_name(view, place.a))
    if place.kind in _NAMED:
        route = view.registry.routes.get(place.a)
        return text(f"place.{_NAMED[place.kind]}", route=name_of(route) if route else place.a)
    if place.kind is PlaceKind.OPENING:
        return text("place.opening", year=place.b or text("place.unknown_year"))
    return text(f"place.{place.word}")


def of_ones_own(view: View, *places: str) -> bool:
    """Whether one of the places is of a firm whose records are the asker's to read."""
    return ones_own(view.reach, *places)


def ones_own(own: Reach, *places: str) -> bool:
    """The same for a reach."""
    return own.everything or not firms_at(*places).isdisjoint(own.firms)


def firms_at(*places: str) -> set[str]:
    """Firms that hold something at the places, or between which it is on the road."""
    ends = set[str]()
    for key in filter(None, places):
        with suppress(ValueError):
            place = Place.parse(key)
            if place.kind in HOLDING:
                ends.add(place.a)
            if place.kind is PlaceKind.TRANSIT:
                ends.add(place.b)
    return ends


def place_cell(view: View, key: str) -> Cell:
    """A place, leading to the overview of its firm."""
    try:
        owner = Place.parse(key).owner
    except ValueError:
        owner = ""
    shown = place_words(view, key)
    opens = owner and view.opens(f"enterprise:{owner}")
    address = view.address("overview", scope=f"enterprise:{owner}") if opens else ""
    return Cell(shown, shown, address, title=key)


def exact(tonnes: str | None) -> str:
    """A tonnes text with thousands separators, to the kilogram."""
    return NONE if tonnes is None else f"{Decimal(tonnes):,.3f}"


def exact_kg(kg: int | None) -> str:
    """Whole kilograms as exact tonnes."""
    return exact(None if kg is None else tonnes_text(kg))


def exact_cell(tonnes: str | None, address: str = "") -> Cell:
    """Exact tonnes, for pages on which sums must be seen to agree."""
    if tonnes is None:
        return Cell(NONE, None, muted=True)
    return Cell(exact(tonnes), tonnes, address)


def kg_cell(kg: int | None, address: str = "") -> Cell:
    """Exact tonnes of whole kilograms."""
    return exact_cell(None if kg is None else tonnes_text(kg), address)


def term_address(
    view: View, term: str, *, keys: Mapping[str, Any] | None = None, **asked: str
) -> str:
    """Where a term opens: the postings of the one firm, otherwise the firms that make it.

    keys: the grouping of the row it stands in; asked: formula, basis and more of the page.
    """
    scope, changes = view.scope, dict(asked)
    for word, key in (keys or {}).items():
        if word in ("enterprise", "park", "region") and key:
            scope = f"{word}:{key}"
        elif word in TIMES:
            changes["period"] = key
        elif word in ("material", "route", "evidence"):
            changes[word] = key
    if scope.startswith("enterprise:"):
        changes.pop("formula", None)
        return view.address("postings", scope=scope, term=term, **changes)
    split = [word for word in ("route", "evidence") if changes.get(word)]
    changes["by"] = ",".join(["enterprise", *split])
    if term not in ("generated", "utilised", "disposed", "stored"):
        changes["terms"] = "all"
    return view.address("rates", scope="" if scope == "all" else scope, **changes) + "#rows"


def records_address(view: View, row: Mapping[str, Any]) -> str:
    """The records behind a posting."""
    return view.address(
        "records",
        month=row["month"],
        source=row["source"],
        target=row["target"],
        stuff=row["material"],
        route=row["route"],
        evidence=row["evidence"],
    )
