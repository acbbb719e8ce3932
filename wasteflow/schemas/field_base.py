"""What all fields share: coded faults, clean text, blanks and defaults; no type of its own here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from marshmallow import ValidationError, fields, missing

from wasteflow.core.errors import InvalidValue
from wasteflow.core.messages import render
from wasteflow.schemas.dictionary import Column

MAX_TEXT: Final = 500
_BREAKS: Final = re.compile(r"[\t\r\n]+")
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Fault(str):
    """One reason: its English text, with `code` and `params` for other languages."""

    code: str
    params: dict[str, str]

    def __new__(cls, code: str, params: Mapping[str, object] | None = None) -> Fault:
        given = {key: _short(str(value)) for key, value in (params or {}).items()}
        self = super().__new__(cls, render(code, "en", given))
        self.code, self.params = code, given
        return self


def _short(text: str) -> str:
    """At most 300 characters of a parameter."""
    return text if len(text) <= 300 else text[:299] + "…"


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Trimmed text with line breaks as spaces; InvalidValue for what does not belong into text.

    Codes: `text_too_long` (more than `limit` characters), `control_character`, `damaged_text`.
    """
    clean = text.strip().strip("\ufeff\u200b").strip()
    if not clean.isascii() or not clean.isprintable():
        clean = _BREAKS.sub(" ", clean)
        for char in clean:
            if char == "\ufffd":
                raise InvalidValue("damaged_text", value=clean[:60])
            if char in _BIDI or unicodedata.category(char) in ("Cc", "Cs"):
                raise InvalidValue("control_character", value="", byte=f"U+{ord(char):04X}")
    if len(clean) > limit:
        raise InvalidValue("text_too_long", value=clean[:60], length=len(clean), limit=limit)
    return clean


class CellField(fields.Field[Any]):
    """Base of all fields: blanks, defaults and the step from InvalidValue to a coded fault.

    `other_types` are the non-text JSON types the field also takes, as their text.
    """

    other_types: ClassVar[tuple[type, ...]] = ()
    wrong_type: ClassVar[str] = "not_text_value"

    def __init__(self, column: Column) -> None:
        super().__init__(
            required=column.required,
            allow_none=True,
            metadata={
                "unit": column.unit,
                "description": column.description_en,
                "title": column.label_zh,
            },
        )
        self.column = column

    def convert(self, text: str) -> object:
        """The value of a non-blank text; raises InvalidValue."""
        raise NotImplementedError

    def to_text(self, value: Any) -> str:
        """The text that `convert` turns into `value`."""
        return str(value)

    def of_cell(self, text: str) -> object:
        """The value of a cell, a `Fault` if it has none."""
        if not text or text.isspace():
            text = self.column.default
        try:
            value = self.convert(text) if text else None
        except InvalidValue as error:
            return Fault(error.code, error.params)
        if value is None and self.column.required:
            return Fault("missing_value")
        return value

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Value of `value` (text, or one of `other_types`); ValidationError with a `Fault`."""
        found = self.of_cell(self._as_text(value))
        if isinstance(found, Fault):
            raise ValidationError([found])
        return found

    def _as_text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if value is None or value is missing:
            return ""
        if type(value) in self.other_types:
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return ";".join(value)
            if isinstance(value, int | float):
                return repr(value)
        given = {"type": type(value).__name__, "value": repr(value)}
        raise ValidationError([Fault(self.wrong_type, given)])

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return "" if value is None else self.to_text(value)
