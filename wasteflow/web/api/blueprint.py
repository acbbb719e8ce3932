"""The blueprint every resource of the API is made with: strict parser, documented problems, ETags.

A view parses, calls a service, answers; what stands here is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from flask import Response, request
from flask_smorest import Api, Blueprint
from marshmallow import INCLUDE, Schema, fields

from wasteflow.web.access import check_database
from wasteflow.web.api.idempotent import idempotent, together
from wasteflow.web.api.parsing import StrictParser, as_json
from wasteflow.web.api.problems import PROBLEM, Problem
from wasteflow.web.api.rights import signed_in
from wasteflow.web.api.shapes import as_shape
from wasteflow.web.permits import needs
from wasteflow_models.engine import Alone

View = TypeVar("View", bound=Callable[..., Any])
_HEADER: Final[dict[str, Any]] = {"schema": {"type": "string"}}


class FaultSchema(Schema):
    """One place that is wrong, or worth a remark."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer"})
    code = fields.String(required=True)
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details; some carry more (`moves` of an illegal move)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema), required=True)
    request_id = fields.String(required=True)


class WasteflowApi(Api):  # type: ignore[misc]
    """flask-smorest with our errors: the handlers are those of `web.errors`."""

    def _register_error_handlers(self) -> None:
        """None of its own: one place answers every error of the program."""

    def _register_responses(self) -> None:
        """The problem that stands behind every `default`, as problem+json."""
        response = {
            "description": "Problem (RFC 9457)",
            "content": {PROBLEM: {"schema": ProblemSchema}},
            "headers": {"X-Request-Id": _HEADER},
        }
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, response)


def header(name: str, description: str, *, required: bool = False, **shape: Any) -> dict[str, Any]:
    """A documented request header."""
    return {
        "in": "header",
        "name": name,
        "required": required,
        "description": description,
        "schema": {"type": "string", **shape},
    }


IF_MATCH: Final = header("If-Match", "ETag of the version the change rests on", required=True)
IF_NONE_MATCH: Final = header("If-None-Match", "ETag of what you have: 304 if it still holds")
IDEMPOTENCY: Final = header(
    "Idempotency-Key",
    "Same key and body: the first answer again; other body: 422",
    minLength=1,
    maxLength=200,
    pattern="^[!-~]+$",
)


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A resource of the API."""

    ARGUMENTS_PARSER: ClassVar[StrictParser] = StrictParser()

    def __init__(self, name: str, description: str, prefix: str = "") -> None:
        super().__init__(
            f"api_{name}", __name__, url_prefix=f"/api/v1{prefix}", description=description
        )
        self._prepare_doc_cbks.append(self._prepare_common_doc)
        self.before_request(check_database)
        self.before_request(signed_in)

    def endpoint(
        self,
        method: str,
        path: str,
        right: str,
        *,
        returns: type[Schema] | Schema | dict[str, Any] | None = None,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        tagged: bool = False,
        change: bool = False,
        once: bool = False,
        single: Alone | None = None,
        whole: bool = False,
        takes_key: bool = False,
        content_type: str | None = None,
        content: dict[str, Any] | None = None,
        later: type[Schema] | None = None,
        **doc: Any,
    ) -> Callable[[View], View]:
        """Register a view that is given the checked `query` or `body` first, then the path.

        right: row of the permission table it asks for.
        tagged: the answer has an ETag; change: it needs If-Match; once: it takes an
        Idempotency-Key (takes_key: and sees to it itself); single: it calls one service, whose
        errors it lets through, and this is whom that keeps out; whole: it calls several services,
        in one transaction; later: what a 202 tells, where it may be done in the background;
        `content`, `doc`: more for the OpenAPI document.
        """

        def decorate(view: View) -> View:
            shown: Any = together(view) if whole else view
            shown = idempotent(shown, single=single) if once else shown
            if query is not None:
                shown = self.arguments(query(), location="query")(shown)
            if body is not None:
                shown = self.arguments(body())(shown)
            tags = {"ETag": _HEADER} if tagged else None
            shown = self.response(status, returns, content_type=content_type, headers=tags)(shown)
            if later is not None:
                shown = self.alt_response(202, schema=later, success=True)(shown)
            headers = [IF_MATCH] * change + [IDEMPOTENCY] * (once or takes_key)
            if tagged and method == "GET":
                headers.append(IF_NONE_MATCH)
                shown = self.alt_response(304, description="You have it", success=True)(shown)
            more: dict[str, Any] = {"parameters": headers} if headers else {}
            if content is not None:
                more["requestBody"] = {"required": True, "content": content}
            shown = self.doc(tags=[self.name.removeprefix("api_")], **more, **doc)(shown)
            self.route(path, methods=[method])(needs(right)(shown))
            return view

        return decorate

    def _prepare_common_doc(
        self, doc: dict[str, Any], doc_info: Any, *, method: str, **_: Any
    ) -> dict[str, Any]:
        """What every operation shares: errors are problems, nothing else."""
        responses: dict[Any, Any] = doc.setdefault("responses", {})
        for status in [key for key in responses if str(key) == "422"]:
            responses.pop(status)
        for answer in responses.values():
            if isinstance(answer, dict):
                answer.setdefault("headers", {}).setdefault("X-Request-Id", _HEADER)
        return doc


def etag(version: str | int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def if_match() -> str:
    """The version in If-Match; Problem 428 without one, "" for `*`.

    A weak tag counts too: an answer that was packed on its way names its version by one.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given:
        raise Problem(428, "if_match_missing")
    if given == "*":
        return ""
    found = request.if_match.as_set(include_weak=True)
    if len(found) != 1:
        raise Problem(412, "version_stale")
    return str(found.pop())


def stale(version: str) -> Problem:
    """412: the object has another version now."""
    return Problem(412, "version_stale", {"found": version}, headers={"ETag": etag(version)})


def versioned(body: Mapping[str, Any], version: str | int, status: int = 200) -> Response:
    """An object with its ETag; 304 if the caller has it."""
    if request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(str(version)):
        response = Response(status=304)
    else:
        response = as_json(body, status)
    response.headers["ETag"] = etag(version)
    return response


def converter_of(api: Api) -> None:
    """Teach apispec our fields."""
    api.ma_plugin.converter.add_attribute_function(as_shape)
