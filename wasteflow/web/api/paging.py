"""Pages of a list: `limit`, an opaque `cursor`, and the shape of the answer; nothing is queried."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from flask import Response
from marshmallow import Schema, fields

from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.problems import Pointed, refused
from wasteflow.web.api.shapes import ApiSchema, LimitField, MomentField, Shaped

DEFAULT_LIMIT: Final = 50
T = TypeVar("T")


class CursorField(Shaped):
    """Where the next page begins, as the last page gave it; empty: the first page."""

    shape = {"type": "string", "maxLength": 300}  # noqa: RUF012


class PageQuery(ApiSchema):
    """Parameters of every list."""

    limit = LimitField("Objects per page", load_default=DEFAULT_LIMIT)
    cursor = CursorField("`next` of the page before; empty: the first page", load_default="")


class ChangedPageQuery(PageQuery):
    """Parameters of a list that knows when its objects changed."""

    updated_after = MomentField("Only what was recorded or changed after", load_default=None)


def page_schema(name: str, item: type[Schema] | Schema) -> type[Schema]:
    """The schema of a page of `item`."""
    members = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "Cursor of the next page, null on the last one"},
        ),
    }
    return type(f"{name}Page", (Schema,), members)


def cursor_of(*parts: str | int) -> str:
    """An opaque text for a place in a list.

    >>> parts_of(cursor_of("ent.a", 7), 2)
    ['ent.a', 7]
    """
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parts_of(cursor: str, count: int) -> list[Any]:
    """What `cursor_of` was given; Problem 422 `bad_cursor` for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if isinstance(parts, list) and len(parts) == count and cursor_of(*parts) == cursor:
            return parts
    except (ValueError, TypeError, RecursionError):
        pass
    raise bad_cursor(cursor)


def bad_cursor(cursor: str) -> Exception:
    """The refusal of a cursor that this list did not give."""
    return refused([Pointed("/cursor", "bad_cursor", {"value": cursor[:60]})])


def text_part(cursor: str) -> str:
    """The one text of a cursor, "" without a cursor."""
    if not cursor:
        return ""
    (part,) = parts_of(cursor, 1)
    if not isinstance(part, str) or "\x00" in part:
        raise bad_cursor(cursor)
    return part


def number_part(cursor: str) -> int:
    """The one number of a cursor, 0 without a cursor."""
    if not cursor:
        return 0
    (part,) = parts_of(cursor, 1)
    if isinstance(part, bool) or not isinstance(part, int) or not 0 <= part < 2**62:
        raise bad_cursor(cursor)
    return part


def page(
    found: Sequence[T],
    limit: int,
    show: Callable[[T], Mapping[str, Any]],
    key: Callable[[T], str | int],
) -> Response:
    """A page from `limit` + 1 objects or fewer: the extra one only tells that there is more."""
    shown = found[:limit]
    more = cursor_of(key(shown[-1])) if len(found) > limit else None
    return as_json({"items": [show(item) for item in shown], "next": more})


def rows_page(
    rows: Sequence[T], query: Mapping[str, Any], show: Callable[[T], Mapping[str, Any]]
) -> Response:
    """A page of a short list that is read whole; the cursor is the place in it."""
    start, limit = number_part(query["cursor"]), query["limit"]
    shown = rows[start : start + limit]
    more = cursor_of(start + limit) if len(rows) > start + limit else None
    return as_json({"items": [show(item) for item in shown], "next": more})
