"""Error pages: what went wrong, what to do next, the request id; forms keep what was typed."""

from __future__ import annotations

import logging
from typing import Final

from flask import Flask, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from wasteflow.core.errors import InvalidValue, NotFound, WasteflowError
from wasteflow.web.access import books
from wasteflow.web.pages.view import Form, raw_form
from wasteflow.web.security import request_id
from wasteflow.web.texts import has_text, lang, text

UNPROCESSABLE: Final = 422
_log: Final = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Handlers for refused values, HTTP errors and everything unexpected."""
    app.register_error_handler(WasteflowError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: WasteflowError) -> Response:
    """A value of the address that cannot be used: 422, or 404 where it names nothing."""
    if isinstance(error, InvalidValue):
        return _page(UNPROCESSABLE, error.text(lang()), raw_form(), _field(error.code))
    if isinstance(error, NotFound):
        return _page(404, error.text(lang()), raw_form())
    _log.error("%s %s: %s", request_id(), request.path, error)
    return _page(500, error.text(lang()))


def _field(code: str) -> str:
    """The form field a code is about."""
    fields = {"bad_period": "period", "bad_scope": "scope"}
    return {**fields, "as_of_before_period": "as_of", "bad_month": "as_of"}.get(code, "")


def _http(error: HTTPException) -> Response:
    code = error.code or 500
    if code == 503:
        state = books().state()
        return _page(code, text(f"db.{state}.what_next"), state=state)
    response = _page(code, "")
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    _log.error("%s %s", request_id(), request.path, exc_info=error)
    return _page(500, "")


def _page(
    code: int, detail: str, form: Form | None = None, field: str = "", state: str = ""
) -> Response:
    """The error page; for other than pages (a file, a frame) it is the same in plain words."""
    kind = str(code) if has_text(f"error.{code}.title") else ("4xx" if code < 500 else "500")
    action = request.path if code == UNPROCESSABLE else url_for("pages.overview")
    body = render_template(
        "error.html",
        code=code,
        kind=kind,
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
