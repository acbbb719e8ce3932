"""`/products`: product output that generation is held against, by hand: list, record, take back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.errors import FieldIssue, FieldsRefused, RowsRefused, WasteflowError
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.permissions import Denied
from wasteflow.core.reading import readable_firms
from wasteflow.core.vocabulary import LABELS
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import field_of
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.product_objects import (
    ProductFilter,
    ProductObject,
    list_products,
    record_product,
    reverse_output,
)
from wasteflow.web.access import books
from wasteflow.web.identity import address, current_actor, now
from wasteflow.web.list_files import list_response
from wasteflow.web.pages.entries_pages import own_firms, reader, staff, without_line
from wasteflow.web.pages.loads_form import typed
from wasteflow.web.pages.loads_words import firm, problems_of, registry, remark_words, word
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.texts import lang, text

PAGE: Final = 50
COLUMNS: Final = columns_of("products")
FIELDS: Final = tuple(column.name for column in COLUMNS)
_ASKED: Final = ("enterprise", "product", "period")


class Filled(Struct):
    """The form in the making."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    status: int = 200


def show() -> Response:
    """The output of one's business, the newest first, over a form for more."""
    actor = reader()
    firms = own_firms(actor)
    today = shanghai_day(now()).isoformat()
    return _page(Filled({"enterprise": firms[0] if firms else "", "date": today}))


def save() -> Response:
    """Record output."""
    actor = staff()
    filled = Filled(typed(FIELDS))
    try:
        item, new, warnings = record_product(
            db=books().db,
            actor=actor,
            values=_typed_values(filled.values),
            now=now(),
            address=address(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        filled.status = 422
        filled.errors, filled.problems = _refusal(error)
        return _page(filled)
    done = "products.done.recorded" if new else "products.done.known"
    flash(text(done, product=word("product", item.values["product"])), "done")
    for words in remark_words(warnings):
        flash(words, "warn")
    return make_response(redirect(url_for("loads.products"), 303))


def take_back() -> Response:
    """Take a row of output out of the books; it may be recorded anew at once."""
    actor = staff()
    try:
        item = reverse_output(
            db=books().db,
            actor=actor,
            name=request.form.get("name", ""),
            reason=request.form.get("why", "").strip(),
            now=now(),
            address=address(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        flash(error.text(lang()), "wrong")
    else:
        flash(text("products.done.reversed", name=item.name), "done")
    return make_response(redirect(url_for("loads.products"), 303))


def _refusal(error: WasteflowError) -> tuple[dict[str, str], list[str]]:
    """Field → what is wrong with it, and what is wrong with the whole."""
    if isinstance(error, RowsRefused):
        return {issue.field: without_line(issue) for issue in error.issues}, []
    return problems_of(error)


def _typed_values(told: Mapping[str, str]) -> dict[str, Any]:
    """Typed values of every column, by the rules of the file of output; FieldsRefused."""
    values: dict[str, Any] = {}
    issues = []
    for column in COLUMNS:
        found = field_of(column).of_cell(told.get(column.name, ""))
        if isinstance(found, Fault):
            issues.append(FieldIssue(f"/{column.name}", found.code, found.params))
        values[column.name] = found
    if issues:
        raise FieldsRefused(issues)
    moment = now()
    wrong = complete_and_check(
        "products", values, Clock(shanghai_day(moment), moment), lambda _: True
    )
    if wrong:
        raise FieldsRefused([FieldIssue(f"/{wrong[0]}", wrong[1].code, wrong[1].params)])
    return values


def _page(filled: Filled) -> Response:
    actor = current_actor()
    assert actor is not None  # reader() or staff() has refused nobody
    period, problem = None, ""
    told = {name: request.args.get(name, "").strip() for name in _ASKED}
    try:
        period = Period.parse(told["period"]) if told["period"] else None
    except WasteflowError as error:
        problem = error.text(lang())
    firms = readable_firms(actor, "entry.read", registry())
    one = told["enterprise"]
    if one:
        firms = frozenset({one} if firms is None or one in firms else ())
    before = request.args.get("before", "")
    found: list[ProductObject] = []
    if not problem and wants_file():
        return list_response(actor, "own_products", told)
    if not problem:
        found = list_products(
            db=books().db,
            wanted=ProductFilter(firms, told["product"], period),
            after=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0,
            newest=True,
            limit=PAGE + 1,
        )
    mine = own_firms(actor)
    body = render_template(
        "products.html",
        filled=filled,
        errors=filled.errors,
        values=filled.values,
        rows=found[:PAGE],
        next=found[PAGE - 1].row if len(found) > PAGE else 0,
        told=told,
        problem=problem,
        filtered=any(told.values()),
        own=[(code, firm(code)) for code in mine],
        mine=frozenset(mine),
        products=[(item, word("product", item)) for item in LABELS["product"]],
        content=_content,
    )
    response = make_response(body, 422 if problem else filled.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _content(item: ProductObject) -> str:
    """P2O5 content as text, "" where none was given."""
    held = item.values["p2o5_pct"]
    if held is None:
        return ""
    column = next(column for column in COLUMNS if column.name == "p2o5_pct")
    return f"{field_of(column).to_text(held)} %"
