"""Traced rates through files and services: laws, gap, loops, targets, quota, cache, proof.

Every test runs on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.store.books import Books, entry, load
from tests.store.databases import new_database
from tests.store.planned import PG, plan
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.formulas import FORMULAS
from wasteflow.core.periods import Period
from wasteflow.core.tracing.months import build_chain
from wasteflow.core.tracing.yearpass import year_pass
from wasteflow.services import tracing
from wasteflow.services.checking import check_books
from wasteflow.services.products import crosscheck_report
from wasteflow.services.provenance import gap_report, loops_report, path_report, trace_report
from wasteflow.services.rating import rates_report
from wasteflow.services.target_status import consumption_report, targets_report
from wasteflow_models.engine import Database

YEAR = Period.parse("2026")


def kg(tonnes: str) -> int:
    """Whole kilograms of a tonnes string."""
    return round(float(tonnes) * 1000)


# --- laws on the planned books -----------------------------------------------------------------


@pytest.fixture
def planned(
    database_kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    template_of: Callable[..., str],
) -> Iterator[Books]:
    """Nine months of `tests.store.planned`, new to this process."""

    def fill(url: str, folder: Path) -> None:
        database = Database(url)
        plan(Books(database, folder))
        database.dispose()

    template = template_of(database_kind, "books of the planner", fill)
    with new_database(request, database_kind, tmp_path, template) as url:
        tracing.forget()  # a copy has the versions of the copies before it
        database = Database(url)
        yield Books(database, tmp_path)
        database.dispose()


BASES = ("declared", "verified")


def rates(books: Books, period: str = "2026-01..2026-09", **options: Any) -> dict[str, Any]:
    """A rates report of the planned books."""
    return rates_report(db=books.db, period=Period.parse(period), **options)


TERMS = ("generated_t", "utilised_t", "utilised_prior_t", "stored_t", "disposed_t", "treated_t")


@pytest.mark.parametrize("basis", BASES)
def test_generators_add_up_to_region_and_all_and_months_to_the_year(
    planned: Books, basis: str
) -> None:
    whole = rates(planned, basis=basis)["total"]
    for by in ("enterprise", "park", "region", "material", "month", "quarter"):
        report = rates(planned, basis=basis, by=by)
        terms = TERMS if by not in ("month", "quarter") else TERMS[:2]
        for term in terms:
            assert sum(kg(row[term]) for row in report["rows"]) == kg(whole[term]), (by, term)
        assert report["total"] == whole
    scopes = ("region:530000", "region:520000", "park:park.a", "park:park.b")
    parts = {scope: rates(planned, basis=basis, scope=scope)["total"] for scope in scopes}
    for term in TERMS:
        assert kg(parts["region:530000"][term]) == kg(whole[term]), term
        assert kg(parts["park:park.a"][term]) + kg(parts["park:park.b"][term]) == kg(whole[term])
    for by in ("route", "evidence"):
        rows = rates(planned, basis=basis, by=by)["rows"]
        assert sum(kg(row["utilised_t"]) for row in rows) == kg(whole["utilised_t"])
    assert sum(map(kg, whole["by_evidence"].values())) == kg(whole["utilised_t"])


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("formula", sorted(FORMULAS))
def test_rates_lie_where_they_must_and_the_identity_closes(
    planned: Books, formula: str, basis: str
) -> None:
    for by in ("enterprise", "month", "enterprise,month"):
        for row in rates(planned, formula=formula, basis=basis, by=by)["rows"]:
            assert row["identity_residual_t"] == "0.000"
            if formula in ("official", "new_waste", "fate_share", "disposal_inclusive"):
                assert row["value"] is None or 0 <= row["value"] <= 1, (by, row)


def test_each_tonne_is_declared_once(planned: Books) -> None:
    """70 + 8 t a month; what the cement works sells on and what comes back count no second time."""
    (maker, maker2) = rates(planned, by="enterprise", formula="simple")["rows"]
    assert (maker["utilised_t"], maker["generated_t"]) == ("702.000", "900.000")
    assert maker["value"] == 0.78
    assert (maker2["utilised_t"], maker2["value"]) == ("0.000", 0.0)
    assert maker["notes"] == [] and maker2["notes"] == ["no_opening_stated"]
    assert rates(planned, basis="verified")["total"]["utilised_t"] == "603.000"
    used = rates(planned, basis="verified", by="enterprise")["rows"][0]["cumulative_verified"]
    assert used == pytest.approx(603 / 940, abs=1e-9)
    territorial = rates(planned, basis="territorial", by="enterprise")
    assert territorial["formula"] == "use_to_generation"
    cement = next(row for row in territorial["rows"] if row["enterprise"] == "cement")
    assert (cement["utilised_t"], cement["value"]) == ("540.000", None)
    assert territorial["total"]["utilised_t"] == "603.000"


def test_prior_stock_of_a_month_and_of_the_year(planned: Books) -> None:
    """January at maker's site: 20 t of 2024 and 100 of 2026, so a sixth of what left is prior."""
    row = rates(planned, "2026-01", scope="enterprise:maker")["total"]
    assert row["utilised_prior_t"] == "13.000"  # 78 / 6
    assert row["value"] == pytest.approx(78 / 113, abs=1e-9)
    late = rates(planned, "2025", scope="enterprise:maker")["total"]
    assert late["not_computable"] == "ledger_starts_2026-01"
    wider = rates(planned, "2025-12..2026-09")["total"]
    assert wider["notes"] == ["maker ledger_starts_2026-01", "maker2 ledger_starts_2026-01"]


