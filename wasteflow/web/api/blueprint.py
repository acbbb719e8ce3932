"""The blueprint every resource of the API is made with: strict parser, documented problems, ETags.

A view parses, calls a service, answers; what stands here is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from flask import Response, request
from flask_smorest import Api, Blueprint
from flask_smorest.utils import deepupdate
from marshmallow import Schema, fields

from wasteflow.web.api.parsing import StrictParser, as_json
from wasteflow.web.api.problems import PROBLEM, Problem
from wasteflow.web.api.shapes import as_shape

View = TypeVar("View", bound=Callable[..., Any])
READS: Final = frozenset({"get", "head"})
_HEADER: Final[dict[str, Any]] = {"schema": {"type": "string"}}


class FaultSchema(Schema):
    """One place that is wrong, or worth a remark."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer"})
    code = fields.String(required=True)
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details."""

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


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A resource of the API."""

    ARGUMENTS_PARSER: ClassVar[StrictParser] = StrictParser()

    def __init__(self, name: str, description: str, prefix: str = "") -> None:
        super().__init__(
            f"api_{name}", __name__, url_prefix=f"/api/v1{prefix}", description=description
        )
        self._prepare_doc_cbks.append(self._prepare_common_doc)

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
IDEMPOTENCY: Final = header(
    "Idempotency-Key",
    "Same key and body: the first answer again; other body: 422",
    minLength=1,
    maxLength=200,
    pattern="^[!-~]+$",
)


def documented(
    blueprint: ApiBlueprint,
    *,
    returns: type[Schema] | Schema | dict[str, Any] | None = None,
    status: int = 200,
    content_type: str | None = None,
    headers: tuple[dict[str, Any], ...] = (),
    tagged: bool = False,
    **doc: Any,
) -> Callable[[View], View]:
    """What a view answers and which headers it reads, for the OpenAPI document only."""

    def decorate(view: View) -> View:
        answer_headers = {"ETag": _HEADER} if tagged else None
        shown: Any = blueprint.response(
            status, returns, content_type=content_type, headers=answer_headers
        )(view)
        if headers:
            doc["parameters"] = list(headers)
        return blueprint.doc(**doc)(shown) if doc else shown  # type: ignore[no-any-return]

    return decorate


def etag(version: str | int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def if_match() -> str:
    """The version in If-Match; Problem 428 without one, "" for `*`."""
    given = request.headers.get("If-Match", "").strip()
    if not given:
        raise Problem(428, "if_match_missing")
    if given == "*":
        return ""
    tags = request.if_match
    found = [tag for tag in tags if tags.contains(tag)]
    if len(found) != 1:
        raise Problem(412, "version_stale")
    return str(found[0])


def stale(version: str) -> Problem:
    """412: the object has another version now."""
    return Problem(412, "version_stale", headers={"ETag": etag(version)}, found=version)


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


__all__ = [
    "IDEMPOTENCY",
    "IF_MATCH",
    "ApiBlueprint",
    "FaultSchema",
    "ProblemSchema",
    "WasteflowApi",
    "converter_of",
    "deepupdate",
    "documented",
    "etag",
    "header",
    "if_match",
    "stale",
    "versioned",
]
