"""The benchmarks do what they say: ours and peers agree, the table is right; nothing is timed."""

from __future__ import annotations

import csv
import doctest
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import agreement, data, ours, report, suite
from benchmarks.__main__ import main
from benchmarks.agreement import Disagreement, compared
from benchmarks.data import MILLION, Files, Size, files_of
from benchmarks.databases import SqliteStore
from benchmarks.http_writes import KINDS
from benchmarks.measuring import ROOT, Call, Timing, here, in_fresh_process, joined
from benchmarks.ours import kilograms
from benchmarks.report import Bar, Line
from benchmarks.runs import Run
from benchmarks.writers import hot_rows, record_one, write_singly
from wasteflow.core.errors import RowsRefused
from wasteflow.core.periods import Period, month_text
from wasteflow.services.rating import rates_report
from wasteflow_models.engine import Database

SMALL = Size(loads=400, enterprises=30, parks=4, months=15)


def timing(*seconds: float, peak: int = 0, **facts: Any) -> Timing:
    """A timing whose first call took as long as the others."""
    return Timing(seconds[0], seconds, seconds, peak, facts)


@pytest.mark.parametrize("module", [agreement, data, ours, report])
def test_the_examples_of_the_benchmarks_are_true(module: ModuleType) -> None:
    """They stand outside the folders whose doctests pytest collects."""
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0 and found.failed == 0


# --- table ---------------------------------------------------------------------------------


def test_a_line_is_met_when_every_bar_holds() -> None:
    line = Line(
        "import of loads",
        MILLION,
        "sqlite",
        ours=timing(3.0, 4.0, 5.0),
        peers=(("pandas", timing(3.0)),),
        floor=timing(2.0),
        bar=Bar(of_peer=1.5, of_floor=2.5),
    )
    assert line.verdict() == "met"
    assert replace(line, floor=timing(1.5)).verdict() == "NOT MET"
    assert replace(line, peers=(("pandas", timing(2.6)),)).verdict() == "NOT MET"
    assert replace(line, bar=Bar(seconds=3.9)).verdict() == "NOT MET"
    assert replace(line, bar=Bar()).verdict() == "-"


def test_bars_are_for_a_million_loads_but_faults_count_at_any_size() -> None:
    slow = Line("rates", 20_000, ours=timing(9.0), bar=Bar(seconds=0.1))
    assert slow.verdict() == "-"
    assert replace(slow, loads=MILLION).verdict() == "NOT MET"
    sound = Line("writes", 20_000, bar=Bar(per_second=200, clean=True), figures={"per_second": 1})
    assert sound.verdict() == "sound"
    assert replace(sound, figures={"per_second": 1, "faults": 1}).verdict() == "NOT MET"
    assert replace(sound, figures={"errors": {"DeadlockDetected": 2}}).verdict() == "NOT MET"


@pytest.mark.parametrize(
    ("bar", "figures", "verdict"),
    [
        (Bar(per_second=200, p95_ms=100), {"per_second": 200.0, "p95_ms": 100.0}, "met"),
        (Bar(per_second=200, p95_ms=100), {"per_second": 199.0, "p95_ms": 9.0}, "NOT MET"),
        (Bar(per_second=200, p95_ms=100), {"per_second": 999.0, "p95_ms": 101.0}, "NOT MET"),
        (Bar(growth=2), {"growth": 2.0}, "met"),
        (Bar(growth=2), {"growth": 2.1}, "NOT MET"),
        (Bar(megabytes=1.3), {"bytes": 1_300_000}, "met"),
        (Bar(megabytes=1.3), {"bytes": 1_300_001}, "NOT MET"),
    ],
)
def test_bars_of_figures(bar: Bar, figures: dict[str, Any], verdict: str) -> None:
    assert Line("job", MILLION, bar=bar, figures=figures).verdict() == verdict


def test_the_table_shows_medians_ratios_memory_and_size() -> None:
    line = Line(
        "import of loads",
        MILLION,
        "sqlite",
        ours=timing(3.0, 5.0, 4.0, peak=512_000_000),
        peers=(("pandas", timing(2.0, peak=900_000_000)), ("DuckDB", timing(0.5))),
        floor=timing(1.6),
        bar=Bar(of_peer=1.5),
        database_bytes=674_562_048,
        agreed="rows",
    )
    text = report.table([line, Line("check", 5, bar=Bar(clean=True))], "2026-11-28")
    head, rule, first, second = text.splitlines()
    assert len({len(row) for row in (head, rule, first, second)}) == 1
    assert re.fullmatch(r"[| -]+", rule)
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells == [
        "import of loads",
        "1,000,000",
        "sqlite",
        "4.00 s (3.00-5.00)",
        "3.00 s",
        "4.00 s",
        "pandas 2.00 s (2.00 ×); DuckDB 0.500 s (8.00 ×)",
        "1.60 s (2.50 ×)",
        "≤ 1.5 × peer",
        "NOT MET",
        "512 MB / 900 MB / 0 MB",
        "675 MB",
        "same rows",
        "2026-11-28",
    ]
    assert len(cells) == len(report.HEAD)


