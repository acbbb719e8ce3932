"""Text sent packed (gzip) to browsers that take it; what is small, packed or streamed stays."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Flask, Response, request

SMALLEST: Final = 1024
"""Bytes below which packing gains nothing."""
LEVEL, LEVEL_ONCE = 5, 9
"""Effort for what is packed at each request, and for files that are packed once."""
_TEXTS: Final = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
    }
)


def install(app: Flask) -> None:
    """Pack after each request."""
    app.after_request(_pack)


def packable(mimetype: str | None) -> bool:
    """Whether a kind of content is text."""
    return mimetype in _TEXTS


def taken() -> bool:
    """Whether this request takes gzip."""
    return request.accept_encodings["gzip"] > 0


@lru_cache(maxsize=64)
def packed_file(path: Path, modified_ns: int) -> bytes:
    """A file as gzip, packed once for each state of it; same bytes in every process."""
    return gzip.compress(path.read_bytes(), LEVEL_ONCE, mtime=0)


def _pack(response: Response) -> Response:
    if not packable(response.mimetype) or response.status_code == 304:
        return response
    response.vary.add("Accept-Encoding")
    if (
        response.direct_passthrough
        or response.is_streamed
        or response.status_code == 206
        or "Content-Encoding" in response.headers
        or not taken()
        or len(response.get_data()) < SMALLEST
    ):
        return response
    response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    tag, weak = response.get_etag()
    if tag and not weak:  # a strong tag would stand for other bytes
        response.set_etag(tag, weak=True)
    return response
