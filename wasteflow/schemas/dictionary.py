"""The data dictionary of the import and export kinds (4-contract 4.3); its rows are in the CSV.

Schemas, files, templates and documentation read these columns and add none of their own.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from wasteflow.core.errors import UnusableFile

ERROR_COLUMNS: Final = ("error", "错误原因")
"""Names of the column that `errors_csv` adds; ignored when such a file comes back."""


class Column(Struct, frozen=True):
    """One column of a kind.

    `type` is a key of `fields.FIELD_TYPES`; `vocabulary` names a list of `core.vocabulary` (type
    `word` only); `default` is the text a blank cell stands for; `unit` is "" where there is none.
    """

    name: str
    label_zh: str
    type: str
    required: bool
    unit: str
    vocabulary: str
    default: str
    description_zh: str
    description_en: str


def _load() -> Mapping[str, tuple[Column, ...]]:
    text = files("wasteflow.schemas").joinpath("dictionary.csv").read_text(encoding="utf-8")
    kinds: dict[str, list[Column]] = {}
    for row in csv.DictReader(text.splitlines()):
        kind, required = row.pop("kind"), row.pop("required") == "yes"
        kinds.setdefault(kind, []).append(Column(required=required, **row))
    return MappingProxyType({kind: tuple(columns) for kind, columns in kinds.items()})


DICTIONARY: Final = _load()
"""Kind → its columns in the order of the contract."""

KINDS: Final = tuple(DICTIONARY)


def columns_of(kind: str) -> tuple[Column, ...]:
    """Columns of `kind` in contract order; UnusableFile `unknown_kind`."""
    if kind not in DICTIONARY:
        raise UnusableFile("unknown_kind", kind=kind, known=" ".join(KINDS))
    return DICTIONARY[kind]


def header_key(text: str) -> str:
    """A header cell reduced for comparison: width, case, spaces and a unit in brackets aside.

    >>> header_key(" 发货量（吨） ") == header_key("发货量"), header_key("Doc_No")
    (True, 'doc_no')
    """
    flat = unicodedata.normalize("NFKC", text).strip().strip("\ufeff").casefold()
    flat = "".join(flat.split())
    if flat.endswith(")") and flat.find("(") > 0:
        flat = flat[: flat.find("(")]
    return flat


@cache
def header_names(kind: str) -> Mapping[str, str]:
    """Reduced header (English name or Chinese label) → column name of `kind`."""
    names: dict[str, str] = {}
    for column in columns_of(kind):
        names[header_key(column.name)] = column.name
        names[header_key(column.label_zh)] = column.name
    return MappingProxyType(names)


@cache
def all_headers() -> frozenset[str]:
    """Reduced headers of every kind; tells a header line from a title."""
    return frozenset(key for kind in KINDS for key in header_names(kind))


@cache
def tonnes_headers() -> frozenset[str]:
    """Reduced headers of every column that holds tonnes; JSON numbers are refused there."""
    return frozenset(
        header_key(text)
        for columns in DICTIONARY.values()
        for column in columns
        if column.type == "tonnes"
        for text in (column.name, column.label_zh)
    )


def is_error_column(text: str) -> bool:
    """Whether a header cell is the reason column of an errors file."""
    return header_key(text) in ERROR_COLUMNS