def test_rows_that_were_not_measured_anew_stay_with_their_day() -> None:
    def page(*lines: Line, day: str, kept: list[tuple[str, ...]]) -> str:
        text = report.results(lines, {}, day, "0.1", kept=kept)
        return report.with_results(f"# Page {report.BEGIN} {report.END}", text)

    first = page(
        Line("import", MILLION, "sqlite", ours=timing(9.0)),
        Line("import", MILLION, "postgresql", ours=timing(8.0)),
        Line("check", MILLION, "sqlite", ours=timing(7.0)),
        day="2026-11-21",
        kept=[],
    )
    second = page(
        Line("import", MILLION, "sqlite", ours=timing(5.0)),
        Line("check", MILLION, "sqlite", figures={"shown": "FAILED", "failed": True}),
        Line("rates", 5, "sqlite", ours=timing(4.0)),
        day="2026-11-28",
        kept=report.rows_of(first),
    )
    told = [(row[0], row[2], row[3], row[-1]) for row in report.rows_of(second)]
    assert told == [
        ("rates", "sqlite", "4.00 s", "2026-11-28"),
        ("import", "sqlite", "5.00 s", "2026-11-28"),
        ("check", "sqlite", "7.00 s", "2026-11-21"),
        ("import", "postgresql", "8.00 s", "2026-11-21"),
    ]
    assert report.EARLIER in second and report.EARLIER not in first


def test_growth_compares_the_reports_of_two_sizes_on_one_database() -> None:
    lines = [
        Line("rates, 12 months", MILLION, "sqlite", ours=timing(0.1)),
        Line("rates, 12 months", 10 * MILLION, "sqlite", ours=timing(0.25)),
        Line("rates, 12 months", 10 * MILLION, "postgresql", ours=timing(9.0)),
        Line("import of loads", MILLION, "sqlite", ours=timing(3.0)),
        Line("import of loads", 10 * MILLION, "sqlite", ours=timing(30.0)),
    ]
    (found,) = suite.growth_lines(lines)
    assert (found.job, found.database, found.loads) == (
        "growth: rates, 12 months",
        "sqlite",
        10 * MILLION,
    )
    assert found.figures["growth"] == pytest.approx(2.5)
    assert found.verdict() == "NOT MET"


def test_single_runs_are_joined_into_one_timing() -> None:
    found = joined([timing(3.0, peak=5), timing(1.0, peak=9), timing(2.0, peak=1, rows=4)])
    assert (found.median_s, found.spread_s, found.peak_bytes) == (2.0, (1.0, 3.0), 9)
    assert found.facts == {"rows": 4}


# --- page ----------------------------------------------------------------------------------


def test_the_page_takes_results_between_its_marks_and_nothing_else_changes() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    head, _, rest = page.partition(report.BEGIN)
    shown, _, tail = rest.partition(report.END)
    assert report.NOT_RUN in shown or "| job " in shown
    lines = [Line("check", 5, "sqlite", ours=timing(1.0))]
    text = report.results(lines, report.machine(), "2026-11-21", "0.1", ["A remark."])
    assert "A remark." in text and "load average before the run 0.1" in text
    written = report.with_results(page, text)
    assert written == f"{head}{report.BEGIN}\n\n{text}\n\n{report.END}{tail}"
    assert report.with_results(written, text) == written
    with pytest.raises(ValueError, match="marks"):
        report.with_results("no marks", text)


def test_the_page_names_every_job_and_option() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert all(f"`{job}`" in page for job in suite.JOBS)
    known = {text for item in main.params for text in item.opts}
    block = page.partition("```sh")[2].partition("```")[0]
    assert set(re.findall(r"--[a-z]+", block)) <= known


def test_an_unknown_job_is_refused() -> None:
    done = CliRunner().invoke(main, ["--only", "import,nonsense"])
    assert done.exit_code == 2
    assert "nonsense" in done.output and "concurrent" in done.output


