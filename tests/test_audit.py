"""The auditor's rates: exact bounds over what rounding hides, rounded and truncated prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.audit_samples import codes, figure_of
from wasteflow.core.audit import audit_figure
from wasteflow.core.audit_rates import AMOUNTS, RATIOS, Amount, amount_of, match, rate_interval
from wasteflow.core.formulas import FORMULAS, Terms

PLACES = 3
HALVES = st.sampled_from((ROUND_HALF_UP, ROUND_HALF_EVEN))
MODES = st.sampled_from((ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN))
thousandths = st.integers(0, 10**8) | st.integers(0, 3000)
true_amounts = st.fixed_dictionaries({name: thousandths for name in AMOUNTS})


def exact(name: str, amounts: Mapping[str, Fraction]) -> Fraction | None:
    """The formula by its definition, None where the denominator is 0."""
    ratio = RATIOS[name]
    under = sum((amounts[column] for column in ratio.under), Fraction(0))
    over = sum((sign * amounts[column] for column, sign in ratio.over.items()), Fraction(0))
    return over / under if under else None


def rounded(value: Fraction, decimals: int, mode: str) -> Decimal:
    """`value` rounded exactly to `decimals` decimals."""
    scaled = value * Fraction(10) ** decimals
    below, rest = divmod(scaled.numerator, scaled.denominator)
    twice = Fraction(2 * rest, scaled.denominator)
    up = twice > 1 or (twice == 1 and (mode == ROUND_HALF_UP or below % 2 == 1))
    return Decimal(below + (up and mode != ROUND_DOWN)).scaleb(-decimals)


# --- laws ------------------------------------------------------------------------------------


@given(true_amounts, st.integers(-2, 3), HALVES)
def test_the_interval_holds_the_true_rate_of_amounts_that_round_to_the_printed(
    amounts: dict[str, int], decimals: int, mode: str
) -> None:
    """Law: low ≤ F(true) ≤ high for every formula and every amounts behind the print."""
    true = {name: Fraction(value, 10**PLACES) for name, value in amounts.items()}
    audit = audit_figure(
        figure_of({n: rounded(v, decimals, mode) for n, v in true.items()}, decimals)
    )
    for name, rate in audit.rates.items():
        value = exact(name, true)
        if rate.value is None or value is None:
            continue
        assert rate.low is None or rate.low <= value, name
        assert rate.high is None or value <= rate.high, name


@given(true_amounts, st.integers(-1, 2), st.integers(-1, 3), HALVES, MODES)
def test_a_rate_computed_by_a_formula_is_reproduced_by_it(
    amounts: dict[str, int], decimals: int, rate_decimals: int, half: str, mode: str
) -> None:
    """Law: a rate by F from amounts within rounding, rounded or truncated, is reproduced by F."""
    true = {name: Fraction(value, 10**PLACES) for name, value in amounts.items()}
    printed = {n: rounded(v, decimals, half) for n, v in true.items()}
    for name in RATIOS:
        value = exact(name, true)
        if value is None or value < 0:
            continue
        rate = format(rounded(value * 100, rate_decimals, mode), "f")
        audit = audit_figure(figure_of(printed, decimals, rate, rate_decimals))
        if audit.rates[name].value is not None:
            assert name in audit.reproduced_by


def corners(name: str, amounts: Mapping[str, Amount]) -> Iterator[Fraction]:
    """The formula at every corner of the box, one value per amount (a ratio of linear functions
    has its extremes there)."""
    columns = RATIOS[name].columns
    for ends in product(*((amounts[column].low, amounts[column].high) for column in columns)):
        value = exact(name, dict(zip(columns, ends, strict=True)))
        if value is not None:
            yield value


@given(true_amounts, st.integers(0, 3))
def test_the_bounds_are_the_extremes_over_all_corners(
    amounts: dict[str, int], decimals: int
) -> None:
    """Correlated terms too: utilised above and below the line is one amount, not two."""
    boxes = {
        name: amount_of(rounded(Fraction(value, 1000), decimals, ROUND_HALF_UP), decimals)
        for name, value in amounts.items()
    }
    for name, ratio in RATIOS.items():
        rate = rate_interval(ratio, boxes)
        if rate.value is not None:
            values = list(corners(name, boxes))
            assert rate.low in (None, min(values))
            assert rate.high in (None, max(values))
            unbounded = not sum(boxes[column].low for column in ratio.under)
            assert unbounded or (rate.low is not None and rate.high is not None)


@st.composite
def sound_books(draw: st.DrawFn) -> dict[str, Fraction]:
    """True amounts that obey every rule: the identity closes, priors are parts of their totals."""
    fates = ("utilised", "disposed", "stored", "dumped", "other")
    new = {name: draw(thousandths) for name in fates}
    prior = {name: draw(thousandths) for name in ("utilised", "disposed")}
    amounts = {
        **new,
        "generated": sum(new.values()),
        "utilised": new["utilised"] + prior["utilised"],
        "utilised_prior": prior["utilised"],
        "disposed": new["disposed"] + prior["disposed"],
        "disposed_prior": prior["disposed"],
        "treated": draw(thousandths),
    }
    return {name: Fraction(value, 10**PLACES) for name, value in amounts.items()}


CAN_BE_BLANK = [name for name in AMOUNTS if name != "other"]
"""Without its column of other fates a table with some does not close, and is told so."""


@given(sound_books(), st.integers(-2, 3), HALVES, st.sets(st.sampled_from(CAN_BE_BLANK)))
def test_sound_books_are_never_accused_whatever_is_rounded_or_left_out(
    true: dict[str, Fraction], decimals: int, mode: str, blank: set[str]
) -> None:
    printed = {n: rounded(v, decimals, mode) for n, v in true.items() if n not in blank}
    audit = audit_figure(figure_of(printed, decimals))
    allowed = {"prior_stock_implied"}
    if true["utilised"] > true["generated"] and printed.get("utilised_prior", 0) == 0:
        allowed.add("utilised_exceeds_generated_without_prior")
    if true["disposed"] > true["generated"] and printed.get("disposed_prior", 0) == 0:
        allowed.add("disposed_exceeds_generated_without_prior")
    assert set(codes(audit)) <= allowed
    if audit.residual is not None:
        assert audit.residual.low <= 0 <= audit.residual.high


@given(sound_books(), st.integers(-1, 3), HALVES)
def test_the_implied_prior_stock_brackets_the_true_one_and_the_official_rate(
    true: dict[str, Fraction], decimals: int, mode: str
) -> None:
    printed = {n: rounded(v, decimals, mode) for n, v in true.items() if "prior" not in n}
    for finding in audit_figure(figure_of(printed, decimals)).findings:
        if finding.code == "prior_stock_implied":
            slack = Fraction(1, 10**6)
            prior = true["utilised_prior"] + true["disposed_prior"]
            low, high = Fraction(finding.params["low"]), Fraction(finding.params["high"])
            assert low - slack <= prior <= high + slack
            rate = exact("official", true)
            if rate is None:
                continue
            assert Fraction(finding.params["official_low"]) <= rate * 100
            assert rate * 100 <= Fraction(finding.params["official_high"])


@given(sound_books())
def test_the_formulas_are_those_of_the_ledger(true: dict[str, Fraction]) -> None:
    """Law: exact figures through the auditor give the rates of `core.formulas`."""
    kilograms = {n: int(value * 10**PLACES) for n, value in true.items() if n != "other"}
    terms = Terms()
    for name, kg in kilograms.items():
        setattr(terms, f"{name}_kg", kg)
    boxes = {name: amount_of(Decimal(kg), 15) for name, kg in kilograms.items()}
    assert {"official", "simple"} <= set(FORMULAS) & set(RATIOS)
    for name in ("official", "simple"):
        assert rate_interval(RATIOS[name], boxes).value == FORMULAS[name](terms).value


@given(true_amounts, st.integers(-1, 3))
def test_json_bounds_never_cut_the_interval(amounts: dict[str, int], decimals: int) -> None:
    audit = audit_figure(figure_of({n: Decimal(v) / 1000 for n, v in amounts.items()}, decimals))
    for name, shown in audit.as_dict()["rates"].items():
        rate = audit.rates[name]
        if "not_computable" not in shown:
            assert rate.value is not None
            slack = Fraction(1, 10**11) * (1 + abs(rate.value))
            assert abs(Fraction(shown["value"]) - rate.value) <= slack
            ends = ((rate.low, shown["low"], 1), (rate.high, shown["high"], -1))
            for exact_end, number, side in ends:
                if exact_end is None:
                    assert number is None
                else:
                    outwards = side * (exact_end - Fraction(number))
                    assert -slack / 10**3 <= outwards <= slack


# --- rounding, by hand -----------------------------------------------------------------------


def test_bounds_by_hand() -> None:
    """G 10 ± 0.5, U 6 ± 0.5, prior 2 ± 0.5, other fates 4 ± 0.5 (stored) and 0 … 0.5 (dumped)."""
    amounts = {"generated": 10, "utilised": 6, "utilised_prior": 2, "stored": 4, "disposed": 2}
    rates = audit_figure(figure_of({**amounts, "dumped": 0, "disposed_prior": 2}, 0)).rates
    expected = {
        "official": ("6/12", "5.5/13", "6.5/11"),
        "simple": ("6/10", "5.5/10.5", "6.5/9.5"),
        "new_waste": ("4/10", "3/10.5", "5/9.5"),
        "fate_share": ("6/12", "5.5/13", "6.5/11.5"),
        "disposal_inclusive": ("8/14", "7/15.5", "9/12.5"),
        "disposal_inclusive_simple": ("8/10", "7/10.5", "9/9.5"),
    }
    for name, texts in expected.items():
        found = (rates[name].value, rates[name].low, rates[name].high)
        assert found == tuple(
            Fraction(Decimal(over)) / Fraction(Decimal(under))
            for over, under in (text.split("/") for text in texts)
        ), name


def test_a_negative_new_waste_rate_turns_the_denominator_round() -> None:
    """(U - prior) / G with U 2, prior 6: least at (1.5 - 6.5) / 9.5, most at (2.5 - 5.5) / 10.5."""
    audit = audit_figure(figure_of({"generated": 10, "utilised": 2, "utilised_prior": 6}, 0))
    rate = audit.rates["new_waste"]
    assert (rate.low, rate.high) == (Fraction(-10, 19), Fraction(-2, 7))
    assert codes(audit) == ["prior_exceeds_utilised"]


def test_the_share_of_fate_of_one_fate_is_exactly_one() -> None:
    """The same amount above and below is no two independent ones: 5/5 is at most 1."""
    amounts = {"utilised": 5, "disposed": 0, "stored": 0, "dumped": 0}
    rate = audit_figure(figure_of(amounts, 0)).rates["fate_share"]
    assert (rate.value, rate.high) == (Fraction(1), Fraction(1))
    assert rate.low == Fraction(9, 12)


def test_a_denominator_that_may_be_nothing_leaves_no_upper_bound() -> None:
    audit = audit_figure(figure_of({"generated": "0.3", "utilised": "0.4"}, 0, "133.3"))
    assert audit.rates["simple"].low == Fraction(0)
    assert audit.rates["simple"].high is None
    assert audit.as_dict()["rates"]["simple"]["high"] is None
    assert audit.reproduced_by == ["simple"]
    assert "more_decimals_than_stated" in codes(audit)


def test_nothing_generated_has_no_rate() -> None:
    rates = audit_figure(figure_of({"generated": 0, "utilised": 0}, 0)).rates
    assert rates["simple"].reason == "zero_denominator"


@pytest.mark.parametrize(
    ("utilised", "rate", "how"),
    [
        (666666, "66.7", "rounded"),
        (666666, "66.6", "truncated"),
        (666666, "66.8", ""),
        (666666, "66.66", "truncated"),
        (602500, "60.2", "rounded"),  # half to even
        (602500, "60.3", "rounded"),  # half up
        (603500, "60.3", "truncated"),  # half to even and half up both give 60.4
        (603500, "60.4", "rounded"),
        (600000, "60", "rounded"),
    ],
)
def test_rounded_half_up_half_even_and_truncated(utilised: int, rate: str, how: str) -> None:
    exact_rate = rate_interval(
        RATIOS["simple"],
        {
            "generated": Amount(*[Fraction(10**6)] * 3),
            "utilised": Amount(*[Fraction(utilised)] * 3),
        },
    )
    printed = Decimal(rate)
    assert match(exact_rate, printed, -int(printed.as_tuple().exponent)) == how


def test_a_truncated_rate_is_said_to_be_truncated() -> None:
    audit = audit_figure(figure_of({"generated": "300.00", "utilised": "200.00"}, 2, "66.6"))
    assert audit.matches["simple"] == "truncated"
    assert codes(audit) == ["published_rate_truncated"]


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_an_amount_printed_exactly_still_has_its_interval(over: int, under: int) -> None:
    assume(over)
    rate = audit_figure(figure_of({"generated": under, "utilised": over}, 0)).rates["simple"]
    assert rate.value is not None and rate.low is not None and rate.high is not None
    assert rate.low < rate.value < rate.high
