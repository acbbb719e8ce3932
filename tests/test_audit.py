"""The auditor of published figures: exact bounds, what rounding can hide, published tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wasteflow.core.audit import Audit, Figure, audit_figure, audit_figures
from wasteflow.core.audit_rates import AMOUNTS, RATIOS, Amount, amount_of, match, rate_interval
from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import FORMULAS, Terms
from wasteflow.core.messages import MESSAGES
from wasteflow.core.messages_audit import FORMULA_NAMES

PLACES = 3
HALVES = st.sampled_from((ROUND_HALF_UP, ROUND_HALF_EVEN))
MODES = st.sampled_from((ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN))
thousandths = st.integers(0, 10**8) | st.integers(0, 3000)
true_amounts = st.fixed_dictionaries({name: thousandths for name in AMOUNTS})


def figure_of(
    amounts: Mapping[str, object],
    decimals: int | None = 1,
    rate: str = "",
    rate_decimals: int | None = None,
    **words: str,
) -> Figure:
    """A figure from amounts as printed; the rate's decimals are those of its print."""
    printed = Decimal(rate) if rate else None
    if printed is not None and rate_decimals is None:
        rate_decimals = -int(printed.as_tuple().exponent)
    return Figure(
        id=words.pop("id", "x"),
        amounts={name: Decimal(str(value)) for name, value in amounts.items()},
        decimals=decimals,
        published_rate=printed,
        rate_decimals=rate_decimals,
        **words,
    )


def codes(audit: Audit) -> list[str]:
    """Codes of the findings."""
    return [finding.code for finding in audit.findings]


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
    new = {name: draw(thousandths) for name in ("utilised", "disposed", "stored", "dumped")}
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


@given(sound_books(), st.integers(-2, 3), HALVES, st.sets(st.sampled_from(AMOUNTS)))
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
            assert rate is not None
            assert Fraction(finding.params["official_low"]) - Fraction(1, 100) <= rate * 100
            assert rate * 100 <= Fraction(finding.params["official_high"]) + Fraction(1, 100)


@given(sound_books())
def test_the_formulas_are_those_of_the_ledger(true: dict[str, Fraction]) -> None:
    """Law: exact figures through the auditor give the rates of `core.formulas`."""
    kilograms = {name: int(value * 10**PLACES) for name, value in true.items()}
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


# --- findings --------------------------------------------------------------------------------

BOOKS = {
    "generated": "120.0",
    "utilised": "90.0",
    "utilised_prior": "30.0",
    "disposed": "20.0",
    "disposed_prior": "0.0",
    "stored": "40.0",
    "dumped": "0.0",
}


@pytest.mark.parametrize(
    ("change", "rate", "expected"),
    [
        ({}, "60.0", []),
        ({}, "75.0", ["published_rate_not_official"]),
        ({}, "61.0", ["published_rate_not_reproduced"]),
        ({"stored": "41.0"}, "60.0", ["identity_does_not_close"]),
        ({"stored": "40.3"}, "60.0", []),
        ({"stored": "640.0"}, "60.0", ["identity_does_not_close", "stored_looks_cumulative"]),
        ({"stored": "65.0"}, "60.0", ["identity_does_not_close", "stored_looks_cumulative"]),
        ({"stored": None}, "60.0", []),
        ({"utilised_prior": "91.0"}, "", ["prior_exceeds_utilised", "identity_does_not_close"]),
        ({"utilised_prior": "90.1"}, "", ["identity_does_not_close"]),
        ({"utilised_prior": None}, "", ["prior_stock_implied"]),
        ({"utilised_prior": None, "stored": "640.0"}, "", ["stored_looks_cumulative"]),
        ({"disposed_prior": "21.0"}, "", ["prior_exceeds_disposed", "identity_does_not_close"]),
        (
            {"disposed": "80.0", "utilised_prior": None, "stored": "10.0", "disposed_prior": "5.0"},
            "",
            ["prior_stock_implied"],
        ),
        ({"dumped": None, "disposed": "90.0"}, "", ["parts_exceed_generated"]),
        ({"treated": "18.0"}, "90.0", ["published_rate_not_official", "treated_counted_as_use"]),
        ({}, "91.7", ["published_rate_not_official", "disposal_counted_as_use"]),
    ],
)
def test_findings(change: dict[str, str | None], rate: str, expected: list[str]) -> None:
    amounts = {n: v for n, v in {**BOOKS, **change}.items() if v is not None}
    assert codes(audit_figure(figure_of(amounts, 1, rate))) == expected


