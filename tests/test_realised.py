"""Realised links and break-even distances: exact small books, gaps named, laws on random rows."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_symbiosis import PG, coefficient
from wasteflow.core.books import MonthFlows, Names
from wasteflow.core.coefficients import Coefficient
from wasteflow.core.periods import Period
from wasteflow.core.places import OUTSIDE, Place, PlaceKind, site, transit
from wasteflow.core.registry import Enterprise, Facility, Material, Park, Registry, Route
from wasteflow.core.symbiosis.prices import Prices
from wasteflow.core.symbiosis.radius import break_even
from wasteflow.core.symbiosis.realised import Exchange, realised_links
from wasteflow.core.symbiosis.realised_rows import Setting, masked, realised_row, totals
from wasteflow.core.vocabulary import Evidence

A, B, C = "ent.a", "ent.b", "ent.c"
Row = tuple[int, Place, Place, Evidence, int]
"""Month, from, to, evidence, kilograms."""


def exchange_of(rows: list[Row], period: str) -> Exchange:
    places = sorted({place for row in rows for place in row[1:3]})
    names = Names(places, [PG], ["use"])
    months = []
    for month in sorted({row[0] for row in rows}):
        part = [row for row in rows if row[0] == month]
        source = [places.index(row[1]) for row in part]
        target = [places.index(row[2]) for row in part]
        grades, masses = [int(row[3]) for row in part], [row[4] for row in part]
        columns = np.array([source, target, [0] * len(part), grades, masses, [1] * len(part)])
        months.append(MonthFlows(month, 0, *columns.astype(np.int64)))
    return realised_links(names, months, Period.parse(period))


def load(month: int, giver: str, taker: str, kg: int, grade: Evidence = Evidence.BOTH) -> Row:
    return month, transit(giver, taker), site(taker), grade, kg


def made(month: int, firm: str, kg: int) -> Row:
    return month, Place(PlaceKind.GENERATION), site(firm), Evidence.ONE_SIDED, kg


BOOKS = [
    made(202601, A, 9_000),
    load(202601, A, B, 2_000),
    load(202602, A, B, 1_000, Evidence.IMPORTED),
    load(202602, C, B, 1_000),
    load(202602, A, A, 700),  # a return is no link
    (202602, transit(A, C), OUTSIDE, Evidence.ONE_SIDED, 500),
    made(202602, A, 10_000),
]


def test_links_of_a_month_with_their_history() -> None:
    found = exchange_of(BOOKS, "2026-02")
    one = next(link for link in found.links if link.taker == B and link.giver == A)
    assert (one.kg, one.loads, one.first, one.last, one.prior_kg) == (1000, 1, 202601, 202602, 2000)
    assert one.trend == (*[None] * 10, 2000, 1000) and one.by_evidence == {"imported": 1000}
    assert [(link.giver, link.taker, link.external) for link in found.links] == [
        (A, B, False), (C, B, False), (A, C, True),
    ]  # fmt: skip
    assert found.output_kg == {(A, PG): 10_000} and found.intake_kg[B, PG] == 2000
    early = exchange_of(BOOKS, "2026-01..2026-02").links[0]
    assert early.prior_kg is None, "the books begin within the period before"


def registry(capacity: int | None = None, *, placed: bool = True) -> Registry:
    at = {A: (102.4, 24.9), B: (102.8, 25.1), C: (102.9, 25.2)} if placed else {}
    firms = {
        code: Enterprise(code, code, code, park="p.a" if code == A else "p.b",
                         lon=at.get(code, (None,))[0], lat=at.get(code, (None, None))[-1])
        for code in (A, B, C)
    }  # fmt: skip
    parks = {code: Park(code, code, code) for code in ("p.a", "p.b")}
    facility = Facility(
        "f", enterprise=B, kind="use", materials=frozenset({PG}), routes=frozenset({"use"}),
        capacity_kg_per_year=capacity, status="operating",
    )  # fmt: skip
    return Registry(
        enterprises=firms,
        parks=parks,
        materials={PG: Material(PG, PG, PG, is_waste=True)},
        routes={"use": Route("use", "use", "use", "use", frozenset({PG}))},
        facilities={"f": facility},
    )


PRICES = Prices(
    [
        coefficient("freight_price", "road", "0.5"),
        coefficient("detour", "road", "1.3"),
        coefficient("co2", "road", "0.1"),
        coefficient("road_distance", f"{C}>{B}", "33"),
    ]
)


def rows_of(held: Registry, prices: Prices = PRICES) -> tuple[list[dict], Exchange]:  # type: ignore[type-arg]
    exchange = exchange_of(BOOKS, "2026-02")
    setting = Setting(held, prices, exchange, Period.parse("2026-02"))
    return [realised_row(link, setting) for link in exchange.links], exchange


def test_distance_freight_and_shares_say_what_they_rest_on() -> None:
    rows, exchange = rows_of(registry(24_000))
    first, table = rows[0], rows[1]
    assert first["distance_basis"] == "line_detour" and 55 < first["distance_km"] < 65
    per_tonne = float(first["freight"])  # one tonne was moved
    assert per_tonne == pytest.approx(first["distance_km"] * 0.5, abs=0.05)
    assert (table["distance_km"], table["distance_basis"]) == (33, "table")
    assert table["freight"] == "16.50"
    assert first["share_of_output"] == 0.1 and first["change"] == -0.5
    assert (first["share_of_need"], first["need_basis"]) == (0.5, "capacity"), "2 t a month"
    assert (first["where"], table["where"]) == ("across", "inside")
    assert table["not_computable"]["share_of_output"] == "nothing_generated"
    plain, _ = rows_of(registry())
    assert (plain[0]["share_of_need"], plain[0]["need_basis"]) == (0.5, "intake")
    sums = totals(rows, exchange.links)
    assert sums["tonnes"] == "2.500" and sums["inside_t"] == "1.000"


def test_what_lacks_is_named_and_never_zero() -> None:
    rows, exchange = rows_of(registry(placed=False), Prices([]))
    for row in rows:
        gaps = row["not_computable"]
        assert row["distance_km"] is None and row["freight"] is None and row["co2_t"] is None
        assert gaps["distance_km"] == gaps["freight"] == gaps["co2_t"] == "no_position"
    assert totals(rows, exchange.links)["freight"] is None
    priceless, _ = rows_of(registry(), Prices([]))
    assert priceless[0]["not_computable"]["freight"] == "no_freight_price"
    assert priceless[0]["not_computable"]["co2_t"] == "no_co2_factor"


def test_a_partner_reads_no_output_and_no_intake_of_others() -> None:
    row = rows_of(registry(24_000))[0][0]
    seen = masked(row, lambda firm: firm == B)
    assert seen["share_of_output"] is None and seen["share_of_need"] == 0.5
    assert seen["not_computable"]["share_of_output"] == "not_yours"
    assert row["share_of_output"] == 0.1, "the row itself stays"


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([202512, 202601, 202602, 202603]),
            st.sampled_from([A, B, C]),
            st.sampled_from([A, B, C]),
            st.integers(1, 10**9),
            st.sampled_from(list(Evidence)),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_links_add_up_to_the_rows_they_are_made_of(
    rows: list[tuple[int, str, str, int, Evidence]],
) -> None:
    period = Period.parse("2026Q1")
    wanted: dict[tuple[str, str], int] = defaultdict(int)
    for month, giver, taker, kg, _ in rows:
        if giver != taker and month in period.months():
            wanted[giver, taker] += kg
    found = exchange_of([load(m, a, b, kg, grade) for m, a, b, kg, grade in rows], "2026Q1")
    assert {(link.giver, link.taker): link.kg for link in found.links} == dict(wanted)
    for link in found.links:
        assert sum(link.by_evidence.values()) == link.kg
        assert sum(kg or 0 for kg in link.trend) >= link.kg


def pricing(*rows: Coefficient) -> Prices:
    return Prices(rows)


GATE = coefficient("gate_value", "*", "40"), coefficient("storage_cost", "*", "10")
COST = coefficient("treatment_cost", "*", "20")


def test_break_even_distance_by_its_formula() -> None:
    price, detour = (
        coefficient("freight_price", "road", "0.25"),
        coefficient("detour", "road", "1.25"),
    )
    far = break_even(pricing(*GATE, COST, price, detour), PG, "use")
    assert (far.answer, far.road_km, far.line_km, far.gain) == (
        "reaches",
        120.0,
        96.0,
        Fraction(30),
    )
    base = coefficient("freight_base", "road", "20")
    near = break_even(pricing(*GATE, COST, price, base), PG, "use")
    assert near.road_km == 40.0
    dear = break_even(
        pricing(*GATE, COST, price, coefficient("freight_base", "road", "31")), PG, "use"
    )
    assert dear.answer == "never" and dear.road_km is None


def test_free_haulage_is_said_in_words_and_a_missing_price_is_named() -> None:
    free = break_even(pricing(*GATE, COST, coefficient("freight_price", "road", "0")), PG, "use")
    assert free.answer == "always" and free.road_km is None
    gone = break_even(pricing(GATE[0], coefficient("freight_price", "road", "1")), PG, "use")
    assert (gone.answer, gone.missing) == ("unknown", ("storage", "treatment"))
    assert break_even(pricing(*GATE, COST), PG, "use").missing == ("freight",)


@pytest.mark.parametrize("gain", [5, 30, 49, 51, 400])
def test_at_the_break_even_distance_a_tonne_costs_nothing(gain: int) -> None:
    prices = pricing(
        coefficient("gate_value", "*", str(gain)),
        coefficient("storage_cost", "*", "0"),
        coefficient("treatment_cost", "*", "0"),
        coefficient("freight_price", "road:general_cargo:<50km", "1"),
        coefficient("freight_price", "road:general_cargo", "0.5"),
    )
    found = break_even(prices, PG, "use")
    assert found.road_km is not None
    inside = prices.cost(PG, "use", "x", found.road_km - 0.01).net_fen
    assert inside <= 1 and prices.cost(PG, "use", "x", found.road_km + 0.1).net_fen > 0
