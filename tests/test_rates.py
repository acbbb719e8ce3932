"""Rates by any grouping: tonnes are added, never rates; who is left out is named."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import BRICK, COKE, FIRMS, MATERIALS, PG, SLAG, USE, A, B, C, D, E, F, registry
from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import UNTRACED, Terms
from wasteflow.core.rates import GROUPINGS, SPLITS, FirmTerms, parse_groupings, rate_rows
from wasteflow.core.units import kg_from_tonnes
from wasteflow.core.vocabulary import Evidence

REGISTRY = registry()
PLAIN = [word for word in GROUPINGS if word not in SPLITS]
Row = dict[str, Any]


def terms_of(generated: int, *used: tuple[str, Evidence, int], prior: int = 0) -> Terms:
    """Terms whose utilised kilograms are the sum of their split."""
    split = {(route, grade): kg for route, grade, kg in used}
    total = sum(split.values())
    return Terms(
        generated_kg=generated,
        utilised_kg=total,
        utilised_prior_kg=prior,
        split=split,
    )


def untraced(generated: int) -> Terms:
    """Terms of a firm whose mass went through a trader."""
    return Terms(
        generated_kg=generated,
        utilised_kg=None,
        utilised_prior_kg=None,
        stored_kg=None,
        disposed_kg=None,
        disposed_prior_kg=None,
        reason=UNTRACED,
    )


def rows_of(
    items: Sequence[FirmTerms], by: str = "", formula: str = "simple", products: bool = False
) -> tuple[list[Row], Row]:
    """Rows and total."""
    return rate_rows(
        items,
        REGISTRY,
        formula=formula,
        by=parse_groupings(by),
        include_products=products,
    )


kg = st.integers(0, 10**9)
grades = st.sampled_from(sorted(Evidence))
uses = st.lists(
    st.tuples(st.sampled_from((USE, BRICK)), grades, kg),
    max_size=3,
    unique_by=lambda item: item[:2],
)
firm_terms = st.builds(
    lambda firm, material, period, generated, used: FirmTerms(
        firm, material, period, terms_of(generated, *used)
    ),
    st.sampled_from(FIRMS),
    st.sampled_from(MATERIALS),
    st.sampled_from(("2024-01", "2024-02")),
    kg,
    uses,
)
SUMS = ("generated_t", "utilised_t", "stored_t", "identity_residual_t")


@settings(max_examples=28)
@given(st.lists(firm_terms, max_size=8), st.sampled_from([*combinations(PLAIN[:5], 2), *PLAIN]))
def test_groups_add_up_to_the_total(items: list[FirmTerms], by: tuple[str, ...] | str) -> None:
    """Law: by any grouping each tonne stands in one row; the rows add up to the total."""
    words = (by,) if isinstance(by, str) else by
    rows, total = rows_of(items, ",".join(words))
    for name in SUMS:
        assert sum(kg_from_tonnes(row[name]) for row in rows) == kg_from_tonnes(total[name])
    keys = [tuple(row[word] for word in words) for row in rows]
    assert keys == sorted(set(keys))


@settings(max_examples=28)
@given(
    st.lists(firm_terms, max_size=8),
    st.sampled_from(("route", "evidence", "route,evidence", "park,route", "evidence,material")),
)
def test_splits_add_up_to_what_was_utilised(items: list[FirmTerms], by: str) -> None:
    """Law: rows by route or evidence share one denominator and add up to the utilised tonnes."""
    rows, total = rows_of(items, by)
    assert sum(kg_from_tonnes(row["utilised_t"]) for row in rows) == kg_from_tonnes(
        total["utilised_t"]
    )
    plain = [word for word in parse_groupings(by) if word not in SPLITS]
    whole = rows_of(items, ",".join(plain))[0]
    for row in rows:
        assert "denominator_not_split" in row["notes"]
        mother = next(w for w in whole if all(w[word] == row[word] for word in plain))
        assert row["generated_t"] == mother["generated_t"]
    for mother in whole:
        children = [row for row in rows if all(row[word] == mother[word] for word in plain)]
        assert children
        if mother["value"] is not None:
            parts = sum(row["value"] for row in children)
            assert parts == pytest.approx(mother["value"], abs=1e-8)


@settings(max_examples=28)
@given(st.lists(firm_terms, max_size=8))
def test_evidence_adds_up_to_what_was_utilised(items: list[FirmTerms]) -> None:
    """Law: by_evidence of every row sums to its utilised tonnes."""
    rows, total = rows_of(items, "enterprise")
    for row in [*rows, total]:
        assert sum(map(kg_from_tonnes, row["by_evidence"].values())) == kg_from_tonnes(
            row["utilised_t"]
        )


def test_tonnes_are_added_never_rates() -> None:
    """1 of 10 and 90 of 90: 91 %, not the mean 55 %."""
    items = [
        FirmTerms(A, PG, "2024", terms_of(10, (USE, Evidence.BOTH, 1))),
        FirmTerms(B, PG, "2024", terms_of(90, (USE, Evidence.BOTH, 90))),
    ]
    rows, total = rows_of(items, "enterprise")
    assert [row["value"] for row in rows] == [0.1, 1.0]
    assert total["value"] == 0.91


def test_places_of_the_registry_group_the_firms() -> None:
    items = [FirmTerms(firm, PG, "2024", terms_of(10)) for firm in (A, B, C, D, E, F)]
    parks, _ = rows_of(items, "park")
    assert {row["park"]: row["generated_t"] for row in parks} == {
        "": "0.020",
        "park.far": "0.010",
        "park.main": "0.010",
        "park.sub": "0.020",
    }
    regions, _ = rows_of(items, "region")
    assert {row["region"]: row["generated_t"] for row in regions} == {
        "": "0.010",
        "500118": "0.010",
        "530100": "0.010",
        "530181": "0.030",
    }


def test_the_keys_come_in_the_order_asked_for() -> None:
    items = [FirmTerms(A, PG, "2024-01", terms_of(10, (USE, Evidence.BOTH, 1)))]
    (row,), _ = rows_of(items, "evidence,month,park,route")
    assert list(row)[:4] == ["evidence", "month", "park", "route"]
    assert (row["evidence"], row["month"], row["route"]) == ("both", "2024-01", USE)


# --- products --------------------------------------------------------------------------------


def test_products_are_left_out_unless_asked_for() -> None:
    """Law: petroleum coke is no waste: no statutory rate counts it unless the user asks."""
    items = [
        FirmTerms(A, PG, "2024", terms_of(100, (USE, Evidence.BOTH, 50))),
        FirmTerms(A, COKE, "2024", terms_of(100, (USE, Evidence.BOTH, 100))),
    ]
    rows, total = rows_of(items, "material")
    coke, gypsum = rows
    assert (coke["value"], coke["not_computable"]) == (None, "product")
    assert (gypsum["value"], total["value"]) == (0.5, 0.5)
    rows, total = rows_of(items, "material", products=True)
    assert [row["value"] for row in rows] == [1.0, 0.5]
    assert total["value"] == 0.75


# --- ledgers that start late -----------------------------------------------------------------


def test_a_ledger_that_starts_late_is_not_computable_alone_and_named_in_company() -> None:
    """Law: ledger_starts: such a firm has no rate, and a wider scope leaves it out by name."""
    items = [
        FirmTerms(A, PG, "2024", terms_of(100, (USE, Evidence.BOTH, 50))),
        FirmTerms(B, PG, "2024", terms_of(100, (USE, Evidence.BOTH, 100)), late=202403),
    ]
    rows, total = rows_of(items, "enterprise")
    assert rows[1]["not_computable"] == "ledger_starts_2024-03"
    assert (total["value"], total["generated_t"]) == (0.5, "0.100")
    assert total["notes"] == [f"{B} ledger_starts_2024-03"]


def test_two_late_materials_of_one_firm_are_two_late_ledgers() -> None:
    """Law: with all members late the reason is the start, the earliest one."""
    items = [
        FirmTerms(B, PG, "2024", terms_of(100), late=202403),
        FirmTerms(B, SLAG, "2024", terms_of(100), late=202403),
    ]
    (row,), total = rows_of(items, "enterprise")
    assert row["not_computable"] == total["not_computable"] == "ledger_starts_2024-03"
    mixed = [*items, FirmTerms(C, SLAG, "2024", terms_of(9), late=202402)]
    assert rows_of(mixed)[1]["not_computable"] == "ledger_starts_2024-02"
    coke = [*items, FirmTerms(C, COKE, "2024", terms_of(9))]
    assert rows_of(coke)[1]["not_computable"] == "ledger_starts_2024-03"


def test_a_ledger_without_stated_opening_says_so() -> None:
    item = FirmTerms(A, PG, "2024", terms_of(10), unstated=True)
    assert rows_of([item])[1]["notes"] == ["no_opening_stated"]


# --- what is not known -----------------------------------------------------------------------


def test_one_untraced_firm_makes_the_sum_not_computable_and_shows_no_part_as_the_whole() -> None:
    """Law: unknown + known = unknown, in tonnes, by evidence and in every split."""
    items = [
        FirmTerms(A, PG, "2024", terms_of(100, (USE, Evidence.BOTH, 50))),
        FirmTerms(B, PG, "2024", untraced(100)),
    ]
    rows, total = rows_of(items, "enterprise")
    assert [row["value"] for row in rows] == [0.5, None]
    assert (total["not_computable"], total["utilised_t"]) == (UNTRACED, None)
    assert (total["generated_t"], total["by_evidence"]) == ("0.200", {})
    (park,), _ = rows_of(items, "park,route")
    assert (park["route"], park["value"], park["not_computable"]) == ("", None, UNTRACED)


def test_a_group_that_used_nothing_keeps_its_row_in_a_split() -> None:
    """Law: a firm at 0 % is behind, not absent."""
    (row,), _ = rows_of([FirmTerms(A, PG, "2024", terms_of(100))], "enterprise,route")
    assert (row["enterprise"], row["route"], row["value"]) == (A, "", 0.0)


def test_nothing_at_all_is_not_computable() -> None:
    assert rows_of([], "park")[0] == []
    assert rows_of([])[1]["not_computable"] == "nothing_generated"


def test_above_one_says_so_and_official_reads_the_prior_part() -> None:
    item = FirmTerms(A, PG, "2024", terms_of(100, (USE, Evidence.BOTH, 150), prior=50))
    total = rows_of([item])[1]
    assert (total["value"], total["notes"]) == (1.5, ["above_one"])
    official = rows_of([item], formula="official")[1]
    assert (official["value"], official["notes"]) == (1.0, [])
    assert official["utilised_prior_t"] == "0.050"


@pytest.mark.parametrize("text", ["colour", "park,park", "Park", "month;year", "park,,colour"])
def test_what_is_no_grouping_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_groupings(text)
    assert caught.value.code == "bad_grouping"


def test_groupings_are_a_comma_list() -> None:
    assert parse_groupings(" park , month,") == ("park", "month")
    assert parse_groupings("") == ()
