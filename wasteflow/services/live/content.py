"""Fields as people give them - contract columns and texts - turned into typed, checked values.

The fields are those of the file of shipments; the few that a file has no column for (meter
readings, the document of a one-sided close …) stand here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from marshmallow import ValidationError
from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import FieldIssue, FieldsRefused, InvalidValue, Remark
from wasteflow.core.periods import moment_words, shanghai_day
from wasteflow.core.vocabulary import as_text
from wasteflow.schemas.dictionary import Column, columns_of
from wasteflow.schemas.field_base import CellField, Fault
from wasteflow.schemas.fields import field_of, is_bare_date
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.load_rows import Weight, weight
from wasteflow.services.outcome import Warnings

DRAFT_FIELDS: Final = (
    "doc_no", "consignor", "consignee", "material", "route", "mode", "vehicle", "carrier",
    "handler", "dispatched_at", "dispatched_t", "moisture_pct", "basis", "weighed", "loads",
    "parent_doc_no", "parent", "kind", "from_facility", "to_facility", "remark",
)  # fmt: skip
"""Fields that a draft may hold."""
METER_FIELDS: Final = ("period_start", "period_end", "meter_start", "meter_end")
"""Metering period of a conveyor or pipeline."""


EXTRA: Final = (
    Column("at", "时间", "moment", False, "time", "", "", "发生时间；空白为现在",
           "When it happened; now if blank"),
    Column("document", "凭据", "text", False, "", "", "", "合同、过磅单或签收单号",
           "Number of the contract, ticket or receipt"),
    Column("carrier_statement", "承运单位意见", "text", False, "", "", "",
           "承运单位谁同意、凭据号", "Who of the carrier agreed, and under what document"),
    Column("agreed_t", "裁定量(吨)", "tonnes", False, "t", "", "", "裁定的到货量",
           "Received mass that is agreed upon"),
    Column("period_start", "计量期起", "moment", False, "time", "", "", "皮带、管道计量期开始",
           "Start of the metering period"),
    Column("period_end", "计量期止", "moment", False, "time", "", "", "皮带、管道计量期结束",
           "End of the metering period"),
    Column("meter_start", "期初表底", "tonnes", False, "t", "", "", "计量表期初读数",
           "Reading of the meter at the start"),
    Column("meter_end", "期末表底", "tonnes", False, "t", "", "", "计量表期末读数",
           "Reading of the meter at the end"),
    Column("parent", "原单", "text", False, "", "", "", "退回或转送所对应的原单的标识",
           "Id of the parent load of a return or redirect"),
)  # fmt: skip
"""Fields of a load given by hand that a file has no column for."""


@cache
def fields() -> dict[str, CellField]:
    """Every field of a load given by hand, by name."""
    own = [replace(column, required=False) for column in columns_of("shipments")]
    return {column.name: field_of(column) for column in (*own, *EXTRA)}


@cache
def blanks() -> Mapping[str, Any]:
    """The value of every field that is given blank."""
    return {name: item.of_cell("") for name, item in fields().items()}


class Given(Struct, frozen=True):
    """Typed values of the fields that were given, and their texts.

    A field that is given blank has the value None and the text "".
    """

    values: Mapping[str, Any]
    texts: Mapping[str, str]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, `default` if it is blank or was not given."""
        value = self.values.get(name)
        return default if value is None else value

    def need(self, *names: str) -> None:
        """Raise FieldsRefused unless every one of `names` is given."""
        missing = [name for name in names if self.get(name) in (None, "")]
        if missing:
            raise FieldsRefused([FieldIssue(f"/{name}", "missing_value") for name in missing])


def given(content: Mapping[str, Any], allowed: Collection[str]) -> Given:
    """Typed values of `content`; raises FieldsRefused with every field that is wrong or unknown."""
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    issues: list[FieldIssue] = []
    for name, told in content.items():
        if name not in allowed:
            known = {"field": str(name), "known": ", ".join(allowed)}
            issues.append(FieldIssue(f"/{name}", "field_unknown", known))
            continue
        item = fields()[name]
        if told is None or told == "":
            values[name], texts[name] = None, ""
            continue
        try:
            value = item.deserialize(told)
        except ValidationError as error:
            issues.append(_issue(name, told, error))
            continue
        values[name] = value
        texts[name] = told.strip() if isinstance(told, str) else item.to_text(value)
    if issues:
        raise FieldsRefused(issues)
    return Given(values, texts)


def _issue(name: str, told: Any, error: ValidationError) -> FieldIssue:
    fault = error.messages[0] if isinstance(error.messages, list) else error.messages
    if isinstance(fault, Fault):
        return FieldIssue(f"/{name}", fault.code, {"value": str(told)[:100], **fault.params})
    return FieldIssue(f"/{name}", "missing_value", {"value": str(told)[:100]})


def refuse(name: str, code: str, **params: object) -> FieldsRefused:
    """The error for one wrong field."""
    told = {key: str(value) for key, value in params.items()}
    return FieldsRefused([FieldIssue(f"/{name}", code, told)])


def moment_in_order(
    given_: Given, name: str, now: datetime, after: datetime | None = None
) -> datetime:
    """The moment of a field (now, if it is not given), in whole seconds.

    A bare date counts as its day: it is not before another moment of that day.
    Raises FieldsRefused `future_date`, `time_out_of_order` (before `after`).
    """
    moment: datetime | None = given_.get(name)
    if moment is None:
        moment, bare = now, False
    else:
        bare = is_bare_date(given_.texts.get(name, ""))
        if Clock(shanghai_day(now), now).is_future(moment, bare):
            raise refuse(name, "future_date", today=shanghai_day(now))
        moment = min(moment, now) if bare else moment
    moment = moment.replace(microsecond=0)
    if after is not None and moment < after:
        if bare and shanghai_day(moment) == shanghai_day(after):
            return after
        raise refuse(name, "time_out_of_order", earlier=moment_words(after))
    return moment


def weighed_mass(name: str, kg: int, basis: str, moisture: int | None, how: str) -> Weight:
    """The weight of a field (kilograms in `basis`); FieldsRefused with the field that is wrong."""
    if kg <= 0:
        raise refuse(name, "negative_tonnes" if kg < 0 else "zero_tonnes")
    if basis == "dry" and moisture is None:
        raise refuse("moisture_pct", "dry_needs_moisture")
    try:
        return weight(kg, basis, moisture, how)
    except InvalidValue as error:
        raise refuse(name, error.code, **error.params) from error


POINTERS: Final[Mapping[str, str]] = {
    "reason_missing": "/reason",
    "weight_disputed": "/received_t",
    "corrected_gap": "/received_t",
    "over_cap": "/dispatched_t",
    "route_not_registered": "/route",
    "conditional_without_document": "/route",
    "cross_province_without_filing": "/consignee",
    "expired_permit": "/route",
    "over_quota": "/consignee",
    "over_capacity": "/accepted_t",
    "below_stock": "/dispatched_t",
    "meter_differs": "/meter_end",
}
"""Field a warning is about."""


def remark(code: str, **params: object) -> Remark:
    """A warning with the field it is about."""
    told = {key: as_text(value) for key, value in params.items()}
    return Remark(code, told, POINTERS.get(code, ""))


def remarks_of(warnings: Warnings) -> list[Remark]:
    """Warnings of the row checker as remarks of one record."""
    return [
        Remark(item.code, item.params, POINTERS.get(item.code, ""))
        for examples in warnings.examples.values()
        for _, item in examples
    ]
