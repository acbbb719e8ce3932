"""JSON answers in UTF-8, keys in the order given."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response

JSON: Final = "application/json"
_text_of: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(body: Any, status: int = 200) -> Response:
    """A JSON answer in UTF-8, keys in the order given."""
    return Response(_text_of(body), status=status, content_type=JSON)
