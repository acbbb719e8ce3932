"""A file of corrections: which load, which field, what it should say, why; no load is looked up.

One row is one field.  Rows of the same load become one correction, for all of which its parties are
asked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from msgspec import Struct, field

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.core.revisions import REVISABLE
from wasteflow.core.vocabulary import Labelled
from wasteflow.schemas.dictionary import columns_of, header_key, header_names, is_error_column

COLUMNS: Final[Mapping[str, str]] = {
    "doc_no": "单号",
    "consignor": "发货单位",
    "field": "更正字段",
    "value": "更正为",
    "why": "更正原因",
}
"""Column → its Chinese title; `consignor` is needed where a number does not say enough."""
NEEDED: Final = ("doc_no", "field", "value", "why")
_ALSO: Final[Mapping[str, str]] = {
    "运单号": "doc_no", "字段": "field", "新值": "value", "new_value": "value",
    "原因": "why", "reason": "why",
}  # fmt: skip
MOST: Final = 500
"""Loads of one file."""
MOST_TEXT: Final = 500
_HEADER_WITHIN: Final = 20


class Correction(Struct):
    """What a file says of one load: its rows, fields → new texts, why."""

    doc_no: str
    consignor: str
    lines: list[int] = field(default_factory=list)
    changes: dict[str, str] = field(default_factory=dict)
    why: str = ""


def read_corrections(
    rows: Iterable[tuple[int, Sequence[str]]], name: str
) -> tuple[list[Correction], list[RowIssue]]:
    """Corrections in the order of the file, and what is wrong with its rows.

    A load with a wrong row is left out with all of its rows.
    rows: (number, cells as texts), the header among the first twenty; name: of the file.
    Raises UnusableFile `missing_column`, `no_rows`, `too_many_corrections`.
    """
    found: dict[tuple[str, str], Correction] = {}
    issues: list[RowIssue] = []
    bad: set[tuple[str, str]] = set()
    places: dict[str, int] = {}
    for number, cells in rows:
        if not places:
            places = _header(cells)
            if not places and number >= _HEADER_WITHIN:
                break
            continue
        values = {
            key: " ".join(cells[place].split()) if place < len(cells) else ""
            for key, place in places.items()
        }
        if not any(values.values()):
            continue
        wrong = _taken(number, values, found)
        if wrong is not None:
            issues.append(wrong)
            bad.add((values["doc_no"], values.get("consignor", "")))
    if not places:
        titles = Labelled((key, COLUMNS[key]) for key in NEEDED)
        raise UnusableFile("missing_column", file=name, columns=titles)
    if not found and not issues:
        raise UnusableFile("no_rows", file=name)
    found = {key: item for key, item in found.items() if key not in bad}
    if len(found) > MOST:
        raise UnusableFile("too_many_corrections", file=name, count=len(found), limit=MOST)
    return list(found.values()), issues


def _long(text: str) -> dict[str, str]:
    return {"length": str(len(text)), "limit": str(MOST_TEXT)}


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Column → position, {} if the row is not the header."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        key = _titles().get(header_key(cell), "")
        if key and not is_error_column(cell):
            places.setdefault(key, place)
    return places if places.keys() >= set(NEEDED) else {}


@cache
def _titles() -> dict[str, str]:
    found = {header_key(key): key for key in COLUMNS}
    found |= {header_key(label): key for key, label in COLUMNS.items()}
    found |= {header_key(title): key for title, key in _ALSO.items()}
    return found


def _taken(
    number: int, values: Mapping[str, str], found: dict[tuple[str, str], Correction]
) -> RowIssue | None:
    """Put a row to the correction of its load, or say what is wrong with it."""
    for key in ("doc_no", "field", "why"):
        if not values[key]:
            return RowIssue(number, key, "", "missing_value")
    for key, text in values.items():
        if len(text) > MOST_TEXT:
            return RowIssue(number, key, text[:200], "text_too_long", _long(text))
    name = header_names("shipments").get(header_key(values["field"]), "")
    if name not in REVISABLE:
        labels = {item.name: item.label_zh for item in columns_of("shipments")}
        known = Labelled((item, labels[item]) for item in REVISABLE)
        params = {"field": values["field"], "known": known}
        return RowIssue(number, "field", values["field"], "not_revisable", params)
    load = values["doc_no"], values.get("consignor", "")
    item = found.setdefault(load, Correction(*load))
    if item.changes.get(name, values["value"]) != values["value"]:
        params = {"line": str(item.lines[0]), "other": item.changes[name]}
        return RowIssue(number, "value", values["value"], "corrected_twice", params)
    item.lines.append(number)
    item.changes[name] = values["value"]
    if values["why"] not in item.why.split("; "):
        item.why = f"{item.why}; {values['why']}" if item.why else values["why"]
    return None
