"""`/seals`: the seals of the books, sealing by hand, and the proof of a record to take away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, url_for

from wasteflow.core.actors import Subject
from wasteflow.core.permissions import require
from wasteflow.services.seal_proofs import kind_of_record, prove_record, seal_of_record
from wasteflow.services.seals import list_seals, seal_books
from wasteflow.web.access import books
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_words import moment
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.papers_kept import subject_of_record
from wasteflow.web.permits import may
from wasteflow.web.report_files import rows_file
from wasteflow.web.texts import text

SHOWN = 100


def show() -> Response:
    """The seals, the newest first."""
    rows = list_seals(db=books().db)
    if wants_file():
        return rows_file(rows, "seals")
    body = render_template(
        "seals.html",
        rows=rows[:SHOWN],
        total=len(rows),
        may_seal=may("seal.write", Subject()),
    )
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def seal() -> Response:
    """Seal what no seal holds yet."""
    actor = current_actor()
    require(actor, "seal.write", Subject())
    assert actor is not None
    done = seal_books(db=books().db, now=now(), by=actor.login)
    if done is None:
        flash(text("seals.nothing"), "warn")
    else:
        flash(text("seals.done", number=str(done["number"]), count=str(done["count"])), "done")
    return make_response(redirect(url_for("pages.seals"), 303))


def proof(uid: UUID) -> Response:
    """The proof of a record one may read, as a file."""
    kind = kind_of_record(db=books().db, uid=uid)
    require(current_actor(), f"{kind}.read", subject_of_record(kind, str(uid)))
    response = as_json(prove_record(db=books().db, uid=uid))
    response.headers["Content-Disposition"] = f'attachment; filename="proof-{uid}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


def sealed_words(uid: Any) -> str:
    """When a record was last sealed, in words; "" while it is not."""
    held = seal_of_record(db=books().db, uid=UUID(str(uid)))
    if held is None:
        return ""
    return text("seals.held", number=str(held["number"]), moment=moment(held["sealed_at"]))
