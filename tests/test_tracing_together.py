"""Materials traced together get what each gets alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracing_networks import FATES, network
from wasteflow.core.periods import Period
from wasteflow.core.tracing.attribution import Basis, PeriodTerms
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.tracing.many_periods import periods_together
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.periods import period_terms, terms_together
from wasteflow.core.tracing.together import Together
from wasteflow.core.tracing.yearpass import prepared

PERIODS = [Period.parse(text) for text in ("2026-01", "2025", "2025-12..2026-01")]


MANY = [
    *PERIODS,
    *(Period.parse(text) for text in ("2025-01..2025-11", "2025-11..2026-01", "2025-12", "2024")),
]


def chains_of(seed: int) -> list[Chain]:
    """Three ledgers; the second pauses in December, the third begins with it."""
    chains = []
    for number, left_out in enumerate((0, 202512, 202511)):
        rows = [row for row in network(seed + number, firms=3 + number) if row[0] != left_out]
        chains.append(build_chain(FlowTable.of_rows(rows), FATES))
    return chains


def same(found: list[PeriodTerms], others: list[PeriodTerms]) -> None:
    """Equal to the kilogram."""
    for mine, other in zip(found, others, strict=True):
        assert mine.generators == other.generators
        assert mine.pseudo == other.pseudo
        assert mine.unknown_year_kg == other.unknown_year_kg
        assert mine.ever.keys() == other.ever.keys()
        for name, ever in mine.ever.items():
            assert ever.used_kg == pytest.approx(other.ever[name].used_kg, abs=1e-5)
            assert ever.generated_kg == other.ever[name].generated_kg


@given(seed=st.integers(0, 1_000_000), basis=st.sampled_from(Basis))
@settings(max_examples=10)
def test_terms_are_those_of_each_alone(seed: int, basis: Basis) -> None:
    chains = chains_of(seed)
    together = terms_together(Together.of(chains), PERIODS, basis)
    for chain, found in zip(chains, together, strict=True):
        same(found, period_terms(*prepared(chain), PERIODS, basis))


@given(seed=st.integers(0, 1_000_000), basis=st.sampled_from(Basis))
@settings(max_examples=10)
def test_many_periods_from_one_pass_are_the_periods_of_each_alone(seed: int, basis: Basis) -> None:
    """Years to date, whose new mass the pass tells; first days inside a year, where it cannot."""
    chains = chains_of(seed)
    together = periods_together(Together.of(chains), MANY, basis)
    for chain, found in zip(chains, together, strict=True):
        same(found, period_terms(*prepared(chain), MANY, basis))


@given(seed=st.integers(0, 1_000_000))
@settings(max_examples=10)
def test_the_pass_by_year_of_a_part_is_its_own(seed: int) -> None:
    chains = chains_of(seed)
    whole = Together.of(chains)
    for number, chain in enumerate(chains):
        mine, alone = whole.pass_of(number), prepared(chain)[1]
        assert [len(table) for table in mine] == [len(chain.months)] * 3
        for tables, others in zip(mine, alone, strict=True):
            for table, other in zip(tables, others, strict=True):
                assert np.allclose(table.dense(), other.dense(), atol=1e-5)
