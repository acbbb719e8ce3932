"""Which measurement stands beside which, and the bar of each; one function per job of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from benchmarks.agreement import compared
from benchmarks.measuring import Timing, joined
from benchmarks.ours import help_command
from benchmarks.report import Bar, Line
from benchmarks.runs import Run
from benchmarks.suite_writes import beside_job, concurrent_job, http_job, writes_job

MAP_LINKS = 5000
# --- jobs ----------------------------------------------------------------------------------


def import_job(run: Run) -> Iterator[Line]:
    """Import of the file of loads, each run into a fresh database; the last one is kept.

    Ours, the script and the floor take turns, so that a machine that slows down slows all three.
    """
    ours, script, floor = [], [], []
    ours_bytes = peer_bytes = 0
    for number in range(run.once):
        last = number == run.once - 1
        url, timing = run.load("loaded" if last else "import")
        ours.append(timing)
        ours_bytes = run.store.size(url)
        if last:
            run.now_loaded(url)
        else:
            run.store.drop(url)
        url = run.store.new(run.name("peer"))
        paths = run.paths("shipments", "enterprises", "materials", "routes")
        script.append(run.timed("peers_import:pandas_import", 0, url=url, **paths))
        peer_bytes = run.store.size(url)
        url = run.store.new(run.name("peer"))
        path = str(run.files.shipments)
        rows = run.loads if run.store.kind == "postgresql" else FLOOR_ROWS
        floor.append(run.timed("peers_import:keyed_write", 0, url=url, shipments=path, rows=rows))
        run.store.drop(url)
    written = floor[0].facts["rows"]
    plain = joined(floor)
    if written < run.loads:
        plain = _scaled(plain, run.loads / written)
    mine, theirs = joined(ours), joined(script)
    yield run.line(
        "import of loads",
        ours=mine,
        peers=(("pandas", theirs),),
        floor=plain,
        bar=Bar(of_peer=1.5, of_floor=2.5),
        warm=False,
        database_bytes=ours_bytes,
        agreed=compared(mine.facts, [theirs.facts], "rows"),
        notes=(
            f"database of the script {peer_bytes / 1e6:,.0f} MB",
            *((f"floor from {written:,} rows",) if written < run.loads else ()),
        ),
    )
    if run.entries is not None:
        rows = run.entries.facts["rows"]
        notes = (f"{rows:,} entries, one run",)
        yield run.line("import of entries", ours=run.entries, warm=False, notes=notes)


def upload_job(run: Run) -> Iterator[Line]:
    """The file of loads, and a workbook of its first rows, through the job of an upload."""
    from benchmarks.uploads import SHEET_ROWS, sheet_of

    rows = min(SHEET_ROWS, run.loads)
    sheet = run.files.folder / f"shipments-{rows}.xlsx"
    for words, path, count in (
        ("CSV", run.files.shipments, min(run.loads, FLOOR_ROWS)),
        ("XLSX", sheet_of(run.files.shipments, rows, sheet), rows),
    ):
        ours, theirs, plain = [], [], []
        for _ in range(run.once):
            url = run.store.copy(run.template(), run.name("upload"))
            ours.append(
                run.timed("uploads:upload", 0, url=url, path=str(path), sample=run.sample())
            )
            run.store.drop(url)
            url = run.store.new(run.name("peer"))
            paths = run.paths("enterprises", "materials", "routes")
            theirs.append(
                run.timed("peers_import:pandas_import", 0, url=url, shipments=str(path), **paths)
            )
            url = run.store.new(run.name("peer"))
            csv = str(run.files.shipments)
            plain.append(
                run.timed("peers_import:keyed_write", 0, url=url, shipments=csv, rows=count)
            )
            run.store.drop(url)
        mine, script = joined(ours), joined(theirs)
        yield replace(
            run.line(
                f"upload of {words}, checked and published",
                ours=mine,
                peers=(("pandas", script),),
                floor=joined(plain),
                warm=False,
                agreed=compared(mine.facts, [script.facts], "rows"),
                notes=(f"file of {path.stat().st_size / 1e6:,.0f} MB",),
            ),
            loads=mine.facts["rows"],
        )


FLOOR_ROWS = 1_000_000
"""Rows the floor holds in memory on SQLite; beyond them its time is taken as proportional."""


def _scaled(timing: Timing, factor: float) -> Timing:
    return Timing(
        timing.first_s * factor,
        tuple(item * factor for item in timing.seconds),
        tuple(item * factor for item in timing.cpu_s),
        timing.peak_bytes,
        timing.facts,
    )


def rates_job(run: Run) -> Iterator[Line]:
    """Rates by park, material and quarter over 12 and over all 36 months."""
    paths = run.paths("shipments", "entries", "enterprises", "routes")
    for months, bar in ((12, 0.1), (36, 0.3)):
        period, span = run.files.size.period(months).text, run.span(months)
        ours = run.timed("ours:rates", url=run.loaded(), warm_url=run.warm(), period=period)
        script = run.timed("peers:pandas_rates", run.once, **paths, **span)
        scan = run.timed("peers:duck_rates", store=run.duck(), **span)
        yield run.line(
            f"rates, park x material x quarter, {months} months",
            ours=ours,
            peers=(("pandas", script), ("DuckDB", scan)),
            bar=Bar(seconds=bar),
            agreed=compared(ours.facts, [script.facts, scan.facts], "generated", "accepted"),
        )


def graph_job(run: Run) -> Iterator[Line]:
    """The flow graph of 12 months."""
    period, span = run.files.size.period(12).text, run.span(12)
    path = str(run.files.shipments)
    ours = run.timed("ours:graph", url=run.loaded(), warm_url=run.warm(), period=period)
    script = run.timed("peers:pandas_graph", run.once, shipments=path, **span)
    scan = run.timed("peers:duck_graph", store=run.duck(), **span)
    floor = run.timed("peers:add_edges", shipments=path, **span)
    theirs = [script.facts, scan.facts, floor.facts]
    yield run.line(
        "flow graph, 12 months",
        ours=ours,
        peers=(("pandas + NetworkX", script), ("DuckDB + NetworkX", scan)),
        floor=floor,
        bar=Bar(seconds=0.1),
        agreed=compared(ours.facts, theirs, "edges"),
        notes=(f"{ours.facts['all_edges']:,} edges, theirs {scan.facts['all_edges']:,}",),
    )


def map_job(run: Run) -> Iterator[Line]:
    """A page of 5,000 drawn links, and the page of the books as it is served."""
    period = run.files.size.period(12).text
    ours = run.timed("ours:map_page", url=run.loaded(), period=period, links=MAP_LINKS)
    paths = run.paths("shipments", "enterprises")
    folium = run.timed("peers:folium_map", run.once, **paths, **run.span(12), links=MAP_LINKS)
    yield run.line(
        f"map page, {ours.facts['links']:,} links drawn",
        ours=ours,
        peers=(("folium PolyLine", folium),),
        warm=False,
        bar=Bar(seconds=0.2, megabytes=1.3),
        figures={"bytes": ours.facts["bytes"]},
        agreed=compared(ours.facts, [folium.facts], "links", "kg"),
        notes=(
            f"page {ours.facts['bytes'] / 1e6:.2f} MB, folium {folium.facts['bytes'] / 1e6:.2f} MB",
        ),
    )
    served = run.timed("ours:map_of_books", url=run.loaded(), warm_url=run.warm(), period=period)
    yield run.line("map page from the books, 12 months", ours=served)


def tracing_job(run: Run) -> Iterator[Line]:
    """Tracing with no chain remembered; no peer is known."""
    period = run.files.size.period(12).text
    for basis in ("declared", "verified"):
        for cold in (False, True):
            ours = run.timed(
                "tracing:traced_rates",
                run.once,
                url=run.loaded(),
                warm_url=run.warm(),
                period=period,
                basis=basis,
                cold=cold,
            )
            if cold:
                yield run.line(
                    f"tracing for {basis} rates, 12 months, with reading",
                    ours=ours,
                    notes=("registry and roll-up read from the database each time",),
                )
            else:
                yield run.line(
                    f"tracing for {basis} rates, 12 months",
                    ours=ours,
                    bar=Bar(seconds=1.0),
                    notes=("columns of the roll-up in memory",),
                )
    ours = run.timed("tracing:origin_table", run.once, url=run.loaded())
    yield run.line(
        f"tracing, origin x place, {run.files.size.months} months",
        ours=ours,
        bar=Bar(seconds=5.0),
        notes=(f"{ours.facts['cells']:,} cells",),
    )


def check_job(run: Run) -> Iterator[Line]:
    """The proof of the books beside a script that adds up the file again."""
    ours = run.timed("ours:check", run.once - 1, url=run.loaded(), warm_url=run.warm())
    path = str(run.files.shipments)
    script = run.timed("peers:pandas_check", run.once - 1, shipments=path, store=run.duck())
    yield run.line(
        "check",
        ours=ours,
        peers=(("pandas", script),),
        bar=Bar(clean=True),
        figures={"faults": ours.facts["faults"]},
        agreed=compared(ours.facts, [script.facts], "rows", "faults"),
        database_bytes=run.store.size(run.loaded()),
    )


def start_job(run: Run) -> Iterator[Line]:
    """`wasteflow --help` from nothing, beside a Python that does nothing."""
    command = help_command()
    ours = run.timed("ours:start", command=command)
    bare = run.timed("ours:start", command=[command[0], "-c", "pass"])
    # The memory is that of the process that started it: it says nothing.
    ours = replace(ours, peak_bytes=0)
    notes = ("floor: a Python that does nothing",)
    yield Line("wasteflow --help, process", 0, ours=ours, floor=bare, warm=False, notes=notes)


def links_job(run: Run) -> Iterator[Line]:
    """Potential links of 500 producers and 500 receivers, 30 nearest; the books play no part."""
    ours, alone = run.timed("symbiosis:ours"), run.timed("symbiosis:solved")
    simplex = run.timed("symbiosis:network_simplex", run.once)
    yield run.line(
        "potential links, 500 x 500, 30 nearest",
        ours=alone,
        peers=(("network_simplex", simplex),),
        bar=Bar(seconds=0.3),
        agreed=compared(alone.facts, [simplex.facts, ours.facts], "kg", "fen_kg"),
        notes=(f"judging every pair too {ours.median_s:.2f} s",),
    )


JOBS: dict[str, Callable[[Run], Iterator[Line]]] = {
    "import": import_job,
    "upload": upload_job,
    "rates": rates_job,
    "graph": graph_job,
    "map": map_job,
    "tracing": tracing_job,
    "check": check_job,
    "links": links_job,
    "start": start_job,
    "writes": writes_job,
    "http": http_job,
    "concurrent": concurrent_job,
    "beside": beside_job,
}
READING = ("rates", "graph", "map", "tracing")
"""Jobs whose time may not follow the number of loads."""


def growth_lines(lines: Sequence[Line]) -> list[Line]:
    """For every report measured at two sizes on one database: how much longer it took."""
    found = []
    by_name: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.ours is not None and line.job.startswith(READING_WORDS):
            by_name.setdefault((line.job, line.database), []).append(line)
    for (job, database), group in by_name.items():
        small, large = min(group, key=_size), max(group, key=_size)
        if small.loads == large.loads or small.ours is None or large.ours is None:
            continue
        ratio = large.ours.median_s / small.ours.median_s
        text = f"{ratio:.2f} ×, first call {large.ours.first_s / small.ours.first_s:.2f} ×"
        found.append(
            Line(
                f"growth: {job}",
                large.loads,
                database,
                bar=Bar(growth=2),
                figures={"growth": ratio, "shown": text},
                notes=(f"from {small.loads:,} loads",),
            )
        )
    return found


READING_WORDS = ("rates", "flow graph", "map page", "tracing")


def _size(line: Line) -> int:
    return line.loads
