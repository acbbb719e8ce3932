"""Rates as pages show them: a row of the rates report with its two formulas and its tonnes.

The figures are those of `services.rating`; other formulas of a row follow from the same terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.formulas import FORMULAS, PRODUCT, Terms
from wasteflow.core.periods import Period
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.services.rating import rates_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of
from wasteflow.web.pages.view import View

# Worst first, as in the legend of the map.
TERMS: Final = tuple(
    name.removesuffix("_kg") for name in Terms.__struct_fields__ if name.endswith("_kg")
)
GRADES: Final = tuple(sorted(EVIDENCE, key=lambda word: -EVIDENCE[word]))


class Rate(Struct, frozen=True):
    """A fraction, or the code of the reason why there is none."""

    formula: str
    value: float | None
    why: str | None


class RateRow(Struct, frozen=True):
    """Terms of a group in kilograms, None where not known, and its rates: `others` by formula.

    `grades` are (evidence, kilograms) of the utilised tonnes, worst evidence first.
    """

    keys: Mapping[str, str]
    rate: Rate
    simple: Rate
    others: Mapping[str, Rate]
    generated_kg: int
    utilised_kg: int | None
    prior_kg: int | None
    stored_kg: int | None
    disposed_kg: int | None
    grades: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @property
    def best(self) -> Rate:
        """The official rate if there is one, else the simple one."""
        return self.rate if self.rate.value is not None else self.simple

    @property
    def idle(self) -> bool:
        """True if nothing was generated or used."""
        return not self.generated_kg and not self.utilised_kg

    @property
    def product(self) -> bool:
        """True if the row holds only products, whose tonnes the report leaves out."""
        return self.rate.why == PRODUCT


def rate_rows(view: View, by: str, period: Period | None = None) -> tuple[list[RateRow], RateRow]:
    """(rows, total) of the rates report of a view, grouped `by`, on the declared basis."""
    report = rates_report(
        db=books().db,
        scope=view.scope,
        period=period or view.span,
        material=view.material,
        by=by,
        include_products=view.products,
    )
    words = [word for word in by.split(",") if word]
    rows = [_row(row, words) for row in report["rows"]]
    return rows, _row(report["total"], [])


def _row(row: Mapping[str, Any], words: list[str]) -> RateRow:
    grades = {grade: kg_of(tonnes) or 0 for grade, tonnes in row["by_evidence"].items()}
    return RateRow(
        keys={word: str(row[word]) for word in words},
        rate=Rate("official", row["value"], row["not_computable"]),
        simple=rate_of(row, "simple"),
        others={word: rate_of(row, word) for word in FORMULAS},
        generated_kg=kg_of(row["generated_t"]) or 0,
        utilised_kg=kg_of(row["utilised_t"]),
        prior_kg=kg_of(row["utilised_prior_t"]),
        stored_kg=kg_of(row["stored_t"]),
        disposed_kg=kg_of(row["disposed_t"]),
        grades=tuple((grade, grades[grade]) for grade in GRADES if grades.get(grade)),
        notes=tuple(row["notes"]),
    )


def rate_of(row: Mapping[str, Any], formula: str) -> Rate:
    """The rate of a row of the report by another formula, from the same terms.

    A product, or a ledger that starts too late, has no rate by any formula.
    """
    why = row["not_computable"]
    if why == PRODUCT or (why or "").startswith("ledger_starts_"):
        return Rate(formula, None, why)
    terms = Terms(**{f"{word}_kg": kg_of(row[f"{word}_t"]) for word in TERMS})  # type: ignore[arg-type]
    rate = FORMULAS[formula](terms)
    return Rate(formula, None if rate.value is None else float(rate.value), rate.not_computable)
