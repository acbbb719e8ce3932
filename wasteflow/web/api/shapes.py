"""Fields of the API: those of the data dictionary told as JSON Schema, and a few of our own.

What the schema says and what is taken are the same table: a value must pass the field of the
dictionary and have the documented shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period, day_from_text, moment_from_text, month_from_text
from wasteflow.core.units import kg_from_tonnes
from wasteflow.core.vocabulary import LABELS
from wasteflow.schemas.dictionary import Column, columns_of
from wasteflow.schemas.field_base import CellField, Fault
from wasteflow.schemas.fields import field_of

TONNES: Final = r"^-?[0-9]{1,12}(\.[0-9]{1,3})?$"
NUMBER: Final = r"^-?[0-9]{1,12}(\.[0-9]{1,12})?$"
DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
MOMENT: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
PERIOD: Final = r"^[0-9]{4}(H[12]|Q[1-4]|-[0-9]{2}(\.\.[0-9]{4}-[0-9]{2})?)?$"
SCOPE: Final = r"^(all|(region|park|enterprise):[^\s:]{1,80})$"
_PATTERNS: Final = {
    "tonnes": TONNES,
    "moisture": NUMBER,
    "percent": NUMBER,
    "decimal": NUMBER,
    "lon": NUMBER,
    "lat": NUMBER,
    "precision": NUMBER,
    "day": DAY,
    "moment": MOMENT,
    "scope": SCOPE,
}
_INTEGERS: Final = frozenset({"count", "year"})
_NUMBERS: Final = frozenset({"moisture", "percent", "decimal", "lon", "lat", "precision"})
"""Types that may come as a JSON number too; masses never do."""
_LENGTHS: Final = {"code": 80, "doc": 80, "name": 200, "ref": 200, "party": 200, "text": 500}


def shape_of(column: Column) -> dict[str, Any]:
    """JSON Schema of a column as it is taken (blank = null)."""
    kind = column.type
    shape: dict[str, Any]
    if kind in _INTEGERS:
        shape = {"type": ["integer"]}
    elif kind == "yes_no":
        shape = {"type": ["boolean"]}
    elif kind in ("refs", "aliases"):
        shape = {"type": ["array"], "items": {"type": "string", "minLength": 1, "maxLength": 200}}
    elif kind == "word":
        shape = {"type": ["string"], "enum": list(LABELS[column.vocabulary])}
    elif kind in _PATTERNS:
        shape = {"type": ["string"], "pattern": _PATTERNS[kind]}
        if kind in _NUMBERS:
            shape["type"].append("number")
    else:
        shape = {"type": ["string"], "maxLength": _LENGTHS.get(kind, 500)}
        if column.required:
            shape["minLength"] = 1
    if not column.required:
        shape["type"].append("null")
        if "enum" in shape:
            shape["enum"].append(None)
    if len(shape["type"]) == 1:
        shape["type"] = shape["type"][0]
    return shape


_JSON_TYPES: Final[dict[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def broken(shape: Mapping[str, Any], value: Any) -> Fault | None:
    """Why a JSON value has not the documented shape, None if it has."""
    types = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    found = _JSON_TYPES[type(value)]
    if found == "integer" and "integer" not in types and "number" in types:
        found = "number"
    if found not in types:
        params = {"type": found, "value": repr(value)[:60], "pattern": " | ".join(types)}
        return Fault("bad_shape", params)
    if isinstance(value, str):
        pattern = shape.get("pattern")
        if pattern and not re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value):
            return Fault("bad_shape", {"value": value[:60], "pattern": pattern})
        if "enum" in shape and value not in shape["enum"]:
            known = ", ".join(str(word) for word in shape["enum"] if word is not None)
            return Fault("bad_word", {"value": value[:60], "known": known})
        if len(value) > shape.get("maxLength", len(value)):
            params = {"value": value[:60], "length": str(len(value))}
            return Fault("text_too_long", {**params, "limit": str(shape["maxLength"])})
    return None


class ColumnField(fields.Field[Any]):
    """A column of the dictionary as a field of the API: its own field, then the shape."""

    def __init__(self, column: Column, *, required: bool | None = None, **options: Any) -> None:
        needed = column.required if required is None else required
        metadata = {"description": f"{column.label_zh} · {column.description_en}"}
        if column.unit:
            metadata["x-unit"] = column.unit
        super().__init__(
            required=needed, allow_none=not column.required, metadata=metadata, **options
        )
        self.column, self.shape = column, shape_of(column)
        self.inner: CellField = field_of(column)
        self.blank = self.inner.of_cell("")
        self.error_messages["required"] = Fault("missing_value")
        self.error_messages["null"] = Fault("missing_value")

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        wrong = broken(self.shape, value)
        if wrong is not None and wrong.code == "bad_shape" and self.column.type == "tonnes":
            # The field knows better why: a JSON number, too many places, a negative amount.
            self.inner.deserialize(value)
        if wrong is not None:
            raise ValidationError([wrong])
        if isinstance(value, list) and not value:
            return None
        return self.inner.deserialize(value)


def as_shape(converter: Any, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    """What apispec writes for our fields."""
    if isinstance(field, ColumnField):
        return dict(field.shape)
    if isinstance(field, Shaped):
        return dict(field.shape)
    return {}


class Shaped(fields.Field[Any]):
    """Base of our own fields: text of a documented shape, turned by `convert`."""

    shape: ClassVar[dict[str, Any]] = {"type": "string"}

    def __init__(self, description: str = "", **options: Any) -> None:
        metadata = {"description": description} if description else {}
        default = options.get("load_default")
        if "load_default" in options and (default in (None, "", False)):
            options["load_default"] = lambda: default  # apispec writes down no call
        super().__init__(metadata=metadata, **options)
        self.error_messages["required"] = Fault("missing_value")
        self.error_messages["null"] = Fault("missing_value")

    def convert(self, value: Any) -> Any:
        """The value; raises InvalidValue."""
        return value

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        wrong = broken(self.shape, value)
        if wrong is not None:
            raise ValidationError([wrong])
        try:
            return self.convert(value)
        except InvalidValue as error:
            raise ValidationError([Fault(error.code, error.params)]) from error


class PeriodField(Shaped):
    """`2024`, `2024H1`, `2024Q3`, `2024-07` or `2024-01..2024-06` → Period."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": PERIOD}

    def convert(self, value: Any) -> Any:
        return Period.parse(value)