def test_rates_refuse_what_they_do_not_know(planned: Books) -> None:
    for wrong in ({"basis": "paper"}, {"formula": "best"}, {"by": "colour"}, {"by": "month,year"}):
        with pytest.raises(InvalidValue):
            rates(planned, **wrong)
    for unknown in ({"scope": "enterprise:nobody"}, {"material": "tea"}):
        with pytest.raises(NotFound):
            rates(planned, **unknown)


def test_a_use_outside_the_books_is_declared_and_never_verified(planned: Books) -> None:
    """What comes from outside credits nobody and is shown."""
    ends = {"material": PG, "route": "retarder", "dispatched_at": "2026-09-12T08:00"}
    ends |= {"received_at": "2026-09-12T15:00"}
    planned.loads(
        load("OUT", "11.000", "11.000", consignee="far", **ends),
        load("IN", "6.000", "6.000", consignor="far", **ends),
    )
    maker = {"scope": "enterprise:maker", "by": "enterprise"}
    (declared,) = rates(planned, **maker)["rows"]
    assert (declared["utilised_t"], declared["outside_t"]) == ("713.000", "0.000")
    assert declared["identity_residual_t"] == "0.000"
    (verified,) = rates(planned, basis="verified", **maker)["rows"]
    assert kg(verified["utilised_t"]) < 603_000
    outside = kg(verified["outside_t"])
    assert 10_000 < outside <= 11_000  # the rest of the 11 t is of 2024
    pseudo = {row["origin"]: row["arose_t"] for row in rates(planned)["pseudo"]}
    assert pseudo == {"outside@far": "6.000"}


# --- gap, loops, paths -------------------------------------------------------------------------


def test_gap_of_firms_and_links(planned: Books) -> None:
    report = gap_report(db=planned.db, period=Period.parse("2026-01..2026-09"))
    firms = {row["enterprise"]: row for row in report["firms"]}
    assert firms["maker"] == {
        "enterprise": "maker", "material": PG, "declared_t": "702.000", "verified_t": "603.000",
        "gap_t": "99.000", "declared_then_reshipped_t": "5.000",
        "declared_then_disposed_t": "1.000",
    }  # fmt: skip
    links = {(row["from"], row["to"]): row["gap_of_link_t"] for row in report["receivers"]}
    assert links == {
        ("maker", "cement"): "90.000", ("trader", "board"): "13.090",
        ("cement", "board"): "0.909",
    }  # fmt: skip
    elsewhere = gap_report(db=planned.db, period=YEAR, scope="park:park.b")
    assert elsewhere["firms"] == [] and len(elsewhere["receivers"]) == 2


def test_loops_of_the_year(planned: Books) -> None:
    (item,) = loops_report(db=planned.db, period=YEAR)["materials"]
    assert item["gross_t"] == "799.000"
    (loop,) = item["loops"]
    assert (loop["members"], loop["nettable_t"]) == (["maker", "trader"], "4.000")
    assert {row["enterprise"] for row in item["resale"]} == {"cement", "maker", "trader"}
    assert kg(item["first_t"]) + kg(item["repeat_t"]) == 799_000
    assert loops_report(db=planned.db, period=YEAR, material="steel_slag")["materials"] == []


