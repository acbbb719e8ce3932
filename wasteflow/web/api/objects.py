"""How typed values of the contract's columns stand in JSON; tonnes are strings, blanks are null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields

from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LABELS
from wasteflow.schemas.dictionary import Column, columns_of
from wasteflow.web.api.shapes import DAY, TONNES, Shaped

_FLOATS = frozenset({"lon", "lat", "precision"})
_THOUSANDTHS = frozenset({"moisture", "percent"})


def json_value(column: Column, value: Any) -> Any:
    """The JSON value of a typed value of a column."""
    if value is None or value == "":
        return [] if column.type in ("refs", "aliases") else None
    if column.type == "tonnes":
        return tonnes_text(value)
    if column.type in _THOUSANDTHS:
        return format((Decimal(value) / 1000).normalize(), "f")
    if column.type in _FLOATS:
        return float(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def json_object(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Every column of a kind that `values` has, in contract order."""
    return {
        column.name: json_value(column, values[column.name])
        for column in columns_of(kind)
        if column.name in values
    }


class OutField(Shaped):
    """A column as it is answered."""

    def __init__(self, column: Column) -> None:
        super().__init__(f"{column.label_zh} · {column.description_en}", required=True)
        self.shape = out_shape(column)  # type: ignore[misc]


def out_shape(column: Column) -> dict[str, Any]:
    """JSON Schema of a column as it is answered."""
    kind = column.type
    if kind in ("refs", "aliases"):
        return {"type": "array", "items": {"type": "string"}}
    if kind in _FLOATS:
        return {"type": ["number", "null"]}
    if kind in ("count", "year"):
        return {"type": ["integer", "null"]}
    if kind == "yes_no":
        return {"type": ["boolean", "null"]}
    shape: dict[str, Any] = {"type": ["string", "null"]}
    if kind == "word":
        shape["enum"] = [*LABELS[column.vocabulary], None]
    elif kind == "tonnes":
        shape["pattern"] = TONNES
    elif kind == "day":
        shape["pattern"] = DAY
    return shape


def out_fields(kind: str, without: Iterable[str] = ()) -> dict[str, fields.Field[Any]]:
    """A field for every column of a kind as it is answered."""
    left_out = set(without)
    return {
        column.name: OutField(column) for column in columns_of(kind) if column.name not in left_out
    }


def out_schema(name: str, members: Mapping[str, Any]) -> type[Schema]:
    """A schema of an answer."""
    return type(name, (Schema,), dict(members))
