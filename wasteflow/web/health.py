"""`/healthz`: the process lives; `/readyz`: the database answers and is at its newest revision."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import ServiceUnavailable

from wasteflow.web.access import READY, books
from wasteflow.web.texts import text

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 as long as the process answers; touches nothing."""
    return _fresh(jsonify(status="ok"))


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when pages can be served, else 503 with the reason and what to do."""
    state = books().state()
    if state == READY:
        return _fresh(jsonify(status="ready"))
    response = jsonify(status="not_ready", reason=state, detail=text(f"db.{state}.what_next"))
    response.status_code = 503
    return _fresh(response)


def check_database() -> None:
    """503 before any page is tried while the database cannot serve it."""
    if books().usable() != READY:
        raise ServiceUnavailable


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
