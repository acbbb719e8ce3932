"""A table of published figures (`audit-figures`, 4-contract 4.3) to audits; no database, no file.

The caller reads the table with `wasteflow.importing`; what the audit says is `core.audit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.audit import MAX_DECIMALS, Audit, Figure, audit_figures
from wasteflow.core.audit_rates import AMOUNTS
from wasteflow.core.errors import InvalidValue, RowIssue, RowsRefused, UnusableFile
from wasteflow.core.units import decimal_from_text
from wasteflow.schemas.cells import Table
from wasteflow.schemas.dictionary import header_key, is_error_column
from wasteflow.schemas.field_base import clean_text

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("编号",),
    "scope": ("范围", "地区"),
    "year": ("年份", "年度"),
    "material": ("物料", "固废种类"),
    "generated": ("产生量",),
    "utilised": ("综合利用量",),
    "utilised_prior": ("综合利用往年贮存量", "其中:综合利用往年贮存量"),
    "disposed": ("处置量",),
    "disposed_prior": ("处置往年贮存量", "其中:处置往年贮存量"),
    "stored": ("贮存量",),
    "dumped": ("倾倒丢弃量",),
    "treated": ("无害化处理量",),
    "other": ("其他去向量",),
    "decimals_of_amounts": ("数量小数位",),
    "published_rate": ("公布的利用率", "综合利用率"),
    "decimals_of_rate": ("利用率小数位",),
}
"""Column → its Chinese labels, the first being ours; a unit in brackets behind is passed over."""

REQUIRED: Final = ("id", "generated")
_TEXTS: Final = ("id", "scope", "year", "material")


class _Row(Struct, frozen=True):
    line: int
    cells: Mapping[str, str]


def audit_table(table: Table) -> list[Audit]:
    """The audit of every row, in the order of the file.

    Raises UnusableFile: `unknown_column`, `duplicate_column`, `missing_column`; RowsRefused with
    every cell that is no figure (`missing_value`, `bad_figure`, `bad_decimals` …).
    """
    places = _match_header(table.columns)
    issues = list(table.issues)
    figures = []
    for line, cells in table.rows:
        row = _Row(line, {name: cells[place].strip() for name, place in places.items()})
        figure = _figure(row, issues)
        if figure is not None:
            figures.append(figure)
    if issues:
        raise RowsRefused(issues)
    return audit_figures(figures)


def audit_report(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """The JSON of the contract, one object per row."""
    return [audit.as_dict() for audit in audits]


def _match_header(header: Sequence[str]) -> dict[str, int]:
    names = {header_key(text): name for name, labels in COLUMNS.items() for text in (name, *labels)}
    found: dict[str, list[int]] = {}
    unknown = []
    for place, cell in enumerate(header):
        name = names.get(header_key(cell))
        if name is not None:
            found.setdefault(name, []).append(place)
        elif not is_error_column(cell):
            unknown.append(cell.strip()[:40] or "“”")
    if unknown:
        known = ", ".join(_title(name) for name in COLUMNS)
        raise UnusableFile("unknown_column", columns=", ".join(unknown[:8]), hint="", known=known)
    twice = [_title(name) for name, places in found.items() if len(places) > 1]
    if twice:
        raise UnusableFile("duplicate_column", columns=", ".join(twice))
    missing = [_title(name) for name in REQUIRED if name not in found]
    if missing:
        raise UnusableFile("missing_column", columns=", ".join(missing))
    return {name: places[0] for name, places in found.items()}


def _title(name: str) -> str:
    return f"{name} {COLUMNS[name][0]}"


def _figure(row: _Row, issues: list[RowIssue]) -> Figure | None:
    """The figure of a row; None, with the reasons added to `issues`, if a cell is wrong."""
    before = len(issues)
    texts = {name: _text(row, name, issues) for name in _TEXTS}
    if not texts["id"] and len(issues) == before:
        issues.append(RowIssue(row.line, "id", "", "missing_value"))
    numbers = {name: _number(row, name, issues) for name in (*AMOUNTS, "published_rate")}
    decimals = _decimals(row, "decimals_of_amounts", issues)
    rate_decimals = _decimals(row, "decimals_of_rate", issues)
    if len(issues) > before:
        return None
    rate = numbers.pop("published_rate")
    amounts = {name: value for name, value in numbers.items() if value is not None}
    return Figure(
        amounts=amounts,
        decimals=decimals,
        published_rate=rate,
        rate_decimals=rate_decimals,
        **texts,
    )


def _text(row: _Row, name: str, issues: list[RowIssue]) -> str:
    text = row.cells.get(name, "")
    try:
        return clean_text(text)
    except InvalidValue as error:
        issues.append(RowIssue(row.line, name, text[:60], error.code, error.params))
        return ""


def _number(row: _Row, name: str, issues: list[RowIssue]) -> Decimal | None:
    """A number of 0 or more, None for a blank cell; the rate may carry its % sign."""
    text = row.cells.get(name, "")
    if not text:
        return None
    try:
        value = decimal_from_text(text.rstrip("%％") if name == "published_rate" else text)
    except InvalidValue:
        value = Decimal(-1)
    if value < 0:
        issues.append(RowIssue(row.line, name, text, "bad_figure"))
        return None
    return value


def _decimals(row: _Row, name: str, issues: list[RowIssue]) -> int | None:
    text = row.cells.get(name, "")
    if not text:
        return None
    try:
        value = decimal_from_text(text)
    except InvalidValue:
        value = Decimal("0.5")
    if abs(value) > MAX_DECIMALS or value != value.to_integral_value():
        issues.append(RowIssue(row.line, name, text, "bad_decimals", {"limit": str(MAX_DECIMALS)}))
        return None
    return int(value)
