"""Strict reading of requests: one JSON object or known parameters, anything else is a problem."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from flask import Request, request
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError
from marshmallow.fields import Nested
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy

from wasteflow.schemas.field_base import Fault as FieldFault
from wasteflow.web.api.json_answer import JSON
from wasteflow.web.api.problems import Pointed, Problem, refused

LANG_PARAMETER: Final = "lang"
_DEEPEST: Final = "nested too deeply"


class StrictParser(FlaskParser):
    """webargs' parser with our faults: unknown names, repeated ones and odd JSON are refused."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012  (declared so by webargs)
        "json": RAISE,
        "query": RAISE,
        "headers": EXCLUDE,
        "files": RAISE,
        "form": RAISE,
    }

    def load_json(self, req: Request, schema: Any) -> Any:
        """The JSON body; Problem 415 for another type, 400 for what is not JSON."""
        if not req.is_json:
            raise Problem(415, "media_type", {"value": req.mimetype or "–", "known": JSON})
        return json_of(req.get_data(cache=True))

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """The parameters of the address; a repeated one is refused, `lang` is everybody's."""
        for name, values in req.args.lists():
            if len(values) > 1:
                raise refused([Pointed(f"/{name}", "parameter_twice", {"value": name})])
        given = req.args.copy()
        given.pop(LANG_PARAMETER, None)
        return MultiDictProxy(given, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        """Raise Problem 422 with a fault for every place."""
        found = error.messages_dict
        location = next(iter(found), "")
        inner = found.get(location, {})
        raise refused(faults_of(inner, schema=schema))


def json_of(body: bytes) -> Any:
    """The value of a JSON text; Problem 400 `bad_json_body` or `bad_json_key_twice`."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no, object_pairs_hook=_once)
    except RecursionError as error:
        raise Problem(400, "bad_json_body", {"why": _DEEPEST}) from error
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Problem(400, "bad_json_body", {"why": str(error)[:100]}) from error


def _no(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, "bad_json_key_twice", {"value": twice[:100]})
    return found


def faults_of(
    messages: Any, pointer: str = "", schema: Schema | None = None, known: str = ""
) -> Iterator[Pointed]:
    """Marshmallow's nested messages as faults with a JSON pointer each.

    schema: that of the object at `pointer`; an unknown name is told the fields it has.
    """
    if isinstance(messages, Mapping):
        known = ", ".join(sorted(schema.fields)) if schema else known
        for name, inner in messages.items():
            step = "" if name == "_schema" else f"/{_escaped(name)}"
            yield from faults_of(inner, pointer + step, _within(schema, name), known)
        return
    for item in messages if isinstance(messages, list) else [messages]:
        if isinstance(item, FieldFault):
            params = dict(item.params)
            if item.code == "unknown_parameter":
                params |= {"value": pointer.rpartition("/")[2], "known": known}
            yield Pointed(pointer, item.code, params)
        elif isinstance(item, Mapping):
            yield from faults_of(item, pointer, schema, known)
        else:
            yield Pointed(pointer, _own_code(str(item)), {"value": str(item)})


def _within(schema: Schema | None, name: Any) -> Schema | None:
    """The schema of what lies under a name, or at a place in a list, of an object."""
    if schema is None or isinstance(name, int):
        return schema
    field: Any = schema.fields.get(str(name))
    inner = getattr(field, "inner", field)
    return inner.schema if isinstance(inner, Nested) else None


def _own_code(text: str) -> str:
    """Marshmallow's own few messages that are not words of ours."""
    return "object_needed" if text.startswith("Invalid input type") else "bad_request"


def _escaped(name: Any) -> str:
    return str(name)[:100].replace("~", "~0").replace("/", "~1")


def given_parameters() -> dict[str, str]:
    """Parameters of the address without the language."""
    return {name: value for name, value in request.args.items() if name != LANG_PARAMETER}
