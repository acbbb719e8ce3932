"""The two acceptance cases of paper 6, section 7, to the digit, and the traps of section 8."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from tests import exact_tracer
from tests.exact_tracer import Row
from wasteflow.core.periods import Period
from wasteflow.core.places import GENERATION, LOST, OUTSIDE, Place, PlaceKind, site, transit, yard
from wasteflow.core.postings import FlowKey, Rollup
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.tracing.flows import FlowTable
from wasteflow.core.tracing.forward import forward
from wasteflow.core.tracing.identity import check_identity
from wasteflow.core.tracing.monthly import attribution_months
from wasteflow.core.tracing.months import Chain, build_chain
from wasteflow.core.tracing.periods import period_terms
from wasteflow.core.tracing.provenance import between, downstream, upstream
from wasteflow.core.tracing.rounding import largest_remainder
from wasteflow.core.tracing.solve import LevelPlan
from wasteflow.core.tracing.yearpass import Operators, YearPass, prepared
from wasteflow.core.vocabulary import Evidence

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "tracing_cases.json").read_text(encoding="utf-8")
)
FATES = {"x": "use", "t": "transfer"}
USE = Place(PlaceKind.USE, "x")


def case_rows(case: dict[str, Any]) -> list[Row]:
    """Roll-up rows (kg) of a case; flows between two sites go through an emptied transit."""
    rows: list[Row] = []
    for part in case["months"]:
        month = int(part["month"].replace("-", ""))
        for place, origin, tonnes in part.get("opening", []):
            name, year = origin.rsplit(":", 1)
            boundary = Place(PlaceKind.OPENING, name, year)
            rows.append((month, boundary, Place.parse(place), "", 1, tonnes * 1000))
        for place, _, tonnes in part.get("sources", []):
            rows.append((month, GENERATION, Place.parse(place), "", 1, tonnes * 1000))
        for source, target, tonnes in part["flows"]:
            a, b, kg = Place.parse(source), Place.parse(target), tonnes * 1000
            if a.kind is b.kind is PlaceKind.SITE:
                road = transit(a.a, b.a)
                rows += [(month, a, road, "t", 0, kg), (month, road, b, "t", 0, kg)]
            else:
                rows.append((month, a, b, "t", 0, kg))
        for place, _, tonnes in part["sinks"]:
            rows.append((month, Place.parse(place), USE, "x", 1, tonnes * 1000))
    return rows


def traced(rows: list[Row]) -> tuple[Chain, Operators, YearPass]:
    chain = build_chain(FlowTable.of_rows(rows), FATES)
    return chain, *prepared(chain)


def tonnes_by_origin(chain: Chain, row: Any) -> dict[str, float]:
    return {
        origin.key: float(kg) / 1000
        for origin, kg in zip(chain.origins, row, strict=True)
        if abs(kg) > 1e-6
    }


def same(found: dict[str, float], expected: dict[str, str]) -> bool:
    wanted = {key: float(Fraction(text)) for key, text in expected.items() if text != "0"}
    return found == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_case_of_paper_6(case: dict[str, Any]) -> None:
    """Compositions, exits, closing stock, use by origin and generator, findings of every month."""
    chain, operators, passed = traced(case_rows(case))
    place_of = {place.key: number for number, place in enumerate(chain.places)}
    for step, expected in zip(forward(operators, passed), case["expected"], strict=True):
        system = step.system
        pool, closing = step.pool().toarray(), step.closing().toarray()
        leaving = step.leaving().toarray()
        for key, mix in expected["composition"].items():
            place = place_of[key]
            # a place without movement keeps the mix of its stock
            row = pool[place] if system.throughput[place] else closing[place]
            shares = tonnes_by_origin(chain, row / row.sum() * 1000)
            assert same(shares, mix), key
        for place, key in enumerate(place.key for place in chain.places):
            assert same(tonnes_by_origin(chain, closing[place]), expected["closing"].get(key, {}))
        moves = system.moves
        words = {int(PlaceKind.USE): "use", 99: "settled"}
        for item in expected["exits"]:
            rows = [
                row
                for row in range(len(moves.kg))
                if moves.source[row] == place_of[item["place"]]
                and words.get(int(moves.kind[row])) == item["to"]
            ]
            amount = sum(moves.share[row] * leaving[moves.source[row]] for row in rows)
            assert same(tonnes_by_origin(chain, amount), item["amount"])
        check_findings(chain, system.month, expected["findings"])
    check_terms(operators, passed, case)
    assert check_identity(operators, passed, 1e-6) == []


def check_findings(chain: Chain, month: int, expected: list[list[str]]) -> None:
    found = [item for item in chain.findings if item.month == month]
    assert [(item.code, str(item.kg // 1000)) for item in found] == [
        (code, tonnes) for code, _, tonnes in expected
    ]
    for item, (_, places, _) in zip(found, expected, strict=True):
        sites = [key for key in item.places if key.startswith("site:")]
        assert str(sites) == places or sites == [places]


def check_terms(operators: Operators, passed: YearPass, case: dict[str, Any]) -> None:
    """Verified use by generator, of it prior, month by month: the fractions to the kilogram."""
    periods = [Period.parse(item["month"]) for item in case["expected"]]
    terms = period_terms(operators, passed, periods, Basis.VERIFIED)
    for month, expected in zip(terms, case["expected"], strict=True):
        for name, item in expected["verified_use_by_generator"].items():
            found = {**month.generators, **month.pseudo}[name]
            assert found.utilised_kg is not None
            total = Fraction(item["total"]) * 1000
            assert abs(found.utilised_kg - total) < 1
        if case is CASES[0]:
            # paper 6: generated in the year 2026 but before the month counts as prior of the month
            year = sum(
                (
                    Fraction(kg)
                    for key, kg in expected["verified_use_by_origin"].items()
                    if not key.endswith(":2026")
                ),
                Fraction(0),
            )
            old = sum(
                (
                    Fraction(item["prior_year"])
                    for item in expected["verified_use_by_generator"].values()
                ),
                Fraction(0),
            )
            assert year == old


def test_prior_year_use_of_case_1() -> None:
    """Year to date: of 144/5 + 516/5 t verified for G, 64/5 + 1272/35 t are of earlier years."""
    _, operators, passed = traced(case_rows(CASES[0]))
    (terms,) = period_terms(operators, passed, [Period.parse("2026-01..2026-02")], Basis.VERIFIED)
    g, h = terms.generators["G"], terms.generators["H"]
    assert (g.generated_kg, g.utilised_kg) == (200_000, 132_000)
    assert g.utilised_prior_kg == pytest.approx(
        1000 * (Fraction(64, 5) + Fraction(1272, 35)), abs=1
    )
    assert (h.utilised_kg, h.utilised_prior_kg, h.stored_kg) == (15_000, 15_000, 0)
    assert g.identity_residual_kg == h.identity_residual_kg == 0
    assert g.split == {("x", Evidence.ONE_SIDED): 132_000}


def test_use_of_february_in_whole_kilograms() -> None:
    """Paper 6: 22,972 + 13,371 + 66,857 + 7,800 = 111,000 kg; by column and in closed months."""
    exact = np.array([804 / 35, 468 / 35, 468 / 7, 39 / 5]) * 1000
    wanted = [22_972, 13_371, 66_857, 7_800]
    assert largest_remainder(exact, 111_000).tolist() == wanted
    _, operators, passed = traced(case_rows(CASES[0]))
    january, february = attribution_months(operators, passed, Basis.VERIFIED)
    assert [credit.kg for credit in february.credits] == wanted
    for origin, stock in february.stock_kg.items():
        before = january.stock_kg[origin] + (100_000 if origin.year == 2026 else 0)
        used = sum(credit.kg for credit in february.credits if credit.origin == origin)
        assert stock == before - used


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_exact_tracer_gives_the_cases_as_fractions(case: dict[str, Any]) -> None:
    """The independent tracer is itself held to the paper, without tolerance."""
    months = exact_tracer.trace(case_rows(case), {"x": "storage"})
    for month, expected in zip(months, case["expected"], strict=True):
        for key, mix in expected["closing"].items():
            found: dict[str, Fraction] = {}
            for ((name, year, _), _), kg in month.closing[Place.parse(key)].items():
                label = f"{name}:{year}"
                found[label] = found.get(label, Fraction(0)) + kg / 1000
            assert found == {label: Fraction(text) for label, text in mix.items()}


def test_rollup_and_columns_give_the_same_chain() -> None:
    rows = case_rows(CASES[0])
    rollup: Rollup = {
        FlowKey(month, a, b, "red_mud", route, Evidence(grade)): (kg, 1)
        for month, a, b, route, grade, kg in rows
    }
    other = FlowKey(202601, GENERATION, site("Z"), "steel_slag", "", Evidence.BOTH)
    table = FlowTable.of_rollup({**rollup, other: (5, 1)}, "red_mud")
    mixed = FlowTable.of_columns(
        [site("unused"), *reversed(table.places)],
        table.routes,
        month=table.month,
        source=len(table.places) - table.source,
        target=len(table.places) - table.target,
        route=table.route,
        evidence=table.evidence,
        kg=table.kg,
    )
    assert mixed.places == table.places
    assert np.array_equal(mixed.source, table.source)
    chain, _, passed = traced(rows)
    again = prepared(build_chain(table, FATES))[1]
    assert chain.origins == build_chain(mixed, FATES).origins
    for one, two in zip(passed.close, again.close, strict=True):
        assert np.array_equal(one.dense(), two.dense())


def test_yard_and_site_are_never_netted() -> None:
    """Trap: 80 out of the yard and 30 into it is use of old stock; netted to 50 it is less."""
    gross = case_rows(CASES[0])
    netted = [row for row in gross if (row[1], row[2]) != (site("G"), yard("G"))]
    netted = [
        (m, a, b, r, e, kg - {202601: 30_000, 202602: 20_000}[m] if a == yard("G") else kg)
        for m, a, b, r, e, kg in netted
    ]
    prior = []
    for rows in (gross, netted):
        _, operators, passed = traced(rows)
        (terms,) = period_terms(operators, passed, [Period.parse("2026-01")], Basis.VERIFIED)
        prior.append(terms.generators["G"].utilised_prior_kg)
    assert prior[0] == 12_800
    assert prior[1] is not None and prior[1] < 12_800


def test_loop_of_one_place_is_eliminated() -> None:
    """Trap: a contracted yard makes a self-loop, which no component of two places shows."""
    p = sparse.csr_array(np.array([[0.25, 0.5, 0.0], [0.0, 0.0, 0.9], [0.0, 0.1, 0.5]]))
    b = sparse.csr_array(np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    wanted = np.linalg.solve(np.eye(3) - p.toarray().T, b.toarray())
    assert np.allclose(LevelPlan(p).solve(b).toarray(), wanted, atol=1e-12)


def test_refused_load_sent_in_a_circle() -> None:
    """Redirected G:T → G:V → G:T within a month: queues among themselves, solved all the same."""
    rows: list[Row] = [
        (202601, GENERATION, site("G"), "", 1, 100_000),
        (202601, site("G"), transit("G", "T"), "t", 0, 100_000),
        (202601, transit("G", "T"), transit("G", "V"), "t", 0, 50_000),
        (202601, transit("G", "V"), transit("G", "T"), "t", 0, 20_000),
        (202601, transit("G", "V"), site("V"), "t", 0, 30_000),
        (202601, transit("G", "T"), site("T"), "t", 0, 60_000),
        (202601, transit("G", "T"), LOST, "t", 0, 10_000),
    ]
    chain, operators, passed = traced(rows)
    (step,) = forward(operators, passed)
    closing = step.closing().toarray()[:, 0]
    at = {place.key: kg for place, kg in zip(chain.places, closing, strict=True)}
    assert at["site:T"] == pytest.approx(60_000, abs=1e-6)
    assert at["site:V"] == pytest.approx(30_000, abs=1e-6)
    assert at["transit:G:T"] == at["transit:G:V"] == 0


def test_origins_that_credit_nobody_keep_their_place() -> None:
    """Rule O: opening of a firm that never generated, external consignor, gains, named opening."""
    weighing, stocktake = Place(PlaceKind.WEIGHING), Place(PlaceKind.STOCKTAKE)
    rows: list[Row] = [
        (202601, Place(PlaceKind.OPENING), yard("T"), "", 1, 10),
        (202601, Place(PlaceKind.OPENING, "", "2024"), site("G"), "", 1, 10),
        (202601, Place(PlaceKind.OPENING, "G", "2023"), site("T"), "", 1, 10),
        (202602, GENERATION, site("G"), "", 1, 10),
        (202602, Place(PlaceKind.RECIRCULATED), site("T"), "", 1, 10),
        (202602, OUTSIDE, transit("E", "T"), "t", 1, 10),
        (202602, weighing, transit("E", "T"), "t", 1, 1),
        (202602, transit("E", "T"), site("T"), "t", 1, 11),
        (202602, stocktake, yard("T"), "", 1, 3),
    ]
    chain, operators, passed = traced(rows)
    assert [origin.key for origin in chain.origins] == [
        "G:2023",
        "G:2024",
        "G:2026",
        "outside@E:2026",
        "recirculated@T:2026",
        "stocktake@yard:T:2026",
        "unknown@T:",
        "weighing@E:2026",
    ]
    assert [origin.generator for origin in chain.origins[2:4]] == ["G", ""]
    (terms,) = period_terms(operators, passed, [Period.parse("2026-02")], Basis.VERIFIED)
    assert set(terms.generators) == {"G"}
    assert terms.generators["G"].generated_kg == 10


def test_downstream_upstream_and_the_way_between() -> None:
    _, operators, passed = traced(case_rows(CASES[0]))
    january = Period.parse("2026-01")
    rows = downstream(operators, passed, "G", january)
    assert sum(row.kg for row in rows) == 200_000
    assert sum(row.share for row in rows) == pytest.approx(1)
    used = {row.origin.year: row.kg for row in rows if row.fate.what == "utilised"}
    assert used == {2024: 9_600, 2025: 3_200, 2026: 16_000}
    mine = upstream(operators, passed, "U", january)
    assert {row.origin.key: row.kg for row in mine if row.fate.what == "utilised"} == {
        "G:2024": 9_600,
        "G:2025": 3_200,
        "G:2026": 16_000,
        "H:2025": 7_200,
    }
    trader = upstream(operators, passed, "T", january)
    assert sum(row.kg for row in trader if row.fate.what == "shipped") == 45_000
    path = {
        (row.source.key, row.target.key): row.kg
        for row in between(operators, passed, "G", "U", january)
    }
    assert path["site:G", "transit:G:T"] == pytest.approx(36_000)
    assert path["transit:T:U", "site:U"] == pytest.approx(36_000)
    assert downstream(operators, passed, "U", january) == []
    assert upstream(operators, passed, "U", Period.parse("2020")) == []


def test_empty_books() -> None:
    chain, operators, passed = traced([])
    assert chain.months == () and list(forward(operators, passed)) == []
    (terms,) = period_terms(operators, passed, [Period.parse("2026")], Basis.DECLARED)
    assert terms.generators == {}
