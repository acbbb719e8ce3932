"""Utilisation rates of a scope and period from the roll-ups, traced to their generators.

Bases: declared (first acceptance for use), verified (traced into use), territorial (used where it
was used; needs no tracing and is never held against a target).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, Terms
from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import PlaceKind
from wasteflow.core.rates import TIMES, FirmTerms, grouped_rows, parse_groupings, rate_total
from wasteflow.core.tracing.attribution import Basis, Cumulative, PeriodTerms
from wasteflow.core.units import tonnes_text
from wasteflow.services.reported import NOT_CLOSED, Reported, cut_period, reported
from wasteflow.services.reports import check_material
from wasteflow.services.tracing import Traced, each_traced, sweep_together
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

TERRITORIAL, USE_TO_GENERATION = "territorial", "use_to_generation"
BASES = (*(basis.value for basis in Basis), TERRITORIAL)
Starts = dict[str, tuple[int, bool]]


def rates_report(
    *,
    db: Database,
    scope: str = "all",
    period: Period,
    material: str = "",
    formula: str = "official",
    basis: str = "declared",
    by: str = "",
    include_products: bool = False,
    as_of: int = 0,
) -> dict[str, Any]:
    """`rates` of the contract; `pseudo` lists traced mass that credits nobody.

    On the territorial basis the formula is always `use_to_generation`.  as_of (yyyymm): from the
    books as they were booked by the end of that month; the period is cut there.
    Raises InvalidValue `bad_formula`, `bad_basis`, `bad_grouping`, `bad_scope`,
    `as_of_before_period`; NotFound.
    """
    if formula not in FORMULAS:
        raise InvalidValue("bad_formula", value=formula, known=" ".join(FORMULAS))
    if basis not in BASES:
        raise InvalidValue("bad_basis", value=basis, known=" ".join(BASES))
    groupings = parse_groupings(by)
    times = [word for word in groupings if word in TIMES]
    if len(times) > 1:
        raise InvalidValue("bad_grouping", value=",".join(times), known="month | quarter | year")
    period = cut_period(period, as_of)
    parts = list(cut(period, times[0])) if times else [period]
    asked = parts if parts == [period] else [*parts, period]
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        wanted = keys.registry.in_scope(scope)
        synthetic = queries.has_synthetic(session)
        terms, pseudo = firm_terms(session, keys, asked, basis, material, as_of)
        held = reported(session, keys, as_of, wanted)
    inside = [item for item in terms if item.enterprise in wanted]
    items = [item for item in inside if not times or item.period != period.text]
    options: dict[str, Any] = {
        "formula": "simple" if basis == TERRITORIAL else formula,
        "include_products": include_products,
    }
    if times and parts == [period]:
        items = inside
    whole = [item for item in inside if item.period == period.text]
    report = {
        "period": period.text,
        "scope": scope,
        "formula": USE_TO_GENERATION if basis == TERRITORIAL else formula,
        "basis": basis,
        "synthetic": synthetic,
        "rows": grouped_rows(items, keys.registry, by=groupings, **options),
        "total": rate_total(whole, keys.registry, **options),
        "pseudo": [row for row in pseudo if scope == "all"],
    }
    return _as_reported(report, held) if held else report


def _as_reported(report: dict[str, Any], held: Reported) -> dict[str, Any]:
    """The report with what it rests on, and a note where a firm has not closed the month."""
    for row in report["rows"]:
        if row.get("enterprise") in held.not_closed:
            row["notes"].append(NOT_CLOSED)
    if held.not_closed:
        report["total"]["notes"].append(NOT_CLOSED)
    return {**report, "as_reported": held.as_dict()}


def cut(period: Period, time: str) -> Iterator[Period]:
    """The period cut into months, quarters or years, as far as it goes."""
    length = {"month": 1, "quarter": 3, "year": 12}[time]
    first = period.first
    while first <= period.last:
        offset = (first % 100 - 1) % length
        last = min(next_month(first, length - 1 - offset), period.last)
        yield Period.of(first, last)
        first = next_month(last)


def firm_terms(
    session: Session,
    keys: Keys,
    periods: Sequence[Period],
    basis: str,
    material: str = "",
    as_of: int = 0,
) -> tuple[list[FirmTerms], list[dict[str, str]]]:
    """(terms of every generator, material and period; pseudo-origins of the last period)."""
    versions = queries.rollup_versions(session, keys, as_of)
    wanted = [stuff for stuff in sorted(versions) if material in ("", stuff)]
    found: list[FirmTerms] = []
    pseudo: list[dict[str, str]] = []
    if not periods:
        return found, pseudo
    books = each_traced(session, keys, wanted, versions, as_of)
    if basis == TERRITORIAL:
        for one in books:
            found += _territorial(session, keys, periods, one.material, one.starts, as_of)
        return found, pseudo
    sweep_together(books, periods, Basis(basis))
    for one in books:
        for items in _firm_terms_of(one, periods, Basis(basis)):
            found += items
        pseudo += _pseudo(one.terms(periods[-1:], Basis(basis))[0], one.material)
    return found, pseudo


def _firm_terms_of(books: Traced, periods: Sequence[Period], basis: Basis) -> list[list[FirmTerms]]:
    """Terms of every generator of a material for each period, kept with the chain."""

    def make(missing: list[Period]) -> list[list[FirmTerms]]:
        results = books.terms(missing, basis)
        generators = {origin.generator for origin in books.chain.origins if origin.generator}
        return [
            [
                *_firms(result, books.material, books.starts),
                *_not_begun(generators, result, books.material, books.starts),
            ]
            for result in results
        ]

    return books.each(("firms", basis), periods, make)


def _firms(
    result: PeriodTerms,
    material: str,
    starts: Starts,
) -> Iterator[FirmTerms]:
    nothing = Cumulative(0.0, 0)
    for firm, terms in sorted(result.generators.items()):
        used_kg, whole_kg = result.ever.get(firm, nothing)
        yield FirmTerms(
            firm,
            material,
            result.period.text,
            terms,
            _late(starts, firm, result.period),
            not starts.get(firm, (0, True))[1],
            round(used_kg),
            whole_kg,
        )


def _not_begun(
    generators: set[str], result: PeriodTerms, material: str, starts: Starts
) -> Iterator[FirmTerms]:
    """Generators without terms in the period because their ledger starts after its first day."""
    for firm in sorted(generators - result.generators.keys()):
        late = _late(starts, firm, result.period)
        if late:
            yield FirmTerms(firm, material, result.period.text, Terms(), late)


def _late(starts: Starts, firm: str, period: Period) -> int:
    """Month the ledger of a firm starts if that is after the period's first month, else 0."""
    start = starts.get(firm, (0, True))[0]
    return start if start > period.first else 0


