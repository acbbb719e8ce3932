"""A file as people write it into the books: read, normalised, checked, recorded.

Joins `importing.opening`, `importing.normalising` and `jobs.import_file` for commands and uploads.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import RowIssue, RowsRefused, UnusableFile
from wasteflow.core.periods import shanghai_day
from wasteflow.importing.layout import Layout
from wasteflow.importing.normalising import Normalised, normalise
from wasteflow.importing.opening import Asked, Source
from wasteflow.jobs import import_file
from wasteflow.load_files import Imported
from wasteflow.schemas.cells import unguard
from wasteflow.schemas.rows import Clock, RowReader, schema_class
from wasteflow.services.uploads import RIGHT_COLUMNS, RowFault, unknown_names, words_of

MOST_REASONS: Final = 10
"""Reasons told for one row at most."""
MOST_READ_AGAIN: Final = 20_000
"""Refused rows of which every reason is told; of those behind them the first."""


class Prepared(Struct, frozen=True):
    """A normalised file, ready for `record`."""

    path: Path
    layout: Layout
    normalised: Normalised
    issues: tuple[RowIssue, ...] = ()


def usable(source: Source, layout: Layout) -> None:
    """Raise UnusableFile `columns_missing`, `columns_unread` unless the layout says everything."""
    if layout.unread and layout.header_row:
        raise UnusableFile("columns_unread", file=source.name, columns=", ".join(layout.unread[:8]))
    if layout.missing or not layout.header_row:
        raise UnusableFile(
            "columns_missing",
            file=source.name,
            columns=", ".join(layout.missing),
            kind=layout.kind,
        )


def prepare(
    *,
    db: Any,
    source: Source,
    layout: Layout,
    folder: Path,
    fault: RowFault | None = None,
    tick: Callable[[int], None] | None = None,
) -> Prepared:
    """Write the rows of `source` as a file of the contract into `folder`.

    fault: tells rows that the sender may not send.  Raises UnusableFile.
    """
    usable(source, layout)
    name = source.name if source.name.lower().endswith((".csv", ".xlsx")) else f"{source.name}.csv"
    inner = folder / "normalised"  # its name may be that of the file itself
    inner.mkdir(exist_ok=True)
    out = inner / Path(name).name
    done = normalise(
        source.rows(layout.sheet),
        layout,
        out,
        words=words_of(db=db),
        days_1904=source.days_1904,
        ragged=source.ragged,
        tick=tick,
    )
    if not len(done.lines) and not done.issues:
        raise UnusableFile("no_rows", file=source.name)
    issues = list(done.issues)
    if fault is not None:
        issues += _not_theirs(out, done, fault)
    return Prepared(out, layout, done, tuple(issues))


def _not_theirs(path: Path, done: Normalised, fault: RowFault) -> list[RowIssue]:
    issues = []
    judged: dict[tuple[str, ...], tuple[str, str] | None] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        read = [(name, header.index(name)) for name in RIGHT_COLUMNS if name in header]
        for place, row in enumerate(reader):
            key = tuple(row[at] for _, at in read)
            if key not in judged:
                names = (name for name, _ in read)
                judged[key] = fault(dict(zip(names, key, strict=True)))
            found = judged[key]
            if found is not None:
                params = {"value": found[1]}
                issues.append(
                    RowIssue(done.lines[place], found[0], found[1], "row_not_yours", params)
                )
    return issues


def record(
    *,
    db: Any,
    prepared: Prepared,
    now: datetime,
    dry_run: bool = False,
    round_kg: bool = False,
    progress: Callable[[int, int], None] | None = None,
    signer: str = "",
) -> Imported:
    """Take the rows, all or nothing; RowsRefused names the rows of the user's own file."""
    own = list(prepared.issues)
    try:
        if own and not dry_run:
            raise RowsRefused(own)
        done = import_file(
            db=db,
            kind=prepared.layout.kind,
            path=prepared.path,
            now=now,
            encoding="utf-8",
            dry_run=dry_run,
            round_kg=round_kg,
            progress=progress,
            signer=signer,
        )
    except RowsRefused as error:
        if error.issues and error.issues == own:
            raise
        error.issues += further_reasons(
            db=db, prepared=prepared, issues=error.issues, now=now, round_kg=round_kg
        )
        told = [_theirs(issue, prepared.normalised) for issue in error.issues]
        raise _refused([*own, *told]) from error
    if own:
        raise _refused(own)
    for examples in done.report.warnings.examples.values():
        examples[:] = [(prepared.normalised.line(line), remark) for line, remark in examples]
    return replace(done, encoding=prepared.layout.encoding or "xlsx")


def further_reasons(
    *, db: Any, prepared: Prepared, issues: Sequence[RowIssue], now: datetime, round_kg: bool
) -> list[RowIssue]:
    """What else is wrong in the refused rows, at the lines of the normalised file.

    The check tells the first reason of a row and stops; who mends the row wants all of them.
    Read anew are the first `MOST_READ_AGAIN` refused rows.
    """
    kind = prepared.layout.kind
    known = {(issue.line, issue.field) for issue in issues}
    lines = set(sorted({issue.line for issue in issues})[:MOST_READ_AGAIN])
    unknown = unknown_names(db=db, kind=kind)
    found: list[RowIssue] = []
    with prepared.path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows)
        schema = schema_class(kind)(clock=Clock(shanghai_day(now), now), round_kg=round_kg)
        reader = RowReader(schema, {name: place for place, name in enumerate(names)})
        for line, row in enumerate(rows, start=2):
            if line not in lines:
                continue
            cells = [unguard(cell) for cell in row]
            told = [reader.issue(line, cells, *fault) for fault in reader.faults(cells)]
            values = dict(zip(names, cells, strict=True))
            told += [
                RowIssue(line, name, values[name], error.code, error.params)
                for name, error in unknown(values)
            ]
            for issue in told:
                if (line, issue.field) not in known:
                    known.add((line, issue.field))
                    found.append(issue)
    return found


def _theirs(issue: RowIssue, done: Normalised) -> RowIssue:
    """The issue at the row of the user's file, also where it names another line."""
    params: Mapping[str, str] = issue.params
    other = params.get("other_line", "")
    if other.isdigit():
        params = {**params, "other_line": str(done.line(int(other)))}
    return replace(issue, line=done.line(issue.line), params=params)


def _refused(issues: list[RowIssue]) -> RowsRefused:
    """The refusal with at most `MOST_REASONS` for a row, the one it was refused for first."""
    refused = RowsRefused(issues)
    refused.issues = _few(issues)
    return refused


def _few(issues: list[RowIssue]) -> list[RowIssue]:
    counts: dict[int, int] = {}
    kept = []
    for issue in sorted(issues, key=lambda item: item.line):
        counts[issue.line] = counts.get(issue.line, 0) + 1
        if counts[issue.line] <= MOST_REASONS:
            kept.append(issue)
    return kept


def open_and_guess(path: Path, name: str, kind: str, asked: Asked) -> tuple[Source, Layout]:
    """A file opened, and how it is to be read.  Raises UnusableFile."""
    source = Source(path, name, asked.encoding)
    return source, source.guess(kind, asked)