def test_more_used_than_generated_needs_its_prior_stock() -> None:
    amounts = {"generated": "100.0", "utilised": "120.0"}
    code = "utilised_exceeds_generated_without_prior"
    assert codes(audit_figure(figure_of(amounts, 1, "120.0"))) == ["rate_above_100", code]
    none = audit_figure(figure_of({**amounts, "utilised_prior": "0.0"}, 1, "120.0"))
    assert codes(none) == ["rate_above_100", code, "parts_exceed_generated"]
    declared = audit_figure(figure_of({**amounts, "utilised_prior": "30.0"}, 1, "92.3"))
    assert (codes(declared), declared.reproduced_by) == ([], ["official"])
    too_few = audit_figure(figure_of({**amounts, "utilised_prior": "5.0"}, 1))
    assert codes(too_few) == ["rate_above_100", "parts_exceed_generated"]
    disposed = audit_figure(figure_of({"generated": "10.0", "disposed": "12.0"}, 1))
    assert codes(disposed) == ["disposed_exceeds_generated_without_prior"]


def test_missing_prior_stock_is_never_taken_as_zero() -> None:
    amounts = {n: v for n, v in BOOKS.items() if "prior" not in n}
    audit = audit_figure(figure_of(amounts, 1, "60.0"))
    for name in ("official", "new_waste", "disposal_inclusive"):
        assert "utilised_prior" in str(audit.rates[name].reason)
    assert audit.residual is None
    assert audit.as_dict()["identity_residual"] is None
    assert "identity_does_not_close" not in codes(audit)


def test_a_rate_with_no_amounts_is_not_testable() -> None:
    audit = audit_figure(figure_of({}, 1, "60.0"))
    assert codes(audit) == ["published_rate_not_testable"]
    assert audit.reproduced_by == []


def test_blank_decimals_are_taken_from_the_print_and_said() -> None:
    amounts = {"generated": "327.00", "utilised": "199"}
    audit = audit_figure(Figure("x", {n: Decimal(v) for n, v in amounts.items()}))
    assert (audit.decimals, codes(audit)) == (2, ["decimals_assumed"])
    assert audit.rates["simple"].low == Fraction(Decimal("198.995")) / Fraction(Decimal("327.005"))


def test_an_id_given_twice_and_a_stock_that_rolls_forward() -> None:
    """90 used of which 30 old, 20 disposed of 120: a closing stock grows by 10, from 50 to 60."""
    before = figure_of({**BOOKS, "stored": "50.0"}, id="a", year="2023", scope="s")
    now = figure_of({**BOOKS, "stored": "60.0"}, id="b", year="2024年", scope="s")
    first, second, third = audit_figures([now, before, now])
    assert "stored_looks_cumulative" in codes(first)
    cumulative = next(f for f in first.findings if f.code == "stored_looks_cumulative")
    assert cumulative.params["previous"] == "a"
    assert "“a”" in cumulative.text("en") and "“a”" in cumulative.text("zh")
    assert codes(second) == ["identity_does_not_close"]
    assert codes(third)[0] == "figure_id_repeated"
    # Two figures of the year before: none of them is taken.
    again = audit_figures([before, before, figure_of({**BOOKS, "stored": "55.0"}, year="2024")])
    assert "stored_looks_cumulative" not in codes(again[2])


def test_bad_figures_are_refused() -> None:
    with pytest.raises(InvalidValue, match="number of 0 or more"):
        figure_of({"generated": "-1"})
    with pytest.raises(InvalidValue, match="whole number"):
        figure_of({"generated": "1"}, 16)


def test_every_formula_and_finding_is_worded() -> None:
    assert list(FORMULA_NAMES) == list(RATIOS)
    amounts = {**BOOKS, "stored": "640.05", "utilised": "130", "utilised_prior": "140"}
    for finding in audit_figure(figure_of(amounts, 1, "160.00")).findings:
        assert finding.code in MESSAGES
        for lang in ("zh", "en"):
            assert "?" not in finding.text(lang) and "？" not in finding.text(lang)


# --- published numbers -----------------------------------------------------------------------


def test_published_2003_national_rate_is_the_simple_one() -> None:
    """2003年中国环境状况公报, 万吨: 100428, used 56040, disposed 17751, stored 27667, discharged
    1941; "综合利用率为55.8%", with the note that used and disposed contain prior stock."""
    amounts = {"generated": 100428, "utilised": 56040, "disposed": 17751, "stored": 27667}
    audit = audit_figure(figure_of({**amounts, "dumped": 1941}, 0, "55.8"))
    assert audit.reproduced_by == ["simple"]
    assert codes(audit) == ["prior_stock_implied"]
    assert audit.findings[0].params["low"] == "2968.5"
    assert audit.findings[0].params["official_low"] == "54.19"


