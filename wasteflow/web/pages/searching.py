"""`/search`: jump to a park, a firm, a facility, a region or a load by a word or a number."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from wasteflow.core.search import LONGEST, Hit, find
from wasteflow.services.search import find_loads
from wasteflow.web.access import books, books_seen
from wasteflow.web.carried import carried
from wasteflow.web.identity import current_actor, reach
from wasteflow.web.texts import lang

SHOWN = 30


def show() -> Response:
    """What fits, grouped by kind; the only thing that fits in full is opened at once."""
    words = request.args.get("q", "").strip()[:LONGEST]
    registry, own = books_seen().registry, reach()
    hits = find(registry, words, lambda scope: own.holds(registry, scope), SHOWN)
    loads = find_loads(db=books().db, actor=current_actor(), words=words)
    exact = [hit for hit in hits if hit.rank == 0]
    if len(exact) == 1 and not loads:
        return _gone(_address(exact[0]))
    if len(loads) == 1 and not hits:
        return _gone(url_for("loads.one", uid=loads[0]["id"]))
    body = render_template("search.html", words=words, hits=hits, loads=loads, address=_address)
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _address(hit: Hit) -> str:
    page = "balances" if hit.kind == "facility" else "overview"
    asked: dict[str, Any] = {**carried(), "scope": hit.scope}
    return url_for(f"pages.{page}", **asked, lang=request.args.get("lang") or None)


def _gone(address: str) -> Response:
    response = make_response(redirect(address, 303))
    response.headers["Cache-Control"] = "no-store"
    return response


def near(hit: Hit) -> str:
    """Where a hit lies, in the language of the request: park, region or owner."""
    registry = books_seen().registry
    for table in (registry.parks, registry.regions, registry.enterprises):
        if hit.note in table:
            item = table[hit.note]
            return item.name_en if lang() == "en" and item.name_en else item.name_zh
    return ""
