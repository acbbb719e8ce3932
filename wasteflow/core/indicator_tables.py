"""The report of park indicators as a document of tables, in one language; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wasteflow.core.bulletin_words import seal_line
from wasteflow.core.indicator_words import indicator_word
from wasteflow.core.messages import render
from wasteflow.core.office_tables import Cell, Document, Head, Number, Table
from wasteflow.core.park_indicators import FRACTION, INDICATORS, INPUTS
from wasteflow.core.periods import month_text
from wasteflow.core.registry import Registry

SHORT: Final = (
    "input_missing",
    "input_zero",
    "nothing_left_before",
    "nothing_recorded",
    "year_before_missing",
)
"""Reasons that have a short word."""


class IndicatorTables:
    """The tables of one report: everything of the park asked for, and the values of many parks."""

    def __init__(
        self, report: Mapping[str, Any], registry: Registry, scope_name: str, lang: str
    ) -> None:
        self.report, self.registry, self.lang = report, registry, lang
        self.scope_name = scope_name

    def word(self, key: str, **params: object) -> str:
        """Words of the indicators."""
        return indicator_word(key, self.lang, **params)

    def document(self) -> Document:
        """The whole, to be shown, printed or written."""
        report = self.report
        tables: list[Table] = []
        first = next(iter(report["parks"]), None)
        if first is not None and report["scope"] == f"park:{first['park']}":
            tables += [self._indicators(first), self._inputs(first), self._books(first)]
        if not tables or len(report["parks"]) > 1:
            tables.append(self._matrix())
        return Document(
            title=self.word("title", scope=self.scope_name, year=report["period"]),
            lines=(self.word("basis"),),
            tables=tuple(tables),
            notes=tuple(self._notes()),
            foot=(seal_line(report["seal"], self.lang),),
            mark=self.word("synthetic") if report["synthetic"] else "",
        )

    def _matrix(self) -> Table:
        """A park a row, an indicator a column; parks of which nothing is known are only counted."""
        heads = [Head(self.word("park"))]
        for item in INDICATORS:
            unit = self.word(f"unit.{item.unit}")
            name = self.word(f"name.{item.code}")
            heads.append(Head(f"{name} ({unit})" if unit else name, numeric=True))
        rows: list[tuple[Cell, ...]] = [
            (self.name_of(park["park"]), *(self._short(row) for row in park["rows"]))
            for park in self.report["parks"]
            if known(park)
        ]
        left = len(self.report["parks"]) - len(rows)
        notes = (self.word("matrix.left", number=left),) if left else ()
        return self._table("matrix", heads, rows, notes)

    def _indicators(self, park: Mapping[str, Any]) -> Table:
        heads = (
            Head(self.word("indicator")),
            Head(self.word("value"), numeric=True),
            *(Head(self.word(name)) for name in ("unit", "formula", "source", "reference")),
        )
        rows = [
            (
                self.word(f"name.{row['indicator']}"),
                self._value(row),
                self.word(f"unit.{row['unit']}"),
                self.word(f"how.{row['indicator']}"),
                f"{self._list(self.word(f'family.{name}') for name in row['families'])}"
                f" [{row['evidence']}]",
                self._list(self._threshold(each, row["unit"]) for each in row["thresholds"]),
            )
            for row in park["rows"]
        ]
        return self._table("indicators", heads, rows)

    def _inputs(self, park: Mapping[str, Any]) -> Table:
        heads = (
            Head(self.word("input")),
            Head(self.word("value"), numeric=True),
            *(Head(self.word(name)) for name in ("unit", "where", "date", "who")),
        )
        rows: list[tuple[Cell, ...]] = []
        for item in park["inputs"]:
            name, unit = self.word(f"input.{item['input']}"), self.word(f"unit.{item['unit']}")
            if "value" not in item:
                rows.append((name, Number("", self.word("missing")), unit, "", "", ""))
                continue
            told = item["source"], item["date"] or "", self._by(item["recorded_by"])
            rows.append((name, Number(item["value"]), unit, *told))
        return self._table("inputs", heads, rows)

    def _books(self, park: Mapping[str, Any]) -> Table:
        heads = (Head(self.word("figure")), Head(self.word("value"), numeric=True))
        rows = [
            (
                self.word(f"book.{name}"),
                Number("", self._why("prior_stock_untraced", ()))
                if value is None
                else Number(str(value)),
            )
            for name, value in park["books"].items()
        ]
        return self._table("books", heads, rows)

    def _table(
        self,
        key: str,
        heads: Iterable[Head],
        rows: Iterable[tuple[Cell, ...]],
        notes: tuple[str, ...] = (),
    ) -> Table:
        return Table(
            key,
            self.word(f"{key}.sheet"),
            self.word(f"{key}.title"),
            tuple(heads),
            tuple(rows),
            notes=notes,
            empty=self.word("none"),
        )

    def _value(self, row: Mapping[str, Any]) -> Number:
        if row["printed"] is not None:
            return Number(row["printed"])
        return Number("", self._why(row["not_computable"], row["missing"]))

    def _by(self, login: str) -> str:
        """Who stated something; a command has no name of its own."""
        return self.word("command") if login.startswith("@") else login

    def _short(self, row: Mapping[str, Any]) -> Number:
        """A value, or in one word why there is none: a line of many parks has no room for more."""
        if row["printed"] is not None:
            return Number(row["printed"])
        code = row["not_computable"]
        return Number("", self.word(f"short.{code}" if code in SHORT else "short.none"))

    def _why(self, code: str, missing: Iterable[str]) -> str:
        names = self._list(self.word(f"input.{name}") for name in missing)
        return render(code, self.lang, {"missing": names})

    def _threshold(self, told: Mapping[str, Any], unit: str) -> str:
        """`≥ 70 %* (HJ 274)`; the mark says that nobody read it again."""
        value = told["value"]
        if unit == FRACTION:
            value = f"{float(value) * 100:g} %"
        sign = {">=": "≥", "<=": "≤"}[told["operator"]]
        mark = "" if told["verified"] else "*"
        return f"{sign} {value}{mark} ({self.word('short.' + told['family'])})"

    def _notes(self) -> list[str]:
        notes = [self.word("note.unverified")]
        if self.report["ends"]:
            notes.append(self.word("note.ends", month=month_text(self.report["ends"])))
        for park in self.report["parks"]:
            if park["left_out"]:
                firms = self._list(self._firm(code) for code in park["left_out"])
                params = {"number": len(park["left_out"]), "firms": firms}
                words = render("indicator_left_out", self.lang, params)
                notes.append(f"{self.name_of(park['park'])}: {words}")
        return notes

    def name_of(self, park: str) -> str:
        """Name of a park."""
        return self.registry.name_of_scope(f"park:{park}", self.lang)

    def _firm(self, code: str) -> str:
        firm = self.registry.enterprises[code]
        return (firm.name_en if self.lang == "en" else firm.name_zh) or code

    def _list(self, names: Iterable[str]) -> str:
        return ("; " if self.lang == "en" else "、").join(names)


def known(park: Mapping[str, Any]) -> bool:
    """Whether a park has a firm, or has stated anything."""
    return bool(park["books"]["firms"]) or any("value" in item for item in park["inputs"])


def input_choices(lang: str) -> list[tuple[str, str]]:
    """(input, its name with its unit) of everything a park may state."""
    found = []
    for name, unit in INPUTS.items():
        words = indicator_word(f"unit.{unit}", lang)
        label = indicator_word(f"input.{name}", lang)
        found.append((name, f"{label} ({words})" if words else label))
    return found
