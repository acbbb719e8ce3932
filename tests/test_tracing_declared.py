"""The declared basis (2-domain 1.5): each tonne once, what follows a credit, treatment, prior."""

from __future__ import annotations

import pytest

from tests.exact_tracer import Row
from tests.tracing_networks import FATES as NETWORK
from tests.tracing_networks import network
from wasteflow.core.formulas import official
from wasteflow.core.periods import Period
from wasteflow.core.places import GENERATION, OUTSIDE, WEIGHING, Place, PlaceKind, site, transit
from wasteflow.core.tracing.attribution import Basis, PeriodTerms, Split
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.tracing.followup import after_credit, territorial
from wasteflow.core.tracing.many_periods import terms_of_periods
from wasteflow.core.tracing.months import build_chain
from wasteflow.core.tracing.periods import period_terms
from wasteflow.core.tracing.yearpass import prepared
from wasteflow.core.vocabulary import Evidence

FATES = {
    "u": "use",
    "d": "disposal",
    "s": "storage",
    "t": "transfer",
    "w": "treatment",
}
USE, DISPOSAL = Place(PlaceKind.USE, "u"), Place(PlaceKind.DISPOSAL, "d")
YEAR = Period.parse("2026")


def load(month: int, a: str, b: str, route: str, kg: int, later: int = 0) -> list[Row]:
    road = transit(a, b)
    return [(month, site(a), road, route, 0, kg), (later or month, road, site(b), route, 0, kg)]


def both(rows: list[Row], period: Period = YEAR) -> tuple[PeriodTerms, PeriodTerms]:
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), FATES))
    (declared,) = period_terms(operators, passed, [period], Basis.DECLARED)
    (verified,) = period_terms(operators, passed, [period], Basis.VERIFIED)
    return declared, verified


def test_acceptance_for_use_credits_once() -> None:
    """Accepted for use by U, used there and the rest resold to V for use: 60 t, not 100 t."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        *load(202601, "G", "U", "u", 60_000),
        (202602, site("U"), USE, "u", 1, 40_000),
        *load(202603, "U", "V", "u", 20_000),
        (202603, site("V"), USE, "u", 1, 5_000),
    ]
    declared, verified = both(rows)
    g = declared.generators["G"]
    assert (g.utilised_kg, g.stored_kg, g.identity_residual_kg) == (60_000, 40_000, 0)
    assert g.split == {("u", Evidence.BOTH): 60_000}
    v = verified.generators["G"]
    assert (v.utilised_kg, v.stored_kg) == (45_000, 55_000)
    assert v.split == {("u", Evidence.ONE_SIDED): 45_000}
    assert set(declared.generators) == {"G"}


def test_storage_and_transfer_credit_only_at_the_later_use() -> None:
    """Accepted by a trader in January, for use in March: the credit is March's."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        *load(202601, "G", "T", "t", 60_000),
        *load(202603, "T", "U", "u", 50_000),
    ]
    january, _ = both(rows, Period.parse("2026-01"))
    assert january.generators["G"].utilised_kg == 0
    assert january.generators["G"].stored_kg == 100_000
    march, _ = both(rows, Period.parse("2026-03"))
    g = march.generators["G"]
    assert (g.generated_kg, g.utilised_kg, g.utilised_prior_kg) == (0, 50_000, 50_000)
    assert official(g).value == 1