def test_trace_conserves_and_paths_lead_there(planned: Books) -> None:
    down = trace_report(
        db=planned.db, enterprise="maker", material=PG, period=YEAR, direction="downstream"
    )
    assert down["total_t"] == "940.000" and down["rule"] == "mixing"
    ends = {row["what"]: 0 for row in down["rows"]}
    for row in down["rows"]:
        ends[row["what"]] += kg(row["tonnes"])
    assert ends == {"utilised": 603_000, "disposed": 1_000, "stock": 336_000}
    up = trace_report(
        db=planned.db, enterprise="board", material=PG, period=YEAR, direction="upstream"
    )
    assert {row["generator"] for row in up["rows"]} == {"maker"} and up["total_t"] == "77.000"
    path = path_report(db=planned.db, giver="maker", taker="board", material=PG, period=YEAR)
    arcs = {(arc["source"], arc["target"]): arc["tonnes"] for arc in path["arcs"]}
    assert arcs["transit:trader:board", "site:board"] == "72.000"
    assert arcs["transit:cement:board", "site:board"] == "5.000"
    with pytest.raises(NotFound):
        trace_report(db=planned.db, enterprise="x", material=PG, period=YEAR, direction="upstream")
    with pytest.raises(InvalidValue):
        trace_report(db=planned.db, enterprise="maker", material=PG, period=YEAR, direction="up")


# --- targets, quota, cross-check ---------------------------------------------------------------


def statuses(books: Books, period: str = "2026") -> dict[str, tuple[str | None, bool]]:
    """Target → (status or reason, red)."""
    report = targets_report(db=books.db, period=Period.parse(period))
    return {
        row["code"].removeprefix("t."): (row["status"] or row["reason"], row["red"])
        for row in report["rows"]
    }


def test_a_target_in_every_status(planned: Books) -> None:
    assert statuses(planned) == {
        "met": ("met", False),
        "course": ("on_course", False),
        "risk": ("at_risk", False),
        "behind": ("behind", True),
        "stock": ("behind", True),
        "line": ("reference_line", False),
        "park": ("met", False),
        "words": ("qualitative", False),
        "later": ("year_not_begun", False),
    }
    assert statuses(planned, "2026-01")["behind"] == ("behind", False)
    rows = {row["code"]: row for row in targets_report(db=planned.db)["rows"]}
    course = rows["t.course"]
    assert (course["actual"], course["projected"]) == ("702.000", "936.000")
    assert (course["verified_actual"], course["verified_status"]) == ("603.000", "behind")
    assert (course["gap_t"], course["needed_pace_t_per_month"]) == ("0.000", "66.000")
    assert rows["t.behind"]["target"] == 0.9 and rows["t.line"]["reference_line"]


def test_red_comes_in_the_second_month_behind(planned: Books) -> None:
    october, november = (
        entry(f"G-{month}", "generation", "400.000", f"2026-{month}-05", material=PG)
        for month in ("10", "11")
    )
    planned.entries(october)
    assert statuses(planned)["met"] == ("behind", False)
    planned.entries(november)
    assert statuses(planned)["met"] == ("behind", True)


def test_quota_of_a_producer(planned: Books) -> None:
    report = consumption_report(db=planned.db, scope="enterprise:maker", period=YEAR)
    (row,) = report["rows"]
    assert (row["consumed_t"], row["allowed_generation_t"]) == ("702.000", "702.000")
    assert row["acid_equivalent_t"] == {"low": "127.636", "typical": "140.400", "high": "156.000"}
    prior = kg(row["drawn_from_old_stock_t"])
    assert kg(row["net_new_stock_t"]) == 198_000 and 19_000 < prior <= 20_000
    assert (row["draw_down_plan_t"], row["findings"]) == ("12.000", ["net_new_stock_positive"])
    assert row["allowed_after_plan_t"] == "690.000" and row["not_computable"] is None
    (month,) = consumption_report(
        db=planned.db, scope="enterprise:maker", period=Period.parse("2026-03"), basis="verified"
    )["rows"]
    assert (month["consumed_t"], month["draw_down_plan_t"]) == ("67.000", "1.000")
    (late,) = consumption_report(
        db=planned.db, scope="enterprise:maker", period=Period.parse("2025")
    )["rows"]
    assert (late["consumed_t"], late["not_computable"]) == (None, "ledger_starts_2026-01")


def test_cross_check_of_a_month_and_of_the_year(planned: Books) -> None:
    def found(period: str) -> dict[str, tuple[str | None, str | None]]:
        rows = crosscheck_report(db=planned.db, period=Period.parse(period))["rows"]
        return {row["enterprise"]: (row["finding"], row["reason"]) for row in rows}

    assert found("2026-03") == {"maker": (None, None), "maker2": (None, "no_product_output")}
    assert found("2026")["maker"] == ("generation_above_output", None)


