"""A large file of entries judged in columns: rows alike but for number, day, mass and remarks.

What the schema, names and routes decide about one such row holds for all of them: one row stands
for its like.  Openings and stocktakes, which are few, are judged one by one.  A file with anything
wrong in it is not for here (`OneByOne`): the rows tell the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.columns import groups_of
from wasteflow.core.errors import RowIssue, WasteflowError
from wasteflow.core.periods import month_of_day
from wasteflow.core.postings_bulk import ENTRY_CODES, EntryColumns
from wasteflow.core.vocabulary import EntryKind, Evidence
from wasteflow.schemas.columns import Coded, Spelled, TextChunk, TypedChunk
from wasteflow.schemas.row_chunks import ReadChunks, texts_of
from wasteflow.schemas.rows import RowReader
from wasteflow.services.entry_rows import (
    CONDITIONAL,
    CONTENT_FIELDS,
    SEPARATOR,
    CheckedEntry,
    EntryChecker,
    Place3,
    content_of,
)
from wasteflow.services.load_rows import weight
from wasteflow.services.outcome import SHOWN_EXAMPLES, Row, Warnings
from wasteflow_models.convert import Keys

Ints = NDArray[np.int64]
COUNTED = (EntryKind.OPENING.value, EntryKind.STOCKTAKE.value)
_SHAPE = (
    *("enterprise", "facility", "kind", "material", "route", "moisture_pct", "basis", "weighed"),
    *("year_generated", "generator", "from_use"),
)
"""Columns on which, day and mass being in order, the judgement of a row depends."""
_DAY = CONTENT_FIELDS.index("date")
_TOLD = CONTENT_FIELDS.index("handler")
"""Where among the fields of the content day and mass stand, and where the remarks begin."""


class OneByOne(Exception):
    """The file has to be read row by row: something in it is wrong, or a number was given twice."""


class Shape(NamedTuple):
    """What rows alike but for number, day, mass and remarks have in common."""

    enterprise_id: int
    facility_id: int
    kind: str
    material_id: int
    route_id: int
    basis: str
    moisture: int | None
    weighed: str
    from_use: bool
    evidence: int
    route: str
    conditional: bool
    before: str
    behind: str


class EntryBlock(Struct, frozen=True):
    """Entries that are neither openings nor stocktakes, one element each, in file order.

    `day` as ISO text; `facility_id` and `route_id` 0 for none; `moisture` and `dry_kg` None where
    unknown.
    """

    line: Ints
    doc_no: list[str]
    enterprise_id: Ints
    facility_id: Ints
    kind: list[str]
    material_id: Ints
    route_id: Ints
    day: list[str]
    ordinal: Ints
    month: Ints
    kg: Ints
    input_kg: Ints
    dry_kg: list[int | None]
    basis: list[str]
    moisture: list[int | None]
    weighed: list[str]
    from_use: list[bool]
    evidence: Ints
    handler: list[str]
    reason: list[str]
    remark: list[str]
    content: Ints

    @classmethod
    def none(cls) -> EntryBlock:
        """No entry."""
        empty = np.zeros(0, np.int64)
        columns: dict[str, Any] = {
            name: empty if cls.__annotations__[name] == "Ints" else []
            for name in cls.__struct_fields__
        }
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.line)

    def pick(self, rows: Ints) -> EntryBlock:
        """The entries at these positions."""
        if len(rows) == len(self):
            return self
        chosen = rows.tolist()

        def part(column: Any) -> Any:
            if isinstance(column, np.ndarray):
                return column[rows]
            return [column[row] for row in chosen]

        return EntryBlock(**{name: part(getattr(self, name)) for name in self.__struct_fields__})

    def facts(self) -> EntryColumns:
        """What postings are made of."""
        zero = np.zeros(len(self), np.int64)
        return EntryColumns(
            kind=np.array([ENTRY_CODES[kind] for kind in self.kind], np.int64),
            enterprise=self.enterprise_id,
            material=self.material_id,
            route=self.route_id,
            month=self.month,
            kg=self.kg,
            difference_kg=zero,
            yard=zero,
            generator=zero,
            year=zero,
            from_use=np.array(self.from_use, np.int64),
            evidence=self.evidence,
            gone=zero,
        )

    def first_days(self, keys: Keys) -> dict[Place3, date]:
        """(enterprise, compartment, material) → first day on which an entry moves the place."""
        found: dict[Place3, date] = {}
        firms, materials = keys.codes["enterprise"], keys.codes["material"]
        in_yard = [kind in (EntryKind.TO_YARD, EntryKind.FROM_YARD) for kind in self.kind]
        for compartment, rows in (
            ("site", np.arange(len(self))),
            ("yard", np.flatnonzero(np.array(in_yard, np.bool_))),
        ):
            groups = groups_of([self.enterprise_id[rows], self.material_id[rows]])
            if not len(rows):
                continue
            days = np.minimum.reduceat(self.ordinal[rows][groups.order], groups.starts)
            for row, day in zip(rows[groups.first].tolist(), days.tolist(), strict=True):
                firm, material = int(self.enterprise_id[row]), int(self.material_id[row])
                place = firms[firm], compartment, materials[material]
                found[place] = date.fromordinal(day)
        return found


class CheckedFile(Struct, frozen=True):
    """A whole file that was judged; `counted` are its openings and stocktakes."""

    block: EntryBlock
    counted: list[CheckedEntry]
    warnings: Warnings

    @property
    def rows(self) -> int:
        """Entries of the file."""
        return len(self.block) + len(self.counted)


def check_columns(file: ReadChunks, keys: Keys) -> CheckedFile:
    """Judge a file whose cells are read; raises OneByOne if the rows have to tell why not."""
    if file.round_kg or file.kind != "entries":
        raise OneByOne
    warnings = Warnings()
    checker = EntryChecker(keys.registry, warnings)
    reader = file.reader()
    blocks: list[EntryBlock] = []
    counted: list[CheckedEntry] = []
    told: list[tuple[Ints, list[str]]] = []
    for chunk, typed in file.chunks:
        part = _Part(chunk, typed, reader, checker, keys, file)
        blocks.append(part.block())
        told.append(part.conditional())
        counted += part.counted()
    _add_conditional(warnings, told)
    return CheckedFile(_joined(blocks), counted, warnings)


class _Part:
    """The judgement of one chunk."""

    def __init__(
        self,
        chunk: TextChunk,
        typed: TypedChunk,
        reader: RowReader,
        checker: EntryChecker,
        keys: Keys,
        file: ReadChunks,
    ) -> None:
        if chunk.issues or not typed.sound.all():
            raise OneByOne
        self._chunk, self._typed = chunk, typed
        self._reader, self._checker, self._keys = reader, checker, keys
        self._kg = typed.measured["tonnes"].number("kg")
        self._ordinal = typed.measured["date"].number("day")
        groups = groups_of([_codes(typed, name) for name in _SHAPE])
        self._shape_of = groups.numbers()
        samples = list(typed.values(groups.first))
        one_by_one = np.array([values["kind"] in COUNTED for values in samples], np.bool_)
        self._counted = one_by_one[self._shape_of] if len(samples) else np.zeros(0, np.bool_)
        self._rows = np.flatnonzero(~self._counted)
        if (self._ordinal > file.clock.today.toordinal()).any() or (
            self._kg[self._rows] <= 0
        ).any():
            raise OneByOne
        self._shapes: list[Shape | None] = [
            None if values["kind"] in COUNTED else self._judged(values, row)
            for values, row in zip(samples, groups.first.tolist(), strict=True)
        ]

    def _judged(self, values: dict[str, Any], row: int) -> Shape:
        """What holds for the row and all like it."""
        if self._reader.complete(values, lambda _: False) is not None:
            raise OneByOne
        named = self._checker.named(Row(int(self._chunk.lines[row]), values))
        if isinstance(named, RowIssue):
            raise OneByOne
        enterprise, material, generator, kind, _, conditional = named
        keys = self._keys
        basis = values.get("basis") or "wet"
        weighed = values.get("weighed") or "measured"
        told = [str(part) if part else "" for part in map(values.get, CONTENT_FIELDS)]
        told[CONTENT_FIELDS.index("basis")] = basis
        told[CONTENT_FIELDS.index("weighed")] = weighed
        return Shape(
            enterprise_id=keys.id_of("enterprise", enterprise),
            facility_id=keys.id_of("facility", values.get("facility") or ""),
            kind=kind.value,
            material_id=keys.id_of("material", material),
            route_id=keys.id_of("route", values.get("route") or ""),
            basis=basis,
            moisture=values.get("moisture_pct"),
            weighed=weighed,
            from_use=bool(values.get("from_use")),
            evidence=int(Evidence.ESTIMATED if weighed == "estimated" else Evidence.ONE_SIDED),
            route=values.get("route") or "",
            conditional=conditional,
            before=SEPARATOR.join([enterprise, generator, *told[:_DAY], ""]),
            behind=SEPARATOR.join(["", *told[_DAY + 2 : _TOLD], ""]),
        )

    def block(self) -> EntryBlock:
        """The entries that are not judged one by one."""
        rows, typed = self._rows, self._typed
        shapes = [shape for shape in self._shapes if shape is not None]
        place = np.cumsum([shape is not None for shape in self._shapes], dtype=np.int64) - 1
        which = place[self._shape_of[rows]]
        common = {name: [getattr(shape, name) for shape in shapes] for name in Shape._fields}
        chosen = which.tolist()

        def number(name: str) -> Ints:
            return np.array(common[name], np.int64)[which]

        def word(name: str) -> list[Any]:
            known = common[name]
            return [known[shape] for shape in chosen]

        days, month, iso = _days(self._ordinal[rows])
        mass = _weights(self._kg[rows], word("basis"), word("moisture"))
        texts = {name: texts_of(typed, name, rows) for name in ("handler", "reason", "remark")}
        told = zip(
            *(word("before"), iso, self._kg[rows].tolist(), word("behind")),
            *texts.values(),
            strict=True,
        )
        content = [
            content_of(SEPARATOR.join((before + day, f"{kg}{behind}{handler}", reason, remark)))
            for before, day, kg, behind, handler, reason, remark in told
        ]
        return EntryBlock(
            line=self._chunk.lines[rows].astype(np.int64),
            doc_no=texts_of(typed, "doc_no", rows),
            enterprise_id=number("enterprise_id"),
            facility_id=number("facility_id"),
            kind=word("kind"),
            material_id=number("material_id"),
            route_id=number("route_id"),
            day=iso,
            ordinal=days,
            month=month,
            kg=mass[0],
            input_kg=self._kg[rows],
            dry_kg=mass[1],
            basis=word("basis"),
            moisture=word("moisture"),
            weighed=word("weighed"),
            from_use=word("from_use"),
            evidence=number("evidence"),
            content=np.array(content, np.int64),
            **texts,
        )

    def counted(self) -> list[CheckedEntry]:
        """Openings and stocktakes, one by one."""
        rows = np.flatnonzero(self._counted)
        found = []
        for row, values in zip(rows.tolist(), self._typed.values(rows), strict=True):
            if self._reader.complete(values, lambda _: False) is not None:
                raise OneByOne
            checked = self._checker.check(Row(int(self._chunk.lines[row]), values))
            if isinstance(checked, RowIssue):
                raise OneByOne
            found.append(checked)
        return found

    def conditional(self) -> tuple[Ints, list[str]]:
        """Lines of the rows whose route asks for a document, and their routes."""
        asks = np.array([bool(shape and shape.conditional) for shape in self._shapes], np.bool_)
        rows = np.flatnonzero(asks[self._shape_of]) if len(asks) else self._rows[:0]
        routes = [shape.route if shape else "" for shape in self._shapes]
        return self._chunk.lines[rows], [routes[shape] for shape in self._shape_of[rows].tolist()]


def _codes(typed: TypedChunk, name: str) -> Ints:
    """A number for each text of a column: equal texts, equal numbers."""
    column: Coded | Spelled = typed.texts[name] if name in typed.texts else typed.measured[name]
    if isinstance(column, Coded):
        return column.codes
    texts = np.array(texts_of(typed, name, np.arange(len(typed.sound))), object)
    return np.unique(texts, return_inverse=True)[1].astype(np.int64)


def _days(ordinals: Ints) -> tuple[Ints, Ints, list[str]]:
    """Days, their months (yyyymm) and their ISO texts."""
    known, which = np.unique(ordinals, return_inverse=True)
    days = [date.fromordinal(day) for day in known.tolist()]
    months = np.array([month_of_day(day) for day in days], np.int64)
    iso = [day.isoformat() for day in days]
    return ordinals, months[which], [iso[day] for day in which.tolist()]


def _weights(
    kg: Ints, basis: Sequence[str], moisture: Sequence[int | None]
) -> tuple[Ints, list[int | None]]:
    """Wet and dry kilograms of masses as given; see `load_rows.weight`."""
    wet, dry = kg.copy(), list[int | None]([None]) * len(kg)
    for row, (base, damp) in enumerate(zip(basis, moisture, strict=True)):
        if damp is not None:
            try:
                found = weight(int(kg[row]), base, damp, "")
            except WasteflowError as error:
                raise OneByOne from error
            wet[row], dry[row] = found.kg, found.dry_kg
    return wet, dry


def _joined(blocks: Sequence[EntryBlock]) -> EntryBlock:
    def whole(columns: Sequence[Any]) -> Any:
        if isinstance(columns[0], np.ndarray):
            return np.concatenate(columns)
        return [value for column in columns for value in column]

    if not blocks:
        raise OneByOne
    names = [name for name in EntryBlock.__struct_fields__]
    return EntryBlock(**{name: whole([getattr(block, name) for block in blocks]) for name in names})


def _add_conditional(warnings: Warnings, told: Sequence[tuple[Ints, list[str]]]) -> None:
    """Warn of every row that stood behind another of its shape; `told` in file order."""
    for lines, routes in told:
        for line, route in zip(lines[:SHOWN_EXAMPLES].tolist(), routes, strict=False):
            warnings.add(line, CONDITIONAL, value=route)
        warnings.counts[CONDITIONAL] += max(0, len(lines) - SHOWN_EXAMPLES)
    warnings.counts = +warnings.counts
