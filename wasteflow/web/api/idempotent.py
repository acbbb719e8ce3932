"""`Idempotency-Key` on POST: the same request is done once and answered again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from hashlib import sha256
from typing import Any, Final

from flask import Response, request

from wasteflow.services.answered import KeptAnswer, KeyReused, answer_once, in_one_transaction
from wasteflow.web.access import books
from wasteflow.web.api.problems import Problem
from wasteflow.web.api.rights import who
from wasteflow_models.engine import Alone

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 200
_KEY: Final = re.compile(r"[!-~]{1,200}\Z")
_KEPT: Final = ("Content-Type", "ETag", "Location")


def key_given() -> str:
    """The key of this request, "" without one; Problem 400 for one that is not printable."""
    given = request.headers.get(HEADER)
    if given is None:
        return ""
    if not _KEY.match(given):
        raise Problem(400, "key_bad", {"limit": LONGEST})
    return given


def digest() -> str:
    """Digest of what makes requests the same: method, address, body."""
    head = f"{request.method} {request.full_path}\n{request.mimetype}\n"
    return sha256(head.encode() + request.get_data(cache=True)).hexdigest()


def idempotent(
    view: Callable[..., Response], *, single: Alone | None = None
) -> Callable[..., Response]:
    """`view` in one transaction with its kept answer, if the request names a key.

    single: nothing that a service raises in it is caught in it, and whom that keeps out
    (`Database.together`).
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = key_given()
        if not key:
            return view(*args, **kwargs)
        made = Response()

        def make() -> KeptAnswer:
            nonlocal made
            made = view(*args, **kwargs)
            return kept_of(made)

        answer = answer_of_key(key, make, single=single)
        return response_of(answer) if answer.replayed else made

    return once


def answer_of_key(
    key: str, make: Callable[[], KeptAnswer], *, single: Alone | None = None
) -> KeptAnswer:
    """What the caller was told under a key, or what is made now; Problem 422 `key_reused`."""
    try:
        return answer_once(
            db=books().db,
            account_id=who().user_id,
            key=key,
            digest=digest(),
            now=datetime.now(UTC),
            make=make,
            alone=single,
        )
    except KeyReused as error:
        raise Problem(422, error.code) from error


def together(view: Callable[..., Response]) -> Callable[..., Response]:
    """`view` in one transaction, that of its kept answer if there is one."""

    @wraps(view)
    def joined(*args: Any, **kwargs: Any) -> Response:
        if books().db.joined:
            return view(*args, **kwargs)
        return in_one_transaction(lambda: view(*args, **kwargs), db=books().db)

    return joined


def kept_of(response: Response) -> KeptAnswer:
    """What is kept of a response."""
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    return KeptAnswer(response.status_code, headers, response.get_data(as_text=True))


def response_of(answer: KeptAnswer) -> Response:
    """The response of a kept answer; a replayed one says so."""
    response = Response(answer.body, status=answer.status)
    for name, value in answer.headers.items():
        response.headers[name] = value
    if answer.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
