"""Rates by any grouping: terms per generator and material summed into rows of the contract.

Adds tonnes, never rates; each generator's tonne stands once, whatever the scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct, field

from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, PRODUCT, Rate, Terms
from wasteflow.core.periods import month_text
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Evidence

GROUPINGS = (
    "region",
    "park",
    "enterprise",
    "material",
    "route",
    "evidence",
    "month",
    "quarter",
    "year",
)
SPLITS = ("route", "evidence")
UNSPLIT = ("new_waste", "consumption_balance")
"""Formulas whose numerator cannot be split by route or evidence."""
TIMES = ("month", "quarter", "year")


class FirmTerms(Struct, frozen=True):
    """Terms of one generator, material and period.

    `late`: its ledger starts after the period's first day (month yyyymm), 0 otherwise; `unstated`:
    no opening entry says what lay there; `ever_used_kg` of `ever_kg`: verified use of all it ever
    had, to the period's end (0 of 0 where not asked for).
    """

    enterprise: str
    material: str
    period: str
    terms: Terms
    late: int = 0
    unstated: bool = False
    ever_used_kg: int = 0
    ever_kg: int = 0


class _Group(Struct):
    terms: Terms = field(default_factory=Terms)
    left_out: set[str] = field(default_factory=set)
    unstated: bool = False
    members: int = 0
    products: int = 0
    late: int = 0
    ever_used_kg: int = 0
    ever_kg: int = 0


def parse_groupings(text: str) -> tuple[str, ...]:
    """Groupings of a comma list; InvalidValue `bad_grouping`."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in GROUPINGS or words.count(word) > 1:
            raise InvalidValue("bad_grouping", value=word, known=" ".join(GROUPINGS))
    return words