def test_use_entry_credits_only_what_is_not_credited() -> None:
    """U holds 30 t accepted for use and 10 t accepted for storage; of 20 t used, 5 t are new."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        *load(202601, "G", "U", "u", 30_000),
        *load(202601, "G", "U", "s", 10_000),
        (202602, site("U"), USE, "u", 1, 20_000),
    ]
    declared, verified = both(rows)
    g = declared.generators["G"]
    # both routes share a transit, so the open and the credited part mix at U: 3/4 credited
    assert g.utilised_kg == 35_000
    assert g.split == {("u", Evidence.BOTH): 30_000, ("u", Evidence.ONE_SIDED): 5_000}
    assert (g.stored_kg, g.identity_residual_kg) == (65_000, 0)
    assert verified.generators["G"].utilised_kg == 20_000


def test_weighing_gain_credits_nobody() -> None:
    road = transit("G", "U")
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), road, "u", 0, 100_000),
        (202601, WEIGHING, road, "u", 0, 2_000),
        (202601, road, site("U"), "u", 0, 102_000),
    ]
    declared, _ = both(rows)
    assert declared.generators["G"].utilised_kg == 100_000
    assert declared.pseudo["weighing@G"].utilised_kg == 2_000
    assert official(declared.generators["G"]).value == 1


def test_weighing_loss_stands_under_weighing_difference() -> None:
    road = transit("G", "U")
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), road, "u", 0, 100_000),
        (202601, road, WEIGHING, "u", 0, 2_000),
        (202601, road, site("U"), "u", 0, 98_000),
    ]
    for terms in both(rows):
        g = terms.generators["G"]
        assert (g.weighing_difference_kg, g.identity_residual_kg) == (2_000, 0)
    assert both(rows)[0].generators["G"].utilised_kg == 98_000


def test_disposal_and_external_firms() -> None:
    """Own disposal, disposal elsewhere, an external firm's use: declared; verified is stricter."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), DISPOSAL, "d", 1, 10_000),
        *load(202601, "G", "L", "d", 20_000),
        (202601, site("G"), transit("G", "E"), "u", 1, 30_000),
        (202601, transit("G", "E"), OUTSIDE, "u", 1, 30_000),
        (202601, site("G"), transit("G", "F"), "t", 1, 5_000),
        (202601, transit("G", "F"), OUTSIDE, "t", 1, 5_000),
    ]
    declared, verified = both(rows)
    g, v = declared.generators["G"], verified.generators["G"]
    assert (g.utilised_kg, g.disposed_kg, g.outside_kg, g.stored_kg) == (
        30_000,
        30_000,
        5_000,
        35_000,
    )
    assert (v.utilised_kg, v.disposed_kg, v.outside_kg, v.stored_kg) == (0, 10_000, 35_000, 55_000)
    assert g.identity_residual_kg == v.identity_residual_kg == 0


def test_return_to_the_consignor_is_no_acceptance_for_use() -> None:
    road, home = transit("G", "U"), transit("G", "G")
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 50_000),
        (202601, site("G"), road, "u", 0, 50_000),
        (202601, road, site("U"), "u", 0, 30_000),
        (202601, road, home, "u", 0, 20_000),
        (202602, home, site("G"), "u", 0, 20_000),
    ]
    declared, _ = both(rows)
    assert declared.generators["G"].utilised_kg == 30_000


def test_what_follows_a_credit_is_listed() -> None:
    """60 t accepted for use: 25 t shipped on for disposal and 5 t disposed of at U."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        *load(202601, "G", "U", "u", 60_000),
        *load(202602, "U", "L", "d", 25_000, later=202603),
        (202603, site("U"), DISPOSAL, "d", 1, 5_000),
        *load(202604, "L", "U", "s", 1_000),
    ]
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), FATES))
    year, february = after_credit(operators, passed, [YEAR, Period.parse("2026-02")])
    assert year["G"].reshipped_kg == pytest.approx(25_000)
    assert year["G"].disposed_kg == pytest.approx(30_000)
    assert february["G"] == pytest.approx((25_000, 0))
    declared, _ = both(rows)
    g = declared.generators["G"]
    assert (g.utilised_kg, g.disposed_kg, g.stored_kg) == (60_000, 0, 40_000)


def test_treated_and_not_used_counts_in_the_consumption_balance() -> None:
    """80 t treated at a site of 100 t of which 25 t are used by the end: 80 t x 3/4."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), site("G"), "w", 1, 80_000),
        (202602, site("G"), USE, "u", 1, 25_000),
    ]
    for terms in both(rows):
        assert terms.generators["G"].treated_kg == 60_000
    january, _ = both(rows, Period.parse("2026-01"))
    assert january.generators["G"].treated_kg == 80_000
    twice = [*rows, (202601, site("G"), site("G"), "w", 0, 80_000)]
    assert both(twice)[1].generators["G"].treated_kg == 75_000, "capped at the throughput"


