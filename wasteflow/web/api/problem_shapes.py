"""What a problem looks like in answers and in the OpenAPI document (RFC 9457)."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields


class FaultSchema(Schema):
    """One place that is wrong, or worth a remark."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer"})
    code = fields.String(required=True)
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details; some carry more (`moves` of an illegal move)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema), required=True)
    request_id = fields.String(required=True)
