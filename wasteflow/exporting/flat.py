"""Reports of the contract as flat tables with typed columns; no figure is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from wasteflow.core.periods import SHANGHAI
from wasteflow.exporting.sheets import COUNT, NUMBER, TEXT, TONNES, YEAR, Head

_COUNTS: Final = frozenset({"loads", "n", "rows", "number", "count"})
_NUMBERS: Final = frozenset(
    {"value", "share", "lon", "lat", "distance_km", "low", "high", "cost", "target", "actual",
     "projected"}
)  # fmt: skip
_YEARS: Final = frozenset({"year", "year_generated", "baseline_year"})
KIND_OF_TYPE: Final[Mapping[str, str]] = {
    "tonnes": TONNES,
    "count": COUNT,
    "year": YEAR,
    "decimal": NUMBER,
    "percent": NUMBER,
    "moisture": NUMBER,
    "lon": NUMBER,
    "lat": NUMBER,
    "precision": NUMBER,
    "day": "day",
    "moment": "moment",
}
"""Type of the data dictionary → kind of column; every other type is text."""


def head_of(name: str) -> Head:
    """The column of a field of a report, by the conventions of its name (`_t` tonnes, `_kg`)."""
    last = name.rpartition(".")[2]
    if last.endswith("_t") or last in ("tonnes", "t"):
        return Head(name, TONNES, total=True)
    if last == "kg" or last.endswith("_kg") or last in _COUNTS:
        return Head(name, COUNT, total=True)
    if last in _YEARS:
        return Head(name, YEAR)
    return Head(name, NUMBER if last in _NUMBERS else TEXT)


def typed_cell(cell: str, type_: str) -> Any:
    """A cell as text → as it is typed in a sheet: days and moments, None where it is blank.

    >>> typed_cell("", "day"), typed_cell("2026-07-01", "day"), typed_cell("1.500", "tonnes")
    (None, datetime.date(2026, 7, 1), '1.500')
    """
    if not cell:
        return None
    if type_ == "day":
        return date.fromisoformat(cell)
    if type_ == "moment":
        moment = datetime.fromisoformat(cell)
        local = moment.astimezone(SHANGHAI)
        # In a spreadsheet midnight is a bare day, which is read as noon: it stays text.
        return cell if moment.microsecond or local.time() == time() else moment
    return cell


def flat_table(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Head], list[list[Any]]]:
    """Columns and cells of rows of JSON: nested objects as `outer.inner`, lists joined by `; `.

    A column of evidence grades or of what came in is tonnes, as the whole object is.
    """
    flat = [dict(_flat(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    heads = [_of(name) for name in names]
    return heads, [[row.get(name) for name in names] for row in flat]


_TONNES_INSIDE: Final = ("by_evidence.", "in.", "out.")


def _of(name: str) -> Head:
    if name.startswith(_TONNES_INSIDE):
        return Head(name, TONNES, total=True)
    return head_of(name)


def _flat(row: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield name, "; ".join(_word(item) for item in value)
        else:
            yield name, value


def _word(item: Any) -> str:
    if isinstance(item, Mapping):
        return " ".join(f"{key}={value}" for key, value in item.items())
    return str(item)


def with_mark(
    heads: Sequence[Head], rows: Iterable[Sequence[Any]], synthetic: bool
) -> tuple[list[Head], Iterable[list[Any]]]:
    """The same table with a last column that says whether the data are synthetic."""
    mark = "true" if synthetic else "false"
    return [*heads, Head("synthetic")], ([*row, mark] for row in rows)
