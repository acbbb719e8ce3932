"""Which cell of a header line is which column of a kind; no row is looked at here."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from wasteflow.core.errors import UnusableFile
from wasteflow.core.vocabulary import Labelled
from wasteflow.schemas.dictionary import (
    DICTIONARY,
    Column,
    columns_of,
    header_key,
    header_names,
    is_error_column,
)

_SHOWN = 8


def match_header(kind: str, header: Sequence[str]) -> dict[str, int]:
    """Column name → position in `header`, in contract order.

    Names are English or Chinese, in any order; an errors column is passed over.  Raises
    UnusableFile: `unknown_kind`, `unknown_column`, `duplicate_column`, `missing_column`.
    """
    columns, names = columns_of(kind), header_names(kind)
    found: dict[str, list[int]] = {}
    unknown: list[str] = []
    for position, cell in enumerate(header):
        name = names.get(header_key(cell))
        if name is not None:
            found.setdefault(name, []).append(position)
        elif not is_error_column(cell):
            unknown.append(cell)
    if unknown:
        raise UnusableFile(
            "unknown_column",
            columns=_list([cell.strip() or "“”" for cell in unknown]),
            hint=_hint(kind, unknown, header),
            known=Labelled((column.name, column.label_zh) for column in columns),
        )
    twice = [
        header[position] for places in found.values() if len(places) > 1 for position in places
    ]
    if twice:
        raise UnusableFile("duplicate_column", columns=_list(twice))
    missing = _missing(kind, columns, set(found))
    if missing:
        raise UnusableFile("missing_column", columns=Labelled(missing))
    return {column.name: found[column.name][0] for column in columns if column.name in found}


def _missing(kind: str, columns: Sequence[Column], found: set[str]) -> list[tuple[str, str]]:
    """Names and labels of columns without which no row can be taken."""
    by_name = {column.name: column for column in columns}
    missing = [
        (item.name, item.label_zh) for item in columns if item.required and item.name not in found
    ]
    for pair in (("name_zh", "name_en"), ("dispatched_t", "accepted_t")):
        if pair[0] in by_name and pair[1] in by_name and not found.intersection(pair):
            labels = " / ".join(by_name[name].label_zh for name in pair)
            missing.append((" / ".join(pair), labels))
    return missing


def _list(texts: Sequence[str]) -> str:
    shown = [text if len(text) <= 40 else text[:39] + "…" for text in texts[:_SHOWN]]
    more = f" … (+{len(texts) - _SHOWN})" if len(texts) > _SHOWN else ""
    return ", ".join(shown) + more


def _hint(kind: str, unknown: Sequence[str], header: Sequence[str]) -> str:
    """What was probably meant: another kind that has all these columns, or a near name."""
    keys = [header_key(cell) for cell in header if not is_error_column(cell)]
    for other in DICTIONARY:
        if other != kind and all(key in header_names(other) for key in keys):
            return f"→ {other}? "
    near = []
    for cell in unknown[:_SHOWN]:
        close = difflib.get_close_matches(header_key(cell)[:60], list(header_names(kind)), 1, 0.75)
        if close:
            near.append(f"{cell.strip()[:40]} → {header_names(kind)[close[0]]}? ")
    return "".join(near)