# --- data ----------------------------------------------------------------------------------


def test_the_cache_key_tells_every_parameter_and_the_program_apart() -> None:
    sizes = [SMALL, *(replace(SMALL, **{name: 9}) for name in Size.__slots__)]
    keys = [size.key() for size in sizes]
    assert len(set(keys)) == len(sizes)
    assert Size(MILLION).key() == Size.of(MILLION).key()
    assert re.fullmatch(r"400-30-4-15-1-[0-9a-f]{8}", SMALL.key())


def test_the_bars_size_is_that_of_the_architecture_paper() -> None:
    assert Size.of(MILLION) == Size(MILLION, enterprises=2000, parks=60, months=36, seed=1)
    large = Size.of(10 * MILLION)
    assert replace(large, loads=MILLION) == Size.of(MILLION)


def test_periods_end_with_the_ledger() -> None:
    assert Size.of(MILLION).period(12) == Period.parse("2025")
    assert Size.of(MILLION).period(36) == Period.parse("2023-01..2025-12")
    assert SMALL.period(36) == Period.parse("2024-10..2025-12")


def test_files_are_written_once(tmp_path: Path) -> None:
    tiny = replace(SMALL, loads=5, months=2)
    files = files_of(tiny, tmp_path)
    files.shipments.write_text("kept", encoding="utf-8")
    assert files_of(tiny, tmp_path).shipments.read_text(encoding="utf-8") == "kept"
    assert [path.name for path in tmp_path.iterdir()] == [tiny.key()]


# --- agreement -----------------------------------------------------------------------------


def test_a_peer_that_finds_something_else_is_told() -> None:
    ours = {"rows": 2, "edges": {"a|b": 5, "a|c": 7}}
    assert compared(ours, [ours, dict(ours)], "rows", "edges") == "rows, kg of every link"
    with pytest.raises(Disagreement, match=r"1 differ, such as a\|c: ours 7, theirs 8"):
        compared(ours, [{"rows": 2, "edges": {"a|b": 5, "a|c": 8}}], "edges")
    with pytest.raises(Disagreement, match="ours 2, theirs 3"):
        compared(ours, [{"rows": 3}], "rows")


# --- every job, once -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A few hundred loads on SQLite, measured in this process, every call twice."""
    folder = tmp_path_factory.mktemp("bench")
    made = Run(
        files=files_of(SMALL, folder),
        store=SqliteStore(folder / "databases"),
        measure=here,
        runs=1,
        once=1,
        seconds=0.5,
        tiny=files_of(replace(SMALL, loads=20, months=3), folder),
        say=lambda text: None,
    )
    yield made
    made.drop()


AGREED = {
    "import": "rows",
    "upload": "rows",
    "rates": "kg generated, kg accepted in every row",
    "graph": "kg of every link",
    "map": "links, kg",
    "check": "rows, faults",
    "links": "kg, cost",
}


APART = ("concurrent", "http")
"""Jobs that take long and have a test of their own."""


@pytest.mark.parametrize("job", [name for name in suite.JOBS if name not in APART])
def test_ours_and_every_peer_agree(run: Run, job: str) -> None:
    """The jobs compare what they found themselves and raise Disagreement."""
    lines = list(suite.JOBS[job](run))
    assert lines[0].agreed == AGREED.get(job, "")
    assert report.table(lines).count("\n") == len(lines) + 1
    for line in lines:
        assert not line.figures.get("errors") and not line.figures.get("faults")
        assert line.ours is not None or line.figures["writes"] > 0


def test_writes_over_http_are_counted_and_sound(run: Run) -> None:
    """One kind of write is enough to see the server, the clients and the check work together."""
    kind, words = next(iter(KINDS.items()))
    line = suite._http(run, kind, words)
    assert line.figures["writes"] > 0 and not line.figures["errors"]
    assert line.figures["faults"] == 0 and line.figures["server_cpu_ms"] > 0


