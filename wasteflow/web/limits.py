"""How often one may ask: Flask-Limiter with counters all server processes share."""

from __future__ import annotations

import time
from typing import Any, Final

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits.storage import Storage

from wasteflow.web.access import READY, books
from wasteflow.web.identity import address, current_actor
from wasteflow_models.rate_windows import RateWindows

SCHEME: Final = "wasteflow"
_EXTENSION: Final = "wasteflow_limits"
_NEVER: Final = "1000000000 per second"
_TO_WAIT: Final = (429, 503)
_SIGN_IN: Final = "accounts.sign_in"


class SharedWindows(Storage):
    """The counters of `RateWindows`, as Flask-Limiter wants them."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  (read by the registry of the base class)

    def __init__(self, uri: str = "", wrap_exceptions: bool = False, **_: object) -> None:
        super().__init__(uri, wrap_exceptions)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a counter may raise."""
        return Exception

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the hits of the window so far."""
        return _windows().add(key, expiry, amount, time.time())

    def get(self, key: str) -> int:
        """Hits of the window."""
        return _windows().get(key, time.time())[0]

    def get_expiry(self, key: str) -> float:
        """When the window ends, seconds since 1970."""
        return _windows().get(key, time.time())[1]

    def check(self) -> bool:
        """Whether counting works."""
        _windows().get("", time.time())
        return True

    def reset(self) -> int | None:
        """Forget everything."""
        _windows().clear()
        return None

    def clear(self, key: str) -> None:
        """Forget a key."""
        _windows().clear(key)


class Limits(Limiter):
    """Flask-Limiter, asked only where a request can have a limit: it costs an eighth of a write."""

    def _check_request_limit(
        self, callable_name: str | None = None, in_middleware: bool = True
    ) -> None:
        if callable_name or request.endpoint == _SIGN_IN or _is_limited():
            super()._check_request_limit(callable_name, in_middleware)


def _windows() -> RateWindows:
    found = current_app.extensions[_EXTENSION]
    assert isinstance(found, RateWindows)
    return found


def install(app: Flask) -> None:
    """Limits of the API and of the sign-in form; after every blueprint is registered."""
    config = books(app).config.accounts
    app.extensions[_EXTENSION] = RateWindows(books(app).db)
    app.after_request(_told_to_wait)  # runs after the limiter's own, being there before it
    limiter = Limits(
        asker,
        app=app,
        storage_uri=f"{SCHEME}://",
        strategy="fixed-window",
        headers_enabled=True,
        application_limits=[config.limit_api or _NEVER],
        application_limits_exempt_when=lambda: not _is_limited(),
    )
    rate = limiter.limit(config.limit_sign_in, methods=["POST"], key_func=address)
    views: dict[str, Any] = app.view_functions
    views[_SIGN_IN] = rate(views[_SIGN_IN])


def _told_to_wait(response: Response) -> Response:
    """The limiter says Retry-After on every answer; nobody has to wait after one that was given."""
    if response.status_code not in _TO_WAIT:
        response.headers.pop("Retry-After", None)
    elif "again_s" in g:  # the limiter has put its own window there
        response.headers["Retry-After"] = str(g.again_s)
    return response


def asker() -> str:
    """Whom requests are counted for: the token, the sign-in, else the address.

    A token that is none counts for its address: inventing tokens gains nothing.
    """
    actor = current_actor() if books().usable() == READY else None
    if actor is None or actor.guest:
        return f"address:{address()}"
    return f"token:{actor.token_id}" if actor.token_id else f"user:{actor.user_id}"


def _is_limited() -> bool:
    return bool(books().config.accounts.limit_api) and request.path.startswith("/api/")
