"""The errors file: the user's own rows back, with the reason in the last column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from wasteflow.core.errors import RowIssue
from wasteflow.core.messages import render
from wasteflow.schemas.cells import csv_lines
from wasteflow.schemas.dictionary import ERROR_COLUMNS


class Refused(Protocol):
    """A file whose rows were refused: a `Table`, or a `TextFile` that is read again."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Header cells as written."""

    @property
    def issues(self) -> tuple[RowIssue, ...]:
        """Why rows could not be read at all."""

    def records(self) -> Iterable[tuple[int, list[str]]]:
        """Every row with its line, in file order."""


def errors_csv(table: Refused, issues: Iterable[RowIssue], lang: str = "zh") -> str:
    """The errors file as one text; see `errors_lines`."""
    return "".join(errors_lines(table, issues, lang))


def errors_lines(file: Refused, issues: Iterable[RowIssue], lang: str = "zh") -> Iterator[str]:
    """CSV text with byte order mark, line by line: every row of `file` in order, reasons last.

    The file can be mended and imported again: its last column (`error`, 错误原因) is ignored.  A
    row with a wrong number of cells is given back as it was, with the reason behind its last cell,
    so that it is refused again until it is mended.
    """
    reasons: dict[int, list[str]] = {}
    for issue in sorted({_key(item): item for item in (*file.issues, *issues)}.values(), key=_key):
        text = render(
            issue.code, lang, {"field": issue.field, "value": issue.value, **issue.params}
        )
        reasons.setdefault(issue.line, []).append(f"{issue.field}: {text}" if issue.field else text)
    label = ERROR_COLUMNS[1 if lang == "zh" else 0]
    body = ([*cells, "; ".join(reasons.get(line, []))] for line, cells in file.records())
    yield "\ufeff"
    yield from csv_lines([*file.columns, label], body)


def _key(issue: RowIssue) -> tuple[int, str, str]:
    return issue.line, issue.field, issue.code
