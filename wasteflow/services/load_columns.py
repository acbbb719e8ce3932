"""From the text chunks of a shipments file to checked loads: columns first, the rest one by one.

A row that surely is a sound wet load is checked in columns; every other row goes through the same
reader and `LoadChecker` as a row that comes alone, and these alone can refuse it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct, field
from msgspec.structs import replace

from wasteflow.core.errors import Remark, RowIssue
from wasteflow.core.loads_bulk import Ints, LoadBatch
from wasteflow.schemas.ahead import ahead
from wasteflow.schemas.columns import TextChunk, TypedChunk
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import RowReader, schema_class
from wasteflow.services.load_convert import Kin, batch_of
from wasteflow.services.load_lane import FastLane
from wasteflow.services.load_rows import CheckedLoad, LoadChecker
from wasteflow.services.outcome import SHOWN_EXAMPLES, Row, Warnings
from wasteflow_models.keys import Keys

_Reading = tuple[int, dict[str, Any], tuple[str, Fault] | None]


FEW = 64
"""Rows up to which reading them one by one is quicker than setting up columns."""


class CheckedChunk(Struct, frozen=True):
    """What became of the rows of a chunk.

    `rows` counts those that follow the contract (whether the registry then refused them or not);
    `loads` are deliveries and `children` the returns and redirects that were checked in columns,
    `others` the loads that were checked one by one, each in file order; `issues` are the reasons
    of refused rows by line and column, with the cell as given.
    `rounded_rows` and `rounded_kg` are as in `schemas.rows.ParsedRows`.
    """

    rows: int
    loads: LoadBatch
    others: list[CheckedLoad] = field(default_factory=list)
    issues: list[RowIssue] = field(default_factory=list)
    rounded_rows: int = 0
    rounded_kg: Decimal = Decimal(0)
    children: LoadBatch | None = None
    kin: Kin | None = None


def checked_chunks(
    chunks: Iterable[TextChunk],
    keys: Keys,
    clock: Clock,
    round_kg: bool,
    warnings: Warnings,
    *,
    few: int = FEW,
) -> Iterator[CheckedChunk]:
    """Check the chunks of one shipments file against a registry snapshot, in file order.

    chunks: all with the same columns; warnings: gains the remarks of each chunk before it is
    given out; few: rows up to which a single chunk is read one by one.  What only the books can
    tell (numbers known or repeated, parents, openings) is not looked at.
    """
    source = iter(chunks)
    first, second = next(source, None), next(source, None)
    if first is None:
        return
    checking = _Checking(first.frame.columns, keys, clock, round_kg, warnings)
    if second is None and first.frame.height <= few:
        yield checking.check_alone(first)
    elif second is None:
        yield checking.check(*checking.typed(first))
    else:
        for chunk, typed in ahead(map(checking.typed, chain([first, second], source))):
            yield checking.check(chunk, typed)


class _Checking:
    """The two lanes over the chunks of one file."""

    def __init__(
        self, columns: list[str], keys: Keys, clock: Clock, round_kg: bool, warnings: Warnings
    ) -> None:
        self._round_kg = round_kg
        self._places = {name: place for place, name in enumerate(columns)}
        schema = schema_class("shipments")(clock=clock, round_kg=round_kg)
        self._reader = RowReader(schema, self._places)
        self._example_reader = RowReader(schema, self._places)
        self._warnings = warnings
        self._checker = LoadChecker(keys.registry, Warnings(), clock.tolerance, clock.signer)
        self._schema, self._keys = schema, keys

    @cached_property
    def _lane(self) -> FastLane:
        """Made when a chunk is long enough to pay for it."""
        return FastLane(self._schema, self._keys, self._checker)

    def typed(self, chunk: TextChunk) -> tuple[TextChunk, TypedChunk]:
        """The chunk, and what its texts mean."""
        return chunk, self._lane.columns.read(chunk.frame)

    def check(self, chunk: TextChunk, typed: TypedChunk) -> CheckedChunk:
        """Both lanes over one chunk."""
        found = self._lane.take(chunk, typed)
        seen = self._reader.rounded_rows, self._reader.rounded_kg
        rest = np.flatnonzero(~found.taken)
        passed, others, issues = self._one_by_one(chunk, self._read(chunk, typed, rest))
        self._note_warnings(chunk, found.remarks)
        issues += chunk.issues
        issues.sort(key=lambda issue: (issue.line, issue.field))
        return CheckedChunk(
            len(found.loads) + len(found.children) + passed,
            found.loads,
            others,
            issues,
            self._reader.rounded_rows - seen[0] + found.rounded_rows,
            self._reader.rounded_kg - seen[1] + found.rounded_kg,
            found.children,
            found.kin,
        )

    def check_alone(self, chunk: TextChunk) -> CheckedChunk:
        """A few rows, each by itself: a load recorded alone needs no columns."""
        seen = self._reader.rounded_rows, self._reader.rounded_kg
        cells = _cells(chunk.frame, list(range(chunk.frame.height)))
        readings = ((row, *self._reader.read(texts)) for row, texts in enumerate(cells))
        passed, others, issues = self._one_by_one(chunk, readings)
        self._note_warnings(chunk, {})
        issues += chunk.issues
        issues.sort(key=lambda issue: (issue.line, issue.field))
        return CheckedChunk(
            passed,
            batch_of([], self._keys),
            others,
            issues,
            self._reader.rounded_rows - seen[0],
            self._reader.rounded_kg - seen[1],
        )

    def _one_by_one(
        self, chunk: TextChunk, readings: Iterable[_Reading]
    ) -> tuple[int, list[CheckedLoad], list[RowIssue]]:
        """(rows that follow the contract, loads, issues) of rows as they were read.

        Warnings are left in the checker.
        """
        self._checker.warnings = Warnings()
        others: list[CheckedLoad] = []
        issues: list[RowIssue] = []
        passed = 0
        for row, values, fault in readings:
            line = int(chunk.lines[row])
            if fault is None:
                passed += 1
                load = self._checker.check(Row(line, values))
                if isinstance(load, CheckedLoad):
                    others.append(load)
                    continue
                issue, cells = load, _cells(chunk.frame, [row])[0]
            else:
                cells = _cells(chunk.frame, [row])[0]
                issue = self._reader.issue(line, cells, *fault)
            issues.append(self._as_given(issue, cells))
        return passed, others, issues

    def _read(self, chunk: TextChunk, typed: TypedChunk, rows: Ints) -> Iterator[_Reading]:
        """(row, values, why it is refused) of `rows`, in order.

        Cells that mean something are not read again, but for the note of what was rounded.
        """
        sound = typed.sound[rows] & (not self._round_kg)
        known = typed.values(rows[sound])
        fresh = iter(_cells(chunk.frame, rows[~sound].tolist()))
        bare = {
            name: typed.measured[name].at(rows).flag("bare").tolist()
            for name in ("dispatched_at", "received_at")
            if name in self._places
        }
        for place, row in enumerate(rows.tolist()):
            if sound[place]:
                values = next(known)
                is_bare = {name for name, flags in bare.items() if flags[place]}.__contains__
                yield row, values, self._reader.complete(values, is_bare)
            else:
                yield row, *self._reader.read(next(fresh))

    def _as_given(self, issue: RowIssue, cells: tuple[str, ...]) -> RowIssue:
        """The issue with the cell as it stands in the file."""
        if issue.field not in self._places:
            return issue
        return replace(issue, value=cells[self._places[issue.field]])

    def _note_warnings(self, chunk: TextChunk, remarks: dict[str, Ints]) -> None:
        """Add the warnings of both lanes; examples are the first of the file, by line."""
        alone = self._checker.warnings
        for code in sorted(alone.counts.keys() | remarks.keys()):
            rows = remarks.get(code, np.zeros(0, np.int64))
            if not len(rows) and not alone.counts[code]:
                continue
            self._warnings.counts[code] += len(rows) + alone.counts[code]
            shown = self._warnings.examples.setdefault(code, [])
            if len(shown) < SHOWN_EXAMPLES:
                more = self._examples(chunk, rows[:SHOWN_EXAMPLES], code)
                more += alone.examples.get(code, [])
                more.sort(key=lambda example: example[0])
                shown += more[: SHOWN_EXAMPLES - len(shown)]

    def _examples(self, chunk: TextChunk, rows: Ints, code: str) -> list[tuple[int, Remark]]:
        """The warnings of a code about `rows`, worded by the checker of single rows."""
        noted, self._checker.warnings = self._checker.warnings, Warnings()
        lines = chunk.lines[rows].tolist()
        for line, cells in zip(lines, _cells(chunk.frame, rows.tolist()), strict=True):
            self._checker.check(Row(line, self._example_reader.read(cells)[0]))
        found, self._checker.warnings = self._checker.warnings, noted
        return list(found.examples.get(code, []))


def _cells(frame: pl.DataFrame, rows: list[int]) -> list[tuple[str, ...]]:
    """The cells of some rows, blank ones as ""."""
    found: list[tuple[str, ...]] = frame[rows].fill_null("").rows()
    return found
