"""Turns measurements into one table and into the results of docs/performance.md; measures nothing.

A line is met if every bar it has holds; bars are set for a million loads and are shown, not judged,
below that.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.data import MILLION
from benchmarks.measuring import Timing

PACKAGES = (
    "wasteflow",
    "duckdb",
    "folium",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "psycopg",
    "scipy",
    "sqlalchemy",
)
BEGIN, END = "<!-- results: written by ./run bench --write -->", "<!-- end of results -->"
EARLIER = (
    "Jobs that were not run then stand as an earlier run left them, with its day and processor; "
    "load and versions above are not theirs."
)
NOT_RUN = "**No run recorded yet.** `./run bench --write` puts its table here."


@dataclass(frozen=True, slots=True)
class Bar:
    """What 3-architecture 3.5 asks of a job; what is None is not asked.

    seconds: of the median; of_peer, of_floor: our median over theirs in the same run; megabytes:
    of what is made; per_second, p95_ms, slowest_ms: of single writes; clean: no error, no fault.
    """

    seconds: float | None = None
    of_peer: float | None = None
    of_floor: float | None = None
    megabytes: float | None = None
    per_second: float | None = None
    p95_ms: float | None = None
    slowest_ms: float | None = None
    growth: float | None = None
    clean: bool = False

    def text(self) -> str:
        """The bar in words.

        >>> Bar(of_peer=1.5, of_floor=2.5).text()
        '≤ 1.5 × peer, ≤ 2.5 × floor'
        """
        words = (
            (self.seconds, "≤ {:g} s"),
            (self.of_peer, "≤ {:g} × peer"),
            (self.of_floor, "≤ {:g} × floor"),
            (self.megabytes, "≤ {:g} MB"),
            (self.per_second, "≥ {:g}/s"),
            (self.p95_ms, "p95 ≤ {:g} ms"),
            (self.slowest_ms, "slowest ≤ {:g} ms"),
            (self.growth, "≤ {:g} ×"),
        )
        found = [form.format(value) for value, form in words if value is not None]
        return ", ".join([*found, *(["no error, no fault"] if self.clean else [])])


@dataclass(frozen=True, slots=True)
class Line:
    """One job at one size on one database ("" where none is used).

    peers: (name, timing), the first is the one the bar names; `notes` are shown as they are.
    `agreed`: what was compared with the peers, "" where nothing can be.
    """

    job: str
    loads: int
    database: str = ""
    ours: Timing | None = None
    peers: tuple[tuple[str, Timing], ...] = ()
    floor: Timing | None = None
    bar: Bar = Bar()
    warm: bool = True
    database_bytes: int = 0
    agreed: str = ""
    notes: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> str:
        """`met` or `NOT MET`; below a million loads `sound` (no error, no fault) or `-`."""
        if not self.bar.text() or (self.loads < MILLION and not self.bar.clean):
            return "-"
        if self.loads < MILLION:
            return "sound" if self._clean() else "NOT MET"
        return "met" if all(self._held()) else "NOT MET"

    def _clean(self) -> bool:
        return not self.figures.get("errors") and not self.figures.get("faults")

    def _held(self) -> Iterable[bool]:
        bar, ours = self.bar, self.ours
        if bar.clean:
            yield self._clean()
        if bar.per_second is not None:
            yield self.figures["per_second"] >= bar.per_second
        if bar.p95_ms is not None:
            yield self.figures["p95_ms"] <= bar.p95_ms
        if bar.slowest_ms is not None:
            yield self.figures["slowest_ms"] <= bar.slowest_ms
        if bar.growth is not None:
            yield self.figures["growth"] <= bar.growth
        if bar.megabytes is not None:
            yield self.figures["bytes"] / 1e6 <= bar.megabytes
        if ours is None:
            return
        if bar.seconds is not None:
            yield ours.median_s <= bar.seconds
        if bar.of_peer is not None and self.peers:
            yield ours.median_s <= bar.of_peer * self.peers[0][1].median_s
        if bar.of_floor is not None and self.floor is not None:
            yield ours.median_s <= bar.of_floor * self.floor.median_s


# --- the table -----------------------------------------------------------------------------

HEAD = (
    "job",
    "loads",
    "database",
    "ours, median (range)",
    "first call",
    "CPU",
    "peers (ours ÷ theirs)",
    "floor (ours ÷ floor)",
    "bar",
    "",
    "peak memory, ours / peers",
    "database",
    "notes",
    "run of",
)
_KEY = (0, 1, 2)
"""Columns that tell a row from others: job, loads, database."""


def table(lines: Sequence[Line], day: str = "", kept: Sequence[tuple[str, ...]] = ()) -> str:
    """One Markdown table, its columns aligned so that it also reads well in a terminal.

    kept: rows of earlier runs (`rows_of`), which stay where nothing was measured anew; what
    failed does not replace what was measured.
    """
    fresh = [_cells(line, day) for line in lines if not (kept and line.figures.get("failed"))]
    by_key = {_key_of(row): row for row in (*kept, *fresh)}
    return _table([HEAD, *sorted(by_key.values(), key=_rank)])


def _key_of(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[place] for place in _KEY)


def _rank(row: tuple[str, ...]) -> tuple[bool, bool, int]:
    """SQLite before PostgreSQL before neither, growth last, small before large."""
    loads = int(row[1].replace(",", "") or 0)
    return not row[2], row[2] == "postgresql", loads + row[0].startswith("growth")


def rows_of(page: str) -> list[tuple[str, ...]]:
    """The rows of the table that stands in the results of a page; none if it has other columns."""
    shown = page.partition(BEGIN)[2].partition(END)[0]
    rows = [
        tuple(cell.strip() for cell in line[1:-1].split("|"))
        for line in shown.splitlines()
        if line.startswith("|")
    ]
    return rows[2:] if rows and rows[0] == HEAD else []


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * max(3, width) for width in widths) + " |"
    return "\n".join([texts[0], rule, *texts[1:]])


def _cells(line: Line, day: str) -> tuple[str, ...]:
    ours = line.ours
    memory = []
    if ours is not None and ours.peak_bytes:
        memory = [megabytes(ours.peak_bytes), *(megabytes(t.peak_bytes) for _, t in line.peers)]
    notes = [*line.notes, *([f"same {line.agreed}"] if line.agreed else [])]
    return (
        line.job,
        f"{line.loads:,}",
        line.database,
        measured(ours) if ours else line.figures.get("shown", ""),
        seconds(ours.first_s) if ours and line.warm else "",
        seconds(sorted(ours.cpu_s)[len(ours.cpu_s) // 2]) if ours else "",
        "; ".join(f"{name} {_beside(ours, theirs)}" for name, theirs in line.peers),
        _beside(ours, line.floor) if line.floor else "",
        line.bar.text(),
        line.verdict(),
        " / ".join(memory),
        megabytes(line.database_bytes) if line.database_bytes else "",
        "; ".join(notes),
        day,
    )


def _beside(ours: Timing | None, theirs: Timing) -> str:
    if ours is None:
        return seconds(theirs.median_s)
    return f"{seconds(theirs.median_s)} ({ours.median_s / max(theirs.median_s, 1e-9):.2f} ×)"


def measured(timing: Timing) -> str:
    """Median and range of the runs.

    >>> measured(Timing(0.4, (0.21, 0.25, 0.2), (0.2, 0.2, 0.2), 0, {}))
    '0.210 s (0.200-0.250)'
    """
    low, high = timing.spread_s
    if len(timing.seconds) == 1:
        return seconds(timing.median_s)
    return f"{seconds(timing.median_s)} ({_digits(low)}-{_digits(high)})"


def seconds(value: float) -> str:
    """Seconds with three digits that say something.

    >>> seconds(0.0123), seconds(1.234), seconds(71.2)
    ('0.012 s', '1.23 s', '71 s')
    """
    return f"{_digits(value)} s"


def _digits(value: float) -> str:
    if value >= 20:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def megabytes(size: int) -> str:
    """Bytes as megabytes (10⁶)."""
    return f"{size / 1e6:,.0f} MB"


# --- the machine ---------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """What the figures were measured on: processor, cores, memory, system, versions."""
    found = {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        match = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.M)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    return "unknown"


def load_average() -> str:
    """Processes that wanted to run in the last minute: above 0.3 the machine was not quiet."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


# --- the page ------------------------------------------------------------------------------


def results(
    lines: Sequence[Line],
    about: dict[str, str],
    day: str,
    load: str,
    remarks: Sequence[str] = (),
    *,
    kept: Sequence[tuple[str, ...]] = (),
) -> str:
    """The results of a run as Markdown: where, when, the table; kept: rows of earlier runs."""
    names = ("processor", "cores", "memory", "system")
    where = ", ".join(f"{name} {about[name]}" for name in names if name in about)
    packages = ", ".join(f"{name} {text}" for name, text in about.items() if name not in names)
    parts = [
        f"Run of {day}; {where}; load average before the run {load}.",
        f"Versions: {packages}.",
        *remarks,
        *([EARLIER] if kept else []),
        table(lines, ", ".join(filter(None, (day, about.get("processor")))), kept),
    ]
    return "\n\n".join(parts)


def with_results(page: str, text: str) -> str:
    """The page with its results replaced; ValueError if its marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/performance.md has lost its marks {BEGIN} … {END}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
