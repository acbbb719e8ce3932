"""Error pages: what went wrong, what to do next, the request id; forms keep what was typed.

Under /api the same errors are answered as problem+json (`api.problems`).
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from wasteflow.core.errors import InvalidValue, NotFound, WasteflowError
from wasteflow.core.messages import render
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.web.access import books
from wasteflow.web.api.problems import (
    http_answer,
    is_api,
    problem_answer,
    problem_of,
    unexpected_answer,
)
from wasteflow.web.pages.view import Form, raw_form
from wasteflow.web.security import request_id
from wasteflow.web.texts import has_text, lang, text

UNPROCESSABLE: Final = 422
DENIED: Final = {
    Verdict.NOT_SIGNED_IN: 401,
    Verdict.NOT_ONES_BUSINESS: 404,
    Verdict.NOT_ONES_RIGHT: 403,
}
"""Verdict → HTTP status (4-contract 4.4)."""
_log: Final = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Handlers for refused values, HTTP errors and everything unexpected."""
    app.register_error_handler(WasteflowError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: WasteflowError) -> Response:
    """A value of the address that cannot be used: 422, or 404 where it names nothing."""
    if is_api():
        return problem_answer(error)
    if isinstance(error, Denied):
        return _denied(error)
    if isinstance(error, InvalidValue) and request.method not in ("GET", "HEAD"):
        return _page(UNPROCESSABLE, error.text(lang()), kind="refused")
    if isinstance(error, InvalidValue):
        return _page(UNPROCESSABLE, error.text(lang()), raw_form(), _field(error.code))
    if isinstance(error, NotFound):
        return _page(404, error.text(lang()), raw_form())
    status = problem_of(error).status
    if status < 500:
        kind = "409" if status in (409, 412) else "refused"
        return _page(status, error.text(lang()), kind=kind)
    _log.error("%s %s: %s", request_id(), request.path, error)
    if status == 503:
        kind = "coming" if error.code == "findings_being_made" else "busy"
        return _page(status, error.text(lang()), kind=kind)
    return _page(500, error.text(lang()))


def came_from() -> str:
    """The page of ours whose form was sent, "" where it is not known: path and query."""
    told = urlsplit(request.referrer or "")
    if request.method in ("GET", "HEAD") or told.netloc != request.host:
        return ""
    return f"{told.path}?{told.query}" if told.query else told.path


def _denied(error: Denied) -> Response:
    """401 leads to the sign-in page; 404 for what is not one's business, 403 otherwise."""
    if error.verdict is Verdict.NOT_SIGNED_IN:
        reading = request.method in ("GET", "HEAD")
        back = request.full_path.rstrip("?") if reading else came_from() or "/"
        return make_response(redirect(url_for("accounts.sign_in", next=back)))
    return _page(DENIED[error.verdict], error.text(lang()))


def _field(code: str) -> str:
    """The form field a code is about."""
    fields = {"bad_period": "period", "bad_scope": "scope"}
    return {**fields, "as_of_before_period": "as_of", "bad_month": "as_of"}.get(code, "")


def _http(error: HTTPException) -> Response:
    if is_api():
        return http_answer(error)
    code = error.code or 500
    if code == 503:
        state = books().state()
        return _page(code, text(f"db.{state}.what_next"), state=state)
    detail = render("form_expired", lang(), {}) if isinstance(error, CSRFError) else ""
    response = _page(code, detail)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    if is_api():
        return unexpected_answer(error)
    _log.error("%s %s", request_id(), request.path, exc_info=error)
    return _page(500, "")


def _page(
    code: int,
    detail: str,
    form: Form | None = None,
    field: str = "",
    state: str = "",
    kind: str = "",
) -> Response:
    """The error page; for other than pages (a file, a frame) it is the same in plain words."""
    if code >= 500:
        g.broken = True
    known = str(code) if has_text(f"error.{code}.title") else ("4xx" if code < 500 else "500")
    action = request.path if code == UNPROCESSABLE else url_for("pages.overview")
    body = render_template(
        "error.html",
        code=code,
        kind=kind or known,
        back=came_from(),
        detail=detail,
        form=form,
        field=field,
        state=state,
        action=action,
    )
    response = make_response(body, code)
    if code >= 500:
        response.headers["Cache-Control"] = "no-store"
    return response
