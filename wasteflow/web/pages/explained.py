"""A rate opened into its tonnes: formula with its terms, the identity, and what stands beside it.

The figures are those of the rates report; nothing is computed here but what the page adds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.target_values import RATE_TERMS
from wasteflow.services.rating import TERRITORIAL, USE_TO_GENERATION, rates_report
from wasteflow.web.access import books
from wasteflow.web.formats import kg_of
from wasteflow.web.pages.place_words import term_address
from wasteflow.web.pages.rates import GRADES, Rate, rate_of
from wasteflow.web.pages.view import View

_IDENTITY: Final = (
    ("used", "utilised"),
    ("stored", "stored"),
    ("disposed_new", "disposed"),
    ("dumped", "dumped"),
    ("lost", "lost"),
    ("outside", "outside"),
    ("weighing_difference", "weighing_difference"),
    ("stocktake_loss", "stocktake_loss"),
    ("settled", "settled"),
)
"""Parts of the identity and the term whose postings open them."""


class TermLine(Struct, frozen=True):
    """A term of a formula or the identity: sign, kilograms (None = not known), where it opens."""

    term: str
    sign: str
    kg: int | None
    address: str


class Explained(Struct, frozen=True):
    """A rate with the terms above and below its line, and the identity it rests on."""

    rate: Rate
    above: tuple[TermLine, ...]
    below: tuple[TermLine, ...]
    generated: TermLine
    identity: tuple[TermLine, ...]
    residual_kg: int | None
    grades: tuple[tuple[str, int], ...]
    utilised_kg: int | None
    notes: tuple[str, ...]


class Beside(Struct, frozen=True):
    """What must stand beside a rate so that it does not flatter (2-domain 1.5)."""

    declared: Rate
    verified: Rate
    cumulative: float | None
    fate_declared: Rate
    fate_verified: Rate
    gap_kg: int | None


def report_of(
    view: View, formula: str, basis: str, by: str, material: str | None = None
) -> dict[str, Any]:
    """The rates report of a view."""
    return rates_report(
        db=books().db,
        scope=view.scope,
        period=view.span,
        material=view.material if material is None else material,
        formula=formula,
        basis=basis,
        by=by,
        include_products=view.products,
        as_of=view.as_of,
    )


def explain(view: View, total: Mapping[str, Any], formula: str, basis: str) -> Explained:
    """The total row of a report opened into its terms."""
    asked: dict[str, Any] = {"formula": formula, "basis": basis}

    def line(
        word: str, sign: str = "", kg: int | None = None, opens: str | None = None
    ) -> TermLine:
        found = kg_of(total[f"{word}_t"]) if opens is None else kg
        term = word if opens is None else opens
        return TermLine(word, sign, found, term_address(view, term, **asked) if term else "")

    ratio = RATE_TERMS["simple" if basis == TERRITORIAL else formula]
    sides = [
        tuple(line(word.lstrip("-"), "−" if word.startswith("-") else "+") for word in side)
        for side in ratio
    ]
    parts = tuple(line(word, "+", _new(total, word), opens) for word, opens in _IDENTITY)
    grades = {grade: kg_of(tonnes) or 0 for grade, tonnes in total["by_evidence"].items()}
    name = USE_TO_GENERATION if basis == TERRITORIAL else formula
    return Explained(
        Rate(name, total["value"], total["not_computable"]),
        sides[0],
        sides[1],
        line("generated"),
        parts,
        kg_of(total["identity_residual_t"]),
        tuple((grade, grades[grade]) for grade in GRADES if grades.get(grade)),
        kg_of(total["utilised_t"]),
        tuple(total["notes"]),
    )


def _new(total: Mapping[str, Any], word: str) -> int | None:
    """Kilograms of a part of the identity: only mass generated in the period."""
    if word in ("used", "disposed_new"):
        term = "utilised" if word == "used" else "disposed"
        whole, prior = kg_of(total[f"{term}_t"]), kg_of(total[f"{term}_prior_t"])
        return None if whole is None or prior is None else whole - prior
    return kg_of(total[f"{word}_t"])


def beside(view: View, total: Mapping[str, Any], formula: str, basis: str) -> Beside:
    """Declared beside verified by the formula, cumulative verified, and the share of fate."""
    other = "verified" if basis == "declared" else "declared"
    rows = {basis: total, other: report_of(view, formula, other, "")["total"]}
    if basis == TERRITORIAL:
        rows["verified"] = report_of(view, formula, "verified", "")["total"]
    declared, verified = rows["declared"], rows["verified"]
    used = kg_of(declared["utilised_t"]), kg_of(verified["utilised_t"])
    return Beside(
        Rate(formula, declared["value"], declared["not_computable"]),
        Rate(formula, verified["value"], verified["not_computable"]),
        verified.get("cumulative_verified"),
        rate_of(declared, "fate_share"),
        rate_of(verified, "fate_share"),
        None if used[0] is None or used[1] is None else used[0] - used[1],
    )