def test_prior_is_what_was_there_before_the_first_day() -> None:
    """Opening of an unknown year is prior for every period and shown on its own."""
    rows: list[Row] = [
        (202601, Place(PlaceKind.OPENING, "", ""), site("G"), "", 1, 30_000),
        (202601, Place(PlaceKind.OPENING, "", "2026"), site("G"), "", 1, 10_000),
        (202601, GENERATION, site("G"), "", 1, 60_000),
        (202601, site("G"), USE, "u", 1, 50_000),
        (202602, site("G"), USE, "u", 1, 10_000),
    ]
    _, verified = both(rows)
    g = verified.generators["G"]
    assert (g.generated_kg, g.utilised_kg, g.utilised_prior_kg) == (60_000, 60_000, 24_000)
    assert verified.unknown_year_kg == {"G": 18_000}
    _, february = both(rows, Period.parse("2026-02"))
    assert february.generators["G"].utilised_prior_kg == 10_000


def test_split_by_evidence_alone() -> None:
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 50_000),
        (202601, site("G"), USE, "u", 1, 10_000),
        (202601, site("G"), Place(PlaceKind.USE, "v"), "v", 3, 20_000),
    ]
    operators, passed = prepared(build_chain(FlowTable.of_rows(rows), FATES))
    (terms,) = period_terms(operators, passed, [YEAR], Basis.VERIFIED, Split.EVIDENCE)
    split = {("", Evidence.ONE_SIDED): 10_000, ("", Evidence.ESTIMATED): 20_000}
    assert terms.generators["G"].split == split


def test_cumulative_and_territorial() -> None:
    rows: list[Row] = [
        (202601, Place(PlaceKind.OPENING, "", "2024"), site("G"), "", 1, 20_000),
        (202601, GENERATION, site("G"), "", 1, 80_000),
        *load(202601, "G", "U", "u", 50_000),
        (202602, site("U"), USE, "u", 1, 30_000),
    ]
    chain = build_chain(FlowTable.of_rows(rows), FATES)
    operators, passed = prepared(chain)
    periods = [Period.of(month, month) for month in (202512, 202601, 202612)]
    before, january, february = (
        terms.ever for terms in period_terms(operators, passed, periods, Basis.VERIFIED)
    )
    assert before == {}
    assert january["G"] == pytest.approx((0, 100_000))
    assert february["G"] == pytest.approx((30_000, 100_000))
    here = territorial(chain, YEAR, frozenset({"U"}))
    assert (here.used_kg, here.generated_kg) == (30_000, 0)


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("seed", [3, 17, 41, 58])
def test_many_periods_at_once_are_the_periods_one_by_one(seed: int, basis: Basis) -> None:
    """Months, years to date, periods over the turn of the year and outside the books."""
    chain = build_chain(FlowTable.of_rows(network(seed, firms=6, months=5, links=12)), NETWORK)
    operators, passed = prepared(chain)
    texts = ["2025-11", "2025-12", "2026-01", "2026-01..2026-03", "2025", "2026", "2024"]
    texts += ["2025-12..2026-02", "2025-11..2026-03", "2027"]
    periods = [Period.parse(text) for text in texts]
    together = terms_of_periods(operators, passed, periods, basis)
    for period, found in zip(periods, together, strict=True):
        (alone,) = period_terms(operators, passed, [period], basis)
        assert found.generators == alone.generators, period.text
        assert found.pseudo == alone.pseudo, period.text
        assert found.unknown_year_kg == alone.unknown_year_kg
        assert found.ever.keys() == alone.ever.keys()
        for name, item in found.ever.items():
            assert item == pytest.approx(alone.ever[name], abs=1e-4)
