"""Fields of answers: text of a documented shape; nothing is parsed here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema

from wasteflow.web.api.shapes import TONNES, Shaped


class OutText(Shaped):
    """Base: the shape of the class, null where `allow_none`."""

    kind: ClassVar[dict[str, Any]] = {"type": "string"}

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, **options)
        shape = dict(self.kind)
        if options.get("allow_none"):
            shape["type"] = [shape["type"], "null"]
            if "enum" in shape:
                shape["enum"] = [*shape["enum"], None]
        self.shape = shape  # type: ignore[misc]


class TonnesText(OutText):
    """Tonnes as decimal text."""

    kind: ClassVar[dict[str, Any]] = {"type": "string", "pattern": TONNES}


class MonthText(OutText):
    """A month, 2026-07."""

    kind: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}$"}


class MomentText(OutText):
    """A moment with offset."""

    kind: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}


class WordText(OutText):
    """One of some words."""

    def __init__(self, *words: str, description: str = "", **options: Any) -> None:
        self.kind = {"type": "string", "enum": [str(word) for word in words]}  # type: ignore[misc]
        super().__init__(description, **options)


class OpenShape(Schema):
    """Base of answers that hold more than is described: reports grow by adding beside."""

    class Meta:
        unknown = INCLUDE


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a report as JSON: days and moments as text, the rest as it is."""
    return {
        name: value.isoformat() if isinstance(value, datetime | date) else value
        for name, value in row.items()
    }
