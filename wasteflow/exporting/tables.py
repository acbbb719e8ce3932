"""Tables as CSV (safe against formulas) and JSON, and records in the import format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from wasteflow.core.errors import InvalidValue
from wasteflow.schemas.cells import write_csv
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.rows import dump_row

CSV_ENCODINGS: Final = {
    "utf-8-sig": "utf-8-sig",
    "utf-8": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
}
"""Names a caller may ask for → codec; the default has a byte order mark, which Excel needs."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]], *, bom: bool = True) -> str:
    """CSV of `rows` (cells in the order of `columns`), CRLF, with a byte order mark unless not.

    Text a spreadsheet would run as a formula gets an apostrophe, which `read_table` takes off.
    """
    return ("\ufeff" if bom else "") + write_csv(columns, rows)


def csv_bytes(
    columns: Sequence[str], rows: Iterable[Sequence[object]], encoding: str = "utf-8-sig"
) -> bytes:
    """`csv_text` as bytes in one of `CSV_ENCODINGS`; InvalidValue `unknown_encoding` otherwise."""
    codec = CSV_ENCODINGS.get(encoding.lower())
    if codec is None:
        known = ", ".join(CSV_ENCODINGS)
        raise InvalidValue("unknown_encoding", encoding=encoding, known=known)
    return csv_text(columns, rows, bom=False).encode(codec)


def json_text(value: object) -> str:
    """JSON of plain data: two spaces, Chinese as is, decimals as strings, dates as ISO 8601.

    Raises ValueError for NaN and infinities, TypeError for anything that is not plain data.
    """
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=_plain) + "\n"


def json_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """JSON list of flat objects, one per row, as `read_table` reads it back."""
    return json_text([dict(zip(columns, row, strict=True)) for row in rows])


def kind_columns(kind: str) -> list[str]:
    """Column names of a kind in contract order; UnusableFile `unknown_kind`."""
    return [column.name for column in columns_of(kind)]


def kind_rows(kind: str, records: Iterable[Mapping[str, Any]]) -> Iterable[list[str]]:
    """Cells of records with typed values as `load_rows` gives them (masses in kilograms)."""
    return (dump_row(kind, values) for values in records)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"not plain data: {type(value).__name__}")
