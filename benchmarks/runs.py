"""One size on one database: its files and databases, made when asked for, kept or dropped.

What is measured beside what is the matter of `suite`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.data import Files
from benchmarks.databases import Store
from benchmarks.measuring import Call, Measure, Timing
from benchmarks.peers_import import first_rows
from benchmarks.report import Line
from wasteflow.core.periods import month_text
from wasteflow_models import migrate

WARM_ROWS = 1000
"""Rows an import is warmed with, written nowhere."""


@dataclass(slots=True)
class Run:
    """One size on one database, with what the jobs need and find.

    once: runs of what changes a database, each in a fresh one; runs: of what only reads; clients:
    processes that write through HTTP at once.
    """

    files: Files
    store: Store
    measure: Measure
    runs: int = 5
    once: int = 3
    seconds: float = 60.0
    clients: int = 8
    keep: bool = False
    tiny: Files | None = None
    say: Callable[[str], None] = print
    urls: dict[str, str] = field(default_factory=dict)
    entries: Timing | None = None

    @property
    def loads(self) -> int:
        """Rows of the file of loads."""
        return self.files.size.loads

    def name(self, what: str) -> str:
        """Name of a database of this size."""
        return f"{what}-{self.files.size.key()}"

    def line(self, job: str, **more: Any) -> Line:
        """A line of the table for this size and database."""
        return Line(job, self.loads, self.store.kind, **more)

    def timed(self, function: str, times: int | None = None, /, **options: object) -> Timing:
        """Measure a function of `benchmarks` with its options; times: runs after the first."""
        self.say(f"  {function}")
        call = Call(f"benchmarks.{function}", options)
        return self.measure(call, self.runs if times is None else times)

    # --- databases ---------------------------------------------------------------------

    def template(self) -> str:
        """A database with seed data, registry and entries, to be copied for every import."""
        if "template" not in self.urls:
            url = self.store.new(self.name("template"))
            self.entries = self.timed(
                "ours:books_before_loads", 0, url=url, folder=str(self.files.folder)
            )
            self.urls["template"] = url
        return self.urls["template"]

    def load(self, name: str) -> tuple[str, Timing]:
        """A copy of the template, the file of loads imported into it."""
        url = self.store.copy(self.template(), self.name(name))
        if name == "loaded":
            self._mark.unlink(missing_ok=True)
        timing = self.timed(
            "ours:import_loads",
            0,
            url=url,
            shipments=str(self.files.shipments),
            sample=self.sample(),
        )
        return url, timing

    def sample(self) -> str:
        """A file of the first rows, to warm an import with."""
        out = self.files.folder / "first_rows.csv"
        return str(first_rows(str(self.files.shipments), WARM_ROWS, out))

    def loaded(self) -> str:
        """The database of the reports: of this run's import, kept from an earlier one, or new."""
        if "loaded" not in self.urls:
            kept = self.store.find(self.name("loaded")) if self.keep else None
            if (
                kept is not None
                and self._mark.is_file()
                and migrate.current(kept) == migrate.head()
            ):
                self.urls["loaded"] = kept
            else:
                self.now_loaded(self.load("loaded")[0])
        return self.urls["loaded"]

    @property
    def _mark(self) -> Path:
        """Stands when the loaded database is whole: an import that broke off leaves no mark."""
        return self.files.folder / f"loaded-{self.store.kind}"

    def now_loaded(self, url: str) -> None:
        """Let the reports read this database."""
        self.urls["loaded"] = url
        self._mark.touch()

    def warm(self) -> str:
        """A tiny loaded database on the same kind of server."""
        if "warm" not in self.urls:
            assert self.tiny is not None
            small = Run(self.tiny, self.store, self.measure, say=lambda text: None)
            self.urls["warm"] = small.load("warm")[0]
            self.store.drop(small.urls["template"])
        return self.urls["warm"]

    def duck(self) -> str:
        """The DuckDB tables of the files, made once."""
        if not self.files.duck.is_file():
            paths = self.paths("shipments", "entries", "enterprises", "routes")
            self.timed("peers:duck_file", 0, **paths, store=str(self.files.duck))
        return str(self.files.duck)

    def paths(self, *names: str) -> dict[str, str]:
        """Options that name files."""
        found = self.files.as_options()
        return {name: found[name] for name in names}

    def span(self, months: int) -> dict[str, str]:
        """First and last month as peers read them."""
        period = self.files.size.period(months)
        return {"first": month_text(period.first), "last": month_text(period.last)}

    def drop(self) -> None:
        """Remove the databases of this run; what is kept is only the loaded one."""
        for what, url in self.urls.items():
            if what != "loaded" or not self.keep:
                self.store.drop(url)
        self.urls.clear()
