"""Errors of the API as RFC 9457 problem+json in the language asked for; no rule is decided here."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask import Response, g, request
from flask_wtf.csrf import CSRFError
from msgspec import Struct
from msgspec import field as attribute
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from wasteflow.core.errors import (
    FieldIssue,
    FieldsRefused,
    InvalidValue,
    NotFound,
    Remark,
    RowIssue,
    RowsRefused,
    RuleBroken,
    StaleVersion,
    WasteflowError,
)
from wasteflow.core.lifecycle import IllegalMove
from wasteflow.core.messages import render
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.services.external_ids import ExternalIdTaken
from wasteflow.web.access import books
from wasteflow.web.security import request_id
from wasteflow.web.texts import lang

PROBLEM: Final = "application/problem+json"
PREFIX: Final = "/api/"
TYPE: Final = "urn:wasteflow:problem:"
BUSY_AGAIN_S: Final = 2
_log: Final = logging.getLogger(__name__)

TITLES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("请求无法理解", "Malformed request"),
    401: ("未登录", "Not signed in"),
    403: ("无权办理", "Not your right"),
    404: ("没有这条记录", "Not found"),
    405: ("不支持的方法", "Method not allowed"),
    406: ("没有所要的格式", "Not acceptable"),
    409: ("与现状冲突", "Conflict"),
    412: ("版本已过时", "Stale version"),
    413: ("请求体过大", "Body too large"),
    415: ("不支持的类型", "Unsupported media type"),
    422: ("内容不符合要求", "Invalid content"),
    428: ("须说明依据的版本", "Version required"),
    429: ("请求过于频繁", "Too many requests"),
    500: ("程序出错", "Program error"),
    503: ("暂时不能提供服务", "Not available now"),
}
"""Status → title (Chinese, English)."""

_DENIED: Final = {
    Verdict.NOT_SIGNED_IN: 401,
    Verdict.NOT_ONES_BUSINESS: 404,
    Verdict.NOT_ONES_RIGHT: 403,
}
CONFLICTS: Final = frozenset(
    {
        "offer_move_illegal",
        "already_reversed",
        "already_signed",
        "cannot_reverse_children",
        "closed_by_park",
        "illegal_event",
        "last_system_admin",
        "month_already_closed",
        "month_closed",
        "month_not_closed",
        "month_not_over",
        "not_asked",
        "not_in_transit",
        "nothing_due",
        "remind_first",
        "reopen_later_first",
        "revision_closed",
        "revision_outdated",
        "wait_before_settling",
    }
)
"""Rules that speak of the state of the books, not of what was sent."""
_BUSY: Final = {
    **dict.fromkeys(
        ("database_busy", "import_overtaken", "not_on_disk", "not_written"), BUSY_AGAIN_S
    ),
    "findings_being_made": 10,
}
"""What passes by itself, and after how many seconds to ask again."""
_HTTP_CODES: Final = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_ones_right",
    404: "no_such_address",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type",
    429: "rate_limited",
    503: "books_unavailable",
}


class Pointed(Struct, frozen=True):
    """What is wrong at one place of a request: a JSON pointer, the code and its parameters."""

    pointer: str
    code: str
    params: Mapping[str, str] = attribute(default_factory=dict)

    def as_dict(self, language: str) -> dict[str, str]:
        """{pointer, code, message}, as errors and warnings are told."""
        message = render(self.code, language, self.params)
        return {"pointer": self.pointer, "code": self.code, "message": message}


class Problem(WasteflowError):
    """An answer of the API that is an error: its status, code and the faults behind it."""

    def __init__(
        self,
        status: int,
        code: str,
        params: Mapping[str, object] | None = None,
        *,
        faults: Iterable[Pointed] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        source: WasteflowError | None = None,
    ) -> None:
        self._source = source
        self.status, self.faults = status, tuple(faults)
        self.headers, self.extra = dict(headers or {}), dict(extra or {})
        super().__init__(code, **(params or {}))

    def told(self, language: str) -> str:
        """The wording, by the error it stands for if that has words of its own."""
        return (self._source or self).text(language)


def refused(faults: Iterable[Pointed]) -> Problem:
    """422 for faults found in a request."""
    found = tuple(faults)
    if len(found) == 1:
        return Problem(422, found[0].code, found[0].params, faults=found)
    return Problem(422, "invalid", {"count": len(found)}, faults=found)


def is_api() -> bool:
    """Whether this request is for the API (its documentation page aside)."""
    return request.path.startswith(PREFIX) and request.path != "/api/docs"


def fault_of(issue: RowIssue) -> Pointed:
    """The refusal of a row as a fault of the object that was sent."""
    params = {"field": issue.field, "value": issue.value, **issue.params}
    return Pointed(f"/{issue.field}" if issue.field else "", issue.code, params)


def _pointed(item: FieldIssue) -> Pointed:
    """A field that is refused, with its name for the messages that say it."""
    field = item.pointer.removeprefix("/")
    return Pointed(item.pointer, item.code, {"field": field, **item.params})


def problem_of(error: WasteflowError) -> Problem:
    """How an error of the product is answered."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Denied):
        status = _DENIED[error.verdict]
        if status == 401 and "Authorization" in request.headers:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return Problem(status, "token_not_valid", headers=headers)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return Problem(status, error.code, error.params, headers=headers)
    if isinstance(error, RowsRefused):
        return refused(fault_of(issue) for issue in error.issues)
    if isinstance(error, FieldsRefused):
        return refused(_pointed(item) for item in error.issues)
    if isinstance(error, StaleVersion):
        headers = {"ETag": f'"{error.found}"'}
        return Problem(412, "version_stale", {"found": error.found}, headers=headers)
    if isinstance(error, IllegalMove):
        told = {"state": error.state.value, "moves": error.moves()}
        return Problem(409, error.code, error.params, extra=told, source=error)
    if isinstance(error, RuleBroken) and error.code in CONFLICTS:
        return Problem(409, error.code, error.params)
    if isinstance(error, ExternalIdTaken):
        fault = Pointed("/external_id", error.code, error.params)
        return Problem(409, error.code, error.params, faults=[fault], extra={"id": error.ref})
    if isinstance(error, NotFound):
        return Problem(404, error.code, error.params)
    if error.code in _BUSY:
        g.again_s = _BUSY[error.code]
        headers = {"Retry-After": str(g.again_s)}
        return Problem(503, error.code, error.params, headers=headers)
    if isinstance(error, InvalidValue | RuleBroken):
        pointer = "/cursor" if error.code == "bad_cursor" else ""
        return refused([Pointed(pointer, error.code, error.params)])
    return Problem(500, error.code, error.params)


