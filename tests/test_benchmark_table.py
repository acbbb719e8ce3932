"""The table of the benchmarks: verdicts, growth, what is written into the page, and its options."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import report, suite
from benchmarks.__main__ import main
from benchmarks.data import MILLION
from benchmarks.measuring import ROOT, Timing, joined
from benchmarks.report import Bar, Line


def timing(*seconds: float, peak: int = 0, **facts: Any) -> Timing:
    """A timing whose first call took as long as the others."""
    return Timing(seconds[0], seconds, seconds, peak, facts)


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
