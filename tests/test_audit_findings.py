"""Findings on published figures, and published tables tried against the auditor."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.audit_samples import codes, figure_of
from wasteflow.core.audit import Figure, audit_figure, audit_figures
from wasteflow.core.audit_rates import RATIOS
from wasteflow.core.errors import InvalidValue
from wasteflow.core.messages import MESSAGES
from wasteflow.core.messages_audit import FORMULA_NAMES

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


def test_an_implied_prior_stock_beside_nothing_generated_divides_by_nothing() -> None:
    amounts = {"generated": 0, "utilised": 0, "disposed": "0.002", "stored": 0, "dumped": 0}
    audit = audit_figure(figure_of(amounts, 3))
    assert codes(audit) == ["disposed_exceeds_generated_without_prior", "prior_stock_implied"]
    assert audit.findings[1].params["official_high"] == "100"


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