def told_warnings(warnings: Iterable[Remark]) -> list[dict[str, str]]:
    """Warnings of a write as JSON, in the language asked for."""
    return [Pointed(item.pointer, item.code, item.params).as_dict(lang()) for item in warnings]


def problem_answer(error: WasteflowError) -> Response:
    """The response to an error of the product."""
    problem = problem_of(error)
    if problem.status >= 500:
        _log.error("%s %s: %s", request_id(), request.path, error)
    return _answer(problem)


def http_answer(error: HTTPException) -> Response:
    """The response to an error of HTTP itself; `Allow` and `Retry-After` are kept."""
    status = error.code or 500
    if status < 400 and error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in ("allow", "retry-after", "www-authenticate")
    }
    params: dict[str, object] = {}
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        headers["Allow"] = ", ".join(allowed)
        params = {"value": request.method, "known": ", ".join(allowed)}
    elif status == 413:
        params = {"limit": (request.max_content_length or 0) // 2**20 or ""}
    elif status == 415:
        params = {"value": request.mimetype or "–", "known": "application/json"}
    elif status == 429:
        headers.setdefault("Retry-After", "60")
        params = {"seconds": headers["Retry-After"]}
    elif status == 503:
        params = {"state": books().state()}
        headers.setdefault("Retry-After", str(BUSY_AGAIN_S))
    elif status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    code = _HTTP_CODES.get(status, "server_error" if status >= 500 else "bad_request")
    if isinstance(error, CSRFError):
        code = "form_token_missing" if not form_token() else "form_token_wrong"
    return _answer(Problem(status, code, {"request": request_id(), **params}, headers=headers))


def form_token() -> str:
    """The form token of a request as a page of ours sends it, "" without one."""
    given = (request.headers.get(name, "") for name in ("X-CSRFToken", "X-CSRF-Token"))
    return request.form.get("csrf_token", "") or next(filter(None, given), "")


def unexpected_answer(error: Exception) -> Response:
    """500 for what nobody expected; the log has the traceback under the request id."""
    _log.error("%s %s", request_id(), request.path, exc_info=error)
    return _answer(Problem(500, "server_error", {"request": request_id()}))


def body_of(problem: Problem) -> dict[str, Any]:
    """The body of a problem in the language asked for."""
    language = lang()
    titles = TITLES.get(problem.status, TITLES[500 if problem.status >= 500 else 400])
    return {
        "type": TYPE + problem.code,
        "title": titles[0 if language == "zh" else 1],
        "status": problem.status,
        "detail": problem.told(language),
        "code": problem.code,
        "errors": [fault.as_dict(language) for fault in problem.faults],
        "request_id": request_id(),
        **problem.extra,
    }


def _answer(problem: Problem) -> Response:
    text = json.dumps(body_of(problem), ensure_ascii=False)
    response = Response(text, status=problem.status, content_type=PROBLEM)
    response.headers["Content-Language"] = lang()
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(problem.headers)
    return response
