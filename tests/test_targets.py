"""Targets held against the books: status, projection, red, gap, pace, trajectory, rows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wasteflow.core.formulas import FORMULAS, Terms
from wasteflow.core.registry import Material, Registry, Target
from wasteflow.core.target_values import RATE_TERMS, Standing, projected_terms, sum_of, value_of
from wasteflow.core.targets import (
    evaluate,
    is_reference,
    last_year_period,
    measured_year,
    months_needed,
    target_materials,
    target_row,
    to_date_period,
)

FIRM = Target(
    "tgt.x", "enterprise:ent.x", ("pg",), "official", ">=", "0.75", "fraction", 2026, source="S2"
)
JULY = 202607


def terms(generated: int, used: int, **more: Any) -> Terms:
    """Terms in tonnes; what is not used is stored."""
    prior = more.pop("prior", 0)
    values: dict[str, Any] = {
        "stored_kg": (generated - used + prior) * 1000,
        "utilised_prior_kg": prior * 1000,
    }
    values |= {"generated_kg": generated * 1000, "utilised_kg": used * 1000}
    return Terms(**{**values, **more})


def at(month: int, to_date: Terms | None, year: Terms | None = None, **more: Any) -> Standing:
    return Standing(month, to_date, year, **more)


def row(target: Target, *standings: Standing, as_of: int = JULY, **more: Any) -> dict[str, Any]:
    return target_row(evaluate(target, {s.month: s for s in standings}, as_of=as_of, **more))


# --- the ladder ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "used_last_year", "status"),
    [
        (560, 900, "met"),  # 80 % now, (560 + 375) / 1200 at the end
        (500, 960, "on_course"),  # 71 % now, (500 + 400) / 1200 = 75 % to the kilogram
        (500, 816, "at_risk"),  # (500 + 340) / 1200 = 70 %: 5 points short, the very edge
        (500, 813, "behind"),
        (560, 600, "at_risk"),  # reached now, 67.5 % at the end
    ],
)
def test_status_of_a_rate_in_the_middle_of_the_year(
    used: int, used_last_year: int, status: str
) -> None:
    standing = at(JULY, terms(700, used), terms(1200, used_last_year))
    assert row(FIRM, standing)["status"] == status


def test_projection_gap_and_pace_to_the_digit() -> None:
    """July, 500 of 700 t used; the last 12 months 1,200 t and 720 t used: 5 months bring 300 t."""
    found = row(FIRM, at(JULY, terms(700, 500), terms(1200, 720)))
    assert found["actual"] == round(500 / 700, 9)
    assert found["projected"] == round(800 / 1200, 9)
    assert found["status"] == "behind" and found["red"] is False
    assert found["gap_t"] == "100.000"  # 0.75 · 1,200 - 800
    assert found["needed_pace_t_per_month"] == "80.000"  # (900 - 500) / 5
    assert (found["measured"], found["year"], found["target"]) == ("2026-01..2026-07", 2026, 0.75)


def test_young_books_go_on_at_the_pace_of_the_year_so_far() -> None:
    found = row(FIRM, at(JULY, terms(700, 500)))
    assert found["projected"] == found["actual"] == round(500 / 700, 9)
    assert found["status"] == "at_risk"
    assert found["gap_t"] == "42.858"  # (0.75 - 5/7) · 1,200 t, up to the kilogram
    amount = replace(FIRM, metric="utilised_amount", value="800", unit="t/a")
    assert row(amount, at(JULY, terms(700, 500)))["projected"] == "857.143"


def test_prior_stock_stands_below_the_line_of_the_projection() -> None:
    standing = at(JULY, terms(700, 500, prior=100), terms(1200, 840, prior=240))
    found = row(FIRM, standing)
    assert found["projected"] == round((500 + 350) / (1200 + 200), 9)
    assert found["gap_t"] == "200.000"  # 0.75 · 1,400 - 850


@pytest.mark.parametrize("months", [(True, True), (True, False), (False, True)])
def test_red_only_after_two_months_running(months: tuple[bool, bool]) -> None:
    before, now = (terms(600, 300 if behind else 500) for behind in months)
    found = row(FIRM, at(JULY, now), at(202606, before))
    assert (found["status"] == "behind") is months[1]
    assert found["red"] is all(months)


def test_january_is_never_red_and_a_year_that_is_over_is_at_once() -> None:
    assert row(FIRM, at(202601, terms(100, 10)), as_of=202601)["red"] is False
    december = at(202612, terms(1200, 880))
    over = row(FIRM, december, at(202611, terms(1100, 880)), as_of=202612)
    assert (over["status"], over["red"]) == ("behind", False)  # 73 %: no risk any more, missed
    assert over["projected"] == over["actual"] and over["gap_t"] == "20.000"
    assert over["needed_pace_t_per_month"] is None
    later = row(FIRM, december, as_of=202702)
    assert (later["status"], later["red"], later["measured"]) == ("behind", True, "2026")
    assert row(FIRM, at(202612, terms(1200, 900)), as_of=202702)["status"] == "met"


def test_a_target_met_already_has_no_gap() -> None:
    found = row(FIRM, at(JULY, terms(700, 700), terms(1200, 1200)))
    assert (found["status"], found["gap_t"]) == ("met", "0.000")
    assert found["needed_pace_t_per_month"] == "40.000"  # (900 - 700) / 5 to keep it


# --- amounts, ceilings, keep -----------------------------------------------------------------


AMOUNT = replace(FIRM, metric="utilised_amount", value="0.1", unit="万吨/a")


def test_utilised_amount() -> None:
    found = row(AMOUNT, at(JULY, terms(700, 500), terms(1200, 1080)))
    assert (found["target"], found["actual"]) == ("1000.000", "500.000")
    assert (found["projected"], found["status"]) == ("950.000", "at_risk")  # 5 % short: the edge
    assert (found["gap_t"], found["needed_pace_t_per_month"]) == ("50.000", "100.000")
    assert row(AMOUNT, at(JULY, terms(700, 500), terms(1200, 1079)))["status"] == "behind"
    assert row(AMOUNT, at(JULY, terms(700, 1000), terms(1200, 0)))["status"] == "met"


STOCK = replace(FIRM, metric="net_new_stock", operator="<=", value="0", unit="t")


def test_net_new_stock_must_fall_to_zero() -> None:
    """The stock grew by 20 t until July; the last 12 months drew 100 t down."""
    falling = terms(1200, 1300, prior=100)
    found = row(STOCK, at(JULY, terms(700, 680, prior=0), falling))
    assert (found["actual"], found["status"]) == ("20.000", "on_course")
    assert found["projected"] == f"{20 - 500 / 12:.3f}"
    assert found["needed_pace_t_per_month"] == "-4.000"  # at most: the stock must shrink
    growing = row(STOCK, at(JULY, terms(700, 680), terms(1200, 1120)))
    assert (growing["projected"], growing["status"]) == ("53.333", "at_risk")  # 5 % of 1,200 t = 60
    assert growing["gap_t"] == "53.334"
    worse = row(STOCK, at(JULY, terms(700, 680), terms(1200, 1100)))
    assert worse["status"] == "behind"
    # kept = not worse than: for a stock that is a ceiling
    keep = replace(STOCK, operator="keep")
    assert row(keep, at(JULY, terms(700, 700), falling))["status"] == "met"


def test_unknown_stored_is_no_zero() -> None:
    found = row(STOCK, at(JULY, terms(700, 680, stored_kg=None)))
    assert (found["status"], found["actual"], found["reason"]) == (
        None, None, "prior_stock_untraced",
    )  # fmt: skip


def test_keep_is_not_worse_than_its_value_or_the_baseline() -> None:
    keep = replace(FIRM, operator="keep", value="0.95")
    assert row(keep, at(JULY, terms(700, 665)))["status"] == "met"
    assert row(keep, at(JULY, terms(700, 650)))["status"] == "at_risk"
    base = replace(keep, value="", baseline_year=2024, baseline_value="0.9")
    assert row(base, at(JULY, terms(700, 630)))["target"] == 0.9
    assert row(base, at(JULY, terms(700, 630)))["status"] == "met"
    later = replace(keep, year=2028)
    assert row(later, at(JULY, terms(700, 665)))["status"] == "met"  # it holds every year


# --- what is not judged ----------------------------------------------------------------------


def test_a_target_wider_than_the_books_is_a_reference_line() -> None:
    nation = replace(FIRM, scope="all")
    found = row(nation, at(JULY, terms(700, 500)))
    assert found["reference_line"] is True and found["reason"] == "reference_line"
    assert (found["status"], found["red"], found["gap_t"]) == (None, False, None)
    assert found["actual"] == round(500 / 700, 9) and found["needed_pace_t_per_month"] is None
    whole = replace(nation, coverage_complete=True)
    assert row(whole, at(JULY, terms(700, 500)))["status"] == "at_risk"
    assert not is_reference(FIRM) and is_reference(replace(FIRM, scope="park:p"))
    assert row(replace(FIRM, scope="park:p"), at(JULY, terms(700, 500)), covered=True)["status"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "qualitative", "operator": "", "value": ""}, "qualitative"),
        ({"value": ""}, "no_target_value"),
        ({"value": "75"}, "bad_target_value"),
        ({"value": "0.75", "unit": "furlong"}, "bad_target_value"),
        ({"year": 2027}, "year_not_begun"),
    ],
)
def test_what_cannot_be_judged_says_why(change: dict[str, Any], reason: str) -> None:
    found = row(replace(FIRM, **change), at(JULY, terms(700, 500)))
    assert (found["status"], found["reason"], found["red"]) == (None, reason, False)
    assert found["reference_line"] is False


def test_percent_is_read_as_percent() -> None:
    assert row(replace(FIRM, value="75", unit="%"), at(JULY, terms(700, 500)))["target"] == 0.75


def test_nothing_known_nothing_generated() -> None:
    assert row(FIRM)["reason"] == "no_data"
    late = at(JULY, None, reason="ledger_starts_2026-03")
    assert row(FIRM, late)["reason"] == "ledger_starts_2026-03"
    none = row(FIRM, at(JULY, terms(0, 0)))
    assert (none["actual"], none["status"], none["reason"]) == (None, None, "nothing_generated")
    untraced = row(FIRM, at(JULY, terms(10, 5, utilised_kg=None, reason="attribution_untraced")))
    assert (untraced["status"], untraced["reason"]) == (None, "attribution_untraced")


def test_a_shutdown_at_the_start_is_judged_by_the_projection() -> None:
    found = row(FIRM, at(202601, terms(0, 0), terms(1200, 960)), as_of=202601)
    assert (found["actual"], found["status"]) == (None, "on_course")
    assert found["reason"] == "nothing_generated" and found["projected"] == 0.8


# --- trajectory ------------------------------------------------------------------------------


def test_a_later_year_is_held_against_the_line_from_the_baseline() -> None:
    far = replace(FIRM, value="0.60", year=2030, baseline_year=2020, baseline_value="0.50")
    found = row(far, at(JULY, terms(700, 406)))
    assert [point["value"] for point in found["trajectory"]] == pytest.approx(
        [0.50 + 0.01 * step for step in range(11)]
    )
    assert found["milestone"] == 0.56 and found["status"] == "met"  # 58 % on the way to 60 %
    assert row(far, at(JULY, terms(700, 350)))["status"] == "behind"  # 50 %: 6 points off the line
    ended = replace(far, year=2026)
    assert row(ended, at(JULY, terms(700, 406)))["milestone"] is None


def test_months_and_periods_a_caller_needs() -> None:
    assert months_needed(FIRM, 202601) == (202601,)
    assert measured_year(replace(FIRM, year=None), JULY) == 2026
    assert measured_year(replace(FIRM, year=2025), JULY) == 2025
    assert (to_date_period(JULY).text, to_date_period(202612).text) == ("2026-01..2026-07", "2026")
    assert last_year_period(JULY).text == "2025-08..2026-07"
    stuff = {"pg": Material("pg", "", ""), "pc": Material("pc", "", "", is_waste=False)}
    assert target_materials(replace(FIRM, materials=("*",)), Registry(materials=stuff)) == {"pg"}
    assert target_materials(FIRM, Registry(materials=stuff)) == {"pg"}


# --- rows and laws ---------------------------------------------------------------------------

CONTRACT = """
code scope metric operator target year actual projected status red gap_t needed_pace_t_per_month
reference_line source
"""


def test_a_row_has_the_keys_of_the_contract_and_verified_beside() -> None:
    declared = evaluate(FIRM, {JULY: at(JULY, terms(700, 630))}, as_of=JULY)
    verified = evaluate(FIRM, {JULY: at(JULY, terms(700, 350))}, as_of=JULY)
    found = target_row(declared, verified)
    assert [key for key in found if key in CONTRACT.split()] == CONTRACT.split()
    assert (found["status"], found["actual"]) == ("met", 0.9)
    assert (found["verified_status"], found["verified_actual"]) == ("behind", 0.5)
    assert row(replace(FIRM, metric="qualitative", operator=""))["operator"] is None


kilograms = st.integers(0, 10**9)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    generated, prior = draw(kilograms), draw(kilograms)
    used = draw(st.integers(0, generated + prior))
    used_prior = max(0, used - draw(st.integers(0, generated)))
    used_prior = min(used_prior, prior)
    rest = generated - (used - used_prior) if used - used_prior <= generated else 0
    return Terms(
        generated_kg=generated,
        utilised_kg=used,
        utilised_prior_kg=used_prior,
        stored_kg=rest,
        disposed_kg=draw(kilograms),
        disposed_prior_kg=draw(kilograms),
        dumped_kg=draw(kilograms),
        treated_kg=draw(kilograms),
    )


@given(any_terms(), any_terms(), st.integers(1, 12))
def test_the_terms_above_and_below_the_line_are_those_of_the_formulas(
    to_date: Terms, year: Terms, month: int
) -> None:
    whole, times = projected_terms(at(202600 + month, to_date, year))
    assert set(RATE_TERMS) == set(FORMULAS)
    for metric in sorted(FORMULAS):
        above, below = RATE_TERMS[metric]
        rate = value_of(metric, whole, times).value
        if rate is not None:
            assert rate * sum_of(whole, below) == sum_of(whole, above)
    left = 12 - month
    expected = Fraction(to_date.generated_kg) + Fraction(year.generated_kg * left, 12)
    assert Fraction(whole.generated_kg, times) == expected


@given(any_terms(), any_terms(), st.integers(1, 11), st.integers(1, 100))
def test_using_the_gap_reaches_the_target(
    to_date: Terms, year: Terms, month: int, pct: int
) -> None:
    """Gap and needed pace are what they say: with them added, the year ends at the target."""
    as_of = 202600 + month
    target = replace(FIRM, value=str(pct / 100), metric="simple")
    verdict = evaluate(target, {as_of: at(as_of, to_date, year)}, as_of=as_of)
    if verdict.status is None or verdict.gap_kg is None or verdict.needed_pace_kg is None:
        assert verdict.reason
        return
    whole, times = projected_terms(at(as_of, to_date, year))
    generated = Fraction(whole.generated_kg, times)
    used = Fraction(whole.utilised_kg or 0, times)
    assert used + verdict.gap_kg >= Fraction(pct, 100) * generated
    assert (verdict.gap_kg == 0) == (verdict.projected is not None and verdict.goal is not None
                                     and verdict.projected >= verdict.goal)  # fmt: skip
    so_far = to_date.utilised_kg or 0
    assert so_far + verdict.needed_pace_kg * (12 - month) >= Fraction(pct, 100) * generated
    if verdict.status in ("met", "on_course"):
        assert verdict.projected is not None and verdict.goal is not None
        assert verdict.projected >= verdict.goal