def rate_rows(
    items: Iterable[FirmTerms],
    registry: Registry,
    *,
    formula: str,
    by: Sequence[str],
    include_products: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows, total) of the contract's `rates`; rows in order of their keys.

    With a split grouping (route, evidence) the utilised tonnes are split and the denominator stays
    that of the remaining keys; the notes say so.
    """
    options: dict[str, Any] = {"formula": formula, "include_products": include_products}
    listed = list(items)
    rows = grouped_rows(listed, registry, by=by, **options)
    return rows, rate_total(listed, registry, **options)


def grouped_rows(
    items: Iterable[FirmTerms],
    registry: Registry,
    *,
    formula: str,
    by: Sequence[str],
    include_products: bool = False,
) -> list[dict[str, Any]]:
    """The rows of `rate_rows`."""
    plain = [word for word in by if word not in SPLITS]
    key_of = _Keys(plain, registry)
    leave_out = _products(registry, include_products)
    groups: dict[tuple[str, ...], _Group] = {}
    for item in items:
        key = key_of(item)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group()
        _join(group, item, item.material in leave_out)
    rows = []
    for key in sorted(groups):
        named = dict(zip(plain, key, strict=True))
        for split, terms in _splits(groups[key].terms, by):
            values = {word: {**named, **split}[word] for word in by}
            rows.append({**values, **_row(groups[key], terms, formula, bool(split))})
    return rows


def rate_total(
    items: Iterable[FirmTerms],
    registry: Registry,
    *,
    formula: str,
    include_products: bool = False,
) -> dict[str, Any]:
    """The total of `rate_rows`."""
    leave_out = _products(registry, include_products)
    total = _Group()
    for item in items:
        _join(total, item, item.material in leave_out)
    return _row(total, total.terms, formula, False)


def _products(registry: Registry, included: bool) -> frozenset[str]:
    """Materials that do not count because they are products."""
    if included:
        return frozenset()
    return frozenset(code for code, item in registry.materials.items() if not item.is_waste)


class _Keys:
    """Key of terms under plain groupings; park and region of a firm are looked up once."""

    def __init__(self, words: Sequence[str], registry: Registry) -> None:
        self._words, self._registry = words, registry
        self._homes: dict[str, tuple[str, ...]] = {}

    def __call__(self, item: FirmTerms) -> tuple[str, ...]:
        home = self._homes.get(item.enterprise)
        if home is None:
            home = tuple(_home(word, item.enterprise, self._registry) for word in self._words)
            self._homes[item.enterprise] = home
        return tuple(
            at or (item.material if word == "material" else item.period if word in TIMES else "")
            for at, word in zip(home, self._words, strict=True)
        )


def _home(word: str, firm: str, registry: Registry) -> str:
    """What a grouping says of a firm, "" where it says something else."""
    match word:
        case "enterprise":
            return firm
        case "park":
            return registry.park_of(firm)
        case "region":
            return registry.region_of(firm)
    return ""


def _join(group: _Group, item: FirmTerms, product: bool) -> None:
    group.members += 1
    if product:
        group.products += 1
    elif item.late:
        group.late += 1
        group.left_out.add(f"{item.enterprise} ledger_starts_{month_text(item.late)}")
    else:
        group.terms.add(item.terms)
        group.unstated |= item.unstated
        group.ever_used_kg += item.ever_used_kg
        group.ever_kg += item.ever_kg


def _splits(terms: Terms, by: Sequence[str]) -> list[tuple[dict[str, str], Terms]]:
    """The terms once per (route, evidence) asked for; only the utilised tonnes are split.

    Where nothing was utilised, or nobody knows what, one row with blank route and grade remains.
    """
    words = [word for word in by if word in SPLITS]
    if not words:
        return [({}, terms)]
    if not terms.split:
        return [(dict.fromkeys(words, ""), terms)]
    parts: dict[tuple[str, ...], dict[tuple[str, Evidence], int]] = {}
    for (route, grade), kg in terms.split.items():
        key = tuple(route if word == "route" else grade.word for word in words)
        parts.setdefault(key, {})[route, grade] = kg
    found = []
    for key in sorted(parts):
        part = Terms()
        part.add(terms)
        part.utilised_kg, part.split = sum(parts[key].values()), parts[key]
        found.append((dict(zip(words, key, strict=True)), part))
    return found


def _row(group: _Group, terms: Terms, formula: str, split: bool) -> dict[str, Any]:
    rate = _rate(group, terms, formula, split)
    notes = sorted(group.left_out)
    if group.unstated:
        notes.append("no_opening_stated")
    if split:
        notes.append("denominator_not_split")
    if rate.value is not None and rate.value > 1:
        notes.append("above_one")
    row = {
        "value": _number(rate.value),
        "not_computable": rate.not_computable,
        **term_tonnes(terms),
        "by_evidence": _grades(terms),
        "notes": notes,
    }
    if split:
        row["identity_residual_t"] = None
    if group.ever_kg:
        row["cumulative_verified"] = _number(Fraction(group.ever_used_kg, group.ever_kg))
    return row


def _number(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 9)


def _grades(terms: Terms) -> dict[str, str]:
    """Utilised tonnes by grade of evidence."""
    grades: dict[str, int] = {}
    for (_, grade), kg in sorted(terms.split.items()):
        grades[grade.word] = grades.get(grade.word, 0) + kg
    return {grade: tonnes_text(kg) for grade, kg in sorted(grades.items())}


def _rate(group: _Group, terms: Terms, formula: str, split: bool) -> Rate:
    if group.members and group.products == group.members:
        return Rate(None, PRODUCT)
    if group.late and group.members == group.products + group.late:
        first = min(note.rpartition("_")[2] for note in group.left_out)
        return Rate(None, f"ledger_starts_{first}")
    if split and formula in UNSPLIT:
        return Rate(None, "not_split")
    return FORMULAS[formula](terms)


_TERMS = (
    "generated",
    "utilised",
    "utilised_prior",
    "stored",
    "disposed",
    "disposed_prior",
    "dumped",
    "treated",
    "weighing_difference",
    "lost",
    "outside",
    "stocktake_loss",
    "settled",
    "identity_residual",
)


def term_tonnes(terms: Terms) -> Mapping[str, str | None]:
    """Every term as a tonnes string, None where it is not known."""
    values = {word: getattr(terms, f"{word}_kg") for word in _TERMS}
    return {f"{word}_t": None if kg is None else tonnes_text(kg) for word, kg in values.items()}
