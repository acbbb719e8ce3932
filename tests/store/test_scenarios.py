"""Laws of scenarios over real books: nothing changed is today, a closure is its N-1 row, all mass
finds its place or its reason, every allocation passes the verifier, the books stay untouched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import select

from tests.store.books import Books
from tests.store.standing import YEAR, standing  # noqa: F401
from wasteflow.core.errors import FieldsRefused
from wasteflow.core.formulas import official
from wasteflow.core.registry import Facility, Filing
from wasteflow.core.scenarios.blocks import (
    Add,
    Block,
    Close,
    Growth,
    Resize,
    block_rows,
    read_blocks,
)
from wasteflow.core.scenarios.border import crossing, wear
from wasteflow.core.scenarios.columns import scaled
from wasteflow.core.scenarios.project import Plan, Run, run, scale_of
from wasteflow.core.scenarios.projects import PROJECTS, project_block
from wasteflow.core.scenarios.stations import Changed, yearly
from wasteflow.core.symbiosis.books import end_of
from wasteflow.core.symbiosis.capacity import Station
from wasteflow.core.symbiosis.filings import Filings
from wasteflow.core.symbiosis.today import Today, sum_of_terms
from wasteflow.core.symbiosis.verify import broken_rules
from wasteflow.services.dependence import dependence_report
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import balance_report
from wasteflow.services.scenario_runs import compare_drafts, run_draft
from wasteflow.services.scenarios import Draft
from wasteflow.services.standing import read_today
from wasteflow_models.base import Base
from wasteflow_models.convert import load_keys

T = 1000


def today_of(books: Books, material: str = "pg") -> Today:
    with books.db.read() as session:
        return read_today(session, load_keys(session), YEAR, material)


def draft(*blocks: dict[str, Any], **more: Any) -> Draft:
    given: dict[str, Any] = {"scope": "region:530000", "name": "x", "base": "2026"} | more
    return Draft(**given, blocks=blocks)


def result(books: Books, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return run_draft(db=books.db, draft=draft(*blocks, **more))


def tables(books: Books) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with books.db.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


def test_nothing_changed_is_today_to_the_kilogram(standing: Books) -> None:  # noqa: F811
    found = result(standing)
    (year,) = found["years"]
    assert year == found["today"] and found["flows"] == [] and found["notes"] == []
    rates = rates_report(db=standing.db, period=YEAR, scope="region:530000")["total"]
    assert (year["rate"], year["utilised_t"], year["generated_t"]) == (
        rates["value"], rates["utilised_t"], rates["generated_t"],
    )  # fmt: skip
    rows = balance_report(db=standing.db, scope="region:530000", period=YEAR)["rows"]
    assert sum(Decimal(row["closing_t"]) for row in rows) == Decimal(year["stock_t"])
    (target,) = found["targets"]
    assert target["today"] == target["then"] and not target["goal_changed"]
    today = today_of(standing)
    again = run(today, Plan()).last
    assert again.terms == today.terms
    assert again.stock == {owner: held for owner, (held, _) in today.stock.items()}


def test_closing_a_receiver_is_its_row_of_n_minus_1(standing: Books) -> None:  # noqa: F811
    asked: dict[str, Any] = {"scope": "region:530000", "period": YEAR, "material": "pg"}
    rows = dependence_report(db=standing.db, **asked)["rows"]
    assert len(rows) == 2
    for row in rows:
        close = {"kind": "close", "enterprise": row["receiver"]}
        found = result(standing, close, material="pg")
        (year,) = found["years"]
        assert year["rate"] == row["rate_rerouted"]
        assert year["moved_t"] == row["rerouted_t"] and year["unplaced_t"] == row["stranded_t"]
        grown = Decimal(year["stock_t"]) - Decimal(found["today"]["stock_t"])
        assert grown == Decimal(row["stranded_t"])
        stranded = {
            (item["producer"], item["stranded_t"], item["reason"])
            for item in row["lost"]
            if item["stranded_t"] != "0.000"
        }
        told = {(item["enterprise"], item["tonnes"], item["reason"]) for item in found["unserved"]}
        assert told == stranded


DAYS = st.sampled_from([None, date(2026, 1, 1), date(2026, 7, 1), date(2027, 4, 1)])
KG = st.sampled_from([0, 40 * T, 250 * T, 601 * T, 5_000 * T])
BLOCKS = st.lists(
    st.one_of(
        st.builds(Close, facility=st.just("f.kiln"), start=DAYS),
        st.builds(Close, enterprise=st.sampled_from(["cement", "board", "maker2"]), start=DAYS),
        st.builds(
            Resize, st.sampled_from(["f.kiln", "f.spare", "board.line"]), KG, start=DAYS
        ),
        st.builds(Add, st.just("新线"), st.just(("pg",)), KG, park=st.just("park.a"), start=DAYS),
        st.builds(
            Growth, st.sampled_from([Fraction(-7), Fraction(7, 2), Fraction(30)]),
            enterprise=st.sampled_from(["", "maker"]),
        ),
    ),
    max_size=4,
)  # fmt: skip


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(BLOCKS, st.integers(0, 2), st.booleans())
def test_every_tonne_has_a_place_or_a_reason(
    standing: Books,  # noqa: F811
    blocks: list[Block],
    years: int,
    fill: bool,
) -> None:
    today = today_of(standing)
    made = run(today, Plan(tuple(blocks), years, fill))
    before = {owner: held - grown for owner, (held, grown) in today.stock.items()}
    for year in made.years:
        holds(today, made, year.number)
        keeps_capacity(made, year.number)
        scale = scale_of(today, blocks, year.number)
        grown = {o: scaled(kg, scale.get(o, Fraction(1))) for o, (_, kg) in today.stock.items()}
        lost = sum(kg for kg, _ in year.unplaced.values())
        taken = year.unused.placed()
        out = sum(min(taken.get(owner, 0), max(0, kg)) for owner, kg in grown.items())
        more = sum(grown.values()) + sum(year.short.values()) + lost - out
        assert sum(year.stock.values()) == sum(before.values()) + more
        assert min(year.stock.values()) >= 0
        before = dict(year.stock)


def holds(today: Today, made: Run, number: int) -> None:
    """The laws of one year."""
    year = made.years[number]
    filings = Filings(today.registry, end_of(year.period)).of
    for placement in (year.displaced, year.unused):
        assert broken_rules(placement.problem, placement.found, filings) == []
        for position, left in enumerate(placement.found.unserved_kg):
            assert bool(left) == (position in placement.found.reasons)
    placed = year.displaced.placed()
    for owner, terms in year.terms.items():
        assert terms.identity_residual_kg == today.terms[owner].identity_residual_kg == 0
        rate = official(terms).value
        assert rate is None or 0 <= rate <= 1
        own = [item for item in year.links if (item.link.generator, item.link.material) == owner]
        assert all(0 <= item.prior_kg <= item.kg <= item.target_kg for item in own)
        moved = sum(item.target_kg - item.kg for item in own)
        assert moved == placed.get(owner, 0) + year.unplaced.get(owner, (0, ""))[0]
        kept = sum(item.kg for item in own)
        used = kept + placed.get(owner, 0) + year.unused.placed().get(owner, 0)
        assert terms.utilised_kg == used
    whole = sum_of_terms(year.terms.values())
    assert whole.generated_kg == sum(terms.generated_kg for terms in year.terms.values())


def keeps_capacity(made: Run, number: int) -> None:
    """The kiln, the only place of the cement works, takes no more than it may."""
    year, blocks = made.years[number], made.plan.blocks
    at_kiln = sum(item.kg for item in year.links if item.link.receiver == "cement")
    for placement in (year.displaced, year.unused):
        at_kiln += placement.by_facility().get("f.kiln", 0)
    closed = [b for b in blocks if isinstance(b, Close)]
    closed = [b for b in closed if b.facility == "f.kiln" or b.enterprise == "cement"]
    if any(block.start in (None, date(2026, 1, 1)) for block in closed):
        assert at_kiln == 0
    sizes = [b for b in blocks if isinstance(b, Resize) and b.facility == "f.kiln"]
    if sizes and sizes[-1].start in (None, date(2026, 1, 1)):
        assert at_kiln <= sizes[-1].capacity_kg
    elif not sizes:
        assert at_kiln <= 600 * T


def test_a_stock_is_drawn_down_to_nothing_and_no_further(standing: Books) -> None:  # noqa: F811
    """50 t left, 30 t drawn a year: the second year lacks 10 t, every later one 30 t."""
    owner = ("maker", "pg")
    today = replace(today_of(standing), stock={owner: (50 * T, -30 * T)}, memo={})
    made = run(today, Plan((), 3))
    assert [year.stock[owner] for year in made.years] == [50 * T, 20 * T, 0, 0]
    assert [year.short.get(owner, 0) for year in made.years] == [0, 0, 10 * T, 30 * T]
    terms = [year.terms[owner] for year in made.years]
    assert [item.utilised_kg for item in terms] == [400 * T, 400 * T, 390 * T, 370 * T]
    assert [item.utilised_prior_kg for item in terms] == [36_364, 36_364, 26_364, 6_364]
    for number in range(4):
        holds(today, made, number)
    dry = replace(today, stock={owner: (0, -40 * T)}, memo={})
    then = run(dry, Plan((), 1)).last.terms[owner]  # 36.364 t of use, then 3.636 t of disposal
    assert (then.utilised_prior_kg, then.disposed_prior_kg) == (0, 4_545 - 3_636)
    assert then.identity_residual_kg == 0


def test_links_of_today_wear_the_filing_they_cross_under(standing: Books) -> None:  # noqa: F811
    """100 t a year to a board works over the border, 250 t of quota left, for three years."""
    today = today_of(standing)
    board = structs.replace(today.registry.enterprises["board"], region="520000")
    filing = Filing("f.border", "530000", "520000", quota_kg=350 * T, valid_to=date(2030, 12, 31))
    registry = replace(
        today.registry,
        enterprises={**today.registry.enterprises, "board": board},
        filings={"f.border": filing},
    )
    today = replace(today, registry=registry, quotas={"f.border": 250 * T}, memo={})
    assert run(today, Plan((), 2)).notes == ()
    assert run(today, Plan((), 3)).notes == (("filing_short", "f.border"),)
    old = replace(
        registry, filings={"f.border": structs.replace(filing, valid_to=date(2027, 6, 30))}
    )
    ended = replace(today, registry=old, memo={})
    assert run(ended, Plan((), 1)).notes == (("filing_ended", "f.border"),)
    quotas = {"f.border": 250 * T}
    links = run(today, Plan()).last.links
    assert wear(today, crossing(today), links, YEAR, quotas) == []
    assert quotas == {"f.border": 150 * T}


def test_blocks_do_what_they_say(standing: Books) -> None:  # noqa: F811
    def last(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
        year: dict[str, Any] = result(standing, *blocks, **more)["years"][-1]
        return year

    opened = {"kind": "add", "code": "f.ahead", "name": "拟建线", "park": "park.a",
              "materials": ["pg"], "routes": ["plaster"], "capacity_t": "250"}  # fmt: skip
    assert last(opened)["taken_t"] == "250.000"
    assert last(opened | {"from": "2026-07-01"})["taken_t"] == "125.000"
    assert last(opened | {"from": "2027-01-01"})["taken_t"] == "0.000"
    assert last(fill=True)["taken_t"] == "350.000"  # what the kiln and the spare line have left
    assert (
        last({"kind": "resize", "facility": "f.spare", "capacity_t": "260"})["taken_t"] == "60.000"
    )
    small = last({"kind": "resize", "facility": "f.kiln", "capacity_t": "400"})
    assert (small["moved_t"], small["unplaced_t"]) == ("50.000", "0.000")
    half = last({"kind": "close", "facility": "f.kiln", "from": "2026-07-01"})
    assert Decimal(half["moved_t"]) + Decimal(half["unplaced_t"]) == Decimal("225.000")
    grown = last({"kind": "growth", "percent": "50"}, years=1)
    # 675 t at a kiln of 600: 75 t move; the board works state no capacity: 50 t are held back.
    assert (grown["generated_t"], grown["moved_t"]) == ("2100.000", "125.000")
    base = last()
    dear = last({"kind": "price", "price": "gate_value", "driver": "*", "value": "0"})
    assert Decimal(dear["cost"]) - Decimal(base["cost"]) == Decimal("5500.00")
    goal = result(standing, {"kind": "target", "target": "t.pg", "value": "0.3"})["targets"][0]
    assert goal["goal_changed"] and goal["met"] and goal["gap_t"] == "0.000"
    short = result(standing)["targets"][0]
    assert not short["met"] and Decimal(short["gap_t"]) > 0
    notes = result(standing, opened | {"code": "f.spare"})["notes"]
    assert notes == [{"code": "already_operating", "subject": "f.spare"}]


def test_running_touches_no_table(standing: Books) -> None:  # noqa: F811
    before = tables(standing)
    close = draft({"kind": "close", "enterprise": "cement"}, years=3)
    grow = draft({"kind": "growth", "percent": "5"}, {"kind": "close", "facility": "f.kiln"})
    many = compare_drafts(db=standing.db, drafts=[draft(), close, grow])
    dependence_report(db=standing.db, period=YEAR)
    assert [len(found["years"]) for found in many] == [1, 4, 1]
    assert tables(standing) == before


def test_a_refused_scenario_leaves_the_others_their_columns(
    standing: Books,  # noqa: F811
) -> None:
    gone = draft({"kind": "close", "facility": "gone"})
    first, second = compare_drafts(db=standing.db, drafts=[gone, draft()])
    assert first == {
        "refused": [
            {"pointer": "/blocks/0/facility", "code": "unknown_code", **_told(first)},
        ]
    }
    assert second["years"] and "refused" not in second


def _told(found: dict[str, Any]) -> dict[str, str]:
    (row,) = found["refused"]
    assert "gone" in row["zh"] and "gone" in row["en"]
    return {"zh": row["zh"], "en": row["en"]}


def test_where_nothing_can_be_priced_money_is_not_0(standing: Books) -> None:  # noqa: F811
    empty = result(standing, scope="enterprise:board")["today"]
    assert (empty["cost"], empty["co2_t"], empty["rate"]) == (None, None, None)


def test_faulty_drafts_name_their_fields(standing: Books) -> None:  # noqa: F811
    bad = draft(
        {"kind": "fly"},
        {"kind": "add", "name": "a", "materials": ["pg"], "routes": ["fill"], "capacity_t": "-1"},
        {"kind": "close", "facility": "maker.heap", "surprise": 1},
        {"kind": "growth", "percent": "900"},
        {"kind": "add", "name": "", "materials": [], "capacity_t": "1.2345", "lon": "181",
         "from": "soon"},
        {"kind": "add", "name": "heap", "code": "maker.heap", "park": "park.a", "materials": ["pg"],
         "capacity_t": "1", "source": "a\ud800"},
        base="2026-03", years=3, name=" ", scope="park:none", material="gold",
    )  # fmt: skip
    with pytest.raises(FieldsRefused) as refused:
        run_draft(db=standing.db, draft=bad)
    found = {issue.pointer: issue.code for issue in refused.value.issues}
    assert found == {
        "/name": "missing_value", "/scope": "unknown_code", "/material": "unknown_code",
        "/base": "scenario_base_not_year", "/blocks/0/kind": "bad_block_kind",
        "/blocks/1/routes": "block_route_no_use", "/blocks/1/capacity_t": "block_below_zero",
        "/blocks/1/park": "block_no_place", "/blocks/2/facility": "block_no_use",
        "/blocks/2/surprise": "field_unknown", "/blocks/3/percent": "block_out_of_range",
        "/blocks/4/name": "missing_value", "/blocks/4/materials": "missing_value",
        "/blocks/4/capacity_t": "too_many_places", "/blocks/4/lon": "block_out_of_range",
        "/blocks/4/lat": "missing_value", "/blocks/4/from": "bad_block_day",
        "/blocks/5/code": "block_no_use", "/blocks/5/source": "control_character",
    }  # fmt: skip
    for issue in refused.value.issues:
        assert issue.text("zh") and "?" not in issue.text("en")


def test_blocks_are_read_back_as_written(standing: Books) -> None:  # noqa: F811
    registry = today_of(standing).registry
    rows: list[dict[str, Any]] = [
        {"kind": "add", "name": "a", "materials": ["pg"], "capacity_t": "1.5", "lon": 102.5,
         "lat": 24.5, "from": "2027-01-31", "source": "文件"},
        {"kind": "close", "enterprise": "cement"},
        {"kind": "resize", "facility": "f.kiln", "capacity_t": "12.000"},
        {"kind": "price", "price": "gate_value", "driver": "*", "value": "-3.5"},
        {"kind": "target", "target": "t.pg", "value": "0.75"},
        {"kind": "growth", "material": "pg", "percent": "2.5"},
    ]  # fmt: skip
    blocks = read_blocks(rows, registry)
    assert read_blocks(block_rows(blocks), registry) == blocks
    assert block_rows(blocks)[0]["capacity_t"] == "1.500"


def test_the_projects_of_the_documents_are_all_there() -> None:
    tonnes = [item.capacity_kg // (10_000 * T) for item in PROJECTS]
    assert tonnes == [90, 100, 20, 30, 130, 45, 120]
    assert all(item.evidence and item.source and item.doubt_en for item in PROJECTS)


def test_a_project_whose_material_is_unknown_is_no_block(standing: Books) -> None:  # noqa: F811
    assert project_block(PROJECTS[0], today_of(standing).registry) is None


@pytest.mark.parametrize(
    ("change", "capacity", "lost"),
    [
        ({"closes": 7}, 600, Fraction(1, 2)),
        ({"resizes": 1, "to": 600}, 600, Fraction(1, 2)),
        ({"resizes": 1, "to": 600, "closes": 7}, 300, Fraction(3, 4)),
        ({"resizes": 10, "to": 600, "closes": 7}, 600, Fraction(1, 2)),
        ({"starts": 7, "closes": 10}, 300, None),
        ({"starts": 7, "closes": 4}, 0, None),
        ({"starts": 7, "resizes": 1, "to": 600}, 300, None),
    ],
)
def test_a_facility_works_in_its_open_months_alone(
    change: dict[str, int], capacity: int, lost: Fraction | None
) -> None:
    """1,200 kg a year, all of it used: what is kept never is above the capacity of the year."""
    facility = Facility("f", "use", "f", "firm", "", frozenset(), frozenset(), 1200, "operating")
    days = {word: date(2026, change[word], 15) for word in change if word != "to"}
    made = Changed(
        Station(facility, {}, 1200, {("pg", "r"): 1200}),
        opened="starts" in days,
        starts=days.get("starts"),
        closing="closes" in days,
        closes=days.get("closes"),
        resized_kg=change.get("to"),
        resizes=days.get("resizes"),
    )
    found = yearly(made, YEAR)
    assert found.capacity_kg == capacity
    if lost is not None:
        assert found.lost_share(Fraction(1200)) == lost
        assert 1200 * (1 - lost) <= capacity