def test_empty_books_answer_with_nothing(db: Database) -> None:
    assert rates_report(db=db, period=YEAR, basis="verified")["rows"] == []
    assert gap_report(db=db, period=YEAR)["firms"] == []
    assert loops_report(db=db, period=YEAR)["materials"] == []
    assert targets_report(db=db)["rows"] == []
    assert consumption_report(db=db, period=YEAR)["rows"] == []
    assert crosscheck_report(db=db, period=YEAR)["rows"] == []


# --- cache and proof ---------------------------------------------------------------------------


def test_only_the_material_that_changed_is_traced_again(
    planned: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []

    def counted(*given: Any) -> Any:
        built.append(len(given[0].kg))
        return build_chain(*given)

    monkeypatch.setattr(tracing, "build_chain", counted)
    before = rates(planned, basis="verified")["total"]["utilised_t"]
    assert len(built) == 1
    assert rates(planned, basis="verified")["total"]["utilised_t"] == before
    rates(planned)
    assert len(built) == 1
    slag = {"material": "steel_slag"}
    planned.entries(entry("S", "generation", "9.000", "2026-04-01", **slag))
    assert rates(planned)["total"]["generated_t"] == "959.000"
    assert len(built) == 2 and built[1] == 1  # the slag's single row
    use = {"material": PG, "enterprise": "cement", "route": "retarder"}
    planned.entries(entry("U", "use", "20.000", "2026-09-28", **use))
    after = rates(planned, basis="verified")["total"]["utilised_t"]
    assert (before, after) == ("603.000", "623.000")
    assert len(built) == 3


def _everything(planned: Books) -> list[dict[str, Any]]:
    """Reports that rest on chains, sums and results that a process keeps."""
    found = [
        rates(planned, period, basis=basis, by=by)
        for period in ("2026-01..2026-09", "2026-02", "2026Q2", "2026")
        for basis in (*BASES, "territorial")
        for by in ("enterprise,material", "month", "quarter,park,route")
    ]
    found.append(loops_report(db=planned.db, period=YEAR))
    found.append(gap_report(db=planned.db, period=YEAR))
    found += [planned.graph(period) for period in ("2026", "2026-03", "2026Q3")]
    return found


def test_what_is_kept_gives_the_figures_of_a_fresh_process(planned: Books) -> None:
    """Records of early and late months, known and new places: kept months change no figure."""
    use = {"material": PG, "enterprise": "cement", "route": "retarder"}
    steps = [
        [entry("A", "use", "3.000", "2026-08-28", **use)],
        [entry("B", "use", "2.000", "2026-02-20", **use)],
        [entry("C", "to_yard", "4.000", "2026-06-11", enterprise="cement", material=PG)],
        [entry("D", "generation", "5.000", "2026-09-11", enterprise="board", material=PG)],
        [entry("E", "opening", "6.000", "2026-01-01", enterprise="board", material=PG)],
    ]
    _everything(planned)
    for rows in steps:
        planned.entries(*rows)
        kept = _everything(planned)
        tracing.forget()
        assert _everything(planned) == kept


def test_large_books_are_traced_apart_and_say_the_same(
    planned: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = _everything(planned)
    tracing.forget()
    monkeypatch.setattr(tracing, "JOINED_PLACES", 0)
    assert _everything(planned) == together


def test_only_months_from_the_first_changed_one_are_solved_again(
    planned: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(planned)
    solved: list[int] = []

    def counted(operators: Any, known: Any = None, before: int = 0) -> Any:
        solved.append(len(operators.chain.months) - before)
        return year_pass(operators, known, before)

    monkeypatch.setattr(tracing, "year_pass", counted)
    use = {"material": PG, "enterprise": "cement", "route": "retarder"}
    planned.entries(entry("L", "use", "1.000", "2026-08-28", **use))
    rates(planned)
    assert solved == [2]


def test_a_changed_roll_up_is_a_fault(planned: Books) -> None:
    assert planned.check().ok
    with planned.db.write() as session:
        changed = session.execute(text("SELECT max(kg) FROM flow_month")).scalar_one()
        session.execute(text("UPDATE flow_month SET kg = kg + 1 WHERE kg = :kg"), {"kg": changed})
    report = check_books(db=planned.db)
    assert not report.ok
    assert {fault.code for fault in report.faults} == {"rollup_mismatch"}
    assert all(fault.records for fault in report.faults)
