"""The errors file: the user's own rows back, with the reason in the last column."""

from __future__ import annotations

from collections.abc import Iterable

from wasteflow.core.errors import RowIssue
from wasteflow.core.messages import render
from wasteflow.schemas.cells import Table, write_csv
from wasteflow.schemas.dictionary import ERROR_COLUMNS


def errors_csv(table: Table, issues: Iterable[RowIssue], lang: str = "zh") -> str:
    """CSV text with byte order mark: every row of `table` in file order, reasons last.

    The file can be mended and imported again: its last column (`error`, 错误原因) is ignored.  A
    row with a wrong number of cells is given back as it was, with the reason behind its last cell,
    so that it is refused again until it is mended.
    """
    reasons: dict[int, list[str]] = {}
    for issue in sorted({_key(item): item for item in (*table.issues, *issues)}.values(), key=_key):
        text = render(
            issue.code, lang, {"field": issue.field, "value": issue.value, **issue.params}
        )
        reasons.setdefault(issue.line, []).append(f"{issue.field}: {text}" if issue.field else text)
    label = ERROR_COLUMNS[1 if lang == "zh" else 0]
    rows = sorted([*table.rows, *table.broken], key=lambda row: row[0])
    body = ([*cells, "; ".join(reasons.get(line, []))] for line, cells in rows)
    return "\ufeff" + write_csv([*table.columns, label], body)


def _key(issue: RowIssue) -> tuple[int, str, str]:
    return issue.line, issue.field, issue.code