def _pseudo(result: PeriodTerms, material: str) -> list[dict[str, str]]:
    """Pseudo-origins with what arose of them and what of them was used; never credited."""
    return [
        {
            "origin": name,
            "material": material,
            "arose_t": tonnes_text(terms.generated_kg),
            "utilised_t": tonnes_text(terms.utilised_kg or 0),
            "stored_t": tonnes_text(terms.stored_kg or 0),
        }
        for name, terms in sorted(result.pseudo.items())
    ]


def _territorial(
    session: Session,
    keys: Keys,
    periods: Sequence[Period],
    material: str,
    starts: Starts,
    as_of: int,
) -> Iterator[FirmTerms]:
    """Used at a firm and generated at it; the ratio of the two is `use_to_generation`."""
    for period in periods:
        terms: dict[str, Terms] = defaultdict(Terms)
        sums = queries.flow_sums(
            session, keys, period.first, period.last, material=material, as_of=as_of
        )
        for flow in sums:
            if flow.source.kind is PlaceKind.GENERATION:
                terms[flow.target.owner].generated_kg += flow.kg
            elif flow.target.kind is PlaceKind.USE:
                item = terms[flow.source.owner]
                item.utilised_kg = (item.utilised_kg or 0) + flow.kg
                key = flow.route, flow.evidence
                item.split[key] = item.split.get(key, 0) + flow.kg
        for firm in sorted(terms):
            item = terms[firm]
            item.utilised_prior_kg = item.stored_kg = item.disposed_kg = None
            item.disposed_prior_kg = None
            late = _late(starts, firm, period)
            yield FirmTerms(firm, material, period.text, item, late)
