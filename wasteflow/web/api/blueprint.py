"""The blueprint every resource of the API is made with: rights, preconditions, ETags.

A view parses, calls a service, answers; what stands here is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request
from marshmallow import Schema
from msgspec import Struct

from wasteflow.web.access import check_database
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.problems import Problem
from wasteflow.web.api.rights import signed_in
from wasteflow.web.permits import needs
from wasteflow_models.engine import Alone

View = TypeVar("View", bound=Callable[..., Any])


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


class Dressing(Struct, frozen=True):
    """How a view of the API is called and described; see `ApiBlueprint.endpoint`."""

    view: Callable[..., Any]
    method: str
    path: str
    right: str
    returns: type[Schema] | Schema | dict[str, Any] | None
    status: int
    query: type[Schema] | None
    body: type[Schema] | None
    tagged: bool
    change: bool
    once: bool
    single: Alone | None
    whole: bool
    takes_key: bool
    content_type: str | None
    content: dict[str, Any] | None
    later: type[Schema] | None
    doc: dict[str, Any]

    def guarded(self) -> Callable[..., Any]:
        """The view behind its right, dressed (checked input, shaped answer) when first called.

        Dressing 160 views and loading what it takes would be a tenth of the start of a server.
        """
        made: list[Callable[..., Any]] = []

        @wraps(self.view)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not made:
                from wasteflow.web.api.document import dress

                made.append(dress(self))
            return made[0](*args, **kwargs)

        return needs(self.right)(call)


HOW: Final = frozenset(Dressing.__struct_fields__) - {"view"}


class ApiBlueprint(Blueprint):
    """A resource of the API."""

    def __init__(self, name: str, description: str, prefix: str = "") -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=f"/api/v1{prefix}")
        self.description = description
        self.dressings: list[Dressing] = []
        self.before_request(check_database)
        self.before_request(signed_in)

    def endpoint(  # type: ignore[override]  # Flask's names an endpoint only
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
        given = {name: value for name, value in locals().items() if name in HOW}

        def decorate(view: View) -> View:
            dressing = Dressing(view, **given)
            name, taken = view.__name__, {one.view.__name__ for one in self.dressings}
            endpoint = f"{name}_{len(self.dressings)}" if name in taken else name
            self.add_url_rule(path, endpoint, dressing.guarded(), methods=[method])
            self.dressings.append(dressing)
            return view

        return decorate


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
