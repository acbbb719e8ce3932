"""Strict marshmallow fields, one per type of the data dictionary: text in, typed value out.

A blank is None (or the default of the column).  Every fault carries a code of `core.messages`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import MAX_YEAR, MIN_YEAR, day_from_text, moment_from_text
from wasteflow.core.places import BOUNDARY_WORDS
from wasteflow.core.units import (
    decimal_from_text,
    kg_from_tonnes,
    moisture_from_text,
    percent_from_text,
    tonnes_text,
)
from wasteflow.core.vocabulary import LABELS, Labelled, word_of
from wasteflow.core.wastes import uscc_valid, waste_code_valid
from wasteflow.schemas.dictionary import Column
from wasteflow.schemas.field_base import MAX_TEXT, CellField, clean_text

MAX_NAME: Final = 200
MAX_COUNT: Final = 10**9
_CODE: Final = re.compile(r"[\w.\-]{1,80}\Z")
_DOC: Final = re.compile(r"\S{1,80}\Z")
_SCOPE: Final = re.compile(r"(region|park|enterprise):[\w.\-]{1,80}\Z")
_MOMENTS: Final = r"\d{4}(-\d{2}){0,2}"
_ALIAS: Final = re.compile(rf"[^@;]+(@({_MOMENTS})?\.\.({_MOMENTS})?)?\Z")
_USUAL_TONNES: Final = re.compile(r"[0-9]{1,9}\.[0-9]{3}\Z")
_USUAL_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{5,8}[+-][0-9]{2}:[0-9]{2}\Z")
_SHORT_HOUR: Final = re.compile(r"(?<=[ T日])(\d:)")


class TextField(CellField):
    """Free text of at most 500 characters."""

    limit: ClassVar[int] = MAX_TEXT

    def convert(self, text: str) -> object:
        return clean_text(text, self.limit) or None


class NameField(TextField):
    """A name, or a reference by code or name, of at most 200 characters."""

    limit = MAX_NAME


class CodeField(CellField):
    """Own code of a registry object: letters of any script, digits, `.`, `_`, `-`."""

    def convert(self, text: str) -> object:
        clean = text.strip()
        if not _CODE.match(clean):
            raise InvalidValue("bad_code", value=clean[:100])
        if clean in BOUNDARY_WORDS:
            raise InvalidValue("reserved_code", value=clean)
        return clean


class DocField(CellField):
    """Document number: at most 80 printable characters without spaces."""

    def convert(self, text: str) -> object:
        clean = clean_text(text)
        if not _DOC.match(clean):
            raise InvalidValue("bad_doc_no", value=clean[:100])
        return clean


class RefsField(CellField):
    """Codes separated by `;` → tuple in the order given, without repetitions; `*` stands alone."""

    other_types = (list,)

    def convert(self, text: str) -> object:
        parts = [part.strip() for part in clean_text(text, 100_000).replace("；", ";").split(";")]
        codes = tuple(dict.fromkeys(part for part in parts if part))
        if not codes:
            raise InvalidValue("empty_list", value=text)
        if "*" in codes and len(codes) > 1:
            raise InvalidValue("star_alone", value=text)
        for code in codes:
            if code != "*" and not _CODE.match(code):
                raise InvalidValue("bad_code", value=code[:100])
        return codes

    def to_text(self, value: Any) -> str:
        return ";".join(value)


class AliasesField(RefsField):
    """Names separated by `;`, each optionally `name@from..to` → tuple of texts."""

    def convert(self, text: str) -> object:
        parts = [
            part.strip() for part in clean_text(text, 4 * MAX_TEXT).replace("；", ";").split(";")
        ]
        names = tuple(dict.fromkeys(part for part in parts if part))
        for name in names:
            if not _ALIAS.match(name) or len(name) > MAX_NAME:
                raise InvalidValue("bad_alias", value=name[:100])
        return names or None


class TonnesField(CellField):
    """Tonnes as decimal text → whole kilograms (int), also for tonnes per year.

    `round_kg` accepts more than three decimals and rounds half to even.
    """

    wrong_type = "mass_as_json_number"
    round_kg = False

    def convert(self, text: str) -> object:
        if _USUAL_TONNES.match(text):  # most cells of a large file: a quarter of the time
            return int(text[:-4]) * 1000 + int(text[-3:])
        return kg_from_tonnes(text, round_kg=self.round_kg)

    def to_text(self, value: Any) -> str:
        return tonnes_text(value)


def rounding_kg(text: str) -> Decimal:
    """Rounded minus exact mass in kilograms of tonnes written finer than the ledger counts.

    >>> rounding_kg("1.0006"), rounding_kg("1.000")
    (Decimal('0.4'), Decimal('0'))
    """
    whole = Decimal(kg_from_tonnes(text, round_kg=True))
    difference = whole - decimal_from_text(text).scaleb(3)
    return difference.normalize() if difference else Decimal(0)


class MoistureField(CellField):
    """Per cent of the wet mass → thousandths of a per cent (int)."""

    other_types = (int, float)

    def convert(self, text: str) -> object:
        return moisture_from_text(text)

    def to_text(self, value: Any) -> str:
        return format((Decimal(value) / 1000).normalize(), "f")


class PercentField(MoistureField):
    """Per cent above 0 and up to 100 → thousandths of a per cent (int)."""

    def convert(self, text: str) -> object:
        return percent_from_text(text)


class DayField(CellField):
    """Reporting day → date."""

    def convert(self, text: str) -> object:
        return day_from_text(text)

    def to_text(self, value: date) -> str:
        return value.isoformat()


class MomentField(CellField):
    """Time → datetime with offset; Asia/Shanghai without one, noon for a bare date."""

    def convert(self, text: str) -> object:
        if _USUAL_MOMENT.match(text):  # most cells of a large file: a quarter of the time
            try:
                moment = datetime.fromisoformat(text)
            except ValueError as error:
                raise InvalidValue("bad_time", value=text) from error
            if MIN_YEAR <= moment.year <= MAX_YEAR:
                return moment
        return moment_from_text(_SHORT_HOUR.sub(r"0\1", text.strip()))

    def to_text(self, value: datetime) -> str:
        return value.isoformat()


def is_bare_date(text: object) -> bool:
    """Whether the text of a moment names a day only."""
    return isinstance(text, str) and ":" not in text


class WordField(CellField):
    """A word of a vocabulary or its Chinese label → the word."""

    def convert(self, text: str) -> object:
        word = word_of(self.column.vocabulary, text)
        if word is None:
            raise InvalidValue("bad_word", value=text, known=known_words(self.column.vocabulary))
        return word


def known_words(vocabulary: str) -> Labelled:
    """The words of a vocabulary, for a message: in Chinese with their labels."""
    return Labelled(LABELS[vocabulary].items())


class YesNoField(CellField):
    """true/false, yes/no, 1/0, 是/否 → bool."""

    other_types = (bool,)

    def convert(self, text: str) -> object:
        word = word_of("yes_no", text)
        if word is None:
            raise InvalidValue("bad_word", value=text, known=known_words("yes_no"))
        return word == "true"

    def to_text(self, value: Any) -> str:
        return "true" if value else "false"


class UsccField(CellField):
    """Unified social credit code with its check character, upper case."""

    def convert(self, text: str) -> object:
        clean = unicodedata.normalize("NFKC", text).strip().upper()
        if not uscc_valid(clean):
            raise InvalidValue("bad_uscc", value=clean[:60])
        return clean


class WasteCodeField(CellField):
    """Solid waste code of eleven characters; shape only."""

    def convert(self, text: str) -> object:
        clean = text.strip().upper()
        if not waste_code_valid(clean):
            raise InvalidValue("bad_waste_code", value=clean[:60])
        return clean


class DecimalField(CellField):
    """A plain number → Decimal with the digits as written."""

    other_types = (int, float)
    limit: ClassVar[int | None] = None
    code: ClassVar[str] = "not_a_number"

    def convert(self, text: str) -> object:
        value = decimal_from_text(text)
        if self.limit is not None and abs(value) > self.limit:
            raise InvalidValue(self.code, value=text)
        return value

    def to_text(self, value: Any) -> str:
        return format(value, "f")


class LonField(DecimalField):
    """Longitude in degrees, -180..180 → Decimal."""

    limit, code = 180, "bad_longitude"


class LatField(DecimalField):
    """Latitude in degrees, -90..90 → Decimal."""

    limit, code = 90, "bad_latitude"


class PrecisionField(DecimalField):
    """A number not below zero → Decimal."""

    def convert(self, text: str) -> object:
        value = decimal_from_text(text)
        if value < 0:
            raise InvalidValue("negative_amount", value=text)
        return value


class CountField(CellField):
    """A whole number from 1 to 10**9 → int."""

    other_types = (int,)
    low: ClassVar[int] = 1
    high: ClassVar[int] = MAX_COUNT
    code: ClassVar[str] = "bad_count"

    def convert(self, text: str) -> object:
        try:
            value = decimal_from_text(text.strip().removesuffix("年"))
        except InvalidValue:
            value = Decimal("0.5")
        if not self.low <= value <= self.high or value != value.to_integral_value():
            raise InvalidValue(self.code, value=text, limit=self.high)
        return int(value)


class YearField(CountField):
    """A year from 1950 to 2100 → int."""

    low, high, code = MIN_YEAR, MAX_YEAR, "bad_year"


class ScopeField(CellField):
    """`all`, `region:…`, `park:…` or `enterprise:…`."""

    def convert(self, text: str) -> object:
        clean = text.strip().replace("：", ":")
        if clean != "all" and not _SCOPE.match(clean):
            raise InvalidValue("bad_scope", value=clean[:100])
        return clean


FIELD_TYPES: Final[dict[str, type[CellField]]] = {
    "aliases": AliasesField,
    "code": CodeField,
    "count": CountField,
    "day": DayField,
    "decimal": DecimalField,
    "doc": DocField,
    "lat": LatField,
    "lon": LonField,
    "moisture": MoistureField,
    "moment": MomentField,
    "name": NameField,
    "party": NameField,
    "percent": PercentField,
    "precision": PrecisionField,
    "ref": NameField,
    "refs": RefsField,
    "scope": ScopeField,
    "text": TextField,
    "tonnes": TonnesField,
    "uscc": UsccField,
    "waste_code": WasteCodeField,
    "word": WordField,
    "year": YearField,
    "yes_no": YesNoField,
}
"""Type of the dictionary → field."""


def field_of(column: Column) -> CellField:
    """A new field for a column of the dictionary."""
    return FIELD_TYPES[column.type](column)