def test_what_is_compared_adds_up_to_the_books(run: Run) -> None:
    """Equal but empty would say nothing, and where ours says more it is known how much more.

    Credited to generators and pseudo-origins = accepted for use by others + used where generated;
    nothing synthetic is sent on after it was accepted for use.
    """
    period = SMALL.period(12)
    options = {"url": run.loaded(), "warm_url": run.loaded(), "period": period.text}
    facts = here(Call("benchmarks.ours:rates", options), 0).facts
    db = Database(run.loaded())
    try:
        report = rates_report(db=db, period=period, include_products=True)
    finally:
        db.dispose()
    assert sum(facts["generated"].values()) == kilograms(report["total"]["generated_t"]) > 0
    pseudo = sum(kilograms(row["utilised_t"]) for row in report["pseudo"])
    credited = kilograms(report["total"]["utilised_t"]) + pseudo
    accepted = sum(facts["accepted"].values())
    assert accepted > 0
    assert credited == pytest.approx(accepted + own_use_kg(run.files, period), abs=20)


def own_use_kg(files: Files, period: Period) -> int:
    """Kilograms used in the period by firms that generate the material themselves."""
    with files.entries.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    makers = {row["enterprise"] for row in rows if row["kind"] == "generation"}
    months = {month_text(month) for month in period.months()}
    return sum(
        kilograms(row["tonnes"])
        for row in rows
        if row["kind"] == "use" and row["enterprise"] in makers and row["date"][:7] in months
    )


def test_a_peer_refuses_what_it_says_it_checks(run: Run, tmp_path: Path) -> None:
    text = run.files.shipments.read_text(encoding="utf-8").splitlines()
    wrong = text[1].replace("syn.ent.", "no.such.", 1)
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([text[0], wrong, *text[2:]]), encoding="utf-8")
    paths = run.paths("enterprises", "materials", "routes")
    options = {"url": f"sqlite:///{(tmp_path / 'p.sqlite3').as_posix()}", "shipments": str(bad)}
    with pytest.raises(ValueError, match="unknown consignor"):
        here(Call("benchmarks.peers_import:pandas_import", {**options, **paths}), 0)


def test_the_floor_keeps_the_key(run: Run, tmp_path: Path) -> None:
    text = run.files.shipments.read_text(encoding="utf-8").splitlines()
    twice = tmp_path / "twice.csv"
    twice.write_text("\n".join([text[0], text[1], text[1]]), encoding="utf-8")
    options = {
        "url": f"sqlite:///{(tmp_path / 'f.sqlite3').as_posix()}",
        "shipments": str(twice),
        "rows": 9,
    }
    with pytest.raises(Exception, match="UNIQUE"):
        here(Call("benchmarks.peers_import:keyed_write", options), 0)


# --- writers and processes -----------------------------------------------------------------


def test_one_write_is_one_checked_load(run: Run) -> None:
    (row,) = hot_rows(str(run.files.shipments), 1)
    url = run.store.copy(run.loaded(), "one")
    db = Database(url)
    try:
        record_one(db, row, "BENCH-1")
        with pytest.raises(RowsRefused):
            record_one(db, {**row, "consignee": "nobody"}, "BENCH-2")
        with pytest.raises(RowsRefused):
            record_one(db, {**row, "dispatched_t": "-1"}, "BENCH-3")
    finally:
        db.dispose()
        run.store.drop(url)


def test_writers_count_what_they_wrote(run: Run) -> None:
    url = run.store.copy(run.loaded(), "many")
    found = write_singly(url, str(run.files.shipments), processes=3, seconds=0.5, links=2)
    after = here(Call("benchmarks.ours:check", {"url": url, "warm_url": url}), 0).facts
    run.store.drop(url)
    assert found["writes"] > 0 and found["errors"] == {} and found["faults"] == 0
    # Every process records one load before the clock starts.
    assert after["rows"] == SMALL.loads + found["writes"] + found["processes"]
    assert found["median_ms"] <= found["p95_ms"] <= found["slowest_ms"] + 1e-9


def test_a_fresh_process_measures_the_same_and_tells_its_error(tmp_path: Path) -> None:
    shipments = files_of(replace(SMALL, loads=5, months=2), tmp_path).shipments
    options = {"shipments": str(shipments), "first": "2025-01", "last": "2025-12"}
    call = Call("benchmarks.peers:pandas_graph", options)
    apart = in_fresh_process(call, 2)
    assert apart.facts == json.loads(json.dumps(here(call, 0).facts))
    assert len(apart.seconds) == len(apart.cpu_s) == 2
    assert apart.peak_bytes > 10_000_000
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        in_fresh_process(Call(call.function, {**options, "shipments": "no.csv"}), 1)


def test_files_know_their_paths() -> None:
    paths = Files(SMALL, Path("x")).as_options()
    assert {Path(paths[name]).name for name in ("shipments", "entries", "duck")} == {
        "shipments.csv",
        "entries.csv",
        "tables.duckdb",
    }
