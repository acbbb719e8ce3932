"""The benchmarks do what they say: ours and peers agree, the table is right; nothing is timed."""

from __future__ import annotations

import csv
import doctest
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType

import pytest

from benchmarks import (
    agreement,
    contended,
    data,
    ours,
    pages,
    report,
    suite,
    suite_writes,
    symbiosis,
)
from benchmarks.agreement import Disagreement, compared
from benchmarks.data import MILLION, Files, Size, files_of
from benchmarks.databases import SqliteStore
from benchmarks.http_clients import KINDS
from benchmarks.measuring import Call, here, in_fresh_process
from benchmarks.ours import kilograms
from benchmarks.runs import Run
from benchmarks.writers import hot_rows, record_one, write_singly
from wasteflow.core.errors import RowsRefused
from wasteflow.core.periods import Period, month_text
from wasteflow.services.rating import rates_report
from wasteflow_models.engine import Database

SMALL = Size(loads=400, enterprises=30, parks=4, months=15)


@pytest.mark.parametrize("module", [agreement, data, ours, report])
def test_the_examples_of_the_benchmarks_are_true(module: ModuleType) -> None:
    """They stand outside the folders whose doctests pytest collects."""
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0 and found.failed == 0


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
    """A few hundred loads and links on SQLite, measured in this process, every call twice."""
    folder = tmp_path_factory.mktemp("bench")
    patch = pytest.MonkeyPatch()
    patch.setattr(symbiosis, "SIZE", 150)  # the peer takes seconds for 500
    made = Run(
        files=files_of(SMALL, folder),
        store=SqliteStore(folder / "databases"),
        measure=here,
        runs=1,
        once=1,
        seconds=0.5,
        clients=3,
        tiny=files_of(replace(SMALL, loads=20, months=3), folder),
        say=lambda text: None,
    )
    yield made
    made.drop()
    patch.undo()


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
    line = suite_writes.over_http(run, kind, words)
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


def test_what_writers_were_told_is_what_the_books_hold(run: Run) -> None:
    """Two writers in turn, here; what one of them makes up afterwards is found out."""
    url = run.store.copy(run.loaded(), "mixed")
    rows, offered = contended.hottest(str(run.files.shipments), 2), SimpleQueue[tuple[str, str]]()
    writers = [contended.Writer(name, url, rows, offered) for name in "01"]
    for what in ("load", "entry", "sent", "decided", "corrected", "reversed"):
        for writer in writers:
            assert writer.turn(what)
    one, other = told = [writer.told for writer in writers]
    assert len(one.decided) + len(other.decided) + one.late + other.late == 2
    db = writers[0].db
    assert contended.books_hold(db, told) == []
    one.loads.add("MIX-never")
    other.kg[next(iter(other.kg))] += 1
    assert [line.partition(":")[0] for line in contended.books_hold(db, told)] == [
        "entries",
        "loads",
    ]
    for writer in writers:
        writer.db.dispose()
    run.store.drop(url)


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


def test_pages_are_visited_as_somebody_who_may_read_them(run: Run) -> None:
    url = run.store.copy(run.loaded(), "pages")
    found = pages.visited(url, "^/(indicators|sankey|api/v1/enterprises/.+)?$")
    run.store.drop(url)
    assert {visit.status for visit in found} == {200}
    assert {"/", "/indicators", "/sankey"} < {visit.address for visit in found}
    assert [visit.seconds for visit in found] == sorted((v.seconds for v in found), reverse=True)
