"""Long lists of pages as files: at once while they are short, else in the background."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain, islice
from typing import Final

from flask import Response, flash, make_response, redirect, request, url_for

from wasteflow.core.actors import Actor
from wasteflow.exporting.sheets import Sheet
from wasteflow.exports import Export, notes_of
from wasteflow.own_tables import own_table
from wasteflow.web.access import books, books_seen
from wasteflow.web.exports_out import ask_export
from wasteflow.web.identity import now
from wasteflow.web.report_files import sheet_response
from wasteflow.web.texts import lang, text

AT_ONCE: Final = 5_000
"""Rows written while the browser waits; more are an export of the background, with its link."""


def list_response(actor: Actor, kind: str, wanted: Mapping[str, str]) -> Response:
    """The whole list of the page as the file its address asks for (`format`, `encoding`)."""
    told = {name: value for name, value in wanted.items() if value}
    gb = request.args.get("encoding", "").lower() in ("gb18030", "gbk")
    asked = Export(
        kind=kind,
        ending=request.args["format"],
        encoding="gb18030" if gb else "utf-8-sig",
        lang=lang(),
        wanted=json.dumps(told, ensure_ascii=False),
    )
    heads, rows = own_table(
        db=books().db,
        kind=kind,
        actor=actor,
        wanted=told,
        lang=lang(),
        synthetic=books_seen().synthetic,
    )
    first = list(islice(rows, AT_ONCE + 1))
    if len(first) > AT_ONCE:  # a guest is asked to sign in: a file waits for an account
        ask_export(actor, asked, now())
        flash(text("export.large", number=AT_ONCE))
        return make_response(redirect(url_for("exports.index"), 303))
    notes = [*notes_of(books().db, asked), *((name, value) for name, value in told.items())]
    sheet = Sheet(kind, heads, chain(first, rows), notes, text("export.total"))
    return sheet_response(sheet, asked.ending, f"wasteflow-{kind}", asked.encoding)