class MonthField(Shaped):
    """A month, 2026-07 → yyyymm."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}$"}

    def convert(self, value: Any) -> Any:
        return month_from_text(value)


class LeastField(Shaped):
    """At least so many tonnes, as text in an address → whole kilograms."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": TONNES}

    def convert(self, value: Any) -> Any:
        kg = kg_from_tonnes(value)
        if kg < 0:
            raise InvalidValue("negative_amount", value=value)
        return kg


class ScopeField(Shaped):
    """`all`, `region:…`, `park:…` or `enterprise:…`."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": SCOPE}


class CodeField(Shaped):
    """A code of the registry."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 80}


class ShortField(Shaped):
    """Text of at most 500 characters without control characters."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": 500}

    def convert(self, value: Any) -> Any:
        from wasteflow.schemas.field_base import clean_text

        return clean_text(value)


class ExternalIdField(ShortField):
    """The number a record carries in the caller's own software."""

    shape: ClassVar[dict[str, Any]] = {
        "type": "string",
        "minLength": 1,
        "maxLength": 120,
        "pattern": "^[!-~]+$",
    }


class MomentField(Shaped):
    """A moment → datetime with offset; Asia/Shanghai without one."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": MOMENT}

    def convert(self, value: Any) -> Any:
        return moment_from_text(value)


class DayField(Shaped):
    """A day → date."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": DAY}

    def convert(self, value: Any) -> Any:
        return day_from_text(value)


class FlagField(Shaped):
    """`true` or `false` in an address."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "enum": ["true", "false"]}

    def convert(self, value: Any) -> Any:
        return value == "true"


class BooleanField(Shaped):
    """`true` or `false` in JSON."""

    shape: ClassVar[dict[str, Any]] = {"type": "boolean"}


class UuidField(Shaped):
    """The public id of a record → UUID."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "format": "uuid"}

    def convert(self, value: Any) -> Any:
        try:
            return UUID(value)
        except ValueError as error:
            raise InvalidValue("bad_shape", value=value[:60], pattern="uuid") from error


class UrlField(Shaped):
    """A web address; what may be called is the service's to say."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 500}


class WordField(Shaped):
    """One of some words."""

    def __init__(self, *words: str, description: str = "", **options: Any) -> None:
        super().__init__(description, **options)
        self.shape = {"type": "string", "enum": list(words)}  # type: ignore[misc]


class IntegerField(Shaped):
    """A whole number within bounds, as a JSON number or in an address."""

    def __init__(self, low: int, high: int, description: str = "", **options: Any) -> None:
        super().__init__(description, **options)
        self.low, self.high = low, high
        self.shape = {"type": "integer", "minimum": low, "maximum": high}  # type: ignore[misc]

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number = self.low - 1
        if type(value) is int:
            number = value
        elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            number = int(value)
        if not self.low <= number <= self.high:
            params = {"value": str(value)[:60], "pattern": f"{self.low}–{self.high}"}
            raise ValidationError([Fault("bad_shape", params)])
        return number


class ListField(Shaped):
    """A JSON list of some words, none of them twice."""

    def __init__(self, *words: str, description: str = "", **options: Any) -> None:
        super().__init__(description, **options)
        self.words = words
        items = {"type": "string", "enum": list(words)}
        self.shape = {  # type: ignore[misc]
            "type": "array",
            "items": items,
            "minItems": 1,
            "uniqueItems": True,
        }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise ValidationError([Fault("not_a_list")])
        bad = [item for item in value if item not in self.words]
        if bad or not value or len(set(value)) < len(value):
            params = {"value": ", ".join(map(str, bad or value))[:60]}
            raise ValidationError([Fault("bad_word", {**params, "known": ", ".join(self.words)})])
        return value


class LimitField(Shaped):
    """How many objects a page holds: 1 to 200."""

    most: ClassVar[int] = 200
    shape: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 200}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = str(value)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        if not 1 <= number <= self.most:
            raise ValidationError([Fault("bad_limit", {"limit": str(self.most)})])
        return number


class ApiSchema(Schema):
    """Base of the schemas of requests: unknown names are refused with a word of ours."""

    class Meta:
        unknown = RAISE

    error_messages: dict[str, str] = {  # noqa: RUF012  (declared so by marshmallow)
        "unknown": Fault("unknown_parameter"),
        "type": Fault("object_needed"),
    }

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: each decorator of a view copies what describes it; nobody changes a schema."""
        return self


class WholeObject(ApiSchema):
    """A new object of a kind: columns that were not given are blank, or have their default."""

    @post_load
    def _blanks(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        for name, item in self.fields.items():
            if isinstance(item, ColumnField) and data.get(name) is None:
                data[name] = item.inner.of_cell("")
        return data


def column_fields(
    kind: str, *, optional: bool = False, without: tuple[str, ...] = ()
) -> dict[str, fields.Field[Any]]:
    """A field for every column of a kind; `optional`: none is required (a change)."""
    return {
        column.name: ColumnField(column, required=False if optional else None)
        for column in columns_of(kind)
        if column.name not in without
    }
