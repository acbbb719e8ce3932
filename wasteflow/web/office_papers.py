"""Papers of the office for pages and API alike: who may have which, as object, workbook, print."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, render_template

from wasteflow.core.bulletin import figures_table
from wasteflow.core.bulletin_tables import BulletinTables
from wasteflow.core.indicator_tables import IndicatorTables
from wasteflow.core.office_tables import Document, Number
from wasteflow.core.periods import Period, next_month
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import around
from wasteflow.core.told import told_period
from wasteflow.exporting.office_book import office_book
from wasteflow.exporting.tables import csv_text
from wasteflow.services.bulletin import bulletin_report
from wasteflow.services.park_indicators import indicators_report
from wasteflow.services.reports import Overview
from wasteflow.services.told import Reader
from wasteflow.web.access import books, books_seen
from wasteflow.web.formats import period_words
from wasteflow.web.identity import reach, this_month
from wasteflow.web.pages.view import scope_name
from wasteflow.web.texts import lang

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RIGHT: Final = "report.summary"
DECEMBER: Final = 12


def reader_of(scope: str, *, public: bool) -> Reader | None:
    """For whom the bulletin of a scope is: None for somebody who sees all its firms.

    public: what the public may have is asked for.  Somebody with firms of their own may have the
    sums of the areas around them, with few firms hidden.  Raises Denied; InvalidValue `bad_scope`,
    NotFound `unknown_code`.
    """
    registry, seen = books_seen().registry, reach()
    registry.in_scope(scope)
    if seen.holds(registry, scope):
        return Reader(this_month()) if public else None
    wider = around(seen, registry) if seen.scopes else ()
    if scope not in wider:
        raise Denied(Verdict.NOT_ONES_BUSINESS, RIGHT)
    return Reader(this_month(), seen.firms)


def told_of(period: Period, reader: Reader | None) -> Period:
    """What is told of a period to a reader: its whole quarters that are over.

    It is the period itself where there are none: the report then says why it tells nothing.
    """
    return (reader and told_period(period, reader.running)) or period


def bulletin_of(
    scope: str, period: Period, places: int | None, reader: Reader | None
) -> dict[str, Any]:
    """The report of the bulletin."""
    return bulletin_report(db=books().db, scope=scope, period=period, places=places, reader=reader)


def bulletin_document(report: dict[str, Any], period: Period) -> Document:
    """The report as a document in the language of the request."""
    registry = books_seen().registry
    tables = BulletinTables(report, registry, scope_name(registry, report["scope"]), lang())
    return tables.document(period_words(period, lang()))


def indicators_of(scope: str, year: str) -> dict[str, Any]:
    """The report of the indicators of the parks of a scope."""
    return indicators_report(db=books().db, scope=scope, year=year)


def indicators_document(report: dict[str, Any]) -> Document:
    """The report as a document in the language of the request."""
    registry = books_seen().registry
    name = scope_name(registry, report["scope"])
    return IndicatorTables(report, registry, name, lang()).document()


def last_year(held: Overview) -> str:
    """The last calendar year that is over and that the books hold whole; "" if there is none."""
    if held.first is None or held.last is None:
        return ""
    last = min(held.last, next_month(this_month(), -1))
    year = last // 100 if last % 100 == DECEMBER else last // 100 - 1
    return str(year) if held.first <= year * 100 + 1 else ""


def as_workbook(document: Document, name: str) -> Response:
    """A document as XLSX."""
    return download(office_book(document, lang()), XLSX, f"{name}.xlsx")


def as_print(document: Document) -> Response:
    """A document as a page of its own, to be printed or saved."""
    return Response(render_template("office_print.html", document=document), mimetype="text/html")


def download(body: bytes, mimetype: str, name: str) -> Response:
    """A file to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, mimetype=mimetype, headers=headers)


def figures_csv(report: dict[str, Any]) -> str:
    """The printed lines as `audit-figures` reads them; what is hidden is left out."""
    text: str = csv_text(*figures_table(report))
    return text


def is_number(cell: object) -> bool:
    """Whether a cell of a document is a number, for the templates."""
    return isinstance(cell, Number)


def thousands(number: str) -> str:
    """Decimal text with separators; its sign and its last zeros stay.

    >>> thousands("1234567.50"), thousands("+1200"), thousands("-0.5")
    ('1,234,567.50', '+1,200', '-0.5')
    """
    sign, digits = (number[0], number[1:]) if number[:1] in "+-" else ("", number)
    whole, dot, rest = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{rest}"
