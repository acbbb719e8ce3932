"""The postings behind a term add up to it and never exceed the posting, on random ledgers."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracing_networks import FATES, network
from wasteflow.core.periods import Period
from wasteflow.core.places import GENERATION, Place, PlaceKind, site, transit
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.tracing.behind import BEHIND, postings_behind, stored_behind
from wasteflow.core.tracing.behind_places import (
    ended_behind,
    new_at_place,
    origin_at_place,
    settled_behind,
    treated_behind,
)
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.tracing.months import build_chain
from wasteflow.core.tracing.periods import period_terms
from wasteflow.core.tracing.provenance import downstream, upstream
from wasteflow.core.tracing.yearpass import prepared
from wasteflow.core.vocabulary import Evidence

SEEDS = st.integers(0, 1_000_000)
PERIODS = ("2025-11", "2025-12", "2026-01", "2025", "2025-12..2026-01", "2025-11..2026-01")
ROUNDED_KG = 30
"""A term adds up so many cells, each rounded by less than a kilogram; amounts are in tonnes."""


@given(seed=SEEDS, basis=st.sampled_from(list(Basis)), text=st.sampled_from(PERIODS))
@settings(max_examples=20)
def test_parts_add_up_to_the_terms(seed: int, basis: Basis, text: str) -> None:
    rows = network(seed)
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), FATES))
    period = Period.parse(text)
    (result,) = period_terms(operators, passed, [period], basis)
    held: dict[tuple[object, ...], int] = defaultdict(int)
    for month, source, target, route, grade, kg in rows:
        held[month, source, target, route, grade] += kg
    credited: dict[tuple[object, ...], float] = defaultdict(float)
    for firm, terms in result.generators.items():
        for term in BEHIND:
            parts = postings_behind(operators, passed, firm, period, basis, term)
            total = sum(part.kg for part in parts)
            wanted = getattr(terms, f"{term}_kg")
            assert abs(total - wanted) <= ROUNDED_KG, (firm, term)
            for part in parts:
                key = (part.month, part.source, part.target, part.route, int(part.evidence))
                assert part.posting_kg in _postings(rows, key) or part.posting_kg == held[key]
                assert part.kg <= part.posting_kg + 1e-6
                assert period.first <= part.month <= period.last
                if term in ("utilised", "disposed"):
                    credited[(term, *key)] += part.kg
        lying = sum(item.kg for item in stored_behind(operators, passed, firm, period, basis))
        assert abs(lying - (terms.stored_kg or 0)) <= ROUNDED_KG, firm
    for booked, part_kg in credited.items():
        assert part_kg <= held[booked[1:]] + 1e-3, "a posting credits no more than it moved"


def _postings(rows: list[tuple[int, Place, Place, str, int, int]], key: object) -> set[int]:
    """Kilograms of the single rows of a key; a ledger may hold a key more than once."""
    return {row[-1] for row in rows if row[:5] == key}


def test_stated_stock_of_the_year_is_prior_even_in_the_month_it_is_stated() -> None:
    """100 t stated for 2026 on the first day, 100 t generated, 80 t used: half of it is prior."""
    rows = [
        (202603, Place(PlaceKind.OPENING, "", "2026"), site("G"), "", 1, 100_000),
        (202603, GENERATION, site("G"), "", 1, 100_000),
        (202603, site("G"), Place(PlaceKind.USE, "u"), "u", 1, 80_000),
    ]
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), {"u": "use"}))
    for basis in Basis:
        arguments = operators, passed, "G", Period.parse("2026-03"), basis
        (whole,) = postings_behind(*arguments, "utilised")
        (prior,) = postings_behind(*arguments, "utilised_prior")
        assert whole.kg == pytest.approx(80_000) and prior.kg == pytest.approx(40_000)
        (lying,) = stored_behind(*arguments)
        assert lying.place == site("G") and lying.kg == pytest.approx(60_000)


def test_an_acceptance_is_the_posting_of_a_declared_credit_and_the_use_of_a_verified_one() -> None:
    rows = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), transit("G", "U"), "u", 0, 60_000),
        (202601, transit("G", "U"), site("U"), "u", 0, 60_000),
        (202602, site("U"), Place(PlaceKind.USE, "u"), "u", 1, 40_000),
    ]
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), {"u": "use"}))
    arguments = operators, passed, "G", Period.parse("2026")
    (declared,) = postings_behind(*arguments, Basis.DECLARED, "utilised")
    assert (declared.source, declared.target) == (transit("G", "U"), site("U"))
    assert declared.evidence is Evidence.BOTH and declared.kg == pytest.approx(60_000)
    (verified,) = postings_behind(*arguments, Basis.VERIFIED, "utilised")
    assert (verified.source, verified.target.key) == (site("U"), "use:u")
    assert verified.month == 202602 and verified.kg == pytest.approx(40_000)


def test_a_firm_that_generates_nothing_has_no_postings() -> None:
    rows = [(202601, GENERATION, site("G"), "", 1, 1_000)]
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), {}))
    year = Period.parse("2026")
    assert postings_behind(operators, passed, "U", year, Basis.DECLARED, "utilised") == []
    assert stored_behind(operators, passed, "U", year, Basis.VERIFIED) == []
    past = Period.parse("2020")
    assert postings_behind(operators, passed, "G", past, Basis.DECLARED, "dumped") == []


@given(seed=SEEDS, basis=st.sampled_from(list(Basis)), text=st.sampled_from(PERIODS))
@settings(max_examples=10)
def test_places_and_treatments_add_up_to_the_terms(seed: int, basis: Basis, text: str) -> None:
    """What settled and what a treatment counts for; in - out = lying + settled in every place."""
    rows = network(seed)
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), FATES))
    period = Period.parse(text)
    (result,) = period_terms(operators, passed, [period], basis)
    for firm, terms in result.generators.items():
        arguments = operators, passed, firm, period, basis
        settled = settled_behind(*arguments)
        assert sum(item.kg for item in settled) == pytest.approx(terms.settled_kg, abs=ROUNDED_KG)
        treated = sum(item.kg for item in treated_behind(*arguments))
        assert treated == pytest.approx(terms.treated_kg, abs=1)
        lying = {item.place: item.kg for item in stored_behind(*arguments)}
        for place in {*lying, *(item.place for item in settled)}:
            book = new_at_place(*arguments, place)
            born = sum(
                row[-1]
                for row in rows
                if row[1] == GENERATION
                and row[2] == place == site(firm)
                and period.first <= row[0] <= period.last
            )
            came = born + sum(part.kg for part in book.came)
            went = sum(part.kg for part in book.went) + sum(book.settled.values())
            assert came - went == pytest.approx(book.lying_kg, abs=1e-3)
            assert book.lying_kg == pytest.approx(lying.get(place, 0.0), abs=1e-6)


@given(seed=SEEDS)
@settings(max_examples=5)
def test_rows_of_a_trace_add_up_by_origin_and_year(seed: int) -> None:
    chain = build_chain(FlowTable.of_rows(network(seed)), FATES)
    operators, passed = prepared(chain)
    period = Period.of(chain.months[0].month, chain.months[-1].month)
    for direction in (downstream, upstream):
        for row in direction(operators, passed, "f1", period):
            arguments = operators, passed, row.origin, period
            if row.fate.what == "stock":
                kg = origin_at_place(*arguments, row.fate.place).lying_kg
            elif row.fate.what == "settled":
                kg = sum(origin_at_place(*arguments, row.fate.place).settled.values())
            else:
                kg = sum(part.kg for part in ended_behind(*arguments, row.fate))
            assert kg == pytest.approx(row.kg, abs=1.001)
