"""What the manifest of a backup must hold before anything is read by its word."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate


class _Table(Schema):
    class Meta:
        unknown = INCLUDE

    rows = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    sha256 = fields.String(required=True)
    columns = fields.List(fields.Tuple((fields.String(), fields.String())), required=True)


class _Documents(Schema):
    class Meta:
        unknown = INCLUDE

    files = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))


class _Manifest(Schema):
    class Meta:
        unknown = INCLUDE

    revision = fields.String(required=True)
    months = fields.List(fields.Integer(strict=True), required=True)
    last_load_number = fields.Integer(required=True, strict=True)
    tables = fields.Dict(keys=fields.String(), values=fields.Nested(_Table), required=True)
    documents = fields.Nested(_Documents, required=True)


def lacking(manifest: dict[str, Any]) -> str:
    """What is wrong with the shape of a manifest, as `part: reason`; empty when nothing is.

    >>> lacking({"revision": "0001", "months": [], "last_load_number": 0, "tables": {}})
    'documents: Missing data for required field.'
    """
    return "; ".join(
        f"{part}: {_words(why)}" for part, why in _Manifest().validate(manifest).items()
    )


def _words(why: Any) -> str:
    return " ".join(why) if isinstance(why, list) else str(why)
