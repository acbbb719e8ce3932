"""The report of a bulletin as a document of tables, in one language; no figure is computed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from wasteflow.core.bulletin import STOCKS, TOP
from wasteflow.core.bulletin_words import bulletin_word, seal_line
from wasteflow.core.messages import render
from wasteflow.core.office_tables import Cell, Document, Head, Number, Table
from wasteflow.core.periods import month_text
from wasteflow.core.registry import Registry

_GROUPS: Final = {
    "utilised": "use_group",
    "utilised_prior": "use_group",
    "rate": "use_group",
    "disposed": "disposal_group",
    "disposed_prior": "disposal_group",
    "disposal_rate": "disposal_group",
}
COLUMNS: Final = (
    "generated",
    "utilised",
    "utilised_prior",
    "rate",
    "disposed",
    "disposed_prior",
    "disposal_rate",
    "stored",
    "dumped",
    "other",
)
_RATES: Final = ("rate", "disposal_rate")
_UNIT: Final = 10_000


class BulletinTables:
    """The tables of one report in one language."""

    def __init__(
        self, report: Mapping[str, Any], registry: Registry, scope_name: str, lang: str
    ) -> None:
        self.report, self.registry, self.lang = report, registry, lang
        self.scope_name = scope_name

    def document(self, period_words: str) -> Document:
        """The whole bulletin."""
        report = self.report
        marks = [self.word("synthetic")] if report["synthetic"] else []
        if report["least_firms"]:
            marks.append(self.word("hidden_mark", least=report["least_firms"]))
        tables = (
            self._release(),
            self._wastes(),
            self._industries(),
            self._transfers(),
            self._stock(),
            self._evidence(),
            self._method(),
            self._audit(),
        )
        return Document(
            title=self.word("title", scope=self.scope_name),
            lines=(self.word("period", period=period_words), self.word("basis")),
            tables=tuple(table for table in tables if table is not None),
            notes=tuple(self._notes()),
            foot=(seal_line(report["seal"], self.lang),),
            mark=" · ".join(marks),
            lead=self._lead(period_words),
        )

    def _lead(self, period_words: str) -> str:
        """The sentence a bulletin opens with; "" where its figures may not be told."""
        total = self.report["total"]
        printed = total["printed"]
        needed = printed["generated"], printed["utilised"], printed["stored"]
        if None in needed or total["rate_printed"] is None:
            return ""
        return self.word(
            "lead",
            scope=self.scope_name,
            period=period_words,
            rate=total["rate_printed"],
            firms=total["firms"],
            **{name: amount or "–" for name, amount in printed.items()},
        )

    def word(self, key: str, **params: object) -> str:
        """Words of the bulletin."""
        return bulletin_word(key, self.lang, **params)

    # --- tables ------------------------------------------------------------------------------

    def _release(self) -> Table:
        now, before = self.report["total"], self.report["before"]
        rows: list[tuple[Cell, ...]] = [
            (self.report["period"], *self._figures(now)),
            (before["period"], *self._figures(before)),
        ]
        if not before["left_out"]:
            changes = (self._change(name, now, before) for name in COLUMNS)
            rows.append((self.word("change"), *changes))
        return Table(
            "release",
            self.word("release.sheet"),
            self.word("release.title"),
            (Head(self.word("period_col")), *self._heads()),
            tuple(rows),
            unit=self.word("unit"),
            notes=(self.word("release.note"), self.word("note.identity")),
        )

    def _wastes(self) -> Table:
        rows = [(*self._waste(row["key"]), *self._figures(row)) for row in self.report["rows"]]
        top = self.report["top_wastes"]
        names = self._list(self._waste(code)[0] for code in top)
        heads = (
            Head(self.word("waste")),
            Head(self.word("code")),
            Head(self.word("class")),
            *self._heads(),
        )
        return self._table(
            "wastes",
            heads,
            rows,
            (self.word("total"), "", "", *self._figures(self.report["total"])),
            (self.word("wastes.note", top=TOP, names=names),) if names else (),
        )

    def _industries(self) -> Table:
        total = self.report["total"]
        rows = [
            (
                row["key"] or self.word("unknown_industry"),
                self._count(row["firms"], row["hidden"]),
                self._share(row, total),
                *self._figures(row),
            )
            for row in self.report["industries"]
        ]
        names = self._list(
            key or self.word("unknown_industry") for key in self.report["top_industries"]
        )
        heads = (
            Head(self.word("industry")),
            Head(self.word("firms"), numeric=True),
            Head(self.word("share"), numeric=True),
            *self._heads(),
        )
        sums = (
            self.word("total"),
            self._count(total["firms"], total["hidden"]),
            self._share(total, total),
            *self._figures(total),
        )
        notes = (self.word("industries.note", top=TOP, names=names),) if names else ()
        return self._table("industries", heads, rows, sums, notes)

    def _transfers(self) -> Table:
        rows = [
            (
                self.word(f"direction.{row['direction']}"),
                self._province(row["province"]),
                self._waste(row["material"])[0],
                self.word(f"fate.{row['fate']}"),
                self._tonnes(row["tonnes"]),
                self._count(row["loads"], row["hidden"]),
            )
            for row in self.report["transfers"]
        ]
        heads = (
            *(Head(self.word(name)) for name in ("direction", "province", "waste", "fate")),
            Head(self.word("tonnes"), numeric=True),
            Head(self.word("loads"), numeric=True),
        )
        return self._table("transfers", heads, rows, (), (self.word("transfers.note"),))

    def _stock(self) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for row in self.report["stock"]:
            amounts = [self._tonnes(row[f"{name}_t"]) for name in STOCKS]
            ends = row["closing_t"], row["opening_t"]
            change = None if None in ends else str(Decimal(ends[0]) - Decimal(ends[1]))
            rows.append((self._waste(row["material"])[0], *amounts, self._tonnes(change)))
        heads = (
            Head(self.word("waste")),
            *(Head(self.word(name), numeric=True) for name in (*STOCKS, "difference")),
        )
        return self._table("stock", heads, rows, (), (self.word("stock.note"),))

    def _evidence(self) -> Table | None:
        split = self.report["evidence"]
        if not split:
            return None
        whole = sum((Decimal(tonnes) for tonnes in split.values()), Decimal(0))
        rows = [
            (
                self.word(f"grade.{grade}"),
                self._tonnes(tonnes),
                Number(_places(Decimal(tonnes) / whole * 100, 2) if whole else ""),
            )
            for grade, tonnes in split.items()
        ]
        heads = (
            Head(self.word("grade")),
            Head(self.word("utilised"), numeric=True),
            Head(self.word("part"), numeric=True),
        )
        return self._table("evidence", heads, rows, (), ())

    def _method(self) -> Table:
        rows = [
            (
                self.word(f"formula.{row['formula']}"),
                self._rate(row["value_printed"], row["value_not_computable"]),
                self.word(f"how.{row['formula']}"),
                self.word(f"source.{row['formula']}"),
            )
            for row in self.report["formulas"]
        ]
        heads = (
            Head(self.word("formula")),
            Head(self.word("value"), numeric=True),
            Head(self.word("how")),
            Head(self.word("source")),
        )
        return self._table("method", heads, rows, (), ())

    def _audit(self) -> Table | None:
        if not self.report["audit"]:
            return None
        rows = []
        for row in self.report["audit"]:
            known = self.registry.materials
            name = self._waste(row["key"])[0] if row["key"] in known else self.word("total")
            by = self._list(
                self.word(f"formula.{word}")
                for word in row["reproduced_by"]
                if not word.endswith("_simple")
            )
            closes = {True: "yes", False: "no"}.get(row["identity_closes"], "")
            found = self._list(render(code, self.lang, {}) for code in row["findings"])
            none = self.word("nothing")
            rows.append((name, by or none, self.word(closes) if closes else none, found or none))
        heads = (
            Head(self.word("waste")),
            Head(self.word("reproduced")),
            Head(self.word("closes")),
            Head(self.word("found")),
        )
        return self._table("audit", heads, rows, (), ())

    def _table(
        self,
        key: str,
        heads: tuple[Head, ...],
        rows: Sequence[tuple[Cell, ...]],
        sums: tuple[Cell, ...],
        notes: tuple[str, ...],
    ) -> Table:
        unit = "" if key in ("method", "audit") else self.word("unit")
        return Table(
            key,
            self.word(f"{key}.sheet"),
            self.word(f"{key}.title"),
            heads,
            tuple(rows),
            unit=unit,
            sums=sums if rows else (),
            notes=notes,
            empty=self.word("none"),
        )

    # --- cells -------------------------------------------------------------------------------

    def _heads(self) -> tuple[Head, ...]:
        return tuple(
            Head(self.word(name), self.word(_GROUPS[name]) if name in _GROUPS else "", True)
            for name in COLUMNS
        )

    def _figures(self, row: Mapping[str, Any]) -> tuple[Cell, ...]:
        """Amounts and rates of a line as they are printed."""
        return tuple(
            self._rate(row[f"{name}_printed"], row[f"{name}_not_computable"])
            if name in _RATES
            else self._amount(row, name)
            for name in COLUMNS
        )

    def _amount(self, row: Mapping[str, Any], name: str) -> Number:
        printed = row["printed"][name]
        if printed is not None:
            return Number(printed)
        gone = row["hidden"] or row["rest_hidden"]
        return Number("", self.word("hidden") if gone else self._why("prior_stock_untraced"))

    def _rate(self, printed: str | None, why: str | None) -> Number:
        return Number(printed) if printed is not None else Number("", self._why(why or ""))

    def _why(self, code: str) -> str:
        return self.word("hidden") if code == "hidden" else render(code, self.lang, {})

    def _change(self, name: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> Number:
        """Change of a printed figure against the year before: amounts in %, rates in points."""
        if name in _RATES:
            ends = now[f"{name}_printed"], before[f"{name}_printed"]
            if None in ends:
                return Number("")
            return Number(f"{Decimal(ends[0]) - Decimal(ends[1]):+}")
        ends = now[f"{name}_t"], before[f"{name}_t"]
        if None in ends or not Decimal(ends[1]):
            return Number("")
        return Number(f"{Decimal(_places((Decimal(ends[0]) / Decimal(ends[1]) - 1) * 100, 1)):+}")

    def _share(self, row: Mapping[str, Any], total: Mapping[str, Any]) -> Number:
        ends = row["generated_t"], total["generated_t"]
        if None in ends:
            return Number("", self.word("hidden"))
        if not Decimal(ends[1]):
            return Number("")
        return Number(_places(Decimal(ends[0]) / Decimal(ends[1]) * 100, 2))

    def _count(self, number: int | None, hidden: bool) -> Number:
        return Number("", self.word("hidden")) if hidden else Number(str(number))

    def _tonnes(self, tonnes: str | None) -> Number:
        if tonnes is None:
            return Number("", self.word("hidden"))
        return Number(_places(Decimal(tonnes) / _UNIT, self.report["places"]))

    def _waste(self, code: str) -> tuple[str, str, str]:
        item = self.registry.materials[code]
        name = item.name_en if self.lang == "en" else item.name_zh
        return name, item.waste_code, item.waste_class

    def _province(self, digits: str) -> str:
        region = self.registry.regions.get(f"{digits}0000") if digits else None
        if region is None:
            return digits or self.word("unknown_province")
        return region.name_en if self.lang == "en" else region.name_zh

    def _list(self, names: Any) -> str:
        return ("; " if self.lang == "en" else "、").join(names)

    # --- notes -------------------------------------------------------------------------------

    def _notes(self) -> list[str]:
        verified = self.report["verified"]
        notes = [
            self.word("note.rounding", places=self.report["places"]),
            self.word("note.prior"),
        ]
        if verified["rate_printed"] is not None:
            amount = verified["printed"]["utilised"]
            notes.append(self.word("note.verified", rate=verified["rate_printed"], amount=amount))
        for note in self.report["notes"]:
            params = {
                **note,
                "firms": self._list(self._firm(code) for code in note.get("firms", [])),
            }
            if "month" in note:
                params["month"] = month_text(note["month"])
            notes.append(render(note["code"], self.lang, params))
        return notes

    def _firm(self, code: str) -> str:
        firm = self.registry.enterprises[code]
        return firm.name_en if self.lang == "en" else firm.name_zh


def _places(value: Decimal, places: int) -> str:
    """Half to even with so many decimals; never a negative zero."""
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return format(rounded if rounded else abs(rounded), "f")