@pytest.mark.parametrize(
    ("generated", "utilised", "disposed", "stored", "shares"),
    [
        ("19.1", "11.8", "4.4", "3.4", ("60.2", "22.5", "17.3")),
        ("14.8", "8.6", "3.8", "5.5", ("48.0", "21.2", "30.7")),
    ],
)
def test_published_city_shares_are_shares_of_fate(
    generated: str, utilised: str, disposed: str, stored: str, shares: tuple[str, str, str]
) -> None:
    """2016 and 2017年全国大、中城市固体废物污染环境防治年报, 亿吨, dumped 17.0 and 11.7 万吨:
    "综合利用量占利用处置总量的60.2%" and 48.0 %; the shares of disposed and stored beside it."""
    amounts = {"generated": generated, "utilised": utilised, "disposed": disposed}
    audit = audit_figure(figure_of({**amounts, "stored": stored, "dumped": "0.0"}, 1, shares[0]))
    assert audit.reproduced_by == ["fate_share"]
    for share, (one, two) in zip(
        shares[1:], [("disposed", "utilised"), ("stored", "disposed")], strict=True
    ):
        swapped = {"utilised": disposed if one == "disposed" else stored}
        rest = {"disposed": utilised, "stored": stored if two == "utilised" else disposed}
        other = audit_figure(figure_of({**swapped, **rest, "dumped": "0.0"}, 1, share))
        assert other.reproduced_by == ["fate_share"]


def test_published_2012_hazardous_rate_needs_the_prior_stock_it_does_not_print() -> None:
    """2012 national report, hazardous waste, 万吨: 3465.2, used 2004.6, disposed 698.2, stored
    846.9, dumped 16.1 t; "处置利用率为76.1%".  The fates exceed generated by 84.5: with that below
    the line the rate is 76.1."""
    amounts = {"generated": "3465.2", "utilised": "2004.6", "disposed": "698.2"}
    printed = {**amounts, "stored": "846.9", "dumped": "0.0"}
    audit = audit_figure(figure_of(printed, 1, "76.1"))
    assert audit.reproduced_by == []
    assert codes(audit) == ["prior_stock_implied", "published_rate_not_reproduced"]
    assert (audit.findings[0].params["low"], audit.findings[0].params["high"]) == ("84.3", "84.75")
    assume_split = {"utilised_prior": "50.0", "disposed_prior": "34.5"}
    full = audit_figure(figure_of({**printed, **assume_split}, 1, "76.1"))
    assert full.reproduced_by == ["disposal_inclusive"]


@pytest.mark.parametrize(
    ("generated", "utilised", "prior", "rate"),
    [
        ("9.6", "2.7", "0.03141", "28.5"),
        ("4.4", "3.8", "0.03533", "86.4"),
        ("8.8", "2.4", "0.11516", "27.1"),
        ("5.3", "4.0", "0.03205", "74.9"),
        ("3.5", "1.9", "0.03808", "53.7"),
        ("3.7", "3.3", "0.04919", "88.7"),
    ],
)
def test_published_bulk_waste_rates_agree_with_the_official_formula(
    generated: str, utilised: str, prior: str, rate: str
) -> None:
    """2016 and 2019年全国大、中城市固体废物污染环境防治年报, 亿吨, prior stock printed in 万吨:
    tailings and fly ash 2015; tailings, fly ash, coal gangue and smelting slag 2018."""
    amounts = {"generated": generated, "utilised": utilised, "utilised_prior": prior}
    audit = audit_figure(figure_of(amounts, 1, rate))
    assert "official" in audit.reproduced_by
    assert codes(audit) == ["more_decimals_than_stated"]


def test_published_2016_coal_gypsum_of_us_power_plants() -> None:
    """EIA-923 schedule 8A, 2016, FGD gypsum, t: official 47.9192 %, simple 48.0427 %, share of fate
    47.9192 %, disposal-inclusive without prior stock 98.3081 %; the identity closes to the kilo."""
    amounts = {
        "generated": "28863443.281",
        "utilised": "13866772.345",
        "utilised_prior": "74389.148",
        "disposed": "14508333.391",
        "disposed_prior": "0.000",
        "stored": "562726.692",
        "dumped": "0.000",
    }
    audit = audit_figure(figure_of(amounts, 3, "47.9192"))
    assert audit.reproduced_by == ["official", "fate_share"]
    rates = audit.as_dict()["rates"]
    assert round(rates["simple"]["value"] * 100, 4) == 48.0427
    assert round(rates["disposal_inclusive_simple"]["value"] * 100, 4) == 98.3081
    assert audit.residual is not None and abs(audit.residual.value) <= Fraction(1, 500)
    assert codes(audit) == []


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_an_amount_printed_exactly_still_has_its_interval(over: int, under: int) -> None:
    assume(over)
    rate = audit_figure(figure_of({"generated": under, "utilised": over}, 0)).rates["simple"]
    assert rate.value is not None and rate.low is not None and rate.high is not None
    assert rate.low < rate.value < rate.high
