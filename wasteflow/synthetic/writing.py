"""Columns of the import format (4-contract 4.3) and files that are equal to the byte everywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

REMARK = "synthetic"
"""`remark` of every synthetic entry and shipment."""
SYNTH_SOURCE = "synthetic (wasteflow synth)"
DEMO_SOURCE = "synthetic (wasteflow demo)"

_TEXT = {
    "parks": "code name_zh name_en parent region level lon lat crs precision_km source",
    "enterprises": "code name_zh name_en uscc park region industry external aliases lon lat crs "
    "precision_km source",
    "facilities": "code enterprise park kind name material route capacity_t_per_year status "
    "valid_from valid_to lon lat crs precision_km source",
    "targets": "code scope materials metric operator value unit year baseline_year baseline_value "
    "binding coverage_complete source",
    "coefficients": "code kind material driver low typical high unit source",
    "park_inputs": "park input year value date source reason",
    "products": "enterprise product date tonnes p2o5_pct",
    "entries": "doc_no enterprise facility kind material route date tonnes moisture_pct basis "
    "weighed year_generated generator from_use handler reason remark",
    "shipments": "doc_no consignor consignee material route mode vehicle carrier handler "
    "dispatched_at dispatched_t moisture_pct basis weighed ticket_no received_at received_t "
    "received_moisture_pct accepted_t refused_t reason loads parent_doc_no kind from_facility "
    "to_facility remark",
}
COLUMNS: dict[str, tuple[str, ...]] = {kind: tuple(text.split()) for kind, text in _TEXT.items()}
"""Kind of file → its columns, in the order of the contract."""


def tonnes(kg: int) -> str:
    """Decimal string in tonnes with three places of a mass that is not negative.

    >>> tonnes(31480)
    '31.480'
    """
    return f"{kg // 1000}.{kg % 1000:03d}"


def kilograms(text: str) -> int:
    """Whole kilograms of a text that `tonnes` wrote ("" = 0).

    >>> kilograms("31.480")
    31480
    """
    return int(text.replace(".", "")) if text else 0


def degrees(scaled: int) -> str:
    """Text of an angle kept in ten-thousandths of a degree.

    >>> degrees(1024200)
    '102.4200'
    """
    return f"{scaled // 10_000}.{scaled % 10_000:04d}"


def row_of(file: str, /, **values: str) -> dict[str, str]:
    """A row of that kind of `file`, blank where nothing is given; KeyError for a wrong column."""
    row = dict.fromkeys(COLUMNS[file], "")
    for name, value in values.items():
        if name not in row:
            raise KeyError(name)
        row[name] = value
    return row


class RowFile:
    """A CSV file in UTF-8 with line feeds and the header of its kind; rows go out in blocks."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        self.rows = 0
        self._columns = COLUMNS[kind]
        self._out: BinaryIO = path.open("wb")
        self._out.write((",".join(self._columns) + "\n").encode("utf-8"))

    def __enter__(self) -> RowFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def lines(self, lines: list[str]) -> None:
        """Write finished lines (no line feed at their end, nothing that needs quotes)."""
        if lines:
            self._out.write(("\n".join(lines) + "\n").encode("utf-8"))
            self.rows += len(lines)

    def dicts(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Write rows given as mappings; a missing column is blank, quotes where CSV needs them."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        count = 0
        for row in rows:
            writer.writerow([row.get(name, "") for name in self._columns])
            count += 1
        self._out.write(text.getvalue().encode("utf-8"))
        self.rows += count
