"""The OpenAPI document, and views as flask-smorest dresses them: checked input, shaped answers.

Loaded when the API is first called or described; a server that starts does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from flask import Flask
from flask_smorest import Api, Blueprint

from wasteflow.web.api.blueprint import (
    IDEMPOTENCY,
    IF_MATCH,
    IF_NONE_MATCH,
    ApiBlueprint,
    Dressing,
)
from wasteflow.web.api.idempotent import idempotent, together
from wasteflow.web.api.parsing import StrictParser
from wasteflow.web.api.problem_shapes import ProblemSchema
from wasteflow.web.api.problems import PROBLEM
from wasteflow.web.api.shapes import as_shape

_HEADER: Final[dict[str, Any]] = {"schema": {"type": "string"}}


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


class _Described(Blueprint):  # type: ignore[misc]
    """A resource as flask-smorest knows it; it serves nothing."""

    ARGUMENTS_PARSER: ClassVar[StrictParser] = StrictParser()

    def __init__(self, name: str, description: str = "", prefix: str = "") -> None:
        super().__init__(name, __name__, url_prefix=prefix, description=description)
        self._prepare_doc_cbks.append(self._prepare_common_doc)

    def dressed(self, given: Dressing) -> Callable[..., Any]:
        """The view with its checks and the shape of its answer, described for the document."""
        shown: Any = together(given.view) if given.whole else given.view
        shown = idempotent(shown, single=given.single) if given.once else shown
        if given.query is not None:
            shown = self.arguments(given.query(), location="query")(shown)
        if given.body is not None:
            shown = self.arguments(given.body())(shown)
        shown = self.response(
            given.status,
            given.returns,
            content_type=given.content_type,
            headers={"ETag": _HEADER} if given.tagged else None,
        )(shown)
        if given.later is not None:
            shown = self.alt_response(202, schema=given.later, success=True)(shown)
        headers = [IF_MATCH] * given.change + [IDEMPOTENCY] * (given.once or given.takes_key)
        if given.tagged and given.method == "GET":
            headers.append(IF_NONE_MATCH)
            shown = self.alt_response(304, description="You have it", success=True)(shown)
        more: dict[str, Any] = {"parameters": headers} if headers else {}
        if given.content is not None:
            more["requestBody"] = {"required": True, "content": given.content}
        made: Callable[..., Any] = self.doc(
            tags=[self.name.removeprefix("api_")], **more, **given.doc
        )(shown)
        return made

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


_DRESSER: Final = _Described("api")


def dress(given: Dressing) -> Callable[..., Any]:
    """The view as it is called."""
    return _DRESSER.dressed(given)


def document(app: Flask, resources: Iterable[ApiBlueprint]) -> dict[str, Any]:
    """The description of every call of the resources of `app`."""
    api = WasteflowApi(app)
    api.ma_plugin.converter.add_attribute_function(as_shape)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "wasteflow token create"}
    )
    for resource in resources:
        told = _Described(resource.name, resource.description, resource.url_prefix or "")
        for given in resource.dressings:
            told.route(given.path, methods=[given.method])(told.dressed(given))
        told.register_views_in_doc(api, app, api.spec, name=told.name, parameters=None)
        tag = told.name.removeprefix("api_")
        api.spec.tag({"name": tag, "description": resource.description})
    found: dict[str, Any] = api.spec.to_dict()
    return found
