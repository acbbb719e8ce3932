"""`/healthz`: the process lives; `/readyz`: the database answers and is at its newest revision."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from wasteflow.web.access import READY, books
from wasteflow.web.permits import public
from wasteflow.web.texts import text

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """200 as long as the process answers; touches nothing."""
    return _fresh(jsonify(status="ok"))


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """200 when pages can be served, else 503 with the reason and what to do."""
    state = books().state()
    if state == READY:
        return _fresh(jsonify(status="ready"))
    response = jsonify(status="not_ready", reason=state, detail=text(f"db.{state}.what_next"))
    response.status_code = 503
    return _fresh(response)


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
