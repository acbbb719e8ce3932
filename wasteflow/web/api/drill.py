"""Drill of the API: the postings behind a term of a firm, the records behind a posting."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.services.drill import AT_PLACES, TERMS, records_report, term_report
from wasteflow.services.drill_places import place_report
from wasteflow.services.rating import BASES
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.reports import RIGHT, FormatQuery, RowsReport, answered, period_of
from wasteflow.web.api.rights import need_scope, signed_in
from wasteflow.web.api.shapes import (
    CodeField,
    FlagField,
    IntegerField,
    LimitField,
    MonthField,
    PeriodField,
    ShortField,
    WordField,
)
from wasteflow.web.identity import reach
from wasteflow.web.pages.place_words import firms_at, ones_own

blueprint = ApiBlueprint("drill", "Drill: a figure opens into postings, a posting into records")


class PostingsQuery(FormatQuery):
    """A term of a firm's rate; `at`: one of the places where stored or settled mass stands."""

    enterprise = CodeField("Code of the enterprise", required=True)
    material = CodeField("Material code; all without one", load_default="")
    period = PeriodField("Default: the last year of the books", load_default=None)
    basis = WordField(*BASES, load_default="declared")
    term = WordField(*TERMS, load_default="utilised")
    at = ShortField("A place of the rows of stored or settled", load_default="")
    include_products = FlagField("Count products too", load_default=False)


class PostingsReport(RowsReport):
    """Postings with the part of each that makes the term; the parts add up to `total_t`."""

    total_t = fields.String(required=True)


class RecordsQuery(FormatQuery):
    """A posting as a row of `/postings` names it."""

    month = MonthField("yyyy-mm", required=True)
    source = ShortField("Place it left", required=True)
    target = ShortField("Place it reached", required=True)
    material = CodeField("Material code", required=True)
    route = CodeField("Route code", load_default="")
    evidence = WordField(*EVIDENCE, required=True)
    limit = LimitField("Records at most", load_default=LimitField.most)
    offset = IntegerField(0, 10**9, "Records to pass over", load_default=0)


class RecordsReport(RowsReport):
    """Loads or entries; `total_t` adds up all `count` of them, `rollup_t` is the posting."""

    total_t = fields.String(required=True)
    rollup_t = fields.String(required=True)
    count = fields.Integer(required=True)


@blueprint.endpoint(
    "GET", "/postings", RIGHT, returns=PostingsReport, query=PostingsQuery, tagged=True
)
def postings(query: dict[str, Any]) -> Response:
    """The postings that make a term of a firm; of stored and settled the places, then `at` one.

    Of postings between others only the firm's own part is told.
    """
    need_scope(RIGHT, f"enterprise:{query['enterprise']}")
    shape, at = query.pop("format"), query.pop("at")
    if at and query["term"] not in AT_PLACES:
        raise InvalidValue("bad_term", value=query["term"], known=" ".join(AT_PLACES))
    own = reach()

    def make() -> dict[str, Any]:
        options = {**query, "period": period_of(query["period"])}
        if at:
            report = place_report(db=books().db, at=at, **options)
        else:
            report = term_report(db=books().db, **options)
        for row in report["rows"]:
            if row.get("source") and not ones_own(own, row["source"], row["target"]):
                row["posting_t"] = None
        return report

    return answered(make, shape, "postings")


@blueprint.endpoint(
    "GET", "/postings/records", RIGHT, returns=RecordsReport, query=RecordsQuery, tagged=True
)
def records(query: dict[str, Any]) -> Response:
    """The loads or entries behind one posting, of which one's own firm is an end."""
    _need_end(query["source"], query["target"])
    shape = query.pop("format")
    return answered(lambda: records_report(db=books().db, **query), shape, "records")


def _need_end(*places: str) -> None:
    """Denied unless reports of a firm at one of the places are the asker's to read."""
    signed_in()
    denied = Denied(Verdict.NOT_ONES_BUSINESS, RIGHT)
    for firm in sorted(firms_at(*places)):
        try:
            need_scope(RIGHT, f"enterprise:{firm}")
        except Denied as error:
            denied = error
        except NotFound:
            continue
        else:
            return
    raise denied
