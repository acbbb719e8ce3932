"""Laws of tracing on random ledgers, and agreement with the exact tracer in fractions."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import exact_tracer
from tests.tracing_networks import FATES, network
from wasteflow.core.formulas import official
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.tracing.attribution import FATES as WORDS
from wasteflow.core.tracing.attribution import Basis, fate_codes
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.tracing.followup import after_credit
from wasteflow.core.tracing.forward import forward
from wasteflow.core.tracing.identity import check_identity
from wasteflow.core.tracing.monthly import attribution_months
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.periods import period_terms
from wasteflow.core.tracing.yearpass import Operators, YearPass, open_lens, year_pass

TOLERANCE_KG = 1e-6
CELLS_KG = 30
"""A term adds up to so many rounded cells (new, prior, unknown x route x evidence), each below 1 kg
off; amounts are a thousand times larger."""
SEEDS = st.integers(0, 1_000_000)
PERIODS = ("2025-11", "2025-12", "2026-01", "2025", "2025-12..2026-01", "2025-11..2026-01")


def traced(rows: list[exact_tracer.Row]) -> tuple[Chain, Operators, YearPass]:
    chain = build_chain(FlowTable.of_rows(rows), FATES)
    operators = Operators(chain)
    return chain, operators, year_pass(operators)


def by_name_and_year(mix: dict) -> dict[tuple[str, int], Fraction]:  # type: ignore[type-arg]
    found: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for ((name, year, _), _), kg in mix.items():
        found[name, year] += kg
    return found


@given(seed=SEEDS)
@settings(max_examples=25)
def test_agrees_with_the_exact_tracer(seed: int) -> None:
    rows = network(seed)
    chain, operators, passed = traced(rows)
    exact = exact_tracer.trace(rows, FATES)
    for step, open_step, truth in zip(
        forward(operators, passed), forward(operators, passed, lens=open_lens), exact, strict=True
    ):
        pool, closing = step.pool().toarray(), step.closing().toarray()
        still_open = open_step.closing().toarray()
        leaving = step.leaving().toarray()
        circling = {chain.places[n] for n in np.flatnonzero(step.system.circulating)}
        assert circling == truth.unsourced
        for number, place in enumerate(chain.places):
            if place in truth.throughput:
                assert step.system.throughput[number] == truth.throughput[place]
            for matrix, expected in ((pool, truth.pool), (closing, truth.closing)):
                mix = by_name_and_year(expected.get(place, {}))
                for column, origin in enumerate(chain.origins):
                    want = float(mix.get((origin.name, origin.year), 0))
                    assert matrix[number, column] == pytest.approx(want, abs=TOLERANCE_KG)
            uncredited = {c: kg for c, kg in truth.closing.get(place, {}).items() if c[1] == 0}
            mix = by_name_and_year(uncredited)
            for column, origin in enumerate(chain.origins):
                want = float(mix.get((origin.name, origin.year), 0))
                assert still_open[number, column] == pytest.approx(want, abs=TOLERANCE_KG)
        # every place and every origin closes
        book = np.where(step.system.circulating, 0, step.system.closing)
        assert np.allclose(closing.sum(axis=1), book, rtol=0, atol=TOLERANCE_KG)
        moved = np.where(step.system.circulating, 0, step.system.out)
        assert np.allclose(leaving.sum(axis=1), moved, rtol=0, atol=TOLERANCE_KG)
    assert check_identity(operators, passed, TOLERANCE_KG) == []


@given(seed=SEEDS)
@settings(max_examples=25)
def test_period_terms_are_those_of_the_exact_tracer(seed: int) -> None:
    """New and prior, every fate, both bases: within a kilogram of the fractions, identity exact."""
    rows = network(seed)
    _, operators, passed = traced(rows)
    exact = exact_tracer.trace(rows, FATES)
    periods = [Period.parse(text) for text in PERIODS]
    for basis in Basis:
        for period, terms in zip(
            periods, period_terms(operators, passed, periods, basis), strict=True
        ):
            totals, new, stored = expected_terms(exact, period, basis)
            every = {**terms.generators, **terms.pseudo}
            names = {name for _, name in totals} | set(every)
            for name in names:
                found = every.get(name)
                for word in WORDS:
                    want = totals if word in ("utilised", "disposed") else new
                    got = getattr(found, f"{word}_kg") if found else 0
                    assert abs(got - want[word, name]) < CELLS_KG
                if found is None:
                    continue
                assert found.identity_residual_kg == 0
                fresh = (found.utilised_kg or 0) - (found.utilised_prior_kg or 0)
                assert abs(fresh - new["utilised", name]) < CELLS_KG
                assert abs((found.stored_kg or 0) - stored[name]) < 1 + 1e-6
                assert sum(found.split.values()) == found.utilised_kg
                rate = official(found).value
                assert rate is None or 0 <= rate <= 1


def expected_terms(
    exact: list[exact_tracer.ExactMonth], period: Period, basis: Basis
) -> tuple[dict, dict, dict]:  # type: ignore[type-arg]
    """(totals, new part) by (word, name) and stored by name, from the exact months."""
    totals: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    new: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    stored: dict[str, Fraction] = defaultdict(Fraction)
    inside = [month for month in exact if period.first <= month.month <= period.last]
    for month in inside:
        if basis is Basis.DECLARED:
            met = [(word, key, kg) for (word, key), kg in month.credits.items()]
        else:
            met = [
                (word, key, kg)
                for (_, word), mix in month.exits.items()
                for (key, _), kg in mix.items()
            ]
        for word, key, kg in met:
            totals[word, key[0]] += kg
            if key[2] >= period.first:
                new[word, key[0]] += kg
    if inside:
        for mix in inside[-1].closing.values():
            for (key, kind), kg in mix.items():
                if key[2] >= period.first and (basis is Basis.VERIFIED or kind == 0):
                    stored[key[0]] += kg
    return totals, new, stored


@given(seed=SEEDS)
@settings(max_examples=15)
def test_adjoint_is_forward(seed: int) -> None:
    """What the adjoint attributes to a name is what the forward pass finds, on both bases."""
    chain, operators, passed = traced(network(seed, firms=8, months=6, links=20))
    period = Period.of(202511, 202604)
    for basis in Basis:
        lens = open_lens if basis is Basis.DECLARED else None
        found = np.zeros((len(WORDS), len(chain.origins)))
        for step in forward(operators, passed, lens=lens):
            fate = fate_codes(step.system, basis)
            moves = np.flatnonzero(fate >= 0)
            found += step.grouped(moves, fate[moves], len(WORDS)).toarray()
        (terms,) = period_terms(operators, passed, [period], basis)
        for name in chain.names:
            rows = [n for n, origin in enumerate(chain.origins) if origin.name == name]
            item = {**terms.generators, **terms.pseudo}.get(name)
            used = item.utilised_kg if item else 0
            assert abs(used - found[0, rows].sum()) < CELLS_KG
        # the books: everything posted to use stands in a row on the verified basis
        if basis is Basis.VERIFIED:
            posted = sum(int(s.moves.kg[s.moves.kind == PlaceKind.USE].sum()) for s in chain.months)
            every = [*terms.generators.values(), *terms.pseudo.values()]
            assert sum(item.utilised_kg or 0 for item in every) == posted


@given(seed=SEEDS)
@settings(max_examples=15)
def test_each_tonne_is_credited_at_most_once(seed: int) -> None:
    """Closed months, whole kilograms: credits of an origin never exceed what it ever had."""
    chain, operators, passed = traced(network(seed, firms=6, months=5, links=14))
    arrived: dict[str, int] = defaultdict(int)
    for system in chain.months:
        for part in (system.opened, system.sources):
            for origin, kg in zip(part.origin, part.kg, strict=True):
                arrived[chain.origins[origin].key] += int(kg)
    for basis in Basis:
        met: dict[str, int] = defaultdict(int)
        stock: dict[str, int] = {}
        for month in attribution_months(operators, passed, basis):
            posted: dict[str, int] = defaultdict(int)
            for credit in month.credits:
                assert credit.kg > 0
                met[credit.origin.key] += credit.kg
                posted[credit.fate] += credit.kg
            stock = {origin.key: kg for origin, kg in month.stock_kg.items()}
            assert all(kg > 0 for kg in stock.values())
            if basis is Basis.VERIFIED:
                system = next(s for s in chain.months if s.month == month.month)
                books = int(system.moves.kg[system.moves.kind == PlaceKind.USE].sum())
                assert posted["utilised"] == books
        for key, kg in arrived.items():
            assert met[key] + stock.get(key, 0) == kg


@given(seed=SEEDS)
@settings(max_examples=15)
def test_cumulative_verified_stays_below_cumulative_declared(seed: int) -> None:
    """Whatever is used was credited at the latest then (names that generate, to any month)."""
    chain, operators, passed = traced(network(seed, firms=6, months=4, links=12))
    ends = [system.month for system in chain.months]
    periods = [Period.of(ends[0], end) for end in ends]
    verified = [t.ever for t in period_terms(operators, passed, periods, Basis.VERIFIED)]
    declared = period_terms(operators, passed, periods, Basis.DECLARED)
    for used, terms in zip(verified, declared, strict=True):
        every = {**terms.generators, **terms.pseudo}
        for name, item in used.items():
            known = every[name]
            credited = (known.utilised_kg or 0) + (known.disposed_kg or 0)
            assert item.used_kg <= credited + CELLS_KG
            assert item.used_kg <= item.generated_kg + TOLERANCE_KG


@given(seed=SEEDS)
@settings(max_examples=10)
def test_disposal_after_a_credit_is_that_of_the_exact_tracer(seed: int) -> None:
    rows = network(seed)
    chain, operators, passed = traced(rows)
    period = Period.of(chain.months[0].month, chain.months[-1].month)
    (later,) = after_credit(operators, passed, [period])
    truth: dict[str, Fraction] = defaultdict(Fraction)
    for month in exact_tracer.trace(rows, FATES):
        for (name, _, _), kg in month.disposed_after.items():
            truth[name] += kg
    for name in set(truth) | set(later):
        found = later[name].disposed_kg if name in later else 0.0
        assert found == pytest.approx(float(truth[name]), abs=0.5)
    (terms,) = period_terms(operators, passed, [period], Basis.DECLARED)
    every = {**terms.generators, **terms.pseudo}
    for name, item in later.items():
        credited = (every[name].utilised_kg or 0) + CELLS_KG
        assert 0 <= item.reshipped_kg <= credited
        assert 0 <= item.disposed_kg <= credited


def test_going_on_from_a_state_gives_the_same_months() -> None:
    rows = network(5, firms=6, months=6, links=14)
    chain, operators, passed = traced(rows)
    whole = list(attribution_months(operators, passed, Basis.DECLARED))
    early = [row for row in rows if row[0] < 202602]
    _, operators, passed = traced(early)
    *_, last = attribution_months(operators, passed, Basis.DECLARED)
    assert last.month == 202601
    chain, operators, passed = traced(rows)
    rest = list(attribution_months(operators, passed, Basis.DECLARED, after=last))
    assert [month.month for month in rest] == [202602, 202603, 202604]
    assert [month.credits for month in rest] == [month.credits for month in whole[3:]]
    assert chain.months[-1].month == 202604
