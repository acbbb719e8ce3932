"""Rates as pages show them: a row of the rates report with its two formulas and its tonnes.

The figures are those of `services.rating`; the simple rate of a row follows from the same terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wasteflow.core import formulas
from wasteflow.core.formulas import NOTHING_GENERATED, PRIOR_UNTRACED, PRODUCT, Terms
from wasteflow.core.periods import Period
from wasteflow.core.rates import TIMES
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.services.rating import rates_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of
from wasteflow.web.pages.view import View

# Worst first, as in the legend of the map.
GRADES: Final = tuple(sorted(EVIDENCE, key=lambda word: -EVIDENCE[word]))
FORMULAS: Final = ("official", "simple")


@dataclass(frozen=True, slots=True)
class Rate:
    """A fraction, or the code of the reason why there is none."""

    formula: str
    value: float | None
    why: str | None


@dataclass(frozen=True, slots=True)
class RateRow:
    """Terms of a group in kilograms, None where not known; `known_kg` = what is attributed.

    `grades` are (evidence, kilograms) of the attributed tonnes, worst evidence first.
    """

    keys: Mapping[str, str]
    official: Rate
    simple: Rate
    generated_kg: int
    utilised_kg: int | None
    known_kg: int
    stored_kg: int | None
    disposed_kg: int | None
    grades: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @property
    def best(self) -> Rate:
        """The official rate if there is one, else the simple one if there is one."""
        return self.official if self.official.value is not None else self.simple

    @property
    def idle(self) -> bool:
        """True if nothing was generated or used."""
        return not self.generated_kg and not self.known_kg and not self.utilised_kg

    @property
    def product(self) -> bool:
        """True if the row holds only products, whose tonnes the report leaves out."""
        return self.official.why == PRODUCT


def rate_rows(
    view: View,
    by: str,
    period: Period | None = None,
    fine: Sequence[RateRow] | None = None,
) -> tuple[list[RateRow], RateRow]:
    """(rows, total) of the rates report of a view, grouped `by`.

    Attributed tonnes and their evidence are added up from `fine` (see `fine_rows`), because a sum
    with one untraced firm in it says nothing about the others.
    """
    words = [word for word in by.split(",") if word]
    report = _report(view, by, period)
    times = [word for word in words if word in TIMES]
    parts = fine_rows(view, times[0] if times else "", period) if fine is None else fine
    sums: dict[tuple[str, ...], list[RateRow]] = {}
    for part in parts:
        key = tuple(_key(view, word, part) for word in words)
        sums.setdefault(key, []).append(part)
    rows = [
        _with_known(_row(row, words), sums.get(tuple(str(row[word]) for word in words), []))
        for row in report["rows"]
    ]
    whole = parts if not times else fine_rows(view, "", period)
    return rows, _with_known(_row(report["total"], []), whole)


def fine_rows(view: View, time: str = "", period: Period | None = None) -> list[RateRow]:
    """A row per enterprise and material, and per `time` (month, quarter, year) if given."""
    words = [word for word in (time, "enterprise", "material") if word]
    report = _report(view, ",".join(words), period)
    return [_row(row, words) for row in report["rows"]]


def _report(view: View, by: str, period: Period | None) -> dict[str, Any]:
    return rates_report(
        db=books().db,
        scope=view.scope,
        period=period or view.span,
        material=view.material,
        by=by,
        include_products=view.products,
    )


def _key(view: View, word: str, part: RateRow) -> str:
    if word == "park":
        return view.registry.park_of(part.keys["enterprise"])
    if word == "region":
        return view.registry.region_of(part.keys["enterprise"])
    return part.keys[word]


def _with_known(row: RateRow, parts: Sequence[RateRow]) -> RateRow:
    """`row` with the attributed tonnes and evidence of its parts."""
    grades = {grade: sum(dict(part.grades).get(grade, 0) for part in parts) for grade in GRADES}
    known = sum(part.utilised_kg or 0 for part in parts)
    return replace(
        row, known_kg=known, grades=tuple((word, kg) for word, kg in grades.items() if kg)
    )


def _row(row: Mapping[str, Any], words: list[str]) -> RateRow:
    grades = {grade: kg_of(tonnes) or 0 for grade, tonnes in row["by_evidence"].items()}
    utilised = kg_of(row["utilised_t"])
    return RateRow(
        keys={word: str(row[word]) for word in words},
        official=Rate("official", row["value"], row["not_computable"]),
        simple=simple_of(row),
        generated_kg=kg_of(row["generated_t"]) or 0,
        utilised_kg=utilised,
        known_kg=utilised or 0,
        stored_kg=kg_of(row["stored_t"]),
        disposed_kg=kg_of(row["disposed_t"]),
        grades=tuple((grade, grades[grade]) for grade in GRADES if grades.get(grade)),
        notes=tuple(row["notes"]),
    )


def simple_of(row: Mapping[str, Any]) -> Rate:
    """The `simple` rate of a row of the official report, from the same terms.

    Only unknown prior stock keeps the official rate from being computed where the simple one is.
    """
    why = row["not_computable"]
    if why not in (None, PRIOR_UNTRACED, NOTHING_GENERATED):
        return Rate("simple", None, why)
    generated, utilised = kg_of(row["generated_t"]) or 0, kg_of(row["utilised_t"])
    rate = formulas.simple(Terms(generated_kg=generated, utilised_kg=utilised))
    return Rate("simple", None if rate.value is None else float(rate.value), rate.not_computable)
