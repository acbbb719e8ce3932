"""`/loads`: the loads of one's business, filtered, sorted, in pages; the same rows as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, make_response, render_template, request
from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import InvalidValue, WasteflowError
from wasteflow.core.periods import Period
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.listing import SORTS, LoadFilter, list_loads
from wasteflow.services.naming import Names
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor
from wasteflow.web.list_files import list_response
from wasteflow.web.pages.loads_form import material_choices, partner_choices
from wasteflow.web.pages.loads_words import registry, state
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.texts import lang

PAGE: Final = 50
STATES: Final = (*LoadState, "disputed", "waiting")
_LARGEST_FIRST: Final = ("date", "tonnes")
_HEADS: Final = {
    "number": "field.doc_no",
    "state": "loads.state",
    "partner": "loads.link",
    "date": "field.dispatched_at",
    "tonnes": "weights.sent",
}
"""Word of a sort → the text of its column, in the order of the table."""


class Wanted(Struct, frozen=True):
    """The filter as typed, as the service takes it, and what is wrong with it."""

    typed: Mapping[str, str]
    filter: LoadFilter
    problem: str = ""
    wrong: str = ""


def show() -> Response:
    """The list."""
    wanted = _wanted()
    actor = current_actor()
    found: Mapping[str, Any] = {"items": [], "next": None}
    try:
        if wants_file() and not wanted.problem and actor is not None:
            told = {**wanted.typed, "state": wanted.filter.state, "party": wanted.filter.party}
            return list_response(actor, "own_loads", {**told, "sort": wanted.filter.sort})
        if not wanted.problem:
            found = list_loads(
                db=books().db,
                actor=actor,
                wanted=wanted.filter,
                limit=PAGE,
                cursor=request.args.get("after", ""),
            )
    except InvalidValue as error:
        if error.code != "sort_too_wide":
            raise
        wanted = replace(wanted, problem=error.text(lang()), wrong="period")
    held = registry()
    body = render_template(
        "loads.html",
        loads=found["items"],
        next=found["next"],
        wanted=wanted,
        states=[(word, state(word)) for word in STATES],
        materials=material_choices(held)[1:],
        partners=partner_choices(held, (), ()),
        filtered=any(wanted.typed.values()),
        sort=wanted.filter.sort,
        sorts=[(f"{way}{word}", key) for word, key in _HEADS.items() for way in ("", "-")],
        sort_word=_sort_word(wanted.filter.sort),
        aria_sort=_aria_sort(wanted.filter.sort),
    )
    return make_response(body, 422 if wanted.problem else 200)


def _sort_word(sort: str) -> Callable[[str], str]:
    """What `sort` becomes when the heading of a column is followed."""

    def word(column: str) -> str:
        if sort.removeprefix("-") == column:
            return column if sort.startswith("-") else f"-{column}"
        return f"-{column}" if column in _LARGEST_FIRST else column

    return word


def _aria_sort(sort: str) -> Callable[[str], str]:
    """How the rows are sorted by a column."""
    word = "descending" if sort.startswith("-") else "ascending"
    return lambda column: word if sort.removeprefix("-") == column else "none"


def _wanted() -> Wanted:
    names = ("state", "party", "material", "period", "doc_no")
    told = {name: request.args.get(name, "").strip() for name in names}
    try:
        party = Names(registry()).enterprise(told["party"]) if told["party"] else ""
    except WasteflowError as error:
        return Wanted(told, LoadFilter(), error.text(lang()), "party")
    try:
        period = Period.parse(told["period"]) if told["period"] else None
    except InvalidValue as error:
        return Wanted(told, LoadFilter(), error.text(lang()), "period")
    chosen = told["state"] if told["state"] in STATES else ""
    sort = request.args.get("sort", "").strip()
    found = LoadFilter(
        state=chosen,
        party=party,
        period=period,
        doc_no=told["doc_no"],
        material=told["material"],
        sort=sort if sort.removeprefix("-") in SORTS else "",
    )
    return Wanted(told, found)
