"""Files for the browser, all from our own origin: own ones in static/, third-party ones by name.

Addresses carry a digest of the content, so that browsers may keep them for a year.
"""

from __future__ import annotations

import mimetypes
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Flask, Response, abort, request, send_file, url_for

from wasteflow.web.packing import packable, packed_file, taken
from wasteflow.web.permits import public
from wasteflow_maps import MapError
from wasteflow_maps.assets import asset_names, asset_path

STATIC: Final = Path(__file__).resolve().parent / "static"
_LONG: Final = "public, max-age=31536000, immutable"
_FORCED: Final = {"light": "not all", "dark": "all"}
_SHORT: Final = "public, max-age=300"


def install(app: Flask) -> None:
    """Routes `/static/<name>` and `/static/vendor/<name>`; templates know `asset` and `vendor`."""
    app.add_url_rule("/static/<name>", "static", public(_own))
    app.add_url_rule("/static/vendor/<path:name>", "vendor", public(_vendor))
    app.add_url_rule("/static/themed/<theme>/<name>", "themed", public(_themed))
    app.context_processor(lambda: {"asset": own_url, "vendor": vendor_url})


def own_url(name: str) -> str:
    """Address of a file of ours."""
    return url_for("static", name=name, v=_digest(STATIC / name))


def vendor_url(name: str) -> str:
    """Address of a file known to `wasteflow_maps.assets`; MapError if it is not there."""
    return url_for("vendor", name=name, v=_digest(asset_path(name)))


@cache
def injected_styles(name: str) -> tuple[str, ...]:
    """Ids of style elements a vendor script would add to the page unless they are there already.

    A page that loads it puts empty elements with these ids and its nonce, so that the
    Content-Security-Policy needs no exception.
    """
    source = asset_path(name).read_text(encoding="utf-8")
    hashed = re.findall(r"getElementById\(\"([0-9a-f]{64})\"\)", source)
    return ("plotly.js-style-global", *dict.fromkeys(hashed))


def themed_url(name: str, theme: str) -> str:
    """Like `vendor_url`; a style sheet in `theme` ("light", "dark") whatever the system prefers."""
    if theme not in _FORCED or not name.endswith(".css"):
        return vendor_url(name)
    return url_for("themed", theme=theme, name=name, v=_digest(asset_path(name)))


def _themed(theme: str, name: str) -> Response:
    if theme not in _FORCED or name not in asset_names() or not name.endswith(".css"):
        abort(404)
    text = asset_path(name).read_text(encoding="utf-8")
    text = text.replace("(prefers-color-scheme: dark)", _FORCED[theme])
    text = text.replace("color-scheme: light dark", f"color-scheme: {theme}")
    response = Response(text, mimetype="text/css")
    response.headers["Cache-Control"] = _LONG if "v" in request.args else _SHORT
    return response


def _own(name: str) -> Response:
    known = {path.name: path for path in sorted(STATIC.iterdir()) if path.is_file()}
    if name not in known:
        abort(404)
    return _send(known[name])


def _vendor(name: str) -> Response:
    if name not in asset_names():
        abort(404)
    try:
        return _send(asset_path(name))
    except MapError:
        abort(404)


def _send(path: Path) -> Response:
    kind = mimetypes.guess_type(path.name)[0]
    if packable(kind) and taken() and not request.range:
        response = Response(packed_file(path, path.stat().st_mtime_ns), mimetype=kind)
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(_digest(path), weak=True)
        response.make_conditional(request)
    else:
        response = send_file(path, conditional=True)
    response.headers["Cache-Control"] = _LONG if "v" in request.args else _SHORT
    return response


@cache
def _digest_of(path: Path, modified_ns: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def _digest(path: Path) -> str:
    return _digest_of(path, path.stat().st_mtime_ns)
