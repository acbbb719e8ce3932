"""A marshmallow schema per kind, built from the dictionary, and the same checks over a whole table.

Typed values, under the column names of the contract: tonnes (`*_t`, `tonnes`,
`capacity_t_per_year`) are whole kilograms (int); moistures are thousandths of a per cent (int);
days are date, moments datetime with offset; words are the English words; lists are tuples; plain
numbers are Decimal; a blank is None or the default of its column.  Weights stay in the basis of the
row (`basis`).  Shipments also carry `one_sided` (bool).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, post_load
from msgspec import Struct, field

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import RowIssue
from wasteflow.schemas.cells import Table
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.field_base import CellField, Fault
from wasteflow.schemas.fields import TonnesField, field_of, is_bare_date, rounding_kg
from wasteflow.schemas.headers import match_header
from wasteflow.schemas.row_rules import Clock, broken_rules, complete_and_check

_CACHE_LIMIT: Final = 200_000


class ParsedRow(Struct, frozen=True):
    """A row that follows the contract: its line in the file and its typed values."""

    line: int
    values: dict[str, Any]


class ParsedRows(Struct, frozen=True):
    """A checked table; `issues` holds one reason per bad row, by line.

    `rounded_rows` rows had masses finer than a kilogram (`round_kg`); `rounded_kg` is the sum of
    rounded minus exact kilograms over their cells.
    """

    kind: str
    rows: list[ParsedRow] = field(default_factory=list)
    issues: list[RowIssue] = field(default_factory=list)
    rounded_rows: int = 0
    rounded_kg: Decimal = Decimal(0)


class RowSchema(Schema):
    """Base of the schema of a kind: unknown fields refused, row rules after the fields.

    `load` takes one object with text values and returns the typed values; it raises
    ValidationError whose messages are lists of `Fault`.  Load objects one by one: with `many=True`
    marshmallow stops at the first broken row rule.
    """

    row_kind: str = ""

    class Meta:
        unknown = RAISE

    error_messages: dict[str, str] = {  # noqa: RUF012  (declared so by marshmallow)
        "unknown": Fault("unknown_column", {"hint": ""}),
    }

    def __init__(self, *, clock: Clock, round_kg: bool = False, **options: Any) -> None:
        self.clock, self.round_kg = clock, round_kg
        super().__init__(**options)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Hand the rounding rule to the mass fields."""
        if isinstance(field_obj, TonnesField):
            field_obj.round_kg = self.round_kg

    @post_load(pass_original=True)
    def _rules(self, data: Any, original: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        values = dict(data)
        fault = complete_and_check(
            self.row_kind, values, self.clock, lambda name: is_bare_date(original.get(name))
        )
        if fault:
            raise ValidationError([fault[1]], field_name=fault[0])
        return values

    def cell_fields(self) -> dict[str, CellField]:
        """Fields by column name, in contract order."""
        return {name: item for name, item in self.fields.items() if isinstance(item, CellField)}


@cache
def schema_class(kind: str) -> type[RowSchema]:
    """The schema class of a kind; UnusableFile `unknown_kind`."""
    members: dict[str, Any] = {column.name: field_of(column) for column in columns_of(kind)}
    return type(f"{kind.capitalize()}Schema", (RowSchema,), {**members, "row_kind": kind})


def dump_row(kind: str, values: Mapping[str, Any]) -> list[str]:
    """Cells in contract order of typed values; `load_rows` gives the same values back."""
    return [
        "" if values.get(name) is None else item.to_text(values[name])
        for name, item in _plain_fields(kind).items()
    ]


@cache
def _plain_fields(kind: str) -> dict[str, CellField]:
    return {column.name: field_of(column) for column in columns_of(kind)}


def load_rows(
    kind: str,
    table: Table,
    *,
    round_kg: bool = False,
    today: date,
    now: datetime | None = None,
) -> ParsedRows:
    """Check every row of `table` against the contract of `kind`.

    today: reporting day (Asia/Shanghai), now: the moment, if known; nothing may lie after them.
    Rows with a reason are left out of `rows`; issues of the table itself are taken over.
    Raises UnusableFile for columns that do not fit (see `match_header`) or an unknown kind.
    """
    places = match_header(kind, table.columns)
    clock = Clock(today, now)
    reader = RowReader(schema_class(kind)(clock=clock, round_kg=round_kg), places)
    rows: list[ParsedRow] = []
    issues = list(table.issues)
    refused = {issue.line for issue in issues}
    with no_collecting():
        for line, cells in table.rows:
            if line in refused:
                continue
            values, fault = reader.read(cells)
            if fault is None:
                rows.append(ParsedRow(line, values))
            else:
                issues.append(reader.issue(line, cells, *fault))
    issues.sort(key=lambda issue: (issue.line, issue.field))
    return ParsedRows(kind, rows, issues, reader.rounded_rows, reader.rounded_kg)


def _rounds(item: CellField) -> bool:
    """Whether a field takes finer masses than the ledger counts."""
    return isinstance(item, TonnesField) and item.round_kg


def _below(kg: object) -> bool:
    return isinstance(kg, int) and kg < 0


class RowReader:
    """Reads rows with the fields of one schema; remembers what each text of a column means.

    `places` maps columns to positions in the cells.  `rounded_rows` and `rounded_kg` are as in
    `ParsedRows`, over the rows read so far.
    """

    def __init__(self, schema: RowSchema, places: Mapping[str, int]) -> None:
        self._kind, self._clock, self._places = schema.row_kind, schema.clock, places
        items = schema.cell_fields()
        self._start = {name: item.of_cell("") for name, item in items.items()}
        self._columns: list[tuple[str, int, CellField, dict[str, object]]] = [
            (name, place, items[name], {}) for name, place in places.items()
        ]
        self._masses = [place for _, place, item, _ in self._columns if _rounds(item)]
        self._steps: dict[str, Decimal] = {}
        self.rounded_rows, self.rounded_kg = 0, Decimal(0)

    def read(self, cells: Sequence[str]) -> tuple[dict[str, Any], tuple[str, Fault] | None]:
        """Values of a row, and (column, reason) if it is refused."""
        values: dict[str, Any] = self._start.copy()
        for name, place, item, known in self._columns:
            text = cells[place]
            try:
                values[name] = known[text]
            except KeyError:
                value = item.of_cell(text)
                if isinstance(value, Fault):
                    return values, (name, value)
                if len(known) > _CACHE_LIMIT:
                    known.clear()
                known[text] = values[name] = value
                if _rounds(item) and value is not None and (step := rounding_kg(text)):
                    self._steps[text] = step
        fault = self.complete(values, self._bare(cells))
        if fault is None and self._steps:
            self._note_rounding(cells)
        return values, fault

    def faults(self, cells: Sequence[str]) -> list[tuple[str, Fault]]:
        """Everything wrong with a row by itself: each cell that means nothing or is below zero,
        else each rule.  `read` tells the first of them; this is for people who mend a row.
        """
        values = {name: item.of_cell(cells[place]) for name, place, item, _ in self._columns}
        bad = [(name, value) for name, value in values.items() if isinstance(value, Fault)]
        if bad:
            if self._kind not in ("shipments", "entries"):
                return bad
            masses = {name for name, _, item, _ in self._columns if isinstance(item, TonnesField)}
            below = [name for name, kg in values.items() if name in masses and _below(kg)]
            return [*bad, *((name, Fault("negative_tonnes")) for name in below)]
        whole = {**self._start, **values}
        return broken_rules(self._kind, whole, self._clock, self._bare(cells))

    def complete(
        self, values: dict[str, Any], is_bare: Callable[[str], bool]
    ) -> tuple[str, Fault] | None:
        """Row rules over the values of all columns (see `complete_and_check`); fills blanks."""
        return complete_and_check(self._kind, values, self._clock, is_bare)

    def _bare(self, cells: Sequence[str]) -> Callable[[str], bool]:
        return lambda name: name in self._places and is_bare_date(cells[self._places[name]])

    def _note_rounding(self, cells: Sequence[str]) -> None:
        steps = [self._steps[cells[place]] for place in self._masses if cells[place] in self._steps]
        if steps:
            self.rounded_rows += 1
            self.rounded_kg += sum(steps)

    def issue(self, line: int, cells: Sequence[str], name: str, fault: Fault) -> RowIssue:
        """The issue of a refused row; the value is the cell as given, shortened."""
        value = cells[self._places[name]] if name in self._places else ""
        return RowIssue(line, name, value[:200], fault.code, {"value": value[:60], **fault.params})


def load_object(
    kind: str, values: Mapping[str, Any], clock: Clock
) -> tuple[dict[str, Any], dict[str, list[Fault]]]:
    """Typed values of one object (an API body) and its faults by field; one of them is empty."""
    try:
        return schema_class(kind)(clock=clock).load(dict(values)), {}
    except ValidationError as error:
        return {}, {name: _faults(found) for name, found in dict(error.messages_dict).items()}


def _faults(found: object) -> list[Fault]:
    if isinstance(found, Fault):
        return [found]
    items: Iterable[object] = found if isinstance(found, list) else [found]
    return [item if isinstance(item, Fault) else Fault("not_text_value") for item in items]


__all__ = [
    "Clock",
    "ParsedRow",
    "ParsedRows",
    "RowReader",
    "RowSchema",
    "dump_row",
    "load_object",
    "load_rows",
    "schema_class",
]
