"""Request id, nonce and the security headers of every response; nothing of the product."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from wasteflow.core.errors import InvalidValue
from wasteflow.web.access import books

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def nonce() -> str:
    """The nonce of this response; every script and style element carries it."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(18)
    return str(g.nonce)


def request_id() -> str:
    """Id of this request: that of the proxy if it is well formed, else a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex[:16]
    return str(g.request_id)


_READS_ITS_FORM: Final = "pages.audit"
"""It parses its body itself, within its own limits, and stores nothing."""


def install(app: Flask) -> None:
    """Set the headers after each request; templates know `nonce` and `request_id`."""
    app.before_request(_no_nul)
    app.after_request(_with_headers)
    app.context_processor(lambda: {"nonce": nonce, "request_id": request_id})


def _no_nul() -> None:
    """Nobody types one, and PostgreSQL takes none; the API looks at its values itself."""
    if request.path.startswith("/api/"):
        return
    typed = [request.args]
    form = request.mimetype == "application/x-www-form-urlencoded"
    if form and request.endpoint != _READS_ITS_FORM:
        typed.append(request.form)
    if any("\0" in text for part in typed for pair in part.items(multi=True) for text in pair):
        raise InvalidValue("control_character", value="", byte="U+0000")


def _with_headers(response: Response) -> Response:
    there = {name.lower() for name, _ in response.headers}
    for name, value in _FIXED.items():
        if name.lower() not in there:
            response.headers.add(name, value)
    response.headers["X-Request-Id"] = request_id()
    if response.status_code == 304:
        # The browser keeps the page it has, and with it the policy that names the nonce in it.
        return response
    if response.mimetype in ("text/html", "text/csv", "application/json"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _policy())
        response.vary.add("Cookie")
    return response


def _policy() -> str:
    images = " ".join(["'self'", "data:", *_basemap_origin()])
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce()}'",
        "style-src": f"'self' 'nonce-{nonce()}'",
        "img-src": images,
        "font-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "frame-ancestors": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _basemap_origin() -> list[str]:
    """Origin of a configured basemap; by default there is none and nothing leaves the server."""
    basemap = books().config.basemap
    if basemap is None or not urlsplit(basemap.url).netloc:
        return []
    parts = urlsplit(basemap.url)
    host = re.sub(r"\{[^}]*\}", "*", parts.netloc)
    return [f"{parts.scheme}://{host}"] if re.fullmatch(r"[\w.*:-]+", host) else []
